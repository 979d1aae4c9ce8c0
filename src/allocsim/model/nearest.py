"""The word that was probably meant, and how to say so in a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from allocsim.errors import Text

_SHOWN = 8


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word closest to ``word``, or None where none is close.

    A word counts as close when it is equal but for case and spaces, when one holds the other (Chinese names are short:
    ``教育局`` for ``教育``), or when difflib's ratio reaches 0.6.
    """
    choices = sorted(set(known) - {""})
    plain = _plain(word)
    for choice in choices:
        if _plain(choice) == plain:
            return choice
    close = difflib.get_close_matches(plain, [_plain(choice) for choice in choices], n=1, cutoff=0.6)
    if close:
        return next(choice for choice in choices if _plain(choice) == close[0])
    inside = [choice for choice in choices if len(plain) > 1 and (plain in _plain(choice) or _plain(choice) in plain)]
    return min(inside, key=lambda choice: (abs(len(choice) - len(word)), choice), default=None)


def did_you_mean(word: str, known: Iterable[str]) -> Text | None:
    """Return the hint for an unknown word: the nearest known one, else the known ones where they are few."""
    choices = sorted(set(known) - {""})
    found = nearest(word, choices)
    if found is not None:
        return Text(f"did you mean '{found}'?", f"是否应为“{found}”？")
    if not choices:
        return None
    shown = choices[:_SHOWN]
    more = len(choices) - len(shown)
    return Text(
        f"known: {', '.join(shown)}" + (f" and {more} more" if more else ""),
        f"可用：{'、'.join(shown)}" + (f" 等{len(choices)}个" if more else ""),
    )


def _plain(word: str) -> str:
    return "".join(word.casefold().replace("_", "").replace("-", "").split())
