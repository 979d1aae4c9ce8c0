"""Limits that give: the linear program in which every limit may be eased at a price, stated in PuLP and solved again.

    minimise    sum of cost[c] e[c]
    subject to  x[p] + e[c] >= low         every floor of a line          sum of x + e[c] >= level    floors of sums
                x[p] - e[c] <= high        every ceiling of a line        sum of x - e[c] <= level    ceilings of sums
                x >= 0,  0 <= e[c] <= room[c]

``room`` is nothing for a limit that must hold, without end for one that is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pulp

from allocsim.model.arrays import FloatArray, floats
from allocsim.optimise.limits import COMMITTED, FREE, LEAST, MOST, Rows
from allocsim.optimise.problem import Program
from allocsim.optimise.solve import Solver


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One number that can be in the way.

    Attributes
    ----------
    group
        What is dropped or kept as one: a rule, the total, the reserve, or one limit of one line.
    source
        Index into the sources.
    side
        ``floor``: at least the level, ``ceiling``: at most.
    members
        The lines summed.
    row
        Which row of its rule: a value of ``by``, the code of a line, or empty.
    level
        [steps]
    """

    group: str
    source: int
    side: Literal["floor", "ceiling"]
    members: tuple[int, ...]
    row: str
    level: int


def claims(rows: Rows) -> list[Claim]:
    """Return every number of every limit, in the order of the file; the reserve is money that no line gets.

    The sum of all lines and the reserve is held by the total: the reserve is a line of its own, after the last one.
    """
    found: list[Claim] = []
    for source in range(len(rows.sources)):
        found += _of_sums(rows, source)
        if rows.sources[source].standing == "reserve" and rows.reserve:
            group = rows.name(source)
            kept = (len(rows.id),)
            found.append(Claim(group=group, source=source, side="floor", members=kept, row="", level=rows.reserve))
        found += _of_lines(rows, source)
    return found


def _of_sums(rows: Rows, source: int) -> list[Claim]:
    found: list[Claim] = []
    for number, limit in enumerate(rows.sums):
        if limit.source != source:
            continue
        members, level = tuple(limit.members.tolist()), limit.level
        if number == 0:
            members, level = (*members, len(rows.id)), rows.total
        if limit.sense != "ceiling":
            found.append(_claim(rows, source, "floor", members, limit.label, level))
        if limit.sense != "floor":
            found.append(_claim(rows, source, "ceiling", members, limit.label, level))
    return found


def _of_lines(rows: Rows, source: int) -> list[Claim]:
    found: list[Claim] = []
    for limit in rows.each:
        if limit.source == source:
            for line, low, high in zip(limit.project.tolist(), limit.low.tolist(), limit.high.tolist(), strict=True):
                if low > 0:
                    found.append(_claim(rows, source, "floor", (line,), rows.id[line], low))
                if high < FREE:
                    found.append(_claim(rows, source, "ceiling", (line,), rows.id[line], high))
    return found


def _claim(
    rows: Rows, source: int, side: Literal["floor", "ceiling"], members: tuple[int, ...], row: str, level: int
) -> Claim:
    name = rows.name(source)
    own = rows.sources[source].standing == "line"
    return Claim(
        group=f"{name} {row}" if own and name in (COMMITTED, LEAST, MOST) else name,
        source=source,
        side=side,
        members=members,
        row=row,
        level=level,
    )


def state(claimed: Sequence[Claim], lines: int, *, whole: bool = False) -> Program:
    """State the problem in PuLP; columns are the amounts of the lines and the reserve, then one easing a claim."""
    problem = pulp.LpProblem("elastic", pulp.LpMinimize)
    kind = pulp.LpInteger if whole else pulp.LpContinuous
    x = [problem.add_variable(f"x{p}", 0, cat=kind) for p in range(lines + 1)]
    eased = [problem.add_variable(f"e{c}", 0) for c in range(len(claimed))]
    problem += pulp.LpAffineExpression(((e, 1) for e in eased), name="eased")
    for number, (claim, e) in enumerate(zip(claimed, eased, strict=True)):
        total = pulp.LpAffineExpression((x[p], 1) for p in claim.members)
        is_floor = claim.side == "floor"
        total += e if is_floor else -e
        sense = pulp.LpConstraintGE if is_floor else pulp.LpConstraintLE
        problem += pulp.LpConstraint(total, sense, name=f"c{number}", rhs=claim.level)
    return Program(problem=problem, variables=(*x, *eased))


class Elastic:
    """The elastic program of some claims, asked again and again which easings would do.

    Parameters
    ----------
    claimed
        All claims.
    lines
        Number of lines.
    whole
        True where amounts must be whole steps: only needed where sets of lines cross.
    """

    def __init__(self, claimed: Sequence[Claim], lines: int, *, whole: bool = False) -> None:
        self._lines, self._count = lines + 1, len(claimed)
        self._solver = Solver(state(claimed, lines, whole=whole))

    def holds(self, kept: Collection[int]) -> bool:
        """Tell whether the claims ``kept`` can hold together, all others dropped."""
        return self.least(kept, ()) is not None

    def least(self, kept: Collection[int], eased: Collection[int]) -> FloatArray | None:
        """Return the smallest easings (c,) [steps] that let ``kept`` hold, or None where none do.

        Parameters
        ----------
        kept
            Claims that must hold.
        eased
            Claims that may be eased, a step as dear as any; a claim that is in neither is dropped.
        """
        cost, room = np.zeros(self._count), np.full(self._count, np.inf)
        room[list(kept)] = 0.0
        cost[list(eased)] = 1.0
        self._solver.change(
            cost=np.concatenate([np.zeros(self._lines), cost]),
            upper=np.concatenate([np.full(self._lines, np.inf), room]),
        )
        solution = self._solver.run()
        if solution.status != "optimal":
            return None
        return floats(solution.values[self._lines :])
