"""Small portfolios for the tests of plans: scenarios from columns and rules, given curves, and plans by brute force."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.model.curve import Curves, CurveSet, Points
from allocsim.model.evidence import Evidence, Grade, Rulebook
from allocsim.model.scenario import Scenario
from allocsim.model.settings import Settings
from allocsim.model.table import Table
from allocsim.optimise.limits import Rows

GRADES = (
    Grade(key="excellent", zh="优", low=90),
    Grade(key="good", zh="良", low=80),
    Grade(key="medium", zh="中", low=60),
    Grade(key="poor", zh="差", low=0),
)


def table(name: str, columns: Mapping[str, Sequence[Any]]) -> Table:
    made: dict[str, Any] = {}
    for column, values in columns.items():
        is_text = any(isinstance(value, str) for value in values)
        made[column] = np.array(values, dtype=object) if is_text else floats(values)
    count = len(next(iter(columns.values())))
    return Table(name=name, file=f"{name}.csv", columns=made, lines=tuple(range(2, count + 2)), letters={})


def scenario(
    columns: Mapping[str, Sequence[Any]],
    *,
    rules: Sequence[Mapping[str, Any]] = (),
    step: float = 1,
    currency: str = "CNY",
    unit: str = "万元",
    **budget: float,
) -> Scenario:
    count = len(next(iter(columns.values())))
    projects = {
        "id": [f"P{i + 1}" for i in range(count)],
        "name": [f"Line {i + 1}" for i in range(count)],
        "department": ["D1"] * count,
        **columns,
    }
    raw = {
        "title": "t",
        "year": 2027,
        "money_step": step,
        "currency": currency,
        "unit": unit,
        "tables": {"projects": "projects.csv"},
        "budget": budget,
        "rule": list(rules),
    }
    lines = {f"rule.{rule['name']}": ("scenario.toml", 10 + i) for i, rule in enumerate(rules)}
    return Scenario(
        name="t",
        settings=Settings.model_validate(raw),
        projects=table("projects", projects),
        lines={**lines, "budget.total": ("scenario.toml", 5), "budget.reserve": ("scenario.toml", 6)},
        inputs={},
        folder=Path("."),
        raw=raw,
    )


def curve_set(
    family: str | Sequence[str],
    value: Sequence[float] | FloatArray,
    scale: Sequence[float] | FloatArray,
    shape: Sequence[float] | FloatArray | None = None,
    points: Sequence[Points | None] | None = None,
) -> CurveSet:
    count = np.shape(value)[-1]
    return CurveSet(
        family=(family,) * count if isinstance(family, str) else tuple(family),
        value=floats(value),
        scale=floats(scale),
        shape=floats(np.full(count, 0.5) if shape is None else shape),
        points=tuple(points) if points is not None else (None,) * count,
    )


def curves(expected: CurveSet, draws: CurveSet | None = None, **changes: Any) -> Curves:
    count = len(expected.family)
    fields: dict[str, Any] = {
        "id": tuple(f"P{i + 1}" for i in range(count)),
        "expected": expected,
        "draws": draws
        or CurveSet(
            family=expected.family,
            value=floats(expected.value[None]),
            scale=floats(expected.scale[None]),
            shape=floats(expected.shape[None]),
            points=expected.points,
        ),
        "given": booleans(np.zeros(count)),
        "records": integers(np.full(count, 5)),
        "own_evidence": floats(np.full(count, 0.5)),
        "elasticity_mean": floats(np.full(count, 0.4)),
        "elasticity_variance": floats(np.full(count, 0.01)),
        "reference": floats(np.full(count, 10.0)),
        "spent_least": floats(np.full(count, np.nan)),
        "spent_most": floats(np.full(count, np.nan)),
        "marginal": floats(np.ones(count)),
        "marginal_low": floats(np.ones(count)),
        "marginal_high": floats(np.ones(count)),
        "flags": ((),) * count,
        "value_from": ("given",) * count,
        "target_elasticity": 0.0,
        "lag": 0,
        "family": "saturating",
        "selection": None,
        "alternative": None,
    }
    return Curves(**{**fields, **changes})


def evidence(scores: Sequence[float], *, excused: Sequence[bool] | None = None, year: int = 2025) -> Evidence:
    """One evaluated year a line; a score of NaN means none."""
    count = len(scores)
    known = [i for i, score in enumerate(scores) if not np.isnan(score)]
    score = np.array([scores[i] for i in known])
    grade = [next(g for g, band in enumerate(GRADES) if s >= band.low) for s in score]
    latest = np.full(count, -1)
    latest[known] = np.arange(len(known))
    return Evidence(
        id=tuple(f"P{i + 1}" for i in range(count)),
        name=tuple(f"Line {i + 1}" for i in range(count)),
        project=integers(known),
        year=integers(np.full(len(known), year)),
        spent=floats(np.full(len(known), 1.0)),
        score=floats(score),
        standard_error=floats(np.full(len(known), 2.0)),
        low=floats(score - 3),
        high=floats(score + 3),
        grade=integers(grade),
        grade_probability=floats(np.eye(4)[grade].reshape(len(known), 4)),
        raters=integers(np.ones(len(known))),
        rater_kinds=("self",),
        reading=floats((score + 5)[:, None]),
        excused=booleans([bool(excused and excused[i]) for i in known]),
        history_project=integers([]),
        history_year=integers([]),
        history_spent=floats([]),
        latest=integers(latest),
        counted=integers([o if o >= 0 and not (excused and excused[p]) else -1 for p, o in enumerate(latest)]),
        coverage=floats(np.ones(count)),
        bias=(),
        anchor="mean",
        shift=0.0,
        rulebook=Rulebook(name="r", title="r", source="r", grades=GRADES),
    )


def brute_force(curves: CurveSet, rows: Rows) -> tuple[float, list[IntArray]]:
    """Return the best benefit over all whole amounts that keep every limit, and all amounts that reach it."""
    ranges = [range(int(lo), min(int(hi), rows.available) + 1) for lo, hi in zip(rows.lo, rows.hi, strict=True)]
    grid = np.array(list(itertools.product(*ranges)), dtype=np.int64).reshape(-1, len(rows.id))
    holds = np.ones(len(grid), dtype=bool)
    for limit in rows.sums:
        sums = grid[:, limit.members].sum(axis=1)
        holds &= {"ceiling": sums <= limit.level, "floor": sums >= limit.level, "fix": sums == limit.level}[limit.sense]
    grid = grid[holds]
    if not len(grid):
        return -np.inf, []
    benefit = np.stack([curves.benefit(x.astype(float)).sum() for x in grid])
    best = benefit.max()
    return float(best), [integers(x) for x in grid[benefit >= best - 1e-12 * abs(best)]]


def portfolio(
    rng: np.random.Generator, count: int, families: Sequence[str] = ("saturating",)
) -> tuple[FloatArray, CurveSet]:
    """Return last budgets and curves of a made-up portfolio."""
    last = np.round(rng.lognormal(7.0, 1.0, count) + 20)
    value, scale = np.round(last * rng.uniform(0.5, 1.3, count), 3), np.round(last * rng.uniform(0.3, 2.0, count), 3)
    family = [str(f) for f in rng.choice(list(families), count)]
    return floats(last), curve_set(family, value, scale, np.round(rng.uniform(0.3, 0.9, count), 3))
