"""The engine with the real weather and the real policies: none is stopped, none beats the bound, lanes keep apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocsim.model.arrays import floats
from allocsim.model.policy import HardRow, Policy
from allocsim.model.settings import AgricultureSettings, HazardSettings
from allocsim.model.shock import Districts
from allocsim.policies.hold import Hold
from allocsim.policies.reoptimise import Reoptimise
from allocsim.policies.reserve_index import ReserveIndex
from allocsim.policies.threshold import Threshold
from allocsim.shocks.source import DistrictWeather
from allocsim.simulate.check_lanes import check_lanes
from allocsim.simulate.run import RunOptions, run, usual_pace
from allocsim.simulate.year import Year
from made_year import made_year, with_brief

LINES, DISTRICTS = 40, 10
POLICIES: tuple[Policy, ...] = (
    Hold(), Threshold(tau=0.9), ReserveIndex(), ReserveIndex(name="damage", trigger="damage"),
    Reoptimise(name="blind", trust=0.0), Reoptimise(),
)  # fmt: skip
WORLDS = {
    "transient": {"name": "flood", "window": (100.0, 170.0, 250.0), "duration": (5.0, 20.0), "crops": "flood"},
    "persistent": {
        "name": "spring", "window": (60.0, 80.0, 100.0), "duration": (20.0, 60.0), "persistence": 0.95, "sowing": 0.5,
    },
    "summer": {"name": "summer", "window": (180.0, 200.0, 225.0), "duration": (20.0, 95.0), "works": 0.0},
}  # fmt: skip


def source(world: str, prefix: str = "", seed: int = 1) -> DistrictWeather:
    place = np.random.Generator(np.random.Philox(7)).uniform(0, 2, (3, DISTRICTS))
    names = tuple(f"d{d}" for d in range(DISTRICTS))
    unknown = floats(np.full(DISTRICTS, np.nan))
    known = Districts(
        id=names, name=names, area=floats(place[0]), population=unknown, latitude=floats(29 + place[1]),
        longitude=floats(106 + place[2]),
    )  # fmt: skip
    stated = {"frequency": 0.6, "severity": (0.3, 0.95), "works": 1.0, "common_share": 0.6} | WORLDS[world]
    return DistrictWeather(
        hazards=(HazardSettings(**stated),), districts=known, agriculture=AgricultureSettings(lines={}), seed=seed,
        prefix=prefix,
    )  # fmt: skip


@pytest.fixture(scope="module")
def year() -> Year:
    plain = made_year(lines=LINES, districts=DISTRICTS, draws=20, subsidies=2, spread=6)
    planned = plain.brief.planned
    half, third = np.arange(LINES) < 20, np.arange(LINES) % 3 == 0
    rows = (
        HardRow(name="half at least", sense=">=", members=half, level=int(planned[half].sum() * 0.97)),
        HardRow(name="third at most", sense="<=", members=third, level=int(planned[third].sum() * 1.02)),
    )
    return with_brief(plain, rows=rows, reserve=int(planned.sum() // 50))


@pytest.mark.parametrize("world", WORLDS)
def test_no_real_policy_is_stopped_or_beats_the_bound(year: Year, world: str) -> None:
    told = year.told(usual_pace(year, source(world, "pilot/")))
    got = run(told, POLICIES, source(world), options=RunOptions(replications=160, seed=1))
    assert np.all(got.bound >= got.benefit)
    assert np.all(got.moved[0] == 0)
    assert np.any(got.benefit[0] < got.calm_benefit)
    assert (got.moved[1:].max(axis=1) > 0).sum() >= 3


def test_lanes_keep_apart_under_real_policies(year: Year) -> None:
    told = year.told(usual_pace(year, source("persistent", "pilot/")))
    assert check_lanes(told, POLICIES, source("persistent"), lanes=48) == ()


def test_persistent_shocks_reward_those_who_act_and_trust_reports(year: Year) -> None:
    free = with_brief(year, rows=())
    told = free.told(usual_pace(free, source("persistent", "pilot/")))
    got = run(told, POLICIES, source("persistent"), options=RunOptions(replications=160, seed=1))
    gain = (got.benefit - got.benefit[0]).mean(axis=1)
    error = (got.benefit - got.benefit[0]).std(axis=1) / np.sqrt(160)
    assert gain[4] > 2 * error[4]
    assert gain[5] > gain[4]


def test_a_summer_drought_is_met_by_the_index_and_by_damage(year: Year) -> None:
    got = run(year, POLICIES, source("summer"), options=RunOptions(replications=160, seed=1))
    gain = (got.benefit - got.benefit[0]).mean(axis=1)
    assert gain[2] > 0
    assert gain[3] > 0
    assert np.all(gain[[1, 4, 5]] < gain[2] / 100)


def test_without_shocks_and_noise_only_a_false_index_moves_money(year: Year) -> None:
    quiet = replace(year, monitor=replace(year.monitor, noise=0.0))
    calm = replace(source("summer"), hazards=())
    got = run(quiet, POLICIES, calm, options=RunOptions(replications=64, seed=1))
    assert not got.moved[[0, 1, 3, 4, 5]].any()
    assert got.moved[2].any()
    assert np.all(got.benefit[2] <= got.benefit[0])
