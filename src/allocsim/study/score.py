"""A plan written by hand: scored on the same curves and under the same rules as the optimum."""

from __future__ import annotations

from dataclasses import replace

from allocsim.model.arrays import FloatArray
from allocsim.model.draft import Draft, ForgoneByFix
from allocsim.model.result import Result
from allocsim.model.scenario import Scenario
from allocsim.optimise.draft import draft, forgone_by_fix
from allocsim.study.year import Told, evaluate, fit


def score(
    scenario: Scenario, amounts: FloatArray, *, told: Told = lambda stage: None
) -> tuple[Result, Draft, tuple[ForgoneByFix, ...]]:
    """Score a plan written by hand: what it breaks, what it forgoes, and what each fixed amount forgoes.

    Parameters
    ----------
    scenario
        What is planned.
    amounts
        Amount of each line (p,) [money], whole multiples of the step.
    told
        Called with the name of each stage as it begins.

    Returns
    -------
    tuple
        The result whose plan is the draft, the draft with the optimum beside it, and the fixes (none where the rules
        themselves conflict).
    """
    told("evaluate")
    evidence = evaluate(scenario)
    told("fit")
    curves = fit(scenario, evidence)
    told("plan")
    found = draft(scenario, evidence, curves, amounts)
    fixes = () if found.optimum is None else forgone_by_fix(scenario, evidence, curves)
    result = Result(scenario=scenario, evidence=evidence, curves=curves)
    return replace(result, plan=found.plan), found, fixes
