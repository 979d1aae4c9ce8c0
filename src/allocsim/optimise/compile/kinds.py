"""From rules as stated to limits in whole steps: every kind of rule, and those that bound amounts of money."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from allocsim.model.arrays import integers
from allocsim.model.heads import heads_table, per_head_amount
from allocsim.model.money import decimal
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import AmountRule, Change, Grade, PerHeadFloor, Rule, Share, Unsound
from allocsim.optimise.compile.book import EXACT, Book, Compiled, products, total
from allocsim.optimise.compile.choices import all_or_nothing, exclusive, few_moves, minimum_viable, requires
from allocsim.optimise.compile.coefficients import limit
from allocsim.optimise.compile.factors import by_factors
from allocsim.optimise.limits import FREE, Each, Sense, Sum

_ONE = Decimal(1)


def amounts(rule: AmountRule, source: int, at: Book) -> Compiled:
    """Bind each line or the sum, for floor, ceiling and fix: ``amount``, or ``times`` x ``of`` - ``less``.

    A line whose ``of`` is missing is not bound line by line and adds nothing to a sum; an amount below zero is zero,
    for new money cannot be less.
    """
    lines = at.lines(rule)
    if rule.of is not None:
        per_line = products(rule, at, of=rule.of, times=rule.times, less=rule.less)
    elif rule.scope == "each":
        per_line = dict.fromkeys(lines.tolist(), decimal(rule.amount or 0.0))
    else:
        per_line = {}
    if rule.scope == "each":
        bound = [line for line in lines.tolist() if line in per_line]
        return Compiled(each=(_each(rule, source, at, bound, [per_line[line] for line in bound]),))
    together = []
    for label, members in at.rows(rule, lines):
        amount = decimal(rule.amount or 0.0)
        if rule.of is not None:
            amount = total(per_line[line] for line in members.tolist() if line in per_line)
        level = _whole(rule, at, rule.kind, amount)
        together.append(Sum(source=source, label=label, sense=rule.kind, members=members, level=level))
    return Compiled(sums=tuple(together))


def change(rule: Change, source: int, at: Book) -> Compiled:
    """Hold each line that has a last budget between (1 + least) and (1 + most) times it."""
    lines = [line for line in at.lines(rule).tolist() if at.last[line] > 0]
    step = at.scenario.step
    least, most = (EXACT.add(_ONE, decimal(share)) for share in rule.change)
    last = [decimal(at.last[line]) for line in lines]
    low = [max(0, step.up(EXACT.multiply(least, each))) for each in last]
    high = [max(0, step.down(EXACT.multiply(most, each))) for each in last]
    return Compiled(each=(Each(source=source, project=integers(lines), low=integers(low), high=integers(high)),))


def share(rule: Share, source: int, at: Book) -> Compiled:
    """Hold the selection between two shares of the total, the number that the budget states."""
    total, step = decimal(at.scenario.settings.budget.total), at.scenario.step
    least, most = (EXACT.multiply(decimal(part), total) for part in rule.share)
    together = []
    for label, members in at.rows(rule, at.lines(rule)):
        if rule.share[0] > 0:
            level = step.up(least)
            together.append(Sum(source=source, label=label, sense="floor", members=members, level=level))
        if rule.share[1] < 1:
            level = step.down(most)
            together.append(Sum(source=source, label=label, sense="ceiling", members=members, level=level))
    return Compiled(sums=tuple(together))


def grade(rule: Grade, source: int, at: Book) -> Compiled:
    """Cap each line by the grade of its latest evaluation that counts, at a share of last budget."""
    unknown = [key for key in rule.cut if at.grades and key not in at.grades]
    for key in unknown:
        at.refuse(rule, f"unknown grade '{key}'", f"未知的等级“{key}”", hint=did_you_mean(key, at.grades))
    grades = at.made["grade"]
    lines = [line for line in at.lines(rule).tolist() if grades[line] in rule.cut and not np.isnan(at.last[line])]
    high = [
        at.scenario.step.down(EXACT.multiply(decimal(rule.cut[grades[line]]), decimal(at.last[line]))) for line in lines
    ]
    return Compiled(each=(_ceilings(source, lines, high),))


def per_head_floor(rule: PerHeadFloor, source: int, at: Book) -> Compiled:
    """Hold the lines of each value of ``by`` together at ``amount`` times its heads, rounded up to the step."""
    projects, districts = at.scenario.projects, at.scenario.districts
    if heads_table(rule, projects, districts) is None:
        at.refuse(
            rule,
            f"no table counts heads in a number column '{rule.heads}'",
            f"各表中没有数字列“{rule.heads}”",
            hint=at.near(rule.heads),
        )
        return Compiled()
    together = []
    for label, members in at.rows(rule, at.lines(rule)):
        try:
            amount = per_head_amount(rule, label, members, projects=projects, districts=districts)
        except Unsound as error:
            at.refuse(rule, error.text.en, error.text.zh)
            continue
        level = at.scenario.step.up(amount)
        together.append(Sum(source=source, label=label, sense="floor", members=members, level=level))
    return Compiled(sums=tuple(together))


KINDS: dict[str, Callable[[Any, int, Book], Compiled]] = {
    "floor": amounts,
    "ceiling": amounts,
    "fix": amounts,
    "change": change,
    "share": share,
    "grade": grade,
    "per_head_floor": per_head_floor,
    "limit": limit,
    "exclusive": exclusive,
    "requires": requires,
    "minimum_viable": minimum_viable,
    "all_or_nothing": all_or_nothing,
    "few_moves": few_moves,
    "by_factors": by_factors,
}
"""Kind of rule -> how it is compiled: (rule, index of its source, book) -> what it becomes."""


def _each(rule: AmountRule, source: int, at: Book, lines: list[int], wanted: list[Decimal]) -> Each:
    levels = [_whole(rule, at, rule.kind, amount) for amount in wanted]
    if rule.kind == "ceiling":
        return _ceilings(source, lines, levels)
    high = levels if rule.kind == "fix" else [FREE] * len(levels)
    return Each(source=source, project=integers(lines), low=integers(levels), high=integers(high))


def _ceilings(source: int, lines: list[int], high: list[int]) -> Each:
    return Each(source=source, project=integers(lines), low=integers([0] * len(lines)), high=integers(high))


def _whole(rule: Rule, at: Book, sense: Sense, amount: Decimal) -> int:
    """Return an amount in steps: floors up, ceilings down, a fix as it is or not at all."""
    step = at.scenario.step
    if amount < 0:
        return 0
    if sense == "fix" and not step.is_whole(amount):
        shown, size = f"{amount.normalize():f}", f"{step.size:.15g}"
        at.refuse(
            rule,
            f"the fixed amount {shown} is not a whole multiple of money_step {size}",
            f"锁定金额{shown}不是 money_step {size} 的整数倍",
        )
    return step.down(amount) if sense == "ceiling" else step.up(amount)
