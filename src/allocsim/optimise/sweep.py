"""One portfolio at many totals: each allocation begins where the last one ended, and is certified on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import tightest
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.concave.refine import around
from allocsim.optimise.concave.ties import settle
from allocsim.optimise.concave.whole import is_whole
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.program.assemble import assembled
from allocsim.optimise.program.problem import Pieces
from allocsim.optimise.program.solve import Solver
from allocsim.optimise.proof.certify import certify, sound

ROUNDS = 20
"""Rounds after which a total is allocated from scratch."""


class Sweep:
    """Allocations of one portfolio under limits of which only the total varies.

    The first is made from scratch. Each further one keeps the program and its basis: the level of the total moves, the
    pieces stand around the last amounts, carried on by as much as they last moved, and get finer as in any refinement.
    What is left open (whole-number programs, gaps that do not close, rules that seem to conflict), limits that differ
    in more than the total, and what prices alone can do are allocated from scratch.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    """

    def __init__(self, curves: Columns) -> None:
        self._curves = curves
        self._solver: Solver | None = None
        self._stated: tuple[object, ...] = ()
        self._ordered, self._unit = curves, 1.0
        self._last: tuple[int, IntArray] | None = None
        self._by_prices = False
        self._pace = floats(np.zeros(len(curves.family)))

    def at(self, rows: Rows) -> Allocation:
        """Return the best whole amounts under the limits.

        Raises
        ------
        NoneFits
            If no whole amounts keep all limits.
        """
        goes_on = self._last is not None and rows.is_convex and not self._by_prices
        found = (self._carried_on(rows) if goes_on else None) or allocate(self._curves, rows)
        self._by_prices = found.method == "dual"
        if self._last is not None and rows.available != self._last[0]:
            self._pace = floats((found.steps - self._last[1]) / (rows.available - self._last[0]))
        self._last = rows.available, found.steps
        self._unit = self._unit if self._solver else float(np.abs(found.multipliers).max(initial=0.0)) or 1.0
        return found

    def _carried_on(self, rows: Rows) -> Allocation | None:
        """Return the allocation next to the last one; None where it is better made from scratch."""
        available, last = self._last or (0, rows.lo)
        order = np.array(sorted(range(len(rows.id)), key=lambda line: rows.id[line]), dtype=np.int64)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        sums = [limit.renumbered(rank) for limit in rows.sums]
        lo, hi = integers(rows.lo[order]), integers(rows.hi[order])
        if (lo > hi).any() or (self._solver is not None and self._stated != _apart_from_the_total(sums)):
            return None
        if self._solver is None:
            self._ordered = self._curves.subset(order)
        moved = (self._pace * (rows.available - available))[order]
        x = np.clip(last[order] + np.rint(moved).astype(np.int64), lo, hi)
        solved = self._refined(x, np.maximum(1, np.abs(moved).astype(np.int64) // 8), (lo, hi), sums)
        if solved is None or not is_whole(solved[0]):
            return None
        spending, multipliers, rounds = solved
        steps = settle(
            self._ordered,
            lo,
            hi,
            sums,
            steps=integers(np.rint(spending)),
            multipliers=multipliers,
            last=rows.last[order],
        )
        amounts = integers(steps[rank])
        certificate = certify(self._curves, rows, steps=amounts, multipliers=multipliers)
        if not certificate.closed:
            return None
        return Allocation(
            steps=amounts,
            multipliers=multipliers,
            counting=floats([]),
            certificate=certificate,
            rounds=rounds,
            method="lp",
            held=rows,
        )

    def _refined(
        self, x: IntArray, spacing: IntArray, bounds: tuple[IntArray, IntArray], sums: Sequence[Sum]
    ) -> tuple[FloatArray, FloatArray, int] | None:
        """Return spending (p,), multipliers and rounds of a refinement from ``x``; None where it does not end."""
        lo, hi = bounds
        stated = [number for number, limit in enumerate(sums) if limit.members.size]
        for rounds in range(1, ROUNDS + 1):
            pieces = around(self._ordered, integers(x), lo, hi, integers(spacing))
            solution = self._moved(pieces, x, sums).run()
            if solution.status != "optimal":
                return None
            taken = solution.values[: pieces.width.size].reshape(pieces.width.shape)
            spending = floats(lo + taken.sum(axis=1))
            beside = _beside(pieces, spending)
            if (beside <= 1).all():
                multipliers = np.zeros(len(sums))
                widest = np.array([sums[number].widest for number in stated])
                multipliers[stated] = -solution.duals * self._unit / widest
                return spending, floats(sound(multipliers, sums)), rounds
            x = np.clip(np.rint(spending).astype(np.int64), lo, hi)
            spacing = np.maximum(1, np.minimum(-(-beside // 8), 8 * spacing))
        return None

    def _moved(self, pieces: Pieces, x: IntArray, sums: Sequence[Sum]) -> Solver:
        """Return the program with new pieces and the total's level; stated where there is none yet."""
        slope = pieces.slope / self._unit
        if self._solver is None:
            scaled = Pieces(start=pieces.start, width=pieces.width, slope=floats(slope))
            self._solver, self._stated = Solver(assembled(scaled, sums, unit=self._unit)), _apart_from_the_total(sums)
            ends = pieces.start[:, None] + np.cumsum(pieces.width, axis=1)
            self._solver.begin(((ends <= x[:, None]) & (pieces.width > 0)).ravel(), [])
            return self._solver
        self._solver.change(cost=-slope.ravel(), upper=pieces.width.astype(np.float64).ravel())
        stated = [limit for limit in sums if limit.members.size]
        self._solver.level([(limit.level - limit.activity(pieces.start)) / limit.widest for limit in stated])
        return self._solver


