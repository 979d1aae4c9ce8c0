"""Rules that leave holes, count lines or split pots, as the plan reports them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from allocsim.model.arrays import IntArray
from allocsim.model.plan import RuleReport
from allocsim.optimise.limits import Choice, Parts, Pot, Rows, Sense


def tallies(rows: Rows, steps: IntArray, source: int, *, held: Collection[int]) -> list[RuleReport]:
    """Return the reports of one source's holes, counts and pots; they have no price of a step.

    Parameters
    ----------
    rows
        The limits.
    steps
        The plan (p,) [steps].
    source
        Index of the source.
    held
        Sources that hold some line: such a rule binds.
    """
    counts = [choice for choice in rows.choices if choice.source == source]
    told = list(_of_counts(rows, steps, counts, binding=source in held)) if counts else []
    if not counts:  # the holes of a rule that counts lines belong to what it counts
        told += [
            _of_holes(rows, steps, holes, binding=source in held) for holes in rows.parts if holes.source == source
        ]
    return told + [_of_pot(rows, steps, pot) for pot in rows.pots if pot.source == source]


def _of_counts(rows: Rows, steps: IntArray, counts: list[Choice], *, binding: bool) -> Iterator[RuleReport]:
    """Yield how many lines may leave their rest and how many do; prerequisites are told as one."""
    if rows.sources[counts[0].source].kind == "requires":
        wanting = np.unique(np.concatenate([choice.members[choice.weight > 0] for choice in counts]))
        yield _lines(rows, counts[0], level=len(wanting), activity=int((steps[wanting] > 0).sum()), binding=binding)
        return
    for choice in counts:
        activity = choice.activity(steps)
        full = activity == choice.level and binding
        yield _lines(rows, choice, level=choice.level, activity=activity, binding=full, label=choice.label)


def _of_holes(rows: Rows, steps: IntArray, holes: Parts, *, binding: bool) -> RuleReport:
    """Return least amounts and amounts of the lines that are funded, all together."""
    amounts = steps[holes.project]
    least = [
        next((low for low, high in parts if low <= amount <= high), 0)
        for amount, parts in zip(amounts.tolist(), holes.parts, strict=True)
    ]
    level = sum(low for low, amount in zip(least, amounts.tolist(), strict=True) if amount > 0)
    sense: Sense = "fix" if rows.sources[holes.source].kind == "all_or_nothing" else "floor"
    return _money(
        rows, holes.source, level=level, activity=int(amounts.sum()), sense=sense, binding=binding, lines=len(least)
    )


def _of_pot(rows: Rows, steps: IntArray, pot: Pot) -> RuleReport:
    money = int(steps[pot.members].sum())
    return _money(
        rows,
        pot.source,
        level=money,
        activity=money,
        sense="fix",
        binding=True,
        lines=len(pot.members),
        label=pot.label,
    )


def _money(
    rows: Rows, source: int, *, level: int, activity: int, sense: Sense, binding: bool, lines: int, label: str = ""
) -> RuleReport:
    origin, money = rows.sources[source], rows.step.money
    return RuleReport(
        name=origin.name,
        kind=origin.kind,
        basis=origin.basis,
        row=label,
        covered=lines,
        sense=sense,
        level=money(level),
        activity=money(activity),
        slack=money(activity - level),
        binding=binding,
        price_up=None,
        price_down=None,
    )


def _lines(rows: Rows, choice: Choice, *, level: int, activity: int, binding: bool, label: str = "") -> RuleReport:
    origin = rows.sources[choice.source]
    return RuleReport(
        name=origin.name,
        kind=origin.kind,
        basis=origin.basis,
        row=label,
        covered=len(choice.members),
        sense="ceiling",
        level=float(level),
        activity=float(activity),
        slack=float(level - activity),
        binding=binding,
        price_up=None,
        price_down=None,
        counted_in="lines",
    )
