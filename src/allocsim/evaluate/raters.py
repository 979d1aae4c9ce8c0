"""Rater bias, slope and noise: a mixed model of project, project-year and kind of rater, on one common scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocsim.evaluate.readings import Readings
from allocsim.evaluate.slopes import Levelled, Scales, begin, improve, unlevelled
from allocsim.model.arrays import FloatArray, IntArray, floats

USUAL_NOISE = 5.0
"""Noise of one rater before any record [score 0-100]; the prior weighs as much as :data:`PRIOR_RECORDS` records."""

USUAL_SPREAD = 8.0
"""Spread of true scores between projects, and between years of a project, before any record [score 0-100]."""

PRIOR_RECORDS = 1.0
_ROUNDS = 120
_CONVERGED = 1e-5
_TURNS, _BETWEEN, _STEADY = 20, 6, 1e-3
"""Slopes and variances are estimated in turns, so many rounds of the variances each, until no slope moves by more.
They begin with the variances at rest, since a kind that compresses the scale must count as noisy before the others can
say by how much."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RaterModel:
    """What the readings say of the raters; axis k runs over the kinds present.

    Attributes
    ----------
    anchor
        What bias is measured against.
    bias, covariance
        Bias of each kind (k,) and its covariance (k, k); the anchor's own are zero.
    scales
        Mean reading and slope against the anchor of each kind.
    noise
        Variance of one reading of each kind, brought to the anchor's scale, around the truth (k,) [score squared];
        zeros where it cannot be told, because nothing was ever rated twice.
    count
        Readings of each kind (k,).
    """

    anchor: str
    bias: FloatArray
    covariance: FloatArray
    scales: Scales
    noise: FloatArray
    count: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Variances:
    """Variance between projects, between years of a project, and of one reading by kind (k,)."""

    project: float
    year: float
    noise: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Solution:
    """Generalised least squares at given variances: effects, their covariance, and the update of the variances."""

    effect: FloatArray
    covariance: FloatArray
    quadratic: FloatArray
    trace: FloatArray


def fit(readings: Readings) -> RaterModel:
    """Estimate bias, slope and noise of each kind of rater.

    ``y = centre_kind + slope_kind (effect_kind + a_project + t_project,year + e - centre_kind)``, all three random
    terms normal, ``e`` with a variance of its own for each kind. At given slopes the readings are brought to one scale
    and effects follow by generalised least squares, variances by restricted maximum likelihood with the
    minorise-maximise update of Zhou, Hu, Qiao and Lange (2019, Journal of Computational and Graphical Statistics
    28:350), which only ever raises the likelihood, and weak inverse-gamma priors; slopes and variances are estimated
    in turns. No kind is taken to be more exact than the anchor: a kind that always writes 95 agrees with itself and
    not with the truth.

    Bias is the effect less that of ``third_party``, else ``finance``, else the mean of the kinds; in that last case
    nothing says whose scale is right, and every slope is 1.
    """
    kinds = readings.kinds
    count = np.bincount(readings.kind, minlength=len(kinds)).astype(np.int64)
    anchor = next((kind for kind in ("third_party", "finance") if kind in kinds), "mean")
    scales = unlevelled(readings)
    if not _told_apart(readings):
        nothing = floats(np.zeros(len(kinds)))
        return RaterModel(
            anchor=anchor, bias=nothing, covariance=floats(np.diag(nothing)), scales=scales, noise=nothing, count=count
        )
    lead = kinds.index(anchor) if anchor != "mean" else None
    variances = _Variances(
        project=USUAL_SPREAD**2, year=USUAL_SPREAD**2, noise=floats(np.full(len(kinds), USUAL_NOISE**2))
    )
    if lead is not None:
        scales = begin(readings, lead=lead, noise=USUAL_NOISE**2)
    level = replace(readings, value=scales.level(readings))
    variances = _restricted(level, variances, scales.slope, lead, rounds=_ROUNDS)
    for _ in range(_TURNS if len(kinds) > 1 else 0):
        if lead is None:
            break
        levelled = Levelled(
            deviation=floats(level.value - _solve(level, variances).effect[readings.kind]),
            noise=variances.noise,
            truth=variances.project + variances.year,
        )
        before, scales = scales, improve(readings, scales, levelled, lead=lead)
        level = replace(readings, value=scales.level(readings))
        steady = np.abs(scales.slope - before.slope).max() < _STEADY
        variances = _restricted(level, variances, scales.slope, lead, rounds=_ROUNDS if steady else _BETWEEN)
        if steady:
            break
    solution = _solve(level, variances)
    contrast = np.eye(len(kinds)) - (1.0 / len(kinds) if lead is None else np.eye(len(kinds))[lead])
    return RaterModel(
        anchor=anchor,
        bias=floats(contrast @ solution.effect),
        covariance=floats(contrast @ solution.covariance @ contrast.T),
        scales=scales,
        noise=variances.noise,
        count=count,
    )


