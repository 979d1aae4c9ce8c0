"""The mathematics, stated once: piecewise linear benefits under limits of sums, as a PuLP problem that can be read.

    minimise    - sum over lines p and pieces s of slope[p,s] d[p,s]  +  sum of penalty (over + under)
    subject to  sum over p in the rule's lines of weight[p] sum_s d[p,s]  <=, >= or =  level   for every limit of a sum
                0 <= d[p,s] <= width[p,s]

A limit that may be broken has an ``over`` on its left side that is taken off, an ``under`` that is added, or both.

Line p gets ``start[p] + sum_s d[p,s]``. Slopes fall from piece to piece, so the pieces of a line fill from the left
without being told to. Limits of single lines are no rows: they are where the pieces start and end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pulp

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.optimise.limits import Sum

_SENSE = {"ceiling": pulp.LpConstraintLE, "floor": pulp.LpConstraintGE, "fix": pulp.LpConstraintEQ}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """Concave curves as pieces: line p, piece s.

    Attributes
    ----------
    start
        Where the pieces of each line begin (p,) [steps].
    width
        Length of each piece (p, s) [steps]; pieces of no length are allowed.
    slope
        Benefit per step on each piece (p, s), in any unit, not rising along s where the width is above zero.
    """

    start: IntArray
    width: IntArray
    slope: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """The stated problem; ``variables`` line by line, the pieces of a line from left to right, then what is broken."""

    problem: pulp.LpProblem
    variables: tuple[pulp.LpVariable, ...]


def state(pieces: Pieces, sums: Sequence[Sum], *, whole: bool = False, unit: float = 1.0) -> Program:
    """State the problem; always a minimisation, with names in ASCII.

    Parameters
    ----------
    pieces
        The curves.
    sums
        Limits of sums; row ``r3`` of the problem is ``sums[3]``. Limits that bind no line are left out.
    whole
        True where every d must be a whole number of steps.
    unit
        Benefit that counts as one in the objective; the slopes of the pieces are in it already.
    """
    problem = pulp.LpProblem("plan", pulp.LpMinimize)
    lines, count = pieces.width.shape
    kind = pulp.LpInteger if whole else pulp.LpContinuous
    longest = pieces.width.astype(np.float64).tolist()
    d = [[problem.add_variable(f"d{p}_{s}", 0, longest[p][s], cat=kind) for s in range(count)] for p in range(lines)]
    columns = [variable for line in d for variable in line]
    forgone = pulp.LpAffineExpression(zip(columns, (-pieces.slope).ravel().tolist(), strict=True), name="forgone")
    rows = []
    for number, limit in enumerate(sums):
        if not limit.members.size:
            continue
        weights = (limit.coefficients / limit.widest).tolist()
        counted = zip(limit.members.tolist(), weights, strict=True)
        spent = pulp.LpAffineExpression((variable, weight) for p, weight in counted for variable in d[p])
        for side, sign in _broken(limit):
            broken = problem.add_variable(f"{side}{number}", 0)
            columns.append(broken)
            spent += sign * broken
            forgone += (limit.penalty or 0.0) * limit.widest / unit * broken
        level = (limit.level - limit.activity(pieces.start)) / limit.widest
        rows.append(pulp.LpConstraint(spent, _SENSE[limit.sense], name=f"r{number}", rhs=level))
    problem += forgone
    for row in rows:
        problem += row
    return Program(problem=problem, variables=tuple(columns))


def _broken(limit: Sum) -> list[tuple[str, int]]:
    """Return the sides on which a limit may be broken, and the sign with which that stands in its row."""
    if limit.penalty is None:
        return []
    return [
        (side, sign) for side, sign, sense in (("over", -1, "floor"), ("under", 1, "ceiling")) if limit.sense != sense
    ]


def text(program: Program) -> str:
    """Return the problem in the LP format, row by row as PuLP writes it, for any solver to read."""
    problem = program.problem
    lines = [
        f"\\* {problem.name} *\\",
        "Minimize",
        problem.objective.asCplexLpAffineExpression("forgone", include_constant=False),
    ]
    lines += ["Subject To", *(row.asCplexLpConstraint(row.name) for row in problem.constraints()), "Bounds"]
    lines += [f" {bound}" for each in program.variables if (bound := each.asCplexLpVariable()) != each.name]
    whole = [variable.name for variable in program.variables if variable.cat == pulp.LpInteger]
    lines += ["Generals", *whole] if whole else []
    return "\n".join([line.rstrip("\n") for line in [*lines, "End"]]) + "\n"
