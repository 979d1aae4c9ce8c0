"""Corners of a given piecewise curve, as a table spells them."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite

from allocsim.model.curve import Points
from allocsim.model.rule import Unsound


def points_of(text: str) -> Points:
    """Return the corners that ``"0:0;50:30;200:60"`` spells: spending [money] and benefit [benefit].

    Raises
    ------
    Unsound
        If the text does not parse, does not begin at ``0:0``, or the curve does not rise ever more slowly.
    """
    try:
        corners = tuple(_corner(part) for part in text.replace("\uff1b", ";").split(";") if part.strip())
    except ValueError:
        raise Unsound(f"'{text}' does not spell corners", f"“{text}”不是折点") from None
    if len(corners) < 2 or corners[0] != (0.0, 0.0):
        raise Unsound(
            "a piecewise curve begins at 0:0 and has two corners at least", "分段曲线从 0:0 开始，至少两个折点"
        )
    slopes = []
    for (x, benefit), (next_x, next_benefit) in pairwise(corners):
        if not next_x > x or not next_benefit >= benefit:
            raise Unsound("corners must go up in spending, and benefit must not fall", "折点的支出须递增，效益不得下降")
        slopes.append((next_benefit - benefit) / (next_x - x))
    if any(later > earlier * (1 + 1e-12) for earlier, later in pairwise(slopes)):
        raise Unsound("the curve must rise ever more slowly (concave)", "曲线须越来越平缓（凹）")
    return corners


def _corner(part: str) -> tuple[float, float]:
    spending, benefit = (float(number) for number in part.replace("\uff1a", ":").split(":"))
    if not (isfinite(spending) and isfinite(benefit)):
        raise ValueError(part)
    return spending, benefit
