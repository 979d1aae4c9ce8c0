"""Pots split by a formula over columns (因素法), compiled: whole keys to which the parts of a pot are proportional."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from allocsim.errors import Text
from allocsim.model.arrays import FloatArray, IntArray, integers
from allocsim.model.money import decimal
from allocsim.model.rule import ByFactors, Rule
from allocsim.optimise.compile.book import Book, Compiled
from allocsim.optimise.compile.coefficients import grains
from allocsim.optimise.limits import Each, Pot

MOST_KEY = 2**31
"""The keys of a pot add up to this at most, but for lines so small that they would round to nothing."""


def by_factors(rule: ByFactors, source: int, at: Book) -> Compiled:
    """Split the money of the selection, or of each value of ``by``, by a formula: only the size of the pot is planned.

    A line's part is the weighted mean, weights normalised, of its parts of the factors; a missing number counts 0. A
    line that has nothing of any factor gets nothing, and leaves the pot. Keys are exact where they add up to
    :data:`MOST_KEY` at most; larger ones are scaled to that sum by largest remainders, at least 1 each, which moves a
    line's part by about 2^-31 of the pot.
    """
    lines = at.lines(rule)
    columns = {name: at.number(rule, name) for name in rule.factors}
    if at.refused(rule) or _negative(rule, at, columns, lines):
        return Compiled()
    nothing: list[int] = []
    pots, codes = [], at.scenario.projects.text("id")
    for label, members in at.rows(rule, lines):
        parts = _parts(rule, at, columns, label, members.tolist())
        held = sorted((line for line, part in parts.items() if part > 0), key=lambda line: codes[line])
        nothing += [line for line, part in parts.items() if part == 0]
        if held:
            key, _ = grains([parts[line] for line in held])
            pots.append(Pot(source=source, label=label, members=integers(held), key=integers(scaled(key))))
    none = integers([0] * len(nothing))
    each = (Each(source=source, project=integers(sorted(nothing)), low=none, high=none),) if nothing else ()
    return Compiled(each=each, pots=tuple(pots))


def scaled(key: Sequence[int]) -> list[int]:
    """Return keys that add up to :data:`MOST_KEY` at most, by largest remainders, the first of equal ones first."""
    total = sum(key)
    if total <= MOST_KEY:
        return list(key)
    whole, rest = zip(*(divmod(each * MOST_KEY, total) for each in key), strict=True)
    order = sorted(range(len(key)), key=lambda place: (-rest[place], place))
    more = set(order[: MOST_KEY - sum(whole)])
    return [max(1, each + (place in more)) for place, each in enumerate(whole)]


def pots_alone(at: Book, compiled: Sequence[Compiled]) -> None:
    """Note the lines that are in two pots, or in a pot and under a rule of what is funded or moved.

    Parameters
    ----------
    at
        Grows by a problem for each pair of rules that share lines.
    compiled
        What every rule became, in order.
    """
    rules = at.scenario.settings.rule
    pots = {source: _in_pots(each) for source, each in enumerate(compiled) if isinstance(rules[source], ByFactors)}
    for source, mine in pots.items():
        for other, their in pots.items():
            if other < source and mine & their:
                _two_pots(at, rules[source], rules[other], sorted(mine & their))
        for other, each in enumerate(compiled):
            shared = sorted(mine & _chosen(each)) if other not in pots else []
            if shared:
                _pot_and_choice(at, rules[source], rules[other], shared)


def _parts(
    rule: ByFactors, at: Book, columns: dict[str, FloatArray], label: str, members: Sequence[int]
) -> dict[int, Fraction]:
    """Return what is each line's of its pot, times the sum of all weights.

    No line has a part, and there is a problem, where a factor is empty for all of them.
    """
    parts = dict.fromkeys(members, Fraction(0))
    for name, weight in rule.factors.items() if members else ():
        held = {line: Fraction(decimal(np.nan_to_num(columns[name][line]))) for line in members}
        whole = sum(held.values())
        if not whole:
            of_en, of_zh = (f" in the pot of '{label}'", f"“{label}”的") if label else ("", "")
            at.refuse(
                rule,
                f"no line{of_en} has any '{name}' to split by",
                f"{of_zh}资金池中没有项目填写因素“{name}”，无法据以分配",
                hint=Text("fill the column in, or take the factor out", "请填写该列，或去掉这一因素"),
            )
            return {}
        parts = {line: part + Fraction(decimal(weight)) * held[line] / whole for line, part in parts.items()}
    return parts


def _negative(rule: ByFactors, at: Book, columns: dict[str, FloatArray], lines: IntArray) -> bool:
    """Note factors below zero."""
    found = False
    for name, values in columns.items():
        below = [line for line in lines.tolist() if values[line] < 0]
        if below:
            who, found = at.named(below), True
            at.refuse(
                rule,
                f"factor '{name}' is below zero for {who.en}, and no part of a pot is",
                f"{who.zh}的因素“{name}”小于零，无法据以分配",
                hint=Text("correct the column, or leave these lines out with 'except'", "请更正该列，或用 except 排除"),
            )
    return found


def _in_pots(compiled: Compiled) -> set[int]:
    """Return the lines that a formula splits money over, those that it leaves with nothing among them."""
    held = [pot.members for pot in compiled.pots] + [limit.project for limit in compiled.each]
    return {line for lines in held for line in lines.tolist()}


def _chosen(compiled: Compiled) -> set[int]:
    """Return the lines of which a rule says whether, or from where on, they are funded or moved."""
    held = [compiled.optional, *(parts.project for parts in compiled.parts)]
    return {line for lines in [*held, *(choice.members for choice in compiled.choices)] for line in lines.tolist()}


def _two_pots(at: Book, rule: Rule, other: Rule, lines: Sequence[int]) -> None:
    who = at.named(lines)
    at.refuse(
        rule,
        f"{who.en} is in the pot of '{other.name}' too, and a line has one pot only",
        f"{who.zh}同时在“{other.name}”的资金池中，一个项目只能属于一个资金池",
        hint=Text("leave it out of one of them with 'except'", "请用 except 将其从其中一个排除"),
    )


def _pot_and_choice(at: Book, rule: Rule, other: Rule, lines: Sequence[int]) -> None:
    who = at.named(lines)
    at.refuse(
        rule,
        f"{who.en} is under '{other.name}' ({other.kind}) too: a pot split by a formula and a rule of what is funded "
        "or moved cannot be combined on one line",
        f"{who.zh}同时受“{other.name}”（{other.kind}）约束：同一项目不能既按因素法分配，又受安排与否或变动的规则约束",
        hint=Text("leave it out of one of them with 'except'", "请用 except 将其从其中一条规则排除"),
    )
