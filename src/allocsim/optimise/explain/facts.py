"""What the records say of each line: score, execution, carry-over, and what standard and quantity come to."""

from __future__ import annotations

import math
from decimal import Context

import numpy as np

from allocsim.model.arrays import FloatArray
from allocsim.model.evidence import Evidence
from allocsim.model.made import executed, last_budget
from allocsim.model.money import decimal
from allocsim.model.plan import Fact
from allocsim.model.scenario import Scenario
from allocsim.model.table import Table
from allocsim.optimise.limits import Rows

_EXACT = Context(prec=60)


def facts(scenario: Scenario, evidence: Evidence, rows: Rows) -> list[tuple[Fact, ...]]:
    """Return the facts of every line: score, execution, carry-over, and what standard and quantity come to.

    What they come to is told only where a rule asks for that very amount: a standard and a quantity may be counted in
    units of their own, which their product does not show.

    Parameters
    ----------
    scenario
        The tables.
    evidence
        Latest scores and grades.
    rows
        The limits.
    """
    projects, rate = scenario.projects, executed(scenario)
    month, peers, last = _through(scenario), _peers(projects, rate), last_budget(scenario)
    asked = _asked(rows)
    carry, standard, quantity = (projects.number(name) for name in ("carryover", "standard", "quantity"))
    found = []
    for line in range(len(projects)):
        told = [_score(evidence, line)]
        if np.isnan(last[line]) or last[line] == 0:
            told.append(Fact(code="fact.new"))
        if not np.isnan(rate[line]) and month[line] > 0:
            peer = (("peer", float(peers[line])),) if not np.isnan(peers[line]) else ()
            told.append(Fact(code="fact.exec", values=(("rate", float(rate[line])), ("month", month[line]), *peer)))
        if carry[line] > 0:
            told.append(Fact(code="fact.carry", values=(("carry", float(carry[line])),)))
        if standard[line] > 0 and quantity[line] > 0:
            need = _EXACT.multiply(decimal(standard[line]), decimal(quantity[line]))
            if rows.step.up(need) in asked[line]:
                needs = (("standard", float(standard[line])), ("quantity", float(quantity[line])))
                told.append(Fact(code="fact.need", values=(*needs, ("amount", float(need)))))
        found.append(tuple(told))
    return found


def _asked(rows: Rows) -> list[set[int]]:
    """Return the amounts that limits line by line ask for each line (p,) [steps]."""
    asked: list[set[int]] = [set() for _ in rows.id]
    for limit in rows.each:
        for line, low in zip(limit.project.tolist(), limit.low.tolist(), strict=True):
            if low > 0:
                asked[line].add(low)
    return asked


def _score(evidence: Evidence, line: int) -> Fact:
    """Return the latest score that counts, beside the self-score of that year where that is higher.

    The gap is that of the two scores as they are shown, cut off after one decimal.
    """
    of = int(evidence.counted[line])
    if of < 0:
        return Fact(code="fact.unscored")
    score, grade = float(evidence.score[of]), evidence.rulebook.grades[int(evidence.grade[of])].key
    year = float(evidence.year[of])
    values: tuple[tuple[str, str | float], ...] = (("year", year), ("score", score), ("grade", grade))
    if "self" in evidence.rater_kinds:
        own = float(evidence.reading[of, evidence.rater_kinds.index("self")])
        gap = round(_cut_off(own) - _cut_off(score), 1)
        if gap > 0:
            values = (*values, ("self", own), ("gap", gap))
    return Fact(code="fact.score", values=values)


def _cut_off(score: float) -> float:
    """Return a score after one decimal, cut off and not rounded; the tiny sum keeps 80.1 at 80.1."""
    return math.floor(10 * score + 1e-9) / 10 if math.isfinite(score) else score


def _through(scenario: Scenario) -> list[float]:
    """Return the last month that the running year's record covers (p,); 0 where it is not said."""
    found = dict.fromkeys(scenario.projects.text("id"), 0.0)
    records = scenario.records
    if records is not None and records.is_number("through"):
        year, month = records.number("year"), records.number("through")
        for row, code in enumerate(records.text("project")):
            if year[row] == scenario.settings.year - 1 and month[row] > 0 and code in found:
                found[code] = float(month[row])
    return list(found.values())


def _peers(projects: Table, rate: FloatArray) -> FloatArray:
    """Return the median execution rate of the other lines of a line's sector (p,); NaN where there are none."""
    of_sector: dict[str, list[int]] = {}
    for line, sector in enumerate(projects.text("sector")):
        if sector and not np.isnan(rate[line]):
            of_sector.setdefault(sector, []).append(line)
    peers = np.full(len(rate), np.nan)
    for lines in of_sector.values():
        if len(lines) > 1:
            peers[lines] = _medians_of_others(rate[lines])
    return peers


def _medians_of_others(values: FloatArray) -> FloatArray:
    """Return for each value the median of all the others: a place beyond its own moves up by one in the order."""
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values))
    ordered, others = values[order], len(values) - 1
    low, high = (others - 1) // 2, others // 2
    return np.asarray(0.5 * (ordered[low + (low >= rank)] + ordered[high + (high >= rank)]), dtype=np.float64)
