"""Sentences about the whole: the certificate, the evidence behind the curves, and every assumption with its value."""

from __future__ import annotations

import math

from allocsim.model.curve import Curves, Selection
from allocsim.model.plan import Plan
from allocsim.model.result import Result
from allocsim.report.aims import aimed_at, objective
from allocsim.report.numbers import TIED, Numbers, numbers_of, plain, significant
from allocsim.report.opening import has_hazards
from allocsim.report.reasons import one
from allocsim.report.words import Words, words

OWN = 0.3
"""Own evidence from which a curve counts as resting on its own data: below it the fit flags ``borrowed``."""
TENTH_MORE = math.log(1.1)
"""Log units of spending in a tenth more of it."""
TERMS = (
    "performance_weighted",
    "contestable",
    "rigid",
    "shadow",
    "certificate",
    "own",
    "reserve",
    "virement",
    "adjustment",
    "three",
    "ceiling",
    "requested",
    "reduction",
    "carryover",
    "entitlement",
    "policy",
)
Assumption = tuple[str, str, str]


def certificate(result: Result, *, language: str | None = None) -> tuple[str, ...]:
    """Return the certificate of the plan in plain words; empty where there is no plan."""
    plan = result.plan
    if plan is None:
        return ()
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    loss = plan.rounding_loss / abs(plan.bound) if plan.bound else 0.0
    what = aimed_at(plan, spoken, written)
    said = [
        proven(plan, spoken, written),
        *objective(plan, spoken),
        spoken.entries["certificate.bound" if plan.bound_by == "dual" else "certificate.bound_solver"].format_map(
            {"bound": written.worth(plan.bound)}
        ),
        spoken("certificate.whole", step=written.exact(plan.money_step.size), loss=small(loss, spoken, written)),
        spoken.entries["certificate.price_at" if plan.at_choices else "certificate.price"].format_map(
            {"one": one(written), "price": written.rate(plan.price), "what": what}
        ),
        _method(plan, spoken),
    ]
    if plan.exact is not None:
        said.append(spoken("certificate.exact", gap=small(float(plan.exact.gap), spoken, written)))
    return tuple(said)


def proven(plan: Plan, spoken: Words, written: Numbers) -> str:
    """Return what is proven of a plan: that none is better, or by how much another could be."""
    blanks = {
        "gap": small(plan.gap, spoken, written) if plan.status != "limit" else _thin(plan.gap, spoken),
        "what": aimed_at(plan, spoken, written),
        "most": written.worth(plan.gap * abs(plan.bound)),
    }
    return spoken.entries[f"certificate.{plan.status}"].format_map(blanks)


def _thin(share: float, spoken: Words) -> str:
    """Return a share that may be thin as a percentage with the digits that it has."""
    return f"{significant(100 * share)}{'%' if spoken.language == 'zh' else f'{TIED}%'}"


def _method(plan: Plan, spoken: Words) -> str:
    method = spoken.known("method", plan.method)
    if plan.rounds < 1:
        return spoken("certificate.method_bare", method=method)
    return spoken("certificate.method_one" if plan.rounds == 1 else "certificate.method",
                  method=method, rounds=f"{plan.rounds:,}")  # fmt: skip


def small(share: float, spoken: Words, written: Numbers) -> str:
    """Return a tiny share in words that bound it: one part in a billion, one in a million, else a percentage."""
    for bound, name in ((1e-9, "billionth"), (1e-6, "millionth"), (1e-4, "myriadth")):
        if share <= bound:
            return spoken(f"certificate.{name}")
    return written.percent(share, digits=2)


def evidence(result: Result, *, language: str | None = None) -> tuple[str, ...]:
    """Return what is to be known about the curves before they are believed; empty where there are none."""
    curves = result.curves
    if curves is None:
        return ()
    spoken = words(language or result.scenario.settings.language)
    if curves.given.all():
        return (spoken("evidence.given"),)
    said = [
        spoken(
            "evidence.fit",
            family=spoken.known("family", curves.family),
            lag=spoken.count("evidence.years", curves.lag),
            rho=f"{curves.target_elasticity:g}",
        )
    ]
    if curves.selection is not None:
        said += _selection(curves.selection, spoken)
    said.append(_own(curves, spoken))
    return tuple(said)


