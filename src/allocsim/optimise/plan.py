"""Next year's plan, the whole way on one page: compile, allocate, price, explain, compare with last year."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocsim.model.arrays import FloatArray, floats
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.flags import at_plan
from allocsim.model.made import last_budget
from allocsim.model.plan import Plan, RuleReport
from allocsim.model.scenario import Scenario
from allocsim.optimise.aim import aim, prove
from allocsim.optimise.compile.equity import equity_of
from allocsim.optimise.compile.rows import rows as compiled
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.conflict.conflict import conflict
from allocsim.optimise.effort import Effort, effort
from allocsim.optimise.explain.held import held_by, pressed, reach
from allocsim.optimise.explain.last_year import better_than_last_year, worth_elsewhere, wrong_cut
from allocsim.optimise.explain.margin import AtMargin, at_margin
from allocsim.optimise.explain.prices import prices
from allocsim.optimise.explain.reasons import Grounds, reasons
from allocsim.optimise.explain.reports import reports
from allocsim.optimise.grid import in_steps, up
from allocsim.optimise.limits import Rows
from allocsim.optimise.risk.risk import risk


def plan(scenario: Scenario, evidence: Evidence, curves: Curves) -> Plan:
    """Plan the budget year: whole amounts that bring the most under all rules, certified and explained.

    Parameters
    ----------
    scenario
        What to plan and how.
    evidence
        Latest scores and grades.
    curves
        Benefit of spending, with draws.

    Raises
    ------
    InvalidInput
        If a rule cannot be read as a limit.
    RulesConflict
        If no plan can keep all rules.
    """
    rows = compiled(scenario, evidence)
    wanted, allowed = scenario.settings.objective, until(scenario)
    try:
        aimed = aim(curves, rows, wanted, allowed)
    except NoneFits:
        raise conflict(scenario, rows) from None
    in_whole, found = aimed.columns, aimed.found
    steps, held = found.steps, held_by(in_whole, found.held, found)
    worth = prices(in_whole, found.held, steps, pooled=found.pooled)
    at_choices = replace(found.held, parts=rows.parts, choices=rows.choices)
    told = reports(at_choices, steps, worth, held=frozenset(held))
    price = (worth.of_sum(0)[0] or 0.0) / rows.step.size
    grounds = Grounds(
        scenario=scenario,
        evidence=evidence,
        curves=curves,
        rows=rows,
        amount=rows.step.amounts(steps),
        last=last_budget(scenario),
        marginal=floats(up(in_whole, steps) / rows.step.size),
        price=price,
        held=held,
        pressed=pressed(found.held, found, held),
        eased=_eased(rows, told, held),
        wrong_cut=wrong_cut(curves, rows, steps, price=worth_elsewhere(worth, found.held), held=held),
    )
    exact = prove(aimed, rows, wanted) if scenario.settings.solve.exact else None
    near = at_margin(scenario, evidence, in_whole, rows=rows, found=found, worth=worth, held=held, effort=allowed)
    return replace(_plan(grounds, found, told, near), exact=exact)


def until(scenario: Scenario) -> Effort:
    """Return the effort that a scenario allows, from now on."""
    return effort(scenario.settings.solve.method, scenario.settings.solve.time_limit)


def _plan(grounds: Grounds, found: Allocation, told: tuple[RuleReport, ...], near: AtMargin) -> Plan:
    """Lay down all that is known of the plan."""
    scenario, rows, steps = grounds.scenario, grounds.rows, found.steps
    low, high = reach(rows)
    settings, certificate = scenario.settings, found.certificate
    return Plan(
        scenario=scenario.name,
        year=settings.year,
        currency=settings.currency,
        unit=settings.unit,
        money_step=rows.step,
        status="optimal" if certificate.closed else "limit",
        id=rows.id,
        name=scenario.projects.text("name"),
        department=scenario.projects.text("department"),
        steps=steps,
        reserve_steps=rows.reserve,
        unallocated_steps=rows.available - int(steps.sum()),
        last=grounds.last,
        requested=scenario.projects.number("requested"),
        low=rows.step.amounts(low),
        high=rows.step.amounts(high),
        benefit=floats(in_steps(grounds.curves.expected, rows.step).benefit(steps.astype(np.float64))),
        marginal=grounds.marginal,
        held_by=tuple(rows.name(source) for source in grounds.held),
        reasons=reasons(grounds),
        flags=at_plan(grounds.curves, grounds.amount),
        wrong_cut_probability=grounds.wrong_cut,
        rules=told,
        bound=certificate.bound,
        bound_by=certificate.bound_by,
        rounding_loss=certificate.rounding_loss,
        gap=certificate.gap,
        objective=certificate.objective,
        at_choices=bool(rows.parts or rows.choices),
        price=grounds.price,
        better_than_last_year=better_than_last_year(grounds.curves, rows, steps),
        rigid=rows.step.money(rows.rigid),
        method=found.method,
        rounds=found.rounds,
        risk=risk(grounds.curves, rows, steps, settings.objective),
        to_gain=near.to_gain,
        margin=near.margin,
        ranges=near.ranges,
        equity=equity_of(scenario, rows, steps),
    )


def _eased(rows: Rows, told: tuple[RuleReport, ...], held: tuple[int, ...]) -> FloatArray:
    """Return what one more unit of room in the rule that holds a line is worth (p,) [benefit per money]."""
    worth: dict[tuple[str, str], float] = {}
    for report in told:
        room = report.price_up if report.sense == "ceiling" else report.price_down
        key = (report.name, report.row)
        worth[key] = max(worth.get(key, 0.0), room or 0.0)
    members = {(rows.name(s.source), s.label): set(s.members.tolist()) for s in rows.sums}
    eased = np.full(len(rows.id), np.nan)
    for line, source in enumerate(held):
        if source >= 0:
            name = rows.name(source)
            own = worth.get((name, rows.id[line]))
            of_sums = [worth[key] for key, lines in members.items() if key[0] == name and line in lines]
            eased[line] = own if own is not None else max(of_sums, default=np.nan)
    return floats(eased)
