"""The policy of many a circular: at checkpoints, money leaves lines that lag behind for lines that do not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocsim.model.policy import LAG, Brief, Moves, Observation
from allocsim.policies.room import UnderWay, giveable, moves, receivable, within_ceilings, within_floors
from allocsim.policies.split import split


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Cut lines whose reported pace is below a threshold, and split what they give over the others.

    At a checkpoint each flow line with ``q < tau`` gives ``floor(cut (A - C))`` and each verified entitlement line all
    of its slack; flow lines with ``q >= tau`` share it in proportion to their planned amounts, each within its room.
    What fits nowhere stays where it was.

    Attributes
    ----------
    tau
        Reported pace below which a line gives [share 0-1].
    cut
        Share of its free money that it gives [share 0-1].
    """

    name: str = "threshold"
    tau: float = 0.75
    cut: float = 0.5
    kind: str = field(default="threshold", init=False)

    def days(self, brief: Brief) -> tuple[int, ...]:
        """Return the checkpoints that come before the freeze."""
        return tuple(day for day in brief.checkpoints if day <= brief.freeze)

    def begin(self, brief: Brief, lanes: int) -> UnderWay:
        """Return what is under way: nothing yet."""
        return UnderWay()

    def act(self, brief: Brief, seen: Observation, state: UnderWay) -> Moves | None:
        """Return the moves of one checkpoint, or None where no lane moves anything."""
        coming = state.coming(seen)
        behind = brief.flow & (seen.pace < self.tau)
        free = np.floor(self.cut * (seen.authorised - seen.committed)).astype(np.int64)
        meant = np.where(brief.entitlement, seen.slack, np.where(behind, free, 0))
        give = within_floors(brief, seen, np.minimum(meant, giveable(brief, seen)))
        room = np.where(behind, 0, receivable(brief, seen, coming, lag=LAG["virement"]))
        room = within_ceilings(brief, seen, coming, room=room)
        take = split(give.sum(axis=1), weight=brief.planned, room=room)
        give = split(take.sum(axis=1), weight=give, room=give)
        asked = moves(give, take)
        return state.note(seen, asked) if asked else None
