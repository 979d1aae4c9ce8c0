"""The rules of a budget as numbers: limits of lines and of sums, in whole steps, each with its source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, integers
from allocsim.model.groups import Groups
from allocsim.model.money import MoneyStep

FREE = 2**52
"""Steps that stand for "no ceiling": beyond any amount, yet exact in a float."""
TOTAL, RESERVE = "budget.total", "budget.reserve"
COMMITTED, LEAST, MOST = "projects.committed", "projects.min", "projects.max"
WORST_OFF, GINI = "equity.worst_off", "equity.gini"
_FITS = 2.0**62
"""Sums up to here fit into 64 bits, float rounding included; larger ones are added without a limit."""
Sense = Literal["floor", "ceiling", "fix"]
Standing = Literal["rule", "total", "reserve", "line", "equity"]


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
        A rule, the total, the reserve, a limit that each line states of itself, or one of equity.
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
    """One source's limit of a sum over lines; ``label`` tells the rows of one rule apart.

    Attributes
    ----------
    members
        The lines summed (m,).
    level
        At least, at most or exactly this [steps; grains where weighted].
    weight
        What a step of each member counts (m,) [grains]; None = one each, and all is counted in steps.
    grain
        What one grain is in the unit of the rule's column; 0 where all is counted in steps.
    penalty
        Benefit that each step (or grain) costs by which the limit is broken; None = it must hold.
    """

    source: int
    label: str
    sense: Sense
    members: IntArray
    level: int
    weight: IntArray | None = None
    grain: float = 0.0
    penalty: float | None = None

    @property
    def is_plain(self) -> bool:
        """Tell whether the limit must hold and counts every step of its lines alike."""
        return self.weight is None and self.penalty is None

    @property
    def coefficients(self) -> FloatArray:
        """What a step of each member counts (m,)."""
        return np.ones(self.members.shape) if self.weight is None else self.weight.astype(np.float64)

    @property
    def widest(self) -> float:
        """The largest coefficient by size, 1 where there is none: the unit in which a solver counts this limit."""
        return 1.0 if self.weight is None else float(np.abs(self.weight).max(initial=1))

    def activity(self, x: IntArray) -> int:
        """Return the sum over the members [steps; grains where weighted]."""
        amounts = x[self.members]
        if self.weight is None:
            return int(amounts.sum())
        if float(np.abs(amounts).sum()) * self.widest < _FITS:
            return int((amounts * self.weight).sum())
        return sum(amount * weight for amount, weight in zip(amounts.tolist(), self.weight.tolist(), strict=True))

    def renumbered(self, rank: IntArray) -> Sum:
        """Return the limit over lines numbered otherwise: line p becomes ``rank[p]``; members rise."""
        members = rank[self.members]
        order = np.argsort(members, kind="stable")
        weight = None if self.weight is None else integers(self.weight[order])
        return replace(self, members=integers(members[order]), weight=weight)

    def broken(self, x: IntArray) -> int:
        """Return by how much amounts break the limit, 0 where they keep it [steps; grains where weighted]."""
        return max(0, -self.slack(x))

    def slack(self, x: IntArray) -> int:
        """Return the room left [steps]; negative where the limit is broken."""
        activity = self.activity(x)
        if self.sense == "fix":
            return -abs(self.level - activity)
        return self.level - activity if self.sense == "ceiling" else activity - self.level


def signs(sums: Sequence[Sum]) -> tuple[FloatArray, FloatArray]:
    """Return least and most of the multiplier of each limit (m,) [benefit per step or grain of its level].

    Not below zero for a ceiling, not above zero for a floor; where a limit may be broken, no more than its penalty.
    """
    ends = [math.inf if limit.penalty is None else limit.penalty for limit in sums]
    least = [0.0 if limit.sense == "ceiling" else -end for limit, end in zip(sums, ends, strict=True)]
    most = [0.0 if limit.sense == "floor" else end for limit, end in zip(sums, ends, strict=True)]
    return np.array(least), np.array(most)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """One source's holes: each line may have an amount in one of its parts only.

    Attributes
    ----------
    source
        Index into the sources.
    project
        The lines bound (c,).
    parts
        Of each line: least and most of each part, rising and apart (c,) [steps]; :data:`FREE` = without end.
    """

    source: int
    project: IntArray
    parts: tuple[tuple[tuple[int, int], ...], ...]

    def holds(self, x: IntArray) -> BoolArray:
        """Tell which of the lines bound have an amount in one of their parts (c,)."""
        amounts = x[self.project].tolist()
        return booleans(
            [
                any(low <= amount <= high for low, high in parts)
                for amount, parts in zip(amounts, self.parts, strict=True)
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """One source's limit on how many lines leave where they rest: ``sum of weight x [amount not at rest] <= level``.

    Attributes
    ----------
    source, label
        As of a :class:`Sum`.
    members
        The lines counted (m,).
    rest_low, rest_high
        A line is at rest between these (m,) [steps]: at nothing where funding is counted, at last budget where moves.
    weight
        What each line counts (m,); below zero for a line that others require.
    level
        At most this many.
    """

    source: int
    label: str
    members: IntArray
    rest_low: IntArray
    rest_high: IntArray
    weight: IntArray
    level: int

    def activity(self, x: IntArray) -> int:
        """Return the weighted number of lines that are not at rest."""
        amounts = x[self.members]
        return int(self.weight[(amounts < self.rest_low) | (amounts > self.rest_high)].sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pot:
    """One source's pot: its lines get whole steps in proportion to ``key``, by largest remainders.

    Attributes
    ----------
    source, label
        As of a :class:`Sum`.
    members
        The lines of the pot (m,).
    key
        Whole numbers above zero to which the parts are proportional (m,).
    """

    source: int
    label: str
    members: IntArray
    key: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Equality:
    """One source's cap on inequality: the Gini coefficient of money per head over ``groups`` is at most ``cap``."""

    source: int
    groups: Groups
    cap: Fraction

    def holds(self, x: IntArray) -> bool:
        """Tell whether whole amounts (p,) [steps] keep the cap, exactly."""
        return self.groups.gini(x) <= self.cap


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
        Rules in the order of the file, then the total, the reserve, the limits that lines state of themselves, and
        those of equity.
    each
        Limits line by line, in the order of ``sources``.
    sums
        Limits of sums over lines; the first is the total less the reserve, over all lines.
    parts, choices, pots
        Rules with holes in what a line may have, rules that count lines, and pots split by a formula.
    equality
        The cap on inequality, where there is one.
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
    parts: tuple[Parts, ...] = ()
    choices: tuple[Choice, ...] = ()
    pots: tuple[Pot, ...] = ()
    equality: Equality | None = None

    @property
    def is_convex(self) -> bool:
        """Tell whether bounds and sums are all there is: no holes, no counting, no pots, no cap on inequality."""
        return not (self.parts or self.choices or self.pots or self.equality)

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
