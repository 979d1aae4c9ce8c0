"""Limits that give: the program of claims that may be eased at a price, asked again which easings would do."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.optimise.conflict.claims import AnyClaim, Claim, Count, Evenness, Formula, Hole
from allocsim.optimise.conflict.stated import farthest, in_money, state
from allocsim.optimise.program.problem import Program
from allocsim.optimise.program.solve import Arrays, Solver, Status, arrays

TIE = 1e-5
"""Share by which an easing that is not favoured is dearer."""
WIDEST = 20
"""Bits of the largest amount that the solver sees while money need not be whole: larger ones are counted in units."""
CLOSE, RELATIVE = 1e-6, 1e-9
"""Difference and share up to which what easings cost is what the solver said."""
COUNTED = 0.01
"""What a line more costs where lines are counted [steps]: a planner rather lets one more line move, or be funded, than
take a step from a rule that speaks of money."""
MOST_NODES, FEW_NODES, COLUMNS = 20_000, 500, 4_000_000
"""Nodes of one whole-number program, at most and at least: so many as make these columns in all. With a cap on
inequality, whose whole amounts a tree hardly tells apart, it is the least."""
PATIENCE, SECONDS = 1, 5.0
"""Whole-number programs under a cap on inequality that may end at their limit, after which none is asked, and the time
that one may take where a single linear program in it goes astray."""
SMALL = 20_000
"""Steps of all lines together up to which what is least under a cap on inequality is searched to the step; beyond them
a step a group more than money that is not whole would need is near enough."""
REACH, MARGIN = 2, 1e-6
"""Steps either side of amounts that are not whole among which whole ones are sought under a cap on inequality, and
steps by which these must keep it, for the solver's tolerances."""


