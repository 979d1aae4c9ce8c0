"""The document of a plan: amounts, reasons, prices of rules, what it may bring, and the certificate."""

from __future__ import annotations

import math
from typing import Any

from allocsim.model.exact import ExactCertificate
from allocsim.model.margin import Margin, PriceRange
from allocsim.model.plan import BetterThanLastYear, EquityReport, Fact, RuleReport
from allocsim.model.result import Result, there
from allocsim.model.risk import Risk
from allocsim.report.lines import departments, lines


def under(result: Result) -> dict[str, Any]:
    """Return the variant and the changes from outside under which the figures hold."""
    return {"variant": result.scenario.variant, "overrides": dict(result.scenario.overrides)}


def plan(result: Result) -> dict[str, Any]:
    """Return ``allocsim.plan/1``: amounts, reasons, prices of rules and the certificate."""
    made = there(result.plan, "plan")
    rows = lines(result)
    ranges = {(told.rule, told.row): told for told in made.ranges}
    return {
        "schema": "allocsim.plan/1",
        "scenario": made.scenario,
        **under(result),
        "year": made.year,
        "currency": made.currency,
        "unit": made.unit,
        "status": made.status,
        "total": made.total,
        "reserve": made.reserve,
        "unallocated": made.unallocated,
        "rigid": made.rigid,
        "benefit": math.fsum(made.benefit.tolist()),
        "bound": made.bound,
        "bound_by": made.bound_by,
        "rounding_loss": made.rounding_loss,
        "gap": made.gap,
        "objective": made.objective,
        "price": made.price,
        "at_choices": made.at_choices,
        "method": made.method,
        "rounds": made.rounds,
        "exact": _exact(made.exact),
        "risk": _risk(made.risk),
        "equity": _equity(made.equity),
        **_margin(made.margin),
        "better_than_last_year": _better(made.better_than_last_year),
        "departments": [
            {
                "name": made.department[group[0].number - 1],
                "amount": math.fsum(row.amount for row in group),
                "last": sums.last,
            }
            for sums, group in departments(rows)
        ],
        "projects": [
            {
                "id": row.id,
                "name": made.name[p],
                "department": made.department[p],
                "amount": row.amount,
                "last": row.last,
                "requested": row.requested,
                "low": row.low,
                "high": row.high,
                "benefit": row.benefit,
                "marginal": row.marginal,
                "held_by": row.held_by,
                "verb": made.reasons[p].verb,
                "reason": row.reason,
                "to_gain": _to_gain(made.to_gain[p], row.to_gain) if made.to_gain else None,
                "wrong_cut_probability": row.wrong_cut,
                "flags": list(row.flags),
            }
            for p, row in enumerate(rows)
        ],
        "rules": [_rule(rule, ranges.get((rule.name, rule.row))) for rule in made.rules],
    }


def _better(better: BetterThanLastYear | None) -> dict[str, Any] | None:
    if better is None:
        return None
    return {
        "benefit": better.benefit,
        "low": better.low,
        "high": better.high,
        "probability": better.probability,
        "own_evidence": better.own_evidence,
        "same_way": better.same_way,
        "last_benefit": better.last_benefit,
    }


def _risk(risk: Risk | None) -> dict[str, Any] | None:
    if risk is None:
        return None
    return {
        "level": risk.level,
        "measure": risk.measure,
        "risk_aversion": risk.risk_aversion,
        "uncertainty_budget": risk.uncertainty_budget,
        "draws": risk.draws,
        "mean": risk.mean,
        "cvar_benefit": risk.cvar_benefit,
        "cvar_improvement": risk.cvar_improvement,
        "probability": risk.probability,
        "objective": risk.objective,
    }


def _equity(told: EquityReport | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {"by": told.by, "worst_off": told.worst_off, "name": told.name, "gini": told.gini}


def _exact(proven: ExactCertificate | None) -> dict[str, Any] | None:
    """Return what is proven in exact arithmetic, as text: its digits are no float's."""
    if proven is None:
        return None
    return {
        "value": str(proven.value),
        "bound": str(proven.bound),
        "whole": str(proven.whole),
        "gap": str(proven.gap),
        "closed": proven.closed,
    }


def _margin(margin: Margin | None) -> dict[str, Any]:
    """Return what a little more or less money does, benefit of the next unit per unit of money."""
    if margin is None:
        return {"one_percent": None, "next_unit": None, "unallocated_by": []}
    following = margin.next_unit
    return {
        "one_percent": {"more": margin.more, "less": margin.less},
        "next_unit": following and {"id": following.id, "others": list(following.others), "benefit": following.benefit},
        "unallocated_by": [{"rule": kept.rule, "keeps": kept.keeps} for kept in margin.unallocated_by],
    }


def _to_gain(fact: Fact, text: str) -> dict[str, Any]:
    return {"text": text, "code": fact.code, **dict(fact.values)}


def _rule(rule: RuleReport, within: PriceRange | None) -> dict[str, Any]:
    return {
        "name": rule.name,
        "kind": rule.kind,
        "row": rule.row,
        "covered": rule.covered,
        "basis": rule.basis,
        "sense": rule.sense,
        "level": rule.level,
        "activity": rule.activity,
        "slack": rule.slack,
        "binding": rule.binding,
        "price_up": rule.price_up,
        "price_down": rule.price_down,
        "counted_in": rule.counted_in,
        "hard": rule.hard,
        "broken": rule.broken,
        "price_range": within and {"low": within.low, "high": within.high},
    }
