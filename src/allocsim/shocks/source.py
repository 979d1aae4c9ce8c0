"""The weather of a scenario, block by block: hazards drawn, crops answering, monitors watching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.scenario import Scenario
from allocsim.model.settings import AgricultureSettings, HazardSettings
from allocsim.model.shock import Districts, Weather
from allocsim.model.stream import BLOCK, stream
from allocsim.shocks.catalogue import hazards
from allocsim.shocks.field import Spells, spells
from allocsim.shocks.observe import observe
from allocsim.shocks.response import Events, respond


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistrictWeather:
    """A source of weather for districts; frozen, picklable, and the same block always gives the same weather.

    Each hazard has streams of its own by name, so a hazard added or removed leaves the others as they were. Districts
    are drawn in the order of their ids, so the order of the table makes no difference either.

    Attributes
    ----------
    hazards
        The hazards h.
    districts
        The districts d.
    agriculture
        Crops and their shares; None where nothing is grown.
    seed
        Seed of the run.
    warming
        Factor on every exceedance curve; 1 is today.
    prefix
        Opens the name of every stream: ``"pilot/"`` gives years apart from the ones simulated.
    """

    hazards: tuple[HazardSettings, ...]
    districts: Districts
    agriculture: AgricultureSettings | None
    seed: int
    warming: float = 1.0
    prefix: str = ""

    def block(self, index: int) -> Weather:
        """Return the weather of lanes 32 index .. 32 index + 31."""
        order = _by_id(self.districts)
        ordered = _reordered(self.districts, order)
        drawn = [self._spells(hazard, ordered, index) for hazard in self.hazards]
        events = _joined(drawn)
        response = respond(events, self.hazards, ordered, agriculture=self.agriculture, lanes=BLOCK)
        names = tuple(hazard.name for hazard in self.hazards)
        seen = observe(events, response, names, seed=self.seed, block=index, prefix=self.prefix)
        back = np.argsort(order)
        district = order[events.district]
        rank = _rank(events, district, len(order), len(self.hazards))
        return Weather(
            lanes=BLOCK,
            hazards=self.hazards,
            lane=integers(events.lane[rank]),
            district=integers(district[rank]),
            hazard=integers(events.hazard[rank]),
            onset=integers(events.onset[rank]),
            days=integers(events.days[rank]),
            severity=integers(events.severity[rank]),
            planted=floats(response.planted[:, back]),
            loss=floats(response.loss[:, back]),
            index=floats(seen.index[:, back]),
            damage=floats(seen.damage[:, back]),
            survey_error=floats(seen.survey_error),
        )

    def _spells(self, hazard: HazardSettings, ordered: Districts, index: int) -> Spells:
        generator = stream(self.seed, f"{self.prefix}shocks/{hazard.name}", index)
        return spells(hazard, ordered, generator, warming=self.warming)


def weather_source(scenario: Scenario, *, seed: int | None = None, prefix: str = "") -> DistrictWeather:
    """Return the source of weather that a scenario describes; ``seed`` overrides the scenario's own.

    Raises
    ------
    InvalidInput
        If the preset of hazards is unknown or two hazards bear one name.
    """
    settings = scenario.settings
    return DistrictWeather(
        hazards=hazards(settings.shocks),
        districts=districts(scenario),
        agriculture=settings.agriculture,
        seed=settings.simulate.seed if seed is None else seed,
        warming=settings.shocks.warming,
        prefix=prefix,
    )


def districts(scenario: Scenario) -> Districts:
    """Return the districts of a scenario in the order of their table.

    A missing grain area is 0 (nothing grown); missing heads and coordinates stay NaN. Without a table, or with an
    empty one, there is one district, ``all``, without area.
    """
    table = scenario.districts
    if table is None or len(table) == 0:
        unknown = floats([np.nan])
        return Districts(
            id=("all",), name=("all",), area=floats([0]), population=unknown, latitude=unknown, longitude=unknown
        )
    ids = table.text("id")
    names = tuple(name or own for name, own in zip(table.text("name"), ids, strict=True))
    return Districts(
        id=ids,
        name=names,
        area=floats(table.number("grain_area", 0.0)),
        population=floats(table.number("population")),
        latitude=floats(table.number("latitude")),
        longitude=floats(table.number("longitude")),
    )


def _by_id(districts: Districts) -> IntArray:
    """Return the positions of the districts (d,) in the order of their ids."""
    return integers(sorted(range(len(districts.id)), key=lambda d: districts.id[d]))


def _reordered(districts: Districts, order: IntArray) -> Districts:
    def taken(values: FloatArray) -> FloatArray:
        return floats(values[order])

    return Districts(
        id=tuple(districts.id[d] for d in order.tolist()),
        name=tuple(districts.name[d] for d in order.tolist()),
        area=taken(districts.area),
        population=taken(districts.population),
        latitude=taken(districts.latitude),
        longitude=taken(districts.longitude),
    )


def _joined(drawn: list[Spells]) -> Events:
    nothing = np.zeros(0, dtype=np.int64)
    return Events(
        lane=np.concatenate([nothing, *(part.lane for part in drawn)]),
        district=np.concatenate([nothing, *(part.district for part in drawn)]),
        hazard=np.concatenate([nothing, *(np.full_like(part.lane, h) for h, part in enumerate(drawn))]),
        onset=np.concatenate([nothing, *(part.onset for part in drawn)]),
        days=np.concatenate([nothing, *(part.days for part in drawn)]),
        severity=np.concatenate([nothing, *(part.severity for part in drawn)]),
    )


def _rank(events: Events, district: IntArray, districts: int, hazards: int) -> IntArray:
    """Return the order of the events by onset, lane, district and hazard, all in one number."""
    key = ((events.onset * BLOCK + events.lane) * districts + district) * max(hazards, 1) + events.hazard
    return np.argsort(key, kind="stable")
