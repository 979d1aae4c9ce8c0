"""A planner's own draft against the rules and the optimum: what it breaks, what it forgoes; what fixed amounts cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.curve import Curves
from allocsim.model.draft import Draft, ForgoneByFix
from allocsim.model.evidence import Evidence
from allocsim.model.flags import at_plan
from allocsim.model.made import last_budget
from allocsim.model.plan import Plan, RuleReport, RulesConflict
from allocsim.model.rule import Fix
from allocsim.model.scenario import Scenario
from allocsim.optimise.allocate import allocate
from allocsim.optimise.breaches import breaches, reserve_left
from allocsim.optimise.compile.rows import rows as compiled
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.conflict.conflict import conflict
from allocsim.optimise.explain.held import reach
from allocsim.optimise.explain.last_year import better_than_last_year, wrong_cut
from allocsim.optimise.explain.reasons import Grounds, reasons
from allocsim.optimise.explain.reports import report
from allocsim.optimise.explain.tallies import tallies
from allocsim.optimise.grid import in_steps, up
from allocsim.optimise.limits import FREE, Each, Rows, Sense
from allocsim.optimise.plan import plan
from allocsim.optimise.proof.certify import LEAST_SCALE, objective
from allocsim.optimise.risk.risk import risk


def draft(scenario: Scenario, evidence: Evidence, curves: Curves, amounts: FloatArray) -> Draft:
    """Score amounts that a planner wrote by hand.

    Every limit is checked in whole steps, as stated and not as compiled into bounds. Money up to the total comes out of
    the reserve once the lines ask for more than the rest; beyond the total it breaks the total. Where the rules cannot
    all hold, the draft is scored without an optimum: its bound, gap and price of money are NaN.

    Parameters
    ----------
    scenario
        What was to be planned.
    evidence
        Latest scores and grades.
    curves
        Benefit of spending, with draws.
    amounts
        The draft (p,) [money].

    Raises
    ------
    InvalidInput
        If a rule cannot be read as a limit, or an amount is no whole number of money steps from zero up.
    """
    rows = compiled(scenario, evidence)
    steps = _whole(rows, amounts)
    try:
        optimum, found = plan(scenario, evidence, curves), None
    except RulesConflict as error:
        optimum, found = None, error.conflict
    return Draft(
        plan=_given(scenario, evidence, curves, rows=rows, steps=steps, optimum=optimum),
        optimum=optimum,
        conflict=found,
        broken=tuple(breach for source in range(len(rows.sources)) for breach in breaches(rows, steps, source)),
    )


def forgone_by_fix(scenario: Scenario, evidence: Evidence, curves: Curves) -> tuple[ForgoneByFix, ...]:
    """Return what each fixed amount of one line costs, in the order of the rules.

    The budget is planned again without that rule; rules that give way to it then stand at their own numbers. Left out
    are a fix of several lines, and one without which the rules that gave way to it could not all hold.

    Raises
    ------
    InvalidInput
        If a rule cannot be read as a limit.
    RulesConflict
        If no plan can keep all rules.
    """
    rows = compiled(scenario, evidence)
    fixes = [(rule.name, line) for source, rule in enumerate(scenario.settings.rule)
             if isinstance(rule, Fix) and (line := _only_line(rows, source)) is not None]  # fmt: skip
    if not fixes:
        return ()
    in_whole = in_steps(curves.expected, rows.step)
    try:
        kept = allocate(in_whole, rows).certificate.benefit
    except NoneFits:
        raise conflict(scenario, rows) from None
    told = []
    for name, line in fixes:
        try:
            freed = allocate(in_whole, compiled(_without(scenario, name), evidence)).certificate.benefit
        except NoneFits:  # what gave way to the amount cannot hold without it
            continue
        told.append(ForgoneByFix(rule=name, line=rows.id[line], benefit=max(0.0, freed - kept)))
    return tuple(told)


def _only_line(rows: Rows, source: int) -> int | None:
    """Return the one line that a source binds, None where it binds none or several."""
    bound = [limit.project for limit in rows.each if limit.source == source]
    bound += [limit.members for limit in rows.sums if limit.source == source]
    lines = np.unique(np.concatenate(bound)) if bound else np.zeros(0, dtype=np.int64)
    return int(lines[0]) if lines.size == 1 else None


def _without(scenario: Scenario, name: str) -> Scenario:
    """Return the scenario without a rule; no other rule gives way to it any more."""
    kept = [
        rule.model_copy(update={"yields_to": tuple(other for other in rule.yields_to if other != name)})
        for rule in scenario.settings.rule
        if rule.name != name
    ]
    return replace(scenario, settings=scenario.settings.model_copy(update={"rule": tuple(kept)}))


def _whole(rows: Rows, amounts: FloatArray) -> IntArray:
    """Return amounts as whole steps (p,).

    Raises
    ------
    InvalidInput
        If they are not one finite amount a line, not below zero and a whole number of steps.
    """
    if np.shape(amounts) != (len(rows.id),):
        message = Text(f"the draft wants {len(rows.id)} amounts, one a line", f"方案须逐项给出{len(rows.id)}个金额")
        raise InvalidInput([Problem(message=message)])
    sound = [bool(np.isfinite(x)) and x >= 0 and rows.step.is_whole(x) for x in amounts.tolist()]
    wrong = [
        Problem(
            message=Text(
                f"{rows.id[line]}: {amounts[line]:.15g} is not a whole multiple of money_step ({rows.step.size:g})",
                f"{rows.id[line]}：{amounts[line]:.15g}不是 money_step（{rows.step.size:g}）的非负整数倍",
            )
        )
        for line, is_sound in enumerate(sound)
        if not is_sound
    ]
    if wrong:
        raise InvalidInput(wrong)
    return integers([rows.step.down(x) for x in amounts.tolist()])


def _given(
    scenario: Scenario, evidence: Evidence, curves: Curves, *, rows: Rows, steps: IntArray, optimum: Plan | None
) -> Plan:
    """Lay down the draft as a plan, its certificate the optimum's bound."""
    in_whole, settings = in_steps(curves.expected, rows.step), scenario.settings
    benefit = floats(in_whole.benefit(steps.astype(np.float64)))
    value = objective(in_whole, rows.sums, steps)
    price = math.nan if optimum is None else optimum.price
    grounds = _grounds(scenario, evidence, curves, rows=rows, steps=steps, price=price)
    low, high = reach(rows)
    reserve = reserve_left(rows, steps)
    bound, loss = (math.nan, math.nan) if optimum is None else (optimum.bound, optimum.rounding_loss)
    readings = curves if optimum is not None else replace(curves, alternative=None)
    return Plan(
        scenario=scenario.name,
        year=settings.year,
        currency=settings.currency,
        unit=settings.unit,
        money_step=rows.step,
        status="given",
        id=rows.id,
        name=scenario.projects.text("name"),
        department=scenario.projects.text("department"),
        steps=steps,
        reserve_steps=reserve,
        unallocated_steps=max(0, rows.total - reserve - int(steps.sum())),
        last=grounds.last,
        requested=scenario.projects.number("requested"),
        low=rows.step.amounts(low),
        high=rows.step.amounts(high),
        benefit=benefit,
        marginal=grounds.marginal,
        held_by=tuple(rows.name(source) for source in grounds.held),
        reasons=reasons(grounds),
        flags=at_plan(curves, grounds.amount),
        wrong_cut_probability=grounds.wrong_cut,
        rules=tuple(report for source in range(len(rows.sources)) for report in _reports(rows, steps, source)),
        bound=bound,
        bound_by="dual" if optimum is None else optimum.bound_by,
        rounding_loss=loss,
        gap=_gap(bound, loss, value),
        objective=value,
        at_choices=bool(rows.parts or rows.choices),
        price=price,
        better_than_last_year=better_than_last_year(readings, rows, steps),
        rigid=rows.step.money(rows.rigid),
        method="lp" if optimum is None else optimum.method,
        rounds=0 if optimum is None else optimum.rounds,
        risk=risk(curves, rows, steps, settings.objective),
    )


