"""The made-up municipality as a whole: its six tables, column by column, from one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocsim.synthetic.districts import SEATS, grain_areas
from allocsim.synthetic.indicators import Indicator, make_indicators
from allocsim.synthetic.lines import BUDGET_YEAR, Line, all_lines
from allocsim.synthetic.names import ENGLISH, SECTORS
from allocsim.synthetic.raters import Record, make_records
from allocsim.synthetic.truth import Truth, make_truth

Cell = str | int | float | None
Columns = Mapping[str, tuple[Cell, ...]]
"""Column name -> cells; None is a blank cell."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """The tables of the made-up municipality, each a mapping of columns.

    ``truth`` has one row a line: the true benefit of spending x on it is ``value * (1 - exp(-x / scale))``
    [benefit], which is its reference budget times the result in points / 100.
    """

    projects: Columns
    records: Columns
    indicators: Columns
    districts: Columns
    departments: Columns
    truth: Columns


def municipality(seed: int = BUDGET_YEAR) -> World:
    """Return the made-up municipality of one seed; the same seed gives the same cells.

    Parameters
    ----------
    seed
        Seed of every draw. Names, the 35 named lines and the districts do not depend on it.
    """
    lines = all_lines(seed)
    truth = make_truth(seed, lines)
    rates = {line.id: float(truth.spent[p, -1] / truth.adjusted[p, -1]) for p, line in enumerate(lines)}
    return World(
        projects=_projects(lines),
        records=_columns(Record._fields, make_records(seed, lines, truth)),
        indicators=_columns(Indicator._fields, make_indicators(seed, lines, rates)),
        districts=_districts(),
        departments={
            "name": tuple(SECTORS),
            "english": tuple(ENGLISH[name] for name in SECTORS),
            "sector": tuple(SECTORS.values()),
        },
        truth=_truth(lines, truth),
    )


def _projects(lines: Sequence[Line]) -> Columns:
    new = [line.last is None for line in lines]
    return {
        "id": tuple(line.id for line in lines),
        "name": tuple(line.name for line in lines),
        "department": tuple(line.department for line in lines),
        "sector": tuple(line.sector for line in lines),
        "kind": tuple(line.kind for line in lines),
        "fund": tuple(line.fund for line in lines),
        "method": tuple(line.method for line in lines),
        "class": tuple(line.tier for line in lines),
        "last_budget": tuple(line.last for line in lines),
        "requested": tuple(line.requested for line in lines),
        "committed": tuple(line.committed for line in lines),
        "carryover": tuple(line.carryover for line in lines),
        "max": tuple(line.limit for line in lines),
        "standard": tuple(line.standard for line in lines),
        "quantity": tuple(line.quantity for line in lines),
        "entitlement": tuple(line.requested if line.standard else None for line in lines),
        "value": tuple(line.reference if fresh else None for line, fresh in zip(lines, new, strict=True)),
        "reference": tuple(line.reference if fresh else None for line, fresh in zip(lines, new, strict=True)),
        "expires": tuple(line.expires for line in lines),
    }


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Columns:
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _districts() -> Columns:
    areas = grain_areas()
    return {
        "id": tuple(seat.id for seat in SEATS),
        "name": tuple(seat.name for seat in SEATS),
        "english": tuple(seat.english for seat in SEATS),
        "region": tuple(seat.region for seat in SEATS),
        "latitude": tuple(seat.latitude for seat in SEATS),
        "longitude": tuple(seat.longitude for seat in SEATS),
        "population": tuple(seat.population for seat in SEATS),
        "grain_area": tuple(area for area, _ in areas),
        "area_source": tuple(source for _, source in areas),
    }


def _truth(lines: Sequence[Line], truth: Truth) -> Columns:
    reference = np.array([line.reference for line in lines], dtype=np.float64)
    return {
        "id": tuple(line.id for line in lines),
        "family": ("saturating",) * len(lines),
        "value": tuple((reference * truth.plateau / 100.0).tolist()),
        "scale": tuple(truth.scale.tolist()),
    }
