"""Problems of the lines that a rule binds: numbers that they miss, and rules that cannot be combined on one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.files.lines import Lines
from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.heads import heads_table, per_head_amount, values_of
from allocsim.model.money import MoneyStep, decimal
from allocsim.model.rule import (
    AllOrNothing,
    ByFactors,
    ChoiceRule,
    FewMoves,
    Fix,
    Limit,
    PerHeadFloor,
    Rule,
    Unsound,
)
from allocsim.model.selection import MADE, column

Chosen = NDArray[np.bool_] | None
"""The lines that a rule binds (p,); None where only the plan knows them."""
MEND = Text("correct the column, or leave these lines out with 'except'", "请更正该列，或用 except 排除这些项目")


def line_problems(lines: Lines, key: str, rule: Rule, *, chosen: Chosen, step: MoneyStep) -> Iterator[Problem]:
    """Yield what the lines of one rule lack for it.

    Parameters
    ----------
    lines
        The lines that the rule selects from.
    key
        Of the rule.
    rule
        The rule.
    chosen
        Those that it binds (p,), None where only the plan knows them; then little can be told.
    step
        The whole money.
    """
    if isinstance(rule, Fix):
        yield from _broken_steps(lines, key, rule, step)
    if chosen is None or not chosen.any():
        return
    if isinstance(rule, PerHeadFloor):
        yield from _headless(lines, key, rule, chosen)
    if isinstance(rule, AllOrNothing):
        yield from _without_most(lines, key, chosen, step)
    if isinstance(rule, Limit):
        yield from _unlimited(lines, key, rule, chosen)
    if isinstance(rule, ByFactors):
        for name in rule.factors:
            yield from _no_factor(lines, key, rule, name, chosen)


def pot_problems(lines: Lines, rules: Sequence[Rule], chosen: Mapping[str, Chosen]) -> Iterator[Problem]:
    """Yield lines that are in two pots, or in a pot and under a rule of what is funded or moved.

    Parameters
    ----------
    lines
        The lines that rules select from.
    rules
        All rules.
    chosen
        Name of a rule -> the lines that it binds (p,), None where only the plan knows them.
    """
    known = [(rule, mask) for rule in rules if (mask := chosen[rule.name]) is not None]
    pots = [(rule, _in_pots(lines, rule, mask)) for rule, mask in known if isinstance(rule, ByFactors)]
    hint = Text("leave it out of one of them with 'except'", "请用 except 将其从其中一条规则排除")
    for number, (rule, mine) in enumerate(pots):
        key = f"rule.{rule.name}"
        for other, their in pots[:number]:
            if (mine & their).any():
                who = lines.named(np.flatnonzero(mine & their).tolist())
                en = f"'{key}' and 'rule.{other.name}' both split the money of {who.en}: a line has one pot only"
                zh = f"“{key}”与“rule.{other.name}”都分配{who.zh}的资金：一个项目只能属于一个资金池"
                yield lines.problem(key, Text(en, zh), hint)
        for choice, their in known:
            if isinstance(choice, ChoiceRule | FewMoves) and (mine & their).any():
                who = lines.named(np.flatnonzero(mine & their).tolist())
                en = f"'{key}' and 'rule.{choice.name}' ({choice.kind}) cannot be combined on one line: {who.en}"
                zh = f"“{key}”与“rule.{choice.name}”（{choice.kind}）不能用于同一项目：{who.zh}"
                yield lines.problem(key, Text(en, zh), hint)


def _broken_steps(lines: Lines, key: str, rule: Fix, step: MoneyStep) -> Iterator[Problem]:
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


def _headless(lines: Lines, key: str, rule: PerHeadFloor, chosen: NDArray[np.bool_]) -> Iterator[Problem]:
    """Yield what keeps a floor per head from a number: no column of heads, or a value whose heads are unknown."""
    found = _values(lines, rule.by, chosen)
    if found is None:
        return
    if heads_table(rule, lines.projects, lines.districts) is None:
        yield _no_heads(lines, key, rule)
        return
    if not found:
        message = Text(
            f"'{key}' binds nothing: its lines have no '{rule.by}'", f"“{key}”的项目都没有填“{rule.by}”，规则不起作用"
        )
        yield lines.problem(f"{key}.by", message)
    for value, members in found:
        try:
            per_head_amount(rule, value, members, projects=lines.projects, districts=lines.districts)
        except Unsound as error:
            yield lines.problem(key, Text(f"'{key}': {error.text.en}", f"“{key}”：{error.text.zh}"))


def _no_heads(lines: Lines, key: str, rule: PerHeadFloor) -> Problem:
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
    return lines.problem(f"{key}.heads" if stated else key, message, lines.hint(name) if stated else add)


def _without_most(lines: Lines, key: str, chosen: NDArray[np.bool_], step: MoneyStep) -> Iterator[Problem]:
    """Yield lines that get all or nothing, but of which nobody knows what all is, or of which it is nothing."""
    if "max" in lines.projects and not lines.projects.is_number("max"):
        return  # told where the table is read
    most = lines.projects.number("max")
    missing = np.flatnonzero(chosen & np.isnan(most)).tolist()
    if missing:
        who = lines.named(missing)
        message = Text(f"'{key}': 'max' is missing for {who.en}", f"“{key}”：{who.zh}没有填写上限数（max）")
        yield lines.problem(key, message, Text("fill in 'max'", "请填写“上限数”"))
    small = [row for row in np.flatnonzero(chosen & ~np.isnan(most)).tolist() if step.down(float(most[row])) < 1]
    if small:
        who = lines.named(small)
        message = Text(
            f"'{key}': 'max' is below one money_step {step.size:.15g} for {who.en}",
            f"“{key}”：{who.zh}的上限数（max）不足一个 money_step（{step.size:.15g}）",
        )
        hint = Text("raise 'max', or leave these lines out with 'except'", "请调高上限数，或用 except 排除这些项目")
        yield lines.problem(key, message, hint)


def _unlimited(lines: Lines, key: str, rule: Limit, chosen: NDArray[np.bool_]) -> Iterator[Problem]:
    """Yield coefficients below zero, and a limit of which no line uses anything."""
    values = _numbers(lines, rule.column)
    if values is None:
        return
    yield from _below_zero(lines, f"{key}.column", rule.column, values, chosen)
    if not np.nan_to_num(values[chosen]).any():
        message = Text(
            f"'{key}' limits nothing: its lines have no '{rule.column}'",
            f"“{key}”的项目都没有填“{rule.column}”，规则不起作用",
        )
        yield lines.problem(f"{key}.column", message, Text("fill the column in", "请填写该列"))


def _no_factor(lines: Lines, key: str, rule: ByFactors, name: str, chosen: NDArray[np.bool_]) -> Iterator[Problem]:
    """Yield a factor below zero, and pots in which no line has any of it."""
    values = _numbers(lines, name)
    pots = _values(lines, rule.by, chosen)
    if values is None or pots is None:
        return
    yield from _below_zero(lines, f"{key}.factors.{name}", name, values, chosen)
    empty = [label for label, members in pots if not np.nan_to_num(values[members]).any()]
    if empty:
        label = "、".join(empty[:3])
        of_en, of_zh = (f" in the pot of '{', '.join(empty[:3])}'", f"“{label}”的") if label else ("", "")
        message = Text(
            f"'{key}': no line{of_en} has any '{name}' to split by",
            f"“{key}”：{of_zh}资金池中没有项目填写因素“{name}”，无法据以分配",
        )
        hint = Text("fill the column in, or take the factor out", "请填写该列，或去掉这一因素")
        yield lines.problem(f"{key}.factors.{name}", message, hint)


def _below_zero(lines: Lines, key: str, name: str, values: FloatArray, chosen: NDArray[np.bool_]) -> Iterator[Problem]:
    below = np.flatnonzero(chosen & (np.nan_to_num(values) < 0)).tolist()
    if below:
        who = lines.named(below)
        message = Text(f"'{key}': '{name}' is below zero for {who.en}", f"“{key}”：{who.zh}的“{name}”小于零")
        yield lines.problem(key, message, MEND)


def _numbers(lines: Lines, name: str) -> FloatArray | None:
    """Return a number column over the lines (p,); None where there is none, it holds text, or is completed later."""
    if name in (*MADE, "last_budget") or name not in lines.columns():
        return None
    values = column(lines, name, {})
    return np.asarray(values, dtype=np.float64) if values.dtype.kind == "f" else None


def _values(lines: Lines, by: str | None, chosen: NDArray[np.bool_]) -> list[tuple[str, IntArray]] | None:
    """Return the lines of each value of ``by``, all as one where there is none; None where the plan alone knows."""
    rows = np.flatnonzero(chosen)
    if by is None:
        return [("", rows)]
    if by not in lines.columns() or (by in MADE and by not in lines.projects):
        return None
    return values_of(column(lines, by, {}), rows.tolist())


def _in_pots(lines: Lines, rule: ByFactors, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the lines of a rule that are in one of its pots (p,): those without a value of ``by`` are in none."""
    held = np.zeros_like(chosen)
    for _, members in _values(lines, rule.by, chosen) or []:
        held[members] = True
    return held
