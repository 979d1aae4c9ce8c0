"""Past records of several raters become one score for each project and year, with an interval and a grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from allocsim.evaluate.grades import grade, grade_probability
from allocsim.evaluate.raters import RaterModel, fit
from allocsim.evaluate.readings import Readings, read
from allocsim.evaluate.slopes import side
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.evidence import Evidence, RaterBias
from allocsim.model.scenario import Scenario
from allocsim.rulebooks.read import rulebook

_NINETY = float(ndtri(0.95))
_LIMITED = 0.25
"""Share of the weight at a limit from which a score is a limit itself. Any share would be right, since the readings
then pooled to the score or more; a small one would give away more than it corrects."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pooled:
    """Scores of the project-years that have one (o,), which project-years they are, and the level they share.

    ``side``: +1 where readings with a quarter of the weight stand at 100, -1 where they stand at 0, else 0 (o,).
    """

    of: IntArray
    score: FloatArray
    error: FloatArray
    raters: IntArray
    side: IntArray
    shift: float


def evaluate(scenario: Scenario) -> Evidence:
    """Pool the raters of every project-year into one score.

    With ``raters = "pooled"`` a score is the mean of its readings, each brought to the anchor's scale and less its
    kind's bias, weighted by precision; with ``"mean"`` their plain mean; with a kind of rater the mean of that kind's
    readings. Its standard error holds the raters' noise and, where bias was taken off, the uncertainty of the bias.
    Scores and the ends of the 90 % interval stay within 0 and 100.

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
        limited=_limited(pooled),
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

    ``score = sum w (z - bias) / sum w`` with ``z`` the reading on the anchor's scale and ``w = 1 / noise`` (as written
    ``slope^2 / noise``); error squared = ``1 / sum w`` + what the biases' covariance leaves in that weighted mean;
    ``shift`` is the part of it that all scores share. Readings that are not pooled stay as written.
    """
    kinds, years = len(readings.kinds), len(readings.project)
    pooled = raters == "pooled"
    mine = np.ones(len(readings.of), dtype=np.bool_)
    if not pooled and raters != "mean":
        mine = np.array([readings.kinds[k] == raters for k in readings.kind], dtype=np.bool_)
    of, kind = readings.of[mine], readings.kind[mine]
    value = (model.scales.level(readings) if pooled else readings.value)[mine]
    told = bool(np.any(model.noise > 0))
    noise = model.noise if told else np.ones(kinds)
    noise = noise if pooled else noise * model.scales.slope**2
    weight = 1.0 / noise[kind] if pooled else np.ones(len(kind))
    share = np.bincount(of * kinds + kind, weight, years * kinds).reshape(years, kinds)
    scored = integers(np.flatnonzero(share.sum(axis=1) > 0))
    total = share.sum(axis=1)[scored]
    share = share[scored] / total[:, None]
    raw = np.bincount(of, weight * value, years)[scored] / total
    at_limit = np.bincount(of, weight * side(readings)[mine], years)[scored] / total
    variance = np.bincount(of, weight**2 * noise[kind], years)[scored] / total**2 if told else np.zeros(len(scored))
    covariance = model.covariance if pooled else np.zeros((kinds, kinds))
    common = share.mean(axis=0) if len(scored) else np.zeros(kinds)
    return _Pooled(
        of=scored,
        score=raw - share @ model.bias if pooled else raw,
        error=np.sqrt(variance + np.einsum("ok,kl,ol->o", share, covariance, share)),
        raters=integers(np.bincount(of, minlength=years)[scored]),
        side=integers(np.where(np.abs(at_limit) > _LIMITED, np.sign(at_limit), 0.0)),
        shift=float(np.sqrt(max(common @ covariance @ common, 0.0))),
    )


def _limited(pooled: _Pooled) -> IntArray:
    """Return +1 where the truth may lie above the score, -1 where below it (o,).

    Readings at 100 are what the rater could write at most: had the scale gone on, they would have pooled to the score
    or more. The same is known of a score that is cut to 100, whatever its readings.
    """
    over = (pooled.score >= 100.0).astype(np.int64) - (pooled.score <= 0.0)
    return integers(np.where(over != 0, over, pooled.side))


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
            noise=float(np.sqrt(model.noise[k]) * model.scales.slope[k]),
            slope=float(model.scales.slope[k]),
            n=int(model.count[k]),
        )
        for k, kind in enumerate(readings.kinds)
    )
