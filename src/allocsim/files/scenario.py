"""Reading a scenario: the statement, its settings, its tables, and every problem of all three at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allocsim.errors import InvalidInput, Problem, Text, UsageError
from allocsim.files.changes import with_changes, with_variant
from allocsim.files.links import link_problems
from allocsim.files.merge import FILE, read_statement
from allocsim.files.rows import row_problems
from allocsim.files.salvage import salvaged
from allocsim.files.selections import rule_problems
from allocsim.files.sources import Sources, read_sources
from allocsim.model.nearest import nearest
from allocsim.model.scenario import Scenario, overridden
from allocsim.model.settings import Settings
from allocsim.model.statement import try_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What became of a scenario: itself, where no error stands in its way, and every problem found."""

    scenario: Scenario | None
    problems: tuple[Problem, ...]


def load(path: str | Path, *, changes: Mapping[str, Any] | None = None, variant: str | None = None) -> Scenario:
    """Return a scenario, read and checked.

    Parameters
    ----------
    path
        A scenario folder or its scenario.toml.
    changes
        Dotted key -> value, set over everything the files state. Text is read as a TOML value where the schema takes
        one there (``"110000"``, ``"true"``, ``'["hold"]'``); other values are taken as they are.
    variant
        Name of a variant, set before ``changes``.

    Raises
    ------
    InvalidInput
        With every problem of the statement, the tables and between them; warnings stand after the errors.
    UsageError
        If there is no scenario at ``path``.
    """
    reading = read_scenario(path, changes=changes, variant=variant)
    if reading.scenario is None:
        raise InvalidInput(reading.problems)
    return reading.scenario


def read_scenario(path: str | Path, *, changes: Mapping[str, Any] | None = None, variant: str | None = None) -> Reading:
    """Return a scenario with its errors and warnings; parameters as in :func:`load`.

    Raises
    ------
    UsageError
        If there is no scenario at ``path``.
    """
    file = find_scenario(path)
    statement = read_statement(file)
    if statement.broken:
        return Reading(scenario=None, problems=in_order(statement.problems))
    problems = list(statement.problems)
    raw, lines = statement.raw, statement.lines
    if variant is not None:
        raw, lines, wrong = with_variant(raw, variant, lines)
        problems += wrong
    changed = with_changes(raw, changes or {}, lines)
    raw, lines = changed.raw, changed.lines
    problems += changed.problems
    settings, refusals = try_settings(raw, lines, changed=tuple(changed.values))
    problems += [refusal.problem for refusal in refusals]
    sources = read_sources(raw, lines, statement.folders)
    problems += sources.problems
    judged = settings or salvaged(raw, refusals)
    problems += table_problems(judged, sources, lines)
    scenario = None
    if settings is not None and not any(problem.severity == "error" for problem in problems):
        scenario = Scenario(
            name=file.parent.resolve().name if file.name == FILE else file.stem,
            settings=settings,
            **sources.tables,
            lines=lines,
            inputs={**statement.inputs, **sources.inputs},
            folder=statement.folders[0],
            raw=raw,
            variant=variant,
            overrides=overridden({}, changed.values),
        )
    return Reading(scenario=scenario, problems=in_order(problems))


def table_problems(settings: Settings | None, sources: Sources, lines: Mapping[str, tuple[str, int]]) -> list[Problem]:
    """Return the problems within tables, between them, and of the rules that select from them.

    Parameters
    ----------
    settings
        The settings, or what could be saved of them; None = nothing to hold the tables against.
    sources
        The tables that could be read, and the problems of reading them.
    lines
        Dotted key -> (file, line).
    """
    tables = sources.tables
    refused = {(problem.file, problem.line, problem.key) for problem in sources.problems if problem.key}
    problems = [
        problem
        for table in tables.values()
        for problem in row_problems(table, frozenset((line, key) for file, line, key in refused if file == table.file))
    ]
    problems += link_problems(tables, lines, complete=sources.complete)
    if settings is not None:
        problems += rule_problems(settings, tables, lines)
    return problems


def language_of(path: str | Path) -> str:
    """Return the language in which a scenario speaks: the one it states, zh where it states none, en where unread."""
    try:
        statement = read_statement(find_scenario(path))
    except UsageError:
        return "en"
    return "en" if statement.broken or statement.raw.get("language") == "en" else "zh"


def find_scenario(path: str | Path) -> Path:
    """Return the scenario.toml that a path means.

    Raises
    ------
    UsageError
        If there is none.
    """
    try:
        return _found(Path(path))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(Text(f"cannot read {path}: {reason}", f"无法读取{path}：{reason}")) from error


def _found(given: Path) -> Path:
    file = given / FILE if given.is_dir() else given
    if file.is_file():
        return file
    if given.is_dir():
        raise UsageError(Text(f"{given} holds no {FILE}", f"{given}中没有 {FILE}"))
    close = _close_folder(given)
    hint = Text(f"; did you mean {close}?", f"；是否应为{close}？") if close else Text("", "")
    raise UsageError(Text(f"there is no scenario at {given}{hint.en}", f"{given}处没有方案{hint.zh}"))


def in_order(problems: list[Problem] | tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return problems without doubles, errors first, each in the order in which it was found."""
    distinct = list(dict.fromkeys(problems))
    return tuple(sorted(distinct, key=lambda problem: problem.severity != "error"))


def _close_folder(given: Path) -> Path | None:
    try:
        names = sorted(entry.name for entry in given.parent.iterdir() if (entry / FILE).is_file())
    except OSError:
        return None
    close = nearest(given.name, names)
    return given.parent / close if close else None
