"""The strip of legal checks: each one computed from the amounts again, and honest where nothing could be checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray
from allocsim.model.money import decimal
from allocsim.model.plan import Plan, RuleReport
from allocsim.model.result import Result
from allocsim.model.rule import Ceiling, Fix, Floor
from allocsim.model.scenario import Scenario
from allocsim.report.counts import EVENNESS
from allocsim.report.numbers import Numbers, numbers_of
from allocsim.report.rules import CHINESE_LAW, groups
from allocsim.report.selecting import of_rule, stated
from allocsim.report.words import Words, words

RESERVE_SHARE = (0.01, 0.03)
"""Reserve as a share of general public budget expenditure: Budget Law of the People's Republic of China, art. 40."""
GUARANTEED = ("三保", "three guarantees")
"""Words in ``class`` of lines that are guaranteed."""
GENERAL = ("", "一般公共预算", "一般公共预算资金", "general public budget", "general fund", "general")
"""Funds whose money is not earmarked."""
NOT_ADMITTED = ("concept", "前期谋划", "terminated", "项目终止", "未入库")
"""States in which a project is not in the library (any longer)."""
FAR = 10.0
"""A standard times a quantity this many times off a line's other amounts is counted in another unit."""
TOLERANCE = 1e-6
"""Share of a step by which products of decimals may miss a stated sum."""
State = Literal["ok", "broken", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: its name, whether it holds (``none``: it could not be checked), and the figure beside it."""

    key: str
    label: str
    state: State
    word: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """What the checks are made from."""

    result: Result
    plan: Plan
    spoken: Words
    written: Numbers

    @property
    def scenario(self) -> Scenario:
        return self.result.scenario

    @property
    def is_chinese(self) -> bool:
        return self.scenario.settings.currency in CHINESE_LAW


Found = tuple[State, str]


def checks(result: Result, *, language: str | None = None) -> tuple[Check, ...]:
    """Return the strip of checks of a result's plan; empty where there is no plan.

    Checks of Chinese law that nothing could be checked for are left out of a budget in another currency.
    """
    if result.plan is None:
        return ()
    spoken = words(language or result.scenario.settings.language)
    made = _Checked(
        result=result, plan=result.plan, spoken=spoken, written=numbers_of(result, language=spoken.language)
    )
    found: dict[str, Callable[[_Checked], Found]] = {
        "balance": _balance,
        "rules": _rules,
        "guaranteed": _guaranteed,
        "ceilings": _ceilings,
        "reserve": _reserve,
        "earmarks": _earmarks,
        "library": _library,
    }
    shown = []
    for key, look in found.items():
        state, detail = look(made)
        if state != "none" or made.is_chinese:
            named = "rules_hard" if key == "rules" and any(not row.hard for row in result.plan.rules) else key
            label, word = spoken(f"check.{named}"), spoken(f"check.{state}")
            shown.append(Check(key=key, label=label, state=state, word=word, detail=detail))
    return tuple(shown)


def _balance(made: _Checked) -> Found:
    """Amounts, reserve and what is left add up to the money stated, exactly; none of them is below zero."""
    plan, step = made.plan, made.plan.money_step
    amounts = [decimal(amount) for amount in (*plan.amount.tolist(), plan.reserve, plan.unallocated)]
    there = decimal(step.money(step.down(made.scenario.settings.budget.total)))
    holds = sum(amounts, Decimal(0)) == there and min(amounts) >= 0
    return "ok" if holds else "broken", made.spoken("check.balance_detail", total=made.written.prose(plan.total))


def _rules(made: _Checked) -> Found:
    """Every row that must hold does, as reported and as the amounts have it, and every line lies between its bounds."""
    told = groups(made.result, language=made.spoken.language)
    limits = sum(group.covered for group in told)
    detail = made.spoken("check.rules_detail", r=made.spoken.count("check.rule_count", len(told)), n=f"{limits:,}")
    soft = len({row.name for row in made.plan.rules if row.broken > 0})
    if soft:
        detail = f"{detail}{made.spoken('page.then')}{made.spoken.count('check.soft', soft)}"
    if not made.plan.rules:
        return "none", ""
    plan, size = made.plan, made.plan.money_step.size
    amount = plan.amount
    within = bool(((amount > plan.low - size / 2) & (amount < plan.high + size / 2)).all())
    return "ok" if within and _hold(made, plan.rules) else "broken", detail


def _hold(made: _Checked, rows: Iterable[RuleReport]) -> bool:
    """Tell whether rows that must hold do: their room as reported, and for rows of one line the amount of that line."""
    amount = dict(zip(made.plan.id, made.plan.amount.tolist(), strict=True))
    hard, size = [row for row in rows if row.hard], made.plan.money_step.size
    money = [row for row in hard if row.counted_in == "money" and row.name != EVENNESS]
    return all(row.slack >= 0 for row in hard) and all(
        _meets(amount.get(row.row, row.activity), row.level, row.sense, size) for row in money
    )


def _meets(amount: float, level: float, sense: str, size: float) -> bool:
    """Tell whether an amount is on the right side of a number that stands in whole steps already."""
    room = {"floor": amount - level, "ceiling": level - amount, "fix": -abs(level - amount)}[sense]
    return room > -size / 2


def _guaranteed(made: _Checked) -> Found:
    """Every line of class 三保 gets what it is entitled to, with or without a rule that says so."""
    projects = made.scenario.projects
    due = np.array([any(word in text.casefold() for word in GUARANTEED) for text in projects.text("class")])
    need = needed(made.scenario)
    known = due & ~np.isnan(need)
    if not known.any():
        return "none", ""
    step = made.plan.money_step
    short = [max(0.0, step.money(step.down(n)) - a) for n, a in zip(need[known], made.plan.amount[known], strict=True)]
    if sum(short) > 0:
        return "broken", made.spoken("check.short", amount=made.written.exact(sum(short)))
    unknown = int(due.sum() - known.sum())
    return "ok", made.spoken.count("check.unknown", unknown) if unknown else ""


def needed(scenario: Scenario) -> FloatArray:
    """Return what each line is entitled to (p,) [money]; NaN where nothing states it.

    The larger of ``entitlement`` and standard x quantity, the latter only where it is counted in the scenario's unit:
    a product ten times off what the line is entitled to, had last year or asked for stands in another unit.
    """
    projects = scenario.projects
    entitled = projects.number("entitlement")
    product = projects.number("standard") * projects.number("quantity")
    same_unit = np.zeros(len(projects), dtype=np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        for other in (entitled, projects.number("last_budget"), projects.number("requested")):
            ratio = product / other
            same_unit |= (ratio > 1 / FAR) & (ratio < FAR)
    return np.fmax(entitled, np.where(same_unit, product, np.nan))


def _ceilings(made: _Checked) -> Found:
    """No department gets more than the ceiling stated for it: sums of amounts against the rule as stated."""
    rules = [rule for rule in made.scenario.settings.rule if isinstance(rule, Ceiling) and _is_of_departments(rule)]
    if not rules:
        return "none", ""
    over = 0.0
    for rule in rules:
        chosen = of_rule(made.result, rule)
        names = np.array(made.scenario.projects.text("department"), dtype=object)
        parts = [chosen & (names == name) for name in dict.fromkeys(names[chosen])] if rule.by else [chosen]
        over += sum(_beyond(made, _sum(made.plan, part) - stated(made.scenario, rule, part)) for part in parts)
    if over > 0 or not _hold(made, (row for row in made.plan.rules if row.name in {rule.name for rule in rules})):
        return "broken", made.spoken("check.over", amount=made.written.exact(over)) if over else ""
    return "ok", ""


def _is_of_departments(rule: Ceiling) -> bool:
    return rule.scope == "sum" and (rule.by == "department" or "department" in rule.where)


def _beyond(made: _Checked, amount: float) -> float:
    """Return an excess, or zero where it is none or comes of reckoning in decimals."""
    return amount if amount > TOLERANCE * made.plan.money_step.size else 0.0


def _sum(plan: Plan, members: BoolArray) -> float:
    return plan.money_step.money(int(plan.steps[members].sum()))


def _reserve(made: _Checked) -> Found:
    base, plan = made.scenario.settings.budget.reserve_base, made.plan
    if not base:
        return "none", made.spoken("check.reserve_no_base", amount=made.written.prose(plan.reserve))
    share = plan.reserve / base
    if not made.is_chinese:
        return "none", made.written.percent(share)
    holds = RESERVE_SHARE[0] <= share <= RESERVE_SHARE[1]
    return "ok" if holds else "broken", made.spoken("check.reserve_detail", share=made.written.percent(share))


def _earmarks(made: _Checked) -> Found:
    """Every fund of its own spends the sum stated for it; a fund for which nothing states a sum is not checked."""
    funds = np.array(made.scenario.projects.text("fund"), dtype=object)
    own = [fund for fund in dict.fromkeys(funds.tolist()) if fund.casefold() not in GENERAL]
    unchecked: list[str] = []
    off = 0.0
    for fund in own:
        bounds = _stated_sum(made, funds == fund)
        if bounds is None:
            unchecked.append(fund)
        else:
            planned = _sum(made.plan, funds == fund)
            off += _beyond(made, max(bounds[0] - planned, planned - bounds[1]))
    if off > 0:
        return "broken", made.spoken("check.off", amount=made.written.exact(off))
    if unchecked or not own:
        return "none", made.spoken.enumerate(unchecked)
    return "ok", ""


def _stated_sum(made: _Checked, members: BoolArray) -> tuple[float, float] | None:
    """Return between which sums the rules hold exactly these lines together, or None where they leave a side open."""
    low, high = -math.inf, math.inf
    step = made.plan.money_step
    for rule in made.scenario.settings.rule:
        if not isinstance(rule, Fix | Floor | Ceiling) or (rule.scope == "sum" and rule.by not in (None, "fund")):
            continue
        chosen = of_rule(made.result, rule)
        inside = chosen & members if rule.scope == "each" or rule.by == "fund" else chosen
        if not inside.any() or (inside != members).any():
            continue
        least = stated(made.scenario, rule, members)
        room = step.size * (int(members.sum()) if rule.scope == "each" else 1)
        if rule.kind in ("fix", "floor"):
            low = max(low, least - (room if rule.kind == "fix" else 0.0))
        if rule.kind in ("fix", "ceiling"):
            high = min(high, least + (room if rule.kind == "fix" else 0.0))
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _library(made: _Checked) -> Found:
    """Nothing outside the library gets money; where no line states whether it is inside, nothing is checked."""
    states = made.scenario.projects.text("state")
    blank = sum(not state.strip() for state in states)
    if blank == len(states):
        return "none", ""
    outside = np.array([state.strip().casefold() in NOT_ADMITTED for state in states])
    got = int((made.plan.steps[outside] > 0).sum())
    if got:
        return "broken", made.spoken.count("check.outside", got)
    return "ok", made.spoken.count("check.unknown", blank) if blank else ""
