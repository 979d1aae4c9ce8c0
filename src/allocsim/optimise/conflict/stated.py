"""Limits that give: the program in which every claim may be eased at a price, stated in PuLP.

    minimise    sum of cost[c] e[c]
    subject to  sum of w x + e[c] >= level                floors of a line or a sum
                sum of w x - e[c] <= level                ceilings of a line or a sum
                sum_j low[j] z[j] <= x <= sum_j high[j] z[j] + M e[c],  sum_j z[j] + e[c] = 1          holes of a line
                sum of w (1 - rest[p]) - e[c] <= level    counts, where rest[p] = 1 only for an amount at rest
                |x[p] - key[p] / K sum of x| <= 1 - 1/K + M e[c]                                       formulas
                sum over d < f of |w[f] X[d] - w[d] X[f]| <= cap sum of X + M e[c]                   a cap on inequality
                x >= 0,  0 <= e[c] <= room[c]

``z`` and ``rest`` are 0 or 1. Where a hole has a level, "nothing or at least so much", e[c] is taken off that level
instead. ``room`` is nothing for a claim that must hold, without end for one that is dropped; M is more than any line
can need. A formula gives its last steps by largest remainders: those may go to lines whose remainder is not below a
threshold, and of equal ones to the first. X are the amounts of groups, w their parts of all heads: the left side is
the Gini coefficient of money per head times all their money.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pulp

from allocsim.optimise.conflict.claims import AnyClaim, Claim, Count, Evenness, Formula, Hole
from allocsim.optimise.limits import FREE
from allocsim.optimise.program.problem import Program

FINEST = 1_000_000
"""Remainders of a formula that are closer than one part in so many are not told apart inside the program."""


def state(
    claimed: Sequence[AnyClaim], lines: int, *, whole: bool = False, unit: float = 1.0, margin: float = 0.0
) -> Program:
    """State the problem in PuLP; columns are the amounts of lines and reserve, an easing a claim, then the choices.

    Parameters
    ----------
    claimed
        All claims.
    lines
        Number of lines, the reserve among them.
    whole
        True where amounts must be whole steps.
    unit
        Steps that count as one.
    margin
        By which a cap on inequality must be kept [units].
    """
    stated = _Stated(claimed, lines, whole=whole, unit=unit, margin=margin)
    for number, claim in enumerate(claimed):
        if isinstance(claim, Claim):
            stated.limit(number, claim)
        elif isinstance(claim, Hole):
            stated.hole(number, claim)
        elif isinstance(claim, Count):
            stated.count(number, claim)
        elif isinstance(claim, Formula):
            stated.formula(number, claim)
        else:
            stated.evenness(number, claim)
    return Program(problem=stated.problem, variables=(*stated.x, *stated.eased, *stated.choices))


class _Stated:
    """The problem while it is stated, claim by claim."""

    def __init__(self, claimed: Sequence[AnyClaim], lines: int, *, whole: bool, unit: float, margin: float) -> None:
        self.problem = pulp.LpProblem("elastic", pulp.LpMinimize)
        self._margin = margin
        self._whole, self._unit, self._most = whole, unit, [most / unit for most in farthest(claimed, lines)]
        kind = pulp.LpInteger if whole else pulp.LpContinuous
        self.x = [self.problem.add_variable(f"x{p}", 0, most, cat=kind) for p, most in enumerate(self._most)]
        kinds = [pulp.LpContinuous if in_money(claim) else pulp.LpInteger for claim in claimed]
        self.eased = [self.problem.add_variable(f"e{c}", 0, cat=kind) for c, kind in enumerate(kinds)]
        self.choices: list[pulp.LpVariable] = []
        self._at_rest: dict[tuple[int, tuple[int, int]], pulp.LpVariable] = {}
        self.problem += pulp.LpAffineExpression(((e, 1) for e in self.eased), name="eased")

    def limit(self, c: int, claim: Claim) -> None:
        weights = (1,) * len(claim.members) if claim.weight is None else claim.weight
        total = pulp.LpAffineExpression(
            (self.x[p], weight / claim.widest) for p, weight in zip(claim.members, weights, strict=True)
        )
        level = claim.level / claim.widest / self._unit
        if claim.side == "floor":
            self._row(f"c{c}", total + self.eased[c], pulp.LpConstraintGE, level)
        else:
            self._row(f"c{c}", total - self.eased[c], pulp.LpConstraintLE, level)

    def hole(self, c: int, claim: Hole) -> None:
        line = claim.members[0]
        parts = [(low / self._unit, min(high / self._unit, self._most[line])) for low, high in claim.parts]
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
                self._row(f"c{c}_{place}_over", over - slack, pulp.LpConstraintLE, (1 - 1 / whole) / self._unit)
                self._row(f"c{c}_{place}_under", over + slack, pulp.LpConstraintGE, (1 / whole - 1) / self._unit)
                continue
            last = self._choice(f"r{c}_{place}")
            remainder = over + last
            self._row(f"c{c}_{place}_over", remainder - slack, pulp.LpConstraintLE, 1 - 1 / whole)
            self._row(f"c{c}_{place}_under", remainder + slack, pulp.LpConstraintGE, 0)
            ranked = remainder - place * tie - threshold
            self._row(f"c{c}_{place}_first", ranked - last + slack, pulp.LpConstraintGE, -1)
            self._row(f"c{c}_{place}_last", ranked - 2 * last - slack, pulp.LpConstraintLE, -tie)

    def evenness(self, c: int, claim: Evenness) -> None:
        if claim.cap is None:
            return
        among = claim.cap.groups
        heads = [float(each / sum(among.heads)) for each in among.heads]
        money = [
            pulp.LpAffineExpression((self.x[p], 1) for p in among.members(group).tolist())
            for group in range(len(heads))
        ]
        apart: list[pulp.LpVariable] = []
        for d, f in combinations(range(len(heads)), 2):
            apart.append(self._choice(f"u{c}_{d}_{f}", kind=pulp.LpContinuous, most=None))
            ahead = money[d] * heads[f] - money[f] * heads[d]
            self._row(f"c{c}_{d}_{f}_up", ahead - apart[-1], pulp.LpConstraintLE, 0)
            self._row(f"c{c}_{d}_{f}_down", ahead + apart[-1], pulp.LpConstraintGE, 0)
        slack = sum(self._most[p] for p in claim.members) * self.eased[c]
        shared = pulp.LpAffineExpression((self.x[p], float(claim.cap.cap)) for p in claim.members)
        self._row(f"c{c}", pulp.lpSum(apart) - shared - slack, pulp.LpConstraintLE, -self._margin)

    def _rest(self, line: int, rest: tuple[int, int]) -> pulp.LpVariable:
        """Return the choice of a line to be at rest, stated once; else it is below or above."""
        if (line, rest) not in self._at_rest:
            most = self._most[line]
            unit = self._unit
            sides = [(0, (rest[0] - 1) / unit), (rest[0] / unit, rest[1] / unit), ((rest[1] + 1) / unit, most)]
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

    def _choice(
        self, name: str, *, kind: str = pulp.LpInteger, least: int = 0, most: int | None = 1
    ) -> pulp.LpVariable:
        self.choices.append(self.problem.add_variable(name, least, most, cat=kind))
        return self.choices[-1]

    def _row(self, name: str, terms: pulp.LpAffineExpression, sense: int, level: float) -> None:
        self.problem += pulp.LpConstraint(terms, sense, name=name, rhs=level)


def in_money(claim: AnyClaim) -> bool:
    """Tell whether an easing counts money, or grains of a column, rather than lines or rules dropped."""
    return isinstance(claim, Claim) or (isinstance(claim, Hole) and claim.has_level)


def farthest(claimed: Sequence[AnyClaim], lines: int) -> list[int]:
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
