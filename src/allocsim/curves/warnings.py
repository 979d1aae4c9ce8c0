"""Warning lights beside a fit: slopes that disagree, budgets that followed scores, causes that no record shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lstsq

from allocsim.curves.panel import History, Panel
from allocsim.model.arrays import FloatArray, IntArray

FEEDBACK_T = 2.0
"""t value from which budgets are taken to have followed scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A least-squares slope with its standard error clustered by project; NaN where it cannot be told."""

    slope: float
    error: float

    @property
    def t(self) -> float:
        """Slope over its standard error."""
        return self.slope / self.error if self.error > 0 else float("nan")


def slopes(panel: Panel) -> tuple[Slope, Slope]:
    """Return the pooled and the within-project slope of score on ln(spending), years taken out [points per log unit].

    Not estimates of the curve: the pooled slope holds what large projects have besides money, and the within slope is
    biased where budgets followed scores (Nickell 1981, Econometrica 49:1417). Where the two disagree, be warned.
    """
    spending = np.log(panel.steps)
    years = np.eye(len(panel.years))[panel.period]
    pooled = _slope(spending, panel.score, years, panel.project)
    columns = [_within(column, panel.project) for column in (spending, panel.score, *years.T)]
    within = _slope(columns[0], columns[1], np.stack(columns[2:], axis=1), panel.project)
    return pooled, within


def feedback(panel: Panel, past: History, scores: FloatArray) -> float:
    """Return the t value of the test whether budgets followed scores; NaN where it cannot be told.

    The slope of ``ln x_{t+1} - ln x_t`` on the score of t, with sector dummies, clustered by project; the same one
    year later, since a budget is often written before the newest score is known. The greater t counts: a false alarm
    only costs a less exact reference.

    Parameters
    ----------
    panel
        The panel at lag 0.
    past
        Spending on record.
    scores
        Its scores (o,) [score 0-100].
    """
    found = []
    year = panel.years[panel.period]
    for horizon in (0, 1):
        before = past.at(panel.project, year + horizon)
        after = past.at(panel.project, year + horizon + 1)
        known = (before > 0) & (after > 0)
        if known.sum() < 10:
            continue
        sector = panel.sector[panel.project[known]]
        dummies = np.eye(panel.sectors)[sector]
        growth = np.log(after[known]) - np.log(before[known])
        found.append(_slope(scores[known], growth, dummies, panel.project[known]).t)
    told = [t for t in found if np.isfinite(t)]
    return max(told) if told else float("nan")


def halving_correlation(panel: Panel, u: FloatArray, *, slope: float, noise: float) -> float:
    """Return the correlation of unexplained spending with unexplained score that would halve the marginal.

    A correlation c shifts the slope by ``c noise / sd(ln u)`` points per log unit, the spread taken within projects.

    Parameters
    ----------
    slope
        Mean of level x elasticity [points per log unit].
    noise
        Standard deviation of a score around its curve [score 0-100].
    """
    spread = float(np.sqrt(np.mean(_within(np.log(u), panel.project) ** 2))) if len(u) else 0.0
    return 0.5 * slope * spread / noise if spread > 0 else float("nan")


def _within(values: FloatArray, project: IntArray) -> FloatArray:
    count = np.maximum(np.bincount(project), 1)
    return np.asarray(values - (np.bincount(project, values) / count)[project])


def _slope(x: FloatArray, y: FloatArray, controls: FloatArray, cluster: IntArray) -> Slope:
    """Regress y on x and controls; the error sums scores over clusters (Liang and Zeger 1986, Biometrika 73:13)."""
    nothing = Slope(slope=float("nan"), error=float("nan"))
    clusters = len(np.unique(cluster))
    if clusters < 2 or len(x) <= controls.shape[1] + 1:
        return nothing
    both = np.stack([x, y], axis=1)
    coefficients = np.asarray(lstsq(controls, both)[0])
    rest = both - controls @ coefficients
    square = float(rest[:, 0] @ rest[:, 0])
    if square <= 1e-12 * max(float(x @ x), 1e-300):
        return nothing
    slope = float(rest[:, 0] @ rest[:, 1]) / square
    errors = rest[:, 1] - slope * rest[:, 0]
    by_cluster = np.bincount(cluster, rest[:, 0] * errors)
    return Slope(slope=slope, error=float(np.sqrt(clusters / (clusters - 1) * (by_cluster @ by_cluster))) / square)
