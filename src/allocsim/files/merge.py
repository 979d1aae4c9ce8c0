"""One statement from a scenario.toml and those it extends: who wins, where each key stands, and which folders count."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from allocsim.errors import Problem, Text
from allocsim.files import positions
from allocsim.files.toml import Document, read_toml
from allocsim.model.statement import key_of

FILE = "scenario.toml"
_DEEPEST = 10
Lines = Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a scenario.toml and its parents state together.

    Attributes
    ----------
    raw
        The merged values, without ``extends``; table paths are relative to the scenario's folder.
    lines
        Dotted key -> (file, line).
    folders
        Resolved folders in which tables may lie: the scenario's own first.
    inputs
        File relative to the scenario's folder -> sha256.
    problems
        What is wrong so far.
    broken
        True where a file of the chain could not be read: what is missing then says nothing.
    """

    raw: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, tuple[str, int]] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    broken: bool = False


def read_statement(path: Path) -> Statement:
    """Return what a scenario.toml states, merged over what it extends."""
    return _read(path, path.parent.resolve(), ())


def merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``child`` over ``parent``: tables key by key, lists of named tables by name, all else replaced.

    A table among ``tables`` is replaced as a whole, so that a child's CSV never meets a parent's sheet. An entry of a
    named list keeps the parent's place; new ones follow in the child's order.
    """
    result = dict(parent)
    for key, value in child.items():
        above = result.get(key)
        if key == "tables" and isinstance(value, Mapping) and isinstance(above, Mapping):
            result[key] = {**above, **value}
        elif isinstance(value, Mapping) and isinstance(above, Mapping) and key not in _WHOLE:
            result[key] = merged(above, value)
        elif isinstance(value, list) and isinstance(above, list) and _named(value) and _named(above):
            result[key] = _merged_lists(above, value)
        else:
            result[key] = value
    return result


_WHOLE = ("where", "except", "lines", "cut", "crops")
"""Tables that mean something only together: a child's replaces its parent's."""


def named_lines(raw: Mapping[str, Any], lines: Mapping[positions.Path, tuple[str, int]]) -> dict[str, tuple[str, int]]:
    """Return lines under keys as people write them, list entries by name."""
    return {key_of(raw, path): place for path, place in lines.items()}


def _read(path: Path, home: Path, above: tuple[Path, ...]) -> Statement:
    shown = _relative(path, home)
    document = read_toml(path, shown)
    own = _statement(document, path.parent.resolve(), home, shown)
    target = document.values.get("extends")
    if target is None:
        return own
    place = own.lines.get("extends")
    parent_path, problem = _parent(target, path, (*above, path.resolve()), place)
    if problem is not None or parent_path is None:
        return replace(own, problems=(*own.problems, *([problem] if problem else [])), broken=True)
    parent = _read(parent_path, home, (*above, path.resolve()))
    return Statement(
        raw=merged(parent.raw, own.raw),
        lines={**parent.lines, **own.lines},
        folders=(*own.folders, *parent.folders),
        inputs={**parent.inputs, **own.inputs},
        problems=(*own.problems, *parent.problems),
        broken=own.broken or parent.broken,
    )


def _statement(document: Document, folder: Path, home: Path, shown: str) -> Statement:
    raw = {key: value for key, value in document.values.items() if key != "extends"}
    lines = {path: (shown, line) for path, line in document.lines.items()}
    doubled = _doubled_names(document.values, lines)
    if isinstance(raw.get("tables"), Mapping) and folder != home:
        raw["tables"] = {
            name: table if name == "example" else _moved(table, folder, home) for name, table in raw["tables"].items()
        }
    return Statement(
        raw=raw,
        lines=named_lines(document.values, lines),
        folders=(folder,),
        inputs={shown: document.digest} if document.digest else {},
        problems=(*document.problems, *doubled),
        broken=bool(document.problems),
    )


def _parent(
    target: object, path: Path, chain: tuple[Path, ...], place: tuple[str, int] | None
) -> tuple[Path | None, Problem | None]:
    """Return the scenario.toml that ``extends`` names, or what is wrong with the name."""

    def refuse(en: str, zh: str, hint: Text | None = None) -> tuple[None, Problem]:
        file, line = place or (path.name, 1)
        return None, Problem(
            message=Text(f"'extends' {en}", f"extends {zh}"), hint=hint, file=file, line=line, key="extends"
        )

    if not isinstance(target, str) or not target:
        return refuse("must name a folder in quotes", "必须是加引号的文件夹名")
    if is_absolute(target):
        return refuse(
            f"must be a path relative to this file, not '{target}'",
            f"必须是相对本文件的路径，不能是“{target}”",
            Text('such as "../base"', '如 "../base"'),
        )
    found = path.parent / target
    try:
        found = found / FILE if found.is_dir() else found
        there = found.is_file()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return refuse(f"names '{target}', which cannot be read: {reason}", f"指向“{target}”，但无法读取：{reason}")
    if not there:
        hint = slash_hint(target)
        return refuse(f"names '{target}', where no {FILE} is", f"指向“{target}”，但那里没有 {FILE}", hint)
    if found.resolve() in chain:
        return refuse(f"goes in a circle at '{target}'", f"在“{target}”处循环引用")
    if len(chain) > _DEEPEST:
        return refuse(
            f"makes too long a chain at '{target}': at most {_DEEPEST} scenarios one above the other",
            f"在“{target}”处层数过多：最多连续引用{_DEEPEST}层",
            Text("extend one of the upper scenarios directly", "请直接引用上层方案"),
        )
    return found, None


def _doubled_names(values: Mapping[str, Any], lines: Mapping[positions.Path, tuple[str, int]]) -> list[Problem]:
    """Return the entries of one file's lists that bear a name for the second time."""
    problems = []
    for head, word in (("rule", "规则"), ("policy", "应对策略")):
        entries = values.get(head)
        seen: dict[str, int] = {}
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            name = entry.get("name") if isinstance(entry, Mapping) else None
            if not isinstance(name, str):
                continue
            if name in seen:
                first = lines.get((head, seen[name]), ("", 0))
                file, line = lines.get((head, index), ("", 0))
                problems.append(
                    Problem(
                        message=Text(f"two {head} entries are named '{name}'", f"有两条{word}都叫“{name}”"),
                        hint=Text(
                            f"the first stands in line {first[1]}: rename one", f"第一条在第{first[1]}行：请改名"
                        ),
                        file=file,
                        line=line,
                        key=f"{head}.{name}",
                    )
                )
            seen.setdefault(name, index)
    return problems


