"""From curves and limits to certified whole amounts, by the route that the limits call for."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np

from allocsim.errors import AllocsimError, Text, UsageError
from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.choice.choose import choose
from allocsim.optimise.concave.convex import Allocation, convex
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import ANY, Effort
from allocsim.optimise.even.level import level
from allocsim.optimise.limits import Rows
from allocsim.optimise.pot.pot_size import Size, best_size
from allocsim.optimise.pot.pots import Pooled, apportion, pool
from allocsim.optimise.proof.certify import (
    LEAST_SCALE,
    ROUNDING,
    Certificate,
    benefits,
    certify,
    interval_maxima,
    objective,
    primal,
    slopes_asked,
)

AROUND, TRIES = 32, 500
"""Steps around which sizes are looked for, and how many sets of them are tried, where none at hand keeps all limits."""
NEAR = (-3, -2, -1, 1, 2, 3)
"""Steps by which the size of a pot is tried, where the last steps of its split cost something."""


def allocate(curves: Columns, rows: Rows, effort: Effort = ANY) -> Allocation:
    """Maximise the sum of benefits, less penalties, under all limits, in whole steps.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    effort
        Which methods, and until when.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    UsageError
        If pots meet S-shaped curves.
    """
    if rows.equality is not None:
        return level(curves, rows, effort, allocate)
    if rows.pots:
        return _with_pots(curves, rows, effort)
    if rows.parts or rows.choices or (curves.bend > 0).any() or effort.method == "milp":
        return choose(curves, rows, effort)
    return convex(curves, rows, effort)


def _with_pots(curves: Columns, rows: Rows, effort: Effort) -> Allocation:
    """Plan pots as lines and split them; then the best sizes near that, each line's last step counted."""
    if (curves.bend > 0).any():
        raise UsageError(
            Text(
                "by_factors splits pots of concave curves: take S-shaped curves out",
                "by_factors 只适用于凹曲线：请去掉S形曲线",
            )
        )
    plain = pool(curves, rows)
    found = allocate(plain.curves, plain.rows, effort)
    multipliers = floats(found.multipliers * plain.grains)
    sizes = _best_sizes(curves, rows, plain, found, multipliers)
    steps = _polished(curves, rows, plain, found, sizes, effort)
    primal(rows, steps)
    certificate = _of_split(curves, rows, plain, found, steps, sizes)
    return replace(
        found,
        steps=steps,
        multipliers=multipliers,
        certificate=certificate,
        held=_held_lines(rows, plain, found.held),
        pooled=replace(plain, rows=found.held),
    )


def _best_sizes(
    curves: Columns, rows: Rows, plain: Pooled, found: Allocation, multipliers: FloatArray
) -> tuple[Size, ...]:
    """Return the best whole size of every pot at the multipliers of a plan."""
    a = slopes_asked(len(rows.id), rows.sums, multipliers)
    return tuple(
        best_size(
            curves.subset(pot.members),
            pot,
            a[pot.members],
            bounds=(int(plain.rows.lo[at]), int(min(plain.rows.hi[at], max(rows.available, 0)))),
            of_lines=(rows.lo[pot.members], rows.hi[pot.members]),
            near=int(found.steps[at]),
        )
        for pot, at in zip(plain.pots, plain.of_pot, strict=True)
    )


def _polished(
    curves: Columns, rows: Rows, plain: Pooled, found: Allocation, sizes: tuple[Size, ...], effort: Effort
) -> IntArray:
    """Return the best plan found with pots near their sizes at exact parts: all else is planned around each try.

    With the size of every pot given its lines are fixed, and the plan around them is exact. Tried are the sizes at
    exact parts, the best ones at the prices, and sizes a few steps off, one pot after another, as long as that helps;
    where the last steps of a split break a sum that cuts through the pot, sizes that leave room for them.
    """
    started = tuple(int(found.steps[at]) for at in plain.of_pot)
    tried: dict[tuple[int, ...], IntArray | None] = {}

    def value(each: tuple[int, ...]) -> float:
        if each not in tried:
            tried[each] = _sized(curves, rows, each, effort)
        steps = tried[each]
        return -math.inf if steps is None else objective(curves, rows.sums, steps)

    best = max((started, tuple(size.steps for size in sizes)), key=value)
    if value(best) == -math.inf:
        careful = pool(curves, rows, careful=True)
        try:
            with_room = allocate(careful.curves, careful.rows, effort).steps
        except NoneFits:
            with_room = found.steps
        best = tuple(int(with_room[at]) for at in careful.of_pot)
    if value(best) == -math.inf:
        best = next((each for each in _near_sizes(rows, plain, started) if value(each) > -math.inf), best)
    while not effort.is_over:
        near = [(*best[:n], size + by, *best[n + 1 :]) for n, size in enumerate(best) for by in NEAR if size + by >= 0]
        better = max(near, key=value)
        if value(better) <= value(best):
            break
        best = better
    steps = tried[best]
    if steps is None:
        raise NoneFits
    return steps


