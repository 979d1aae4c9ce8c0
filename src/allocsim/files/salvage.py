"""What can still be judged of settings that are refused in part, so that one slip does not hide the others."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from allocsim.model.settings import NAMED_LISTS, Settings
from allocsim.model.statement import Refusal, try_settings

_STAND_INS: Mapping[str, Any] = {"title": "?", "year": 1900, "tables": {}, "budget": {"total": 0.0}}


def salvaged(raw: Mapping[str, Any], refusals: Sequence[Refusal]) -> Settings | None:
    """Return settings without the keys that are refused, or None where nothing holds together without them.

    A refused entry of a list is left out as a whole; a required key gets a stand-in, so the result serves for checks of
    rules against tables and for nothing else.
    """
    kept = copy.deepcopy(dict(raw))
    dropped: set[tuple[str, int]] = set()
    for refusal in refusals:
        path = refusal.path
        if len(path) > 1 and path[0] in NAMED_LISTS and isinstance(path[1], int):
            dropped.add((str(path[0]), path[1]))
        else:
            _drop(kept, path)
    for head in NAMED_LISTS:
        entries = kept.get(head)
        if isinstance(entries, list):
            kept[head] = [entry for index, entry in enumerate(entries) if (head, index) not in dropped]
    for key, stand_in in _STAND_INS.items():
        stated = kept.get(key)
        kept[key] = (
            {**stand_in, **stated}
            if isinstance(stand_in, dict) and isinstance(stated, dict)
            else kept.get(key, stand_in)
        )
    settings, _ = try_settings(kept, {})
    return settings


def _drop(node: Any, path: Sequence[str | int]) -> None:
    """Take one key out; inside a list the whole list goes, since its other entries mean nothing without it."""
    for position, step in enumerate(path):
        last = position == len(path) - 1
        below = path[position + 1] if not last else None
        if not isinstance(node, dict) or step not in node:
            return
        if last or isinstance(below, int):
            del node[step]
            return
        node = node[step]
