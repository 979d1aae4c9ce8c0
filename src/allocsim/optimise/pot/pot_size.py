"""The best whole size of a pot at given prices, its split counted to the last step: proven, by a search of few sizes.

Let phi_p(x) = f_p(x) - a_p x and x_p(P) be the split of P steps. The split is within a step of each line's share w_p P,
so what a size brings is at most

    Psi(P) = sum over lines of max over |t - w_p P| <= 1 of phi_p(t),

which is concave in P: from its top outwards, no size brings more than the best one found once Psi has fallen below it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.blend import Columns
from allocsim.optimise.limits import Pot
from allocsim.optimise.pot.pots import apportion
from allocsim.optimise.proof.certify import smooth_maxima

MOST_SIZES = 20_000
"""Sizes beyond which nothing is proven of a pot's whole steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The best size of a pot [steps] and what no size brings more than [benefit], infinite where that is not proven."""

    steps: int
    most: float


def best_size(
    curves: Columns, pot: Pot, a: FloatArray, *, bounds: tuple[int, int], of_lines: tuple[IntArray, IntArray], near: int
) -> Size:
    """Return the best whole size of a pot at prices.

    Parameters
    ----------
    curves
        Concave curves of the pot's lines in steps (m,).
    pot
        The pot.
    a
        Price of a step of each of its lines (m,) [benefit per step].
    bounds
        Least and most size [steps].
    of_lines
        Least and most of each line (m,) [steps]: a size whose split does not keep them is none.
    near
        A size near the best.
    """
    (lo, hi), part = bounds, pot.key / int(pot.key.sum())

    def brings(size: int) -> float:
        split = apportion(pot, size)
        if (split < of_lines[0]).any() or (split > of_lines[1]).any():
            return -math.inf
        x = split.astype(np.float64)
        return math.fsum((curves.benefit(x) - a * x).tolist())

    def at_most(size: int) -> float:
        share = part * size
        return math.fsum(smooth_maxima(curves, a, np.maximum(share - 1.0, 0.0), share + 1.0)[0].tolist())

    steps = start = min(max(near, lo), hi)
    best, looked = brings(start), 0
    for direction in (1, -1):
        size, before = start, at_most(start)
        while lo <= size + direction <= hi:
            size, looked = size + direction, looked + 1
            outer = at_most(size)
            if outer < best and outer <= before:
                break
            before, value = outer, brings(size)
            if value > best:
                best, steps = value, size
            if looked > MOST_SIZES:
                return Size(steps=steps, most=math.inf)
    return Size(steps=steps, most=best)
