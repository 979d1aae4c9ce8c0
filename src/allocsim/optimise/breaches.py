"""What amounts break: every limit as stated, with its number, what was given, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from allocsim.model.arrays import IntArray
from allocsim.model.draft import Breach
from allocsim.optimise.limits import Equality, Rows, Sum
from allocsim.optimise.pot.pots import apportion


def breaches(rows: Rows, steps: IntArray, source: int) -> Iterator[Breach]:
    """Yield every limit of a source that amounts break, soft ones too.

    Parameters
    ----------
    rows
        The limits.
    steps
        Amounts (p,) [steps].
    source
        Index of the source.
    """
    standing = rows.sources[source].standing
    if standing == "total":
        if int(steps.sum()) > rows.total:
            yield _money(rows, source, "", rows.total, int(steps.sum()))
        return
    if standing == "reserve":
        if reserve_left(rows, steps) < rows.reserve:
            yield _money(rows, source, "", rows.reserve, reserve_left(rows, steps))
        return
    for together in rows.sums:
        if together.source == source and together.slack(steps) < 0:
            yield _of_sum(rows, together, steps)
    if rows.equality is not None and rows.equality.source == source:
        yield from _of_equality(rows, rows.equality, steps)
    yield from _of_holes(rows, steps, source)
    yield from _of_counts(rows, steps, source)
    yield from _of_pots(rows, steps, source)
    yield from _of_lines(rows, steps, source)


def reserve_left(rows: Rows, steps: IntArray) -> int:
    """Return what amounts leave of the reserve [steps]."""
    return max(0, min(rows.reserve, rows.total - int(steps.sum())))


def _money(rows: Rows, source: int, row: str, level: int, amount: int) -> Breach:
    money = rows.step.money
    return _breach(rows, source, row, (money(level), money(amount), money(abs(amount - level))))


def _breach(
    rows: Rows,
    source: int,
    row: str,
    numbers: tuple[float, float, float],
    *,
    counted_in: Literal["money", "lines", "column"] = "money",
    hard: bool = True,
) -> Breach:
    origin, (level, amount, by) = rows.sources[source], numbers
    return Breach(
        rule=origin.name,
        row=row,
        level=level,
        amount=amount,
        by=by,
        basis=origin.basis,
        counted_in=counted_in,
        hard=hard,
    )


def _of_sum(rows: Rows, limit: Sum, steps: IntArray) -> Breach:
    """Return the breach of a sum, in money or in the unit of its column."""
    of_column, money = limit.weight is not None, rows.step.money
    level, amount = limit.level, limit.activity(steps)
    told = [each * limit.grain if of_column else money(each) for each in (level, amount, abs(amount - level))]
    return _breach(
        rows,
        limit.source,
        limit.label,
        (told[0], told[1], told[2]),
        counted_in="column" if of_column else "money",
        hard=limit.penalty is None,
    )


def _of_equality(rows: Rows, limit: Equality, steps: IntArray) -> Iterator[Breach]:
    """Yield a Gini coefficient above the cap."""
    if not limit.holds(steps):
        gini, cap = float(limit.groups.gini(steps)), float(limit.cap)
        yield _breach(rows, limit.source, "", (cap, gini, gini - cap), counted_in="column")


def _of_holes(rows: Rows, steps: IntArray, source: int) -> Iterator[Breach]:
    """Yield amounts in a hole, against the nearest end of what is allowed."""
    for holes in rows.parts:
        if holes.source == source:
            for place in np.flatnonzero(~holes.holds(steps)).tolist():
                line = int(holes.project[place])
                ends = [end for part in holes.parts[place] for end in part]
                amount = int(steps[line])
                yield _money(rows, source, rows.id[line], min(ends, key=lambda end: abs(end - amount)), amount)


def _of_counts(rows: Rows, steps: IntArray, source: int) -> Iterator[Breach]:
    """Yield counts that are too high; a prerequisite goes by the codes of its two lines."""
    for choice in rows.choices:
        count = choice.activity(steps)
        if choice.source == source and count > choice.level:
            label = choice.label or " / ".join(rows.id[line] for line in choice.members.tolist()[:2])
            numbers = (float(choice.level), float(count), float(count - choice.level))
            yield _breach(rows, source, label, numbers, counted_in="lines")


def _of_pots(rows: Rows, steps: IntArray, source: int) -> Iterator[Breach]:
    """Yield lines of a pot whose part is not the formula's."""
    for pot in rows.pots:
        if pot.source == source:
            given = steps[pot.members]
            due = apportion(pot, int(given.sum()))
            for place in np.flatnonzero(given != due).tolist():
                yield _money(rows, source, rows.id[pot.members[place]], int(due[place]), int(given[place]))


def _of_lines(rows: Rows, steps: IntArray, source: int) -> Iterator[Breach]:
    """Yield lines beyond their own limits."""
    for limit in rows.each:
        if limit.source == source:
            ends = zip(limit.project.tolist(), limit.low.tolist(), limit.high.tolist(), strict=True)
            for line, low, high in ends:
                amount = int(steps[line])
                if not low <= amount <= high:
                    yield _money(rows, source, rows.id[line], low if amount < low else high, amount)
