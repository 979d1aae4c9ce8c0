"""Past records of several raters become one score for each project and year, with an interval and a grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from allocsim.evaluate.grades import grade, grade_probability
from allocsim.evaluate.raters import RaterModel, fit
from allocsim.evaluate.readings import Readings, read
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.evidence import Evidence, RaterBias
from allocsim.model.scenario import Scenario
from allocsim.rulebooks.read import rulebook

_NINETY = float(ndtri(0.95))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pooled:
    """Scores of the project-years that have one (o,), which project-years they are, and the level they share."""

    of: IntArray
    score: FloatArray
    error: FloatArray
    raters: IntArray
    shift: float


def evaluate(scenario: Scenario) -> Evidence:
    """Pool the raters of every project-year into one score.

    With ``raters = "pooled"`` a score is the mean of its readings less their kinds' bias, weighted by precision;
    with ``"mean"`` their plain mean; with a kind of rater the mean of that kind's readings. Its standard error holds
    the raters' noise and, where bias was taken off, the uncertainty of the bias. Scores and the ends of the 90 %
    interval stay within 0 and 100.

    Raises
    ------
    InvalidInput
        If the rulebook is unknown.
    """
    book = rulebook(scenario.settings.evaluate.rulebook)
    readings = read(scenario)
    model = fit(readings)
    pooled = _pool(readings, model, scenario.settings.evaluate.raters)
    score = np.clip(pooled.score, 0.0, 100.0)
    project, excused = readings.project[pooled.of], readings.excused[pooled.of]
    projects = len(scenario.projects)
    years = np.bincount(readings.project, minlength=projects)
    return Evidence(
        id=scenario.projects.text("id"),
        name=scenario.projects.text("name"),
        project=integers(project),
        year=integers(readings.year[pooled.of]),
        spent=floats(readings.spent[pooled.of]),
        score=floats(score),
        standard_error=floats(pooled.error),
        low=floats(np.clip(pooled.score - _NINETY * pooled.error, 0.0, 100.0)),
        high=floats(np.clip(pooled.score + _NINETY * pooled.error, 0.0, 100.0)),
        grade=grade(score, book),
        grade_probability=grade_probability(score, pooled.error, book),
        raters=pooled.raters,
        rater_kinds=readings.kinds,
        reading=_by_kind(readings)[pooled.of],
        excused=booleans(excused),
        history_project=readings.project,
        history_year=readings.year,
        history_spent=readings.spent,
        latest=_last(project, np.ones(len(project), dtype=np.bool_), projects),
        counted=_last(project, ~excused, projects),
        coverage=floats(np.bincount(project, minlength=projects) / np.maximum(years, 1)),
        bias=_bias(readings, model),
        anchor=model.anchor,
        shift=pooled.shift,
        rulebook=book,
    )


def _pool(readings: Readings, model: RaterModel, raters: str) -> _Pooled:
    """Return one score for each project-year that has a reading of the kind asked for.

    ``score = sum w (y - bias) / sum w`` with ``w = 1 / noise``; error squared = ``1 / sum w`` + what the biases'
    covariance leaves in that weighted mean; ``shift`` is the part of it that all scores share.
    """
    kinds, years = len(readings.kinds), len(readings.project)
    pooled = raters == "pooled"
    mine = np.ones(len(readings.of), dtype=np.bool_)
    if not pooled and raters != "mean":
        mine = np.array([readings.kinds[k] == raters for k in readings.kind], dtype=np.bool_)
    of, kind = readings.of[mine], readings.kind[mine]
    told = bool(np.any(model.noise > 0))
    noise = model.noise if told else np.ones(kinds)
    weight = 1.0 / noise[kind] if pooled else np.ones(len(kind))
    share = np.bincount(of * kinds + kind, weight, years * kinds).reshape(years, kinds)
    scored = integers(np.flatnonzero(share.sum(axis=1) > 0))
    total = share.sum(axis=1)[scored]
    share = share[scored] / total[:, None]
    raw = np.bincount(of, weight * readings.value[mine], years)[scored] / total
    variance = np.bincount(of, weight**2 * noise[kind], years)[scored] / total**2 if told else np.zeros(len(scored))
    covariance = model.covariance if pooled else np.zeros((kinds, kinds))
    common = share.mean(axis=0) if len(scored) else np.zeros(kinds)
    return _Pooled(
        of=scored,
        score=raw - share @ model.bias if pooled else raw,
        error=np.sqrt(variance + np.einsum("ok,kl,ol->o", share, covariance, share)),
        raters=integers(np.bincount(of, minlength=years)[scored]),
        shift=float(np.sqrt(max(common @ covariance @ common, 0.0))),
    )


def _by_kind(readings: Readings) -> FloatArray:
    """Return the mean reading of each kind as written (h, kinds), NaN where a kind gave none."""
    kinds, years = len(readings.kinds), len(readings.project)
    cell = readings.of * kinds + readings.kind
    count = np.bincount(cell, minlength=years * kinds)
    total = np.bincount(cell, readings.value, years * kinds)
    return floats(np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(years, kinds))


def _last(project: IntArray, counts: BoolArray, projects: int) -> IntArray:
    """Return the last observation of each project among those that count, -1 where none (p,)."""
    last = np.full(projects, -1, dtype=np.int64)
    np.maximum.at(last, project[counts], np.flatnonzero(counts))
    return integers(last)


def _bias(readings: Readings, model: RaterModel) -> tuple[RaterBias, ...]:
    error = np.sqrt(np.maximum(np.diag(model.covariance), 0.0))
    return tuple(
        RaterBias(
            rater=kind,
            bias=float(model.bias[k]),
            low=float(model.bias[k] - _NINETY * error[k]),
            high=float(model.bias[k] + _NINETY * error[k]),
            noise=float(np.sqrt(model.noise[k])),
            n=int(model.count[k]),
        )
        for k, kind in enumerate(readings.kinds)
    )
