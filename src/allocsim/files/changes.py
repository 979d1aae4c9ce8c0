"""Changes from outside the file: ``--set key=value`` typed by the schema, and the named sets of ``[variant.*]``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allocsim.errors import Problem, Text, UsageError
from allocsim.files.marks import DEEPEST, faults_of, unmarked
from allocsim.files.merge import Lines, merged
from allocsim.model.nearest import did_you_mean
from allocsim.model.scenario import apply_changes
from allocsim.model.settings import NAMED_LISTS, Settings
from allocsim.model.statement import dotted_hint, keyed, place_of, try_settings

SET = "--set"
"""What stands in place of a file where a key was set from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A statement after changes from outside.

    Attributes
    ----------
    raw
        The statement.
    lines
        Dotted key -> (file, line).
    values
        Dotted key -> the value it took, text read as the schema wants it.
    problems
        The keys that cannot be set.
    """

    raw: dict[str, Any]
    lines: dict[str, tuple[str, int]]
    values: dict[str, object]
    problems: tuple[Problem, ...]


def with_variant(
    raw: Mapping[str, Any], name: str, lines: Lines
) -> tuple[dict[str, Any], dict[str, tuple[str, int]], list[Problem]]:
    """Return a statement under one of its variants, the lines of its keys, and what is wrong with the variant.

    Dotted keys (``"budget.total" = 1245000``) are set one by one; sections and lists without dots are merged like a
    child over its parent.
    """
    variants = raw.get("variant")
    known = variants if isinstance(variants, Mapping) else {}
    if not isinstance(known.get(name), Mapping):
        message = Text(f"there is no variant '{name}'", f"没有名为“{name}”的变体")
        hint = did_you_mean(name, [str(word) for word in known]) or Text(
            "the scenario has no variants", "该方案没有变体"
        )
        return dict(raw), dict(lines), [Problem(message=message, hint=hint, key=f"variant.{name}")]
    result, places = dict(raw), dict(lines)
    problems: list[Problem] = []
    for key, value in known[name].items():
        stated = f"variant.{name}.{key}"
        if "." not in key and isinstance(value, Mapping | list):
            result = merged(result, {key: value})
            below = {part[len(f"variant.{name}.") :]: at for part, at in lines.items() if part.startswith(stated)}
            places.update(below)
            continue
        changed, wrong = _changed(result, key, value, place_of(stated, lines))
        result = changed
        problems += wrong
        place = place_of(stated, lines)
        if place is not None:
            places[key] = place
    return result, places, problems


def parse_changes(words: Sequence[str]) -> dict[str, str]:
    """Return ``key=value`` words as a mapping; a later one of the same key wins.

    Raises
    ------
    UsageError
        If a word has no ``=`` or no key.
    """
    changes = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise UsageError(Text(f"--set {word}: write key=value", f"--set {word}：请写成 键=值"))
        changes[key.strip()] = value.strip()
    return changes


def with_changes(raw: Mapping[str, Any], changes: Mapping[str, Any], lines: Lines) -> Changed:
    """Return a statement with dotted keys set, the values they took, and the keys that cannot be set.

    Parameters
    ----------
    raw
        The merged statement.
    changes
        Dotted key -> value. Text is read as a TOML value where it is one (``110000``, ``true``, ``[1, 2]``), unless the
        schema wants text there; other values are taken as they are.
    lines
        Dotted key -> (file, line).
    """
    result, places = dict(raw), dict(lines)
    taken: dict[str, object] = {}
    problems: list[Problem] = []
    for key, stated in changes.items():
        value = typed_value(stated)
        changed, wrong = _changed(result, key, value, (SET, 0))
        if not wrong and isinstance(stated, str) and _wants_text(changed, key, lines):
            value = stated
            changed, wrong = _changed(result, key, value, (SET, 0))
        result, taken[key] = changed, value
        problems += wrong
        places[key] = (SET, 0)
    return Changed(raw=result, lines=places, values=taken, problems=tuple(problems))


def typed_value(value: Any) -> Any:
    """Return text as the TOML value that it spells; what spells none stays text, what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        values = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return value
    return values["value"] if set(values) == {"value"} else value


def _wants_text(raw: Mapping[str, Any], key: str, lines: Lines) -> bool:
    """Tell whether the schema refuses the value just set at ``key`` because text belongs there."""
    _, refusals = try_settings(raw, lines)
    return any(refusal.problem.key == key and refusal.wants_text for refusal in refusals)


def _changed(
    raw: dict[str, Any], key: str, value: Any, place: tuple[str, int] | None
) -> tuple[dict[str, Any], list[Problem]]:
    head, _, rest = key.partition(".")
    problem: Problem | None = None
    if faults := faults_of({key: value}):
        said = unmarked(key if len(key) <= 60 else f"{key[:57]}...")
        return raw, [_at(place, said, Text(f"'{said}' {en}", f"“{said}”{zh}"), hint) for _, (en, zh), hint in faults]
    if head not in Settings.model_fields or not all(key.split(".")) or key.count(".") > DEEPEST:
        message = Text(f"unknown key '{key}'", f"未知的键“{key}”")
        problem = _at(place, key, message, dotted_hint(key))
    elif head in ("extends", "variant"):
        message = Text(f"'{key}' cannot be set from here", f"“{key}”不能在此设置")
        problem = _at(place, key, message, Text("write it in scenario.toml", "请写在 scenario.toml 中"))
    elif head in NAMED_LISTS and rest:
        problem = _unknown_entry(raw, head, rest, value, place)
    if problem is not None:
        return raw, [problem]
    return apply_changes(raw, {key: value}), []


def _unknown_entry(
    raw: Mapping[str, Any], head: str, rest: str, value: Any, place: tuple[str, int] | None
) -> Problem | None:
    entries = raw.get(head, [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        return _at(place, head, Text(f"'{head}' is no list", f"“{head}”不是列表"), None)
    names = [str(entry.get("name", "")) for entry in entries]
    if rest in names or any(rest.startswith(f"{name}.") for name in names) or isinstance(value, Mapping):
        return None
    word = rest.rpartition(".")[0] or rest
    message = Text(f"there is no {head} named '{word}'", f"没有名为“{word}”的{_WORDS[head]}")
    return _at(place, f"{head}.{rest}", message, did_you_mean(word, names))


_WORDS = {"rule": "规则", "policy": "应对策略"}


def _at(place: tuple[str, int] | None, key: str, message: Text, hint: Text | None) -> Problem:
    return keyed(key, message, {key: place} if place else {}, hint=hint)
