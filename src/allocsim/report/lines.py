"""Every budget line as people read it: one row for the page, the workbook, plan.csv and the terminal alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray
from allocsim.model.evidence import Evidence
from allocsim.model.made import executed
from allocsim.model.plan import Plan
from allocsim.model.result import Result
from allocsim.model.scenario import Scenario
from allocsim.model.table import Table
from allocsim.report.margins import gains
from allocsim.report.names import in_language
from allocsim.report.numbers import numbers_of
from allocsim.report.reasons import sentence
from allocsim.report.rules import rule_words
from allocsim.report.selecting import set_off
from allocsim.report.words import Words, words

MAIN_INDICATORS = 3
"""Indicators that a line shows of its own."""
Move = Literal["up", "down", "evaluate", "out", "same"]
_RELATIONS = {">=": "≥", "<=": "≤", "==": "="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; amounts [money], NaN where there is none; ``verb`` is ``new`` for an increase from nothing.

    ``executed`` is a share of this year's budget, ``change`` is against last budget and ``change_share`` its share,
    ``reduction`` what review takes off the request, ``marginal`` benefit of one more unit. ``amount`` is new money:
    ``carryover`` comes in addition and is used first. ``to_gain`` is empty where it was not asked.
    """

    number: int
    id: str
    name: str
    department: str
    category: str
    fund: str
    last: float
    executed: float
    score: float
    grade: str
    requested: float
    amount: float
    carryover: float
    change: float
    change_share: float
    reduction: float
    indicators: str
    verb: str
    reason: str
    to_gain: str
    basis: str
    held_by: str
    low: float
    high: float
    benefit: float
    marginal: float
    wrong_cut: float
    flags: tuple[str, ...]
    own_evidence: float

    @property
    def move(self) -> Move:
        """How the line counts: what is to be evaluated first is no reduction yet, what gets nothing is out."""
        if self.verb == "evaluate_first":
            return "evaluate"
        if self.verb == "drop" or (self.change < 0 and self.amount == 0):
            return "out"
        return "up" if self.change > 0 else "down" if self.change < 0 else "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums of a group of lines [money], how many ask for nothing stated, and how many lines move which way."""

    name: str
    count: int
    last: float
    requested: float
    amount: float
    carryover: float
    change: float
    change_share: float
    reduction: float
    unstated: int
    up: int
    down: int
    evaluate: int
    out: int


