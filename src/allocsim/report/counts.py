"""What the numbers of rules count, as people read them: money, lines, or the unit of a column; and what is soft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from allocsim.model.plan import Plan, RuleReport
from allocsim.model.rule import Limit
from allocsim.model.scenario import Scenario
from allocsim.report.numbers import DASH, Numbers, plain
from allocsim.report.reasons import one
from allocsim.report.words import Words

CountedIn = Literal["money", "lines", "column"]
EVENNESS = "equity.gini"
"""The limit that counts a coefficient between 0 and 1, whatever else there is."""
HUNDREDTH = 0.01
"""Of that coefficient, the part by which easing it is told."""
NO_LEVEL = "requires"
"""The kind of rule that has no number of its own: a line waits for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How the numbers of one scenario's rules are written.

    Attributes
    ----------
    columns
        Rule -> the column whose unit its number counts.
    penalties
        Rule that may be broken -> what each unit costs by which it is broken [benefit].
    """

    spoken: Words
    written: Numbers
    columns: Mapping[str, str]
    penalties: Mapping[str, float]

    def amount(self, rule: str, counted_in: CountedIn, value: float, *, signed: bool = False) -> str:
        """Return a number of a rule with what it counts; money stands as in tables, without its unit."""
        if rule == EVENNESS:
            return plain(value, 3, signed=signed)
        if counted_in == "lines":
            number = plain(value, signed=signed)
            return self.spoken.entries["count.lines_one" if abs(value) == 1 else "count.lines"].format_map(
                {"n": number}
            )
        if counted_in == "column":
            return self.spoken("count.column", n=shown(value, signed=signed), column=self.columns.get(rule, rule))
        return self.written.table(value, signed=signed)

    def in_full(self, rule: str, counted_in: CountedIn, value: float) -> str:
        """Return a number of a rule as a sentence says it: money with its unit."""
        return self.written.exact(value) if self._is_money(rule, counted_in) else self.amount(rule, counted_in, value)

    def level(self, report: RuleReport) -> str:
        """Return the number that a rule states; none where it states none."""
        return DASH if report.kind == NO_LEVEL else self.amount(report.name, report.counted_in, report.level)

    def activity(self, report: RuleReport) -> str:
        """Return what the plan makes of a rule's number."""
        return self.amount(report.name, report.counted_in, report.activity)

    def slack(self, report: RuleReport) -> str:
        """Return the room left, below zero where a rule is broken."""
        return DASH if report.kind == NO_LEVEL else self.amount(report.name, report.counted_in, report.slack)

    def price(self, report: RuleReport, worth: float | None) -> str:
        """Return what easing a row is worth for one unit of what it counts: of money, or of its column."""
        if worth is None:
            return DASH
        if report.name == EVENNESS:
            return self.spoken("count.price_gini", price=self.written.per(HUNDREDTH * worth), more=f"{HUNDREDTH:g}")
        if report.counted_in == "column":
            column = self.columns.get(report.name, report.name)
            return self.spoken("count.price", price=self.written.per(worth), column=column)
        return self.written.rate(worth)

    def soft(self, reports: Sequence[RuleReport]) -> str:
        """Return of a rule that may be broken what breaking it costs, and by how much it is broken; else nothing."""
        first = reports[0]
        penalty = self.penalties.get(first.name)
        if first.hard or penalty is None:
            return ""
        if first.counted_in == "column":
            column = self.columns.get(first.name, first.name)
            said = self.spoken("soft.rule_column", column=column, cost=self.written.per(penalty))
        else:
            said = self.spoken("soft.rule", one=one(self.written), cost=self.written.rate(penalty))
        broken = [report.broken for report in reports if report.broken > 0]
        if not broken:
            return f"{said}{self.spoken('soft.kept')}"
        by, cost = self.in_full(first.name, first.counted_in, sum(broken)), self.written.worth(penalty * sum(broken))
        return f"{said}{self.spoken.count('soft.broken', len(broken), by=by, cost=cost)}"

    def softly(self, plan: Plan) -> str:
        """Return how many soft rules a plan breaks and what that costs in all; nothing where there are none."""
        soft = {report.name for report in plan.rules if not report.hard}
        broken = [report for report in plan.rules if not report.hard and report.broken > 0]
        if not soft:
            return ""
        if not broken:
            return self.spoken("soft.none_broken")
        cost = sum(self.penalties.get(report.name, 0.0) * report.broken for report in broken)
        return self.spoken.count(
            "soft.sum",
            len({report.name for report in broken}),
            all=str(len(soft)),
            cost=self.written.worth(cost),
        )

    def _is_money(self, rule: str, counted_in: CountedIn) -> bool:
        return counted_in == "money" and rule != EVENNESS


def counts(scenario: Scenario, spoken: Words, written: Numbers) -> Counts:
    """Return how the numbers of a scenario's rules are written."""
    stated = scenario.settings.rule
    soft = {rule.name: getattr(rule, "penalty", None) for rule in stated}
    return Counts(
        spoken=spoken,
        written=written,
        columns={rule.name: rule.column for rule in stated if isinstance(rule, Limit)},
        penalties={name: float(penalty) for name, penalty in soft.items() if penalty is not None},
    )


def shown(value: float, *, signed: bool = False) -> str:
    """Return a number of a column with the decimals that it has, three at most."""
    return plain(value, next((d for d in range(3) if round(value, d) == round(value, 3)), 3), signed=signed)
