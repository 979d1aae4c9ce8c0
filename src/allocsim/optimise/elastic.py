"""Limits that give: the program in which every claim may be eased at a price, stated in PuLP and solved again.

    minimise    sum of cost[c] e[c]
    subject to  sum of w x + e[c] >= level                floors of a line or a sum
                sum of w x - e[c] <= level                ceilings of a line or a sum
                sum_j low[j] z[j] <= x <= sum_j high[j] z[j] + M e[c],  sum_j z[j] + e[c] = 1          holes of a line
                sum of w (1 - rest[p]) - e[c] <= level    counts, where rest[p] = 1 only for an amount at rest
                |x[p] - key[p] / K sum of x| <= 1 - 1/K + M e[c]                                       formulas
                x >= 0,  0 <= e[c] <= room[c]

``z`` and ``rest`` are 0 or 1. Where a hole has a level, "nothing or at least so much", e[c] is taken off that level
instead. ``room`` is nothing for a claim that must hold, without end for one that is dropped; M is more than any line
can need. A formula gives its last steps by largest remainders: those may go to lines whose remainder is not below a
threshold, and of equal ones to the first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pulp

from allocsim.model.arrays import FloatArray, IntArray, integers
from allocsim.optimise.claims import AnyClaim, Claim, Count, Formula, Hole
from allocsim.optimise.limits import FREE
from allocsim.optimise.problem import Program
from allocsim.optimise.solve import Solver, Status
from allocsim.optimise.whole import is_whole

FINEST = 1_000_000
"""Remainders of a formula that are closer than one part in so many are not told apart inside the program."""
CLOSE = 1e-6
"""Relative difference up to which what easings cost is what the solver said."""


class Elastic:
    """The elastic program of some claims, asked again and again which easings would do.

    Asked first with money not whole; where its answer is not whole either, or does not keep every claim to the letter,
    asked again in whole steps. An answer counts only after it is checked in whole numbers.

    Parameters
    ----------
    claimed
        All claims.
    lines
        Number of lines; the reserve is one more.
    typical
        What a line costs that is counted: a typical amount [steps].
    """

    def __init__(self, claimed: Sequence[AnyClaim], lines: int, *, typical: float = 1.0) -> None:
        self._claimed, self._lines = claimed, lines + 1
        self._price = np.array([1.0 if _in_money(claim) else typical for claim in claimed])
        self._solvers: dict[bool, Solver] = {}

    def holds(self, kept: Collection[int]) -> bool:
        """Tell whether the claims ``kept`` are not proven to clash, all others dropped."""
        return self._answer(kept, ())[0] != "infeasible"

    def proves(self, kept: Collection[int]) -> bool:
        """Tell whether whole amounts were found that keep the claims ``kept`` to the letter."""
        return self._answer(kept, ())[1] is not None

    def least(self, kept: Collection[int], eased: Collection[int]) -> IntArray | None:
        """Return the cheapest easings (c,) that let ``kept`` hold, each in its claim's own unit; None where none do.

        Parameters
        ----------
        kept
            Claims that must hold.
        eased
            Claims that may be eased: a step of one as dear as of any, a line at the typical amount; a claim that is
            in neither is dropped.
        """
        amounts = self._answer(kept, eased)[1]
        if amounts is None:
            return None
        easings = [0] * len(self._claimed)
        for c in eased:
            easings[c] = self._claimed[c].short(amounts)
        return integers(easings)

    def _answer(self, kept: Collection[int], eased: Collection[int]) -> tuple[Status, list[int] | None]:
        """Return what the solver says, and the amounts where they are whole and checked."""
        status, amounts = self._asked(kept, eased, whole=False)
        if amounts is None and status != "infeasible":
            status, amounts = self._asked(kept, eased, whole=True)
        return status, amounts

    def _asked(self, kept: Collection[int], eased: Collection[int], *, whole: bool) -> tuple[Status, list[int] | None]:
        if whole not in self._solvers:
            self._solvers[whole] = Solver(state(self._claimed, self._lines, whole=whole))
        cost, room = np.zeros(len(self._claimed)), _endless(self._claimed)
        room[list(kept)] = 0.0
        cost[list(eased)] = self._price[list(eased)]
        solver = self._solvers[whole]
        solver.change(
            cost=np.concatenate([np.zeros(self._lines), cost]),
            upper=np.concatenate([solver.arrays.upper[: self._lines], room]),
        )
        solution = solver.run()
        if solution.status != "optimal":
            return solution.status, None
        found = np.asarray(solution.values[: self._lines])
        amounts = [round(value) for value in found.tolist()]
        spent = sum(self._price[c] * self._claimed[c].short(amounts) / _widest(self._claimed[c]) for c in sorted(eased))
        exact = is_whole(found) and spent <= solution.objective + CLOSE * (1.0 + abs(solution.objective))
        kept_all = exact and all(not self._claimed[c].short(amounts) for c in kept)
        return solution.status, amounts if kept_all else None


def state(claimed: Sequence[AnyClaim], lines: int, *, whole: bool = False) -> Program:
    """State the problem in PuLP; columns are the amounts of lines and reserve, an easing a claim, then the choices.

    Parameters
    ----------
    claimed
        All claims.
    lines
        Number of lines, the reserve among them.
    whole
        True where amounts must be whole steps.
    """
    stated = _Stated(claimed, lines, whole=whole)
    for number, claim in enumerate(claimed):
        if isinstance(claim, Claim):
            stated.limit(number, claim)
        elif isinstance(claim, Hole):
            stated.hole(number, claim)
        elif isinstance(claim, Count):
            stated.count(number, claim)
        else:
            stated.formula(number, claim)
    return Program(problem=stated.problem, variables=(*stated.x, *stated.eased, *stated.choices))


class _Stated:
    """The problem while it is stated, claim by claim."""

    def __init__(self, claimed: Sequence[AnyClaim], lines: int, *, whole: bool) -> None:
        self.problem = pulp.LpProblem("elastic", pulp.LpMinimize)
        self._whole, self._most = whole, _most(claimed, lines)
        kind = pulp.LpInteger if whole else pulp.LpContinuous
        self.x = [
            self.problem.add_variable(f"x{p}", 0, most if whole else None, cat=kind)
            for p, most in enumerate(self._most)
        ]
        kinds = [pulp.LpContinuous if _in_money(claim) else pulp.LpInteger for claim in claimed]
        self.eased = [self.problem.add_variable(f"e{c}", 0, cat=kind) for c, kind in enumerate(kinds)]
        self.choices: list[pulp.LpVariable] = []
        self._at_rest: dict[tuple[int, tuple[int, int]], pulp.LpVariable] = {}
        self.problem += pulp.LpAffineExpression(((e, 1) for e in self.eased), name="eased")

    def limit(self, c: int, claim: Claim) -> None:
        weights = (1,) * len(claim.members) if claim.weight is None else claim.weight
        total = pulp.LpAffineExpression(
            (self.x[p], weight / claim.widest) for p, weight in zip(claim.members, weights, strict=True)
        )
        if claim.side == "floor":
            self._row(f"c{c}", total + self.eased[c], pulp.LpConstraintGE, claim.level / claim.widest)
        else:
            self._row(f"c{c}", total - self.eased[c], pulp.LpConstraintLE, claim.level / claim.widest)

    def hole(self, c: int, claim: Hole) -> None:
        line = claim.members[0]
        parts = [(low, min(high, self._most[line])) for low, high in claim.parts]
        z = [self._choice(f"z{c}_{j}") for j in range(len(parts))]
        low = pulp.LpAffineExpression((choice, least) for choice, (least, _) in zip(z, parts, strict=True))
        high = pulp.LpAffineExpression((choice, most) for choice, (_, most) in zip(z, parts, strict=True))
        one = pulp.LpAffineExpression((choice, 1) for choice in z)
        if claim.has_level:
            low -= self.eased[c]
        else:
            one += self.eased[c]
            high += self._most[line] * self.eased[c]
        self._row(f"c{c}_low", self.x[line] - low, pulp.LpConstraintGE, 0)
        self._row(f"c{c}_high", self.x[line] - high, pulp.LpConstraintLE, 0)
        self._row(f"c{c}_one", one, pulp.LpConstraintEQ, 1)

    def count(self, c: int, claim: Count) -> None:
        counted = pulp.LpAffineExpression(
            (self._rest(line, rest), -weight)
            for line, rest, weight in zip(claim.members, claim.rest, claim.weight, strict=True)
        )
        level = claim.level - sum(claim.weight)
        self._row(f"c{c}", counted - self.eased[c], pulp.LpConstraintLE, level)

    def formula(self, c: int, claim: Formula) -> None:
        if claim.pot is None:
            return
        key = claim.pot.key.tolist()
        whole, slack = sum(key), sum(self._most[p] for p in claim.members) * self.eased[c]
        given = pulp.LpAffineExpression((self.x[p], 1) for p in claim.members)
        threshold = self._choice(f"t{c}", kind=pulp.LpContinuous, least=-1)
        tie = 1.0 / (whole * len(key)) if whole * len(key) <= FINEST else 0.0
        for place, (line, part) in enumerate(zip(claim.members, key, strict=True)):
            over = given * (part / whole) - self.x[line]
            if not self._whole:
                self._row(f"c{c}_{place}_over", over - slack, pulp.LpConstraintLE, 1 - 1 / whole)
                self._row(f"c{c}_{place}_under", over + slack, pulp.LpConstraintGE, 1 / whole - 1)
                continue
            last = self._choice(f"r{c}_{place}")
            remainder = over + last
            self._row(f"c{c}_{place}_over", remainder - slack, pulp.LpConstraintLE, 1 - 1 / whole)
            self._row(f"c{c}_{place}_under", remainder + slack, pulp.LpConstraintGE, 0)
            ranked = remainder - place * tie - threshold
            self._row(f"c{c}_{place}_first", ranked - last + slack, pulp.LpConstraintGE, -1)
            self._row(f"c{c}_{place}_last", ranked - 2 * last - slack, pulp.LpConstraintLE, -tie)

    def _rest(self, line: int, rest: tuple[int, int]) -> pulp.LpVariable:
        """Return the choice of a line to be at rest, stated once; else it is below or above."""
        if (line, rest) not in self._at_rest:
            most = self._most[line]
            sides = [(0, rest[0] - 1), rest, (rest[1] + 1, most)]
            z = [self._choice(f"at{len(self._at_rest)}_{side}") for side in range(3)]
            if not rest[0]:
                sides, z = sides[1:], z[1:]
            low = pulp.LpAffineExpression((choice, least) for choice, (least, _) in zip(z, sides, strict=True))
            high = pulp.LpAffineExpression((choice, far) for choice, (_, far) in zip(z, sides, strict=True))
            name = f"at{len(self._at_rest)}"
            self._row(f"{name}_low", self.x[line] - low, pulp.LpConstraintGE, 0)
            self._row(f"{name}_high", self.x[line] - high, pulp.LpConstraintLE, 0)
            self._row(f"{name}_one", pulp.LpAffineExpression((choice, 1) for choice in z), pulp.LpConstraintEQ, 1)
            self._at_rest[line, rest] = z[-2]
        return self._at_rest[line, rest]

    def _choice(self, name: str, *, kind: str = pulp.LpInteger, least: int = 0) -> pulp.LpVariable:
        self.choices.append(self.problem.add_variable(name, least, 1, cat=kind))
        return self.choices[-1]

    def _row(self, name: str, terms: pulp.LpAffineExpression, sense: int, level: float) -> None:
        self.problem += pulp.LpConstraint(terms, sense, name=name, rhs=level)


def _in_money(claim: AnyClaim) -> bool:
    """Tell whether an easing counts money, or grains of a column, rather than lines or rules dropped."""
    return isinstance(claim, Claim) or (isinstance(claim, Hole) and claim.has_level)


def _widest(claim: AnyClaim) -> int:
    return claim.widest if isinstance(claim, Claim) else 1


def _endless(claimed: Sequence[AnyClaim]) -> FloatArray:
    """Return the room of claims that are dropped (c,): 1 where the choice is to drop them."""
    once = [isinstance(claim, Formula) or (isinstance(claim, Hole) and not claim.has_level) for claim in claimed]
    return np.where(once, 1.0, np.inf)


def _most(claimed: Sequence[AnyClaim], lines: int) -> list[int]:
    """Return amounts beyond which no line needs to go to keep any of the claims (p,) [steps].

    More than every floor, every part's beginning and every rest: from there down to here a line keeps whatever it
    kept. Lines of a formula go down together, until the least of them is here.
    """
    levels = [0]
    for claim in claimed:
        if isinstance(claim, Claim) and claim.weight is None:
            levels.append(claim.level)
        elif isinstance(claim, Hole):
            levels += [end for part in claim.parts for end in part if end < FREE]
        elif isinstance(claim, Count):
            levels += [end for rest in claim.rest for end in rest]
    most = [max(levels) + 1] * lines
    for claim in claimed:
        if isinstance(claim, Formula) and claim.pot is not None:
            key = claim.pot.key.tolist()
            for line, part in zip(claim.members, key, strict=True):
                most[line] = min(FREE, -(-most[line] * part // min(key)) + 1)
    return most
