"""The rules of a budget as numbers: limits of lines and of sums, in whole steps, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.money import MoneyStep

FREE = 2**52
"""Steps that stand for "no ceiling": beyond any amount, yet exact in a float."""
TOTAL, RESERVE = "budget.total", "budget.reserve"
COMMITTED, LEAST, MOST = "projects.committed", "projects.min", "projects.max"
Sense = Literal["floor", "ceiling", "fix"]
Standing = Literal["rule", "total", "reserve", "line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a limit comes from.

    Attributes
    ----------
    name, kind, basis
        Of the rule as stated; the money and the columns of projects have names of their own (``budget.total``,
        ``projects.max``).
    must
        True where the money is due by law, contract or entitlement: signed commitments, amounts that are fixed line
        by line, and floors of each line of a class.
    standing
        A rule, the total, the reserve, or a limit that each line states of itself.
    """

    name: str
    kind: str
    basis: str
    must: bool
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Each:
    """One source's limits line by line: ``low <= x[project] <= high`` [steps].

    Attributes
    ----------
    source
        Index into the sources.
    project
        The lines bound (c,).
    low, high
        Least and most of each (c,) [steps]; 0 = no floor, :data:`FREE` = no ceiling. A fixed amount has low = high.
    """

    source: int
    project: IntArray
    low: IntArray
    high: IntArray

    @property
    def is_fix(self) -> bool:
        """Tell whether every line is held to one amount."""
        return bool((self.low == self.high).all())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sum:
    """One source's limit of a sum over lines [steps]; ``label`` tells the rows of one rule apart."""

    source: int
    label: str
    sense: Sense
    members: IntArray
    level: int

    def activity(self, x: IntArray) -> int:
        """Return the sum over the members [steps]."""
        return int(x[self.members].sum())

    def slack(self, x: IntArray) -> int:
        """Return the room left [steps]; negative where the limit is broken."""
        activity = self.activity(x)
        if self.sense == "fix":
            return -abs(self.level - activity)
        return self.level - activity if self.sense == "ceiling" else activity - self.level


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """All limits of a plan, compiled; axis p in the order of the projects table.

    Attributes
    ----------
    id
        Of each line (p,).
    step
        The whole money in which all else is counted.
    sources
        Rules in the order of the file, then the total, the reserve and the limits that lines state of themselves.
    each
        Limits line by line, in the order of ``sources``.
    sums
        Limits of sums over lines; the first is the total less the reserve, over all lines.
    lo, hi
        Bounds of each line (p,) [steps]: the tightest of ``each``. A line without a ceiling may have one step more
        than all there is, so that this bound never holds it.
    lo_by, hi_by
        Index into ``sources`` of what sets the bound (p,); -1 where nothing does.
    total, reserve
        [steps]
    last
        Last budget of each line (p,) [steps], not always whole; NaN where there is none.
    """

    id: tuple[str, ...]
    step: MoneyStep
    sources: tuple[Source, ...]
    each: tuple[Each, ...]
    sums: tuple[Sum, ...]
    lo: IntArray
    hi: IntArray
    lo_by: IntArray
    hi_by: IntArray
    total: int
    reserve: int
    last: FloatArray

    @property
    def available(self) -> int:
        """What the lines may have together [steps]."""
        return self.total - self.reserve

    @property
    def rigid(self) -> int:
        """What law, contract and entitlement fix: the sum of what each line must have for them [steps]."""
        due = np.zeros(len(self.id), dtype=np.int64)
        for limit in self.each:
            if self.sources[limit.source].must:
                due[limit.project] = np.maximum(due[limit.project], limit.low)
        return int(due.sum())

    def name(self, source: int) -> str:
        """Return the name of a source, ``""`` for -1."""
        return self.sources[source].name if source >= 0 else ""
