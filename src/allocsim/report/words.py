"""One look-up for every word that people read, in Chinese and in English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language.

    Attributes
    ----------
    language
        ``"zh"`` or ``"en"``.
    entries
        Dotted key -> template with named blanks.
    """

    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **blanks: str) -> str:
        """Return the words of ``key`` with its blanks filled.

        Raises
        ------
        KeyError
            If the key is unknown or a blank has nothing to fill it: a raw code never reaches a reader.
        """
        return self.entries[key].format_map(blanks)

    def count(self, key: str, n: int, **blanks: str) -> str:
        """Return the words of ``key`` for ``n`` things, with the number in ``{n}``: ``key_one`` where it is one."""
        return self(f"{key}_one" if n == 1 else key, n=f"{n:,}", **blanks)

    def __contains__(self, key: str) -> bool:
        """Tell whether the key is known."""
        return key in self.entries

    def known(self, prefix: str, word: str) -> str:
        """Return the words of ``prefix.word``, or ``word`` itself where it is a name of the user's own."""
        return self.entries.get(f"{prefix}.{word}", word)

    def join(self, parts: list[str]) -> str:
        """Return clauses joined the way the language joins clauses."""
        return ("；" if self.language == "zh" else "; ").join(parts)

    def sentences(self, parts: list[str]) -> str:
        """Return sentences one after another."""
        return ("" if self.language == "zh" else " ").join(parts)

    def enumerate(self, parts: list[str]) -> str:
        """Return items joined the way the language lists items."""
        return ("、" if self.language == "zh" else ", ").join(parts)


@cache
def words(language: str) -> Words:
    """Return the words of ``language``.

    Raises
    ------
    KeyError
        If the house does not speak it.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    text = files("allocsim.report").joinpath("lexicon", f"{language}.toml").read_text(encoding="utf-8")
    return Words(language, dict(_flat(tomllib.loads(text), "")))


def blanks(template: str) -> frozenset[str]:
    """Return the names of the blanks of a template."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


def _flat(node: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    entries: list[tuple[str, str]] = []
    for key, value in node.items():
        if isinstance(value, Mapping):
            entries += _flat(value, f"{prefix}{key}.")
        else:
            entries.append((f"{prefix}{key}", str(value)))
    return entries
