"""Made-up portfolios for the timings of plans: mixed curves and compiled limits, straight from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.evidence import Evidence
from allocsim.model.money import MoneyStep
from allocsim.model.scenario import Scenario
from allocsim.optimise.compile.rows import tightest
from allocsim.optimise.limits import RESERVE, TOTAL, Each, Rows, Sense, Source, Sum
from optimise_worlds import curves, evidence, portfolio, scenario

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
    last, own = portfolio(rng, lines, FAMILIES)
    total = int(0.99 * last.sum())
    sums = [Sum(source=3, label="", sense="ceiling", members=integers(np.arange(lines)), level=total)]
    department = _members(rng, lines, departments)
    sums += _by(DEPARTMENTS, "ceiling", department, last, 1.05)
    sums += _by(DEPARTMENTS, "floor", department, last, 0.93) if floors else []
    sums += _by(DISTRICT_FLOORS, "floor", _members(rng, lines, districts), last, 0.96) if districts else []
    low, high = np.ceil(0.7 * last), np.floor(1.4 * last)
    each = Each(source=CHANGE, project=integers(np.arange(lines)), low=integers(low), high=integers(high))
    return own, _rows(last, (each,), sums, total)


def single(
    lines: int, *, families: Sequence[str] = FAMILIES, money: float = 1.0, seed: int = 1
) -> tuple[CurveSet, Rows]:
    """Return curves in steps and limits of one total alone; all amounts ``money`` times as many steps."""
    rng = np.random.default_rng(seed)
    last, own = portfolio(rng, lines, families)
    scaled = replace(own, scale=floats(own.scale * money))
    total = int(np.rint(last.sum() * money))
    whole = Sum(source=3, label="", sense="ceiling", members=integers(np.arange(lines)), level=total)
    return scaled, _rows(floats(last * money), (), [whole], total)


def stated(lines: int, departments: int, *, seed: int = 0) -> tuple[Scenario, Evidence, Curves]:
    """Return a whole scenario under the rules of a :func:`city`, with scores and 200 draws of its curves."""
    rng = np.random.default_rng(seed)
    last, expected = portfolio(rng, lines, FAMILIES)
    rules: list[dict[str, object]] = [
        {"name": "change", "kind": "change", "change": [-0.3, 0.4]},
        {"name": "ceilings", "kind": "ceiling", "of": "last_budget", "times": 1.05, "by": "department"},
        {"name": "floors", "kind": "floor", "of": "last_budget", "times": 0.93, "by": "department"},
        {"name": "districts", "kind": "floor", "of": "last_budget", "times": 0.96, "by": "district"},
    ]
    columns = {
        "last_budget": last,
        "department": [f"D{number}" for number in rng.integers(0, departments, lines)],
        "district": [f"R{number}" for number in rng.integers(0, DISTRICTS, lines)],
    }
    drawn = CurveSet(
        family=expected.family,
        value=floats(expected.value * rng.lognormal(0.0, 0.2, (200, lines))),
        scale=floats(np.tile(expected.scale, (200, 1))),
        shape=floats(np.tile(expected.shape, (200, 1))),
        points=expected.points,
    )
    world = scenario(columns, rules=rules, total=float(np.floor(0.99 * last.sum())))
    return world, evidence(rng.uniform(50, 100, lines).tolist()), curves(expected, drawn)


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
