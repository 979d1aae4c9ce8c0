"""Which lines a stated rule speaks of, and how much it states: worked out from the scenario again, for checks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.model.arrays import BoolArray, FloatArray, booleans
from allocsim.model.made import executed, last_budget
from allocsim.model.result import Result
from allocsim.model.rule import AmountRule, Ceiling, Rule
from allocsim.model.scenario import Scenario
from allocsim.model.selection import selected


def of_rule(result: Result, rule: Rule) -> BoolArray:
    """Return the lines that a rule selects (p,)."""
    return selected(result.scenario, rule.where, except_=rule.except_, made=_made(result))


def _made(result: Result) -> dict[str, NDArray[Any]]:
    made: dict[str, NDArray[Any]] = {"executed": executed(result.scenario)}
    if result.evidence is not None:
        made["grade"] = np.array(result.evidence.latest_grade(), dtype=object)
        made["score"] = result.evidence.latest_score()
    return made


def set_off(result: Result) -> BoolArray:
    """Return the lines (p,) whose carry-over a rule takes off what is asked for: ``less = "carryover"``."""
    found = np.zeros(len(result.scenario.projects), dtype=np.bool_)
    for rule in result.scenario.settings.rule:
        if isinstance(rule, Ceiling) and rule.less == "carryover":
            found |= of_rule(result, rule)
    return booleans(found)


def stated(scenario: Scenario, rule: AmountRule, members: BoolArray) -> float:
    """Return the sum that a rule of amounts states for some lines together [money]."""
    count = int(members.sum())
    if rule.of is None:
        return float(rule.amount or 0.0) * (count if rule.scope == "each" else 1)
    total = rule.times * float(np.nansum(_column(scenario, rule.of)[members]))
    return total - (float(np.nansum(_column(scenario, rule.less)[members])) if rule.less else 0.0)


def _column(scenario: Scenario, name: str) -> FloatArray:
    return last_budget(scenario) if name == "last_budget" else scenario.projects.number(name)
