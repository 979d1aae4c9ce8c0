"""The panel that a fit works on: scores beside the spending that is to explain them, in whole-step units."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, floats, integers
from allocsim.model.evidence import Evidence
from allocsim.model.scenario import Scenario

_YEARS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Spending of every recorded project-year in money steps, sorted by project and year (h,)."""

    project: IntArray
    year: IntArray
    steps: FloatArray

    def at(self, project: IntArray, year: IntArray) -> FloatArray:
        """Return the spending of the project-years asked for [steps]; NaN where none is on record."""
        if len(self.year) == 0:
            return np.full(len(project), np.nan)
        keys, wanted = self.project * _YEARS + self.year, project * _YEARS + year
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[at] == wanted, self.steps[at], np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Scored years of all projects, axis o sorted by project; axis t the years that occur.

    Attributes
    ----------
    projects
        Number of projects, with or without records.
    sector, sectors
        Group of each project whose curvature is pooled (p,), and the number of groups.
    pooled
        False where every project stands alone.
    project, period
        Project of each observation, and its year as an index (o,).
    years
        The years that occur (t,).
    score, variance
        Score and the square of its standard error (o,) [score 0-100].
    side
        +1 where the reading lay at the score or above, -1 where at it or below, 0 where at it (o,).
    steps
        Spending that is to explain the score (o,) [steps].
    """

    projects: int
    sector: IntArray
    sectors: int
    pooled: bool
    project: IntArray
    period: IntArray
    years: IntArray
    score: FloatArray
    variance: FloatArray
    side: IntArray
    steps: FloatArray

    def keep(self, kept: BoolArray) -> Panel:
        """Return the panel with the observations named only; projects and years stay."""
        return replace(
            self,
            project=self.project[kept],
            period=self.period[kept],
            score=self.score[kept],
            variance=self.variance[kept],
            side=self.side[kept],
            steps=self.steps[kept],
        )

    def only(self, some: IntArray) -> Panel:
        """Return the panel of the projects named alone, numbered anew; ``some`` rises."""
        mine = self.keep(np.isin(self.project, some))
        own = integers(np.searchsorted(some, mine.project))
        return replace(mine, projects=len(some), sector=integers(self.sector[some]), project=own)


def history(scenario: Scenario, evidence: Evidence) -> History:
    """Return the spending on record in money steps: the same numbers whatever the unit of money."""
    return History(
        project=evidence.history_project,
        year=evidence.history_year,
        steps=floats(scenario.step.in_steps(evidence.history_spent)),
    )


def panel(scenario: Scenario, evidence: Evidence, past: History, *, lag: int) -> Panel:
    """Return the scored years whose spending ``lag`` years before is on record and above zero.

    Excused years are left out: what a disaster did to a score says nothing about money.
    """
    steps = past.at(evidence.project, integers(evidence.year - lag))
    usable = np.isfinite(steps) & (steps > 0) & ~evidence.excused
    years, period = np.unique(evidence.year, return_inverse=True)
    limited = np.zeros(len(evidence.score)) if evidence.limited is None else evidence.limited
    sector, pooled = _sectors(scenario, np.bincount(evidence.project[usable], minlength=len(evidence.id)))
    return Panel(
        projects=len(evidence.id),
        sector=sector,
        sectors=int(sector.max(initial=0)) + 1,
        pooled=pooled,
        project=evidence.project,
        period=integers(period),
        years=integers(years),
        score=evidence.score,
        variance=floats(evidence.standard_error**2),
        side=integers(limited),
        steps=floats(steps),
    ).keep(usable)


THIN_PROJECTS = 5
THIN_RECORDS = 3
"""A sector with fewer projects of so many records has too little to stand on and joins the whole."""


def _sectors(scenario: Scenario, records: IntArray) -> tuple[IntArray, bool]:
    """Return the group of each project (p,), and False where nothing is pooled; thin sectors share one group."""
    column = scenario.settings.curves.pool
    count = len(scenario.projects)
    if column in ("all", "none") or column not in scenario.projects:
        return integers(np.zeros(count)), column != "none"
    names, sector = np.unique(np.array(scenario.projects.text(column), dtype=np.str_), return_inverse=True)
    solid = np.bincount(sector, records >= THIN_RECORDS, len(names)) >= THIN_PROJECTS
    if not solid.any():
        return integers(np.zeros(count)), True
    group = np.where(solid, np.cumsum(solid) - 1, int(solid.sum()))
    return integers(group[sector]), True


def usual(own: Panel, past: History, *, first_years: bool, stated: FloatArray) -> FloatArray:
    """Return the spending to which each project's fit refers (p,) [steps]; NaN where nothing is known.

    ``stated`` where a project has it, else the geometric mean of the spending behind its scores, else of all its
    spending on record. Where budgets followed scores (``first_years``) only the first two years of the record count:
    a later budget carries earlier scores in it, and a mean over it would carry them into the reference.
    """
    spent = _first_two(past) if first_years else own
    behind = _geometric(spent.project, spent.steps, own.projects)
    every = _geometric(past.project, past.steps, own.projects)
    found = np.where(np.isfinite(behind), behind, every)
    return floats(np.where(stated > 0, stated, found))


def _first_two(past: History) -> History:
    """Return the first two years of every project that have spending above zero."""
    known = np.flatnonzero(past.steps > 0)
    project = past.project[known]
    start = np.searchsorted(project, project)
    first = known[np.arange(len(known)) - start < 2]
    return History(project=past.project[first], year=past.year[first], steps=past.steps[first])


def _geometric(project: IntArray, steps: FloatArray, projects: int) -> FloatArray:
    known = steps > 0
    count = np.bincount(project[known], minlength=projects)
    total = np.bincount(project[known], np.log(steps[known]), projects)
    return np.where(count > 0, np.exp(total / np.maximum(count, 1)), np.nan)
