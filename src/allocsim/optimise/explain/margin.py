"""A little more and a little less money: both planned anew, and the line to which the next step goes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Context, Decimal

import numpy as np

from allocsim.errors import AllocsimError
from allocsim.model.arrays import IntArray
from allocsim.model.blend import Blend, Columns
from allocsim.model.evidence import Evidence
from allocsim.model.margin import Margin, NextUnit, PriceRange
from allocsim.model.plan import Fact
from allocsim.model.scenario import Scenario
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows as compiled
from allocsim.optimise.concave.convex import MANY, Allocation
from allocsim.optimise.concave.nest import Nest, nest
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import ANY, Effort
from allocsim.optimise.explain.prices import Prices
from allocsim.optimise.explain.ranges import price_ranges
from allocsim.optimise.explain.to_gain import to_gain
from allocsim.optimise.explain.unallocated import unallocated_by
from allocsim.optimise.limits import Rows
from allocsim.optimise.sweep import Sweep, at_total, only_total_varies

FEW, OF_MONEY = 300, 4
"""Lines up to which, where sums cross, linear programs of their own find ranges, and how many: the total's and the
reserve's. Where sums nest, prices alone find all ranges at any number of lines."""
ONE_PERCENT = Decimal("0.01")
_EXACT = Context(prec=60)
Again = Callable[[Rows], IntArray]
"""Plans anew under other limits: the best amounts (p,) [steps].

Raises NoneFits where no amounts keep them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMargin:
    """All that is told of a plan at its margin; axis p in the order of the projects table."""

    to_gain: tuple[Fact, ...]
    margin: Margin
    ranges: tuple[PriceRange, ...]


def at_margin(
    scenario: Scenario,
    evidence: Evidence | None,
    curves: Columns,
    *,
    rows: Rows,
    found: Allocation,
    worth: Prices,
    held: tuple[int, ...],
    effort: Effort = ANY,
    plans: int | None = None,
) -> AtMargin:
    """Return what would have to change for lines to gain, what a little more money does, and how far prices reach.

    Parameters
    ----------
    scenario
        What is planned.
    evidence
        Latest scores and grades.
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    found
        An optimal plan under them.
    worth
        Its prices.
    held
        Source that holds each line (p,), -1 for none.
    effort
        How hard to search where a plan anew takes a search.
    plans
        How many linear programs may look for ranges of prices where sums cross; by default those of all the money.
        Blends of very many members have no ranges worked out.
    """
    nested = nest(curves, rows)
    at_choices = replace(found.held, parts=rows.parts, choices=rows.choices)
    few = len(rows.id) <= FEW
    heavy = isinstance(curves, Blend) and len(curves.of) > MANY
    return AtMargin(
        to_gain=to_gain(
            curves,
            at_choices,
            found.steps,
            multipliers=found.multipliers,
            worth=worth,
            held=held,
            nested=nested,
        ),
        margin=margin(scenario, evidence, curves, rows=rows, steps=found.steps, again=planner(curves, nested, effort)),
        ranges=()
        if heavy
        else price_ranges(
            curves, rows, worth, nested=nested, plans=plans if plans is not None else OF_MONEY if few else 0
        ),
    )


def margin(
    scenario: Scenario, evidence: Evidence | None, curves: Columns, *, rows: Rows, steps: IntArray, again: Again
) -> Margin:
    """Return what a little more or less money does, each time planned anew.

    Parameters
    ----------
    scenario
        What is planned.
    evidence
        Latest scores and grades.
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    steps
        The plan under them (p,) [steps].
    again
        Plans anew.
    """

    def gained(total: int) -> tuple[float, IntArray] | None:
        """Return what the best plan brings beyond this one at another total, and its amounts."""
        try:
            other = _with_total(scenario, evidence, rows, total)
            there = again(other)
        except NoneFits:
            return None
        more = curves.benefit(there.astype(np.float64)) - curves.benefit(steps.astype(np.float64))
        return math.fsum([*more, *_penalties(rows, steps), *(-each for each in _penalties(other, there))]), there

    change = _one_percent(rows.total)
    more, less, step = gained(rows.total + change), gained(rows.total - change), gained(rows.total + 1)
    return Margin(
        more=None if more is None else max(0.0, more[0]),
        less=None if less is None else max(0.0, -less[0]),
        next_unit=None if step is None else _next_unit(rows, steps, step[1], step[0]),
        unallocated_by=unallocated_by(rows, steps, again),
    )


def planner(curves: Columns, nested: Nest | None, effort: Effort = ANY) -> Again:
    """Return what plans anew: prices alone where sums nest, else a sweep that keeps its program, or whole searches.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    nested
        The limits of the plan as a nest where sums nest: good for other totals as they are.
    effort
        How hard to search where rules leave holes or count lines. What it leaves unproven counts as no plan.
    """
    sweep = Sweep(curves)

    def again(rows: Rows) -> IntArray:
        same = nested is not None and only_total_varies(nested.rows, rows)
        there = nested if same else nest(curves, rows)
        if there is not None:
            return there.best(rows.available)
        searched = not rows.is_convex or bool((curves.bend > 0).any())
        try:
            found = allocate(curves, rows, effort) if searched else sweep.at(rows)
        except AllocsimError:
            raise NoneFits from None
        if not found.certificate.closed:
            raise NoneFits
        return found.steps

    return again


def _penalties(rows: Rows, steps: IntArray) -> list[float]:
    """Return what limits that may be broken cost at some amounts."""
    return [limit.penalty * limit.broken(steps) for limit in rows.sums if limit.penalty is not None]


def _one_percent(total: int) -> int:
    """Return 1 % of the total to the nearest step, at least one [steps]."""
    return max(1, int(_EXACT.multiply(ONE_PERCENT, Decimal(total)).to_integral_value()))


def _with_total(scenario: Scenario, evidence: Evidence | None, rows: Rows, total: int) -> Rows:
    """Return the limits at another total [steps]: compiled anew where rules are shares of it."""
    stated = scenario.settings
    if total < 0:
        raise NoneFits
    if not any(rule.kind == "share" for rule in stated.rule):
        return at_total(rows, total)
    budget = stated.budget.model_copy(update={"total": rows.step.money(total)})
    other = replace(scenario, settings=stated.model_copy(update={"budget": budget}))
    return compiled(other, evidence)


def _next_unit(rows: Rows, steps: IntArray, there: IntArray, benefit: float) -> NextUnit | None:
    """Return the lines that one step more goes to, the one that gets most first; None where none gets more."""
    more = there - steps
    if int(there.sum()) <= int(steps.sum()) or not (more > 0).any():
        return None
    first = int(more.argmax())
    others = tuple(rows.id[line] for line in np.flatnonzero(more > 0).tolist() if line != first)
    return NextUnit(id=rows.id[first], others=others, benefit=benefit / rows.step.size)
