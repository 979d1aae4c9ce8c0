"""The meeting place of engine and policies: what a policy is told, what it sees, and the moves it may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from allocsim.model.arrays import BoolArray, FloatArray, IntArray
from allocsim.model.curve import CurveSet

PAY_DAYS = tuple(range(7, 365, 7))
"""Pay days: 7, 14 .. 364; axis w."""
LegalClass = Literal["within_project", "virement", "reserve_draw", "formal_adjustment"]
LAG = {"within_project": 0, "virement": 14, "reserve_draw": 7}
"""Days from decision to money, by legal class; a formal adjustment waits for a session date."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HardRow:
    """A sum rule of the plan that moves must keep: members (p,), at least or at most ``level`` steps."""

    name: str
    sense: Literal[">=", "<="]
    members: BoolArray
    level: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Brief:
    """What is known before the year begins; money in whole steps, shapes (p,) unless said.

    Attributes
    ----------
    planned
        A(0), the plan.
    reserve
        V(0).
    low, high
        Hard bounds of each line.
    rows
        Sum rules that moves must keep.
    flow, entitlement
        Which lines are flow lines (works, services) and which are paid by standard x verified area.
    profile
        Pi: planned cumulative share of the year's money at day t (365 + 1, p), 0 -> 1.
    weekly_limit
        a: the most a flow line can pay in one week.
    curves
        Expected plan curves with spending in steps.
    price
        P: benefit per step of total at the plan.
    unspent_worth, move_cost
        Worth of a step left over, and cost of a step moved, as shares of ``price``.
    usual_pace
        phibar: mean pace phi of each line in each week, from pilot lanes of their own (w, p) [share 0-1].
    harm
        eta: psi = 1 - eta (1 - phi).
    checkpoints, freeze, verification, replant_by
        Days of the year.
    need
        Relief need of a district if its whole crop were lost: need_rate x rate x area_d (d,) [steps].
    replantable
        Share of lost area that can be replanted.
    lines_digest
        Text that names the plan, for states kept on disk.
    """

    planned: IntArray
    reserve: int
    low: IntArray
    high: IntArray
    rows: tuple[HardRow, ...]
    flow: BoolArray
    entitlement: BoolArray
    profile: FloatArray
    weekly_limit: IntArray
    curves: CurveSet
    price: float
    unspent_worth: float
    move_cost: float
    usual_pace: FloatArray
    harm: float
    checkpoints: tuple[int, ...]
    freeze: int
    verification: int
    replant_by: int
    need: FloatArray
    replantable: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observation:
    """Exactly what a policy sees on a day: ledgers and reports, never the truth. Money in whole steps.

    Attributes
    ----------
    day
        Day of the year; week the index of the last pay day at or before it (-1 before the first).
    authorised, committed, paid
        A, C, E of each line (r, p).
    reserve
        V (r,).
    pace
        q: last reported pace of each flow line, 1 before any report (r, p) [share 0-1.3].
    planted
        Mean planted share by area: survey from day 120, exact from verification, NaN before (r,).
    slack
        A - claims of verified entitlement lines, 0 before verification (r, p).
    index, damage
        What the index shows and what districts have reported (r, d) [share 0-1].
    """

    day: int
    week: int
    authorised: IntArray
    committed: IntArray
    paid: IntArray
    reserve: IntArray
    pace: FloatArray
    planted: FloatArray
    slack: IntArray
    index: FloatArray
    damage: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """What a policy asks for on one day, in whole steps.

    Attributes
    ----------
    give, take
        Taken from and given to each line (r, p), both >= 0; equal sums in every lane.
    relief
        Drawn from the reserve for the relief account of each district (r, d), >= 0.
    wanted
        Relief that would have been drawn had the reserve been large enough (r, d); absent = ``relief``. It is summed
        over the year, so what was wanted once and not met is not stated again.
    legal
        Legal class of the line moves; relief is always a reserve draw.
    """

    give: IntArray | None = None
    take: IntArray | None = None
    relief: IntArray | None = None
    wanted: IntArray | None = None
    legal: LegalClass = "virement"


class Policy(Protocol):
    """An adjustment policy: vectorised over lanes, told by :class:`Brief`, seeing only :class:`Observation`."""

    @property
    def name(self) -> str:
        """Unique name."""
        ...

    @property
    def kind(self) -> str:
        """Kind, as in the scenario."""
        ...

    def days(self, brief: Brief) -> tuple[int, ...]:
        """Return the days of the year on which it wants to be asked."""
        ...

    def begin(self, brief: Brief, lanes: int) -> Any:
        """Return its own state for a chunk of lanes (arrays with a leading lane axis), or None."""
        ...

    def act(self, brief: Brief, seen: Observation, state: Any) -> Moves | None:
        """Return the moves it asks for, or None; may change ``state``."""
        ...