def lines(result: Result, *, language: str | None = None) -> tuple[Line, ...]:
    """Return the lines of a result's plan, in the order of the projects table; empty where there is no plan."""
    plan = result.plan
    if plan is None:
        return ()
    spoken = words(language or result.scenario.settings.language)
    plan = in_language(plan, result.scenario, spoken.language)
    written = numbers_of(result, language=spoken.language)
    shown = _Shown.of(result, len(plan.id), spoken)
    reasons = [sentence(plan, p, words=spoken, numbers=written) for p in range(len(plan.id))]
    more = gains(plan, result.scenario, words=spoken, numbers=written)
    return tuple(_line(plan, p, shown, reasons[p], more[p]) for p in range(len(plan.id)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """What stands beside the plan: columns of the tables and of the other nouns, axis p."""

    spoken: Words
    category: tuple[str, ...]
    fund: tuple[str, ...]
    carryover: FloatArray
    set_off: BoolArray
    executed: FloatArray
    score: FloatArray
    grade: list[str]
    own: FloatArray
    indicators: dict[str, str]

    @classmethod
    def of(cls, result: Result, count: int, spoken: Words) -> _Shown:
        projects = result.scenario.projects
        scores, grades = _latest(result.evidence, count, spoken)
        return cls(
            spoken=spoken,
            category=_category(projects),
            fund=projects.text("fund"),
            carryover=projects.number("carryover", 0.0),
            set_off=set_off(result),
            executed=executed(result.scenario),
            score=scores,
            grade=grades,
            own=result.curves.own_evidence if result.curves is not None else np.full(count, np.nan),
            indicators=_indicators(result.scenario, spoken),
        )


def _line(plan: Plan, p: int, shown: _Shown, reason: str, to_gain: str) -> Line:
    last, amount = float(plan.last[p]), plan.money_step.money(int(plan.steps[p]))
    change = amount - (last if last == last else 0.0)
    requested, carryover = float(plan.requested[p]), float(shown.carryover[p])
    cut = requested - amount
    verb = plan.reasons[p].verb
    return Line(
        number=p + 1,
        id=plan.id[p],
        name=plan.name[p],
        department=plan.department[p],
        category=shown.category[p],
        fund=shown.fund[p],
        last=last,
        executed=float(shown.executed[p]),
        score=float(shown.score[p]),
        grade=shown.grade[p],
        requested=requested,
        amount=amount,
        carryover=carryover,
        change=change,
        change_share=change / last if last > 0 else np.nan,
        reduction=float(np.maximum(cut - carryover, 0.0)) if shown.set_off[p] else cut,
        indicators=shown.indicators.get(plan.id[p], ""),
        verb="new" if verb == "increase" and not last > 0 else verb,
        reason=reason,
        to_gain=to_gain,
        basis=plan.reasons[p].basis,
        held_by=rule_words(plan.held_by[p], shown.spoken),
        low=float(plan.low[p]),
        high=float(plan.high[p]),
        benefit=float(plan.benefit[p]),
        marginal=float(plan.marginal[p]),
        wrong_cut=float(plan.wrong_cut_probability[p]),
        flags=plan.flags[p],
        own_evidence=float(shown.own[p]),
    )


def departments(rows: Sequence[Line]) -> tuple[tuple[Totals, tuple[Line, ...]], ...]:
    """Return the lines grouped by department in order of first appearance, each with its sums."""
    groups: dict[str, list[Line]] = {}
    for row in rows:
        groups.setdefault(row.department, []).append(row)
    return tuple((totals(name, group), tuple(group)) for name, group in groups.items())


def totals(name: str, rows: Sequence[Line]) -> Totals:
    """Return the sums over lines; what is not known counts as nothing."""
    last, requested = _sum(rows, "last"), _sum(rows, "requested")
    amount = _sum(rows, "amount")
    asked = [row for row in rows if row.requested == row.requested]
    return Totals(
        name=name,
        count=len(rows),
        last=last,
        requested=requested if asked else np.nan,
        amount=amount,
        carryover=_sum(rows, "carryover"),
        change=amount - last,
        change_share=(amount - last) / last if last > 0 else np.nan,
        reduction=sum(row.reduction for row in asked) if asked else np.nan,
        unstated=len(rows) - len(asked),
        up=sum(row.move == "up" for row in rows),
        down=sum(row.move == "down" for row in rows),
        evaluate=sum(row.move == "evaluate" for row in rows),
        out=sum(row.move == "out" for row in rows),
    )


def _sum(rows: Sequence[Line], column: str) -> float:
    return float(np.nansum([getattr(row, column) for row in rows])) if rows else 0.0


def _latest(evidence: Evidence | None, count: int, spoken: Words) -> tuple[FloatArray, list[str]]:
    """Return the latest score of each line that counts, and the word of its grade."""
    if evidence is None:
        return np.full(count, np.nan), [""] * count
    scores = np.full(count, np.nan)
    grades = [""] * count
    for p, o in enumerate(evidence.counted.tolist()):
        if o >= 0:
            scores[p] = evidence.score[o]
            grade = evidence.rulebook.grades[int(evidence.grade[o])]
            grades[p] = grade.zh if spoken.language == "zh" else spoken.known("grade", grade.key)
    return scores, grades


def executed_head(scenario: Scenario, spoken: Words) -> str:
    """Return the heading of execution: up to the month that the running year's records cover, where they agree."""
    records = scenario.records
    months: set[float] = set()
    if records is not None and records.is_number("through"):
        running = records.number("year") == scenario.settings.year - 1
        months = set(records.number("through")[running].tolist())
    month = months.pop() if len(months) == 1 else np.nan
    return spoken("column.executed_month", month=f"{month:.0f}") if month >= 1 else spoken("column.executed")


def _category(projects: Table) -> tuple[str, ...]:
    column = next((name for name in ("category", "class", "sector") if name in projects), "")
    return projects.text(column)


def _indicators(scenario: Scenario, spoken: Words) -> dict[str, str]:
    """Return the first indicators of each line's latest year, as name, relation and target."""
    table = scenario.indicators
    if table is None:
        return {}
    years, ids = table.number("year"), table.text("project")
    newest: dict[str, float] = {}
    for row, line in enumerate(ids):
        newest[line] = max(newest.get(line, -np.inf), float(years[row]))
    names, targets = table.text("level3"), table.text("target")
    relations, measures = table.text("relation"), table.text("measure")
    found: dict[str, list[str]] = {}
    for row, line in enumerate(ids):
        if years[row] == newest[line] and len(found.setdefault(line, [])) < MAIN_INDICATORS:
            relation = _RELATIONS.get(relations[row], relations[row] or " ")
            found[line].append(f"{names[row]}{relation}{targets[row]}{measures[row]}")
    return {line: spoken.join(parts) for line, parts in found.items()}
