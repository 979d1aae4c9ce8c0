"""Problems of rules against the tables they select from: unknown columns, values nobody has, empty selections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.files.headers import meanings, normal
from allocsim.files.names import name_problems
from allocsim.files.policies import policy_problems
from allocsim.files.precedence import precedence_problems
from allocsim.model.heads import heads_table, per_head_amount, values_of
from allocsim.model.money import MoneyStep, decimal
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import Change, Comparison, Fix, Grade, PerHeadFloor, Rule, Scalar, Share, Unsound, Where
from allocsim.model.selection import MADE, Selectable, column, holds
from allocsim.model.settings import Settings
from allocsim.model.statement import keyed
from allocsim.model.table import Table

Lines = Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """The lines that rules select from, and where the rules stand."""

    projects: Table
    districts: Table | None
    places: Lines

    def columns(self) -> list[str]:
        """Return every column that a condition may name."""
        of_districts = list(self.districts.columns) if self.districts is not None else []
        return [*self.projects.columns, *of_districts, *MADE]

    def problem(self, key: str, message: Text, hint: Text | None = None) -> Problem:
        """Return a problem of one key."""
        return keyed(key, message, self.places, hint=hint)


def rule_problems(settings: Settings, tables: Mapping[str, Table], places: Lines) -> Iterator[Problem]:
    """Yield what is wrong with rules, policies and other selections of the settings.

    Parameters
    ----------
    settings
        The settings, or what could be saved of them.
    tables
        The tables that could be read.
    places
        Dotted key -> (file, line).
    """
    yield from precedence_problems(settings, places)
    yield from policy_problems(settings, places)
    yield from name_problems(settings, places)
    projects = tables.get("projects")
    if projects is None:
        return
    lines = _Lines(projects=projects, districts=tables.get("districts"), places=places)
    dated = "records" in tables
    for rule in settings.rule:
        key = f"rule.{rule.name}"
        yield from _selection_problems(lines, key, rule.where, rule.except_)
        yield from _column_problems(lines, key, rule, dated=dated)
        if isinstance(rule, Fix):
            yield from _broken_steps(lines, key, rule, MoneyStep(settings.money_step))
        if isinstance(rule, PerHeadFloor):
            yield from _headless(lines, key, rule)
    if settings.agriculture is not None:
        yield from _selection_problems(lines, "agriculture", settings.agriculture.lines, {}, where_word="lines")


def _selection_problems(
    lines: _Lines, key: str, where: Where, except_: Where, *, where_word: str = "where"
) -> Iterator[Problem]:
    """Yield unknown columns and values of a selection, and whether it selects nothing."""
    sound = True
    for part, conditions in ((where_word, where), ("except", except_)):
        for name, condition in conditions.items():
            for problem in _condition_problems(lines, f"{key}.{part}.{name}", name, condition):
                sound = False
                yield problem
    if not sound:
        return
    chosen = stated_part(lines, where)
    if not chosen.any():
        yield lines.problem(
            key, Text(f"'{key}' selects no project", f"“{key}”没有选中任何项目"), _emptiest(lines, where)
        )
    elif except_ and not any(name in MADE for name in except_) and not (chosen & ~stated_part(lines, except_)).any():
        message = Text(
            f"'{key}' selects no project: all of its lines are in 'except'",
            f"“{key}”没有选中任何项目：全部被 except 排除",
        )
        yield lines.problem(key, message)


def _condition_problems(
    lines: _Lines, key: str, name: str, condition: Comparison | Scalar | tuple[Scalar, ...]
) -> Iterator[Problem]:
    if name in MADE and name not in lines.projects:
        return
    try:
        values = column(lines, name, {})
    except KeyError:
        message = Text(f"'{key}': there is no column '{name}'", f"“{key}”：没有“{name}”列")
        yield lines.problem(key, message, _column_hint(lines, name))
        return
    numeric = values.dtype.kind == "f"
    if isinstance(condition, Comparison):
        if not numeric:
            message = Text(f"'{key}' compares numbers, but '{name}' holds text", f"“{key}”比较大小，但“{name}”列是文字")
            yield lines.problem(key, message)
        return
    wanted = condition if isinstance(condition, tuple) else (condition,)
    if not wanted:
        yield lines.problem(key, Text(f"'{key}' is an empty list", f"“{key}”是空列表"))
    for value in wanted:
        if not holds(values, value).any():
            message = Text(f"'{key}': no project has {name} = {value}", f"“{key}”：没有项目的“{name}”为“{value}”")
            yield lines.problem(key, message, _value_hint(values, value))


def _value_hint(values: NDArray[Any], value: Scalar) -> Text | None:
    if values.dtype.kind != "f":
        return did_you_mean(str(value), [text for text in values.tolist() if text])
    if np.isnan(values).all():
        return Text("the column is empty", "该列为空")
    low, high = np.nanmin(values), np.nanmax(values)
    return Text(f"the column runs from {low:.15g} to {high:.15g}", f"该列取值为{low:.15g}至{high:.15g}")


def _column_hint(lines: _Lines, name: str) -> Text | None:
    """Return the canonical column that a header means, else the nearest column."""
    for table in ("projects", "districts"):
        meant = meanings(table).get(normal(name))
        if meant is not None and meant.key != name and meant.key in lines.columns():
            return Text(f"write '{meant.key}'", f"请写“{meant.key}”")
    return did_you_mean(name, lines.columns())


def stated_part(lines: Selectable, where: Where) -> NDArray[np.bool_]:
    """Return the lines that meet the conditions on tables, shape (p,); columns made later may pick any of them."""
    chosen = np.ones(len(lines.projects), dtype=np.bool_)
    for name, condition in where.items():
        if name not in MADE or name in lines.projects:
            chosen &= holds(column(lines, name, {}), condition)
    return chosen


def _emptiest(lines: _Lines, where: Where) -> Text | None:
    """Return how many lines each condition leaves on its own."""
    counts = {name: int(stated_part(lines, {name: condition}).sum()) for name, condition in where.items()}
    en = ", ".join(f"{name}: {count}" for name, count in counts.items())
    return Text(f"lines that meet each condition: {en}", f"各条件单独选中的项目数：{en}")


def _column_problems(lines: _Lines, key: str, rule: Rule, *, dated: bool) -> Iterator[Problem]:
    """Yield columns of ``by``, ``of`` and ``less`` that are absent or hold no numbers."""
    if not isinstance(rule, Change | Grade) and rule.by is not None and rule.by not in lines.columns():
        message = Text(f"'{key}.by': there is no column '{rule.by}'", f"“{key}.by”：没有“{rule.by}”列")
        yield lines.problem(f"{key}.by", message, _column_hint(lines, rule.by))
    if isinstance(rule, Change | Grade | Share):
        if not dated and "last_budget" not in lines.projects and not isinstance(rule, Share):
            message = Text(f"'{key}' needs last budgets, and there are none", f"“{key}”需要上年预算数，但没有")
            yield lines.problem(key, message, Text("fill in 'last_budget'", "请填写“上年预算数”"))
        return
    if isinstance(rule, PerHeadFloor):
        return
    for part, name in (("of", rule.of), ("less", rule.less)):
        if name is None or (name == "last_budget" and (dated or name in lines.projects)):
            continue
        if name not in lines.projects:
            message = Text(f"'{key}.{part}': there is no column '{name}'", f"“{key}.{part}”：没有“{name}”列")
            numeric = [each for each in lines.projects.columns if lines.projects.is_number(each)]
            yield lines.problem(f"{key}.{part}", message, _column_hint(lines, name) or did_you_mean(name, numeric))
        elif not lines.projects.is_number(name):
            message = Text(
                f"'{key}.{part}': '{name}' holds text, no numbers", f"“{key}.{part}”：“{name}”列是文字，不是数字"
            )
            yield lines.problem(f"{key}.{part}", message)


def _broken_steps(lines: _Lines, key: str, rule: Fix, step: MoneyStep) -> Iterator[Problem]:
    """Yield a fixed amount that is no whole number of money steps: no plan can keep it."""
    if rule.amount is None or step.is_whole(rule.amount):
        return
    near = step.money(step.down(decimal(rule.amount)))
    yield lines.problem(
        f"{key}.amount",
        Text(
            f"'{key}' fixes {rule.amount:.15g}, which is no whole multiple of money_step {step.size:g}",
            f"“{key}”锁定的{rule.amount:.15g}不是 money_step（{step.size:g}）的整数倍",
        ),
        Text(f"such as {near:.15g}, or a smaller money_step", f"如{near:.15g}，或改小 money_step"),
    )


def _headless(lines: _Lines, key: str, rule: PerHeadFloor) -> Iterator[Problem]:
    """Yield what keeps a floor per head from a number: no column of heads, or a value whose heads are unknown.

    A selection by columns made later is left to the plan, which alone knows the lines.
    """
    conditions = {**rule.where, **rule.except_}
    named = [*conditions, rule.by]
    if any(name not in lines.columns() or (name in MADE and name not in lines.projects) for name in named):
        return
    if heads_table(rule, lines.projects, lines.districts) is None:
        yield _no_heads(lines, key, rule)
        return
    chosen = stated_part(lines, rule.where)
    if rule.except_:
        chosen &= ~stated_part(lines, rule.except_)
    found = values_of(column(lines, rule.by, {}), np.flatnonzero(chosen).tolist())
    if chosen.any() and not found:
        message = Text(
            f"'{key}' binds nothing: its lines have no '{rule.by}'", f"“{key}”的项目都没有填“{rule.by}”，规则不起作用"
        )
        yield lines.problem(f"{key}.by", message)
    for value, members in found:
        try:
            per_head_amount(rule, value, members, projects=lines.projects, districts=lines.districts)
        except Unsound as error:
            yield lines.problem(key, Text(f"'{key}': {error.text.en}", f"“{key}”：{error.text.zh}"))


def _no_heads(lines: _Lines, key: str, rule: PerHeadFloor) -> Problem:
    """Return that no table has the column of heads, or that it holds text."""
    name = rule.heads
    if name in lines.columns() and name not in MADE:
        message = Text(f"'{key}': '{name}' holds text, no numbers", f"“{key}”：“{name}”列是文字，不是数字")
        return lines.problem(f"{key}.heads", message)
    message = Text(
        f"'{key}' needs heads, and no table has a column '{name}'", f"“{key}”需要人数，但各表中没有“{name}”列"
    )
    add = Text(
        "add the column to the districts table, or name another one with 'heads'",
        "请在区县表中增加该列，或用 heads 指明其他列",
    )
    stated = "heads" in rule.model_fields_set
    return lines.problem(f"{key}.heads" if stated else key, message, _column_hint(lines, name) if stated else add)
