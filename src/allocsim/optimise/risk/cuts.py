"""Cutting planes: the plan that is best against the answers of an adversary known so far, as a linear program.

    minimise    - theta + sum of penalties
    subject to  theta - sum over lines p and pieces s of slope[j,p,s] d[p,s]  <=  const[j]      for every answer j known
                and all that is stated of the pieces d and the limits of sums for any plan

That is stated in PuLP as for any plan; the rows of answers, which come by the dozen and have an entry for every piece,
are written into the arrays. Their duals say how the answers are to be mixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.optimise.limits import Sum
from allocsim.optimise.program.problem import Pieces, state
from allocsim.optimise.program.solve import Arrays, Options, Solver, arrays


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """What is the same whatever the pieces and the answers: limits of sums, and the unit in which slopes are counted.

    Attributes
    ----------
    arrays
        Pieces without slopes under the limits, with a last column theta that is to be as large as may be.
    start
        Where the pieces stated begin (u,) [steps].
    sums
        The limits.
    unit
        Slope that counts as one [benefit per step].
    """

    arrays: Arrays
    start: IntArray
    sums: Sequence[Sum]
    unit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Answers of the adversary as rows; axis j answers, u amounts, s pieces.

    Attributes
    ----------
    at
        Amounts (u,) [steps] at which the rows touch the values: corners of the pieces.
    value
        Under each answer at these amounts (j,) [benefit].
    slope
        Of the pieces under each answer (j, u, s) [benefit per step].
    """

    at: IntArray
    value: FloatArray
    slope: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """A plan against the answers known.

    Attributes
    ----------
    spending
        The amounts (u,) [steps].
    value
        theta, by the pieces [benefit].
    mixture
        Weights of the answers (j,), sum 1.
    multipliers
        Of each limit of a sum [benefit per step or grain of its level].
    """

    spending: FloatArray
    value: float
    mixture: FloatArray
    multipliers: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Whole amounts (u,) [steps] against the answers known, and what no whole amounts among the pieces exceed."""

    steps: IntArray
    most: float


class Cuts(Solver):
    """The linear program over some pieces, to which answers are added.

    Parameters
    ----------
    frame
        Limits and unit.
    pieces
        Where amounts may stand; their slopes are those of the answers.
    answers
        Those known at first, one at least.
    options
        Of the solver, where they are not the usual ones.
    """

    def __init__(self, frame: Frame, pieces: Pieces, answers: Answers, options: Options | None = None) -> None:
        self.pieces, self.answers, self._frame = pieces, answers, frame
        self._theta, self._origin = len(frame.arrays.cost) - 1, float(answers.value.min())
        ends = pieces.start[:, None] + np.cumsum(pieces.width, axis=1)
        full = (ends <= answers.at[:, None]) & (pieces.width > 0)
        self._filled = np.where(full, pieces.width, 0).astype(np.float64)
        rows = [self._row(slope, value) for slope, value in zip(answers.slope, answers.value.tolist(), strict=True)]
        super().__init__(_with(frame, pieces, rows), options)
        worst = len(frame.arrays.row_lower) + int(answers.value.argmin())
        self.begin(booleans(full.ravel()), [(self._theta, worst)])

    def add(self, slope: FloatArray, value: float) -> None:
        """Add an answer: slopes of the pieces (p, s) and its value where the rows touch."""
        entry, most = self._row(slope, value)
        index = np.append(np.arange(len(entry) - 1), self._theta).astype(np.int32)
        self._highs.addRow(-np.inf, most, len(entry), index, entry)

    def solved(self) -> Solved | None:
        """Solve; None where no amounts keep the limits or the solver stopped."""
        solution = self.run()
        if solution.status != "optimal":
            return None
        pieces = self.pieces
        taken = solution.values[: pieces.width.size].reshape(pieces.width.shape)
        sums, unit = self._frame.sums, self._frame.unit
        stated = [number for number, limit in enumerate(sums) if limit.members.size]
        multipliers = np.zeros(len(sums))
        multipliers[stated] = -solution.duals[: len(stated)] * unit / [sums[number].widest for number in stated]
        mixture = np.maximum(-solution.duals[len(stated) :], 0.0)
        if not mixture.any():
            raise AllocsimError(Text("HiGHS gave no weights of answers", "HiGHS 未给出各最坏情形的权重"))
        return Solved(
            spending=floats(pieces.start + taken.sum(axis=1)),
            value=float(solution.values[self._theta]) * unit + self._origin,
            mixture=floats(mixture / mixture.sum()),
            multipliers=floats(multipliers),
        )

    def chosen(self, seconds: float) -> Chosen | None:
        """Solve where all pieces are single whole steps; None where no amounts were found in so many seconds."""
        if math.isfinite(seconds):
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + seconds)
        solution = self.run()
        pieces, unit = self.pieces, self._frame.unit
        if solution.status == "infeasible" or solution.values.size < pieces.width.size:
            return None
        taken = (solution.values[: pieces.width.size].reshape(pieces.width.shape) > 0.5) & (pieces.width > 0)
        return Chosen(steps=integers(pieces.start + taken.sum(axis=1)), most=self._origin - solution.least * unit)

    def _row(self, slope: FloatArray, value: float) -> tuple[FloatArray, float]:
        """Return the entries of an answer's row and its level: theta counted from the least value, in units."""
        level = value - self._origin - float((slope * self._filled).sum())
        unit = self._frame.unit
        return np.append(-slope.ravel(), unit) / unit, level / unit


def framed(pieces: Pieces, sums: Sequence[Sum], unit: float, *, whole: bool = False) -> Frame:
    """State the limits over as many pieces as ``pieces`` has, which may be taken wholly or not at all if ``whole``."""
    flat = Pieces(start=pieces.start, width=pieces.width, slope=floats(np.zeros(pieces.width.shape)))
    stated = arrays(state(flat, sums, whole=whole, unit=unit))
    wide = Arrays(
        cost=floats(np.append(stated.cost, -1.0)),
        lower=floats(np.append(stated.lower, -np.inf)),
        upper=floats(np.append(stated.upper, np.inf)),
        whole=booleans(np.append(stated.whole, False)),
        row_lower=stated.row_lower,
        row_upper=stated.row_upper,
        first=stated.first,
        index=stated.index,
        entry=stated.entry,
    )
    return Frame(arrays=wide, start=pieces.start, sums=sums, unit=unit)


def _with(frame: Frame, pieces: Pieces, rows: Sequence[tuple[FloatArray, float]]) -> Arrays:
    """Return what is stated over other pieces, from other starts, and with rows of answers below."""
    stated, count = frame.arrays, pieces.width.size
    index = np.append(np.arange(count), len(stated.cost) - 1)
    first = stated.first[-1] + np.arange(1, len(rows) + 1) * len(index)
    limits = [limit for limit in frame.sums if limit.members.size]
    begun = [(limit.activity(pieces.start) - limit.activity(frame.start)) / limit.widest for limit in limits]
    levels = [level for _, level in rows]
    return Arrays(
        cost=stated.cost,
        lower=stated.lower,
        upper=floats(np.concatenate([pieces.width.ravel(), stated.upper[count:]])),
        whole=stated.whole,
        row_lower=floats(np.concatenate([stated.row_lower - begun, np.full(len(rows), -np.inf)])),
        row_upper=floats(np.concatenate([stated.row_upper - begun, levels])),
        first=integers(np.concatenate([stated.first, first])),
        index=integers(np.concatenate([stated.index, np.tile(index, len(rows))])),
        entry=floats(np.concatenate([stated.entry, *(entry for entry, _ in rows)])),
    )