def _selection(chosen: Selection, spoken: Words) -> list[str]:
    said = []
    if chosen.candidates:
        best = chosen.candidates[0]
        blanks = {
            "lead": plain(best.lead, 1),
            "error": plain(best.standard_error, 1),
            "records": str(chosen.records),
        }
        said.append(spoken.entries["evidence.weak" if chosen.weak else "evidence.strong"].format_map(blanks))
    if math.isfinite(chosen.pooled_slope) and math.isfinite(chosen.within_slope):
        said.append(
            spoken(
                "evidence.slopes",
                pooled=plain(TENTH_MORE * chosen.pooled_slope, 2),
                pooled_error=plain(TENTH_MORE * chosen.pooled_error, 2),
                within=plain(TENTH_MORE * chosen.within_slope, 2),
                within_error=plain(TENTH_MORE * chosen.within_error, 2),
            )
        )
    if math.isfinite(chosen.halving_correlation):
        blanks = {"c": plain(chosen.halving_correlation, 2)}
        key = "evidence.halving" if abs(chosen.halving_correlation) < 1 else "evidence.halving_never"
        said.append(spoken.entries[key].format_map(blanks))
    if math.isfinite(chosen.feedback):
        said.append(spoken("evidence.feedback", t=plain(chosen.feedback, 1)))
    return said


def _own(curves: Curves, spoken: Words) -> str:
    own = int((curves.own_evidence >= OWN).sum())
    unknown = sum("not_identified" in flags for flags in curves.flags)
    count = len(curves.id)
    return spoken("evidence.own", n=str(count), own=str(own), borrowed=str(count - own), unknown=str(unknown))


def assumptions(result: Result, *, language: str | None = None) -> tuple[Assumption, ...]:
    """Return every assumption that moves a figure: its name, its value here, and what it means."""
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    values = {**_of_plan(result, spoken, written), **_of_curves(result, spoken)}
    if result.comparison is not None:
        values |= _of_year(result, spoken, written)
    return tuple(
        (spoken(f"assumption.{name}"), value, spoken(f"assumption.{name}_note")) for name, value in values.items()
    )


def _of_plan(result: Result, spoken: Words, written: Numbers) -> dict[str, str]:
    carried = float(result.scenario.projects.number("carryover", 0.0).sum())
    if result.plan is None or carried <= 0:
        return {}
    return {"carryover": spoken("assumption.carryover_sum", amount=written.prose(carried))}


def _of_curves(result: Result, spoken: Words) -> dict[str, str]:
    curves = result.curves
    if curves is None:
        return {}
    by_budget = sum(source == "budget" for source in curves.value_from)
    values = {"score_basis": f"{curves.target_elasticity:g}"}
    if by_budget:
        values["value_from"] = spoken.count("assumption.value_budget", by_budget)
    if by_budget < len(curves.id):
        values["value_stated"] = spoken.count("assumption.value_stated_count", len(curves.id) - by_budget)
    values["outside"] = spoken("assumption.undeclared")
    return values


def _of_year(result: Result, spoken: Words, written: Numbers) -> dict[str, str]:
    settings = result.scenario.settings
    year, farming = settings.simulate, settings.agriculture
    days = f"{year.monitoring.delay[0]:g}–{year.monitoring.delay[1]:g}"
    values = {
        "unspent_worth": f"{year.unspent_worth:g}",
        "move_cost": written.cut(year.move_cost),
        "room": _times(year.room, spoken),
        "commitment_lead": spoken.count("assumption.days", int(year.commitment_lead)),
        "vulnerability": f"{year.vulnerability:g}",
        "harm": f"{year.harm:g}",
        "noise": written.percent(year.monitoring.noise),
        "delay": spoken("assumption.days_range", days=days),
    }
    if has_hazards(result.scenario):
        values["warming"] = _times(settings.shocks.warming, spoken)
    if farming is not None:
        values |= {
            "replantable": written.cut(farming.replantable),
            "late_worth": written.cut(farming.late_worth),
            "elasticity": f"{farming.elasticity:g}",
            "need_rate": _times(farming.need_rate, spoken),
            "relief_return": _times(farming.relief_return, spoken),
        }
    return values


def _times(factor: float, spoken: Words) -> str:
    return spoken("assumption.times", factor=f"{factor:g}")


def glossary(language: str) -> tuple[tuple[str, str], ...]:
    """Return the terms in Chinese and in English."""
    spoken = words(language)
    return tuple((spoken(f"term.{name}"), spoken(f"term.{name}_en")) for name in TERMS)
