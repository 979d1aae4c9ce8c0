"""Problems of rules against the tables they select from: unknown columns, values nobody has, empty selections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.files.bound_lines import line_problems, pot_problems
from allocsim.files.equity import equity_problems
from allocsim.files.lines import Lines, Places
from allocsim.files.names import name_problems
from allocsim.files.policies import policy_problems
from allocsim.files.precedence import precedence_problems
from allocsim.files.rule_columns import column_problems
from allocsim.model.money import MoneyStep
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import Comparison, Requires, Rule, Scalar, Where
from allocsim.model.selection import MADE, Selectable, column, holds
from allocsim.model.settings import Settings
from allocsim.model.table import Table


def rule_problems(settings: Settings, tables: Mapping[str, Table], places: Places) -> Iterator[Problem]:
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
    lines = Lines(projects=projects, districts=tables.get("districts"), places=places)
    dated, step = "records" in tables, MoneyStep(settings.money_step)
    chosen = {rule.name: _chosen(lines, rule) for rule in settings.rule}
    for rule in settings.rule:
        key = f"rule.{rule.name}"
        yield from _selection_problems(lines, key, rule.where, rule.except_)
        if isinstance(rule, Requires):
            yield from _selection_problems(lines, key, rule.then, {}, where_word="then", whole=f"{key}.then")
        yield from column_problems(lines, key, rule, dated=dated)
        yield from line_problems(lines, key, rule, chosen=chosen[rule.name], step=step)
    yield from pot_problems(lines, settings.rule, chosen)
    yield from equity_problems(lines, settings.equity)
    if settings.agriculture is not None:
        yield from _selection_problems(lines, "agriculture", settings.agriculture.lines, {}, where_word="lines")


def _chosen(lines: Lines, rule: Rule) -> NDArray[np.bool_] | None:
    """Return the lines that a rule bounds, counts or requires (p,); None where only the plan knows them.

    That is so where it selects by a column made later, or by one that there is none of.
    """
    conditions = [rule.where, rule.except_, *([rule.then] if isinstance(rule, Requires) else [])]
    named = {name for where in conditions for name in where}
    if any(name not in lines.columns() or (name in MADE and name not in lines.projects) for name in named):
        return None
    chosen = stated_part(lines, rule.where)
    if rule.except_:
        chosen &= ~stated_part(lines, rule.except_)
    return chosen | stated_part(lines, rule.then) if isinstance(rule, Requires) else chosen


def _selection_problems(
    lines: Lines, key: str, where: Where, except_: Where, *, where_word: str = "where", whole: str | None = None
) -> Iterator[Problem]:
    """Yield unknown columns and values of a selection, and whether it selects nothing; ``whole`` is its key then."""
    sound, whole = True, whole or key
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
            whole, Text(f"'{whole}' selects no project", f"“{whole}”没有选中任何项目"), _emptiest(lines, where)
        )
    elif except_ and not any(name in MADE for name in except_) and not (chosen & ~stated_part(lines, except_)).any():
        message = Text(
            f"'{key}' selects no project: all of its lines are in 'except'",
            f"“{key}”没有选中任何项目：全部被 except 排除",
        )
        yield lines.problem(key, message)


def _condition_problems(
    lines: Lines, key: str, name: str, condition: Comparison | Scalar | tuple[Scalar, ...]
) -> Iterator[Problem]:
    if name in MADE and name not in lines.projects:
        return
    try:
        values = column(lines, name, {})
    except KeyError:
        message = Text(f"'{key}': there is no column '{name}'", f"“{key}”：没有“{name}”列")
        yield lines.problem(key, message, lines.hint(name))
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


def stated_part(lines: Selectable, where: Where) -> NDArray[np.bool_]:
    """Return the lines that meet the conditions on tables, shape (p,); columns made later may pick any of them."""
    chosen = np.ones(len(lines.projects), dtype=np.bool_)
    for name, condition in where.items():
        if name not in MADE or name in lines.projects:
            chosen &= holds(column(lines, name, {}), condition)
    return chosen


def _emptiest(lines: Lines, where: Where) -> Text | None:
    """Return how many lines each condition leaves on its own."""
    counts = {name: int(stated_part(lines, {name: condition}).sum()) for name, condition in where.items()}
    en = ", ".join(f"{name}: {count}" for name, count in counts.items())
    return Text(f"lines that meet each condition: {en}", f"各条件单独选中的项目数：{en}")
