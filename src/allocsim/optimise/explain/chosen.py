"""Rules that leave holes, count lines or split pots: the clause of a line that they hold, with what was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from allocsim.model.arrays import IntArray
from allocsim.model.plan import Fact
from allocsim.optimise.limits import LEAST, Choice, Rows

Values = tuple[tuple[str, str | float], ...]
Clause = tuple[Fact, int]
"""The clause, and the source of the rule that it tells of."""


def of_choices(rows: Rows, steps: IntArray, line: int, held: int) -> Clause | None:
    """Return why a rule of what is funded, moved or split holds a line; None where another kind of rule does.

    A line at rest because no more lines may leave it is told so before any least amount of its own: the choice of
    another line is why it has nothing. Lines stand in the facts by their codes, several parted by `` / ``.

    Parameters
    ----------
    rows
        The limits, with their holes, counts and pots.
    steps
        The plan (p,) [steps].
    line
        The line.
    held
        Source that holds it.
    """
    kind = rows.sources[held].kind
    if kind == "by_factors":
        return _in_pot(rows, steps, line, held), held
    if held not in {each.source for each in rows.parts} | {each.source for each in rows.choices}:
        return None
    full = [choice for choice in _resting(rows, steps, line) if _is_full(choice, steps, line)]
    if full:
        source = held if any(choice.source == held for choice in full) else full[0].source
        return _counted(rows, steps, [choice for choice in full if choice.source == source]), source
    found = _needed(rows, steps, line)
    if found is not None:
        return found
    told = _in_hole(rows, steps, line, held)
    return None if told is None else (told, held)


def _resting(rows: Rows, steps: IntArray, line: int) -> Iterator[Choice]:
    """Yield the rules that count lines in which a line is at rest."""
    for choice in rows.choices:
        for place in np.flatnonzero(choice.members == line).tolist():
            if choice.rest_low[place] <= steps[line] <= choice.rest_high[place]:
                yield choice


def _is_full(choice: Choice, steps: IntArray, line: int) -> bool:
    """Tell whether a line at rest may not leave it as things stand."""
    return int(choice.weight[choice.members == line].max()) > choice.level - choice.activity(steps)


def _counted(rows: Rows, steps: IntArray, full: list[Choice]) -> Fact:
    """Return the clause of a line that one rule's counts keep at rest: by whom the places are taken."""
    choice, kind = full[0], rows.sources[full[0].source].kind
    name: Values = (("name", rows.name(choice.source)),)
    if kind == "exclusive":
        taken = choice.members[steps[choice.members] > 0]
        return Fact(code="rule.exclusive", values=(*name, ("lines", _codes(rows, taken))))
    if kind == "requires":
        missing = np.unique(np.concatenate([each.members[each.weight < 0] for each in full]))
        return Fact(code="rule.requires", values=(*name, ("lines", _codes(rows, missing))))
    return Fact(code="rule.moves", values=(*name, ("count", float(choice.level))))


def _in_hole(rows: Rows, steps: IntArray, line: int, held: int) -> Fact | None:
    """Return the clause of a line at an end of what a rule lets it have: its least, its all, or nothing."""
    kind, x = rows.sources[held].kind, int(steps[line])
    name: Values = () if rows.name(held) == LEAST else (("name", rows.name(held)),)
    parts = _parts(rows, line, held)
    lows = [low for low, _ in parts if low > 0]
    if kind == "few_moves":
        gaps = [above[0] - below[1] for below, above in pairwise(parts)]
        return Fact(code="rule.move", values=(*name, ("amount", rows.step.money(max(gaps))))) if gaps else None
    if kind == "all_or_nothing":
        return Fact(code="rule.whole", values=(*name, ("amount", rows.step.money(max(lows, default=x)))))
    if kind in ("exclusive", "requires"):
        return Fact(code="rule.optional", values=name) if x == 0 else None
    return Fact(code="rule.viable", values=(*name, ("amount", rows.step.money(min(lows, default=x)))))


def _needed(rows: Rows, steps: IntArray, line: int) -> Clause | None:
    """Return the clause of a line at its least without which funded lines could not be; None where none needs it."""
    waiting: dict[int, list[IntArray]] = {}
    for choice in rows.choices if steps[line] > 0 else ():
        wanting = choice.members[choice.weight > 0]
        if (choice.members[choice.weight < 0] == line).any() and (steps[wanting] > 0).all():
            waiting.setdefault(choice.source, []).append(wanting)
    for source, lines in waiting.items():
        codes = _codes(rows, np.unique(np.concatenate(lines)))
        return Fact(code="rule.needed", values=(("name", rows.name(source)), ("lines", codes))), source
    return None


def _parts(rows: Rows, line: int, held: int) -> tuple[tuple[int, int], ...]:
    """Return the parts in which one rule lets a line have an amount [steps]; none where it leaves it no holes."""
    for each in rows.parts:
        for place in np.flatnonzero(each.project == line).tolist():
            if each.source == held:
                return each.parts[place]
    return ()


def _in_pot(rows: Rows, steps: IntArray, line: int, held: int) -> Fact:
    """Return the clause of a line of a pot: its part of it; none of it where it has nothing of any factor."""
    name = ("name", rows.name(held))
    for pot in rows.pots:
        if pot.source == held and line in pot.members:
            key = float(pot.key[pot.members == line].sum())
            size = rows.step.money(int(steps[pot.members].sum()))
            return Fact(code="rule.factors", values=(name, ("share", key / float(pot.key.sum())), ("pot", size)))
    return Fact(code="rule.factors", values=(name,))


def _codes(rows: Rows, lines: IntArray) -> str:
    return " / ".join(rows.id[line] for line in lines.tolist())
