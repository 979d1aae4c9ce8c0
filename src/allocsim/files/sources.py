"""The files behind the tables: where they may lie, each read once, its digest kept."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.files.examples import michigan_schools
from allocsim.files.grid import Unreadable
from allocsim.files.merge import is_absolute, slash_hint
from allocsim.files.tables import TEXTS, bytes_of, table_from
from allocsim.model.settings import TABLES
from allocsim.model.statement import keyed
from allocsim.model.table import Table

Lines = Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sources:
    """The tables of a scenario, the digests of their files, and what is wrong with them.

    ``complete`` is False where a table is named that could not be read: what it lacks then says nothing.
    """

    tables: dict[str, Table]
    inputs: dict[str, str]
    problems: tuple[Problem, ...]
    complete: bool


def read_sources(raw: Mapping[str, Any], lines: Lines, folders: Sequence[Path]) -> Sources:
    """Return every table that a statement names.

    Parameters
    ----------
    raw
        The merged statement; paths relative to ``folders[0]``.
    lines
        Dotted key -> (file, line), for the place of a path that is refused.
    folders
        Resolved folders in which tables may lie.
    """
    named = raw.get("tables")
    wanted = _wanted(named if isinstance(named, Mapping) else {})
    tables: dict[str, Table] = {}
    contents: dict[Path, tuple[bytes, str]] = {}
    inputs: dict[str, str] = {}
    problems: list[Problem] = []
    complete = True
    for name, (file, sheet) in wanted.items():
        try:
            path = _allowed(file, folders)
            if path not in contents:
                contents[path] = bytes_of(path, file)
        except Unreadable as error:
            told = replace(error.problem, hint=_hint(file, error.problem))
            problems.append(_placed(told, f"tables.{name}", lines))
            complete = False
            continue
        if sheet is not None and path.suffix.lower() in TEXTS:
            message = Text(f"{file} has no sheets: 'sheet' is not used", f"{file}不是工作簿：sheet 不起作用")
            problems.append(keyed(f"tables.{name}.sheet", message, lines, warning=True))
        data, digest = contents[path]
        inputs[file] = digest
        read = table_from(data, file, name, sheet=sheet)
        problems += read.problems
        if read.table is None:
            complete = False
        else:
            tables[name] = read.table
    if isinstance(named, Mapping) and named.get("example") == "michigan-schools":
        tables, wrong = _with_example(tables)
        problems += [_placed(problem, "tables.example", lines) for problem in wrong]
        complete = complete and not wrong
    elif isinstance(named, Mapping) and "projects" not in named:
        message = Text("'tables.projects' is missing", "缺少“tables.projects”")
        problems.append(_placed(Problem(message=message), "tables.projects", lines))
        complete = False
    return Sources(tables=tables, inputs=inputs, problems=tuple(problems), complete=complete)


def _with_example(tables: Mapping[str, Table]) -> tuple[dict[str, Table], tuple[Problem, ...]]:
    """Return the tables over those of the example, or why the example cannot be had."""
    try:
        return {**michigan_schools(), **tables}, ()
    except InvalidInput as error:
        return dict(tables), error.problems


def _wanted(named: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return table -> (file, sheet) for the tables whose entry makes sense; the settings refuse the others."""
    wanted: dict[str, tuple[str, str | None]] = {}
    for name in TABLES:
        entry = named.get(name)
        if isinstance(entry, str):
            wanted[name] = (entry, None)
        elif isinstance(entry, Mapping) and isinstance(entry.get("file"), str) and isinstance(entry.get("sheet"), str):
            wanted[name] = (entry["file"], entry["sheet"])
    return wanted


def _allowed(file: str, folders: Sequence[Path]) -> Path:
    """Return the resolved path of a table's file.

    Raises
    ------
    Unreadable
        If the path is absolute or leads, by ``..`` or a link, out of every folder that counts.
    """
    if not file.strip() or "\0" in file:
        raise Unreadable(repr(file), Text("names no file", "不是文件名"))
    if is_absolute(file):
        raise Unreadable(
            file,
            Text("is an absolute path", "是绝对路径"),
            hint=Text(
                "put the file into the scenario's folder and name it from there", "请把文件放进方案文件夹并写相对路径"
            ),
        )
    path = Path(os.path.realpath(folders[0] / PurePosixPath(file)))
    if not any(path.is_relative_to(folder) for folder in folders):
        raise Unreadable(
            file,
            Text("lies outside the scenario's folder", "在方案文件夹之外"),
            hint=Text(
                "put the file into the scenario's folder, or name its folder in 'extends'",
                "请把文件放进方案文件夹，或在 extends 中指明其文件夹",
            ),
        )
    return path


def _hint(file: str, problem: Problem) -> Text | None:
    """Return the hint for a file that is not there: its slashes first, where the path could hold otherwise."""
    return (None if is_absolute(file) else slash_hint(file)) or problem.hint


def _placed(problem: Problem, key: str, lines: Lines) -> Problem:
    """Return a problem at the line of the key that names the file."""
    placed = keyed(key, problem.message, lines, hint=problem.hint)
    return placed if placed.file else replace(placed, file=problem.file)
