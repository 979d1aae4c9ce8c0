"""What spells do to crops, against day-by-day counting by hand and against the years 2006 and 2022."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import floats
from allocsim.model.settings import AgricultureSettings, HazardSettings
from allocsim.model.shock import SEVERITY_UNIT, Districts
from allocsim.shocks.calendar import CALENDAR, CROPS, SEASON
from allocsim.shocks.catalogue import CHONGQING, RAINSTORM_FLOOD, SPRING_COLD, SPRING_DROUGHT
from allocsim.shocks.response import Events, Response, crop_shares, respond
from shocks_map import GRAIN, MAP, blocks, city, hits, taken, weather

PAIR = taken(MAP, [0, 1])
ORDINARY_LOSS = 0.04
"""Loss of an ordinary year against no weather at all, from which "against trend" is counted; checked below."""


def events(*rows: tuple[int, int, int, int, int, int]) -> Events:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    return Events(
        lane=columns[0], district=columns[1], hazard=columns[2],
        onset=columns[3], days=columns[4], severity=columns[5],
    )  # fmt: skip


def answer(
    happened: Events, hazards: tuple[HazardSettings, ...] = CHONGQING, agriculture: AgricultureSettings | None = GRAIN
) -> Response:
    return respond(happened, hazards, PAIR, agriculture=agriculture, lanes=1)


def by_hand(rows: list[tuple[int, ...]], district: int) -> tuple[float, float]:
    """Planted share and loss of one district of lane 0, counting days one by one."""
    planted, grown = 0.0, 0.0
    for crop, share in (("rice", 0.6), ("maize", 0.4)):
        sown, alive = 1.0, 1.0
        for _, d, h, onset, days, severity in rows:
            if d != district:
                continue
            spell, hit = set(range(onset, onset + days)), severity / SEVERITY_UNIT
            for number, stage in enumerate(CALENDAR[crop]):
                span = set(range(stage.first, stage.last + 1))
                overlap = len(spell & span) / len(span)
                alive *= 1 - hit * getattr(stage, CHONGQING[h].crops) * overlap
                if number == 0:
                    sown *= 1 - CHONGQING[h].sowing * hit * overlap
        planted += share * sown
        grown += share * sown * (1 - alive)
    return planted, grown / planted


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.just(0), st.integers(0, 1), st.integers(0, 5), st.integers(1, 365), st.integers(1, 120),
            st.integers(0, 1024),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_response_is_what_counting_by_hand_gives(rows: list[tuple[int, ...]]) -> None:
    got = answer(events(*rows))
    for district in (0, 1):
        planted, loss = by_hand(rows, district)
        assert got.planted[0, district] == pytest.approx(planted, abs=1e-12)
        assert got.loss[0, district] == pytest.approx(loss, abs=1e-12)


def test_a_calm_year_is_exactly_whole() -> None:
    got = answer(events())
    assert np.array_equal(got.planted, np.ones((1, 2)))
    assert np.array_equal(got.loss, np.zeros((1, 2)))


def test_drought_at_flowering_costs_most() -> None:
    loss = {on: answer(events((0, 0, 2, on, 20, 400))).loss[0, 0] for on in (80, 125, 150, 180, 240, 280)}
    assert max(loss, key=lambda on: loss[on]) in (150, 180)
    assert loss[280] == 0.0


def test_only_spells_in_the_sowing_window_touch_planted_area() -> None:
    assert answer(events((0, 0, 0, 80, 30, 400))).planted[0, 0] < 0.95
    assert answer(events((0, 0, 2, 190, 60, 900))).planted[0, 0] == 1.0
    assert answer(events((0, 0, 4, 150, 6, 900))).planted[0, 0] == 1.0


def test_two_spells_never_take_more_than_there_is() -> None:
    worst = [(0, 0, h, 150, 100, 500) for h in (1, 2, 4)]
    loss = answer(events(*worst)).loss[0, 0]
    assert answer(events(worst[0])).loss[0, 0] < loss <= 1.0


def test_crops_beyond_the_calendar_take_no_harm() -> None:
    half = AgricultureSettings(lines={}, crops={"rice": 0.3, "maize": 0.2})
    spell = events((0, 0, 2, 190, 60, 600))
    assert answer(spell, agriculture=half).loss[0, 0] == pytest.approx(answer(spell).loss[0, 0] / 2, rel=1e-12)
    assert crop_shares(AgricultureSettings(lines={}, crops={"rice": 0.9, "maize": 0.6})).sum() == pytest.approx(1.0)
    assert answer(spell, agriculture=None).loss[0, 0] == 0.0


def test_stages_follow_one_another() -> None:
    for crop in CROPS:
        stages = CALENDAR[crop]
        assert all(after.first == before.last + 1 for before, after in pairwise(stages))
    assert SEASON == (75, 255)


def test_district_without_grain_area_loses_nothing() -> None:
    bare = Districts(
        id=MAP.id, name=MAP.name, area=floats(np.where(np.arange(40) == 5, 0.0, MAP.area)), population=MAP.population,
        latitude=MAP.latitude, longitude=MAP.longitude,
    )  # fmt: skip
    years = blocks(weather("chongqing", districts=bare), 4)
    with_area = blocks(weather("chongqing"), 4)
    for block, other in zip(years, with_area, strict=True):
        assert (block.district == 5).any()  # weather comes all the same
        assert np.array_equal(block.planted[:, 5], np.ones(32))
        assert not block.loss[:, 5].any()
        assert not block.damage[:, 5].any()
        assert np.array_equal(np.delete(block.loss, 5, axis=1), np.delete(other.loss, 5, axis=1))
        assert np.array_equal(block.index, other.index)


def test_shares_stay_shares() -> None:
    fierce = tuple(
        HazardSettings.model_validate({**h.model_dump(), "frequency": 0.9, "severity": (0.5, 1.0), "sowing": 1.0})
        for h in CHONGQING
    )
    for block in blocks(weather(fierce), 3):
        for share in (block.planted, block.loss, block.index, block.damage):
            assert share.min() >= 0.0
            assert share.max() <= 1.0
        assert block.loss.max() > 0.9
        assert block.planted.min() < 0.6


def test_ordinary_years() -> None:
    """Losses against trend once in 10, 20 and 100 years: about .035, .13 and .23, read off 2022, 2001 and 2006."""
    loss = city(blocks(weather("chongqing"), 120), MAP.area)
    assert loss.mean() == pytest.approx(ORDINARY_LOSS, abs=0.01)
    ten, twenty, hundred = 1 - (1 - np.quantile(loss, [0.9, 0.95, 0.99])) / (1 - loss.mean())
    assert 0.03 < ten < 0.08
    assert 0.08 < twenty < 0.16
    assert 0.18 < hundred < 0.30


def test_2022() -> None:
    """Published: yields fell 3.4 per cent while the area sown rose; drought on most districts, about 24 July on."""
    years = blocks(weather("heat_2022"), 40)
    loss = city(years, MAP.area)
    assert 0.025 < 1 - (1 - loss.mean()) / (1 - ORDINARY_LOSS) < 0.045
    assert all((block.planted == 1.0).all() for block in years)
    assert hits(years, 0).mean() == pytest.approx(0.85, abs=0.02)
    severity = np.concatenate([block.severity for block in years]) / SEVERITY_UNIT
    assert severity.mean() == pytest.approx(0.207, abs=0.01)
    assert np.concatenate([block.onset for block in years]).mean() == pytest.approx(205, abs=1)
    assert np.concatenate([block.days for block in years]).mean() == pytest.approx(50, abs=1)


def test_2006() -> None:
    """Published: autumn grain 20 to 30 per cent below, 37 of 40 counties in extreme drought."""
    years = blocks(weather("drought_2006"), 40)
    loss = city(years, MAP.area)
    assert 0.20 < 1 - (1 - loss.mean()) / (1 - ORDINARY_LOSS) < 0.30
    assert hits(years, 1).mean() > 37 / 40
    assert loss.mean() > 3 * city(blocks(weather("heat_2022"), 40), MAP.area).mean()


def test_flood_is_wide_but_thin_and_drought_wide_and_thick() -> None:
    """July 2020: 31 of 38 districts hit, 0.65 per cent of the area sown damaged."""
    flood = blocks(weather((RAINSTORM_FLOOD,)), 60)
    wide = hits(flood, 0).mean(axis=1) > 0.8
    assert wide.sum() > 30
    assert city(flood, MAP.area)[wide].mean() < 0.02
    drought = blocks(weather((CHONGQING[2],)), 60)
    assert city(drought, MAP.area)[hits(drought, 0).mean(axis=1) > 0.8].mean() > 0.05


def test_spring_hazards_act_on_planted_area() -> None:
    """Spring drought of 2012: 16 districts, 534,300 mu, some 1.6 per cent of the area sown; a few per cent at most."""
    for hazard in (SPRING_DROUGHT, SPRING_COLD):
        planted = city(blocks(weather((hazard,)), 60), MAP.area, "planted")
        assert 0.0005 < 1 - planted.mean() < 0.02
        assert planted.min() > 0.7
