"""Problems of the simulated year: policies that nobody describes, days out of order, a baseline that is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from allocsim.errors import Problem, Text
from allocsim.model.nearest import did_you_mean
from allocsim.model.settings import Settings
from allocsim.model.statement import keyed

Lines = Mapping[str, tuple[str, int]]
KINDS = ("hold", "threshold", "reserve_index", "reoptimise")
"""Policies that need no entry of their own: their names are their kinds."""


def policy_problems(settings: Settings, places: Lines) -> Iterator[Problem]:
    """Yield policies of ``[simulate]`` that are neither described nor built in, or named twice."""
    known = [*KINDS, *(policy.name for policy in settings.policy)]
    listed = settings.simulate.policies
    for position, name in enumerate(listed):
        key = "simulate.policies"
        if name not in known:
            message = Text(f"'{key}': there is no policy '{name}'", f"“{key}”：没有名为“{name}”的应对策略")
            yield keyed(key, message, places, hint=did_you_mean(name, known))
        if name in listed[:position]:
            yield keyed(key, Text(f"'{key}' names '{name}' twice", f"“{key}”重复列出“{name}”"), places)
    baseline = settings.simulate.baseline
    if baseline not in known:
        key = "simulate.baseline"
        message = Text(f"'{key}': there is no policy '{baseline}'", f"“{key}”：没有名为“{baseline}”的应对策略")
        yield keyed(key, message, places, hint=did_you_mean(baseline, known))
