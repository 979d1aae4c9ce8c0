"""Limits on a column times the money, compiled: staff, land, any scarce thing, counted in whole grains."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, gcd, lcm

from allocsim.errors import Text
from allocsim.model.arrays import IntArray, integers
from allocsim.model.money import decimal
from allocsim.model.rule import Limit
from allocsim.optimise.compile.book import Book, Compiled
from allocsim.optimise.limits import Sum

MOST_GRAINS = 2**62
"""Activities up to here are exact in 64 bits, and twice as much does not overflow."""


def limit(rule: Limit, source: int, at: Book) -> Compiled:
    """Hold the sum of ``column`` x amount of the selection, or of each value of ``by``, at ``amount`` at most.

    What one step of each line takes is exact: a grain is the largest amount of which every line's step takes a whole
    number, so the limit rounds down to whole grains without changing what it allows. A missing number counts 0, and
    lines of 0 are left out; where all are, nothing is limited.
    """
    column = at.number(rule, rule.column)
    lines = at.lines(rule).tolist()
    negative = [line for line in lines if column[line] < 0]
    if negative:
        who = at.named(negative)
        at.refuse(
            rule,
            f"'{rule.column}' is below zero for {who.en}, and a limit counts what is used",
            f"{who.zh}的“{rule.column}”小于零，而限额只计使用量",
            hint=Text("correct the column, or leave these lines out with 'except'", "请更正该列，或用 except 排除"),
        )
        return Compiled()
    sums = []
    for label, members in at.rows(rule, integers([line for line in lines if column[line] > 0])):
        if members.size:
            sums.append(_weighted(rule, source, at, label, members, [column[line] for line in members.tolist()]))
    return Compiled(sums=tuple(each for each in sums if each is not None))


def _weighted(rule: Limit, source: int, at: Book, label: str, members: IntArray, taken: Sequence[float]) -> Sum | None:
    """Return one limit in grains; None, and a problem, where its numbers have too many digits to be counted exactly."""
    step = at.scenario.step
    size = Fraction(decimal(step.size))
    asked, used = Fraction(decimal(rule.amount)), [Fraction(decimal(each)) * size for each in taken]
    # What a soft limit costs counts from its very number, which must then be whole grains too.
    exact = not rule.hard and asked > 0
    weight, grain = grains([*used, asked] if exact else used)
    weight = weight[: len(used)]
    level = floor(asked / grain)
    most = max(level, sum(weight) * (step.down(at.scenario.settings.budget.total) + 1))
    if most >= MOST_GRAINS:
        fewer = len(str(most // MOST_GRAINS))
        at.refuse(
            rule,
            f"the numbers of '{rule.column}' have too many digits to be counted exactly in money_step {step.size:.15g}",
            f"“{rule.column}”列的数字位数过多，无法按 money_step（{step.size:.15g}）精确计数",
            hint=Text(
                f"round '{rule.column}' to {fewer} digit(s) fewer, or state a larger money_step",
                f"请将“{rule.column}”少写{fewer}位数字，或改大 money_step",
            ),
        )
        return None
    return Sum(
        source=source,
        label=label,
        sense="ceiling",
        members=members,
        level=level,
        weight=integers(weight),
        grain=float(grain),
    )


def grains(taken: Sequence[Fraction]) -> tuple[list[int], Fraction]:
    """Return fractions above zero as whole multiples of the largest fraction of which all are multiples, and that.

    Examples
    --------
    >>> grains([Fraction("1.5"), Fraction("0.25")])
    ([6, 1], Fraction(1, 4))
    """
    common = lcm(*(each.denominator for each in taken))
    whole = [each.numerator * (common // each.denominator) for each in taken]
    shared = gcd(*whole)
    return [each // shared for each in whole], Fraction(shared, common)
