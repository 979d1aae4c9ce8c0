"""What monitors see: the index early and blind to stages, damage late and growing, both the same for every policy."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from allocsim.errors import InvalidInput
from allocsim.model.arrays import floats
from allocsim.model.policy import PAY_DAYS
from allocsim.model.scenario import Scenario
from allocsim.model.settings import Settings
from allocsim.model.shock import SEVERITY_UNIT, Weather
from allocsim.model.table import Table
from allocsim.shocks.observe import index_of, report_share
from allocsim.shocks.source import DistrictWeather, districts, weather_source
from shocks_map import GRAIN, MAP, blocks, city, taken, weather

DAYS = np.array(PAY_DAYS)
SEASON_DAYS = [day for day in PAY_DAYS if 75 <= day <= 255]
FIELDS = (
    "lane", "district", "hazard", "onset", "days", "severity", "planted", "loss", "index", "damage", "survey_error",
)  # fmt: skip


def assert_same(one: Weather, other: Weather) -> None:
    for name in FIELDS:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def table(**columns: object) -> Table:
    rows = len(next(iter(columns.values())))
    arrays = {k: floats(v) if k not in ("id", "name") else np.array(v, dtype=object) for k, v in columns.items()}
    return Table(name="t", file="t.csv", columns=arrays, lines=tuple(range(2, rows + 2)), letters={})


def scenario(where: Table | None, **keys: object) -> Scenario:
    raw = {"title": "t", "year": 2027, "tables": {"projects": "p.csv"}, "budget": {"total": 10}, **keys}
    return Scenario(
        name="t", settings=Settings.model_validate(raw), projects=table(id=["P"], name=["p"]), districts=where,
        lines={}, inputs={}, folder=Path(), raw=raw,
    )  # fmt: skip


def test_index_is_early_and_reads_half_a_spell() -> None:
    severity, onset, days = np.array([0.4]), np.array([182]), np.array([40])
    shown = index_of(severity, onset, days, np.zeros(1))[0]
    at = dict(zip(SEASON_DAYS, shown, strict=True))
    assert at[182] == 0.0
    assert at[189] == pytest.approx(0.4 * 14 / 40)
    assert at[196] == pytest.approx(0.4 * 28 / 40)
    assert at[203] == pytest.approx(0.4)
    assert at[245] == pytest.approx(0.4)  # the mean of past weeks still shows it
    assert at[252] == 0.0
    assert index_of(severity, onset, days, np.ones(1))[0].max() == pytest.approx(0.48)


def test_index_shows_nothing_out_of_season() -> None:
    shown = np.concatenate([block.index for block in blocks(weather("chongqing"), 4)])
    outside = (DAYS < 75) | (DAYS > 255)
    assert not shown[:, :, outside].any()
    assert shown[:, :, ~outside].any()


def test_reports_follow_the_formula() -> None:
    share = report_share(np.array([-5, 0, 13, 14, 21, 28, 35, 42, 60, 300]))
    assert share.tolist() == pytest.approx([0, 0, 0, 0.16, 0.16**0.75, 0.4, 0.16**0.25, 1, 1, 1])
    assert share[7] / share[3] == pytest.approx(6.25)


def test_reports_of_2022_grow_about_sixfold_once_they_begin() -> None:
    """From 36,700 ha on 16 August to 235,000 ha on the 23rd: 6.4-fold; ours takes two weeks for most of it."""
    years = blocks(weather("heat_2022"), 20)
    told = np.mean([np.einsum("rdw,d->w", block.damage, MAP.area) for block in years], axis=0)
    first = int(np.flatnonzero(told)[0])
    weekly = told[first + 1 :] / told[first:-1]
    assert weekly[0] > 2.5  # districts join in
    assert told[first + 2] / told[first] > 4
    assert told[-1] / told[first] > 6
    assert (np.diff(told) >= -1e-9 * told[-1]).all()


def test_index_comes_before_damage() -> None:
    years = blocks(weather("heat_2022"), 6)
    seen, told, missed = 0, 0, 0
    for block in years:
        for e in range(len(block.lane)):
            r, d = block.lane[e], block.district[e]
            if block.severity[e] < 200 or block.loss[r, d] == 0:
                continue
            after = block.onset[e] <= DAYS
            index_days = DAYS[after & (block.index[r, d] > 0.02)]
            damage_day = DAYS[after & (block.damage[r, d] > 0.5 * block.damage[r, d, -1])][0]
            seen += 1
            missed += len(index_days) == 0
            told += len(index_days) > 0 and damage_day - index_days[0] >= 7
            assert damage_day - block.onset[e] >= 21
    assert seen > 500
    assert told / seen > 0.9
    assert missed / seen < 0.03


def test_in_the_end_all_damage_is_told_but_for_the_counting_error() -> None:
    years = blocks(weather("chongqing"), 30)
    final = np.concatenate([block.damage[:, :, -1] for block in years])
    loss = np.concatenate([block.loss for block in years])
    some = (loss > 0.02) & (final < 0.999)
    ratio = final[some] / loss[some]
    assert ratio.mean() == pytest.approx(1.0, abs=0.01)
    assert ratio.std() == pytest.approx(0.15, abs=0.01)
    assert not final[loss == 0].any()


def test_reports_know_nothing_of_spells_to_come() -> None:
    """Taking away midsummer drought changes no report of a day before its first possible one."""
    hazards = weather("chongqing").hazards
    early = tuple(hazard for hazard in hazards if hazard.window[0] < 180)
    before = (DAYS < 180 + 14)[None, None, :]
    whole, part = weather(hazards).block(0), weather(early).block(0)
    assert np.array_equal(np.where(before, whole.damage, 0), np.where(before, part.damage, 0))
    assert not np.array_equal(whole.damage, part.damage)


def test_no_damage_is_told_before_two_weeks() -> None:
    block = weather("heat_2022").block(0)
    earliest = np.full(block.loss.shape, 999)
    np.minimum.at(earliest, (block.lane, block.district), block.onset)
    assert not block.damage[DAYS[None, None, :] < (earliest + 14)[:, :, None]].any()


def test_a_year_without_weather_shows_only_false_spells() -> None:
    years = blocks(weather("none"), 60)
    shown = np.concatenate([block.index for block in years]).max(axis=2)
    assert (shown > 0).mean() == pytest.approx(0.1, abs=0.008)
    assert shown[shown > 0].mean() == pytest.approx(0.25, abs=0.01)
    assert all(len(block.lane) == 0 for block in years)
    assert all(np.array_equal(block.planted, np.ones((32, 40))) for block in years)
    assert not any(block.damage.any() for block in years)


def test_survey_error() -> None:
    error = np.concatenate([block.survey_error for block in blocks(weather("none"), 60)])
    assert error.mean() == pytest.approx(1.0, abs=0.004)
    assert error.std() == pytest.approx(0.05, rel=0.06)


def test_the_index_is_blind_to_the_crop() -> None:
    """Basis risk both ways: the index pays where nothing is lost, and misses a loss; yet it knows something."""
    years = blocks(weather("chongqing"), 40)
    shown = np.concatenate([block.index for block in years]).max(axis=2).ravel()
    loss = np.concatenate([block.loss for block in years]).ravel()
    assert 0.5 < np.corrcoef(shown, loss)[0, 1] < 0.95
    assert (shown[loss < 0.03] > 0.15).mean() > 0.02
    assert (shown[loss > 0.15] <= 0.15).mean() > 0.0


def test_same_block_same_weather_whatever_came_before() -> None:
    fresh = weather("chongqing").block(3)
    source = weather("chongqing")
    for index in (7, 3, 0):
        source.block(index)
    assert_same(source.block(3), fresh)
    assert_same(pickle.loads(pickle.dumps(weather("chongqing"))).block(3), fresh)


def test_blocks_seeds_and_prefixes_differ() -> None:
    here = weather("chongqing").block(0)
    for other in (
        weather("chongqing").block(1),
        weather("chongqing", seed=12).block(0),
        weather("chongqing", prefix="pilot/").block(0),
    ):
        assert not np.array_equal(other.loss, here.loss)
        assert not np.array_equal(other.survey_error, here.survey_error)


def test_order_of_districts_makes_no_difference() -> None:
    turned = list(np.random.default_rng(1).permutation(40))
    here = weather("chongqing").block(2)
    there = weather("chongqing", districts=taken(MAP, turned)).block(2)
    for name in ("planted", "loss", "index", "damage"):
        assert np.array_equal(getattr(there, name), getattr(here, name)[:, turned])
    assert np.array_equal(there.survey_error, here.survey_error)
    told = set(zip(here.lane, here.district, here.hazard, here.onset, here.days, here.severity, strict=True))
    moved = np.array(turned)[there.district]
    assert told == set(zip(there.lane, moved, there.hazard, there.onset, there.days, there.severity, strict=True))


def test_events_are_sorted_and_whole() -> None:
    block = weather("chongqing").block(0)
    keys = list(zip(block.onset, block.lane, block.district, block.hazard, strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys) > 1000
    assert block.index.shape == block.damage.shape == (32, 40, 52)
    assert block.severity.dtype == np.int64
    assert block.severity.max() <= SEVERITY_UNIT
    assert not block.loss.flags.writeable


def test_every_hazard_alone_is_its_part_of_all() -> None:
    """Losses of two hazards join as 1 - (1 - a)(1 - b) within a crop, so they never sum to more than their sum."""
    flood, drought = weather("chongqing").hazards[4], weather("chongqing").hazards[2]
    both = weather((flood, drought)).block(0).loss
    one, other = weather((flood,)).block(0).loss, weather((drought,)).block(0).loss
    assert (both <= one + other + 1e-12).all()
    assert (both >= np.maximum(one, other) - 1e-12).all()


def test_districts_of_a_table() -> None:
    found = districts(
        scenario(
            table(
                id=["A", "B"], name=["甲", ""], grain_area=[5.0, np.nan], latitude=[29.0, np.nan], longitude=[107, 108]
            )
        )
    )
    assert found.id == ("A", "B")
    assert found.name == ("甲", "B")
    assert found.area.tolist() == [5.0, 0.0]
    assert np.isnan(found.latitude[1])
    assert np.isnan(found.population).all()


def test_without_a_table_there_is_one_district() -> None:
    found = districts(scenario(None))
    assert found.id == ("all",)
    assert found.area.tolist() == [0.0]
    block = weather_source(scenario(None)).block(0)
    assert block.loss.shape == (32, 1)
    assert block.lane.size > 0


def test_source_of_a_scenario() -> None:
    where = table(id=["A"], name=["甲"], grain_area=[5.0], latitude=[29.0], longitude=[107.0])
    keys = {"shocks": {"preset": "heat_2022", "warming": 1.2}, "agriculture": {"lines": {"method": "by_standard"}}}
    source = weather_source(scenario(where, **keys), seed=4, prefix="pilot/")
    assert isinstance(source, DistrictWeather)
    assert (source.seed, source.prefix, source.warming) == (4, "pilot/", 1.2)
    assert source.agriculture is not None
    assert [hazard.name for hazard in source.hazards] == ["midsummer_drought"]
    assert weather_source(scenario(where)).seed == 1
    with pytest.raises(InvalidInput):
        weather_source(scenario(where, shocks={"preset": "marsh"}))


def test_one_district_more_at_the_end_disturbs_none() -> None:
    fewer = weather("chongqing", districts=taken(MAP, list(range(39)))).block(0)
    assert np.array_equal(weather("chongqing").block(0).loss[:, :39], fewer.loss)


def test_agriculture_is_optional() -> None:
    block = weather("chongqing", agriculture=None).block(0)
    assert (city([block], MAP.area) == 0).all()
    assert block.index.any()
    assert weather("chongqing", agriculture=GRAIN).block(0).loss.any()
