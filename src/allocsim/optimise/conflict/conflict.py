"""When the rules cannot all hold: which ones are in each other's way, by how much, and the cheapest way out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence, Set
from typing import TypeVar

import numpy as np

from allocsim.model.arrays import IntArray
from allocsim.model.plan import Conflict, ConflictRule, Repair, RulesConflict
from allocsim.model.scenario import Scenario
from allocsim.optimise.conflict.claims import AnyClaim, Claim, Count, can_be_eased, claims, number
from allocsim.optimise.conflict.clauses import amount, detail, eased_words, place, row_name
from allocsim.optimise.conflict.clauses import shown as shown
from allocsim.optimise.conflict.elastic import Elastic
from allocsim.optimise.limits import Rows

Item = TypeVar("Item", bound=Hashable)


def conflict(scenario: Scenario, rows: Rows) -> RulesConflict:
    """Return the conflict of limits that cannot all hold.

    The set named is irreducible, not the smallest: it is what a deletion filter leaves that tries to drop, in the
    order of the file, each rule, the total, the reserve and each limit of a line, and keeps out all that the conflict
    does not need. Blocks are dropped at once where that leaves a conflict, which gives the same set. ``short_by`` is
    the least easing of one of them that ends this conflict, in money, in lines or in the unit of the rule's column.

    The repair eases the least over all limits, step by step of money: rules and limits of lines first, then the total
    too; then rules without a number are dropped for single lines, each at a typical amount of a line, and only if that
    is not enough law and contract give. Where lines are counted, a line more is almost for nothing: a planner rather
    lets one more line move than take small sums from many rules. Of equal repairs it is one of what is named. What is
    repaired is solved again, and whole amounts that keep it are the proof.

    Parameters
    ----------
    scenario
        For files and lines.
    rows
        The limits.

    References
    ----------
    Chinneck, J. W. and Dravnieks, E. W. (1991), Locating minimal infeasible constraint sets in linear programs, ORSA
    Journal on Computing 3(2). Junker, U. (2004), QuickXplain, AAAI-04.
    """
    claimed = claims(rows)
    elastic = Elastic(claimed, len(rows.id), typical=_typical(rows))
    groups = list(dict.fromkeys(claim.group for claim in claimed))
    of_group = {group: [c for c, claim in enumerate(claimed) if claim.group == group] for group in groups}

    def clash(kept: Sequence[str]) -> bool:
        return not elastic.holds([c for group in kept for c in of_group[group]])

    needed = irreducible(groups, clash)
    core = [c for group in needed for c in of_group[group]]
    blocks = _blocks(claimed, core)
    pressing = {c for block in irreducible(blocks, lambda kept: not elastic.holds(sum(kept, ()))) for c in block}
    told = []
    for group in needed:
        numbers = _numbers(claimed, of_group[group])
        eased = elastic.least([c for c in core if c not in set(numbers)], numbers) if numbers else None
        mine = _in_the_way(claimed, of_group[group], pressing, eased)
        short = None if eased is None else int(eased[numbers].sum())
        told.append(_rule(scenario, rows, mine, claimed[(numbers or of_group[group])[0]], short))
    repair = _repair(scenario, rows, claimed, elastic, core)
    return RulesConflict(Conflict(unit=scenario.settings.unit, rules=tuple(told), repair=repair))


def irreducible(items: Sequence[Item], clash: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Return what is left when each item, in order, is dropped wherever the rest still clashes.

    Parameters
    ----------
    items
        Things that clash together.
    clash
        Tells whether some of them clash; what clashes still does so with more.
    """
    kept = list(items)

    def drop(block: list[Item]) -> None:
        chosen = set(block)
        rest = [item for item in kept if item not in chosen]
        if clash(rest):
            kept[:] = rest
        elif len(block) > 1:
            half = len(block) // 2
            drop(block[:half])
            drop(block[half:])

    if items:
        drop(list(items))
    return kept


def _typical(rows: Rows) -> float:
    """Return a typical amount of a line [steps]: the median of last budgets, else an equal part of the money."""
    last = rows.last[rows.last > 0]
    return max(1.0, float(np.median(last)) if last.size else rows.available / max(1, len(rows.id)))