def _gap(bound: float, loss: float, value: float) -> float:
    """Return how far the draft stays below what is proven possible, as a share of it."""
    scale = max(abs(bound), LEAST_SCALE * abs(value))
    return (bound - loss - value) / scale if scale > 0 or math.isnan(bound) else 0.0


def _grounds(
    scenario: Scenario, evidence: Evidence, curves: Curves, *, rows: Rows, steps: IntArray, price: float
) -> Grounds:
    """Return what the reasons of a draft rest on: a line that stands at its bound is held by it, others by nobody."""
    at_high = (steps == rows.hi) & (rows.hi_by >= 0)
    at_low = (steps == rows.lo) & (rows.lo > 0)
    held = np.where(at_high, rows.hi_by, np.where(at_low, rows.lo_by, -1))
    unknown = floats(np.full(len(rows.id), np.nan))
    wrong = unknown if math.isnan(price) else wrong_cut(curves, rows, steps, price=price, held=integers(held))
    return Grounds(
        scenario=scenario,
        evidence=evidence,
        curves=curves,
        rows=rows,
        amount=rows.step.amounts(steps),
        last=last_budget(scenario),
        marginal=floats(up(in_steps(curves.expected, rows.step), steps) / rows.step.size),
        price=price,
        held=tuple(held.tolist()),
        pressed=booleans(at_high),
        eased=unknown,
        wrong_cut=wrong,
    )