def _restricted(
    readings: Readings, start: _Variances, slope: FloatArray, lead: int | None, *, rounds: int
) -> _Variances:
    """Return the variances of levelled readings; what is usual of a noise holds for readings as written."""
    variances = start
    usual = np.array([USUAL_SPREAD**2, USUAL_SPREAD**2, *(USUAL_NOISE / slope) ** 2])
    for _ in range(rounds):
        after = _improve(variances, _solve(readings, variances), usual, lead)
        done = np.allclose(_stack(after), _stack(variances), rtol=_CONVERGED, atol=0.0)
        variances = after
        if done:
            break
    return variances


def _told_apart(readings: Readings) -> bool:
    """Tell whether noise or bias leaves any trace: two kinds, or two readings of one project-year."""
    return len(readings.kinds) > 1 or (len(readings.of) > 0 and int(np.bincount(readings.of).max()) > 1)


def _stack(variances: _Variances) -> FloatArray:
    return np.concatenate([[variances.project, variances.year], variances.noise])


def _improve(variances: _Variances, solution: _Solution, usual: FloatArray, lead: int | None) -> _Variances:
    """Return the next variances: the positive root of T s^2 + n s - (Q s0^2 + n m) = 0, m and n the prior's."""
    before = _stack(variances)
    right = solution.quadratic * before**2 + PRIOR_RECORDS * usual
    after = 2.0 * right / (PRIOR_RECORDS + np.sqrt(PRIOR_RECORDS**2 + 4.0 * solution.trace * right))
    noise = after[2:] if lead is None else np.maximum(after[2:], after[2 + lead])
    return _Variances(project=float(after[0]), year=float(after[1]), noise=floats(noise))


def _solve(readings: Readings, variances: _Variances) -> _Solution:
    """Solve for the effects and collect ``y'P V_j P y`` and ``tr(P V_j)`` of every component j (2 + k,).

    The covariance is nested (readings in project-years in projects), so that its inverse costs two passes of sums.
    """
    of, kind, owner = readings.of, readings.kind, readings.project
    kinds, years, projects = len(readings.kinds), len(owner), int(owner.max()) + 1
    weight = 1.0 / variances.noise[kind]
    year_total = _sums(weight, of, years)
    shrink = 1.0 / (1.0 + variances.year * year_total)
    year_weight = year_total * shrink
    project_weight = _sums(year_weight, owner, projects)
    pull = variances.project / (1.0 + variances.project * project_weight)
    reading_weight = weight * shrink[of]

    def inverse(v: FloatArray) -> FloatArray:
        u = weight * v
        u = u - weight * (variances.year * shrink * _sums(u, of, years))[of]
        return u - reading_weight * (pull * _sums(_sums(u, of, years), owner, projects))[owner[of]]

    design = np.eye(kinds)[kind]
    solved = np.stack([inverse(design[:, k]) for k in range(kinds)], axis=1)
    covariance = np.asarray(np.linalg.inv(design.T @ solved), dtype=np.float64)
    inverse_y = inverse(readings.value)
    effect = covariance @ (design.T @ inverse_y)
    residual = inverse_y - solved @ effect
    year_solved = np.stack([_sums(solved[:, k], of, years) for k in range(kinds)], axis=1)
    project_solved = np.stack([_sums(year_solved[:, k], owner, projects) for k in range(kinds)], axis=1)
    diagonal = weight - weight**2 * variances.year * shrink[of] - reading_weight**2 * pull[owner[of]]
    year_diagonal = year_weight - year_weight**2 * pull[owner]
    project_diagonal = project_weight - project_weight**2 * pull
    in_year = _sums(residual, of, years)
    in_project = _sums(in_year, owner, projects)
    trace = [
        project_diagonal.sum() - _fixed(project_solved, covariance).sum(),
        year_diagonal.sum() - _fixed(year_solved, covariance).sum(),
        *_sums(diagonal - _fixed(solved, covariance), kind, kinds),
    ]
    quadratic = [in_project @ in_project, in_year @ in_year, *_sums(residual**2, kind, kinds)]
    return _Solution(
        effect=effect,
        covariance=covariance,
        quadratic=np.array(quadratic),
        trace=np.maximum(np.array(trace), 0.0),
    )


def _sums(values: FloatArray, of: IntArray, count: int) -> FloatArray:
    return np.asarray(np.bincount(of, values, count), dtype=np.float64)


def _fixed(solved: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return what the estimated effects take from the diagonal of the inverse."""
    return np.asarray(np.einsum("nk,kl,nl->n", solved, covariance, solved))
