"""Benefit curves from past scores: empirical Bayes on a grid, with joint draws and the evidence behind each curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.curves.evidence_share import flags, own_evidence
from allocsim.curves.given import curve_set, is_given, with_given
from allocsim.curves.model import Fitted, fit_model
from allocsim.curves.panel import Panel, history, panel, usual
from allocsim.curves.posterior import Posterior, draw, integrate
from allocsim.curves.select import Comparison, compare
from allocsim.curves.shapes import FITTED, elasticity, parameters
from allocsim.curves.warnings import FEEDBACK_T, feedback, halving_correlation, slopes
from allocsim.model.arrays import FloatArray, floats, integers
from allocsim.model.curve import Curves, CurveSet, Selection
from allocsim.model.evidence import Evidence
from allocsim.model.made import last_budget, reference, value
from allocsim.model.scenario import Scenario
from allocsim.model.stream import stream

_LAGS = (0, 1, 2)
_LEAST_LEVEL = 0.01
"""Least points at usual spending [score 0-100], so that every curve rises."""

_ALTERNATIVE_ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Choice:
    """What the fit goes on with: panel, relative spending, lag, family, and how they were chosen."""

    panel: Panel
    u: FloatArray
    usual: FloatArray
    lag: int
    family: str
    compared: Comparison
    feedback: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Summary:
    """Posterior means of each project (p,): points and elasticity of the expected curve, and theta."""

    points: FloatArray
    elasticity: FloatArray
    theta: FloatArray
    elasticity_mean: FloatArray
    elasticity_variance: FloatArray


def fit(scenario: Scenario, evidence: Evidence) -> Curves:
    """Fit the benefit curve of every project; stated curves stand as stated.

    ``B_p(x) = value_p g_p(x) / 100`` and ``g_p(x) = L_p H(x / reference_p; theta_p)``; a score is a noisy reading of g,
    censored where raters stood at 0 or 100. Levels and curvatures are pooled over sectors, so that projects without
    records get their sector's curve, and every project is told how much of its curve is its own. The curve planned on
    has the posterior mean of the level and the level-weighted mean of the elasticity.

    Parameters
    ----------
    scenario
        Projects and settings.
    evidence
        Scores and spending on record.

    Returns
    -------
    Curves
        Expected curves, joint draws, evidence shares and flags.
    """
    choice = _choose(scenario, evidence)
    rho = target_elasticity(scenario)
    fitted = fit_model(choice.panel, choice.u, family=choice.family, rho=rho)
    posterior = integrate(fitted.groups, fitted.at)
    summary = _summarise(posterior, fitted)
    own = own_evidence(fitted, choice.family, theta=summary.theta, level=summary.points, others=posterior.others)
    worth = value(scenario)
    usual_money = floats(choice.usual * scenario.settings.money_step)
    expected = with_given(scenario, _expected(summary, choice.family, worth, usual_money))
    draws = with_given(
        scenario,
        _draws(scenario, posterior, fitted, shift=evidence.shift, family=choice.family, worth=worth, usual=usual_money),
    )
    given = is_given(scenario)
    last = last_budget(scenario)
    at = np.where(last > 0, last, usual_money)
    low, high = np.quantile(draws.slope(at), (0.05, 0.95), axis=0)
    least, most = _spending_range(evidence)
    marks = flags(posterior.weight, fitted.groups.nodes, own)
    stated = np.isfinite(scenario.projects.number("value"))
    return Curves(
        id=evidence.id,
        expected=expected,
        draws=draws,
        given=given,
        records=integers(np.bincount(choice.panel.project, minlength=len(given))),
        own_evidence=floats(np.where(given, 1.0, own)),
        elasticity_mean=floats(np.where(given, _elasticity_at(expected, usual_money), summary.elasticity_mean)),
        elasticity_variance=floats(np.where(given, 0.0, summary.elasticity_variance)),
        reference=usual_money,
        spent_least=least,
        spent_most=most,
        marginal=floats(expected.slope(at)),
        marginal_low=floats(low),
        marginal_high=floats(high),
        flags=tuple(() if g else mark for g, mark in zip(given.tolist(), marks, strict=True)),
        value_from=tuple("given" if g else "stated" if s else "budget" for g, s in zip(given, stated, strict=True)),
        target_elasticity=rho,
        lag=choice.lag,
        family=choice.family,
        selection=_selection(choice, summary, fitted) if len(choice.u) else None,
        alternative=_alternative(scenario, choice, fitted, rho=rho, worth=worth, usual=usual_money),
    )


def _elasticity_at(curves: CurveSet, x: FloatArray) -> FloatArray:
    """Return x B'(x) / B(x) of each curve (p,); NaN where it brings nothing."""
    benefit = curves.benefit(x)
    return np.asarray(np.divide(x * curves.slope(x), benefit, out=np.full(len(x), np.nan), where=benefit > 0))


def target_elasticity(scenario: Scenario) -> float:
    """Return rho, the elasticity of targets to money: 0 where scores are levels, 1 where ratios, else as stated.

    Scores and budgets cannot tell it: it is declared.
    """
    basis = scenario.settings.curves.score_basis
    return {"level": 0.0, "ratio": 1.0}[basis] if isinstance(basis, str) else float(basis)


