"""Refinement: pieces get finer around the solution, round by round, until the pieces beside it are single steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.concave.dual import Cap, split
from allocsim.optimise.effort import ANY, Effort
from allocsim.optimise.grid import best, chord, up
from allocsim.optimise.limits import Sum, signs
from allocsim.optimise.program.assemble import assembled
from allocsim.optimise.program.problem import Pieces
from allocsim.optimise.program.solve import Solver

OFFSETS = np.array([-32, -8, -4, -2, -1, 0, 1, 2, 4, 8, 32], dtype=np.int64)
"""Corners around the solution in units of the line's spacing; a round divides the spacing by 8, and a line that moves
to the outermost corner or beyond gets wider spacing. By measurement: without the outermost pair, lines that must move
together in crossing sets took turns for 60 rounds."""
REACH = 64
ROUNDS = 60
WIDE, FAR = 2**36, 2**16
"""Steps between all bounds beyond which floats of far pieces would blur single steps, so that rounds whose spacing is
this many times finer look at a window around the solution only."""
LEAST_UNIT = 1e-9
"""Share of the steepest slope below which no slope counts as 1."""
WHOLE = 1e-6
"""An amount this close to a whole number of steps is that number."""


class NoneFits(Exception):  # noqa: N818 - it reads as what it is
    """No amounts keep all limits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refined:
    """The end of the refinement.

    Attributes
    ----------
    spending
        Of each line (p,) [steps]; whole unless sets of lines cross.
    multipliers
        Of each limit of a sum: benefit per step of its level; 0 or more for ceilings, 0 or less for floors.
    rounds
        Linear programs solved.
    finest
        True where the pieces beside the solution are single steps, so that no finer pieces could change it; False
        where the solver stopped before, and the last amounts at hand that keep all limits are returned.
    """

    spending: FloatArray
    multipliers: FloatArray
    rounds: int
    finest: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """What nested ceilings alone give: amounts (p,), and the price at which each of them was filled.

    Attributes
    ----------
    caps
        Numbers of the limits that nest, the total first.
    steps
        Amounts (p,) [steps].
    prices
        Of each of ``caps`` [benefit per step].
    multipliers
        Of each limit of a sum; 0 for those that are not among ``caps``.
    """

    caps: tuple[int, ...]
    steps: IntArray
    prices: FloatArray
    multipliers: FloatArray

    def left_out(self, sums: Sequence[Sum]) -> list[int]:
        """Return the numbers of limits that the amounts break."""
        return [number for number, limit in enumerate(sums) if limit.slack(self.steps) < 0]


def refine(
    curves: Columns,
    lo: IntArray,
    hi: IntArray,
    sums: Sequence[Sum],
    *,
    begun: Start | None = None,
    effort: Effort = ANY,
) -> Refined:
    """Maximise the sum of f_p(x_p) under bounds and limits of sums, by linear programs over ever finer pieces.

    Every piece is a chord of the true curve, so a round's solution is feasible and its benefit is a lower bound. The
    first corners stand around the amounts that nested ceilings alone would give; each further round puts them around
    the last solution, an eighth as wide as the pieces next to it were, never under one step. When those are single
    steps the solution is optimal among whole amounts, because a concave curve that falls short on both sides next door
    falls short everywhere.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    lo, hi
        Bounds (p,) [steps].
    sums
        Limits of sums; the first is the total over all lines.
    begun
        Where to begin, worked out where it is not given.
    effort
        After its end the round at hand is the last.

    Raises
    ------
    NoneFits
        If no amounts keep all limits.
    AllocsimError
        If the solver stopped before any amounts were found that keep them.
    """
    begun = begun or start(curves, lo, hi, sums)
    stated = [number for number, limit in enumerate(sums) if limit.members.size]
    caps, x = begun.caps, begun.steps
    held = _held(sums, caps, begun.prices, len(lo))
    unit = _unit(begun.prices, curves, lo)
    spacing = _first_spacing(np.append(begun.prices, 0.0)[held], curves, lo, hi)
    pieces = around(curves, x, lo, hi, spacing)
    solver = Solver(assembled(_scaled(pieces, unit), sums, unit=unit))
    widest = np.array([sums[number].widest for number in stated])
    solver.begin(*_vertex(pieces, x, held, [stated.index(number) for number in caps]))
    multipliers, spending = begun.multipliers, floats(x) if keeps(sums, x) else None
    windowed = False
    for rounds in range(1, ROUNDS + 1):
        finest = False
        if rounds > 1:
            low, high = window(x, lo, hi, spacing) if windowed else (lo, hi)
            pieces = around(curves, x, low, high, spacing)
            _put(solver, pieces, [sums[number] for number in stated], unit)
        solution = solver.run()
        if solution.status == "infeasible" and windowed:
            windowed, spacing = False, integers(8 * spacing)
            continue
        if solution.status == "infeasible":
            raise NoneFits
        if solution.status == "limit":
            break
        multipliers = np.zeros(len(sums))
        multipliers[stated] = -solution.duals * unit / widest
        taken = solution.values[: pieces.width.size].reshape(pieces.width.shape).sum(axis=1)
        spending = floats(pieces.start + taken)
        beside = beside_of(pieces, spending)
        finest = bool((beside <= 1).all())
        if finest or effort.is_over:
            break
        at = integers(np.clip(np.rint(spending).astype(np.int64), lo, hi))
        x, spacing = at, _next_spacing(integers(np.abs(at - x)), beside, spacing)
        windowed = bool((hi - lo).sum() > max(WIDE, FAR * spacing.sum()))
    if spending is None:
        raise AllocsimError(Text("HiGHS stopped before it found a plan", "HiGHS 中止，未找到可行方案"))
    return Refined(spending=spending, multipliers=floats(_signed(multipliers, sums)), rounds=rounds, finest=finest)


