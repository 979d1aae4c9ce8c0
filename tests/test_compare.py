"""Comparing: intervals against scipy, coverage and false claims at their stated rates, the rule of recommendation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from allocsim.compare.compare import compare
from allocsim.compare.contrasts import (
    better_given_curves,
    clusters,
    contrasts,
    intervals,
    multipliers,
    together,
)
from allocsim.compare.outcomes import tail_mean
from allocsim.compare.recommend import decide
from allocsim.model.comparison import Comparison, PolicyResult
from allocsim.model.stream import stream
from outcome_worlds import outcomes, world


def _of(found: Comparison, name: str) -> PolicyResult:
    return next(policy for policy in found.policies if policy.name == name)


def _codes(found: Comparison) -> list[str]:
    return [fact.code for fact in found.because]


def test_clustered_interval_is_the_t_interval_of_cluster_means() -> None:
    made = world((1.0,), seed=3)
    found = _of(compare(made, "hold", unspent_worth=0.5), "policy 1").difference
    means = (made.benefit[1] - made.benefit[0]).reshape(4, 100).mean(axis=0)
    low, high = stats.t.interval(0.95, 99, loc=means.mean(), scale=stats.sem(means))
    assert (found.mean, found.low, found.high) == pytest.approx((means.mean(), low, high), rel=1e-10)


def test_lanes_are_clusters_where_curves_are_known() -> None:
    made = world((1.0,), seed=4, calm_benefit=np.full(400, 1000.0))
    found = _of(compare(made, "hold", unspent_worth=0.5), "policy 1").difference
    difference = made.benefit[1] - made.benefit[0]
    low, high = stats.t.interval(0.95, 399, loc=difference.mean(), scale=stats.sem(difference))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-10)


def test_unequal_clusters_by_brute_force() -> None:
    made = world((1.0,), seed=5, lanes=250)
    difference = made.benefit[1] - made.benefit[0]
    total = 0.0
    for k in range(100):
        total += (difference[made.draw == k] - difference.mean()).sum() ** 2
    found = contrasts(difference[None, :], clusters(made))
    assert found.error[0] == pytest.approx(np.sqrt(100 / 99 * total) / 250, rel=1e-12)


def test_one_contrast_has_its_t_interval_and_p() -> None:
    made = world((0.5,), seed=6, draws=12, lanes=48)
    groups = clusters(made)
    found = contrasts(made.benefit - made.benefit[0], groups)
    drawn = stream(1, "test/many").standard_normal((200_000, groups.count))
    joint = together(found, drawn)
    assert joint.critical == pytest.approx(stats.t.ppf(0.975, 11), rel=0.06)
    p = 2 * stats.t.sf(abs(found.mean[1] / found.error[1]), 11)
    assert joint.adjusted_p[1] == pytest.approx(p, rel=0.15)
    assert joint.adjusted_p[0] == 1.0


def test_together_covers_independent_contrasts_at_the_sidak_point() -> None:
    made = world((0.0,) * 5, seed=7, draws=2000, lanes=4000)
    groups = clusters(made)
    found = contrasts(made.benefit[1:] - made.benefit[0], groups)
    joint = together(found, multipliers(1, groups.count))
    assert joint.critical == pytest.approx(stats.norm.ppf(0.5 + 0.5 * 0.95 ** (1 / 5)), abs=0.1)


def test_simultaneous_intervals_cover_at_their_stated_rate() -> None:
    """600 synthetic worlds, 6 correlated policies, 40 clusters: 95 % joint coverage within 3 standard errors (.027)."""
    rng, held, worlds = stream(2, "test/coverage"), 0, 600
    drawn = multipliers(9, 40)
    for _ in range(worlds):
        common = rng.standard_normal((1, 40))
        values = np.tile(0.6 * common + 0.8 * rng.standard_normal((6, 40)), 3)
        found = contrasts(values, clusters(outcomes(values, draws=40)))
        bounds = intervals(found, together(found, drawn).critical)
        held += all(interval.low <= 0 <= interval.high for interval in bounds)
    assert held / worlds == pytest.approx(0.95, abs=0.027)


def test_no_false_claim_among_six_useless_policies_beyond_the_stated_rate() -> None:
    """500 worlds: a low end above zero is a claim, stated rate 2.5 %; at most that + 3 standard errors (.021)."""
    claims, worlds, moved = 0, 500, np.zeros(7)
    drawn = multipliers(3, 60)
    for seed in range(worlds):
        made = world((0.0,) * 6, seed=seed, lanes=120, draws=60)
        decision = decide(made.benefit, moved, baseline=0, groups=clusters(made), drawn=drawn)
        claims += decision.verdict == "better"
    assert 0 < claims / worlds <= 0.025 + 0.021


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60))
def test_tail_mean_is_the_fractional_tail(values: list[int]) -> None:
    """By brute force: every lane split into ten equal parts, the worst tenth of the parts averaged."""
    parts = np.sort(np.repeat(np.array(values, dtype=np.float64), 10))
    assert tail_mean(np.array(values, dtype=np.float64)) == pytest.approx(parts[: len(values)].mean(), abs=1e-9)


def test_figures_by_hand() -> None:
    benefit = np.array([[900.0, 1000.0, 1010.0, 1020.0], [940.0, 960.0, 1010.0, 1030.0]])
    made = outcomes(
        benefit,
        calm_benefit=np.array([1000.0, 1000.0, 1001.0, 1001.0]),
        bound=np.full(4, 1040.0),
        asked=np.array([[0.0] * 4, [5.0, 10.0, 0.0, 20.0]]),
        exhausted=np.array([[0.0] * 4, [0.0, 0.0, 0.0, 1.0]]),
        unspent=np.array([[0.02] * 4, [0.01, 0.03, 0.01, 0.03]]),
        moved=np.array([[0.0] * 4, [0.0, 0.1, 0.0, 0.3]]),
        gini=np.array([[np.nan] * 4, [0.2, 0.3, 0.2, 0.3]]),
    )
    calm = outcomes(np.array([[1000.0, 1000.0], [999.0, 998.0]]))
    found = compare(made, "hold", unspent_worth=0.5, calm=calm)
    hold, other = found.policies
    assert hold.benefit.mean == 982.5
    assert (hold.cvar10, other.cvar10, other.difference_cvar10) == (900.0, 940.0, -40.0)
    assert (hold.shortfall_probability, other.shortfall_probability) == (0.25, 0.25)
    assert (hold.regret, other.regret) == (12.5, 10.0)
    assert (hold.headroom, other.headroom) == (57.5, 55.0)
    assert (other.reserve_needed, other.reserve_exhausted_probability) == (20.0, 0.25)
    assert (other.unspent, other.moved) == pytest.approx((0.02, 0.1))
    assert (hold.gini, other.gini) == (None, pytest.approx(0.25))
    assert (hold.deciding_lanes, other.deciding_lanes) == (0, 3)
    assert (hold.idle_cost, other.idle_cost) == (0.0, 1.5)
    assert (hold.difference.low, hold.difference.high, hold.adjusted_p) == (0.0, 0.0, 1.0)
    assert found.digest == made.digest()
    assert found.few_years_decide


def test_hold_where_nothing_gains_and_intervals_are_tight() -> None:
    found = compare(world((-3.0, -1.0, -2.0), seed=8), "hold", unspent_worth=0.5)
    assert (found.verdict, found.recommended) == ("hold", "hold")
    assert _codes(found) == ["hold_no_gain"]
    assert dict(found.because[0].values)["best_name"] == "policy 2"
    assert not found.few_years_decide


def test_too_close_where_a_gain_that_matters_cannot_be_excluded() -> None:
    found = compare(world((0.2, -4.0), seed=9, curve_sd=6.0), "hold", unspent_worth=0.5)
    assert (found.verdict, found.recommended) == ("too_close", None)
    values = dict(found.because[0].values)
    assert values["best_name"] == "policy 1"
    assert float(values["low_pct"]) < 0 < 0.05 < float(values["high_pct"])


def test_better_and_the_least_moving_of_equals() -> None:
    moved = np.repeat([[0.0], [0.2], [0.1], [0.01]], 400, axis=1)
    found = compare(world((5.0, 5.0, 3.0), seed=10, moved=moved), "hold", unspent_worth=0.5)
    assert (found.verdict, found.recommended) == ("better", "policy 2")
    assert _codes(found) == ["better", "least_moving_of"]
    assert dict(found.because[1].values)["names"] == "policy 1 / policy 2"
    assert found.breakeven_unspent_worth is None


def test_few_years_are_said_to_decide() -> None:
    made = world((4.0,), seed=11)
    benefit = made.benefit.copy()
    benefit[1, 60:] = benefit[0, 60:]
    benefit[1, :60] = benefit[0, :60] + 20.0 + 0.1 * np.arange(60)
    found = compare(outcomes(benefit, draws=100), "hold", unspent_worth=0.5)
    assert found.few_years_decide
    assert found.because[-1].values == (("count", 60),)


def test_recommendation_turns_where_the_gain_is_eaten_by_unspent_money() -> None:
    rng = np.random.default_rng(12)
    base = 1000.0 + rng.standard_normal(400)
    unspent = np.vstack([np.full(400, 0.08), np.full(400, 0.02)])
    made = outcomes(np.vstack([base, base + 3.0 + 1e-3 * rng.standard_normal(400)]), draws=100, unspent=unspent)
    found = compare(made, "hold", unspent_worth=0.5)
    assert found.recommended == "policy 1"
    assert found.breakeven_unspent_worth == pytest.approx(0.5 + 3.0 / (100.0 * 0.06), abs=1e-3)
    assert compare(outcomes(made.benefit, draws=100), "hold", unspent_worth=0.5).breakeven_unspent_worth is None


def test_probability_given_curves_is_what_the_curve_draws_say() -> None:
    """One-way random effects with known variances: P -> Phi(mean / sd of curves), whatever the weather's noise."""
    made = world((1.0,), seed=13, lanes=20_000, draws=1000, curve_sd=2.0, weather_sd=5.0)
    difference = made.benefit[1] - made.benefit[0]
    found = better_given_curves(difference, clusters(made))
    assert found == pytest.approx(stats.norm.cdf(difference.mean() / 2.0), abs=0.02)
    known = outcomes(made.benefit, calm_benefit=np.full(20_000, 1.0))
    assert better_given_curves(difference, clusters(known)) == 1.0
    assert better_given_curves(np.zeros(20_000), clusters(known)) == 0.5
    single = world((1.0,), seed=13, lanes=50, draws=50)
    alone = single.benefit[1] - single.benefit[0]
    assert better_given_curves(alone, clusters(single)) == pytest.approx(
        stats.norm.cdf(alone.mean() / alone.std(ddof=1))
    )


