"""The rules as people read them: one entry a rule, with the rows that bind and what easing them is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allocsim.model.margin import PriceRange
from allocsim.model.plan import RuleReport
from allocsim.model.result import Result
from allocsim.report.names import department_names, line_names
from allocsim.report.numbers import Numbers
from allocsim.report.words import Words, words

OF_THE_HOUSE = {
    "budget.total": "kind.total",
    "budget.reserve": "kind.reserve",
    "projects.committed": "kind.committed",
    "projects.min": "kind.min",
    "projects.max": "kind.max",
}
"""Rules that a scenario does not name: their name in reports -> their words."""
CHINESE_LAW = ("CNY", "RMB")
"""Currencies of budgets under the Budget Law of the People's Republic of China."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One report of a rule, with the line or the sum it speaks of; ``joint`` tells all lines of the rule together.

    ``within`` are the numbers between which its price holds; None where they are not known.
    """

    report: RuleReport
    scope: str
    joint: bool
    within: PriceRange | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """A rule with all its rows.

    Attributes
    ----------
    rows, binding
        All rows; those of one line or sum that stand at their number, what is worth most to ease first.
    joint
        Rows that tell all lines of the rule together.
    standing, covered
        Lines or sums at their number, and all that the rule limits.
    ease
        What one more unit of room is worth where it is worth most, for one line or sum alone [benefit per money].
    """

    name: str
    kind: str
    basis: str
    rows: tuple[RuleRow, ...]
    binding: tuple[RuleRow, ...]
    joint: tuple[RuleRow, ...]
    standing: int
    covered: int
    ease: float | None

    @property
    def told(self) -> tuple[RuleRow, ...]:
        """What is told of easing: every binding row, then all lines of the rule at once where they are many."""
        return (*self.binding, *(row for row in self.joint if row.report.binding and row.report.covered > 1))


def groups(result: Result, *, language: str | None = None) -> tuple[RuleGroup, ...]:
    """Return the rules of a result's plan in their order, the rows of each together; empty where there is no plan."""
    if result.plan is None:
        return ()
    spoken = words(language or result.scenario.settings.language)
    found: dict[str, list[RuleReport]] = {}
    for rule in result.plan.rules:
        found.setdefault(rule.name, []).append(rule)
    named = dict(zip(result.plan.id, line_names(result.scenario, spoken.language), strict=True))
    named |= department_names(result.scenario, spoken.language)
    currency = result.scenario.settings.currency
    ranges = {(told.rule, told.row): told for told in result.plan.ranges}
    return tuple(_group(rows, spoken, named, ranges, currency=currency) for rows in found.values())


def range_words(row: RuleRow, spoken: Words, written: Numbers) -> str:
    """Return the numbers between which a row's price holds, in words; empty where they are not known."""
    if row.within is None or row.within.low is None:
        return ""
    if row.within.high is None:
        return spoken("margin.range_up", low=written.table(row.within.low))
    return spoken("margin.range", low=written.table(row.within.low), high=written.table(row.within.high))


def _group(
    reports: Sequence[RuleReport],
    spoken: Words,
    named: Mapping[str, str],
    ranges: Mapping[tuple[str, str], PriceRange],
    *,
    currency: str,
) -> RuleGroup:
    is_by_line = any(not row.row for row in reports) and any(row.row or row.covered > 1 for row in reports)
    rows = [
        _row(report, spoken, named, ranges.get((report.name, report.row)), joint=is_by_line and not report.row)
        for report in reports
    ]
    single = [row for row in rows if not row.joint]
    binding = sorted((row for row in single if row.report.binding), key=lambda row: -(ease(row.report) or 0.0))
    worth = [value for value in (ease(row.report) for row in binding) if value is not None]
    joint = [row for row in rows if row.joint]
    return RuleGroup(
        name=rule_words(reports[0].name, spoken),
        kind=spoken.known("kind", reports[0].kind),
        basis=reports[0].basis or _basis(reports[0].name, spoken, currency),
        rows=tuple(rows),
        binding=tuple(binding),
        joint=tuple(joint),
        standing=len({row.report.row for row in binding}),
        covered=max(row.report.covered for row in joint) if joint else len({row.report.row for row in single}),
        ease=max(worth, default=None),
    )


def _row(
    report: RuleReport, spoken: Words, named: Mapping[str, str], within: PriceRange | None, *, joint: bool
) -> RuleRow:
    scope = spoken.count("page.joint", report.covered) if joint else named.get(report.row, report.row)
    return RuleRow(report=report, scope=scope, joint=joint, within=within)


def _basis(name: str, spoken: Words, currency: str) -> str:
    """Return what a rule of the house rests on: an article of law, or what the scenario itself states."""
    if name == "budget.reserve" and currency not in CHINESE_LAW:
        return spoken("basis.total")
    return spoken(OF_THE_HOUSE[name].replace("kind.", "basis.")) if name in OF_THE_HOUSE else ""


def ease(row: RuleReport) -> float | None:
    """Return what one unit of easing brings: a ceiling raised, a floor lowered, a fixed amount moved the better way."""
    if row.sense == "fix":
        return max((price for price in (row.price_up, row.price_down) if price is not None), default=None)
    return row.price_up if row.sense == "ceiling" else row.price_down


def rule_words(name: str, spoken: Words) -> str:
    """Return a rule's name for people: the user's own, or the words of a rule of the house."""
    if name in OF_THE_HOUSE:
        return spoken(OF_THE_HOUSE[name])
    rule, _, line = name.partition(" ")
    return f"{spoken(OF_THE_HOUSE[rule])} {line}" if rule in OF_THE_HOUSE else name
