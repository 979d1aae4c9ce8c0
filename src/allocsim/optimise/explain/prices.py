"""Prices: what one step more or less of each rule's number changes, from the set of all multipliers of the plan.

The multipliers of an optimal plan x form the set

    Y = { z of each sum that is used up, of the sign its kind allows :
          up(x_p) <= (A'z)_p where x_p < hi_p,   (A'z)_p <= down(x_p) where x_p > lo_p }.

One step more of a level changes the benefit by the least z over Y, one step less by minus the greatest: vertices are
degenerate, so the two differ. Lines in the same sums share a row of Y, so Y has few rows whatever the number of lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.limits import Rows, Sum, signs
from allocsim.optimise.pot.pots import Pooled
from allocsim.optimise.pot.slopes import Slopes, of_lines, of_pots
from allocsim.optimise.program.solve import Arrays, Solver, from_rows, solve

Price = float | None
"""Change of benefit per step; None where the number cannot be moved that way."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """The set Y: ``lower <= pattern z <= upper`` and ``least <= z <= most``, benefit in units of ``unit``.

    Attributes
    ----------
    tight
        Numbers of the sums that are used up (m,).
    widest
        Grains in which each of them is counted here (m,), its largest coefficient: z is per so many grains.
    pattern
        Distinct coefficients of lines in those sums (g, m); ``of_line`` says which one each line has (p,).
    """

    tight: tuple[int, ...]
    widest: FloatArray
    least: FloatArray
    most: FloatArray
    pattern: FloatArray
    lower: FloatArray
    upper: FloatArray
    of_line: IntArray
    unit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """The ends of Y.

    Attributes
    ----------
    least, most
        Of the multiplier of each sum [benefit per step]; infinite where nothing bounds it, 0 where it has room.
    asked_least, asked_most
        Of a = A'z, what a step of each line costs by the sums it is in (p,).
    up, down
        Slopes of the step above and below each line's amount (p,).
    region
        Y itself, for prices of several numbers moved together.
    """

    least: FloatArray
    most: FloatArray
    asked_least: FloatArray
    asked_most: FloatArray
    up: FloatArray
    down: FloatArray
    region: Region

    def of_sum(self, number: int) -> tuple[Price, Price]:
        """Return price_up and price_down of the level of a sum: what its number changes by a step."""
        return _number(self.least[number]), _number(-self.most[number])


def prices(curves: Columns, rows: Rows, steps: IntArray, *, pooled: Pooled | None = None) -> Prices:
    """Return the ends of the set of multipliers of an optimal plan.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits, without holes and counting of lines.
    steps
        An optimal plan (p,) [steps]. Where whole-number programs chose it no multipliers may fit exactly; then the
        rows of Y are eased by the least common amount that lets some fit.
    pooled
        The problem of lines and pots, where lines share pots: no line of a pot has a price of its own. Whole splits
        take a pot some steps off what is best at exact parts, one a line at most: its row of Y is as wide as that.
    """
    if pooled is not None:
        return _spread(_ends_of(of_pots(rows, steps, pooled), pooled.rows), pooled)
    return _ends_of(of_lines(curves, rows, steps), rows)


def _ends_of(slopes: Slopes, rows: Rows) -> Prices:
    region = _region(slopes, rows.sums)
    ends = _ends(region)
    least, most = np.zeros(len(rows.sums)), np.zeros(len(rows.sums))
    tight, count = list(region.tight), len(region.tight)
    least[tight], most[tight] = ends[:count, 0] / region.widest, ends[:count, 1] / region.widest
    return Prices(
        least=floats(least),
        most=floats(most),
        asked_least=floats(ends[count:, 0][region.of_line]),
        asked_most=floats(ends[count:, 1][region.of_line]),
        up=slopes.up,
        down=slopes.down,
        region=region,
    )


def _spread(found: Prices, pooled: Pooled) -> Prices:
    """Return the prices of lines from those of lines and pots."""
    return Prices(
        least=floats(found.least * pooled.grains),
        most=floats(found.most * pooled.grains),
        asked_least=pooled.spread(found.asked_least),
        asked_most=pooled.spread(found.asked_most),
        up=pooled.spread(found.up),
        down=pooled.spread(found.down),
        region=replace(found.region, of_line=integers(found.region.of_line[pooled.unit])),
    )


def lifted_together(prices: Prices, lines: IntArray) -> float:
    """Return what one step more brings when the ceilings of several lines rise together [benefit per step].

    The least sum of w over Y with w_p >= up(x_p) - (A'z)_p and w >= 0, for lines that stand at their ceilings.
    """
    region, count = prices.region, lines.size
    if not region.tight:
        return float(np.maximum(prices.up[lines], 0.0).sum())
    own = sparse.hstack([sparse.csr_matrix(region.pattern[region.of_line[lines]]), sparse.identity(count)])
    shared = sparse.hstack([sparse.csr_matrix(region.pattern), sparse.csr_matrix((len(region.pattern), count))])
    solved = _over(region, sparse.vstack([shared, own]), prices.up[lines] / region.unit, np.inf)
    return solved * region.unit


def lowered_together(prices: Prices, lines: IntArray) -> float:
    """Return what one step less brings when the floors of several lines fall together [benefit per step].

    The least sum of v over Y with v_p >= (A'z)_p - down(x_p) and v >= 0, for lines that stand at their floors.
    """
    region, count = prices.region, lines.size
    if not region.tight:
        return 0.0
    own = sparse.hstack([sparse.csr_matrix(region.pattern[region.of_line[lines]]), -sparse.identity(count)])
    shared = sparse.hstack([sparse.csr_matrix(region.pattern), sparse.csr_matrix((len(region.pattern), count))])
    solved = _over(region, sparse.vstack([shared, own]), -np.inf, prices.down[lines] / region.unit)
    return solved * region.unit


def asked_together(prices: Prices, lines: IntArray) -> tuple[float, float]:
    """Return the least and the most of the sum of (A'z)_p over some lines, z in Y [benefit per step]."""
    region = prices.region
    if not region.tight:
        return 0.0, 0.0
    direction = region.pattern[region.of_line[lines]].sum(axis=0)
    solver = Solver(_program(region))
    return _end(solver, direction, 1.0) * region.unit, _end(solver, direction, -1.0) * region.unit


def moved_together(prices: Prices, numbers: IntArray, by: FloatArray) -> tuple[Price, Price]:
    """Return what it changes to raise or lower the levels of several sums at once, each by its own amount (m,).

    Like the price of one level: the least of ``by . z`` over Y, and minus the most.
    """
    region = prices.region
    share = dict(zip(numbers.tolist(), by.tolist(), strict=True))
    direction = np.array([share.get(number, 0.0) for number in region.tight]) / region.widest
    largest = float(np.abs(direction).max(initial=0.0))
    if not largest > 0:
        return 0.0, 0.0
    solver, unit = Solver(_program(region)), region.unit * largest
    least, most = (_end(solver, direction / largest, sign) * unit for sign in (1.0, -1.0))
    return _number(least), _number(-most)


def _patterns(sums: Sequence[Sum], is_pot: BoolArray) -> tuple[FloatArray, IntArray, BoolArray]:
    """Return the distinct coefficients of lines in sums, 1 at most (g, m), which one each has, which are of pots."""
    member = np.zeros((len(is_pot), len(sums) + 1))
    member[:, -1] = is_pot
    for column, limit in enumerate(sums):
        member[limit.members, column] = limit.coefficients / limit.widest
    distinct, of_line = np.unique(member, axis=0, return_inverse=True)
    return floats(distinct[:, :-1]), integers(of_line.ravel()), booleans(distinct[:, -1])


def _region(slopes: Slopes, all_sums: Sequence[Sum]) -> Region:
    """Return Y; where no multipliers fit, rows of pots are eased first, and all rows only if that is not enough.

    Pots are eased by twice the least that lets some fit, so that what their whole steps are off by does not choose
    among the multipliers that fit all lines.
    """
    tight = slopes.tight
    sums = [all_sums[n] for n in tight]
    pattern, of_line, is_pot = _patterns(sums, slopes.is_pot)
    lower, upper = np.full(len(pattern), -np.inf), np.full(len(pattern), np.inf)
    np.maximum.at(lower, of_line, slopes.lower)
    np.minimum.at(upper, of_line, slopes.upper)
    unit = float(np.abs(lower[np.isfinite(lower)]).max(initial=0.0)) or 1.0
    widest = floats([limit.widest for limit in sums])
    least, most = (ends * widest / unit for ends in _ends_of_signs(sums, slopes.over[list(tight)]))
    lower, upper = lower / unit, upper / unit
    if tight and is_pot.any():
        ease = _least_ease((least, most), pattern, lower, upper, which=is_pot)
        lower, upper = lower - 2.0 * ease * is_pot, upper + 2.0 * ease * is_pot
    ease = _least_ease((least, most), pattern, lower, upper) if tight else 0.0
    return Region(
        tight=tight,
        widest=widest,
        least=floats(least),
        most=floats(most),
        pattern=pattern,
        lower=floats(lower - ease),
        upper=floats(upper + ease),
        of_line=of_line,
        unit=unit,
    )


def _ends_of_signs(sums: Sequence[Sum], over: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return least and most of each multiplier; where a limit is broken, a step of its level is worth its penalty."""
    least, most = signs(sums)
    for number, (limit, way) in enumerate(zip(sums, over.tolist(), strict=True)):
        if limit.penalty is not None and way:
            least[number] = most[number] = limit.penalty * way
    return least, most


def _ends(region: Region) -> FloatArray:
    """Return least and most of every multiplier, then of every pattern's sum of multipliers, (m + g, 2)."""
    count = len(region.tight)
    if not count:
        return np.zeros((len(region.pattern), 2))
    solver = Solver(_program(region))
    wanted = np.concatenate([np.eye(count), region.pattern])
    return np.array([[_end(solver, row, 1.0), _end(solver, row, -1.0)] for row in wanted]) * region.unit


def _program(region: Region) -> Arrays:
    rows = list(zip(region.pattern, region.lower.tolist(), region.upper.tolist(), strict=True))
    return from_rows(np.zeros(len(region.tight)), (region.least, region.most), rows)


def _over(region: Region, matrix: sparse.spmatrix, low: FloatArray | float, high: FloatArray | float) -> float:
    """Return the least sum of the columns added to Y's, with the rows added to Y's between ``low`` and ``high``."""
    matrix = sparse.csr_matrix(matrix)
    count, added = len(region.tight), matrix.shape[0] - len(region.pattern)
    extra = matrix.shape[1] - count
    program = Arrays(
        cost=floats(np.concatenate([np.zeros(count), np.ones(extra)])),
        lower=floats(np.concatenate([region.least, np.zeros(extra)])),
        upper=floats(np.concatenate([region.most, np.full(extra, np.inf)])),
        whole=booleans(np.zeros(count + extra)),
        row_lower=floats(np.concatenate([region.lower, np.broadcast_to(low, added)])),
        row_upper=floats(np.concatenate([region.upper, np.broadcast_to(high, added)])),
        first=integers(matrix.indptr),
        index=integers(matrix.indices),
        entry=floats(matrix.data),
    )
    return solve(program).objective


def _end(solver: Solver, direction: FloatArray, sign: float) -> float:
    """Return the least (sign 1) or most (sign -1) of ``direction . z`` over the solver's set, infinite where open."""
    if not direction.any():
        return 0.0
    solver.change(cost=sign * direction)
    solution = solver.run()
    if solution.status == "optimal":
        return sign * solution.objective + 0.0
    return -sign * np.inf


def _least_ease(
    bounds: tuple[FloatArray, FloatArray],
    pattern: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    which: BoolArray | None = None,
) -> float:
    """Return the least t >= 0 for which some z has lower - t <= pattern z <= upper + t; 0 where none has.

    ``which`` tells the rows that are eased, by default all.
    """
    count = pattern.shape[1]
    give = np.ones(len(pattern)) if which is None else which.astype(np.float64)
    rows = [(np.append(row, each), low, np.inf) for row, low, each in zip(pattern, lower, give, strict=True)]
    rows += [(np.append(row, -each), -np.inf, high) for row, high, each in zip(pattern, upper, give, strict=True)]
    box = (np.append(bounds[0], 0.0), np.append(bounds[1], np.inf))
    solver = Solver(from_rows(np.append(np.zeros(count), 1.0), box, rows))
    eased = solver.run()
    return eased.objective * (1.0 + 1e-9) if eased.status == "optimal" and eased.objective > 1e-12 else 0.0


def _number(value: float) -> Price:
    return float(value) + 0.0 if np.isfinite(value) else None
