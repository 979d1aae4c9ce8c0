"""The fit: closed forms against quadrature, what it recovers, what it flags, what it does with odd input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import norm

from allocsim.curves.censored import design, levels
from allocsim.curves.fit import fit
from allocsim.curves.panel import history, panel, usual
from allocsim.curves.posterior import Groups, integrate
from allocsim.curves.shapes import FITTED, THETA, elasticity, parameters, rise, steepness
from allocsim.evaluate.scores import evaluate
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.family import FAMILIES
from allocsim.model.flags import at_plan
from allocsim.model.points import points_of
from allocsim.model.scenario import Scenario
from curve_worlds import Kind, scenario, world
from scenarios import multiplied


def fitted(made: Scenario) -> Curves:
    return fit(made, evaluate(made))


# shapes


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(FITTED), st.floats(-4, 3), st.floats(0.05, 5), st.floats(0.1, 1e6), st.floats(0.1, 1e6))
def test_shape_is_the_family_with_its_parameters(
    family: str, theta: float, u: float, points: float, ref: float
) -> None:
    """points x H(u) equals the family's own formula; its elasticity at usual spending is the one asked for."""
    e = elasticity(np.array([theta]))
    value, scale, shape = parameters(family, np.array([points]), e, np.array([ref]))
    benefit = FAMILIES[family].benefit(np.array([u * ref]), value, scale, shape)
    assert benefit == pytest.approx(points * rise(family, np.array([u]), e), rel=1e-7)
    slope = FAMILIES[family].slope(np.array([ref]), value, scale, shape)
    assert slope * ref / points == pytest.approx(e, rel=1e-7)


@pytest.mark.parametrize("family", FITTED)
def test_shapes_rise_and_are_concave(family: str) -> None:
    u = np.linspace(0.01, 4, 400)[:, None]
    h = rise(family, u, elasticity(THETA))
    assert (np.diff(h, axis=0) >= 0).all()
    assert (np.diff(h, n=2, axis=0) <= 1e-12).all()
    assert rise(family, np.ones((1, 1)), elasticity(THETA)) == pytest.approx(1.0)


def test_steepness_against_the_formula() -> None:
    z = np.array([0.01, 0.5, 2.0, 4.0])
    assert steepness("saturating", z / np.expm1(z)) == pytest.approx(z, rel=1e-9)
    assert steepness("log", z / ((1 + z) * np.log1p(z))) == pytest.approx(z, rel=1e-9)


# likelihood


