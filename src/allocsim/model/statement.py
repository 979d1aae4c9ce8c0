"""From what scenario.toml states to settings: every key that is refused becomes a problem in two languages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from allocsim.errors import Problem, Text
from allocsim.model.nearest import did_you_mean, nearest
from allocsim.model.refusal import SELECTIONS, hint_of, is_told_whole, message_of
from allocsim.model.settings import NAMED_LISTS, Settings

Path = tuple[str | int, ...]
"""Keys and list indices from the top of the statement."""
Lines = Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A key that the settings refuse, the problem as it is told, and whether text would be taken there."""

    path: Path
    problem: Problem
    wants_text: bool = False


def try_settings(
    raw: Mapping[str, Any], lines: Lines, *, changed: Collection[str] = ()
) -> tuple[Settings | None, tuple[Refusal, ...]]:
    """Return the settings that ``raw`` states, or None with every key that is refused.

    Parameters
    ----------
    raw
        The merged statement.
    lines
        Dotted key -> (file, line), for the places of problems.
    changed
        Dotted keys that were set from outside the files: an unknown one is answered with the dotted key meant.
    """
    try:
        return Settings.model_validate(raw), ()
    except ValidationError as error:
        return None, tuple(_refusals(raw, error.errors(include_url=False), lines, changed))


def key_of(raw: Mapping[str, Any], path: Path) -> str:
    """Return a path as people write it: entries of lists by their name (``rule.pupils first.amount``)."""
    node: Any = raw
    words: list[str] = []
    for part in path:
        node = _child(node, part)
        if isinstance(part, int):
            name = node.get("name") if isinstance(node, Mapping) else None
            if isinstance(name, str) and name:
                words.append(name)
            elif words:
                words[-1] += f"[{part + 1}]"
        else:
            words.append(part)
    return ".".join(words)


def place_of(key: str, lines: Lines) -> tuple[str, int] | None:
    """Return file and line of a dotted key, or of the nearest part above it that has one."""
    while key and key not in lines:
        key = key.rpartition(".")[0] if "[" not in key.rpartition(".")[2] else key.rpartition("[")[0]
    return lines.get(key)


def keyed(key: str, message: Text, lines: Lines, *, hint: Text | None = None, warning: bool = False) -> Problem:
    """Return a problem of one dotted key, at the line where the key or what holds it stands."""
    place = place_of(key, lines)
    return Problem(
        message=message,
        hint=hint,
        file=place[0] if place else None,
        line=(place[1] or None) if place else None,
        key=key,
        severity="warning" if warning else "error",
    )


def dotted_hint(key: str) -> Text | None:
    """Return the hint for an unknown dotted key: those that end like it, else the nearest of all."""
    ends = {each: each.rpartition(".")[2] for each in _dotted(Settings)}
    above, _, last = key.rpartition(".")
    meant = last if last in ends.values() or above else nearest(last, ends.values())
    same = [each for each, end in ends.items() if end == meant]
    if not same:
        found = nearest(key, ends)
        same = [found] if found is not None else []
    if not same:
        return did_you_mean(key.partition(".")[0], Settings.model_fields)
    en, zh = " or ".join(f"'{each}'" for each in same), "或".join(f"“{each}”" for each in same)
    return Text(f"did you mean {en}?", f"是否应为{zh}？")


def _dotted(model: type[BaseModel]) -> list[str]:
    """Return every dotted key that can be set; lists of tables and selections count as one value."""
    keys = []
    for name, field in model.model_fields.items():
        of_union = get_origin(field.annotation) is UnionType
        ways = get_args(field.annotation) if of_union else (field.annotation,)
        below = [way for way in ways if isinstance(way, type) and issubclass(way, BaseModel)]
        if name not in ("tables", "extends", "variant"):
            keys += [f"{name}.{key}" for each in below for key in _dotted(each)] or [name]
    return keys


def _refusals(
    raw: Mapping[str, Any], errors: Sequence[ErrorDetails], lines: Lines, changed: Collection[str]
) -> list[Refusal]:
    groups: dict[Path, list[ErrorDetails]] = {}
    for error in errors:
        groups.setdefault(_path(raw, error), []).append(error)
    return [_refusal(raw, path, group, lines, changed) for path, group in groups.items()]


