"""The policies that a scenario compares: those it names, the baseline always among them and first."""

from __future__ import annotations

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.model import settings
from allocsim.model.nearest import did_you_mean
from allocsim.model.policy import Policy
from allocsim.model.scenario import Scenario
from allocsim.policies.hold import Hold
from allocsim.policies.reoptimise import Reoptimise
from allocsim.policies.reserve_index import ReserveIndex
from allocsim.policies.threshold import Threshold

KINDS = ("hold", "threshold", "reserve_index", "reoptimise")
"""Kinds that a scenario may name without spelling a policy out."""


def policies(scenario: Scenario) -> tuple[Policy, ...]:
    """Return the policies that a scenario compares, the baseline first, each once.

    ``simulate.policies`` and ``simulate.baseline`` name entries of ``[[policy]]``, or a kind, which then stands with
    its default figures.

    Raises
    ------
    InvalidInput
        If a name is neither an entry of ``[[policy]]`` nor a kind; all such names are listed.
    """
    stated = {entry.name: entry for entry in scenario.settings.policy}
    simulate = scenario.settings.simulate
    known = (*stated, *KINDS)
    problems = [
        _unknown(scenario, key, name, known)
        for key, names in (("simulate.baseline", (simulate.baseline,)), ("simulate.policies", simulate.policies))
        for name in names
        if name not in known
    ]
    if problems:
        raise InvalidInput(problems)
    names = dict.fromkeys((simulate.baseline, *simulate.policies))
    return tuple(policy_of(stated[name]) if name in stated else _of_kind(name) for name in names)


def policy_of(stated: settings.PolicySettings) -> Policy:
    """Return the policy that one entry of ``[[policy]]`` states."""
    match stated:
        case settings.Threshold():
            return Threshold(name=stated.name, tau=stated.tau, cut=stated.cut)
        case settings.ReserveIndex():
            return ReserveIndex(
                name=stated.name,
                attach=stated.attach,
                exit=stated.exit,
                cover=stated.cover,
                trigger=stated.trigger,
            )
        case settings.Reoptimise():
            return Reoptimise(name=stated.name, trust=stated.trust)
        case settings.Hold():
            return Hold(name=stated.name)


def _of_kind(kind: str) -> Policy:
    of_kind: dict[str, Policy] = {
        "hold": Hold(),
        "threshold": Threshold(),
        "reserve_index": ReserveIndex(),
        "reoptimise": Reoptimise(),
    }
    return of_kind[kind]


def _unknown(scenario: Scenario, key: str, name: str, known: tuple[str, ...]) -> Problem:
    message = Text(f"no policy is named '{name}'", f"没有名为“{name}”的应对策略")
    file, line = scenario.lines.get(key, (None, None))
    return Problem(message=message, hint=did_you_mean(name, known), file=file, line=line or None, key=key)
