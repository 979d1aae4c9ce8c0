"""One year, the whole way, on one page: records -> evidence -> curves -> plan -> a year of weather -> comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from allocsim.compare.compare import compare
from allocsim.curves import fit as fitting
from allocsim.evaluate import scores
from allocsim.model.arrays import BoolArray, booleans
from allocsim.model.comparison import Comparison
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.plan import Plan
from allocsim.model.policy import HardRow, Policy
from allocsim.model.result import Result
from allocsim.model.scenario import Scenario
from allocsim.model.shock import WeatherSource
from allocsim.model.trajectory import Outcomes
from allocsim.optimise import plan as planning
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.limits import Rows
from allocsim.policies.catalogue import policies as stated_policies
from allocsim.policies.own import own_policies
from allocsim.shocks.source import districts, weather_source
from allocsim.simulate.run import RunOptions, usual_pace
from allocsim.simulate.run import run as live
from allocsim.simulate.world import UserProcess
from allocsim.simulate.year import Year, year_lines
from allocsim.study.showing import fill

Stage = Literal["evaluate", "fit", "plan", "simulate"]
Told = Callable[[str], None]
CALM_LANES = 256
"""Lanes of years without any shock, in which the cost of being ready is counted."""
SENSES: dict[str, tuple[Literal[">=", "<="], ...]] = {"floor": (">=",), "ceiling": ("<=",), "fix": (">=", "<=")}

fill()


def evaluate(scenario: Scenario) -> Evidence:
    """Pool the scores of all raters into one score a project and year, with intervals and grades."""
    return scores.evaluate(scenario)


def fit(scenario: Scenario, evidence: Evidence | None = None) -> Curves:
    """Fit the benefit curves; the scores are evaluated first where no ``evidence`` is given."""
    return fitting.fit(scenario, evidence or evaluate(scenario))


def plan(scenario: Scenario, curves: Curves | None = None) -> Plan:
    """Plan next year, certified and explained; curves are fitted first where none are given.

    Raises
    ------
    RulesConflict
        If no plan can keep all rules.
    """
    evidence = evaluate(scenario)
    return planning.plan(scenario, evidence, curves or fit(scenario, evidence))


def simulate(
    scenario: Scenario,
    plan: Plan | None = None,
    *,
    policies: Sequence[Policy] | None = None,
    shocks: WeatherSource | None = None,
    processes: Sequence[UserProcess] = (),
    jobs: int = 1,
) -> Comparison:
    """Try adjustment policies against the weather, from the optimal plan where none is given.

    Parameters
    ----------
    scenario
        What is planned.
    plan
        The plan from which the year starts.
    policies
        Policies of one's own, which are compared with the baseline; those of the scenario where absent. A policy is an
        object with a ``name``, a ``kind`` and the methods of :class:`allocsim.model.policy.Policy`: it says on which
        days it wants to be asked, may keep a state, and then asks for :class:`~allocsim.model.policy.Moves`.
    shocks
        A source of weather of one's own.
    processes
        SimPy processes of one's own, started in every lane's world.
    jobs
        Workers; figures never depend on it.

    Raises
    ------
    UsageError
        If one of ``policies`` is no policy; says what it lacks, before anything is computed.
    AllocsimError
        If a policy asks for what the law, the books or the plan's rules forbid; names the policy and the day.
    RulesConflict
        If no plan is given and none can keep all rules.

    Examples
    --------
    A policy that pays an equal share of the reserve to every district whose index passes a half. All arrays have a
    leading axis of lanes, the years that advance together; money is in whole steps:

    >>> class Early:
    ...     name = kind = "early"
    ...
    ...     def days(self, brief):  # days of the year on which it is asked
    ...         return (200, 214, 228)
    ...
    ...     def begin(self, brief, lanes):  # a state of its own, or None
    ...         return None
    ...
    ...     def act(self, brief, seen, state):  # seen.index (lanes, districts), seen.reserve (lanes,)
    ...         relief = np.where(seen.index > 0.5, seen.reserve[:, None] // seen.index.shape[1], 0)
    ...         return al.Moves(relief=relief) if relief.any() else None
    >>> comparison = al.simulate(scenario, plan, policies=[Early()])
    >>> comparison.to_frame()
    """
    own = None if policies is None else own_policies(policies)
    evidence = evaluate(scenario)
    curves = fit(scenario, evidence)
    start = plan or planning.plan(scenario, evidence, curves)
    chosen = None if own is None else _with_baseline(scenario, own)
    known = (evidence, curves, start)
    return _lived(scenario, *known, policies=chosen, shocks=shocks, processes=tuple(processes), jobs=jobs)[1]


def run(scenario: Scenario, *, until: Stage = "simulate", jobs: int = 1, told: Told = lambda stage: None) -> Result:
    """Go the whole way, or as far as ``until``.

    Parameters
    ----------
    scenario
        What to plan and how.
    until
        The last stage to carry out.
    jobs
        Workers of the simulation; figures never depend on it.
    told
        Called with the name of each stage as it begins.

    Raises
    ------
    RulesConflict
        If no plan can keep all rules.
    """
    told("evaluate")
    result = Result(scenario=scenario, evidence=(evidence := evaluate(scenario)))
    if until == "evaluate":
        return result
    told("fit")
    result = replace(result, curves=(curves := fit(scenario, evidence)))
    if until == "fit":
        return result
    told("plan")
    result = replace(result, plan=(start := planning.plan(scenario, evidence, curves)))
    if until == "plan":
        return result
    told("simulate")
    outcomes, comparison = _lived(scenario, evidence, curves, start, jobs=jobs)
    return replace(result, outcomes=outcomes, comparison=comparison)


def _lived(
    scenario: Scenario,
    evidence: Evidence,
    curves: Curves,
    start: Plan,
    *,
    policies: tuple[Policy, ...] | None = None,
    shocks: WeatherSource | None = None,
    processes: tuple[UserProcess, ...] = (),
    jobs: int = 1,
) -> tuple[Outcomes, Comparison]:
    """Live the year in every lane under every policy, and compare."""
    settings = scenario.settings.simulate
    chosen = stated_policies(scenario) if policies is None else policies
    weather = shocks or weather_source(scenario)
    year = _year(scenario, evidence, curves, start)
    options = RunOptions(replications=settings.replications, seed=settings.seed, jobs=jobs, processes=processes)
    outcomes = live(year, chosen, weather, options=options)
    calm = live(
        year,
        chosen,
        weather_source(scenario.replace(**{"shocks.preset": "none", "shocks.hazard": ()})),
        options=replace(options, replications=min(CALM_LANES, settings.replications), jobs=1, processes=()),
    )
    return outcomes, compare(outcomes, settings.baseline, unspent_worth=settings.unspent_worth, calm=calm)


def _with_baseline(scenario: Scenario, own: tuple[Policy, ...]) -> tuple[Policy, ...]:
    """Return policies of one's own with the scenario's baseline among them."""
    baseline = scenario.settings.simulate.baseline
    if any(policy.name == baseline for policy in own):
        return own
    return (*(policy for policy in stated_policies(scenario) if policy.name == baseline), *own)


def _year(scenario: Scenario, evidence: Evidence, curves: Curves, start: Plan) -> Year:
    """Return the year of the plan, its brief told the usual pace of every line from pilot lanes of their own."""
    limits = rows(scenario, evidence)
    year = year_lines(
        scenario, start, curves, rows=_hard_rows(limits), still=_still(limits), districts=districts(scenario)
    )
    return year.told(usual_pace(year, weather_source(scenario, prefix="pilot/")))


def _hard_rows(limits: Rows) -> tuple[HardRow, ...]:
    """Return the sum rules that moves within the year must keep: all but the total, which the ledger keeps itself."""
    kept = []
    for limit in limits.sums[1:]:
        if limit.is_plain:
            chosen = booleans(np.isin(np.arange(len(limits.id)), limit.members))
            for sense in SENSES[limit.sense]:
                kept.append(HardRow(name=limits.name(limit.source), sense=sense, members=chosen, level=limit.level))
    return tuple(kept)


def _still(limits: Rows) -> BoolArray:
    """Return the lines that stay as planned: those of pots, of holes and counts, and of limits by a column (p,).

    Such rules are of the plan as a whole; a move within the year that kept them would be a new plan.
    """
    bound = [holes.project for holes in limits.parts]
    bound += [choice.members for choice in limits.choices]
    bound += [pot.members for pot in limits.pots]
    bound += [limit.members for limit in limits.sums if limit.weight is not None and limit.penalty is None]
    still = np.zeros(len(limits.id))
    still[np.concatenate([np.zeros(0, dtype=np.int64), *bound])] = 1.0
    return booleans(still)
