"""Planning in reverse: the least money whose best plan reaches a benefit that is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from allocsim.errors import Text, UsageError
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.plan import Plan
from allocsim.model.rule import MOST_MONEY
from allocsim.model.scenario import Scenario
from allocsim.model.settings import MOST_STEPS
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.conflict.clauses import shown
from allocsim.optimise.conflict.conflict import conflict
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import TOTAL
from allocsim.optimise.plan import plan

STILL = 1e-9
"""Share of the benefit below which what twice the money brings counts as nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One total tried: its whole steps, and what its best plan brings; None where no plan keeps all rules."""

    steps: int
    benefit: float | None


class Totals:
    """The best benefit of every total, under the rules as they read at that total; each is worked out once.

    Parameters
    ----------
    scenario
        What is planned; its own total is only where the search begins.
    evidence
        Latest scores and grades.
    curves
        Benefit of spending.
    """

    def __init__(self, scenario: Scenario, evidence: Evidence, curves: Curves) -> None:
        self._scenario, self._evidence = scenario, evidence
        self._curves = in_steps(curves.expected, scenario.step)
        self._tried: dict[int, Try] = {}

    def at(self, steps: int) -> Try:
        """Return what a total brings."""
        if steps not in self._tried:
            limits = rows(with_total(self._scenario, steps), self._evidence)
            try:
                found = allocate(self._curves, limits)
            except NoneFits:
                self._tried[steps] = Try(steps=steps, benefit=None)
            else:
                self._tried[steps] = Try(steps=steps, benefit=found.certificate.benefit)
        return self._tried[steps]


def cheapest(scenario: Scenario, evidence: Evidence, curves: Curves, target: float) -> tuple[Plan, float]:
    """Return the plan of the least total that reaches a benefit, and that total [money].

    The totals under which all rules can hold are an interval, and the best benefit rises with the total in it, because
    the limits are linear in the total and the curves concave and rising. So the least total is found by bisection on
    whole steps. It reaches the target and the total one step below does not, both by their best plans, which are as
    sure as their certificates.

    Parameters
    ----------
    scenario
        What to plan; its total is not used, but the reserve and all rules are.
    evidence
        Latest scores and grades.
    curves
        Benefit of spending, with draws.
    target
        Benefit wanted, in the unit of the plan's benefit.

    Raises
    ------
    UsageError
        If the target is no number above zero; if no total reaches it, with the most that can be reached; if the least
        total that the rules allow brings more already, with that total.
    InvalidInput
        If a rule cannot be read as a limit.
    RulesConflict
        If the rules hold neither at the scenario's own total nor at any of those tried, each twice the last or half.
    """
    if not (math.isfinite(target) and target > 0):
        raise UsageError(Text(f"--target {target}: write a number above zero", f"--target {target}：请写大于零的数"))
    totals = Totals(scenario, evidence, curves)
    first = _some_that_holds(totals, scenario, evidence)
    high = _reaching(totals, first, target, scenario)
    low = _below(totals, high, target)
    while high.steps - low.steps > 1:
        middle = totals.at((low.steps + high.steps) // 2)
        low, high = (low, middle) if _reaches(middle, target) else (middle, high)
    if low.benefit is None and high.benefit is not None and high.benefit > target:
        raise _too_much(scenario, high, target)
    planned = with_total(scenario, high.steps)
    return plan(planned, evidence, curves), planned.settings.budget.total


def with_total(scenario: Scenario, steps: int) -> Scenario:
    """Return the scenario with a total of whole steps."""
    return scenario.replace(**{TOTAL: scenario.step.money(steps)})


def _reaches(tried: Try, target: float) -> bool:
    return tried.benefit is not None and tried.benefit >= target


def _most_steps(scenario: Scenario) -> int:
    """Return the largest total that a scenario may state [steps]."""
    return min(scenario.step.down(MOST_MONEY), int(MOST_STEPS))


def _some_that_holds(totals: Totals, scenario: Scenario, evidence: Evidence) -> Try:
    """Return a total under which all rules can hold: the scenario's own, else twice as much again and again, or half.

    Raises
    ------
    RulesConflict
        Of the scenario's own total, if there is none.
    """
    own, most = scenario.step.down(scenario.settings.budget.total), _most_steps(scenario)
    rising = [own]
    while rising[-1] < most:
        rising.append(min(most, max(1, 2 * rising[-1])))
    falling = [own >> halves for halves in range(1, own.bit_length() + 1)]
    for steps in (*rising, *falling):
        if (tried := totals.at(steps)).benefit is not None:
            return tried
    raise conflict(scenario, rows(scenario, evidence))


def _reaching(totals: Totals, first: Try, target: float, scenario: Scenario) -> Try:
    """Return a total that reaches the target: the first, or twice as much as long as money still brings something.

    Raises
    ------
    UsageError
        If none does.
    """
    best, most = first, _most_steps(scenario)
    while not _reaches(best, target):
        if best.steps == most:
            raise _out_of_reach(best, target)
        more = totals.at(min(most, max(1, 2 * best.steps)))
        if more.benefit is None:
            more = _last_that_holds(totals, best, more)
            if not _reaches(more, target):
                raise _out_of_reach(more, target)
        elif not _reaches(more, target) and _rise(best, more) <= STILL * abs(more.benefit):
            raise _out_of_reach(more, target)
        best = more
    return best


def _rise(less: Try, more: Try) -> float:
    return (more.benefit or 0.0) - (less.benefit or 0.0)


def _last_that_holds(totals: Totals, holds: Try, conflicts: Try) -> Try:
    """Return the largest total under which all rules can hold, between one that does and one that does not."""
    while conflicts.steps - holds.steps > 1:
        middle = totals.at((holds.steps + conflicts.steps) // 2)
        holds, conflicts = (holds, middle) if middle.benefit is None else (middle, conflicts)
    return holds


def _below(totals: Totals, high: Try, target: float) -> Try:
    """Return a total below ``high`` that does not reach the target; one step below nothing where even nothing does."""
    reach = 1
    while high.steps - reach >= 0:
        tried = totals.at(high.steps - reach)
        if not _reaches(tried, target):
            return tried
        reach *= 2
    nothing = totals.at(0)
    return nothing if not _reaches(nothing, target) else Try(steps=-1, benefit=None)


def _out_of_reach(most: Try, target: float) -> UsageError:
    reached = shown(most.benefit or 0.0)
    return UsageError(
        Text(
            f"--target {shown(target)} is out of reach: under these rules no total brings more than {reached}",
            f"--target {shown(target)}无法达到：在现行规则下，总额再多也至多取得{reached}",
        )
    )


def _too_much(scenario: Scenario, least: Try, target: float) -> UsageError:
    money, unit, brings = scenario.step.money(least.steps), scenario.settings.unit, shown(least.benefit or 0.0)
    return UsageError(
        Text(
            f"--target {shown(target)} is below what the least total that the rules allow brings: "
            f"{shown(money)} {unit} bring {brings}",
            f"--target {shown(target)}低于规则所允许的最小总额{shown(money)}{unit}已能取得的{brings}",
        )
    )
