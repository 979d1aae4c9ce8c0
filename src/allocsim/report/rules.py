"""The rules as people read them: one entry a rule, with the rows that bind and what easing them is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allocsim.model.plan import Plan, RuleReport
from allocsim.report.words import Words

OF_THE_HOUSE = {
    "budget.total": "kind.total",
    "budget.reserve": "kind.reserve",
    "projects.committed": "kind.committed",
    "projects.min": "kind.min",
    "projects.max": "kind.max",
}
"""Rules that a scenario does not name: their name in reports -> their words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """A rule with all its rows; ``ease`` is what one more unit of room is worth where it is worth most."""

    name: str
    kind: str
    basis: str
    rows: tuple[RuleReport, ...]
    binding: tuple[RuleReport, ...]
    ease: float | None


def groups(plan: Plan, spoken: Words) -> tuple[RuleGroup, ...]:
    """Return the rules of a plan in their order, the rows of each together; what is worth most to ease comes first."""
    found: dict[str, list[RuleReport]] = {}
    for rule in plan.rules:
        found.setdefault(rule.name, []).append(rule)
    return tuple(_group(rows, spoken) for rows in found.values())


def _group(rows: Sequence[RuleReport], spoken: Words) -> RuleGroup:
    binding = sorted((row for row in rows if row.binding), key=lambda row: -(ease(row) or 0.0))
    worth = [value for value in map(ease, binding) if value is not None]
    return RuleGroup(
        name=rule_words(rows[0].name, spoken),
        kind=spoken.known("kind", rows[0].kind),
        basis=rows[0].basis,
        rows=tuple(rows),
        binding=tuple(binding),
        ease=max(worth, default=None),
    )


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
