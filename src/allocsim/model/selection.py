"""Which lines a condition selects: columns of projects, of districts through ``project.district``, and made ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from allocsim.model.arrays import BoolArray, FloatArray, booleans
from allocsim.model.rule import Comparison, Scalar, Where
from allocsim.model.table import Table

MADE = ("executed", "grade", "score")
"""Columns made for rules: execution of the running year [share 0-1], latest grade, latest score [score 0-100]."""


class Selectable(Protocol):
    """What a selection needs of a scenario: its projects and, where it has them, its districts."""

    @property
    def projects(self) -> Table:
        """The projects table."""
        ...

    @property
    def districts(self) -> Table | None:
        """The districts table."""
        ...


def selected(
    scenario: Selectable,
    where: Where,
    *,
    except_: Where | None = None,
    made: Mapping[str, NDArray[Any]] | None = None,
) -> BoolArray:
    """Return the lines for which every condition of ``where`` holds and not every condition of ``except_``.

    Parameters
    ----------
    scenario
        Projects, axis p, and districts.
    where
        Column -> a value, a list of values or a comparison; empty = all lines.
    except_
        The lines left out of the selection; empty = none.
    made
        Columns made for rules (:data:`MADE`), shape (p,): float64, or object arrays of text. They come before columns
        of the tables.

    Returns
    -------
    BoolArray
        Shape (p,). A missing value meets no comparison and no equality but with the empty text.

    Raises
    ------
    KeyError
        If a column is in none of the three places.
    """
    chosen = _all_hold(scenario, where, made or {})
    if except_:
        chosen = chosen & ~_all_hold(scenario, except_, made or {})
    return booleans(chosen)


def column(scenario: Selectable, name: str, made: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return one column over the lines, shape (p,): made for rules, of projects, or of each line's district.

    Raises
    ------
    KeyError
        If no place has the column.
    """
    if name in made:
        return made[name]
    if name in scenario.projects:
        return scenario.projects.columns[name]
    if scenario.districts is not None and name in scenario.districts:
        return of_district(scenario.projects, scenario.districts, name)
    raise KeyError(name)


def of_district(projects: Table, districts: Table, name: str) -> NDArray[Any]:
    """Return a column of districts for each line, shape (p,); lines of no (known) district have it missing."""
    rows = {district: row for row, district in enumerate(districts.text("id"))}
    of_line = [rows.get(district, -1) for district in projects.text("district")]
    values = districts.columns[name]
    missing: Any = np.nan if values.dtype.kind == "f" else ""
    return np.array([values[row] if row >= 0 else missing for row in of_line], dtype=values.dtype)


def holds(values: NDArray[Any], condition: Comparison | Scalar | tuple[Scalar, ...]) -> NDArray[np.bool_]:
    """Return where one condition holds for a column of numbers or of text."""
    if isinstance(condition, Comparison):
        return _compares(values, condition)
    wanted = condition if isinstance(condition, tuple) else (condition,)
    met = np.zeros(len(values), dtype=np.bool_)
    for value in wanted:
        met |= _equals(values, value)
    return met


def _all_hold(scenario: Selectable, where: Where, made: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    met = np.ones(len(scenario.projects), dtype=np.bool_)
    for name, condition in where.items():
        met &= holds(column(scenario, name, made), condition)
    return met


def _equals(values: NDArray[Any], value: Scalar) -> NDArray[np.bool_]:
    if values.dtype.kind == "f" and isinstance(value, int | float):
        return np.asarray(values == float(value), dtype=np.bool_)
    if values.dtype.kind == "f":
        return np.array([("" if np.isnan(v) else f"{v:.15g}") == value for v in values], dtype=np.bool_)
    if isinstance(value, bool):
        return np.array([v.casefold() == str(value).casefold() for v in values], dtype=np.bool_)
    text = value if isinstance(value, str) else f"{value:.15g}"
    return np.array([v == text for v in values], dtype=np.bool_)


def _compares(values: NDArray[Any], condition: Comparison) -> NDArray[np.bool_]:
    met = np.zeros(len(values), dtype=np.bool_)
    if values.dtype.kind != "f":
        return met
    numbers: FloatArray = values
    met = ~np.isnan(numbers)
    if condition.below is not None:
        met &= numbers < condition.below
    if condition.at_most is not None:
        met &= numbers <= condition.at_most
    if condition.above is not None:
        met &= numbers > condition.above
    if condition.at_least is not None:
        met &= numbers >= condition.at_least
    return met