def _refusal(
    raw: Mapping[str, Any], path: Path, group: list[ErrorDetails], lines: Lines, changed: Collection[str]
) -> Refusal:
    key = key_of(raw, path)
    value = _value(raw, path)
    unknown = group[0]["type"] == "extra_forbidden" and not is_told_whole(path)
    stated = next((each for each in changed if each == key or each.startswith(f"{key}.")), None)
    if unknown and stated is not None and path[0] not in NAMED_LISTS:
        hint = dotted_hint(stated)
    else:
        hint = _unknown_key_hint(raw, path) if unknown else hint_of(path, group, value)
    problem = keyed(key, message_of(key, path, group, value), lines, hint=hint)
    takes_text = any(error["type"] == "string_type" for error in group) and not isinstance(
        value, Mapping | list | tuple
    )
    return Refusal(path=path, problem=problem, wants_text=takes_text)


def _path(raw: Mapping[str, Any], error: ErrorDetails) -> Path:
    """Return where in ``raw`` an error lies: pydantic's own steps into unions are left out."""
    steps = list(error["loc"])
    if len(steps) > 2 and steps[0] in ("rule", "policy"):
        entry = _value(raw, tuple(steps[:2]))
        if isinstance(entry, Mapping) and entry.get("kind") == steps[2]:
            del steps[2]
    node: Any = raw
    path: list[str | int] = []
    for position, step in enumerate(steps):
        if _has(node, step):
            node = _child(node, step)
            path.append(step)
        elif position == len(steps) - 1 and error["type"] == "missing" and isinstance(step, str):
            path.append(step)
        if _closed(path):
            break
    return tuple(path)


def _closed(path: Sequence[str | int]) -> bool:
    """Tell whether a path is a union told as a whole: a table, or one condition of a selection."""
    above = path[-2] if len(path) > 1 else None
    return above in SELECTIONS or (above == "tables" and len(path) == 2) or path[-1:] == ["min_change"]


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, Mapping):
        return step in node
    return isinstance(node, list | tuple) and isinstance(step, int) and step < len(node)


def _child(node: Any, step: str | int) -> Any:
    return node[step] if _has(node, step) else None


def _value(raw: Mapping[str, Any], path: Path) -> Any:
    node: Any = raw
    for step in path:
        node = _child(node, step)
    return node


def _unknown_key_hint(raw: Mapping[str, Any], path: Path) -> Text | None:
    """Return the nearest known key of the section, or the section to which the key belongs."""
    key = str(path[-1])
    known = sorted({name for model in _models(raw, path[:-1]) for name in _fields(model)})
    homes = [section for section, models in _sections().items() if any(key in _fields(model) for model in models)]
    if homes and not homes[0]:
        return Text(
            f"'{key}' stands at the top of the file, above the first [section]",
            f"“{key}”应写在文件最前面、第一个[小节]之前",
        )
    if homes:
        return Text(f"'{key}' belongs under [{homes[0]}]", f"“{key}”应写在[{homes[0]}]之下")
    return did_you_mean(key, known)


def _sections() -> dict[str, list[type[BaseModel]]]:
    sections: dict[str, list[type[BaseModel]]] = {"": [Settings]}
    for name, field in Settings.model_fields.items():
        if name in NAMED_LISTS:
            continue
        sections[name] = _inside(field.annotation)
    return sections


def _models(raw: Mapping[str, Any], path: Path) -> list[type[BaseModel]]:
    """Return the models that a path of ``raw`` may be, by the kind it states where kinds are told apart."""
    models: list[type[BaseModel]] = [Settings]
    for position, step in enumerate(path):
        if isinstance(step, int):
            entry = _value(raw, path[: position + 1])
            kind = entry.get("kind") if isinstance(entry, Mapping) else None
            models = [model for model in models if _kind(model) in (None, kind)] or models
        else:
            below = [
                model.model_fields[name] for model in models for name in model.model_fields if _named(model, name, step)
            ]
            models = [found for field in below for found in _inside(field.annotation)]
    return models


def _named(model: type[BaseModel], name: str, key: str) -> bool:
    return key in (name, model.model_fields[name].alias)


def _kind(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field else None


def _fields(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _inside(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside an annotation such as ``tuple[A | B, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _inside(part)]
