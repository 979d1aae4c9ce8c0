"""What lines and departments are called in a language: their English names where the tables give them."""

from __future__ import annotations

import json
from dataclasses import replace

from allocsim.model.plan import Plan
from allocsim.model.scenario import Scenario
from allocsim.report.numbers import plain
from allocsim.report.words import Words

ENGLISH = "english"
"""Column of projects and of departments that holds a name in English."""
SHOWN_CHANGES = 6
"""Changes from outside that a heading spells out."""


def line_names(scenario: Scenario, language: str) -> tuple[str, ...]:
    """Return the name of each line (p,): in English where the table has one, else as it stands."""
    names = scenario.projects.text("name")
    if language != "en":
        return names
    return tuple(own or name for own, name in zip(scenario.projects.text(ENGLISH), names, strict=True))


def department_names(scenario: Scenario, language: str) -> dict[str, str]:
    """Return each department that has a name of its own in the language, with that name."""
    table = scenario.departments
    if table is None or language != "en" or ENGLISH not in table:
        return {}
    return {name: own for name, own in zip(table.text("name"), table.text(ENGLISH), strict=True) if own}


def in_language(plan: Plan, scenario: Scenario, language: str) -> Plan:
    """Return a plan whose lines and departments bear their names in a language."""
    departments = department_names(scenario, language)
    return replace(
        plan,
        name=line_names(scenario, language),
        department=tuple(departments.get(name, name) for name in plan.department),
    )


def asked_for(scenario: Scenario, spoken: Words) -> tuple[str, ...]:
    """Return the variant and the changes from outside under which the figures hold, as a heading names them."""
    found = [spoken("page.variant", name=scenario.variant)] if scenario.variant else []
    changes = [f"{key}={_written(value)}" for key, value in scenario.overrides.items()]
    if len(changes) > SHOWN_CHANGES:
        more = spoken("page.changes", n=str(len(changes) - SHOWN_CHANGES))
        changes = [*changes[:SHOWN_CHANGES], more]
    return (*found, *changes)


def _written(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        text = plain(float(value), 6)
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
