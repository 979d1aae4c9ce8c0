"""Reads the rulebooks that ship with the package."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.model.evidence import Grade, Rulebook
from allocsim.model.nearest import did_you_mean

_SUFFIX = ".toml"


def names() -> tuple[str, ...]:
    """Return the names of the shipped rulebooks in alphabetical order."""
    found = (entry.name for entry in files("allocsim.rulebooks").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def rulebook(name: str) -> Rulebook:
    """Return one shipped rulebook.

    Raises
    ------
    InvalidInput
        If no rulebook has this name; the nearest name is offered.
    """
    shipped = names()
    if name not in shipped:
        raise InvalidInput([_unknown(name, shipped)])
    data = tomllib.loads((files("allocsim.rulebooks") / f"{name}{_SUFFIX}").read_text(encoding="utf-8"))
    grades = tuple(Grade(**grade) for grade in data["grades"])
    return Rulebook(name=name, title=data["title"], source=data["source"], grades=grades)


def _unknown(name: str, shipped: tuple[str, ...]) -> Problem:
    return Problem(
        message=Text(f"no rulebook is called {name!r}", f"没有名为“{name}”的规则库"),
        hint=did_you_mean(name, shipped),
        key="evaluate.rulebook",
    )
