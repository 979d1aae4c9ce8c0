"""The policy that plans the rest of the year anew at every checkpoint, trusting reports as far as it is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray
from allocsim.model.policy import LAG, PAY_DAYS, Brief, Moves, Observation
from allocsim.policies.rest_of_year import RestOfYear, Row, lines_of, objective, plan_rest
from allocsim.policies.room import UnderWay, giveable, matched, receivable, within_floors
from allocsim.policies.split import split

_LEAST_PACE = 0.05


@dataclass(slots=True, kw_only=True, eq=False)
class Course:
    """What is paid up to ``week`` (r, p) [steps], and what of it worked as planned ("earned") (r, p) [steps]."""

    paid: IntArray
    earned: FloatArray
    week: int
    under_way: UnderWay


@dataclass(frozen=True, slots=True, kw_only=True)
class Reoptimise:
    """Move money to where it does most for the rest of the year, if it gains more than moving costs.

    The pace expected of a line in each week left is ``trust x reported + (1 - trust) x usual``, clipped to what a pace
    can be; money works at ``psi = 1 - harm (1 - pace)``. What each line will pay is what it holds, cut at what it can
    pay at that pace. :func:`~allocsim.policies.rest_of_year.plan_rest` then finds the best spending within bounds,
    limits of payment and rules. Money that a line cannot pay in the year and verified slack of entitlement lines are
    spare: they keep what unspent money keeps. A lane whose moves would gain nothing keeps its plan.

    Attributes
    ----------
    trust
        Weight of the last report against the usual course of the year [share 0-1]. With 0 no report is used: what it
        then gains is correction of the plan and use of verified slack, not adaptation.
    """

    name: str = "reoptimise"
    trust: float = 1.0
    kind: str = field(default="reoptimise", init=False)

    def days(self, brief: Brief) -> tuple[int, ...]:
        """Return the checkpoints that come before the freeze."""
        return tuple(day for day in brief.checkpoints if day <= brief.freeze)

    def begin(self, brief: Brief, lanes: int) -> Course:
        """Return the course of the year so far: nothing paid."""
        shape = (lanes, len(brief.planned))
        return Course(paid=np.zeros(shape, dtype=np.int64), earned=np.zeros(shape), week=-1, under_way=UnderWay())

    def act(self, brief: Brief, seen: Observation, state: Course) -> Moves | None:
        """Return the moves of one checkpoint, or None where no lane moves anything."""
        self._follow(brief, seen, state)
        coming = state.under_way.coming(seen)
        if brief.price <= 0 or not brief.flow.any():
            return None
        asked = self._moves(brief, seen, state.earned, coming)
        return state.under_way.note(seen, asked) if asked else None

    def _follow(self, brief: Brief, seen: Observation, state: Course) -> None:
        """Count what was paid since the last checkpoint at the pace that was then to be expected."""
        weeks = brief.usual_pace[state.week + 1 : seen.week + 1]
        if len(weeks):
            worked = _worth(brief, self._pace(seen, weeks.mean(axis=0)))
            state.earned = state.earned + (seen.paid - state.paid) * worked
            state.paid, state.week = seen.paid.copy(), seen.week

    def _pace(self, seen: Observation, usual: FloatArray) -> FloatArray:
        return np.clip(self.trust * seen.pace + (1.0 - self.trust) * usual, _LEAST_PACE, 1.0)

    def _moves(self, brief: Brief, seen: Observation, earned: FloatArray, coming: IntArray) -> Moves | None:
        """Return the best moves in whole steps, matched to the rules; lanes that would gain nothing are left alone."""
        flow = brief.flow
        ahead = [self._pace(seen, brief.usual_pace[w]) for w in range(seen.week + 1, len(PAY_DAYS))]
        payable = sum((np.floor(brief.weekly_limit * pace) for pace in ahead), np.zeros(seen.paid.shape))
        mean_pace = sum(ahead, np.zeros(seen.paid.shape)) / max(len(ahead), 1)
        held = (seen.authorised + coming - seen.paid).astype(np.float64)
        least = (seen.committed - seen.paid).astype(np.float64)
        usual = np.minimum(held, np.maximum(least, payable))
        can_give = giveable(brief, seen)
        stuck = np.where(flow, np.minimum(held - usual, can_give), can_give).astype(np.int64)
        stuck = within_floors(brief, seen, stuck)
        room = np.minimum(receivable(brief, seen, coming, lag=LAG["virement"]), np.maximum(payable - usual, 0))
        problem = RestOfYear(
            curves=lines_of(brief.curves, flow),
            earned=earned[:, flow],
            worth=_worth(brief, mean_pace)[:, flow],
            usual=usual[:, flow],
            low=(usual - (can_give - stuck))[:, flow],
            high=(usual + np.floor(room))[:, flow],
            spare=stuck.sum(axis=1).astype(np.float64),
            worth_of_spare=brief.unspent_worth * brief.price,
            dead_band=0.5 * brief.move_cost * brief.price,
            price=brief.price,
            rows=_rows(brief, seen, coming, stuck),
        )
        change = np.trunc(plan_rest(problem) - problem.usual)
        return _worthwhile(brief, seen, coming, problem=problem, stuck=stuck, change=change)


def _worth(brief: Brief, pace: FloatArray) -> FloatArray:
    """Return how well money works at a pace: ``psi = 1 - harm (1 - pace)`` [share 0-1]."""
    return 1.0 - brief.harm * (1.0 - pace)


def _rows(brief: Brief, seen: Observation, coming: IntArray, stuck: IntArray) -> tuple[Row, ...]:
    """Return the hard rows over flow lines; spare money counts as gone from its row, which errs on the safe side."""
    rows = []
    held = seen.authorised + coming
    for row in brief.rows:
        if not (row.members & brief.flow).any():
            continue
        total = held[:, row.members].sum(axis=1)
        slack = (total - row.level).astype(np.float64)
        endless = np.full(len(slack), np.inf)
        gone = stuck[:, row.members].sum(axis=1)
        least = np.minimum(gone - slack, 0.0) if row.sense == ">=" else -endless
        most = np.maximum(-slack, 0.0) if row.sense == "<=" else endless
        rows.append(Row(members=row.members[brief.flow], least=least, most=most))
    return tuple(rows)


def _worthwhile(
    brief: Brief, seen: Observation, coming: IntArray, *, problem: RestOfYear, stuck: IntArray, change: FloatArray
) -> Moves | None:
    """Return the moves in whole steps of the lanes in which they gain more than they cost.

    Takings come out of gifts of lines, then out of verified slack, which is certain, then out of what a line cannot
    pay, which is a forecast.
    """
    give, take = np.zeros_like(stuck), np.zeros_like(stuck)
    give[:, brief.flow] = np.maximum(-change, 0).astype(np.int64)
    take[:, brief.flow] = np.maximum(change, 0).astype(np.int64)
    needed = np.maximum(take.sum(axis=1) - give.sum(axis=1), 0)
    slack = np.where(brief.flow, 0, stuck)
    spare = split(needed, weight=slack, room=slack)
    spare = spare + split(needed - spare.sum(axis=1), weight=stuck - slack, room=stuck - slack)
    found = matched(brief, seen, coming, give=give + spare, take=take)
    if found is None or found.give is None or found.take is None:
        return None
    from_spare = np.minimum(found.give, spare)
    real = (found.take - (found.give - from_spare))[:, brief.flow].astype(np.float64)
    gains = objective(problem, real) > 0
    return _only(gains, found.give, found.take)


def _only(lanes: BoolArray, give: IntArray, take: IntArray) -> Moves | None:
    give, take = give * lanes[:, None], take * lanes[:, None]
    return Moves(give=give, take=take) if give.any() else None
