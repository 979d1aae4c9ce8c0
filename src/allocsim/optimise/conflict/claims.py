"""Everything that can be in the way, one claim a number: limits of sums, holes of lines, counts, formulas, evenness.

Soft rules claim nothing: they may be broken at their penalty. Each claim tells in whole numbers by how much amounts
fall short of it, and can be eased by as much; one that has no number to ease is dropped, which counts as easing by 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from itertools import pairwise
from typing import Literal

from allocsim.model.arrays import integers
from allocsim.model.money import decimal
from allocsim.optimise.limits import COMMITTED, FREE, LEAST, MOST, Equality, Pot, Rows, Source
from allocsim.optimise.pot.pots import apportion

_WIDE = Context(prec=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What all claims have.

    Attributes
    ----------
    group
        What is dropped or kept as one: a rule, the total, the reserve, or one limit of one line.
    source
        Index into the sources.
    row
        Which row of its rule: a value of ``by``, the code of a line, or empty.
    members
        The lines claimed upon; the reserve is a line of its own, after the last one.
    """

    group: str
    source: int
    row: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(_Claim):
    """A limit of a line or of a sum of lines.

    Attributes
    ----------
    side
        ``floor``: at least the level, ``ceiling``: at most.
    level
        [steps; grains where weighted]
    weight
        What a step of each member counts [grains]; None = one each.
    grain
        What a grain is in the unit of the rule's column; 0 where all is counted in steps.
    """

    side: Literal["floor", "ceiling"]
    level: int
    weight: tuple[int, ...] | None = None
    grain: float = 0.0

    @property
    def widest(self) -> int:
        """The largest weight: the unit in which a solver counts this claim and its easing."""
        return 1 if self.weight is None else max(self.weight, default=1)

    def short(self, x: Sequence[int]) -> int:
        """Return the least easing with which amounts (p,) keep the claim [steps; grains where weighted]."""
        weights = (1,) * len(self.members) if self.weight is None else self.weight
        activity = sum(weight * x[line] for line, weight in zip(self.members, weights, strict=True))
        return max(0, activity - self.level if self.side == "ceiling" else self.level - activity)

    def eased(self, by: int) -> Claim:
        """Return the claim with its level eased."""
        return replace(self, level=self.level + (by if self.side == "ceiling" else -by))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole(_Claim):
    """A line that may have an amount in one of its parts only.

    Attributes
    ----------
    parts
        Least and most of each, rising and apart [steps].
    """

    parts: tuple[tuple[int, int], ...]

    @property
    def has_level(self) -> bool:
        """Tell whether the line may have nothing or from so much on: then so much can be eased."""
        return len(self.parts) == 2 and self.parts[0] == (0, 0) and self.parts[1][1] == FREE

    @property
    def level(self) -> int:
        """The number of the hole: what a funded line has at least, or by how much a line that moves must do so."""
        if len(self.parts) == 2 and self.parts[0] == (0, 0):
            return self.parts[1][0]
        return max((high[0] - low[1] for low, high in pairwise(self.parts)), default=0)

    def short(self, x: Sequence[int]) -> int:
        """Return the least easing with which amounts (p,) keep the claim [steps; 1 where it must be dropped]."""
        amount = x[self.members[0]]
        if any(low <= amount <= high for low, high in self.parts):
            return 0
        return self.parts[1][0] - amount if self.has_level else 1

    def eased(self, by: int) -> Hole:
        """Return the hole narrowed, or gone."""
        if not by:
            return self
        least = max(1, self.parts[1][0] - by)
        return replace(self, parts=((0, 0), (least, FREE)) if self.has_level else ((0, FREE),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(_Claim):
    """A limit on how many lines leave their rest, as of a :class:`allocsim.optimise.limits.Choice`.

    Attributes
    ----------
    has_level
        False for lines that require others: one more of them would be the rule dropped.
    """

    rest: tuple[tuple[int, int], ...]
    weight: tuple[int, ...]
    level: int
    has_level: bool

    def short(self, x: Sequence[int]) -> int:
        """Return by how many lines amounts (p,) exceed the claim."""
        away = (
            weight
            for line, (low, high), weight in zip(self.members, self.rest, self.weight, strict=True)
            if not low <= x[line] <= high
        )
        return max(0, sum(away) - self.level)

    def eased(self, by: int) -> Count:
        """Return the claim with its level raised."""
        return replace(self, level=self.level + by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula(_Claim):
    """A pot split by a formula; ``pot`` is None once it is dropped."""

    pot: Pot | None

    @property
    def level(self) -> int:
        """1 where the formula stands, 0 where it is dropped."""
        return int(self.pot is not None)

    def short(self, x: Sequence[int]) -> int:
        """Return 1 where amounts (p,) are not split as the formula says, else 0."""
        if self.pot is None:
            return 0
        given = [x[line] for line in self.members]
        return int(apportion(self.pot, sum(given)).tolist() != given)

    def eased(self, by: int) -> Formula:
        """Return the claim, dropped if it is eased at all."""
        return replace(self, pot=None) if by else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Evenness(_Claim):
    """A cap on inequality between groups of lines; ``cap`` is None once it is dropped."""

    cap: Equality | None

    @property
    def level(self) -> int:
        """1 where the cap stands, 0 where it is dropped."""
        return int(self.cap is not None)

    def short(self, x: Sequence[int]) -> int:
        """Return 1 where amounts (p,) are too unequal, else 0."""
        return 0 if self.cap is None else int(not self.cap.holds(integers(x[: len(self.cap.groups.of)])))

    def eased(self, by: int) -> Evenness:
        """Return the claim, dropped if it is eased at all."""
        return replace(self, cap=None) if by else self


AnyClaim = Claim | Hole | Count | Formula | Evenness


def claims(rows: Rows) -> list[AnyClaim]:
    """Return every number of every limit that must hold, in the order of the file; the reserve is a line of its own.

    The sum of all lines and the reserve is held by the total.
    """
    kinds: tuple[Callable[[Rows, int], Iterator[AnyClaim]], ...]
    kinds = (_of_sums, _of_reserve, _of_lines, _of_holes, _of_counts, _of_pots, _of_equality)
    return [claim for source in range(len(rows.sources)) for kind in kinds for claim in kind(rows, source)]


def can_be_eased(claim: AnyClaim) -> bool:
    """Tell whether a claim has a number of its own that can be eased, rather than the whole of it be dropped."""
    return isinstance(claim, Claim) or (isinstance(claim, Hole | Count) and claim.has_level)


def number(rows: Rows, claim: AnyClaim, level: int) -> float:
    """Return a level or an easing of a claim as people count it: money, lines, or the unit of a rule's column."""
    if isinstance(claim, Count | Formula | Evenness):
        return float(level)
    if isinstance(claim, Claim) and claim.weight is not None:
        return float(_WIDE.multiply(decimal(claim.grain), Decimal(level)))
    return rows.step.money(level)


def _group(rows: Rows, source: int, row: str) -> str:
    origin: Source = rows.sources[source]
    own = origin.standing == "line" and origin.name in (COMMITTED, LEAST, MOST)
    return f"{origin.name} {row}" if own else origin.name


def _of_sums(rows: Rows, source: int) -> Iterator[Claim]:
    for place, limit in enumerate(rows.sums):
        if limit.source != source or limit.penalty is not None:
            continue
        members, level = tuple(limit.members.tolist()), limit.level
        if place == 0:
            members, level = (*members, len(rows.id)), rows.total
        for side in _sides(limit.sense != "ceiling", limit.sense != "floor"):
            yield Claim(
                group=rows.name(source),
                source=source,
                row=limit.label,
                members=members,
                side=side,
                level=level,
                weight=None if limit.weight is None else tuple(limit.weight.tolist()),
                grain=limit.grain,
            )


def _of_reserve(rows: Rows, source: int) -> Iterator[Claim]:
    if rows.sources[source].standing == "reserve" and rows.reserve:
        kept = (len(rows.id),)
        yield Claim(group=rows.name(source), source=source, row="", members=kept, side="floor", level=rows.reserve)


def _of_lines(rows: Rows, source: int) -> Iterator[Claim]:
    for limit in rows.each:
        if limit.source != source:
            continue
        for line, low, high in zip(limit.project.tolist(), limit.low.tolist(), limit.high.tolist(), strict=True):
            row = rows.id[line]
            for side in _sides(low > 0, high < FREE):
                level = low if side == "floor" else high
                group = _group(rows, source, row)
                yield Claim(group=group, source=source, row=row, members=(line,), side=side, level=level)


def _of_holes(rows: Rows, source: int) -> Iterator[Hole]:
    """Yield the holes of a source; parts that leave out no whole amount are none."""
    for holes in rows.parts:
        if holes.source != source:
            continue
        for line, parts in zip(holes.project.tolist(), holes.parts, strict=True):
            apart = any(low[1] + 1 < high[0] for low, high in pairwise(parts))
            if apart or parts[0][0] > 0 or parts[-1][1] < FREE:
                row = rows.id[line]
                yield Hole(group=_group(rows, source, row), source=source, row=row, members=(line,), parts=parts)


def _of_counts(rows: Rows, source: int) -> Iterator[Count]:
    for choice in rows.choices:
        if choice.source == source:
            yield Count(
                group=rows.name(source),
                source=source,
                row=choice.label,
                members=tuple(choice.members.tolist()),
                rest=tuple(zip(choice.rest_low.tolist(), choice.rest_high.tolist(), strict=True)),
                weight=tuple(choice.weight.tolist()),
                level=choice.level,
                has_level=bool((choice.weight > 0).all()),
            )


def _of_pots(rows: Rows, source: int) -> Iterator[Formula]:
    for pot in rows.pots:
        if pot.source == source:
            members = tuple(pot.members.tolist())
            yield Formula(group=rows.name(source), source=source, row=pot.label, members=members, pot=pot)


def _of_equality(rows: Rows, source: int) -> Iterator[Evenness]:
    cap = rows.equality
    if cap is not None and cap.source == source:
        members = tuple(line for line, group in enumerate(cap.groups.of.tolist()) if group >= 0)
        yield Evenness(group=rows.name(source), source=source, row="", members=members, cap=cap)


def _sides(floor: bool, ceiling: bool) -> list[Literal["floor", "ceiling"]]:
    found: list[Literal["floor", "ceiling"]] = []
    if floor:
        found.append("floor")
    if ceiling:
        found.append("ceiling")
    return found
