"""What projects share: noise, levels given curvature and year effects, learnt from all records together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.curves.censored import Design, Levels, levels
from allocsim.curves.posterior import CURVATURE_MEAN, Groups, integrate
from allocsim.model.arrays import FloatArray, IntArray

_SLOPE_SPREAD = 5.0
_PRIOR = 1.0
_USUAL_NOISE2, _USUAL_LEVEL2, _USUAL_YEAR2 = 6.0**2, 12.0**2, 3.0**2
_USUAL_LEVEL = 70.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shared:
    """Parameters that projects share.

    Attributes
    ----------
    noise2, level2, year2
        Variances: of a score around its curve, of levels around their line, of year effects.
    intercept, slope
        ``E[L | theta] = intercept_sector + slope theta`` (c,) [score 0-100].
    year
        Effect of each year (t,) [score 0-100].
    """

    noise2: float
    level2: float
    year2: float
    intercept: FloatArray
    slope: float
    year: FloatArray

    def prior(self, sector: IntArray, nodes: FloatArray) -> FloatArray:
        """Return the mean of L before a project's own records (p, j)."""
        return self.intercept[sector][:, None] + self.slope * nodes


def begin(data: Design, groups: Groups, years: int) -> Shared:
    """Return where the rounds start: usual variances, sector means of the scores."""
    sector = groups.sector[data.project]
    count = np.bincount(sector, minlength=groups.count)
    total = np.bincount(sector, data.score, groups.count)
    whole = (_USUAL_LEVEL + data.score.sum()) / (1.0 + len(data.score))
    return Shared(
        noise2=_USUAL_NOISE2,
        level2=_USUAL_LEVEL2,
        year2=_USUAL_YEAR2,
        intercept=(whole + total) / (1.0 + count),
        slope=0.0,
        year=np.zeros(years),
    )


def learn(
    data: Design, groups: Groups, start: Shared, *, rounds: int, before: Levels | None = None
) -> tuple[Shared, Levels]:
    """Return the shared parameters after ``rounds`` of expectation and maximisation, and the levels at them."""
    shared, at = start, before
    for _ in range(rounds):
        at = find_levels(data, groups, shared, before=at)
        shared = _maximise(data, groups, shared, at)
    return shared, find_levels(data, groups, shared, before=at)


def find_levels(data: Design, groups: Groups, shared: Shared, *, before: Levels | None = None) -> Levels:
    """Return the levels of all projects at given shared parameters."""
    prior = shared.prior(groups.sector, groups.nodes)
    return levels(data, prior=prior, spread2=shared.level2, noise2=shared.noise2, year=shared.year, before=before)


def _maximise(data: Design, groups: Groups, shared: Shared, at: Levels) -> Shared:
    """Return the parameters that fit the expected levels best; weak priors keep few records from extremes."""
    weight = integrate(groups, at, coarse=True).weight
    known = data.known.astype(np.float64)
    noise2, year, year2 = _noise(data, shared, at, weight)
    intercept, slope, level2 = _line(groups, shared, at, weight, known)
    return Shared(
        noise2=noise2,
        level2=level2,
        year2=year2,
        intercept=intercept,
        slope=slope,
        year=year,
    )


def _noise(data: Design, shared: Shared, at: Levels, weight: FloatArray) -> tuple[float, FloatArray, float]:
    """Return noise, year effects and their spread.

    A reading's own error (``variance``) is known: the expected square of the rest is
    ``noise2 variance / v + (noise2 / v)^2 E[r^2]``. A censored reading enters with its expected residual.
    """
    v = shared.noise2 + data.variance
    first = np.einsum("oj,oj->o", (weight * at.mean)[data.project], data.h)
    second = np.einsum("oj,oj->o", (weight * (at.mean**2 + 1.0 / at.precision))[data.project], data.h2)
    open_ = data.score - first
    effect = shared.year[data.period]
    square = data.score**2 - 2.0 * data.score * first + second - 2.0 * effect * open_ + effect**2
    if data.limited is not None and at.beyond is not None and at.hazard is not None:
        out = data.limited.which
        node = weight[data.project[out]]
        open_[out] = effect[out] + np.sqrt(v[out]) * data.side[out] * (node * at.hazard).sum(axis=1)
        square[out] = v[out] * (1.0 - (node * at.beyond * at.hazard).sum(axis=1))
    share = shared.noise2 / v
    expected = share * data.variance + share**2 * square
    noise2 = (_PRIOR * _USUAL_NOISE2 + expected.sum()) / (_PRIOR + len(v))
    years = len(shared.year)
    precision = np.bincount(data.period, 1.0 / v, years) + 1.0 / shared.year2
    year = np.bincount(data.period, open_ / v, years) / precision
    spread = (_PRIOR * _USUAL_YEAR2 + (year**2 + 1.0 / precision).sum()) / (_PRIOR + years)
    return float(noise2), np.asarray(year), float(spread)


def _line(
    groups: Groups, shared: Shared, at: Levels, weight: FloatArray, known: FloatArray
) -> tuple[FloatArray, float, float]:
    """Return the line on which levels lie given theta (sector intercepts, one slope), and their spread around it."""
    sector, nodes = groups.sector, groups.nodes
    count = np.bincount(sector, known, groups.count)
    theta = weight @ nodes
    level = (weight * at.mean).sum(axis=1)
    centre = np.bincount(sector, known * theta, groups.count) / np.maximum(count, 1.0)
    middle = np.bincount(sector, known * level, groups.count) / np.maximum(count, 1.0)
    whole = (_USUAL_LEVEL + (known * level).sum()) / (1.0 + known.sum())
    off = nodes - centre[sector][:, None]
    across = (known * (weight * off * (at.mean - middle[sector][:, None])).sum(axis=1)).sum()
    along = (known * (weight * off**2).sum(axis=1)).sum()
    slope = across / (along + shared.level2 / _SLOPE_SPREAD**2)
    height = (whole + count * middle) / (1.0 + count)
    intercept = height - slope * np.where(count > 0, centre, CURVATURE_MEAN)
    rest = at.mean - intercept[sector][:, None] - slope * nodes
    square = (weight * (rest**2 + 1.0 / at.precision)).sum(axis=1)
    level2 = (_PRIOR * _USUAL_LEVEL2 + (known * square).sum()) / (_PRIOR + known.sum())
    return intercept, float(slope), float(level2)