def test_baseline_alone_and_baseline_unknown() -> None:
    made = outcomes([[1.0, 2.0, 3.0]])
    found = compare(made, "hold", unspent_worth=0.5)
    assert (found.verdict, found.recommended, found.because) == ("hold", "hold", ())
    assert found.breakeven_unspent_worth is None
    with pytest.raises(ValueError, match="nobody"):
        compare(made, "nobody", unspent_worth=0.5)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_unit_of_money_changes_nothing_but_the_unit(unit: float) -> None:
    made = world((1.2, 0.4, -1.0), seed=14)
    scaled: dict[str, Any] = {name: getattr(made, name) * unit for name in ("bound", "calm_benefit")}
    other = outcomes(made.benefit * unit, draws=100, money_worth=100.0 * unit, seed=14, **scaled)
    one, two = compare(made, "hold", unspent_worth=0.5), compare(other, "hold", unspent_worth=0.5)
    assert (one.verdict, one.recommended) == (two.verdict, two.recommended)
    for a, b in zip(one.policies, two.policies, strict=True):
        assert b.simultaneous.low == pytest.approx(a.simultaneous.low * unit, rel=1e-9, abs=1e-12 * unit)
        assert b.adjusted_p == a.adjusted_p
        assert b.better_given_curves == pytest.approx(a.better_given_curves)
