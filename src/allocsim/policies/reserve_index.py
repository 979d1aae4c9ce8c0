"""The policy of parametric cover: the reserve pays a district as soon as a weather index passes its trigger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.policy import PAY_DAYS, Brief, Moves, Observation
from allocsim.policies.split import split


@dataclass(slots=True, kw_only=True, eq=False)
class Draws:
    """What each district has drawn so far (r, d) [steps]."""

    drawn: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveIndex:
    """Draw relief from the reserve in proportion to how far an index has passed its trigger.

    On every pay day up to the freeze a district is due ``floor(cover x need x payout)`` in all, where ``need`` is the
    relief need of a whole lost crop; it draws what exceeds its earlier draws. Where the reserve is short it is split in
    proportion to what is asked. Outside the growing season an index shows nothing, so nothing is asked.

    Attributes
    ----------
    attach, exit
        Index at which paying begins and at which it is full [share 0-1].
    cover
        Multiple of the need that is paid.
    trigger
        ``index``: weather, early but blind to the crop's stage. ``damage``: verified damage, exact but late.
    """

    name: str = "reserve_index"
    attach: float = 0.15
    exit: float = 0.6
    cover: float = 1.0
    trigger: Literal["index", "damage"] = "index"
    kind: str = field(default="reserve_index", init=False)

    def days(self, brief: Brief) -> tuple[int, ...]:
        """Return the pay days up to the freeze."""
        return tuple(day for day in PAY_DAYS if day <= brief.freeze)

    def begin(self, brief: Brief, lanes: int) -> Draws:
        """Return the draws so far: none."""
        return Draws(drawn=np.zeros((lanes, len(brief.need)), dtype=np.int64))

    def act(self, brief: Brief, seen: Observation, state: Draws) -> Moves | None:
        """Return the relief drawn this week, or None where no district asks."""
        shown = seen.index if self.trigger == "index" else seen.damage
        due = np.floor(self.cover * brief.need * self.payout(shown)).astype(np.int64)
        wanted = np.maximum(due - state.drawn, 0)
        relief = split(seen.reserve, weight=wanted, room=wanted)
        state.drawn = state.drawn + relief
        return Moves(relief=relief, wanted=wanted, legal="reserve_draw") if wanted.any() else None

    def payout(self, shown: FloatArray) -> FloatArray:
        """Return the share of the need that is due: ``exit x clip((I - attach) / (exit - attach), 0, 1)``.

        The layered payout of parametric cover; an exit at or below the attachment pays all at once above it.
        """
        layer = self.exit - self.attach
        if layer <= 0:
            return np.where(shown > self.attach, self.exit, 0.0)
        return np.asarray(self.exit * np.clip((shown - self.attach) / layer, 0.0, 1.0))
