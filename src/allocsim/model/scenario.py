"""A scenario: what scenario.toml states, the tables it names, and where every rule and input stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from allocsim.model.money import MoneyStep
from allocsim.model.settings import Settings
from allocsim.model.table import Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """Everything a run needs, read and checked; holds data only and touches no disk.

    Attributes
    ----------
    name
        Name of the scenario's folder.
    settings
        The merged, checked settings.
    projects
        The projects table, axis p in the order of the file.
    records, indicators, districts, departments, curves
        The other tables, or None where the scenario names none.
    lines
        Key path (``"rule.education keeps its level"``, ``"budget.total"``) -> (file, line), for messages.
    inputs
        Relative path of every file read -> sha256, for the manifest.
    sources
        What :func:`allocsim.files.scenario.load` needs to read the scenario again with other settings.
    """

    name: str
    settings: Settings
    projects: Table
    records: Table | None = None
    indicators: Table | None = None
    districts: Table | None = None
    departments: Table | None = None
    curves: Table | None = None
    lines: Mapping[str, tuple[str, int]]
    inputs: Mapping[str, str]
    folder: Path
    raw: Mapping[str, Any]

    @property
    def step(self) -> MoneyStep:
        """The whole money of this scenario."""
        return MoneyStep(self.settings.money_step)

    def replace(self, **changes: Any) -> Scenario:
        """Return a scenario with other settings, keys dotted as on the command line.

        Examples
        --------
        ``scenario.replace(**{"budget.total": 110000})``
        """
        from_keys = apply_changes(self.raw, changes)
        return replace(self, settings=Settings.model_validate(from_keys), raw=from_keys)


def apply_changes(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``raw`` with dotted keys set; in a list of tables (``rule``, ``policy``) the second part is a name.

    Raises
    ------
    KeyError
        If a list of tables has no entry of that name.
    """
    result: dict[str, Any] = dict(raw)
    for key, value in changes.items():
        result = _set(result, key, value)
    return result


def _set(node: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    result = dict(node)
    head, _, rest = key.partition(".")
    if not rest:
        result[head] = value
        return result
    below = result.get(head, {})
    if isinstance(below, list | tuple):
        result[head] = _set_named(list(below), head, rest, value)
    else:
        result[head] = _set(below if isinstance(below, Mapping) else {}, rest, value)
    return result


def _set_named(entries: list[Any], head: str, rest: str, value: Any) -> list[Any]:
    """Set a key of the entry whose name opens ``rest``; names may hold dots, so the longest match wins."""
    matches = [i for i, e in enumerate(entries) if rest.startswith(f"{e.get('name')}.")]
    if not matches:
        raise KeyError(f"{head}.{rest}")
    found = max(matches, key=lambda i: len(entries[i]["name"]))
    name = entries[found]["name"]
    entries[found] = _set(entries[found], rest[len(name) + 1 :], value)
    return entries
