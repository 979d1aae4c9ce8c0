"""Rules that may be broken: their limits get a penalty, and what binds line by line becomes one limit a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allocsim.model.arrays import integers
from allocsim.model.rule import Ceiling, Change, Fix, Floor, Grade, Limit, PerHeadFloor, Rule, Share
from allocsim.optimise.compile.book import Book, Compiled
from allocsim.optimise.limits import FREE, Each, Sense, Sum

LINEAR = Floor | Ceiling | Fix | Change | Share | Grade | PerHeadFloor | Limit
"""Kinds of rules that limit amounts, each of which may be soft."""


def price_breaking(at: Book, compiled: Sequence[Compiled]) -> list[Sum]:
    """Return the limits of sums of all rules; those of soft rules with what a step or grain costs by which they break.

    Parameters
    ----------
    at
        The book.
    compiled
        What every rule became, in order.
    """
    return [replace(limit, penalty=_penalty(at, limit)) for each in compiled for limit in each.sums]


def line_by_line(at: Book, each: Sequence[Each]) -> tuple[list[Each], list[Sum]]:
    """Return the limits line by line that must hold, and those of soft rules as limits of one line each.

    A line that a soft rule holds from both sides gets two, a floor and a ceiling; a fixed amount is one.

    Parameters
    ----------
    at
        The book.
    each
        Limits line by line, after rules have given way.
    """
    rules, names = at.scenario.settings.rule, at.scenario.projects.text("id")
    hard, soft = [], []
    for limit in each:
        if penalty(rules[limit.source]) is None:
            hard.append(limit)
            continue
        fixed = isinstance(rules[limit.source], Fix)
        bounds = zip(limit.project.tolist(), limit.low.tolist(), limit.high.tolist(), strict=True)
        for line, low, high in bounds:
            for sense, level in _sides(low, high, fixed=fixed):
                alone = Sum(source=limit.source, label=names[line], sense=sense, members=integers([line]), level=level)
                soft.append(replace(alone, penalty=_penalty(at, alone)))
    return hard, soft


def penalty(rule: Rule) -> float | None:
    """Return the benefit that each unit costs by which a soft rule is broken; None where the rule must hold."""
    return rule.penalty if isinstance(rule, LINEAR) else None


def _penalty(at: Book, limit: Sum) -> float | None:
    """Return what breaking a limit by a step costs, or by a grain where it is weighted."""
    of_unit = penalty(at.scenario.settings.rule[limit.source])
    return None if of_unit is None else of_unit * (limit.grain if limit.weight is not None else at.scenario.step.size)


def _sides(low: int, high: int, *, fixed: bool) -> list[tuple[Sense, int]]:
    if fixed and low == high:
        return [("fix", low)]
    floors: list[tuple[Sense, int]] = [("floor", low)] if low > 0 else []
    return floors + ([("ceiling", high)] if high < FREE else [])
