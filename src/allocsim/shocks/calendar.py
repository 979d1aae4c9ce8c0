"""Stage calendars of rice and maize in Chongqing, and how much each stage minds drought, flood and cold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocsim.model.arrays import FloatArray, IntArray, floats, integers

Crop = Literal["rice", "maize"]
CROPS: tuple[Crop, ...] = ("rice", "maize")
KINDS = ("drought", "flood", "cold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: first and last day of year, and the share of the crop at stake by kind of hazard [share 0-1]."""

    name: str
    first: int
    last: int
    drought: float
    flood: float
    cold: float


CALENDAR: dict[Crop, tuple[Stage, ...]] = {
    "rice": (
        Stage(name="nursery", first=75, last=120, drought=0.10, flood=0.15, cold=0.30),
        Stage(name="tillering", first=121, last=160, drought=0.35, flood=0.30, cold=0.15),
        Stage(name="booting to flowering", first=161, last=205, drought=1.00, flood=0.90, cold=0.60),
        Stage(name="filling", first=206, last=235, drought=0.55, flood=0.60, cold=0.20),
        Stage(name="harvest", first=236, last=255, drought=0.05, flood=0.40, cold=0.05),
    ),
    "maize": (
        Stage(name="sowing", first=75, last=105, drought=0.15, flood=0.20, cold=0.30),
        Stage(name="vegetative", first=106, last=150, drought=0.35, flood=0.40, cold=0.20),
        Stage(name="tasselling to silking", first=151, last=175, drought=1.00, flood=0.80, cold=0.30),
        Stage(name="filling", first=176, last=215, drought=0.45, flood=0.40, cold=0.10),
        Stage(name="harvest", first=216, last=235, drought=0.05, flood=0.20, cold=0.05),
    ),
}
"""Crop -> stages in order.

Days: rice all sown by 15 April and half transplanted by 30 April (nyncw.cq.gov.cn, 2025 no. 3); maize sown from
mid-March to mid-April and harvested from mid-August (weakly sourced). The weights are expert judgement: drought weights
of maize follow the shape that AquaCrop gives a 20-day spell on shallow soil (greatest around flowering, small at both
ends); cold weights are stylised. The first stage is the sowing window of its crop."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stages:
    """The calendar as arrays, axis g over the stages of all crops: first and last day, crop, weights (kind, g)."""

    first: IntArray
    last: IntArray
    crop: IntArray
    weight: FloatArray


def stages() -> Stages:
    """Return the stages of all crops in the order of :data:`CROPS`."""
    rows = [(c, stage) for c, crop in enumerate(CROPS) for stage in CALENDAR[crop]]
    weights = [[(stage.drought, stage.flood, stage.cold)[kind] for _, stage in rows] for kind in range(len(KINDS))]
    return Stages(
        first=integers([stage.first for _, stage in rows]),
        last=integers([stage.last for _, stage in rows]),
        crop=integers([c for c, _ in rows]),
        weight=floats(weights),
    )


def sowing_windows() -> tuple[IntArray, IntArray]:
    """Return first and last day of the sowing window of each crop (c,), the first stage of its calendar."""
    opening = [CALENDAR[crop][0] for crop in CROPS]
    return integers([stage.first for stage in opening]), integers([stage.last for stage in opening])


STAGES = stages()
SOWING = sowing_windows()
SEASON = (int(STAGES.first.min()), int(STAGES.last.max()))
"""First and last day on which anything of the calendar stands in the field."""
