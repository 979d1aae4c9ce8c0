"""Readings: the records table as project-years, with every score that a rater gave them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.scenario import Scenario
from allocsim.model.table import Table

KINDS = ("third_party", "finance", "department", "self")
"""Kinds of rater in the order in which they are trusted as an anchor (the first two) and shown."""

_YEARS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """Project-years on axis h, sorted by project and year, and the scores given to them on axis n.

    Attributes
    ----------
    project, year
        Of each project-year (h,).
    spent
        Spent, else adjusted budget, else budget; of a year still running, its budget (h,) [money].
    excused
        True where some row of the project-year states a reason (h,).
    of, kind
        Project-year (index into h) and kind of rater (index into ``kinds``) of each score (n,).
    value
        The score as written (n,) [score 0-100].
    """

    project: IntArray
    year: IntArray
    spent: FloatArray
    excused: BoolArray
    of: IntArray
    kind: IntArray
    value: FloatArray
    kinds: tuple[str, ...]


def read(scenario: Scenario) -> Readings:
    """Return the readings of a scenario; without a records table there are none.

    A row that covers less than the whole year (``through`` under 12) gives no score: its year is still running.
    Rows of unknown projects are passed over (the loader reports them).
    """
    table = scenario.records
    if table is None or len(table) == 0:
        return _none()
    index = {name: p for p, name in enumerate(scenario.projects.text("id"))}
    project = np.array([index.get(name, -1) for name in table.text("project")], dtype=np.int64)
    rows = np.flatnonzero((project >= 0) & np.isfinite(table.number("year")))
    if len(rows) == 0:
        return _none()
    year = table.number("year")[rows].astype(np.int64)
    keys, of = np.unique(project[rows] * _YEARS + year, return_inverse=True)
    through = table.number("through", 12.0)[rows]
    score = table.number("score")[rows]
    scored = np.isfinite(score) & (through >= 12)
    unscored = np.bincount(of[scored], minlength=len(keys)) == 0
    running = unscored & (keys % _YEARS == scenario.settings.year - 1)
    names = np.array(table.text("rater"), dtype=object)[rows][scored]
    kinds = _kinds(names)
    return Readings(
        project=integers(keys // _YEARS),
        year=integers(keys % _YEARS),
        spent=floats(_spent(table, rows, of, running)),
        excused=booleans(np.bincount(of, [text != "" for text in _pick(table, "excused", rows)], len(keys)) > 0),
        of=integers(of[scored]),
        kind=integers([kinds.index(name) for name in names]),
        value=floats(score[scored]),
        kinds=kinds,
    )


def _pick(table: Table, column: str, rows: IntArray) -> list[str]:
    values = table.text(column)
    return [values[row] for row in rows]


def _kinds(names: NDArray[Any]) -> tuple[str, ...]:
    present = set(names.tolist())
    known = [kind for kind in KINDS if kind in present]
    return (*known, *sorted(present - set(KINDS)))


def _spent(table: Table, rows: IntArray, of: IntArray, running: BoolArray) -> FloatArray:
    """Return the spending of each project-year (h,): a running year counts with its budget, not the part spent.

    A year runs where ``through`` says so and, where it says nothing, where it comes right before the year planned
    and has no score yet.
    """
    columns = ("budget", "adjusted_budget", "spent", "through")
    budget, adjusted, spent, through = (_first_known(table.number(name)[rows], of, len(running)) for name in columns)
    planned = np.where(np.isnan(adjusted), budget, adjusted)
    partly = np.where(np.isnan(through), running, through < 12)
    return np.where(np.isnan(spent) | partly, planned, spent)


def _first_known(values: FloatArray, of: IntArray, count: int) -> FloatArray:
    """Return the first value known of each project-year, in the order of the file."""
    known = np.flatnonzero(~np.isnan(values))[::-1]
    first = np.full(count, np.nan)
    first[of[known]] = values[known]
    return first


def _none() -> Readings:
    return Readings(
        project=integers([]),
        year=integers([]),
        spent=floats([]),
        excused=booleans([]),
        of=integers([]),
        kind=integers([]),
        value=floats([]),
        kinds=(),
    )
