"""The strip of legal checks: each one computed from the plan again, and honest where nothing was set to check."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocsim.model.plan import Plan, RuleReport
from allocsim.model.result import Result
from allocsim.model.rule import Ceiling, Rule
from allocsim.model.scenario import Scenario
from allocsim.report.lines import numbers_of
from allocsim.report.words import words

RESERVE_SHARE = (0.01, 0.03)
"""Reserve as a share of general public budget expenditure: Budget Law of the People's Republic of China, art. 40."""
GUARANTEED = ("三保", "three guarantees")
NOT_ADMITTED = ("concept", "前期谋划", "terminated", "项目终止", "未入库")
"""States in which a project is not in the library (any longer)."""
State = Literal["ok", "broken", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: its name, whether it holds (``none``: nothing was set), and the figure beside it."""

    key: str
    label: str
    state: State
    word: str
    detail: str


def checks(result: Result, *, language: str | None = None) -> tuple[Check, ...]:
    """Return the strip of checks of a result's plan; empty where there is no plan."""
    plan, scenario = result.plan, result.scenario
    if plan is None:
        return ()
    spoken = words(language or scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    share = _reserve_share(plan, scenario)
    if math.isnan(share):
        reserve = spoken("check.reserve_no_base", amount=written.prose(plan.reserve))
    else:
        reserve = spoken("check.reserve_detail", share=written.percent(share))
    found: list[tuple[str, State, str]] = [
        ("balance", _balance(plan, scenario), spoken("check.balance_detail", total=written.prose(plan.total))),
        ("rules", _kept(plan.rules), spoken("check.rules_detail", n=str(len(plan.rules)))),
        ("guaranteed", _of_rules(plan, scenario, _is_guarantee), ""),
        ("ceilings", _of_rules(plan, scenario, _is_ceiling), ""),
        ("reserve", _reserve(share), reserve),
        ("earmarks", _of_rules(plan, scenario, _is_earmark), ""),
        ("library", _library(plan, scenario), ""),
    ]
    return tuple(
        Check(key=key, label=spoken(f"check.{key}"), state=state, word=spoken(f"check.{state}"), detail=detail)
        for key, state, detail in found
    )


def _balance(plan: Plan, scenario: Scenario) -> State:
    """Total = reserve + what is left + all lines, in whole steps."""
    allocated = plan.reserve_steps + plan.unallocated_steps + int(plan.steps.sum())
    return "ok" if allocated == plan.money_step.down(scenario.settings.budget.total) else "broken"


def _kept(rows: Iterable[RuleReport]) -> State:
    rows = tuple(rows)
    if not rows:
        return "none"
    return "ok" if all(row.slack >= 0 for row in rows) else "broken"


def _of_rules(plan: Plan, scenario: Scenario, chosen: Callable[[Rule], bool]) -> State:
    names = {rule.name for rule in scenario.settings.rule if chosen(rule)}
    return _kept(row for row in plan.rules if row.name in names)


def _is_guarantee(rule: Rule) -> bool:
    said = f"{rule.name} {rule.basis} {' '.join(str(condition) for condition in rule.where.values())}".casefold()
    return rule.kind in ("floor", "fix") and any(word in said for word in GUARANTEED)


def _is_ceiling(rule: Rule) -> bool:
    return isinstance(rule, Ceiling) and rule.by == "department"


def _is_earmark(rule: Rule) -> bool:
    return "fund" in rule.where or getattr(rule, "by", None) == "fund"


def _reserve_share(plan: Plan, scenario: Scenario) -> float:
    base = scenario.settings.budget.reserve_base
    return plan.reserve / base if base else math.nan


def _reserve(share: float) -> State:
    if math.isnan(share):
        return "none"
    return "ok" if RESERVE_SHARE[0] <= share <= RESERVE_SHARE[1] else "broken"


def _library(plan: Plan, scenario: Scenario) -> State:
    if "state" not in scenario.projects:
        return "none"
    outside = np.array([state.casefold() in NOT_ADMITTED for state in scenario.projects.text("state")])
    return "broken" if (plan.steps[outside] > 0).any() else "ok"