def test_level_in_closed_form_and_censored_against_quadrature() -> None:
    """The likelihood of a node is the integral over the level; Laplace is close where scores are censored."""
    h = np.array([[0.8], [1.0], [1.2], [0.9], [1.1]])
    score = np.array([70.0, 85.0, 92.0, 88.0, 98.5])
    project = np.array([0, 0, 0, 1, 1])
    year = np.array([1.5, -1.0])
    period = np.array([0, 1, 0, 1, 0])
    variance = np.array([0.0, 4.0, 1.0, 0.0, 2.0])
    side = np.array([0, 0, 0, 0, 1])
    data = design(h, project=project, period=period, score=score, variance=variance, side=side, projects=3)
    prior = np.full((3, 1), 80.0)
    found = levels(data, prior=prior, spread2=90.0, noise2=25.0, year=year)
    sd = np.sqrt(25.0 + variance)

    def density(level: float, who: int) -> float:
        log = norm.logpdf(level, 80.0, np.sqrt(90.0))
        for o in np.flatnonzero(project == who):
            mean = level * h[o, 0] + year[period[o]]
            log += log_ndtr((mean - score[o]) / sd[o]) if side[o] else norm.logpdf(score[o], mean, sd[o])
        return float(np.exp(log))

    for who, tolerance in ((0, 1e-9), (1, 4e-3)):
        total = quad(density, 0, 180, args=(who,), epsabs=1e-14, points=[80, 95])[0]
        mean = quad(lambda v, w=who: v * density(v, w), 0, 180, epsabs=1e-14, points=[80, 95])[0] / total
        assert found.loglik[who, 0] == pytest.approx(np.log(total), abs=tolerance)
        assert found.mean[who, 0] == pytest.approx(mean, rel=0.004)
    assert found.loglik[2, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.mean[2, 0] == pytest.approx(80.0)


def test_integrated_weights_against_brute_force() -> None:
    """Two sectors, three projects: every (spread, means) spelled out."""
    random = np.random.default_rng(1)
    loglik = random.normal(size=(3, 41))
    sector = np.array([0, 0, 1])
    at = levels(
        design(np.zeros((0, 41)), project=np.zeros(0, int), period=np.zeros(0, int), score=np.zeros(0),
               variance=np.zeros(0), side=np.zeros(0, int), projects=3),
        prior=np.zeros((3, 41)), spread2=1.0, noise2=1.0, year=np.zeros(1),
    )  # fmt: skip
    at = type(at)(mean=at.mean, precision=at.precision, loglik=loglik)
    found = integrate(Groups(sector=sector, count=2, pooled=True, nodes=THETA), at)
    prior = found.prior
    means = np.linspace(-3.5, 2.5, 61)
    mean_prior = np.exp(-0.5 * (means + 0.5) ** 2)
    mean_prior /= mean_prior.sum()
    likelihood = np.exp(loglik)
    own = likelihood[:, None, None, :] * prior
    z = own.sum(axis=3)
    first = np.einsum("m,sm,sm->s", mean_prior, z[0], z[1])
    second = np.einsum("m,sm->s", mean_prior, z[2])
    spread_prior = np.array([0.16, 0.24, 0.26, 0.22, 0.12])
    spread = spread_prior * first * second
    assert found.spread == pytest.approx(spread / spread.sum())
    weight = np.einsum("s,m,smj,sm->j", spread_prior * second, mean_prior, own[0], z[1])
    assert found.weight[0] == pytest.approx(weight / weight.sum())


# what it finds


def test_coverage_and_flags_in_ten_worlds() -> None:
    """1,200 marginals: a true coverage of .88 leaves .84 to .95 with a probability under 1 in 1,000 (clustered)."""
    covered, flagged, own = [], [], []
    for seed in range(10):
        made = world(seed, Kind(draws=400))
        curves = fitted(made.scenario)
        true = made.truth.slope(made.last)
        covered.append(np.mean((curves.marginal_low <= true) & (true <= curves.marginal_high)))
        flagged.append(np.mean([{"flat", "not_identified"} & set(flags) != set() for flags in curves.flags]))
        own.append(curves.own_evidence.mean())
    assert 0.84 < np.mean(covered) < 0.95
    assert max(flagged) < 0.5
    assert 0.1 < np.mean(own) < 0.6


def test_constant_truth_is_flagged() -> None:
    for seed in (1, 2, 3):
        curves = fitted(world(seed, Kind(constant=True)).scenario)
        flagged = np.mean([{"flat", "not_identified"} & set(flags) != set() for flags in curves.flags])
        assert flagged >= 0.95


def test_one_record_each_is_not_identified() -> None:
    curves = fitted(world(4, Kind(years=(1, 1))).scenario)
    assert all("not_identified" in flags and "borrowed" in flags for flags in curves.flags)
    assert curves.own_evidence.max() < 0.3
    assert np.isfinite(curves.marginal).all()


def test_ignoring_the_ceiling_would_show() -> None:
    """Scores at 100 are read as at least 100: levels are found above what the mean of the clipped scores says."""
    made = world(2, Kind(noise=8.0))
    score = made.scenario.records.number("score")
    assert np.mean(score >= 100) > 0.05
    curves = fitted(made.scenario)
    assert np.mean(curves.expected.benefit(made.usual) / made.truth.benefit(made.usual)) == pytest.approx(1.0, abs=0.03)


def test_limited_scores_reach_the_fit() -> None:
    """A score of 98 that stands for 98 or more lifts its project's level; where none is limited, none need be named."""
    rows = {"project": [], "year": [], "budget": [], "score": []}
    for p in range(12):
        for t in range(4):
            for key, value in zip(rows, (f"P{p}", 2021.0 + t, 10.0 + t, 80.0 if p else 98.0), strict=True):
                rows[key].append(value)
    made = scenario({"id": [f"P{p}" for p in range(12)], "last_budget": [10.0] * 12}, rows)
    evidence = evaluate(made)
    limited = replace(evidence, limited=np.where(evidence.project == 0, 1, 0))
    at = np.full(12, 11.0)
    open_, least, unnamed = (fit(made, of) for of in (evidence, limited, replace(evidence, limited=None)))
    above = least.expected.benefit(at) - open_.expected.benefit(at)
    assert above[0] > 0.1
    assert np.abs(above[1:]).max() < 0.1 * above[0]
    assert np.array_equal(unnamed.expected.value, open_.expected.value)


def test_a_new_project_takes_its_sector() -> None:
    made = world(1, Kind(sectors=2))
    columns = {key: values.tolist() for key, values in made.scenario.projects.columns.items()}
    for key, value in (("id", "new"), ("name", "new"), ("department", "d"), ("sector", "s0"), ("last_budget", np.nan)):
        columns[key].append(value)
    columns["value"].append(500.0)
    columns["requested"] = [np.nan] * 120 + [500.0]
    records = {key: values.tolist() for key, values in made.scenario.records.columns.items()}
    curves = fitted(scenario(columns, records))
    mine = [p for p in range(120) if p % 2 == 0]
    assert curves.reference[-1] == 500.0
    assert curves.records[-1] == 0
    assert curves.own_evidence[-1] == 0.0
    assert "borrowed" in curves.flags[-1]
    assert curves.elasticity_mean[-1] == pytest.approx(curves.elasticity_mean[mine].mean(), abs=0.05)
    assert curves.expected.benefit(np.full(121, 500.0))[-1] == pytest.approx(380, abs=60)


def test_draws_of_a_sector_move_together() -> None:
    """Few records in a sector: what is unknown of the sector is shared by its projects."""
    curves = fitted(world(3, Kind(years=(2, 3), sectors=12, draws=400)).scenario)
    e = curves.draws.slope(curves.reference) * curves.reference / curves.draws.benefit(curves.reference)
    inside = np.corrcoef(e[:, 0], e[:, 12])[0, 1]
    across = [abs(np.corrcoef(e[:, 0], e[:, p])[0, 1]) for p in range(1, 6)]
    assert inside > 0.2
    assert np.mean(across) < 0.15


# the reading of scores, selection, warnings


def test_ratio_scores_mean_steeper_curves() -> None:
    made = world(1, Kind()).scenario
    level, ratio = fitted(made), fitted(made.replace(**{"curves.score_basis": "ratio"}))
    assert (level.target_elasticity, ratio.target_elasticity) == (0.0, 1.0)
    assert ratio.elasticity_mean.mean() > level.elasticity_mean.mean() + 0.2
    other = level.alternative
    assert isinstance(other, CurveSet)
    assert np.mean(other.slope(level.reference) > level.expected.slope(level.reference)) > 0.95


def test_feedback_is_seen_and_answered() -> None:
    """Budgets that follow scores by 10 % for 10 points: the test fires, and the reference is the first two years."""
    made = world(1, Kind(follow=0.1, years=(5, 7)))
    curves = fitted(made.scenario)
    assert curves.selection is not None
    assert curves.selection.feedback > 2
    evidence = evaluate(made.scenario)
    past = history(made.scenario, evidence)
    own = panel(made.scenario, evidence, past, lag=0)
    nothing = np.full(own.projects, np.nan)
    first = usual(own, past, first_years=True, stated=nothing)
    assert curves.reference == pytest.approx(first * made.scenario.settings.money_step)
    assert abs(np.log(first / made.usual).mean()) < abs(
        np.log(usual(own, past, first_years=False, stated=nothing) / made.usual).mean()
    )


def test_no_feedback_where_there_is_none() -> None:
    seen = [fitted(world(seed, Kind(draws=2)).scenario).selection.feedback > 2 for seed in range(6)]
    assert sum(seen) <= 1


def test_lag_is_found_on_the_same_records() -> None:
    made = world(2, Kind(lag=1, fit_lag="auto", years=(5, 7), spread=0.35)).scenario
    curves = fitted(made)
    assert curves.lag == 1
    assert curves.selection is not None
    assert sorted(c.lag for c in curves.selection.candidates) == [0, 1, 2]
    best = curves.selection.candidates[0]
    assert best.lead == pytest.approx(best.log_score - curves.selection.no_curve)
    assert not curves.selection.weak


def test_family_auto_tries_all() -> None:
    curves = fitted(world(2, Kind(fit_family="auto", projects=60)).scenario)
    assert curves.selection is not None
    assert sorted(c.family for c in curves.selection.candidates) == sorted(FITTED)
    assert curves.family == curves.selection.candidates[0].family


@pytest.mark.parametrize("family", FITTED)
def test_every_family_fits(family: str) -> None:
    made = world(6, Kind(fit_family=family, projects=40, sectors=2))
    curves = fitted(made.scenario)
    assert set(curves.expected.family) == {family}
    assert np.corrcoef(curves.marginal, made.truth.slope(made.last))[0, 1] > 0.3


# invariances


@pytest.mark.parametrize("factor", ["1000000", "0.000001", "0.01"])
def test_the_unit_of_money_changes_nothing_else(factor: str) -> None:
    """Amounts and the money step multiplied: the same bits in everything that has no unit."""
    plain = world(3, Kind(projects=60)).scenario
    money, scaled = fitted(plain), fitted(multiplied(plain, factor))
    assert np.array_equal(money.own_evidence, scaled.own_evidence)
    assert np.array_equal(money.elasticity_mean, scaled.elasticity_mean)
    assert money.flags == scaled.flags
    assert scaled.expected.scale == pytest.approx(money.expected.scale * float(factor), rel=1e-14)
    assert scaled.draws.value == pytest.approx(money.draws.value * float(factor), rel=1e-14)
    assert money.selection.candidates == scaled.selection.candidates


def test_same_seed_same_draws() -> None:
    made = world(3, Kind(projects=30)).scenario
    assert np.array_equal(fitted(made).draws.value, fitted(made).draws.value)
    other = fitted(made.replace(**{"simulate.seed": 99}))
    assert not np.array_equal(fitted(made).draws.value, other.draws.value)
    assert np.array_equal(fitted(made).expected.value, other.expected.value)


# odd input


def test_given_curves_stand_as_stated() -> None:
    stated = {
        "project": ["A", "B"],
        "family": ["power", "piecewise"],
        "value": [10.0, np.nan],
        "scale": [5.0, np.nan],
        "shape": [0.5, np.nan],
        "points": ["", "0:0;50:30;200:60"],
    }
    made = scenario({"id": ["A", "B"], "last_budget": [20.0, 50.0]}, stated=stated)
    curves = fitted(made)
    assert curves.given.all()
    assert curves.flags == ((), ())
    assert curves.value_from == ("given", "given")
    assert curves.expected.benefit(np.array([20.0, 50.0])).tolist() == [20.0, 30.0]
    assert np.ptp(curves.draws.benefit(np.array([20.0, 50.0])), axis=0).tolist() == [0.0, 0.0]
    assert curves.selection is None
    assert points_of("0:0; 1:2") == ((0.0, 0.0), (1.0, 2.0))


def test_a_stated_curve_among_fitted_ones() -> None:
    made = world(1, Kind(projects=30))
    records = {key: values.tolist() for key, values in made.scenario.records.columns.items()}
    projects = {key: values.tolist() for key, values in made.scenario.projects.columns.items()}
    stated = {"project": ["P3"], "family": ["log"], "value": [7.0], "scale": [3.0]}
    curves = fitted(scenario(projects, records, stated))
    assert curves.given.sum() == 1
    assert curves.expected.family[3] == "log"
    assert curves.expected.benefit(np.full(30, 3.0))[3] == pytest.approx(7 * np.log(2))
    assert curves.draws.family[3] == "log"
    assert (curves.draws.value[:, 3] == 7.0).all()


@pytest.mark.parametrize("pool", ["all", "none", "sector", "missing_column"])
def test_every_way_of_pooling(pool: str) -> None:
    made = world(5, Kind(projects=40, sectors=10)).scenario.replace(**{"curves.pool": pool})
    curves = fitted(made)
    assert np.isfinite(curves.draws.value).all()
    assert ((curves.own_evidence >= 0) & (curves.own_evidence <= 1)).all()


def test_scores_at_the_limits_and_money_at_zero() -> None:
    rows = {
        "project": ["A", "A", "A", "B", "B", "C"],
        "year": [2021.0, 2022.0, 2023.0, 2021.0, 2022.0, 2021.0],
        "budget": [10.0, 12.0, 0.0, 5.0, 5.0, 7.0],
        "score": [100.0, 100.0, 50.0, 0.0, 0.0, 60.0],
    }
    curves = fitted(scenario({"id": ["A", "B", "C"], "last_budget": [10.0, 5.0, 7.0]}, rows))
    assert curves.records.tolist() == [2, 2, 1]
    assert (curves.expected.value > 0).all()
    assert np.isfinite(curves.draws.slope(np.array([10.0, 5.0, 7.0]))).all()
    assert curves.expected.benefit(np.array([10.0, 5.0, 7.0]))[0] > 8.0


def test_excused_years_are_left_out() -> None:
    rows = {
        "project": ["A"] * 4,
        "year": [2021.0, 2022.0, 2023.0, 2024.0],
        "budget": [10.0, 11.0, 9.0, 10.0],
        "score": [80.0, 82.0, 78.0, 10.0],
        "excused": ["", "", "", "drought"],
    }
    curves = fitted(scenario({"id": ["A"], "last_budget": [10.0]}, rows))
    assert curves.records.tolist() == [3]
    assert curves.expected.benefit(np.array([10.0]))[0] == pytest.approx(8.0, abs=0.5)


def test_flags_at_a_plan() -> None:
    made = world(1, Kind())
    curves = fitted(made.scenario)
    inside = at_plan(curves, curves.spent_most)
    beyond = at_plan(curves, 2.0 * curves.spent_most)
    nothing = at_plan(curves, np.zeros(120))
    assert not any("extrapolated" in flags for flags in inside)
    assert all("extrapolated" in flags for flags in beyond)
    assert nothing == curves.flags
    assert any("saturated" in flags for flags in at_plan(curves, 30.0 * curves.spent_most))
