"""Every problem and every doubt of a scenario, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from allocsim.errors import Problem
from allocsim.files.changes import with_variant
from allocsim.files.doubts import doubts
from allocsim.files.names import name_problems
from allocsim.files.scenario import in_order, read_scenario
from allocsim.model.scenario import Scenario
from allocsim.model.statement import try_settings


def check(
    path: str | Path, *, changes: Mapping[str, Any] | None = None, variant: str | None = None
) -> tuple[Problem, ...]:
    """Return every problem of a scenario: errors first, then warnings. Without errors it can be run.

    Parameters are those of :func:`allocsim.files.scenario.load`. Where no variant is asked for, every variant's own
    keys are checked too.

    Raises
    ------
    UsageError
        If there is no scenario at ``path``.
    """
    reading = read_scenario(path, changes=changes, variant=variant)
    problems = list(reading.problems)
    if reading.scenario is not None:
        problems += doubts(reading.scenario)
        if variant is None:
            problems += _variant_problems(reading.scenario)
    return in_order(problems)


def _variant_problems(scenario: Scenario) -> Iterator[Problem]:
    """Yield what is wrong with the keys of the named variants; their tables are those of the scenario."""
    for name in scenario.settings.variant:
        raw, lines, problems = with_variant(scenario.raw, name, scenario.lines)
        yield from problems
        settings, refusals = try_settings(raw, lines)
        for refusal in refusals:
            yield refusal.problem
        if settings is not None:
            yield from name_problems(settings, lines)
