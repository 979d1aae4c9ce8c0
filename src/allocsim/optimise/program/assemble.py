"""The arrays of the stated problem without stating it: for refinements, which need no names and no one to read them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.optimise.limits import Sum
from allocsim.optimise.program.problem import Pieces
from allocsim.optimise.program.solve import Arrays


def assembled(pieces: Pieces, sums: Sequence[Sum], *, whole: bool = False, unit: float = 1.0) -> Arrays:
    """Return the arrays of what :func:`~allocsim.optimise.program.problem.state` states, to the last bit.

    Parameters
    ----------
    pieces, sums, whole, unit
        As there.
    """
    stated = [limit for limit in sums if limit.members.size]
    longest = pieces.width.astype(np.float64).ravel()
    sides = [_sides(limit) for limit in stated]
    costs = [
        (limit.penalty or 0.0) * limit.widest / unit for limit, signs in zip(stated, sides, strict=True) for _ in signs
    ]
    index, entry, first = _rows(stated, sides, pieces.width.shape)
    level = np.array([(limit.level - limit.activity(pieces.start)) / limit.widest for limit in stated])
    sense = np.array([limit.sense for limit in stated])
    broken = len(costs)
    return Arrays(
        cost=floats(np.concatenate([-pieces.slope.ravel(), costs])),
        lower=floats(np.zeros(longest.size + broken)),
        upper=floats(np.concatenate([longest, np.full(broken, np.inf)])),
        whole=booleans(np.arange(longest.size + broken) < (longest.size if whole else 0)),
        row_lower=floats(np.where(sense == "ceiling", -np.inf, level)),
        row_upper=floats(np.where(sense == "floor", np.inf, level)),
        first=first,
        index=index,
        entry=entry,
    )


def _sides(limit: Sum) -> list[float]:
    """Return the signs of what is broken in the row of a limit: taken off where it is over, added where under."""
    if limit.penalty is None:
        return []
    return [sign for sign, sense in ((-1.0, "floor"), (1.0, "ceiling")) if limit.sense != sense]


def _rows(
    stated: Sequence[Sum], sides: Sequence[Sequence[float]], shape: tuple[int, ...]
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return the columns and the entries of all rows, row by row, and where each row begins."""
    lines, count = shape
    index, entry, column = [np.zeros(0, dtype=np.int64)], [np.zeros(0)], lines * count
    for limit, signs in zip(stated, sides, strict=True):
        index.append((limit.members[:, None] * count + np.arange(count)).ravel())
        entry.append(np.repeat(limit.coefficients / limit.widest, count))
        index.append(np.arange(column, column + len(signs)))
        entry.append(np.array(signs, dtype=np.float64))
        column += len(signs)
    sizes = [limit.members.size * count + len(signs) for limit, signs in zip(stated, sides, strict=True)]
    return integers(np.concatenate(index)), floats(np.concatenate(entry)), integers(np.cumsum([0, *sizes]))
