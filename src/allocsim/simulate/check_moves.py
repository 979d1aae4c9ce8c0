"""Whether the moves that a policy asks for are ones that the law, the books and the plan's hard rules allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import BoolArray, FloatArray, IntArray
from allocsim.model.policy import LAG, PAY_DAYS, LegalClass, Moves
from allocsim.simulate.ledger import Ledger
from allocsim.simulate.year import Year


class PolicyError(AllocsimError):
    """A policy asked for what is not allowed and was stopped; passes whole through SimPy and between processes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accepted:
    """Moves that passed, as whole steps in float64; None where there are none.

    ``arrives`` is the day on which line moves arrive, ``relief_arrives`` that of relief; ``wanted`` is what would have
    been drawn.
    """

    give: FloatArray | None
    take: FloatArray | None
    arrives: int
    relief: FloatArray | None
    wanted: FloatArray | None
    relief_arrives: int


def accepted(year: Year, ledger: Ledger, moves: Moves, *, policy: str, day: int) -> Accepted | None:
    """Return the moves, checked; None where nothing is moved in any lane.

    Checked: shapes and whole numbers, nothing negative, equal sums in every lane, no more than A - C from a line, no
    more to a line than it can still pay, the freeze, session dates, bounds and hard rows, and the reserve.

    Raises
    ------
    PolicyError
        If a move breaks one; names the policy and the day.
    """
    check = _Check(year, ledger, policy=policy, day=day)
    shape, districts = ledger.paid.shape, ledger.relief.shape
    give, take = check.whole(moves.give, shape, "give"), check.whole(moves.take, shape, "take")
    relief, wanted = check.whole(moves.relief, districts, "relief"), check.whole(moves.wanted, districts, "wanted")
    if give is None and take is None and relief is None and wanted is None:
        return None
    arrives = day
    if give is not None or take is not None:
        arrives = check.arrival(moves.legal)
        check.lines(_or_nothing(give, shape), _or_nothing(take, shape), arrives)
    if relief is not None:
        check.reserve(relief)
    return Accepted(
        give=give,
        take=take,
        arrives=arrives,
        relief=relief,
        wanted=relief if wanted is None else wanted,
        relief_arrives=day + LAG["reserve_draw"],
    )


class _Check:
    def __init__(self, year: Year, ledger: Ledger, *, policy: str, day: int) -> None:
        self._year = year
        self._ledger = ledger
        self._policy = policy
        self._day = day

    def whole(self, asked: IntArray | None, shape: tuple[int, ...], name: str) -> FloatArray | None:
        """Return what is asked in float64, or None where it is nothing at all."""
        if asked is None:
            return None
        amounts = np.asarray(asked)
        if amounts.shape != shape or amounts.dtype.kind not in "iu":
            self._stop(
                f"'{name}' must be whole numbers of shape {shape}, not {amounts.dtype} of {amounts.shape}",
                f"“{name}”须为形状{shape}的整数，而非{amounts.dtype}{amounts.shape}",
            )
        if (amounts < 0).any():
            self._stop(f"'{name}' holds a negative amount", f"“{name}”含负数")
        if not amounts.any():
            return None
        if name != "wanted" and self._day > self._year.brief.freeze:
            self._stop("money is moved after the freeze", "在资金冻结日之后调剂")
        return amounts.astype(np.float64)

    def arrival(self, legal: LegalClass) -> int:
        """Return the day on which line moves arrive."""
        if legal == "formal_adjustment":
            if self._day not in self._year.sessions:
                self._stop("a formal adjustment outside a session", "预算调整不在审批会议日期")
            return self._day
        if legal != "virement":
            self._stop(f"moves between lines are no '{legal}'", f"科目间调剂不属于“{legal}”")
        return self._day + LAG[legal]

    def lines(self, give: FloatArray, take: FloatArray, arrives: int) -> None:
        """Check the moves between lines."""
        brief, ledger = self._year.brief, self._ledger
        if (give.sum(axis=1) != take.sum(axis=1)).any():
            self._stop("what is given and what is taken differ in a lane", "调出与调入总额不等")
        if (give > ledger.authorised - ledger.committed).any():
            self._stop("a line gives more than it has uncommitted", "调出额超过未支付未下达的资金")
        left = sum(day >= arrives for day in PAY_DAYS)
        room = np.maximum(brief.weekly_limit * left - (ledger.authorised - ledger.paid), 0.0)
        if ((take > room) & (take > 0)).any():
            self._stop("a line takes more than it can still pay", "调入额超过年内可支付的能力")
        after = ledger.authorised + ledger.on_way - give + take
        if ((give > take) & (after < brief.low)).any() or ((take > give) & (after > brief.high)).any():
            self._stop("a line leaves its bounds", "突破项目资金上下限")
        for row in brief.rows:
            before = (ledger.authorised + ledger.on_way)[:, row.members].sum(axis=1)
            if self._worse(before, after[:, row.members].sum(axis=1), row.level, row.sense == ">="):
                self._stop(f"the rule '{row.name}' is broken", f"违反规则“{row.name}”")

    def reserve(self, relief: FloatArray) -> None:
        """Check a draw on the reserve."""
        if (relief.sum(axis=1) > self._ledger.reserve).any():
            self._stop("more is drawn than the reserve holds", "动用额超过预备费余额")

    @staticmethod
    def _worse(before: FloatArray, after: FloatArray, level: int, least: bool) -> bool:
        broken: BoolArray = (after < level) & (after < before) if least else (after > level) & (after > before)
        return bool(broken.any())

    def _stop(self, english: str, chinese: str) -> NoReturn:
        raise PolicyError(
            Text(
                f"policy '{self._policy}', day {self._day}: {english}",
                f"应对策略“{self._policy}”，第{self._day}天：{chinese}",
            )
        )


def _or_nothing(amounts: FloatArray | None, shape: tuple[int, ...]) -> FloatArray:
    return np.zeros(shape) if amounts is None else amounts
