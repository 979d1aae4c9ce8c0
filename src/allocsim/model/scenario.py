"""A scenario: what scenario.toml states, the tables it names, and where every rule and input stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.model.money import MoneyStep
from allocsim.model.settings import NAMED_LISTS, Settings
from allocsim.model.statement import try_settings
from allocsim.model.table import Table

QUIET = ("language", "simulate.seed")
"""Keys that are no overrides: they change in what words, or on which draws, but not what is asked."""


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
    folder
        The scenario's folder, resolved.
    raw
        What the settings were made from: the statement after ``extends``, the variant and the changes. ``extends`` is
        resolved and gone, table paths are relative to ``folder``, the named variants are kept as stated.
    variant
        The variant that was asked for, or None.
    overrides
        Dotted key -> value of every change from outside the files and the variant, in the order in which they were
        made, but for :data:`QUIET`; read-only.
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
    variant: str | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "overrides", MappingProxyType(dict(self.overrides)))

    def __reduce__(self) -> tuple[Any, ...]:
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        return _made_again, ({**held, "overrides": dict(self.overrides)},)

    @property
    def step(self) -> MoneyStep:
        """The whole money of this scenario."""
        return MoneyStep(self.settings.money_step)

    def replace(self, **changes: Any) -> Scenario:
        """Return a scenario with other settings, keys dotted as on the command line; its tables stay as read.

        Raises
        ------
        InvalidInput
            If a key or its value is refused, or names another table: tables are read by ``load`` only. No file is
            blamed for what this call states.
        KeyError
            If a list of tables has no entry of that name.

        Examples
        --------
        ``scenario.replace(**{"budget.total": 110000})``
        """
        tables = [key for key in changes if key.partition(".")[0] == "tables"]
        if tables:
            message = Text("tables are read when a scenario is loaded", "数据表只在载入方案时读取")
            hint = Text("load it again with these changes", "请带上这些改动重新载入")
            raise InvalidInput([Problem(message=message, hint=hint, key=key) for key in tables])
        raw = apply_changes(self.raw, changes)
        settings, refusals = try_settings(raw, {}, changed=tuple(changes))
        if settings is None:
            raise InvalidInput([refusal.problem for refusal in refusals])
        return replace(
            self,
            settings=settings,
            raw=raw,
            lines={key: place for key, place in self.lines.items() if not _within(key, changes)},
            overrides=overridden(self.overrides, changes),
        )


def overridden(overrides: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return the overrides after further changes: a key set again, or as part of a whole, counts once."""
    kept = {key: value for key, value in overrides.items() if not _within(key, changes)}
    return {**kept, **{key: value for key, value in changes.items() if key not in QUIET}}


def _within(key: str, changes: Mapping[str, object]) -> bool:
    """Tell whether a key is one of those changed, or lies below one."""
    return any(key == changed or key.startswith((f"{changed}.", f"{changed}[")) for changed in changes)


def _made_again(held: Mapping[str, Any]) -> Scenario:
    return Scenario(**held)


def apply_changes(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``raw`` with dotted keys set; in a list of tables (``rule``, ``policy``) the second part is a name.

    Setting a whole entry (``rule.NAME``) puts a table in its place or at the end; ``false`` takes the entry out.

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
    below = result.get(head, [] if head in NAMED_LISTS else {})
    if isinstance(below, list | tuple):
        result[head] = _set_named(list(below), head, rest, value)
    else:
        result[head] = _set(below if isinstance(below, Mapping) else {}, rest, value)
    return result


def _set_named(entries: list[Any], head: str, rest: str, value: Any) -> list[Any]:
    """Set a key of the entry whose name opens ``rest``; names may hold dots, so the longest match wins."""
    names = [str(entry.get("name", "")) for entry in entries]
    matches = [i for i, name in enumerate(names) if rest.startswith(f"{name}.")]
    if rest in names or (not matches and isinstance(value, Mapping)):
        return _set_entry(entries, names, rest, value)
    if not matches:
        raise KeyError(f"{head}.{rest}")
    found = max(matches, key=lambda i: len(names[i]))
    entries[found] = _set(entries[found], rest[len(names[found]) + 1 :], value)
    return entries


def _set_entry(entries: list[Any], names: list[str], name: str, value: Any) -> list[Any]:
    if value is False:
        return [entry for entry, known in zip(entries, names, strict=True) if known != name]
    entry = {"name": name, **value} if isinstance(value, Mapping) else value
    if name in names:
        entries[names.index(name)] = entry
        return entries
    return [*entries, entry]
