"""The mathematics, stated once: piecewise linear benefits under limits of sums, as a PuLP problem that can be read.

    minimise    - sum over lines p and pieces s of slope[p,s] d[p,s]
    subject to  sum over p in the rule's lines of sum_s d[p,s]  <=, >= or =  level        for every limit of a sum
                0 <= d[p,s] <= width[p,s]

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
    """The stated problem; ``variables`` line by line, the pieces of a line from left to right."""

    problem: pulp.LpProblem
    variables: tuple[pulp.LpVariable, ...]


def state(pieces: Pieces, sums: Sequence[Sum], *, whole: bool = False) -> Program:
    """State the problem; always a minimisation, with names in ASCII.

    Parameters
    ----------
    pieces
        The curves.
    sums
        Limits of sums; row ``r3`` of the problem is ``sums[3]``. Limits that bind no line are left out.
    whole
        True where every d must be a whole number of steps.
    """
    problem = pulp.LpProblem("plan", pulp.LpMinimize)
    lines, count = pieces.width.shape
    kind = pulp.LpInteger if whole else pulp.LpContinuous
    longest = pieces.width.astype(np.float64).tolist()
    d = [[problem.add_variable(f"d{p}_{s}", 0, longest[p][s], cat=kind) for s in range(count)] for p in range(lines)]
    columns = tuple(variable for line in d for variable in line)
    problem += pulp.LpAffineExpression(zip(columns, (-pieces.slope).ravel().tolist(), strict=True), name="forgone")
    for number, limit in enumerate(sums):
        members = limit.members.tolist()
        spent = pulp.LpAffineExpression((variable, 1) for p in members for variable in d[p])
        level = limit.level - int(pieces.start[limit.members].sum())
        if members:
            problem += pulp.LpConstraint(spent, _SENSE[limit.sense], name=f"r{number}", rhs=level)
    return Program(problem=problem, variables=columns)


def text(program: Program) -> str:
    """Return the problem in the LP format, row by row as PuLP writes it, for any solver to read."""
    problem = program.problem
    lines = [
        f"\\* {problem.name} *\\",
        "Minimize",
        problem.objective.asCplexLpAffineExpression("forgone", include_constant=False),
    ]
    lines += ["Subject To", *(row.asCplexLpConstraint(row.name) for row in problem.constraints()), "Bounds"]
    lines += [f" {variable.asCplexLpVariable()}" for variable in program.variables]
    whole = [variable.name for variable in program.variables if variable.cat == pulp.LpInteger]
    lines += ["Generals", *whole] if whole else []
    return "\n".join([line.rstrip("\n") for line in [*lines, "End"]]) + "\n"
