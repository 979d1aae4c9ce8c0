"""Sifting: at given multipliers, what each span could still bring, and which spans no better plan can use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, booleans, floats
from allocsim.model.blend import Columns
from allocsim.optimise.choice.spans import Spans, away
from allocsim.optimise.concave.tree import could_be_better
from allocsim.optimise.grid import best
from allocsim.optimise.limits import Choice, Sum
from allocsim.optimise.proof.certify import slopes_asked

MARGIN = 2.0**-40
"""Share of the sum of absolute terms by which a span must fall short before it is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighed:
    """Spans at multipliers.

    Attributes
    ----------
    bound
        What no amounts within the spans exceed [benefit].
    short
        By how much each span falls short of the best of its line (s,) [benefit]: a plan that uses spans brings at most
        the bound less what they fall short by.
    asked
        Price of a step in each span (s,) [benefit per step].
    margin
        What rounding may hide [benefit].
    """

    bound: float
    short: FloatArray
    asked: FloatArray
    margin: float


def weigh(
    curves: Columns,
    found: Spans,
    sums: Sequence[Sum],
    choices: Sequence[Choice],
    *,
    multipliers: FloatArray,
    counting: FloatArray,
    whole: bool,
) -> Weighed:
    """Weigh spans.

    Parameters
    ----------
    curves
        Curves of the spans, parameters (s,).
    found
        The spans; every line has one at least.
    sums, choices
        The limits.
    multipliers, counting
        Of the limits of sums and of the rules that count lines, of the signs they must have.
    whole
        True to weigh whole amounts alone.
    """
    lines = int(found.line[-1]) + 1
    asked = slopes_asked(lines, sums, multipliers)[found.line]
    costs = np.zeros(len(found.line))
    for choice, multiplier in zip(choices, counting.tolist(), strict=True):
        counted, weight = away(found, choice)
        costs[counted] += multiplier * weight
    heights = _highest(curves, found, asked, whole=whole) - costs
    top = np.full(lines, -np.inf)
    np.maximum.at(top, found.line, heights)
    levels = [z * limit.level for limit, z in zip(sums, multipliers.tolist(), strict=True)]
    levels += [y * choice.level for choice, y in zip(choices, counting.tolist(), strict=True)]
    margin = MARGIN * math.fsum([*np.abs(levels), *np.abs(top), *np.abs(asked * found.right)])
    return Weighed(
        bound=math.fsum([*levels, *top]),
        short=floats(top[found.line] - heights),
        asked=floats(asked),
        margin=margin,
    )


def sift(curves: Columns, found: Spans, weighed: Weighed, *, reached: float) -> Spans:
    """Return the spans that a plan could use which brings more than ``reached``, drawn in to where it could.

    Parameters
    ----------
    curves
        Curves of the spans, parameters (s,).
    found, weighed
        The spans and what they could bring.
    reached
        Benefit of the best plan at hand.
    """
    allowance = max(weighed.bound - reached, 0.0) + weighed.margin
    kept = booleans(weighed.short <= allowance)
    some = found.where(kept)
    of_some, asked = curves.subset(np.flatnonzero(kept)), weighed.asked[kept]
    left = allowance - weighed.short[kept]
    near, far = could_be_better(of_some, some.least, some.most, asked, left)  # type: ignore[arg-type]
    drawn = (some.high > some.low) & ~some.convex
    return some.drawn_in(
        floats(np.where(drawn & (near > some.least), near, -np.inf)),
        floats(np.where(drawn & (far < some.most), far, np.inf)),
    )


def _highest(curves: Columns, found: Spans, asked: FloatArray, *, whole: bool) -> FloatArray:
    """Return the maximum of f(x) - asked x over each span (s,)."""
    left, right = (found.least, found.most) if whole else (found.left, found.right)
    start, end = left.astype(np.float64), right.astype(np.float64)
    if whole:
        at = best(curves, asked, found.least, found.most).astype(np.float64)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            meeting = np.where(asked > 0, curves.spending_at(np.where(asked > 0, asked, 1.0)), np.inf)
        at = np.clip(np.nan_to_num(meeting, nan=0.0, posinf=np.inf), start, end)
    heights = [curves.benefit(x) - asked * x for x in (start, end)]
    ends = np.maximum(*heights)
    return np.where(found.convex, ends, np.maximum(ends, curves.benefit(at) - asked * at))
