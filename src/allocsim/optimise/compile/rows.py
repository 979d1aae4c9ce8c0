"""All limits of a plan: the rules, the money and the columns of projects, compiled into whole steps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context

import numpy as np

from allocsim.errors import InvalidInput
from allocsim.model.arrays import IntArray, floats, integers
from allocsim.model.evidence import Evidence
from allocsim.model.money import decimal
from allocsim.model.rule import Fix, Floor, Rule
from allocsim.model.scenario import Scenario
from allocsim.optimise.compile.book import book
from allocsim.optimise.compile.choices import if_funded
from allocsim.optimise.compile.equity import equity
from allocsim.optimise.compile.factors import pots_alone
from allocsim.optimise.compile.kinds import KINDS
from allocsim.optimise.compile.softness import line_by_line, price_breaking
from allocsim.optimise.compile.yielding import give_way
from allocsim.optimise.limits import COMMITTED, FREE, LEAST, MOST, RESERVE, TOTAL, Each, Rows, Source, Sum

RESERVE_BASIS = {"CNY": "预算法第四十条"}
"""Currency -> the law that a reserve rests on: Budget Law of the People's Republic of China, article 40 (1-3 % of the
general public budget expenditure of this level)."""


def rows(scenario: Scenario, evidence: Evidence | None) -> Rows:
    """Compile the rules, the money and the columns of projects into limits in whole steps.

    Floors and the reserve are rounded up to the step, ceilings and the total down. Rules that give way do so here,
    line by line. Rules that may be broken become limits of sums with a penalty, one for each line where they bind line
    by line, so that bounds are what must hold. ``min`` is a floor, and for lines that a rule lets go unfunded a hole.

    Parameters
    ----------
    scenario
        What is to be planned.
    evidence
        Latest scores and grades; None where there are none (rules by grade then bind nothing).

    Raises
    ------
    InvalidInput
        With every rule that cannot be read as a limit: a fixed amount off the step, an unknown column or grade, a
        rule that gives way to one that does not exist, a line in two pots, groups of equity without heads.
    """
    step, stated = scenario.step, scenario.settings.rule
    at = book(scenario, evidence)
    compiled = [KINDS[rule.kind](rule, source, at) for source, rule in enumerate(stated)]
    each = give_way(at, compiled)
    pots_alone(at, compiled)
    own, count = len(stated) + 2, len(scenario.projects)
    even = equity(at, first=own + 3)
    if at.problems:
        raise InvalidInput(at.problems)
    optional, holes = if_funded(at, compiled, least=own + 1)
    each, soft = line_by_line(at, each)
    parts = sorted([*(found for rule in compiled for found in rule.parts), *holes], key=lambda found: found.source)
    sums = sorted([*price_breaking(at, compiled), *soft, *even.floors], key=lambda limit: limit.source)
    each = [limit for limit in [*each, *_own_limits(scenario, own, optional)] if limit.project.size]
    total, reserve = step.down(decimal(scenario.settings.budget.total)), reserve_steps(scenario)
    lo, hi, lo_by, hi_by = tightest(each, count, max(total - reserve, 0) + 1)
    return Rows(
        id=scenario.projects.text("id"),
        step=step,
        sources=(*(_source(rule) for rule in stated), *_own_sources(scenario), *even.sources),
        each=tuple(each),
        sums=(_whole(len(stated), count, total - reserve), *sums),
        parts=tuple(parts),
        choices=tuple(choice for rule in compiled for choice in rule.choices),
        pots=tuple(pot for rule in compiled for pot in rule.pots),
        equality=even.equality,
        lo=lo,
        hi=hi,
        lo_by=lo_by,
        hi_by=hi_by,
        total=total,
        reserve=reserve,
        last=floats(step.in_steps(at.last)),
    )


def reserve_steps(scenario: Scenario) -> int:
    """Return the reserve, stated or as a share of its legal base, rounded up to the step [steps]."""
    budget = scenario.settings.budget
    if budget.reserve_share is not None and budget.reserve_base is not None:
        share, base = decimal(budget.reserve_share), decimal(budget.reserve_base)
        return scenario.step.up(Context(prec=60).multiply(share, base))
    return scenario.step.up(decimal(budget.reserve or 0.0))


def tightest(each: Sequence[Each], count: int, most: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return lo, hi and the sources that set them, all (p,); of equal limits the first names the bound.

    Parameters
    ----------
    each
        Limits line by line.
    count
        Number of lines.
    most
        Ceiling of lines that have none [steps].
    """
    lo, hi = np.zeros(count, dtype=np.int64), np.full(count, most, dtype=np.int64)
    lo_by, hi_by = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    for limit in each:
        lines = limit.project
        higher, lower = limit.low > lo[lines], limit.high < hi[lines]
        lo_by[lines[higher]], hi_by[lines[lower]] = limit.source, limit.source
        lo[lines], hi[lines] = np.maximum(lo[lines], limit.low), np.minimum(hi[lines], limit.high)
    return integers(lo), integers(hi), integers(lo_by), integers(hi_by)


def _whole(source: int, count: int, level: int) -> Sum:
    return Sum(source=source, label="", sense="ceiling", members=integers(np.arange(count)), level=level)


def _source(rule: Rule) -> Source:
    return Source(name=rule.name, kind=rule.kind, basis=rule.basis, must=_is_due(rule), standing="rule")


def _own_sources(scenario: Scenario) -> tuple[Source, ...]:
    """Return the sources that no rule states: the total, the reserve and the columns of projects."""
    law = RESERVE_BASIS.get(scenario.settings.currency, "")
    return (
        Source(name=TOTAL, kind="total", basis="", must=False, standing="total"),
        Source(name=RESERVE, kind="reserve", basis=law, must=True, standing="reserve"),
        Source(name=COMMITTED, kind="floor", basis="", must=True, standing="line"),
        Source(name=LEAST, kind="floor", basis="", must=False, standing="line"),
        Source(name=MOST, kind="ceiling", basis="", must=False, standing="line"),
    )


def _is_due(rule: Rule) -> bool:
    """Tell whether a rule pays what is owed: a fix of each line, or a floor of each line of a class or commitment.

    What may be broken is not owed.
    """
    if not isinstance(rule, Fix | Floor) or rule.scope != "each" or not rule.hard:
        return False
    return isinstance(rule, Fix) or "class" in rule.where or rule.of == "committed"


def _own_limits(scenario: Scenario, first: int, optional: IntArray) -> list[Each]:
    """Return what lines state of themselves: ``committed`` and ``min`` as floors, ``max`` as a ceiling.

    The ``min`` of lines that a rule lets go unfunded is no floor.
    """
    projects, step = scenario.projects, scenario.step
    limits = []
    for source, name in enumerate(("committed", "min"), start=first):
        values = projects.number(name)
        lines = np.flatnonzero(values > 0)
        if name == "min":
            lines = np.setdiff1d(lines, optional)
        low = [step.up(decimal(amount)) for amount in values[lines].tolist()]
        limits.append(_limit(source, lines, low=low))
    values = projects.number("max")
    lines = np.flatnonzero(~np.isnan(values))
    limits.append(_limit(first + 2, lines, high=[step.down(decimal(amount)) for amount in values[lines].tolist()]))
    return limits


def _limit(source: int, lines: IntArray, *, low: list[int] | None = None, high: list[int] | None = None) -> Each:
    return Each(
        source=source,
        project=integers(lines),
        low=integers(low if low is not None else [0] * lines.size),
        high=integers(high if high is not None else [FREE] * lines.size),
    )