def _apart_from_the_total(sums: Sequence[Sum]) -> tuple[object, ...]:
    """Return what limits of sums are but for the level of the total, so that two can be told apart."""
    return tuple(
        (
            limit.sense,
            limit.level if number else 0,
            limit.penalty,
            limit.members.tobytes(),
            limit.coefficients.tobytes(),
        )
        for number, limit in enumerate(sums)
    )


def only_total_varies(one: Rows, other: Rows) -> bool:
    """Tell whether two compilations of the same rules differ in the total alone, and so at all totals between."""
    same = one.reserve == other.reserve and len(one.each) == len(other.each) and len(one.sums) == len(other.sums)
    return (
        same
        and one.is_convex
        and other.is_convex
        and all(
            np.array_equal(a.project, b.project) and np.array_equal(a.low, b.low) and np.array_equal(a.high, b.high)
            for a, b in zip(one.each, other.each, strict=True)
        )
        and all(
            a.level == b.level
            and a.sense == b.sense
            and np.array_equal(a.members, b.members)
            and np.array_equal(a.coefficients, b.coefficients)
            and a.penalty == b.penalty
            for a, b in zip(one.sums[1:], other.sums[1:], strict=True)
        )
    )


def at_total(rows: Rows, total: int) -> Rows:
    """Return limits whose total alone is another [steps]."""
    lo, hi, lo_by, hi_by = tightest(rows.each, len(rows.id), max(total - rows.reserve, 0) + 1)
    sums = (replace(rows.sums[0], level=total - rows.reserve), *rows.sums[1:])
    return replace(rows, total=total, sums=sums, lo=lo, hi=hi, lo_by=lo_by, hi_by=hi_by)


def _beside(pieces: Pieces, spending: FloatArray) -> IntArray:
    """Return the length of the longer of the two pieces that ``spending`` lies between or in (p,) [steps]."""
    ends = np.cumsum(pieces.width, axis=1)
    at = (spending - pieces.start)[:, None]
    at = np.where(np.abs(at - np.rint(at)) < 1e-6, np.rint(at), at)
    touched = (ends - pieces.width <= at) & (at <= ends) & (pieces.width > 0)
    return np.asarray(np.where(touched, pieces.width, 0).max(axis=1), dtype=np.int64)
