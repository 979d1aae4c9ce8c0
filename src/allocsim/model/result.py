"""Result: one year, the whole way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from allocsim.model.comparison import Comparison
from allocsim.model.curve import Curves
from allocsim.model.display import Shown
from allocsim.model.evidence import Evidence
from allocsim.model.plan import Plan
from allocsim.model.scenario import Scenario
from allocsim.model.trajectory import Outcomes

Noun = TypeVar("Noun")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result(Shown):
    """What a run leaves: each stage's noun, in the order in which they were made; None where a stage was not run."""

    scenario: Scenario
    evidence: Evidence | None = None
    curves: Curves | None = None
    plan: Plan | None = None
    outcomes: Outcomes | None = None
    comparison: Comparison | None = None


def there(noun: Noun | None, name: str) -> Noun:
    """Return a noun that must be there.

    Raises
    ------
    ValueError
        If the result does not hold it: its stage was not carried out.
    """
    if noun is None:
        raise ValueError(f"this result holds no {name}")
    return noun