def start(curves: Columns, lo: IntArray, hi: IntArray, sums: Sequence[Sum]) -> Start:
    """Return the amounts and multipliers that the total and the ceilings that nest in it give alone.

    Raises
    ------
    NoneFits
        If bounds, or bounds and one limit, cannot hold together.
    """
    if (lo > hi).any() or any(_hopeless(limit, lo) for limit in sums):
        raise NoneFits
    caps = nested(sums)
    found = split(curves, lo, hi, [Cap(members=sums[number].members, level=sums[number].level) for number in caps])
    multipliers = floats(_witness(sums, caps, found.prices))
    return Start(caps=tuple(caps), steps=integers(found.steps), prices=floats(found.prices), multipliers=multipliers)


def _put(solver: Solver, pieces: Pieces, sums: Sequence[Sum], unit: float) -> None:
    """Put other pieces into a program."""
    solver.change(cost=(-pieces.slope / unit).ravel(), upper=pieces.width.astype(np.float64).ravel())
    solver.level([(limit.level - limit.activity(pieces.start)) / limit.widest for limit in sums])


def _next_spacing(moved: IntArray, beside: IntArray, spacing: IntArray) -> IntArray:
    """Return the spacing of the next round (p,): finer where a line stayed within its corners, else wider."""
    edge = int(OFFSETS.max()) * spacing
    wanted = np.where(moved < edge, -(-beside // 8), np.where(moved == edge, 4 * spacing, -(-moved // 8)))
    return integers(np.maximum(1, wanted))


def _witness(sums: Sequence[Sum], caps: Sequence[int], prices: FloatArray) -> FloatArray:
    """Return the multipliers of sums that nested caps alone have: what a cap asks beyond those around it."""
    multipliers, around_it = np.zeros(len(sums)), np.zeros(int(sums[0].members.max(initial=-1)) + 1)
    for number, price in zip(caps, prices.tolist(), strict=True):
        members = sums[number].members
        multipliers[number] = max(0.0, price - float(around_it[members].max(initial=0.0)))
        around_it[members] = np.maximum(around_it[members], price)
    return multipliers


def keeps(sums: Sequence[Sum], x: IntArray) -> bool:
    """Tell whether amounts (p,) [steps] keep every limit that must hold."""
    return all(limit.penalty is not None or limit.slack(x) >= 0 for limit in sums)


def around(curves: Columns, x: IntArray, lo: IntArray, hi: IntArray, spacing: IntArray) -> Pieces:
    """Return chords of the curves between ``lo`` and ``hi`` with corners around ``x``, all (p,) [steps]."""
    inner = np.clip(x[:, None] + OFFSETS * spacing[:, None], lo[:, None], hi[:, None])
    corners = np.concatenate([lo[:, None], inner, hi[:, None]], axis=1)
    width = np.diff(corners, axis=1)
    slope = np.zeros(width.shape)
    for s in range(width.shape[1]):
        slope[:, s] = chord(curves, corners[:, s], width[:, s])
    return Pieces(start=lo, width=integers(width), slope=floats(slope))


def window(x: IntArray, lo: IntArray, hi: IntArray, spacing: IntArray) -> tuple[IntArray, IntArray]:
    """Return bounds within twice the reach of the corners around ``x``, all (p,) [steps]."""
    reach = 2 * int(OFFSETS.max()) * spacing
    return integers(np.maximum(lo, x - reach)), integers(np.minimum(hi, x + reach))


def nested(sums: Sequence[Sum]) -> list[int]:
    """Return the numbers of the total and of the plain ceilings that nest with all chosen before, the widest first."""
    chosen: list[int] = [0]
    sets: list[set[int]] = []
    ceilings = [n for n, s in enumerate(sums) if n and s.sense == "ceiling" and s.members.size and s.is_plain]
    for number in sorted(ceilings, key=lambda n: -sums[n].members.size):
        mine = set(sums[number].members.tolist())
        if all(mine <= wider or not mine & wider for wider in sets):
            sets.append(mine)
            chosen.append(number)
    return chosen


def _held(sums: Sequence[Sum], caps: Sequence[int], prices: FloatArray, count: int) -> IntArray:
    """Return which cap holds each line (p,): the position in ``caps`` of the one with the highest price; -1 for none.

    The caps come widest first, so a cap holds its lines only where it asks more than those around it.
    """
    held, highest = np.full(count, -1, dtype=np.int64), np.zeros(count)
    for position, number in enumerate(caps):
        lines = sums[number].members
        dearer = lines[highest[lines] < prices[position]]
        held[dearer], highest[dearer] = position, prices[position]
    return held


def _first_spacing(price: FloatArray, curves: Columns, lo: IntArray, hi: IntArray) -> IntArray:
    """Return the first spacing (p,): a sixteenth of what a line's amount moves when its price moves by a fifth."""
    moved = best(curves, 0.8 * price, lo, hi) - best(curves, price / 0.8, lo, hi)
    return integers(np.maximum(1, moved // 16))


def _unit(prices: FloatArray, curves: Columns, lo: IntArray) -> float:
    """Return the slope that counts as 1 inside the solver: a price, the total's first, else the steepest slope.

    Never so small a slope that the steepest would be a number no solver takes: money may be worth next to nothing.
    """
    steepest = float(up(curves, lo).max())
    return max(float(prices[0] or prices.max() or steepest), LEAST_UNIT * steepest) or 1.0


def _scaled(pieces: Pieces, unit: float) -> Pieces:
    return Pieces(start=pieces.start, width=pieces.width, slope=floats(pieces.slope / unit))


def _vertex(
    pieces: Pieces, x: IntArray, held: IntArray, rows: Sequence[int]
) -> tuple[BoolArray, list[tuple[int, int]]]:
    """Return the vertex that stands at ``x``: which pieces are full, and (piece, row) pairs where a row binds.

    For each cap that holds lines, the steepest piece still empty among those lines takes the row's place.
    """
    ends = pieces.start[:, None] + np.cumsum(pieces.width, axis=1)
    full = (ends <= x[:, None]) & (pieces.width > 0)
    empty = np.where((ends > x[:, None]) & (pieces.width > 0), pieces.slope, -np.inf)
    steepest, first = empty.max(axis=1), empty.argmax(axis=1)
    pairs = []
    for position, row in enumerate(rows):
        lines = np.flatnonzero((held == position) & np.isfinite(steepest))
        if lines.size:
            line = lines[steepest[lines].argmax()]
            pairs.append((int(line * pieces.width.shape[1] + first[line]), row))
    return full.ravel(), pairs


def beside_of(pieces: Pieces, spending: FloatArray) -> IntArray:
    """Return the length of the longer of the two pieces that ``spending`` lies between or in (p,) [steps]."""
    ends = np.cumsum(pieces.width, axis=1)
    starts = ends - pieces.width
    at = (spending - pieces.start)[:, None]
    at = np.where(np.abs(at - np.rint(at)) < WHOLE, np.rint(at), at)
    touched = ((starts < at) & (at <= ends)) | ((starts <= at) & (at < ends))
    return np.asarray(np.where(touched, pieces.width, 0).max(axis=1), dtype=np.int64)


def _hopeless(limit: Sum, lo: IntArray) -> bool:
    """Tell whether the least amounts exceed a limit, or a limit of no lines asks for money."""
    if limit.penalty is not None or (limit.weight is not None and (limit.weight < 0).any()):
        return False
    least = limit.activity(lo)
    return (limit.sense != "floor" and least > limit.level) or (
        limit.sense != "ceiling" and not limit.members.size and limit.level > 0
    )


def _signed(multipliers: FloatArray, sums: Sequence[Sum]) -> FloatArray:
    """Return the multipliers without the rounding that gave some the wrong sign."""
    return np.clip(multipliers, *signs(sums))
