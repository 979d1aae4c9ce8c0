"""Policies in the simulated year: every move is accepted, calm years stay still, signs of what adjusting is worth."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from allocsim.compare.compare import compare
from allocsim.model.arrays import floats, integers
from allocsim.model.comparison import Comparison
from allocsim.model.policy import Policy
from allocsim.model.settings import AgricultureSettings, HazardSettings
from allocsim.model.trajectory import Outcomes
from allocsim.policies.hold import Hold
from allocsim.policies.reoptimise import Reoptimise
from allocsim.policies.reserve_index import ReserveIndex
from allocsim.policies.threshold import Threshold
from allocsim.shocks.source import DistrictWeather
from allocsim.simulate.run import RunOptions, run, usual_pace
from allocsim.simulate.year import Subsidy, Year
from made_year import MadeWeather, made_year, with_brief
from policy_worlds import row
from shocks_map import district_map

PLACES = district_map(20)
POLICIES: tuple[Policy, ...] = (
    Hold(),
    Threshold(),
    ReserveIndex(),
    ReserveIndex(name="damage", trigger="damage"),
    Reoptimise(name="trust 0", trust=0.0),
    Reoptimise(name="trust 1"),
)
LANES = 256


def _hazard(name: str, **changes: object) -> HazardSettings:
    plain = {"name": name, "frequency": 0.5, "duration": (30.0, 70.0), "severity": (0.3, 0.9)}
    return HazardSettings.model_validate(plain | changes)


STORMS = tuple(
    _hazard(
        f"storm {month}",
        window=(30.0 * month, 30.0 * month + 20, 30.0 * month + 50),
        duration=(14.0, 42.0),
        works=1.0,
        correlation_km=60.0,
        common_share=0.1,
    )
    for month in (2, 4, 6, 8)
)
SOWING = (_hazard("spring", window=(50.0, 70.0, 90.0), works=0.5, persistence=0.5, end_day=270, sowing=0.6),)
LATE = (_hazard("midsummer", window=(180.0, 195.0, 215.0), works=0.1),)


@cache
def _year(noise: float = 0.1, unspent_worth: float = 0.5) -> Year:
    """Return 73 lines in 20 districts, a sixth of the money in one subsidy by standard, a reserve of 3 %."""
    year = made_year(lines=73, districts=20, draws=64, spread=10)
    brief, draws = year.brief, year.draws
    times = np.ones(73)
    times[0] = 0.2 * brief.planned[1:].sum() / max(int(brief.planned[0]), 1)
    curves = replace(brief.curves, value=floats(brief.curves.value * times), scale=floats(brief.curves.scale * times))
    planned = integers(np.floor(brief.planned * times))
    area = floats(PLACES.area / PLACES.area.sum())
    return replace(
        with_brief(
            year,
            planned=planned,
            low=integers(planned // 2),
            high=integers(planned * 2),
            curves=curves,
            reserve=int(0.03 * planned.sum()),
            need=floats(2.0 * planned[0] * area),
            unspent_worth=unspent_worth,
        ),
        draws=replace(draws, value=floats(draws.value * times), scale=floats(draws.scale * times)),
        subsidy=Subsidy(area=area, payout=year.subsidy.payout, relief_return=2.5),
        monitor=replace(year.monitor, noise=noise),
    )


def _weather(hazards: tuple[HazardSettings, ...], *, crops: bool = True) -> DistrictWeather:
    grain = AgricultureSettings(lines={}) if crops else None
    return DistrictWeather(hazards=hazards, districts=PLACES, agriculture=grain, seed=3)


def _lived(year: Year, weather: DistrictWeather, policies: tuple[Policy, ...] = POLICIES, **options: int) -> Outcomes:
    told = year.told(usual_pace(year, replace(weather, prefix="pilot/"))) if weather.hazards else year
    return run(told, policies, weather, options=RunOptions(**{"replications": LANES, "seed": 5, **options}))


def _gains(found: Comparison) -> dict[str, tuple[float, float]]:
    """Return the simultaneous interval of each policy's difference, in per mille of hold's benefit."""
    usual = found.policies[0].benefit.mean / 1000
    return {p.name: (p.simultaneous.low / usual, p.simultaneous.high / usual) for p in found.policies}


def test_calm_years_without_noise_stay_still_but_for_a_false_index() -> None:
    found = _lived(_year(noise=0.0), _weather(()))
    for policy, moved in zip(POLICIES, found.moved, strict=True):
        assert moved.any() == (policy.name == "reserve_index")
    assert found.benefit[0] == pytest.approx(found.calm_benefit, rel=1e-12)


def test_no_policy_passes_the_bound_in_any_lane() -> None:
    for hazards in (STORMS, SOWING, LATE):
        found = _lived(_year(), _weather(hazards))
        assert (found.benefit <= found.bound).all()


def test_transient_shocks_to_works_are_best_sat_out() -> None:
    found = compare(_lived(_year(), _weather(STORMS, crops=False)), "hold", unspent_worth=0.5)
    gains = _gains(found)
    assert (found.verdict, found.recommended) == ("hold", "hold")
    assert gains["threshold"][1] < 0
    assert gains["threshold"][1] < gains["trust 1"][0]
    assert -0.1 < gains["trust 0"][0] <= 0.05


def test_drought_before_sowing_rewards_using_the_slack() -> None:
    outcomes = _lived(_year(), _weather(SOWING))
    found = compare(outcomes, "hold", unspent_worth=0.5)
    gains = _gains(found)
    assert found.verdict == "better"
    assert gains["threshold"][0] > 0
    assert gains["trust 0"][0] > 0
    assert gains["trust 1"][0] > 0
    assert found.breakeven_unspent_worth is not None
    kept = compare(_lived(_year(unspent_worth=1.0), _weather(SOWING)), "hold", unspent_worth=1.0)
    assert _gains(kept)["trust 1"][1] < 0.1


def test_drought_after_sowing_rewards_the_index_above_verified_damage() -> None:
    found = compare(_lived(_year(), _weather(LATE)), "hold", unspent_worth=0.5)
    gains = _gains(found)
    assert found.recommended == "reserve_index"
    assert gains["reserve_index"][0] > gains["damage"][1] > gains["damage"][0] > 0
    assert gains["threshold"][1] < 0.05
    assert gains["trust 1"][1] < 0.05
    idle = compare(_lived(_year(), _weather(())), "hold", unspent_worth=0.5)
    assert _gains(idle)["reserve_index"][1] < 0


def test_moves_under_tight_rules_are_accepted_and_do_not_depend_on_the_chunk() -> None:
    year = _year()
    planned = year.brief.planned
    thirds = [range(25), range(25, 50), range(40, 73)]
    rows = (
        row(">=", thirds[0], int(planned[0:25].sum()), 73),
        row("<=", thirds[1], int(planned[25:50].sum()) + 50, 73),
        row(">=", thirds[2], int(planned[40:73].sum()) - 100, 73),
    )
    tight = with_brief(year, rows=rows, low=integers(planned * 0.9), high=integers(planned * 1.1))
    whole = _lived(tight, _weather(SOWING), replications=96)
    parts = _lived(tight, _weather(SOWING), replications=96, chunk=32)
    assert whole.digest() == parts.digest()
    assert whole.moved[5].mean() > 0


def test_one_lane_alone_is_the_same_to_the_bit() -> None:
    together = _lived(_year(), _weather(SOWING), replications=64)
    alone = _lived(_year(), _weather(SOWING), replications=64, reference=True)
    assert together.digest() == alone.digest()


def test_unit_of_money_changes_no_decision() -> None:
    found = [
        run(
            made_year(lines=40, districts=4, money=money),
            POLICIES,
            MadeWeather(),
            options=RunOptions(replications=128, seed=1),
        )
        for money in (1.0, 1e6)
    ]
    assert np.array_equal(found[0].moved, found[1].moved)
    assert found[0].moved[5].any()