def _choose(scenario: Scenario, evidence: Evidence) -> _Choice:
    """Choose lag, family and reference spending; what the settings state is not chosen."""
    settings = scenario.settings.curves
    past = history(scenario, evidence)
    lags = _LAGS if settings.lag == "auto" else (settings.lag,)
    families = FITTED if settings.family == "auto" else (settings.family,)
    panels = {lag: panel(scenario, evidence, past, lag=lag) for lag in lags}
    now = panels[0] if 0 in panels else panel(scenario, evidence, past, lag=0)
    followed = feedback(now, past, now.score)
    stated = floats(scenario.step.in_steps(scenario.projects.number("reference")))

    def usual_for(of: Panel) -> FloatArray:
        return usual(of, past, first_years=followed > FEEDBACK_T, stated=stated)

    rho = target_elasticity(scenario)
    compared = compare(panels, past, usual_for, families=families, rho=rho)
    lag, family = lags[0], families[0]
    if compared.candidates:
        lag, family = compared.candidates[0].lag, compared.candidates[0].family
    chosen = panels[lag]
    refer = _filled(scenario, usual_for(chosen))
    return _Choice(
        panel=chosen,
        u=floats(chosen.steps / refer[chosen.project]),
        usual=refer,
        lag=lag,
        family=family,
        compared=compared,
        feedback=followed,
    )


def _filled(scenario: Scenario, found: FloatArray) -> FloatArray:
    """Return the reference spending [steps], new projects taking their reference budget, request or maximum."""
    for amounts in (reference(scenario), *(scenario.projects.number(name) for name in ("requested", "max"))):
        found = np.where(found > 0, found, scenario.step.in_steps(amounts))
    return floats(np.where(found > 0, found, 1.0))


def _summarise(posterior: Posterior, fitted: Fitted) -> _Summary:
    """Return the posterior means: points E[L], elasticity of the expected curve E[L e] / E[L]."""
    nodes = fitted.groups.nodes
    e = elasticity(nodes)
    weight, level = posterior.weight, np.maximum(fitted.at.mean, _LEAST_LEVEL)
    points = (weight * level).sum(axis=1)
    mean = weight @ e
    return _Summary(
        points=points,
        elasticity=(weight * level * e).sum(axis=1) / points,
        theta=weight @ nodes,
        elasticity_mean=mean,
        elasticity_variance=np.maximum(weight @ e**2 - mean**2, 0.0),
    )


def _expected(summary: _Summary, family: str, worth: FloatArray, usual_money: FloatArray) -> CurveSet:
    benefit = worth * summary.points / 100.0
    return curve_set((family,) * len(worth), *parameters(family, benefit, summary.elasticity, usual_money))


def _draws(
    scenario: Scenario,
    posterior: Posterior,
    fitted: Fitted,
    *,
    shift: float,
    family: str,
    worth: FloatArray,
    usual: FloatArray,
) -> CurveSet:
    """Return joint draws of the curves (k, p); the raters' common level moves all projects of a draw alike."""
    generator = stream(scenario.settings.simulate.seed, "curves/draws")
    count = scenario.settings.curves.draws
    common = shift * generator.standard_normal(count)
    node, level = draw(posterior, fitted.groups, fitted.at, draws=count, generator=generator)
    points = np.maximum(level + common[:, None], _LEAST_LEVEL)
    at_nodes = parameters(family, np.ones(len(fitted.groups.nodes)), elasticity(fitted.groups.nodes), np.ones(1))
    factor, scale, shape = (column[node] for column in at_nodes)
    return curve_set((family,) * len(worth), factor * points * (worth / 100.0), scale * usual, shape)


def _alternative(
    scenario: Scenario, choice: _Choice, fitted: Fitted, *, rho: float, worth: FloatArray, usual: FloatArray
) -> CurveSet:
    """Return the expected curves under the other reading of scores, whichever of 0 and 1 is farther from rho."""
    other = fit_model(
        choice.panel,
        choice.u,
        family=choice.family,
        rho=1.0 if rho < 0.5 else 0.0,
        rounds=_ALTERNATIVE_ROUNDS,
        start=fitted.shared,
    )
    summary = _summarise(integrate(other.groups, other.at), other)
    return with_given(scenario, _expected(summary, choice.family, worth, usual))


def _selection(choice: _Choice, summary: _Summary, fitted: Fitted) -> Selection:
    candidates = choice.compared.candidates
    pooled, within = slopes(choice.panel)
    best = candidates[0] if candidates else None
    known = fitted.data.known
    return Selection(
        candidates=candidates,
        no_curve=choice.compared.no_curve,
        weak=best is None or best.lead < 2.0 * best.standard_error,
        pooled_slope=pooled.slope,
        pooled_error=pooled.error,
        within_slope=within.slope,
        within_error=within.error,
        feedback=choice.feedback,
        halving_correlation=halving_correlation(
            choice.panel,
            choice.u,
            slope=float(np.mean((summary.points * summary.elasticity)[known])),
            noise=float(np.sqrt(fitted.shared.noise2)),
        ),
        records=choice.compared.records,
    )


def _spending_range(evidence: Evidence) -> tuple[FloatArray, FloatArray]:
    """Return the least and the most spending on record of each project (p,) [money]; NaN where none."""
    spent = evidence.history_spent
    known = spent > 0
    least, most = np.full(len(evidence.id), np.inf), np.full(len(evidence.id), -np.inf)
    np.minimum.at(least, evidence.history_project[known], spent[known])
    np.maximum.at(most, evidence.history_project[known], spent[known])
    found = np.isfinite(least)
    return floats(np.where(found, least, np.nan)), floats(np.where(found, most, np.nan))