def _reports(rows: Rows, steps: IntArray, source: int) -> Iterator[RuleReport]:
    """Yield the reports of a source without prices, which only an optimal plan has."""
    kind, allocated = rows.sources[source].standing, int(steps.sum())
    if kind == "total":
        held_back = reserve_left(rows, steps)
        yield _report(rows, source, sense="ceiling", level=rows.total, activity=allocated + held_back)
    elif kind == "reserve":
        yield _report(rows, source, sense="floor", level=rows.reserve, activity=reserve_left(rows, steps))
    else:
        for together in rows.sums:
            if together.source == source:
                yield report(
                    rows,
                    source,
                    sense=together.sense,
                    level=together.level,
                    activity=together.activity(steps),
                    slack=together.slack(steps),
                    row=together.label,
                    grain=together.grain,
                    hard=together.penalty is None,
                )
        yield from tallies(rows, steps, source, held=())
        for limit in rows.each:
            if limit.source == source:
                yield from _reports_of_each(rows, steps, limit)


def _reports_of_each(rows: Rows, steps: IntArray, limit: Each) -> Iterator[RuleReport]:
    """Yield the report of all lines of a limit together, then of every line at or beyond its number."""
    is_fix = rows.sources[limit.source].kind == "fix" and limit.is_fix
    sides: tuple[tuple[Sense, IntArray, BoolArray], ...] = (
        ("floor", limit.low, limit.low > 0),
        ("ceiling", limit.high, limit.high < FREE),
    )
    if is_fix:
        sides = (("fix", limit.low, limit.low >= 0),)
    for sense, levels, bound in sides:
        if not bound.any():
            continue
        lines, level = limit.project[bound], levels[bound]
        room = _room(sense, level, steps[lines])
        slack = int(room[room < 0].sum() or room.sum())
        yield _report(
            rows, limit.source, sense=sense, level=int(level.sum()), activity=int(steps[lines].sum()),
            covered=len(lines), slack=slack, binding=bool((room <= 0).any()),
        )  # fmt: skip
        for place in np.flatnonzero(room <= 0).tolist():
            line = int(lines[place])
            yield _report(
                rows, limit.source, sense=sense, level=int(level[place]), activity=int(steps[line]), row=rows.id[line]
            )


def _room(sense: Sense, level: IntArray, activity: IntArray) -> IntArray:
    """Return the room left under limits [steps]; below zero where they are broken."""
    if sense == "fix":
        return np.asarray(-np.abs(activity - level))
    return np.asarray(level - activity if sense == "ceiling" else activity - level)


def _report(
    rows: Rows,
    source: int,
    *,
    sense: Sense,
    level: int,
    activity: int,
    row: str = "",
    covered: int = 1,
    slack: int | None = None,
    binding: bool | None = None,
) -> RuleReport:
    left = int(_room(sense, integers(level), integers(activity))) if slack is None else slack
    return report(
        rows,
        source,
        sense=sense,
        level=level,
        activity=activity,
        slack=left,
        row=row,
        covered=covered,
        binding=binding,
    )
