"""The truth behind the records: curves that saturate, budgets that partly follow scores, spending and its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.stream import stream
from allocsim.synthetic.lines import BUDGET_YEAR, FIRST_SCORED, LAST_SCORED, Line

YEARS = tuple(range(FIRST_SCORED, LAST_SCORED + 1))
DROUGHT_YEAR = 2022
EXCUSE = "客观原因:干旱"

ELASTICITY = {
    "教育": 0.40,
    "卫生健康": 0.45,
    "城乡社区": 0.35,
    "交通运输": 0.22,
    "农林水": 0.50,
    "节能环保": 0.42,
    "科学技术": 0.30,
    "文化旅游体育与传媒": 0.10,
    "社会保障和就业": 0.40,
    "一般公共服务": 0.20,
}
"""Sector -> elasticity of the result at usual spending: median of the lines of the sector."""
SPREAD = 0.30
"""Spread of a line's elasticity about its sector's, on the logit scale."""
MERIT = 0.06
"""What a point of score above 82 adds to an elasticity, on the logit scale: what fails, money alone mends less."""
EXPIRED_LEVEL = 55.0
"""Usual score of policies past their term."""
SWING = {"三保": 0.05, "据实": 0.08, "合同": 0.12}
"""Spread of ln budget from year to year by tier; 0.19 for the rest. Swings end at 1.7 spreads, last year's is half."""
FOLLOW = 0.006
"""What a point of score above 82 adds to ln budget two years later."""
YEAR_SPREAD, LINE_YEAR_SPREAD, DROUGHT_LOSS = 0.8, 1.5, 4.0
"""Points: common to a year; own to a line and year; lost to drought by lines of farming and water."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What the raters look at, and what a test may ask for; axes p (line) and t (the scored years).

    ``budget``, ``adjusted``, ``spent`` (p, t) [money]; ``result`` (p, t) [points, may pass 100]; ``hit`` (p, t) lines
    in drought; ``plateau`` [points] and ``scale`` [money], both (p,): the result of spending x is
    ``plateau * (1 - exp(-x / scale))``, and its benefit the reference times result / 100.
    """

    budget: IntArray
    adjusted: IntArray
    spent: IntArray
    result: FloatArray
    hit: BoolArray
    plateau: FloatArray
    scale: FloatArray


def saturation(elasticity: FloatArray) -> FloatArray:
    """Return q = scale / reference of the saturating curve with this elasticity at the reference.

    The elasticity of ``1 - exp(-u/q)`` at u = 1 is ``(1/q) / (exp(1/q) - 1)``, which falls in 1/q: bisection.
    """
    low, high = np.full(elasticity.shape, 1e-6), np.full(elasticity.shape, 40.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = middle / np.expm1(middle) > elasticity
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return 1.0 / low


def make_truth(seed: int, lines: Sequence[Line]) -> Truth:
    """Draw curves and the years 2021 to 2025, such that the named lines meet their combined scores of 2025.

    Money runs in multiples of the median line's course first; only spending over scale matters to the result, so all
    is scaled at the end to end in last year's budget. A line's plateau decides its scores, these its later budgets,
    and its spending of 2025 its plateau: eight rounds settle it.
    """
    rng = stream(seed, "synthetic/truth")
    shape = (len(lines), len(YEARS) + 1)
    centre = np.array([ELASTICITY[line.sector] for line in lines])
    drawn = SPREAD * rng.standard_normal(shape[0])
    swing = np.clip(rng.standard_normal(shape), -1.7, 1.7) * np.where(np.arange(shape[1]) < len(YEARS), 1.0, 0.5)
    swing *= np.array([SWING.get(line.tier, 0.19) for line in lines])[:, None]
    tempo = np.exp(0.04 * rng.standard_normal((shape[0], shape[1] - 1)))
    usual = np.array([0.82 if (line.executed or 0.6) < 0.5 and line.tier != "据实" else 0.94 for line in lines])
    rate = np.clip(usual[:, None] + 0.04 * rng.standard_normal(tempo.shape), 0.5, 1.0)
    hit = _in_drought(lines)
    noise = LINE_YEAR_SPREAD * rng.standard_normal(tempo.shape)
    shift = YEAR_SPREAD * rng.standard_normal(tempo.shape[1]) + noise - DROUGHT_LOSS * hit
    usual_level = np.clip(88.5 + 4.5 * rng.standard_normal(shape[0]), 62.0, 98.0)
    usual_level = np.where([_has_expired(line) for line in lines], EXPIRED_LEVEL, usual_level)
    goal = np.array([np.nan if line.combined is None else line.combined for line in lines])
    merit = MERIT * (np.where(np.isnan(goal), usual_level, goal) - 82.0)
    q = saturation(1.0 / (1.0 + np.exp(-np.log(centre / (1.0 - centre)) - drawn - merit)))

    plateau = usual_level / -np.expm1(-1.0 / q)
    course = _course(swing, np.zeros(tempo.shape))
    for _ in range(8):
        gained = -np.expm1(-course[:, :-1] * tempo * rate / q[:, None])
        met = (goal - shift[:, -1]) / gained[:, -1]
        plateau = np.where(np.isnan(goal), plateau, met)
        course = _course(swing, plateau[:, None] * gained + shift)

    unit = np.array([line.reference for line in lines]) / course[:, -1]
    budget = np.maximum(10.0, 10.0 * np.round(unit[:, None] * course[:, :-1] / 10.0))
    adjusted = np.round(budget * tempo)
    spent = np.round(adjusted * rate)
    scale = q * unit
    result = plateau[:, None] * -np.expm1(-spent / scale[:, None]) + shift
    return Truth(
        budget=integers(budget),
        adjusted=integers(adjusted),
        spent=integers(spent),
        result=floats(result),
        hit=booleans(hit),
        plateau=floats(plateau),
        scale=floats(scale),
    )


def _course(swing: FloatArray, result: FloatArray) -> FloatArray:
    """Return budgets 2021 to 2026 in multiples of the usual: 2 % growth, swings, the pull of scores two years back."""
    years = swing.shape[1]
    logs = swing + 0.02 * (np.arange(years) - (years - 1.0))
    logs[:, 2:] += FOLLOW * (np.minimum(result[:, : years - 2], 100.0) - 82.0) * (result[:, : years - 2] > 0)
    return np.asarray(np.exp(logs), dtype=np.float64)


def _has_expired(line: Line) -> bool:
    return line.expires is not None and line.expires < BUDGET_YEAR


def _in_drought(lines: Sequence[Line]) -> BoolArray:
    """Tell which lines and years drought excuses: farming and water in 2022, the lines made for drought left out."""
    spared = ("农业生产防灾救灾资金", "农业保险保费补贴", "大中型水利工程建设")
    farming = np.array([line.sector == "农林水" and line.name not in spared for line in lines])
    return np.asarray(farming[:, None] & (np.array(YEARS) == DROUGHT_YEAR), dtype=np.bool_)