def _named(value: list[Any]) -> bool:
    """Tell whether a list is one of tables that all have a name, none of them twice."""
    if not value:
        return False
    names = [entry.get("name") if isinstance(entry, Mapping) else None for entry in value]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _merged_lists(above: list[Any], value: list[Any]) -> list[Any]:
    new = {entry["name"]: entry for entry in value}
    kept = [merged(entry, new.pop(entry["name"])) if entry["name"] in new else entry for entry in above]
    return [*kept, *new.values()]


def _moved(table: Any, folder: Path, home: Path) -> Any:
    """Return a table's file as seen from the scenario's folder; a wrong path stays as stated, to be refused later."""
    if isinstance(table, Mapping) and isinstance(table.get("file"), str):
        return {**table, "file": _moved(table["file"], folder, home)}
    if not isinstance(table, str) or is_absolute(table):
        return table
    return PurePosixPath(os.path.relpath(folder / table, home)).as_posix()


def slash_hint(name: str) -> Text | None:
    """Return the hint for a path in the spelling of Windows, or None."""
    if "\\" not in name:
        return None
    right = name.replace("\\", "/")
    return Text(f"in paths write /: '{right}'", f"路径请用 /：“{right}”")


def is_absolute(name: str) -> bool:
    """Tell whether a path starts at a root or a drive, in the spelling of any system."""
    windows = PureWindowsPath(name)
    return PurePosixPath(name).is_absolute() or bool(windows.drive or windows.root) or name.startswith("~")


def _relative(path: Path, home: Path) -> str:
    return PurePosixPath(os.path.relpath(path.parent.resolve() / path.name, home)).as_posix()