def _numbers(claimed: Sequence[AnyClaim], mine: Sequence[int]) -> list[int]:
    """Return the claims of one group that have a number of one kind: lines where the rule counts them, else money."""
    numbers = [c for c in mine if can_be_eased(claimed[c])]
    counts = [c for c in numbers if isinstance(claimed[c], Count)]
    return counts or numbers


def _blocks(claimed: Sequence[AnyClaim], core: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the claims of a conflict in blocks: one side of a limit line by line is one, all else stands alone."""
    blocks: dict[tuple[str, str, int], list[int]] = {}
    for c in core:
        claim = claimed[c]
        is_line = isinstance(claim, Claim) and len(claim.members) == 1
        side = claim.side if isinstance(claim, Claim) else ""
        blocks.setdefault((claim.group, side, -1 if is_line else c), []).append(c)
    return [tuple(block) for block in blocks.values()]


def _in_the_way(
    claimed: Sequence[AnyClaim], mine: Sequence[int], pressing: Set[int], eased: IntArray | None
) -> list[AnyClaim]:
    """Return the claims of one group that its clause names, of those that the conflict needs.

    Those on several lines, on the lines of those, and on the lines that easing this group alone would move; all where
    there are none.
    """
    lines = {line for c in pressing if len(claimed[c].members) > 1 for line in claimed[c].members}
    if eased is not None:
        lines |= {line for c in mine if eased[c] for line in claimed[c].members}
    needed = [c for c in mine if c in pressing]
    told = [c for c in needed if len(claimed[c].members) != 1 or claimed[c].members[0] in lines]
    return [claimed[c] for c in told or needed or mine]


def _rule(
    scenario: Scenario, rows: Rows, named: Sequence[AnyClaim], counted: AnyClaim, short: int | None
) -> ConflictRule:
    source = rows.sources[named[0].source]
    file, line = place(scenario, source, named[0])
    return ConflictRule(
        name=named[0].group,
        basis=source.basis,
        file=file,
        line=line,
        short_by=None if short is None else number(rows, counted, short),
        detail=detail(scenario, rows, named, counted=counted, short=short),
        easing=None if short is None else amount(scenario, rows, counted, short),
    )


def _repair(
    scenario: Scenario, rows: Rows, claimed: Sequence[AnyClaim], elastic: Elastic, core: Sequence[int]
) -> tuple[Repair, ...]:
    """Return the cheapest easing of all limits, proven to hold in whole steps; none where none could be proven."""
    for eased in _tiers(rows, claimed):
        rest = [c for c in range(len(claimed)) if c not in eased]
        steps = elastic.least(rest, sorted(eased), favoured=core)
        if steps is None:
            continue
        mended = [claim.eased(by) for claim, by in zip(claimed, steps.tolist(), strict=True)]
        if Elastic(mended, len(rows.id)).proves(range(len(mended))):
            by_claim = zip(claimed, mended, steps.tolist(), strict=True)
            return tuple(_told(scenario, rows, was, now) for was, now, by in by_claim if by)
    return ()


def _tiers(rows: Rows, claimed: Sequence[AnyClaim]) -> list[Set[int]]:
    """Return which claims may give, from the first resort to the last."""
    everyone = set(range(len(claimed)))
    free = {c for c in everyone if not rows.sources[claimed[c].source].must}
    numbers = {c for c in free if can_be_eased(claimed[c])}
    rules = {c for c in numbers if rows.sources[claimed[c].source].standing != "total"}
    return [rules, numbers, free, everyone]


def _told(scenario: Scenario, rows: Rows, was: AnyClaim, now: AnyClaim) -> Repair:
    """Return an easing from what to what; a hole or a formula that is dropped goes to 0."""
    return Repair(
        rule=was.group,
        row=was.row,
        name=row_name(scenario, rows, was),
        start=number(rows, was, was.level),
        end=number(rows, now, now.level),
        detail=eased_words(scenario, rows, was, now),
    )
