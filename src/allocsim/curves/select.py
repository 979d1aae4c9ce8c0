"""Lag and family by leave-one-year-out prediction, on the same records for all candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_ndtr, logsumexp

from allocsim.curves.model import Fitted, fit_model
from allocsim.curves.panel import History, Panel
from allocsim.curves.pooling import learn
from allocsim.curves.posterior import integrate
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, integers
from allocsim.model.curve import Candidate

MOST_PROJECTS = 600
"""Candidates are compared on at most so many projects, spread evenly over the table."""

_FEWEST_RECORDS = 20
_ROUNDS_AGAIN = 4
_YEAR_NODES = np.linspace(-4.0, 4.0, 17)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Candidates, best first, the log score of "money does nothing", and on how many records they were judged."""

    candidates: tuple[Candidate, ...]
    no_curve: float
    records: int


Usual = Callable[[Panel], FloatArray]
"""The reference spending of every project for a panel (p,) [steps]."""


def compare(
    panels: dict[int, Panel], past: History, usual: Usual, *, families: tuple[str, ...], rho: float
) -> Comparison:
    """Judge every lag and family by how well it predicts a year that it has not seen.

    A year is left out, the rest fitted again (beginning from the fit to all years), and the year's scores predicted
    together, their common year effect integrated under its prior. Only records that have spending at every lag count,
    so that all candidates predict the same scores. The lead over "money does nothing" has a standard error clustered
    by project.

    Parameters
    ----------
    panels
        The panel at each lag; a lag is left out where too few records would be common to all.

    Returns
    -------
    Comparison
        Without candidates where fewer than 20 common records or two years exist.
    """
    lags = sorted(panels)
    while len(lags) > 1 and not _enough(_common(panels, lags)):
        lags = lags[:-1]
    common = _common(panels, lags)
    if not _enough(common):
        return Comparison(candidates=(), no_curve=float("nan"), records=0)
    nothing = _predict(common, _relative(common, usual), family=None, rho=rho)
    judged = []
    for lag in lags:
        steps = past.at(common.project, integers(common.years[common.period] - lag))
        panel = replace(common, steps=steps)
        u = _relative(panel, usual)
        judged += [_judge(_predict(panel, u, family=name, rho=rho), nothing, panel, lag, name) for name in families]
    ranked = tuple(sorted(judged, key=lambda candidate: -candidate.log_score))
    return Comparison(candidates=ranked, no_curve=float(nothing.total), records=len(common.project))


def _relative(panel: Panel, usual: Usual) -> FloatArray:
    return np.asarray(panel.steps / usual(panel)[panel.project])


def _common(panels: dict[int, Panel], lags: list[int]) -> Panel:
    """Return the records that have spending at every lag, thinned evenly to at most :data:`MOST_PROJECTS`."""
    first = panels[lags[0]]
    keys = [panel.project * 100_000 + panel.years[panel.period] for panel in (panels[lag] for lag in lags)]
    kept = np.ones(len(keys[0]), dtype=np.bool_)
    for other in keys[1:]:
        kept &= np.isin(keys[0], other)
    seen = np.unique(first.project[kept])
    if len(seen) > MOST_PROJECTS:
        seen = seen[np.linspace(0, len(seen) - 1, MOST_PROJECTS).astype(np.int64)]
        kept &= np.isin(first.project, seen)
    return first.keep(kept)


def _enough(panel: Panel) -> bool:
    return len(panel.project) >= _FEWEST_RECORDS and len(np.unique(panel.period)) >= 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prediction:
    """Log score of all left-out years together, and each record's part in it (o,)."""

    total: float
    part: FloatArray


def _judge(found: _Prediction, nothing: _Prediction, panel: Panel, lag: int, family: str) -> Candidate:
    by_project = np.bincount(panel.project, found.part - nothing.part)
    clusters = len(np.unique(panel.project))
    rest = by_project[np.unique(panel.project)] - by_project.sum() / clusters
    return Candidate(
        lag=lag,
        family=family,
        log_score=float(found.total),
        lead=float(found.total - nothing.total),
        standard_error=float(np.sqrt(clusters / max(clusters - 1, 1) * (rest @ rest))),
    )


def _predict(panel: Panel, u: FloatArray, *, family: str | None, rho: float) -> _Prediction:
    fitted = fit_model(panel.only(integers(np.unique(panel.project))), u, family=family, rho=rho)
    total, part = 0.0, np.zeros(len(panel.project))
    for year in np.unique(panel.period).tolist():
        out = panel.period == year
        together, part[out] = _left_out(fitted, out)
        total += together
    return _Prediction(total=total, part=part)


def _left_out(fitted: Fitted, out: BoolArray) -> tuple[float, FloatArray]:
    """Return the joint log density of the records left out, and each record's at the best year effect.

    The year effect d is integrated on 17 nodes around its mode: ``log sum N(d; 0, year2) prod f_o(y_o - d)``.
    """
    groups, rest = fitted.groups, fitted.data.keep(~out)
    shared, at = learn(rest, groups, fitted.shared, rounds=_ROUNDS_AGAIN)
    weight = integrate(groups, at, coarse=True).weight
    new = fitted.data.keep(out)
    of = new.project
    mean = at.mean[of] * new.h
    variance = new.h2 / at.precision[of] + (shared.noise2 + new.variance)[:, None]
    centre = (weight[of] * mean).sum(axis=1)
    spread = (weight[of] * (variance + mean**2)).sum(axis=1) - centre**2
    precision = (1.0 / spread).sum() + 1.0 / shared.year2
    best = ((new.score - centre) / spread).sum() / precision
    effects = best + _YEAR_NODES / np.sqrt(precision)
    width = effects[1] - effects[0]
    log_weight = np.log(np.maximum(weight[of], 1e-300))
    log_density = np.stack([_density(new.score, new.side, mean + d, variance, log_weight) for d in effects])
    prior = -0.5 * (effects**2 / shared.year2 + np.log(2.0 * np.pi * shared.year2))
    joint = float(logsumexp(log_density.sum(axis=1) + prior) + np.log(width))
    return joint, log_density[len(effects) // 2]


def _density(
    score: FloatArray, side: IntArray, mean: FloatArray, variance: FloatArray, log_weight: FloatArray
) -> FloatArray:
    """Return the log density of each score, or the log probability of its limit, mixed over the nodes (o,)."""
    deviation = (score[:, None] - mean) / np.sqrt(variance)
    log = -0.5 * (deviation**2 + np.log(2.0 * np.pi * variance))
    limited = side != 0
    log[limited] = log_ndtr(-side[limited][:, None] * deviation[limited])
    return np.asarray(logsumexp(log + log_weight, axis=1))
