"""Columns made from the tables: last budget, reference budget, what a full score is worth, execution of this year."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray, floats
from allocsim.model.scenario import Scenario
from allocsim.model.table import Table


def last_budget(scenario: Scenario) -> FloatArray:
    """Return each line's last budget [money], shape (p,); NaN where the line is new.

    The column ``last_budget``; blank = the initial budget on record for the year before the one planned.
    """
    stated = scenario.projects.number("last_budget")
    return floats(np.where(np.isnan(stated), _of_year(scenario, "budget"), stated))


def executed(scenario: Scenario) -> FloatArray:
    """Return the execution rate of the running year [share 0-1], shape (p,); NaN where it is not known.

    Spent over the adjusted budget (else the budget) of the record of the year before the one planned. Not above 1 by
    definition only: an overspent line shows more than 1.
    """
    spent = _of_year(scenario, "spent")
    adjusted = _of_year(scenario, "adjusted_budget")
    budget = np.where(np.isnan(adjusted), _of_year(scenario, "budget"), adjusted)
    rate = np.full(len(spent), np.nan)
    np.divide(spent, budget, out=rate, where=budget > 0)
    return floats(rate)


def reference(scenario: Scenario) -> FloatArray:
    """Return each line's reference budget [money], shape (p,): its last budget, else its mean spending, else NaN.

    A last budget of zero refers to nothing, so the mean spending stands in for it. Spending of a year is ``spent``,
    else ``adjusted_budget``, else ``budget``; the running year, spent in part only, counts with its budget.
    """
    last = last_budget(scenario)
    known = last > 0
    return floats(np.where(known, last, _mean_spending(scenario)))


def value(scenario: Scenario) -> FloatArray:
    """Return the benefit of a year at score 100 [benefit], shape (p,).

    The column ``value``; blank = reference budget x ``priority`` (default 1). A line without any reference budget takes
    what it requested, else its ``max``, else 0.
    """
    projects = scenario.projects
    base = reference(scenario)
    for column in ("requested", "max"):
        base = np.where(np.isnan(base), projects.number(column), base)
    base = np.where(np.isnan(base), 0.0, base) * projects.number("priority", 1.0)
    stated = projects.number("value")
    return floats(np.where(np.isnan(stated), base, stated))


def _of_year(scenario: Scenario, column: str) -> FloatArray:
    """Return a column of the records of the running year, shape (p,): the first number that a line's rows hold."""
    found: dict[str, float] = {}
    records = scenario.records
    if records is not None:
        running = records.number("year") == scenario.settings.year - 1
        amounts = records.number(column)
        ids = records.text("project")
        for row in np.flatnonzero(running & ~np.isnan(amounts)).tolist():
            found.setdefault(ids[row], float(amounts[row]))
    return np.array([found.get(line, np.nan) for line in scenario.projects.text("id")], dtype=np.float64)


def _mean_spending(scenario: Scenario) -> FloatArray:
    """Return the mean spending of the years on record that is above zero [money], shape (p,)."""
    of_line: dict[str, dict[float, float]] = {}
    if scenario.records is not None:
        years, ids = scenario.records.number("year"), scenario.records.text("project")
        spending = _spending(scenario.records, scenario.settings.year)
        for row in np.flatnonzero((spending > 0) & (years < scenario.settings.year)).tolist():
            of_line.setdefault(ids[row], {}).setdefault(float(years[row]), float(spending[row]))
    lines = scenario.projects.text("id")
    means = [np.mean(list(of_line[line].values())) if line in of_line else np.nan for line in lines]
    return np.array(means, dtype=np.float64)


def _spending(records: Table, year: int) -> FloatArray:
    spent = np.where(records.number("year") < year - 1, records.number("spent"), np.nan)
    adjusted = records.number("adjusted_budget")
    budget = np.where(np.isnan(adjusted), records.number("budget"), adjusted)
    return np.where(np.isnan(spent), budget, spent)
