"""Small briefs and observations for tests of policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from allocsim.model.arrays import booleans, floats, integers
from allocsim.model.curve import CurveSet
from allocsim.model.policy import PAY_DAYS, Brief, HardRow, Observation


def saturating(value: Sequence[float], scale: Sequence[float]) -> CurveSet:
    lines = len(value)
    return CurveSet(
        family=("saturating",) * lines,
        value=floats(value),
        scale=floats(scale),
        shape=floats(np.full(lines, np.nan)),
        points=(None,) * lines,
    )


def brief(planned: Sequence[int], **changes: Any) -> Brief:
    """Return a brief of flow lines that pay evenly, with wide bounds and no rows."""
    lines = len(planned)
    amounts = integers(planned)
    course = np.minimum(np.arange(366) / 364.0, 1.0)
    plain = Brief(
        planned=amounts,
        reserve=0,
        low=integers(np.zeros(lines)),
        high=integers(np.full(lines, 10 * int(amounts.sum()))),
        rows=(),
        flow=booleans(np.ones(lines)),
        entitlement=booleans(np.zeros(lines)),
        profile=floats(np.repeat(course[:, None], lines, axis=1)),
        weekly_limit=integers(np.ceil(1.6 * amounts / 52)),
        curves=saturating([100.0 * n for n in planned], [float(n) for n in planned]),
        price=1.0,
        unspent_worth=0.5,
        move_cost=0.02,
        usual_pace=floats(np.ones((len(PAY_DAYS), lines))),
        harm=0.3,
        checkpoints=(90, 181, 273),
        freeze=319,
        verification=180,
        replant_by=237,
        need=floats(np.zeros(1)),
        replantable=0.3,
    )
    return replace(plain, **changes)


def seen(told: Brief, day: int = 181, **changes: Any) -> Observation:
    """Return what is seen in one lane where all has gone to plan: paid evenly, committed five weeks ahead."""
    course, ahead = told.profile[day], told.profile[min(day + 35, 365)]
    week = int(np.searchsorted(PAY_DAYS, day, side="right")) - 1
    paid = np.floor(told.planned * course).astype(np.int64)
    committed = np.floor(told.planned * ahead).astype(np.int64)
    plain = Observation(
        day=day,
        week=week,
        authorised=told.planned[None, :].copy(),
        committed=np.where(told.entitlement, told.planned, committed)[None, :],
        paid=np.where(told.entitlement, 0, paid)[None, :],
        reserve=integers([told.reserve]),
        pace=np.ones((1, len(told.planned))),
        planted=np.ones(1),
        slack=np.zeros((1, len(told.planned)), dtype=np.int64),
        index=np.zeros((1, len(told.need))),
        damage=np.zeros((1, len(told.need))),
    )
    return replace(plain, **{name: np.asarray(value) for name, value in changes.items()})


def row(sense: str, members: Sequence[int], level: int, lines: int) -> HardRow:
    inside = np.zeros(lines, dtype=np.bool_)
    inside[list(members)] = True
    return HardRow(name=f"{sense} {level}", sense=sense, members=booleans(inside), level=level)  # type: ignore[arg-type]
