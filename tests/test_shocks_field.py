"""The field behind each hazard: its frequencies, how districts hang together, its rare years, its season."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from allocsim.errors import InvalidInput
from allocsim.model.arrays import floats
from allocsim.model.settings import HazardSettings, ShocksSettings
from allocsim.model.shock import SEVERITY_UNIT, Districts
from allocsim.model.stream import BLOCK, stream
from allocsim.shocks.catalogue import CHONGQING, MIDSUMMER_DROUGHT, PRESETS, RAINSTORM_FLOOD, SPRING_DROUGHT, hazards
from allocsim.shocks.field import correlated, correlation, distances, spells
from shocks_map import COUNT, MAP, blocks, city, hits, taken, weather

PLAIN = HazardSettings(name="plain", frequency=0.3, window=(100, 120, 160), duration=(10, 40), severity=(0.1, 0.5))


def changed(hazard: HazardSettings, **changes: object) -> HazardSettings:
    return HazardSettings.model_validate({**hazard.model_dump(), **changes})


@pytest.fixture(scope="module")
def years() -> list:
    return blocks(weather("chongqing"), 120)


@pytest.mark.parametrize("h", range(len(CHONGQING)), ids=lambda h: CHONGQING[h].name)
def test_every_hazard_strikes_as_often_as_published(years: list, h: int) -> None:
    share = hits(years, h).mean(axis=1)  # districts of a lane hang together: the lane is the unit of the error
    error = share.std(ddof=1) / np.sqrt(len(share))
    assert abs(share.mean() - CHONGQING[h].frequency) < 3 * error
    assert error < 0.012


@pytest.mark.parametrize("h", range(len(CHONGQING)), ids=lambda h: CHONGQING[h].name)
def test_no_hazard_strikes_outside_its_window(years: list, h: int) -> None:
    first, _, last = CHONGQING[h].window
    onset = np.concatenate([block.onset[block.hazard == h] for block in years])
    assert onset.min() >= first
    assert onset.max() <= last
    assert np.percentile(onset, 95) - np.percentile(onset, 5) > 15  # not all on one day


def test_onset_follows_the_triangle() -> None:
    wide = changed(PLAIN, window=(100, 130, 220), frequency=1.0)
    onset = np.concatenate([block.onset[block.district == 0] for block in blocks(weather((wide,)), 200)])
    assert onset.mean() == pytest.approx((100 + 130 + 220) / 3, abs=1.0)
    assert np.median(onset) == pytest.approx(220 - np.sqrt(120 * 90 / 2), abs=1.5)


def test_a_window_of_one_day_gives_that_day() -> None:
    onset = spells(changed(PLAIN, window=(150, 150, 150)), MAP, stream(1, "day", 0)).onset
    assert np.array_equal(np.unique(onset), [150])


def test_districts_of_one_lane_are_struck_at_about_the_same_time() -> None:
    for block in blocks(weather((PLAIN,)), 5):
        for lane in range(BLOCK):
            onset = block.onset[block.lane == lane]
            assert onset.size < 10 or np.std(onset) < 8


def test_latent_correlation_is_the_stated_one() -> None:
    white = np.concatenate([stream(3, "test", b).standard_normal((COUNT, BLOCK)) for b in range(300)], axis=1)
    seen = np.corrcoef(correlated(white, MAP, MIDSUMMER_DROUGHT))
    assert np.abs(seen - correlation(MAP, MIDSUMMER_DROUGHT)).max() < 4.5 / np.sqrt(white.shape[1])


def test_correlation_formula() -> None:
    matrix = correlation(MAP, RAINSTORM_FLOOD)
    apart = distances(MAP.latitude, MAP.longitude)
    assert np.array_equal(np.diag(matrix), np.ones(COUNT))
    assert matrix[2, 5] == pytest.approx(0.15 + 0.85 * np.exp(-apart[2, 5] / 60), abs=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_distance_against_a_known_one() -> None:
    """One degree of a meridian is 111.19 km on a sphere of 6,371 km; Chongqing to Chengdu is about 270 km."""
    apart = distances(np.array([29.0, 30.0, 29.56, 30.57]), np.array([107.0, 107.0, 106.55, 104.06]))
    assert apart[0, 1] == pytest.approx(111.19, abs=0.01)
    assert 260 < apart[2, 3] < 275


def test_pairs_are_hit_together_as_the_bivariate_normal_says() -> None:
    hazard = changed(PLAIN, correlation_km=150, common_share=0.4)
    struck = hits(blocks(weather((hazard,)), 250), 0)
    matrix = correlation(MAP, hazard)
    cut = stats.norm.isf(0.3)
    for one, other in ((0, 1), (4, 30), (12, 25)):
        both = stats.multivariate_normal([0, 0], [[1, matrix[one, other]], [matrix[one, other], 1]])
        expected = both.cdf([-cut, -cut])
        seen = (struck[:, one] & struck[:, other]).mean()
        assert abs(seen - expected) < 3 * np.sqrt(expected * (1 - expected) / len(struck))
        assert expected > 0.12  # well above .09, what independence would give


def test_without_common_share_and_reach_districts_are_independent() -> None:
    alone = changed(PLAIN, correlation_km=1e-6, common_share=0.0)
    count = hits(blocks(weather((alone,)), 150), 0).sum(axis=1)
    assert count.var() == pytest.approx(COUNT * 0.3 * 0.7, rel=0.08)
    tied = changed(PLAIN, correlation_km=1e-6, common_share=0.5)
    assert hits(blocks(weather((tied,)), 150), 0).sum(axis=1).var() > 5 * count.var()


def test_districts_without_coordinates_share_only_the_common_part() -> None:
    lost = Districts(
        id=MAP.id, name=MAP.name, area=MAP.area, population=MAP.population,
        latitude=floats(np.where(np.arange(COUNT) == 3, np.nan, MAP.latitude)), longitude=MAP.longitude,
    )  # fmt: skip
    matrix = correlation(lost, changed(PLAIN, common_share=0.0))
    assert np.array_equal(matrix[3], np.eye(COUNT)[3])
    assert correlation(lost, changed(PLAIN, common_share=0.2))[3, 7] == pytest.approx(0.2)


def test_two_districts_at_one_place_are_hit_alike() -> None:
    twins = taken(MAP, [0, 0, 1])
    twins = Districts(
        id=("a", "b", "c"), name=twins.name, area=twins.area, population=twins.population,
        latitude=twins.latitude, longitude=twins.longitude,
    )  # fmt: skip
    struck = hits(blocks(weather((PLAIN,), districts=twins), 20), 0, count=3)
    assert (struck[:, 0] == struck[:, 1]).mean() > 0.999
    assert (struck[:, 0] == struck[:, 2]).mean() < 0.95


@pytest.mark.parametrize("hazard", [SPRING_DROUGHT, MIDSUMMER_DROUGHT], ids=["gauss", "t"])
@pytest.mark.parametrize("warming", [1.0, 1.5])
def test_rare_years_come_as_often_as_the_curve_says(hazard: HazardSettings, warming: float) -> None:
    """P(depth >= 1) is one in a hundred times the factor: the whole exceedance curve is scaled."""
    rare, lanes = [], 250
    for block in range(lanes):
        drawn = spells(hazard, MAP, stream(5, hazard.name, block), warming=warming)
        rare.append(np.bincount(drawn.lane[drawn.depth >= 1], minlength=BLOCK) / COUNT)
    share = np.concatenate(rare)
    assert abs(share.mean() - 0.01 * warming) < 3 * share.std(ddof=1) / np.sqrt(len(share))


def test_warming_moves_the_hundred_year_loss() -> None:
    rare = [np.quantile(city(blocks(weather("chongqing", warming=k), 60), MAP.area), 0.99) for k in (1.0, 1.5, 2.0)]
    assert rare[1] > 1.1 * rare[0]
    assert rare[2] > 1.05 * rare[1]


def test_warming_past_certainty_hits_all() -> None:
    assert hits(blocks(weather((PLAIN,), warming=4.0), 2), 0).all()


def test_severity_and_duration_are_straight_in_depth() -> None:
    for power in (1.0, 2.0):
        hazard = changed(PLAIN, depth_power=power, severity=(0.1, 0.4))
        drawn = spells(hazard, MAP, stream(1, "line", 0))
        assert drawn.depth.max() > 1
        straight = np.minimum(0.1 + 0.3 * drawn.depth**power, 1)
        assert np.array_equal(drawn.days, np.rint(10 + 30 * drawn.depth))
        assert np.allclose(drawn.severity / SEVERITY_UNIT, straight, atol=0.5 / SEVERITY_UNIT)


def test_rare_hazards_have_depths_too() -> None:
    """Rarer than once in fifty years: depth 1 at half the frequency, so severity does not leap to its cap."""
    rare = changed(PLAIN, frequency=0.008, common_share=0.0, correlation_km=1e-6)
    depth = np.concatenate([spells(rare, MAP, stream(2, "rare", b)).depth for b in range(60)])
    assert depth.size > 300
    assert (depth >= 1).mean() == pytest.approx(0.5, abs=0.08)


def test_hazards_do_not_disturb_one_another() -> None:
    whole = weather("chongqing").block(4)
    fewer = weather(tuple(h for h in CHONGQING if h.name != "spring_drought")).block(4)
    for now, before in ((1, 0), (2, 1), (5, 4)):
        one, other = whole.hazard == now, fewer.hazard == before
        for name in ("lane", "district", "onset", "days", "severity"):
            assert np.array_equal(getattr(whole, name)[one], getattr(fewer, name)[other])


def test_settings_of_a_hazard_do_not_redraw_its_years() -> None:
    """More frequent: what was hit is hit again, on the same day."""
    before = weather((PLAIN,)).block(0)
    after = weather((changed(PLAIN, frequency=0.5, tail_df=None),)).block(0)
    told = {(r, d): t for r, d, t in zip(after.lane, after.district, after.onset, strict=True)}
    assert len(told) > len(before.lane)
    for r, d, t in zip(before.lane, before.district, before.onset, strict=True):
        assert told[r, d] == t


@settings(max_examples=40, deadline=None)
@given(
    frequency=st.floats(0.001, 1.0),
    window=st.lists(st.integers(1, 365), min_size=3, max_size=3).map(sorted),
    duration=st.lists(st.integers(1, 300), min_size=2, max_size=2).map(sorted),
    severity=st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted),
    tail=st.none() | st.floats(2, 30),
    common=st.floats(0, 1),
    reach=st.floats(1, 2000),
    warming=st.floats(0.1, 5),
)
def test_spells_keep_their_bounds(
    frequency: float, window: list, duration: list, severity: list, tail: float | None, common: float, reach: float,
    warming: float,
) -> None:  # fmt: skip
    hazard = HazardSettings(
        name="any", frequency=frequency, window=tuple(window), duration=tuple(duration), severity=tuple(severity),
        tail_df=tail, common_share=common, correlation_km=reach,
    )  # fmt: skip
    drawn = spells(hazard, MAP, stream(9, "any", 0), warming=warming)
    assert ((drawn.onset >= window[0]) & (drawn.onset <= window[2])).all()
    assert (drawn.days >= 1).all()
    assert (drawn.onset + drawn.days - 1 <= 365).all()
    assert ((drawn.severity >= 0) & (drawn.severity <= SEVERITY_UNIT)).all()
    assert ((drawn.depth >= 0) & (drawn.depth <= 2)).all()
    spots = drawn.lane * COUNT + drawn.district
    assert len(np.unique(spots)) == len(spots)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"window": (160, 120, 100)}, "window"),
        ({"window": (0, 120, 140)}, "window"),
        ({"duration": (40, 10)}, "duration"),
        ({"duration": (0.2, 10)}, "duration"),
        ({"severity": (0.5, 0.1)}, "severity"),
        ({"severity": (0.5, 1.1)}, "severity"),
    ],
)
def test_hazards_out_of_order_are_refused(change: dict, word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        changed(PLAIN, **change)


def test_catalogue() -> None:
    assert hazards(ShocksSettings()) == PRESETS["chongqing"]
    assert [h.name for h in hazards(ShocksSettings())] == [
        "spring_drought", "early_summer_drought", "midsummer_drought", "autumn_drought", "rainstorm_flood",
        "spring_cold",
    ]  # fmt: skip
    assert hazards(ShocksSettings(preset="none")) == ()
    assert hazards(ShocksSettings(preset="none", hazard=(PLAIN,))) == (PLAIN,)


def test_an_unknown_preset_is_told_with_the_nearest() -> None:
    with pytest.raises(InvalidInput) as caught:
        hazards(ShocksSettings(preset="chongqin"))
    (problem,) = caught.value.problems
    assert problem.key == "shocks.preset"
    assert problem.hint is not None
    assert "chongqing" in problem.hint.zh


def test_two_hazards_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="two hazards are called 'plain'"):
        hazards(ShocksSettings(hazard=(PLAIN, changed(PLAIN, frequency=0.1))))