def _near_sizes(rows: Rows, plain: Pooled, started: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return sizes of all pots whose splits keep the bounds of their lines, those nearest to given ones first."""
    of_pots = []
    for pot, at, size in zip(plain.pots, plain.of_pot, started, strict=True):
        lo, hi = rows.lo[pot.members], rows.hi[pot.members]
        most = min(int(plain.rows.hi[at]), max(rows.available, 0))
        near = sorted(
            range(max(0, int(plain.rows.lo[at]), size - AROUND), min(most, size + AROUND) + 1),
            key=lambda x: abs(x - size),
        )
        kept = [x for x in near if (apportion(pot, x) >= lo).all() and (apportion(pot, x) <= hi).all()]
        of_pots.append(kept[: max(2, int(TRIES ** (1 / len(started))))])
    tries = itertools.islice(itertools.product(*of_pots), 4 * TRIES)
    return sorted(tries, key=lambda sizes: sum(abs(a - b) for a, b in zip(sizes, started, strict=True)))


def _sized(curves: Columns, rows: Rows, sizes: tuple[int, ...], effort: Effort) -> IntArray | None:
    """Return the best plan with every pot of a given size; None where there is none."""
    lo, hi = rows.lo.copy(), rows.hi.copy()
    for pot, size in zip(rows.pots, sizes, strict=True):
        parts = apportion(pot, size)
        if (parts < lo[pot.members]).any() or (parts > hi[pot.members]).any():
            return None
        lo[pot.members] = hi[pot.members] = parts
    try:
        return allocate(curves, replace(rows, lo=integers(lo), hi=integers(hi), pots=()), effort).steps
    except (NoneFits, AllocsimError):  # none, or none found in time
        return None


def _held_lines(rows: Rows, pooled: Pooled, held: Rows) -> Rows:
    """Return the limits of lines at the choices made; the lines of pots keep their bounds."""
    in_pot = np.zeros(len(rows.id), dtype=np.bool_)
    for pot in rows.pots:
        in_pot[pot.members] = True

    def lines(own: IntArray, of_units: IntArray) -> IntArray:
        return integers(np.where(in_pot, own, of_units[pooled.unit]))

    return replace(
        rows,
        lo=lines(rows.lo, held.lo),
        hi=lines(rows.hi, held.hi),
        lo_by=lines(rows.lo_by, held.lo_by),
        hi_by=lines(rows.hi_by, held.hi_by),
        parts=(),
        choices=(),
    )


def _of_split(
    curves: Columns,
    rows: Rows,
    plain: Pooled,
    found: Allocation,
    steps: IntArray,
    sizes: tuple[Size, ...],
) -> Certificate:
    """Return the certificate of a plan with pots: over whole amounts, each pot counts by its best size, split to steps.

    Splits may fall luckily, so that whole amounts bring more than any at exact parts: the bound then moves up to what
    is proven of whole amounts.
    """
    value, each = objective(curves, rows.sums, steps), benefits(curves, steps)
    at_parts = found.certificate
    if at_parts.bound_by == "solver":  # a tree's proof is of pots at exact parts: only multipliers carry over
        at_parts = certify(
            plain.curves, plain.rows, steps=found.steps, multipliers=found.multipliers, counting=found.counting
        )
    units = integers(plain.of_pot)
    asked = slopes_asked(len(plain.rows.id), plain.rows.sums, found.multipliers)[units]
    lo, hi = plain.rows.lo[units], np.minimum(plain.rows.hi[units], max(rows.available, 0))
    _, at_exact, terms = interval_maxima(
        plain.curves.subset(units), asked, integers(lo), integers(hi), booleans(np.zeros(len(units)))
    )
    error = ROUNDING * math.fsum([*terms.tolist(), *np.abs(each)])
    whole = at_parts.bound - at_parts.rounding_loss + math.fsum([*(size.most for size in sizes), *-at_exact]) + error
    bound = max(at_parts.bound, value, whole if math.isfinite(whole) else value)
    loss = max(0.0, bound - max(whole, value))
    scale = max(abs(bound), LEAST_SCALE * math.fsum(np.abs(each)))
    gap = (bound - loss - value) / scale if scale > 0 else 0.0
    benefit = math.fsum(each)
    return replace(at_parts, benefit=benefit, objective=value, bound=bound, rounding_loss=loss, gap=gap)
