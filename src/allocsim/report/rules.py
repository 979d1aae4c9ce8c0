"""The rules as people read them: one entry a rule, with the rows that bind and what easing them is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allocsim.model.margin import PriceRange
from allocsim.model.plan import RuleReport
from allocsim.model.result import Result
from allocsim.report.counts import Counts, counts
from allocsim.report.names import department_names, line_names
from allocsim.report.numbers import Numbers, numbers_of
from allocsim.report.words import Words, words

OF_THE_HOUSE = {
    "budget.total": "kind.total",
    "budget.reserve": "kind.reserve",
    "projects.committed": "kind.committed",
    "projects.min": "kind.min",
    "projects.max": "kind.max",
    "equity.worst_off": "kind.worst_off",
    "equity.gini": "kind.gini",
}
"""Rules that a scenario does not name: their name in reports -> their words."""
OF_CHOICES = ("exclusive", "requires", "minimum_viable", "all_or_nothing", "few_moves", "by_factors")
"""Kinds of rules that leave holes, count lines or split pots: one report tells all their lines, without a price."""
FUNDED = " -> "
"""Between the codes of a line and of the one that it requires, in the row of a prerequisite."""
CHINESE_LAW = ("CNY", "RMB")
"""Currencies of budgets under the Budget Law of the People's Republic of China."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One report of a rule, with the line or the sum it speaks of; ``joint`` tells all lines of the rule together.

    ``within`` are the numbers between which its price holds; None where they are not known. ``level``, ``activity`` and
    ``slack`` are the report's numbers with what they count, ``price`` what easing it is worth, ``soft`` what breaking
    it costs where it may be broken.
    """

    report: RuleReport
    scope: str
    joint: bool
    within: PriceRange | None
    level: str
    activity: str
    slack: str
    price: str
    soft: str


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
        What one more unit of room is worth where it is worth most, for one line or sum alone [benefit per money, or per
        unit of the rule's column]; ``price`` is the same in words.
    soft
        Of a rule that may be broken: what breaking it costs, and by how much it is broken; empty for all others.
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
    price: str
    soft: str

    @property
    def is_broken(self) -> bool:
        """Tell whether the plan breaks the rule, which it may where that is soft."""
        return any(row.report.broken > 0 for row in self.rows)

    @property
    def told(self) -> tuple[RuleRow, ...]:
        """What is told of easing: every binding row, then all lines of the rule at once where they are many."""
        return (*self.binding, *(row for row in self.joint if row.report.binding and row.report.covered > 1))


def groups(result: Result, *, language: str | None = None) -> tuple[RuleGroup, ...]:
    """Return the rules of a result's plan in their order, the rows of each together; empty where there is no plan."""
    if result.plan is None:
        return ()
    spoken = words(language or result.scenario.settings.language)
    counted = counts(result.scenario, spoken, numbers_of(result, language=spoken.language))
    found: dict[str, list[RuleReport]] = {}
    for rule in result.plan.rules:
        found.setdefault(rule.name, []).append(rule)
    named = dict(zip(result.plan.id, line_names(result.scenario, spoken.language), strict=True))
    named |= department_names(result.scenario, spoken.language)
    currency = result.scenario.settings.currency
    ranges = {(told.rule, told.row): told for told in result.plan.ranges}
    return tuple(_group(rows, counted, named, ranges, currency=currency) for rows in found.values())


def range_words(row: RuleRow, spoken: Words, written: Numbers) -> str:
    """Return the numbers between which a row's price holds, in words; empty where they are not known."""
    if row.within is None or row.within.low is None:
        return ""
    if row.within.high is None:
        return spoken("margin.range_up", low=written.table(row.within.low))
    return spoken("margin.range", low=written.table(row.within.low), high=written.table(row.within.high))


def _group(
    reports: Sequence[RuleReport],
    counted: Counts,
    named: Mapping[str, str],
    ranges: Mapping[tuple[str, str], PriceRange],
    *,
    currency: str,
) -> RuleGroup:
    first, spoken = reports[0], counted.spoken
    is_by_line = any(not row.row for row in reports) and any(row.row or row.covered > 1 for row in reports)
    is_by_line = is_by_line and first.kind not in OF_CHOICES
    rows = [
        _row(report, counted, named, ranges.get((report.name, report.row)), joint=is_by_line and not report.row)
        for report in reports
    ]
    single = [row for row in rows if not row.joint]
    binding = sorted((row for row in single if row.report.binding), key=lambda row: -(ease(row.report) or 0.0))
    worth = [value for value in (ease(row.report) for row in binding) if value is not None]
    joint = [row for row in rows if row.joint]
    dearest = max(worth, default=None)
    return RuleGroup(
        name=rule_words(first.name, spoken),
        kind=spoken.known("kind", first.kind),
        basis=first.basis or _basis(first.name, spoken, currency),
        rows=tuple(rows),
        binding=tuple(binding),
        joint=tuple(joint),
        standing=len({row.report.row for row in binding}),
        covered=max(row.report.covered for row in joint) if joint else len({row.report.row for row in single}),
        ease=dearest,
        price=counted.price(first, dearest),
        soft=counted.soft([row.report for row in rows]),
    )


def _row(
    report: RuleReport, counted: Counts, named: Mapping[str, str], within: PriceRange | None, *, joint: bool
) -> RuleRow:
    return RuleRow(
        report=report,
        scope=_scope(report, counted.spoken, named, joint=joint),
        joint=joint,
        within=within,
        level=counted.level(report),
        activity=counted.activity(report),
        slack=counted.slack(report),
        price=counted.price(report, ease(report)),
        soft=counted.soft([report]),
    )


def _scope(report: RuleReport, spoken: Words, named: Mapping[str, str], *, joint: bool) -> str:
    """Return what a row speaks of: its line or sum, or how many lines it covers."""
    if joint:
        return spoken.count("page.joint", report.covered)
    if not report.row and report.covered > 1:
        return spoken.count("page.covered", report.covered)
    return row_words(report.row, named)


def row_words(row: str, named: Mapping[str, str]) -> str:
    """Return what a row is called: the name of its line or department, of the two lines of a prerequisite, or itself.

    Parameters
    ----------
    row
        A line's code, a value of a column, or two codes of which one requires the other.
    named
        Code or department -> its name.
    """
    line, between, other = row.partition(FUNDED)
    return f"{named.get(line, line)} → {named.get(other, other)}" if between else named.get(row, row)


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
