"""Made-up worlds whose curves are known: scenarios in memory for the tests of evaluate and curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allocsim.curves.given import curve_set
from allocsim.curves.shapes import parameters, rise
from allocsim.model.arrays import FloatArray
from allocsim.model.curve import CurveSet
from allocsim.model.scenario import Scenario
from allocsim.model.settings import Settings
from allocsim.model.stream import stream
from allocsim.model.table import Table


def table(name: str, columns: Mapping[str, Any]) -> Table:
    """Return a table of number and text columns."""
    made = {
        key: np.array(values, dtype=object) if len(values) and isinstance(values[0], str) else np.array(values, float)
        for key, values in columns.items()
    }
    count = len(next(iter(made.values())))
    return Table(name=name, file=f"{name}.csv", columns=made, lines=tuple(range(2, count + 2)), letters={})


def scenario(
    projects: Mapping[str, Any],
    records: Mapping[str, Any] | None = None,
    stated: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Scenario:
    """Return a scenario in memory; further arguments are parts of scenario.toml."""
    count = len(projects["id"])
    given = {"name": projects["id"], "department": ["d"] * count, **projects}
    raw = {"title": "test", "year": 2027, "tables": {"projects": "p.csv"}, "budget": {"total": 1000.0}, **settings}
    return Scenario(
        name="test",
        settings=Settings.model_validate(raw),
        projects=table("projects", given),
        records=None if records is None else table("records", records),
        curves=None if stated is None else table("curves", stated),
        lines={},
        inputs={},
        folder=Path("."),
        raw=raw,
    )


@dataclass(frozen=True, kw_only=True)
class World:
    """A scenario, its true benefit curves, usual and last spending."""

    scenario: Scenario
    truth: CurveSet
    usual: FloatArray
    last: FloatArray


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a world is like."""

    projects: int = 120
    sectors: int = 6
    years: tuple[int, int] = (3, 7)
    family: str = "saturating"
    fit_family: str = "saturating"
    noise: float = 6.0
    spread: float = 0.22
    within: float = 0.25
    lag: int = 0
    follow: float = 0.0
    constant: bool = False
    fit_lag: int | str = 0
    draws: int = 200


def world(seed: int, kind: Kind) -> World:
    """Return a world: scores 60-92 at usual spending, scale 0.3-1.8 of usual by sector and 25 % within.

    With ``follow``, ln(spending) of a year rises by that much per 10 points of the last recorded score above 76.
    """
    random = stream(seed, "tests/world")
    p = kind.projects
    sector = np.arange(p) % kind.sectors
    usual = np.round(np.exp(random.normal(6.0, 0.8, p)), 2)
    scale = (random.uniform(0.3, 1.8, kind.sectors)[sector] * np.exp(kind.within * random.normal(size=p))).clip(0.1)
    level = random.uniform(60, 92, p)
    z = 1.0 / scale
    e = {"saturating": z / np.expm1(z), "log": z / ((1 + z) * np.log1p(z)), "power": 1 / (1 + z)}[kind.family]
    rows: dict[str, list[Any]] = {key: [] for key in ("project", "year", "budget", "score")}
    count = random.integers(kind.years[0], kind.years[1] + 1, p)
    last = usual.copy()
    for i in range(p):
        shift, previous = 0.0, usual[i] * np.exp(kind.spread * random.normal())
        before = [previous] * (kind.lag + 1)
        for t in range(int(count[i]) + kind.lag):
            x = round(float(usual[i] * np.exp(kind.spread * random.normal() + shift)), 2)
            before = [*before[1:], x]
            result = 1.0 if kind.constant else float(rise(kind.family, before[0] / usual[i], e[i]))
            y = float(np.clip(level[i] * result + kind.noise * random.normal(), 0, 100))
            shift += kind.follow * (y - 76.0) / 10.0
            known = t >= kind.lag
            for key, value in zip(
                rows, (f"P{i}", 2026 - count[i] - kind.lag + t, x, y if known else np.nan), strict=True
            ):
                rows[key].append(value)
        last[i] = x
    projects = {
        "id": [f"P{i}" for i in range(p)],
        "sector": [f"s{s}" for s in sector],
        "last_budget": last,
        "value": usual,
    }
    made = _with(projects, rows, kind, seed)
    flat = np.full(p, 1e-6)
    truth = parameters(kind.family, usual * level / 100.0, flat if kind.constant else e, usual)
    return World(scenario=made, truth=curve_set((kind.family,) * p, *truth), usual=usual, last=last)


def _with(projects: Mapping[str, Any], rows: Mapping[str, Any], kind: Kind, seed: int) -> Scenario:
    made = scenario(projects, rows)
    return made.replace(
        **{
            "curves.family": kind.fit_family,
            "curves.lag": kind.fit_lag,
            "curves.draws": kind.draws,
            "simulate.seed": seed,
        }
    )


def best_split(curves: CurveSet, total: float, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the spending that maximises total benefit within limits: one multiplier, found by bisection in its log."""
    least, most = -60.0, 60.0
    for _ in range(200):
        middle = 0.5 * (least + most)
        x = np.clip(curves.spending_at(np.full(len(low), np.exp(middle))), low, high)
        least, most = (middle, most) if x.sum() > total else (least, middle)
    return np.asarray(x)


def gain(made: World, fitted: CurveSet) -> float:
    """Return the share of the possible gain over last year's split that a plan on fitted curves reaches."""
    low, high, total = 0.4 * made.usual, 1.8 * made.usual, float(made.last.sum())
    got, best = (made.truth.benefit(best_split(c, total, low, high)).sum() for c in (fitted, made.truth))
    before = made.truth.benefit(made.last).sum()
    return float((got - before) / (best - before))