class Elastic:
    """The elastic program of some claims, asked again and again which easings would do.

    Asked first with money not whole; where its answer is not whole either, or does not keep every claim to the letter,
    asked again in whole steps. An answer counts only after it is checked in whole numbers. Under a cap on inequality
    whole amounts are sought beside those first. A tree that ends at its limit of nodes proves no clash, and the whole
    amounts that it found count where they keep all claims.

    Parameters
    ----------
    claimed
        All claims.
    lines
        Number of lines; the reserve is one more.
    typical
        What a rule without a number costs that is dropped for a line: a typical amount [steps].
    """

    def __init__(self, claimed: Sequence[AnyClaim], lines: int, *, typical: float = 1.0) -> None:
        self._claimed, self._lines = claimed, lines + 1
        most = farthest(claimed, self._lines)
        self._unit = 2.0 ** max(0, max(most).bit_length() - WIDEST)
        dear = {"money": 1.0, "lines": COUNTED * self._unit, "dropped": typical}
        self._price = np.array([dear[_counted_in(claim)] for claim in claimed])
        self._even = {c for c, claim in enumerate(claimed) if isinstance(claim, Evenness) and claim.cap is not None}
        self._solvers: dict[bool, Solver] = {}
        groups = [len(claim.cap.groups.label) for claim in claimed if isinstance(claim, Evenness) and claim.cap]
        self._near_enough = max(groups, default=1) if sum(most) > SMALL else 1
        self._strict: Arrays | None = None
        self._ended = 0

    def holds(self, kept: Collection[int]) -> bool:
        """Tell whether the claims ``kept`` are not proven to clash, all others dropped."""
        return self._answer(kept)[0] != "infeasible"

    def proves(self, kept: Collection[int]) -> bool:
        """Tell whether whole amounts were found that keep the claims ``kept`` to the letter."""
        return self._answer(kept)[1] is not None

    def least(
        self, kept: Collection[int], eased: Collection[int], *, favoured: Collection[int] = ()
    ) -> IntArray | None:
        """Return the cheapest easings (c,) that let ``kept`` hold, each in its claim's own unit; None where none do.

        Parameters
        ----------
        kept
            Claims that must hold.
        eased
            Claims that may be eased: a step of one as dear as of any, a line more almost for nothing, a rule dropped
            at the typical amount; a claim that is in neither is dropped.
        favoured
            Claims that are rather eased than others as dear.
        """
        amounts = self._answer(kept, eased, favoured)[1]
        if amounts is None:
            return None
        easings = [0] * len(self._claimed)
        for c in eased:
            easings[c] = self._claimed[c].short(amounts)
        return integers(easings)

    def _answer(
        self, kept: Collection[int], eased: Collection[int] = (), favoured: Collection[int] = ()
    ) -> tuple[Status, list[int] | None]:
        """Return what the solver says, and the amounts where they are whole and checked."""
        all_of_them = np.arange(len(self._claimed))
        dear = self._price * np.where(np.isin(all_of_them, list(favoured)), 1.0, 1.0 + TIE)
        cost = np.where(np.isin(all_of_them, list(eased)), dear, 0.0)
        room = _endless(self._claimed)
        room[list(kept)] = 0.0
        status, least, values = self._solved(cost, room, whole=False)
        if status == "infeasible":
            return status, None
        found = [] if values is None else self._checked(kept, cost, values)
        if status == "optimal" and found and found[0][0] <= _about(least):
            return status, found[0][1]
        is_even = not self._even.isdisjoint(kept)
        beside = self._beside(cost, room, values) if is_even and values is not None else None
        found = [] if beside is None else self._checked(kept, cost, beside)
        if status == "optimal" and found and found[0][0] < least + self._near_enough * self._finest(cost):
            return status, found[0][1]
        if is_even and self._ended >= PATIENCE:
            return "limit", found[0][1] if found else None
        status, least, values = self._solved(cost, room, whole=True)
        self._ended += status == "limit"
        searched = [] if values is None else self._checked(kept, cost, values)
        if status == "optimal" and searched and searched[0][0] > _about(least):
            searched = []
        found = sorted([*found, *searched], key=lambda each: each[0])
        return ("limit" if found and status == "infeasible" else status), found[0][1] if found else None

    def _solved(self, cost: FloatArray, room: FloatArray, *, whole: bool) -> tuple[Status, float, FloatArray | None]:
        """Return what the solver says, what easings cost at least, and amounts, None where it has none [steps]."""
        unit = 1.0 if whole else self._unit
        if whole not in self._solvers:
            self._solvers[whole] = self._solver(state(self._claimed, self._lines, whole=whole, unit=unit))
        solver, of_units = self._solvers[whole], self._of_units(cost, unit)
        upper = np.concatenate([solver.arrays.upper[: self._lines], room])
        solver.change(cost=np.concatenate([np.zeros(self._lines), of_units]), upper=upper)
        solution = solver.run()
        values = solution.values
        if solution.status == "infeasible" or len(values) < len(upper):
            return solution.status, solution.objective, None
        if not whole and solution.status == "optimal":
            values = _at_choices(solver.arrays, values, of_units, upper)
        return solution.status, solution.objective * unit, floats(values[: self._lines] * unit)

    def _beside(self, cost: FloatArray, room: FloatArray, amounts: FloatArray) -> FloatArray:
        """Return the best whole amounts found beside others (p,) [steps], those others where there are none."""
        if self._strict is None:
            self._strict = arrays(state(self._claimed, self._lines, whole=True, margin=MARGIN))
        given, free = self._strict, slice(self._lines, None)
        lower, upper, of_all = given.lower.copy(), given.upper.copy(), given.cost.copy()
        lower[: self._lines] = np.clip(np.floor(amounts) - REACH, 0, upper[: self._lines])
        upper[: self._lines] = np.clip(np.ceil(amounts) + REACH, 0, upper[: self._lines])
        upper[free][: len(room)], of_all[free][: len(room)] = room, cost
        near = replace(given, cost=floats(of_all), lower=floats(lower), upper=floats(upper))
        solution = self._solver(near).run()
        has_any = solution.status != "infeasible" and len(solution.values) == len(of_all)
        return floats(solution.values[: self._lines]) if has_any else amounts

    def _checked(self, kept: Collection[int], cost: FloatArray, values: FloatArray) -> list[tuple[float, list[int]]]:
        """Return amounts to the nearest step and what easings they cost; nothing where they do not keep all claims."""
        amounts = [round(value) for value in values.tolist()]
        if any(self._claimed[c].short(amounts) for c in kept):
            return []
        eased = np.flatnonzero(cost).tolist()
        return [(sum(cost[c] * self._claimed[c].short(amounts) / _widest(self._claimed[c]) for c in eased), amounts)]

    def _solver(self, program: Program | Arrays) -> Solver:
        count = len(program.variables if isinstance(program, Program) else program.cost)
        if self._even:
            return Solver(program, {"mip_max_nodes": FEW_NODES, "time_limit": SECONDS})
        return Solver(program, {"mip_max_nodes": min(MOST_NODES, max(FEW_NODES, COLUMNS // count))})

    def _of_units(self, cost: FloatArray, unit: float) -> FloatArray:
        return np.where([in_money(claim) for claim in self._claimed], cost, cost / unit)

    def _finest(self, cost: FloatArray) -> float:
        """Return the least by which two costs of whole easings differ, but for favours."""
        each = [cost[c] / _widest(self._claimed[c]) for c in np.flatnonzero(cost).tolist()]
        return min(each, default=math.inf)


def _about(least: float) -> float:
    return least * (1.0 + RELATIVE) + CLOSE


def _at_choices(stated: Arrays, values: FloatArray, cost: FloatArray, upper: FloatArray) -> FloatArray:
    """Return the values solved again at the choices made, rounded: a whole-number program leaves them a little off.

    What a choice is off by, times M, an amount may be off by many steps.
    """
    if not stated.whole.any():
        return values
    lines, chosen, most = len(upper) - len(cost), np.rint(values), np.concatenate([upper, stated.upper[len(upper) :]])
    again = replace(
        stated,
        cost=floats(np.concatenate([np.zeros(lines), cost, np.zeros(len(most) - len(upper))])),
        lower=floats(np.where(stated.whole, chosen, stated.lower)),
        upper=floats(np.where(stated.whole, chosen, most)),
        whole=booleans(np.zeros(len(most))),
    )
    solution = Solver(again).run()
    return solution.values if solution.status == "optimal" else values


def _counted_in(claim: AnyClaim) -> Literal["money", "lines", "dropped"]:
    """Tell what an easing of a claim counts."""
    if in_money(claim):
        return "money"
    return "lines" if isinstance(claim, Count) and claim.has_level else "dropped"


def _widest(claim: AnyClaim) -> int:
    return claim.widest if isinstance(claim, Claim) else 1


def _endless(claimed: Sequence[AnyClaim]) -> FloatArray:
    """Return the room of claims that are dropped (c,): 1 where the choice is to drop them."""
    once = [
        isinstance(claim, Formula | Evenness) or (isinstance(claim, Hole) and not claim.has_level) for claim in claimed
    ]
    return np.where(once, 1.0, np.inf)
