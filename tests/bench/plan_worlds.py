"""Made-up portfolios for the timings of plans: mixed curves and compiled limits, straight from arrays."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.curve import CurveSet
from allocsim.model.money import MoneyStep
from allocsim.optimise.limits import RESERVE, TOTAL, Each, Rows, Sense, Source, Sum
from allocsim.optimise.rows import tightest
from optimise_worlds import portfolio

FAMILIES = ("saturating", "log", "power", "hill")
DISTRICTS = 38
CHANGE, DEPARTMENTS, DISTRICT_FLOORS = 0, 1, 2
_SOURCES = (("change", "change", "rule"), ("departments", "ceiling", "rule"), ("districts", "floor", "rule"))


def city(
    lines: int, departments: int, *, floors: bool = True, districts: int = DISTRICTS, seed: int = 0
) -> tuple[CurveSet, Rows]:
    """Return curves in steps and limits: a total, each line's change, departments, and districts that cross them.

    Parameters
    ----------
    lines, departments, districts
        How many; no districts, no floors of districts.
    floors
        Whether departments have floors beside their ceilings.
    """
    rng = np.random.default_rng(seed)
    last, curves = portfolio(rng, lines, FAMILIES)
    total = int(0.99 * last.sum())
    sums = [Sum(source=3, label="", sense="ceiling", members=integers(np.arange(lines)), level=total)]
    department = _members(rng, lines, departments)
    sums += _by(DEPARTMENTS, "ceiling", department, last, 1.05)
    sums += _by(DEPARTMENTS, "floor", department, last, 0.93) if floors else []
    sums += _by(DISTRICT_FLOORS, "floor", _members(rng, lines, districts), last, 0.96) if districts else []
    low, high = np.ceil(0.7 * last), np.floor(1.4 * last)
    each = Each(source=CHANGE, project=integers(np.arange(lines)), low=integers(low), high=integers(high))
    return curves, _rows(last, (each,), sums, total)


def single(lines: int, *, seed: int = 0, money: float = 1.0) -> tuple[CurveSet, Rows]:
    """Return curves in steps and limits of one total alone; all amounts ``money`` times as many steps."""
    rng = np.random.default_rng(seed)
    last, curves = portfolio(rng, lines, FAMILIES)
    scaled = CurveSet(
        family=curves.family,
        value=curves.value,
        scale=floats(curves.scale * money),
        shape=curves.shape,
        points=curves.points,
    )
    total = int(np.rint(last.sum() * money))
    whole = Sum(source=3, label="", sense="ceiling", members=integers(np.arange(lines)), level=total)
    return scaled, _rows(floats(last * money), (), [whole], total)


def _members(rng: np.random.Generator, lines: int, sets: int) -> list[IntArray]:
    of = rng.integers(0, sets, lines)
    return [integers(np.flatnonzero(of == number)) for number in range(sets)]


def _by(source: int, sense: Sense, members: list[IntArray], last: FloatArray, times: float) -> list[Sum]:
    """Return one limit of each set: so many times what its lines had, inwards to whole steps."""
    rounded = np.floor if sense == "ceiling" else np.ceil
    levels = [int(rounded(times * last[lines].sum())) for lines in members]
    return [
        Sum(source=source, label=str(number), sense=sense, members=lines, level=level)
        for number, (lines, level) in enumerate(zip(members, levels, strict=True))
    ]


def _rows(last: FloatArray, each: tuple[Each, ...], sums: list[Sum], total: int) -> Rows:
    lo, hi, lo_by, hi_by = tightest(each, len(last), total + 1)
    rules = [Source(name=n, kind=k, basis="", must=False, standing="rule") for n, k, _ in _SOURCES]
    return Rows(
        id=tuple(f"P{number:06d}" for number in range(len(last))),
        step=MoneyStep(1.0),
        sources=(
            *rules,
            Source(name=TOTAL, kind="total", basis="", must=False, standing="total"),
            Source(name=RESERVE, kind="reserve", basis="", must=True, standing="reserve"),
        ),
        each=each,
        sums=tuple(sums),
        lo=lo,
        hi=hi,
        lo_by=lo_by,
        hi_by=hi_by,
        total=total,
        reserve=0,
        last=floats(last),
    )
