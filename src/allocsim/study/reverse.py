"""The plan in reverse: the cheapest total that reaches a target benefit."""

from __future__ import annotations

from allocsim.model.scenario import Scenario
from allocsim.optimise.reverse import cheapest
from allocsim.study.year import evaluate, fit


def reaching(scenario: Scenario, target: float) -> Scenario:
    """Return the scenario with the cheapest total whose plan reaches ``target`` [benefit].

    Raises
    ------
    UsageError
        If the target is out of reach, or the least total that the rules allow already brings more.
    RulesConflict
        If no plan can keep all rules.
    """
    evidence = evaluate(scenario)
    _, total = cheapest(scenario, evidence, fit(scenario, evidence), target)
    return scenario.replace(**{"budget.total": total})
