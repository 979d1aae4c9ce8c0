"""What a line can give and take in the year: its commitments, its bounds, its pace of paying, and the plan's rules."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocsim.model.arrays import IntArray
from allocsim.model.policy import LAG, PAY_DAYS, Brief, HardRow, Moves, Observation
from allocsim.policies.split import split


@dataclass(slots=True, kw_only=True, eq=False)
class UnderWay:
    """Money that the policy has moved and that has not arrived: (day of arrival, amounts (r, p) [steps])."""

    arrivals: list[tuple[int, IntArray]] = field(default_factory=list)

    def coming(self, seen: Observation) -> IntArray:
        """Return what is still to arrive at each line (r, p) [steps]; arrivals of the day itself still count."""
        self.arrivals = [(day, amounts) for day, amounts in self.arrivals if day >= seen.day]
        total = np.zeros_like(seen.authorised)
        for _, amounts in self.arrivals:
            total += amounts
        return total

    def note(self, seen: Observation, moves: Moves) -> Moves:
        """Remember what the moves will bring, and hand them back."""
        if moves.take is not None:
            self.arrivals.append((seen.day + LAG[moves.legal], moves.take))
        return moves


def giveable(brief: Brief, seen: Observation) -> IntArray:
    """Return the most each line can give (r, p) [steps].

    A flow line gives what is not committed, an entitlement line its verified slack; neither falls below its hard lower
    bound. Money still under way to a line does not count as its own.
    """
    free = np.where(brief.entitlement, seen.slack, seen.authorised - seen.committed)
    free = np.minimum(free, seen.authorised - seen.committed)
    return np.asarray(np.maximum(np.minimum(free, seen.authorised - brief.low), 0))


def receivable(brief: Brief, seen: Observation, coming: IntArray, *, lag: int) -> IntArray:
    """Return the most each line can take (r, p) [steps]; only flow lines take.

    ``weekly limit x pay days left after arrival`` less what the line holds unpaid, and no more than its hard upper
    bound leaves. Money under way to the line counts as held.
    """
    pay_days = sum(day > seen.day + lag for day in PAY_DAYS)
    held = seen.authorised + coming
    room = np.minimum(brief.weekly_limit * pay_days - (held - seen.paid), brief.high - held)
    return np.asarray(np.where(brief.flow, np.maximum(room, 0), 0))


def within_floors(brief: Brief, seen: Observation, give: IntArray) -> IntArray:
    """Return gifts cut so that every floor among the hard rows holds even if nothing comes back to its members.

    Each floor in turn: where its members give more than the row's slack, the slack is split over them in proportion to
    what they meant to give. Cuts only lower gifts, so a row settled earlier stays settled.
    """
    for row in brief.rows:
        if row.sense == ">=":
            give = _cut(row, give, slack=seen.authorised[:, row.members].sum(axis=1) - row.level)
    return give


def within_ceilings(brief: Brief, seen: Observation, coming: IntArray, *, room: IntArray) -> IntArray:
    """Return rooms cut so that every ceiling among the hard rows holds even if its members give nothing away."""
    held = seen.authorised + coming
    for row in brief.rows:
        if row.sense == "<=":
            room = _cut(row, room, slack=row.level - held[:, row.members].sum(axis=1))
    return room


def _cut(row: HardRow, amounts: IntArray, *, slack: IntArray) -> IntArray:
    members = amounts[:, row.members]
    over = members.sum(axis=1) > np.maximum(slack, 0)
    if not over.any():
        return amounts
    cut = amounts.copy()
    lanes, columns = np.flatnonzero(over), np.flatnonzero(row.members)
    cut[np.ix_(lanes, columns)] = split(slack[lanes], weight=members[lanes], room=members[lanes])
    return cut


def matched(brief: Brief, seen: Observation, coming: IntArray, *, give: IntArray, take: IntArray) -> Moves | None:
    """Return gifts and takings cut until sums are equal and every hard row holds, or None where nothing is left.

    Lines that stand in exactly the same rows form a group: what moves inside a group changes no row, so it is kept.
    What a group gives or takes beyond that is cut as in :func:`within_floors` and :func:`within_ceilings`, then the
    larger side is cut to the smaller one. Every cut is in proportion.

    Parameters
    ----------
    give, take
        Proposed amounts (r, p) [steps], each within the line's own limits.
    """
    columns = _groups(brief)
    out = np.stack([give[:, c].sum(axis=1) for c in columns], axis=1)
    into = np.stack([take[:, c].sum(axis=1) for c in columns], axis=1)
    inside = np.minimum(out, into)
    held = seen.authorised + coming
    beyond, wanted = out - inside, into - inside
    for row in brief.rows:
        joined = _over_groups(row, columns)
        if row.sense == ">=":
            beyond = _cut(joined, beyond, slack=seen.authorised[:, row.members].sum(axis=1) - row.level)
        else:
            wanted = _cut(joined, wanted, slack=row.level - held[:, row.members].sum(axis=1))
    total = np.minimum(beyond.sum(axis=1), wanted.sum(axis=1))
    out = inside + split(total, weight=beyond, room=beyond)
    into = inside + split(total, weight=wanted, room=wanted)
    give, take = give.copy(), take.copy()
    for g, c in enumerate(columns):
        give[:, c] = split(out[:, g], weight=give[:, c], room=give[:, c])
        take[:, c] = split(into[:, g], weight=take[:, c], room=take[:, c])
    return moves(give, take)


def moves(give: IntArray, take: IntArray) -> Moves | None:
    """Return line moves of equal sums as :class:`Moves`, or None where no lane moves anything."""
    return Moves(give=give, take=take) if give.any() else None


def _groups(brief: Brief) -> list[IntArray]:
    """Return the columns of each group of lines that stand in exactly the same rows, in order of first line."""
    found: dict[tuple[bool, ...], list[int]] = {}
    for line in range(len(brief.planned)):
        found.setdefault(tuple(bool(row.members[line]) for row in brief.rows), []).append(line)
    return [np.array(lines, dtype=np.int64) for lines in found.values()]


def _over_groups(row: HardRow, columns: list[IntArray]) -> HardRow:
    inside = np.array([bool(row.members[c[0]]) for c in columns])
    return HardRow(name=row.name, sense=row.sense, members=inside, level=row.level)
