"""What a plan aims at, and what it brings when its curves disappoint, in words."""

from __future__ import annotations

from allocsim.model.plan import EquityReport, Plan
from allocsim.model.risk import Risk
from allocsim.report.numbers import TIED, Numbers, plain
from allocsim.report.words import Words


def aimed_at(plan: Plan, spoken: Words, written: Numbers) -> str:
    """Return what the plan maximises: benefit by its name, or the objective where risk or soft rules count too."""
    if weighs_risk(plan) or any(not rule.hard for rule in plan.rules):
        return spoken("objective.what")
    return spoken("column.benefit" if written.benefit_is_money else "column.benefit_given")


def objective(plan: Plan, spoken: Words) -> list[str]:
    """Return what the objective is made of, where it is more than the expected benefit."""
    said, risk = [], plan.risk
    if risk is not None and risk.uncertainty_budget:
        said.append(spoken("objective.budget", n=f"{risk.uncertainty_budget:g}"))
    elif risk is not None and risk.risk_aversion > 0:
        said.append(
            spoken(
                "objective.risk",
                mean=f"{1 - risk.risk_aversion:g}",
                aversion=f"{risk.risk_aversion:g}",
                tail=tail(risk, spoken),
                measure=spoken(f"objective.{risk.measure}"),
            )
        )
    if any(not rule.hard for rule in plan.rules):
        said.append(spoken("objective.soft"))
    return said


def tail(risk: Risk, spoken: Words) -> str:
    """Return which curve draws are the worst ones that count, as a share of all."""
    share = plain(100 * (1 - risk.level), 0 if round(100 * risk.level, 6) == round(100 * risk.level) else 1)
    return spoken("risk.tail", share=f"{share}%" if spoken.language == "zh" else f"{share}{TIED}%")


def weighs_risk(plan: Plan) -> bool:
    """Tell whether the plan looks at more than the mean over curve draws."""
    return plan.risk is not None and (plan.risk.risk_aversion > 0 or bool(plan.risk.uncertainty_budget))


def bad_draws(risk: Risk, what: str, spoken: Words, written: Numbers) -> list[str]:
    """Return what a plan brings over the curve draws: on average, and where they are the worst for it."""
    worst = tail(risk, spoken)
    said = [
        spoken(
            "risk.s",
            draws=f"{risk.draws:,}",
            what=what,
            mean=written.worth(risk.mean),
            tail=worst,
            cvar=written.worth(risk.cvar_benefit),
        )
    ]
    if risk.cvar_improvement is not None and risk.probability is not None:
        key = "card.more" if risk.cvar_improvement >= 0 else "card.fewer"
        moved = spoken(key, amount=written.worth(abs(risk.cvar_improvement)))
        said.append(spoken("risk.s_gain", tail=worst, moved=moved, p=written.chance(risk.probability)))
    return [*said, weighed(risk, spoken)]


def weighed(risk: Risk, spoken: Words) -> str:
    """Return how much a plan weighs risk, if at all."""
    if risk.uncertainty_budget:
        return spoken("risk.budget", n=f"{risk.uncertainty_budget:g}")
    if risk.risk_aversion == 0:
        return spoken("risk.neutral")
    shares = {"mean": f"{1 - risk.risk_aversion:g}", "aversion": f"{risk.risk_aversion:g}"}
    return spoken("risk.aversion", tail=tail(risk, spoken), measure=spoken(f"objective.{risk.measure}"), **shares)


def even(told: EquityReport | None, spoken: Words, written: Numbers) -> str:
    """Return how evenly the plan's money reaches people; nothing where that was not asked."""
    if told is None:
        return ""
    return spoken(
        "equity.said",
        by=spoken.known("column", told.by),
        name=told.name,
        least=written.per_head(told.worst_off),
        gini=plain(told.gini, 3),
    )
