"""Roofs: polygons that lie above benefit curves, with corners where neighbouring tangents meet.

Over a span on which a curve flattens, take tangents at some points v. The least of them is a concave polygon above the
curve: between neighbours v and w it breaks where their tangents meet, at the height

    f(w) - f'(w) (w - m),    m = v + (w - v) (c - f'(w)) / (f'(v) - f'(w)),    c = (f(w) - f(v)) / (w - v).

Over whole amounts alone the lines through (v, f(v)) with the slope of the step above v, and of the step below w, take
the tangents' place; then the roof breaks at v as well. Where a curve steepens, the roof is the chord between the ends
of the span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, booleans, floats
from allocsim.model.blend import Columns
from allocsim.optimise.choice.spans import Spans
from allocsim.optimise.grid import down, up

LADDER = tuple(sign * 3.0 / 4.0**rung for rung in range(9) for sign in (-1.0, 1.0))
"""Logarithms of slopes, against the price, at which tangents are laid: ever denser around the price, so that a roof is
the nearer to its curve the nearer the price is to the right one."""
ALIKE = 1e-13
"""Share by which two slopes must differ for a corner between them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roofs:
    """Polygons over the curves of spans s, corners v from left to right.

    Attributes
    ----------
    spending, height
        Of each corner (v, s) [steps], [benefit].
    present
        Which corners there are (v, s).
    """

    spending: FloatArray
    height: FloatArray
    present: BoolArray


def tangent_points(curves: Columns, found: Spans, asked: FloatArray) -> list[FloatArray]:
    """Return where to lay tangents: where slopes are near the price that each span is asked (s,) [benefit per step].

    Parameters
    ----------
    curves
        Curves of the spans, parameters (s,).
    found
        The spans.
    asked
        Price of a step; where there is none, the mean slope of the span takes its place.
    """
    mean = curves.rise(found.left, np.maximum(found.right - found.left, 1e-9))
    price = np.where(asked > 1e-9 * mean, asked, np.where(mean > 0, mean, 1.0))
    with np.errstate(invalid="ignore", over="ignore"):
        return [floats(np.nan_to_num(curves.spending_at(price * np.exp(rung)))) for rung in (*LADDER, 0.0)]


def roofs(curves: Columns, found: Spans, points: Sequence[FloatArray], *, whole: bool) -> Roofs:
    """Lay roofs over spans.

    Parameters
    ----------
    curves
        Curves of the spans, parameters (s,).
    found
        The spans.
    points
        Where to lay tangents besides the ends, each (s,) [steps]; a point outside a span counts as its nearer end.
    whole
        True for roofs over whole amounts alone, which lie lower.
    """
    left, right = (found.least, found.most) if whole else (found.left, found.right)
    start, end = left.astype(np.float64), right.astype(np.float64)
    at = np.stack([start, *points, end])
    if whole:
        at = np.concatenate([np.floor(at), np.floor(at) + 1.0])
    at = np.sort(np.clip(at, start, end), axis=0)
    height = np.stack([curves.benefit(row) for row in at])
    straight = found.convex | (end - start <= (1.0 if whole else 0.0))
    spending, heights, present = [start], [height[0]], [np.ones(len(start), dtype=np.bool_)]
    for before, after, high in zip(at[:-1], at[1:], height[1:], strict=True):
        meet, level, there = _meeting(curves, before, after, high, whole=whole)
        spending.append(meet)
        heights.append(level)
        present.append(there & ~straight)
        if whole:
            spending.append(after)
            heights.append(high)
            present.append((after > before) & (after < end) & ~straight)
    return Roofs(
        spending=floats(np.stack([*spending, end])),
        height=floats(np.stack([*heights, height[-1]])),
        present=booleans(np.stack([*present, end > start])),
    )


def _meeting(
    curves: Columns, before: FloatArray, after: FloatArray, high: FloatArray, *, whole: bool
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return where the tangents at two points meet, at which height, and whether they do, each (s,)."""
    width = after - before
    if whole:
        steep, flat = up(curves, before.astype(np.int64)), down(curves, after.astype(np.int64))
    else:
        steep, flat = curves.slope(before), curves.slope(after)
    chord = curves.rise(before, np.where(width > 0, width, 1.0))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        differ = np.isinf(steep) | (steep - flat > ALIKE * np.abs(steep))
        there = (width > 0) & np.isfinite(flat) & differ
        share = np.where(there, (chord - flat) / (steep - flat), 0.0)
        meet = before + width * np.clip(np.nan_to_num(share), 0.0, 1.0)
        level = high - flat * (after - meet)
    return meet, np.where(there, level, 0.0), booleans(there)
