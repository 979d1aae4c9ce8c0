"""A cap on inequality, stated pair by pair on top of the program of lines and sums.

    minimise    as without it
    subject to  g[d] = sum over lines p of group d and pieces s of d[p,s]                       for every group
                (w[e] g[d] - w[d] g[e]) / W + begun[d,e] = apart[d,e] - nearer[d,e]             for every open pair
                sum over open pairs of (apart + nearer) + sum over settled ones of sign x difference  <=  cap x money
                apart, nearer >= 0

with heads w, W of all, and ``begun`` the difference where the pieces begin. A pair is settled where its pieces cannot
turn it round: its difference then has one sign. What is known of amounts is reckoned exactly, so that the program is
one of small numbers however fine the money.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Literal

import numpy as np
import pulp

from allocsim.model.arrays import FloatArray
from allocsim.optimise.even.rankings import mixture
from allocsim.optimise.limits import Equality, Sum
from allocsim.optimise.program.problem import Pieces, Program, state

FINE = 2**40
"""Size of the coefficients of the cut."""
Whole = Literal["", "groups", "lines"]
"""What must be whole: nothing, the amounts of groups, those of lines."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """The stated problem.

    Attributes
    ----------
    program
        Rows are the limits of sums, the groups, the open pairs, the cap.
    sign
        Of each pair in the order of combinations: which way round it is; 0 where that is open.
    """

    program: Program
    sign: tuple[int, ...]


def stated(
    pieces: Pieces, sums: tuple[Sum, ...], cap: Equality, *, unit: float, whole: Whole = "", margin: float = 0.0
) -> Pairs:
    """State the problem.

    Parameters
    ----------
    pieces
        The curves, their slopes in ``unit``.
    sums, cap
        The limits.
    unit
        Benefit that counts as one.
    whole
        What must be whole.
    margin
        Steps by which the cap must be kept.
    """
    made = state(pieces, sums, whole=whole == "lines", unit=unit)
    problem, columns = made.problem, list(made.variables)
    money, begun, wide = _groups(problem, columns, pieces, cap, whole=whole)
    heads, label = cap.groups.heads, range(len(cap.groups.label))
    all_heads = sum(heads, Fraction(0))
    share = [each / all_heads for each in heads]
    weight = [-cap.cap] * len(label)
    level, sign = cap.cap * sum(begun), list[int]()
    open_: list[tuple[pulp.LpVariable, float]] = []
    rows = []
    for d, e in combinations(label, 2):
        start = share[e] * begun[d] - share[d] * begun[e]
        turn = _sign(start - share[d] * wide[e], start + share[e] * wide[d])
        sign.append(turn)
        if turn:
            weight[d] += turn * share[e]
            weight[e] -= turn * share[d]
            level -= turn * start
            continue
        apart, nearer = problem.add_variable(f"a{d}_{e}", 0), problem.add_variable(f"n{d}_{e}", 0)
        columns += [apart, nearer]
        open_ += [(apart, 1.0), (nearer, 1.0)]
        terms = [(money[d], float(share[e])), (money[e], -float(share[d])), (apart, -1.0), (nearer, 1.0)]
        rows.append(_row(terms, pulp.LpConstraintEQ, f"pair{d}_{e}", -float(start)))
    together = [*zip(money, map(float, weight), strict=True), *open_]
    rows.append(_row(together, pulp.LpConstraintLE, "cap", float(level) - margin))
    for row in rows:
        problem += row
    return Pairs(program=Program(problem=problem, variables=tuple(columns)), sign=tuple(sign))


def cut_of(cap: Equality, sign: tuple[int, ...], duals: FloatArray) -> tuple[Sum, float]:
    """Return the one inequality that the cap amounts to at a solution, and its multiplier.

    Parameters
    ----------
    cap
        The cap.
    sign
        Of each pair, 0 where it is open.
    duals
        Of the open pairs, then of the cap [benefit per step]. Over the cap's own they are the numbers between -1 and 1
        that stand for the signs of open pairs; tolerances beyond are cut off.
    """
    price = max(0.0, float(duals[-1]))
    open_ = np.clip(duals[:-1] / price, -1.0, 1.0) if price > 0 else np.zeros(len(duals) - 1)
    numbers, heads = iter(open_.tolist()), cap.groups.heads
    ahead = [Fraction(0)] * len(heads)
    for (d, e), turn in zip(combinations(range(len(heads)), 2), sign, strict=True):
        number = Fraction(turn or next(numbers))
        ahead[d] += number * heads[e]
        ahead[e] -= number * heads[d]
    found = mixture(cap, ahead, largest=FINE)
    return found, price * found.grain


def _groups(
    problem: pulp.LpProblem, columns: list[pulp.LpVariable], pieces: Pieces, cap: Equality, *, whole: Whole
) -> tuple[list[pulp.LpVariable], list[int], list[int]]:
    """Add what each group gets beyond its start; return these columns, the starts, and how far each can go [steps]."""
    count, kind = pieces.width.shape[1], pulp.LpInteger if whole == "groups" else pulp.LpContinuous
    money, begun, wide = [], [], []
    for d in range(len(cap.groups.label)):
        lines = cap.groups.members(d)
        begun.append(int(pieces.start[lines].sum()))
        wide.append(int(pieces.width[lines].sum()))
        money.append(problem.add_variable(f"g{d}", 0, wide[-1], cat=kind))
        given = [(columns[p * count + s], 1.0) for p in lines.tolist() for s in range(count)]
        problem += _row([*given, (money[-1], -1.0)], pulp.LpConstraintEQ, f"group{d}", 0.0)
    columns += money
    return money, begun, wide


def _sign(least: Fraction, most: Fraction) -> int:
    return 1 if least >= 0 else -1 if most <= 0 else 0


def _row(terms: list[tuple[pulp.LpVariable, float]], sense: int, name: str, level: float) -> pulp.LpConstraint:
    return pulp.LpConstraint(pulp.LpAffineExpression(terms), sense, name=name, rhs=level)
