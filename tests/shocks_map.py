"""A made-up map of 40 districts in the box of Chongqing, and sources of weather on it, for the tests of shocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from allocsim.model.arrays import floats
from allocsim.model.settings import AgricultureSettings, HazardSettings
from allocsim.model.shock import Districts, Weather
from allocsim.model.stream import BLOCK
from allocsim.shocks.catalogue import PRESETS
from allocsim.shocks.source import DistrictWeather

GRAIN = AgricultureSettings(lines={})
COUNT = 40


def district_map(count: int = COUNT) -> Districts:
    """Places spread over 105.6-109.6 E, 28.6-31.6 N; areas from thousands to millions of mu, as the real ones are."""
    places = np.random.default_rng(7)
    return Districts(
        id=tuple(f"D{d:02d}" for d in range(count)),
        name=tuple(f"district {d}" for d in range(count)),
        area=floats(places.lognormal(13.5, 0.9, count)),
        population=floats(np.full(count, np.nan)),
        latitude=floats(places.uniform(28.6, 31.6, count)),
        longitude=floats(places.uniform(105.6, 109.6, count)),
    )


MAP = district_map()


def taken(districts: Districts, rows: list[int]) -> Districts:
    return Districts(
        id=tuple(districts.id[d] for d in rows),
        name=tuple(districts.name[d] for d in rows),
        area=floats(districts.area[rows]),
        population=floats(districts.population[rows]),
        latitude=floats(districts.latitude[rows]),
        longitude=floats(districts.longitude[rows]),
    )


def weather(hazards: str | tuple[HazardSettings, ...], **changes: Any) -> DistrictWeather:
    given = PRESETS[hazards] if isinstance(hazards, str) else hazards
    return DistrictWeather(**{"hazards": given, "districts": MAP, "agriculture": GRAIN, "seed": 11} | changes)


def blocks(source: DistrictWeather, count: int) -> list[Weather]:
    return [source.block(i) for i in range(count)]


def city(years: list[Weather], area: np.ndarray, what: str = "loss") -> np.ndarray:
    """Mean over the city by area, one number a lane."""
    return np.concatenate([getattr(block, what) @ area / area.sum() for block in years])


def hits(years: list[Weather], hazard: int, count: int = COUNT) -> np.ndarray:
    """Whether a hazard struck (lane, district)."""
    struck = np.zeros((len(years), BLOCK, count), dtype=bool)
    for b, block in enumerate(years):
        mine = block.hazard == hazard
        struck[b, block.lane[mine], block.district[mine]] = True
    return struck.reshape(-1, count)
