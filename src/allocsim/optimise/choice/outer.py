"""The outer approximation, stated once: lines choose among spans, under roofs that lie above their curves.

    maximise    sum over spans s and corners v of height[v,s] share[v,s]  -  sum of penalty (over + under)
    subject to  sum over p in the rule's lines of weight[p] x[p]  <=, >= or =  level       for every limit of a sum
                sum over spans away from rest of weight[p] z[s]  <=  level                 for every rule that counts
                x[p] = sum over spans s of p and corners v of spending[v,s] share[v,s]     for every line
                sum over v of share[v,s] = z[s],   sum over s of p of z[s] = 1,   z[s] = 0 or 1,   share >= 0

A line stands between the corners of the roof of the one span that it chooses. Roofs lie above the curves, so that no
amounts bring more than the best solution: every tangent lowers a roof, and the bound with it (Duran, M. and Grossmann,
I., 1986, An outer-approximation algorithm for a class of mixed-integer nonlinear programs, Mathematical Programming
36). With 0 <= z <= 1 instead, the linear program is the tightest there is line by line: its bound is that of the best
multipliers (Geoffrion, A., 1974, Lagrangean relaxation for integer programming). Choices that led to no whole amounts
are forbidden one by one: not all of their spans again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pulp

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.optimise.choice.roofs import Roofs
from allocsim.optimise.choice.spans import Spans, away
from allocsim.optimise.limits import Choice, Sum
from allocsim.optimise.program.problem import Program
from allocsim.optimise.program.solve import Options, Status, solve

TOLERANCE = 1e-9
"""Share of a line's spread of benefit that the solver's tolerances may hide in a row; a tenth of it in a column."""
_SENSE = {"ceiling": pulp.LpConstraintLE, "floor": pulp.LpConstraintGE, "fix": pulp.LpConstraintEQ}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Master:
    """What is to be stated.

    Attributes
    ----------
    spans, roofs
        What each line may choose, and what that brings at most.
    sums, choices
        The limits, in the order in which they are stated.
    order
        Lines in the order in which they are stated (p,): nothing else may tell equal ones apart.
    forbidden
        Choices not to be made again: spans (s,) that may not all be chosen, in each.
    relaxed
        True where a line may have shares of several spans.
    whole
        True where amounts must be whole steps.
    """

    spans: Spans
    roofs: Roofs
    sums: Sequence[Sum]
    choices: Sequence[Choice]
    order: IntArray
    forbidden: Sequence[BoolArray] = ()
    relaxed: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What the solver says of a master.

    Attributes
    ----------
    status
        ``limit`` is everything that is neither solved to the gap asked for nor proven infeasible.
    bound
        What no amounts bring more than, the solver's tolerances added [benefit]; inf where nothing is proven.
    pick
        The span of each line, the one with the largest share where several have one (p,); None without a solution.
    shares
        Of each span (s,).
    spending
        Amounts (p,) [steps].
    multipliers, counting
        Of limits of sums and of rules that count lines; zeros unless relaxed.
    """

    status: Status
    bound: float
    pick: IntArray | None
    shares: FloatArray
    spending: FloatArray
    multipliers: FloatArray
    counting: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scale:
    """Units: amounts are counted from ``base`` in ``size`` (p,), benefits from ``floor`` (s,) in ``unit``."""

    base: FloatArray
    size: FloatArray
    floor: FloatArray
    offset: float
    unit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stated:
    """The program with the places of its columns: amounts (p,), corners and their spans (c,); and its rows."""

    program: Program
    x: IntArray
    corner: IntArray
    corner_span: IntArray
    row_scale: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Made:
    """A problem on its way, its columns in the order in which they were made."""

    problem: pulp.LpProblem
    columns: list[pulp.LpVariable]

    def column(self, name: str, most: float | None, kind: str) -> pulp.LpVariable:
        """Add a column between nothing and ``most``."""
        self.columns.append(self.problem.add_variable(name, 0, most, cat=kind))
        return self.columns[-1]


def answer(master: Master, *, gap: float = 0.0, options: Options | None = None) -> Answer:
    """State a master and have it solved.

    Parameters
    ----------
    master
        The master.
    gap
        Benefit that a search may leave between its best solution and its bound.
    options
        Options of HiGHS for it.
    """
    scale = _scale(master)
    stated = state(master, scale)
    mixed: Options = {"mip_abs_gap": max(gap / scale.unit, 1e-9), "mip_rel_gap": 0.0, "presolve": "on"}
    solution = solve(stated.program, {**mixed, **(options or {})})
    lines, count = len(scale.base), len(master.spans.line)
    shares, spending, pick = np.zeros(count), np.zeros(lines), None
    rows, columns = lines + len(master.sums) + len(master.choices), len(stated.program.variables)
    hidden = TOLERANCE * scale.unit * (rows + 0.1 * columns)
    if solution.values.size and np.isfinite(solution.objective):
        np.add.at(shares, stated.corner_span, solution.values[stated.corner])
        spending = scale.base + scale.size * np.maximum(solution.values[stated.x], 0.0)
        pick = _largest(master.spans, shares)
        if not master.relaxed and (shares[pick] < 0.5).any():
            pick = None
    names = [row.name for row in stated.program.problem.constraints()]
    duals = dict(zip(names, (-solution.duals * scale.unit).tolist(), strict=True))
    of_sums = [duals.get(name, 0.0) / stated.row_scale.get(name, 1.0) for name in _names("r", master.sums)]
    return Answer(
        status=solution.status,
        bound=scale.offset - solution.least * scale.unit + hidden,
        pick=pick,
        shares=floats(shares),
        spending=floats(spending),
        multipliers=floats(of_sums),
        counting=floats([duals.get(name, 0.0) for name in _names("n", master.choices)]),
    )


def as_it_is(master: Master) -> Program:
    """State the problem in whole steps and plain benefit, for others to read."""
    lines, count = len(master.order), len(master.spans.line)
    units = _Scale(
        base=floats(np.zeros(lines)), size=floats(np.ones(lines)), floor=floats(np.zeros(count)), offset=0.0, unit=1.0
    )
    return state(master, units).program


def state(master: Master, scale: _Scale) -> _Stated:
    """State the problem in PuLP, as a minimisation, amounts and benefits in their units."""
    made = _Made(problem=pulp.LpProblem("outer", pulp.LpMinimize), columns=[])
    kind = pulp.LpInteger if master.whole and not master.relaxed else pulp.LpContinuous
    own, top = _by_line(master.spans, len(scale.base)), _ends(master, scale)
    forgone: list[tuple[pulp.LpVariable, float]] = []
    x: dict[int, pulp.LpVariable] = {}
    z: dict[int, list[pulp.LpVariable]] = {}
    corners: list[pulp.LpVariable] = []
    of: list[int] = []
    rows: list[pulp.LpConstraint] = []
    for p in master.order.tolist():
        x[p] = made.column(f"x{p}", top[p], kind)
        placed: list[tuple[pulp.LpVariable, float]] = [(x[p], -1.0)]
        for s in own[p]:
            shares, spending, height = _corners(made, master, scale, s, several=len(own[p]) > 1)
            corners += shares
            of += [s] * len(shares)
            placed += zip(shares, spending, strict=True)
            forgone += zip(shares, (-value for value in height), strict=True)
            z[s] = shares
            if not master.relaxed and len(own[p]) > 1 and len(shares) > 1:
                chosen = made.column(f"z{s}", 1.0, pulp.LpInteger)
                rows.append(_equal([*((share, 1.0) for share in shares), (chosen, -1.0)], f"s{s}", 0.0))
                z[s] = [chosen]
        rows.append(_equal(placed, f"x{p}", 0.0))
        rows.append(_equal([(share, 1.0) for s in own[p] for share in z[s]], f"p{p}", 1.0))
    together, sizes, broken = _sums(made, master, scale, x)
    counting = [_counted(master.spans, choice, z, f"n{number}") for number, choice in enumerate(master.choices)]
    rows = [*together, *(row for row in counting if row is not None), *rows, *_forbidden(master, own, z)]
    problem = made.problem
    problem += pulp.LpAffineExpression([*forgone, *broken], name="forgone")
    for row in rows:
        problem += row
    place = {id(variable): number for number, variable in enumerate(made.columns)}
    return _Stated(
        program=Program(problem=made.problem, variables=tuple(made.columns)),
        x=integers([place[id(x[p])] for p in range(len(x))]),
        corner=integers([place[id(share)] for share in corners]),
        corner_span=integers(of),
        row_scale=sizes,
    )


def _corners(
    made: _Made, master: Master, scale: _Scale, s: int, *, several: bool
) -> tuple[list[pulp.LpVariable], list[float], list[float]]:
    """Return the shares of the corners of one span, and where and how high those are, in units."""
    there, p = np.flatnonzero(master.roofs.present[:, s]), int(master.spans.line[s])
    single = there.size == 1 and several and not master.relaxed
    kind = pulp.LpInteger if single else pulp.LpContinuous
    shares = [made.column(f"c{s}_{v}", 1.0, kind) for v in there.tolist()]
    spending = (master.roofs.spending[there, s] - scale.base[p]) / scale.size[p]
    height = (master.roofs.height[there, s] - scale.floor[s]) / scale.unit
    return shares, spending.tolist(), height.tolist()


def _sums(
    made: _Made, master: Master, scale: _Scale, x: Mapping[int, pulp.LpVariable]
) -> tuple[list[pulp.LpConstraint], dict[str, float], list[tuple[pulp.LpVariable, float]]]:
    """Return the limits of sums, the units they are stated in, and what breaking them costs."""
    rows, sizes, costs = [], {}, []
    for number, limit in enumerate(master.sums):
        if not limit.members.size:
            continue
        weights = limit.coefficients * scale.size[limit.members]
        widest = float(np.abs(weights).max())
        if not widest > 0:
            widest = 1.0
        terms = [(x[p], weight) for p, weight in zip(limit.members.tolist(), (weights / widest).tolist(), strict=True)]
        for side, sign in limit_sides(limit):
            broken = made.column(f"{side}{number}", None, pulp.LpContinuous)
            terms.append((broken, float(sign)))
            costs.append((broken, (limit.penalty or 0.0) * widest / scale.unit))
        level = (limit.level - float((limit.coefficients * scale.base[limit.members]).sum())) / widest
        sizes[f"r{number}"] = widest
        rows.append(
            pulp.LpConstraint(pulp.LpAffineExpression(terms), _SENSE[limit.sense], name=f"r{number}", rhs=level)
        )
    return rows, sizes, costs


def limit_sides(limit: Sum) -> list[tuple[str, int]]:
    """Return the sides on which a limit may be broken, and the sign with which that stands in its row."""
    if limit.penalty is None:
        return []
    sides = (("over", -1, "floor"), ("under", 1, "ceiling"))
    return [(side, sign) for side, sign, sense in sides if limit.sense != sense]


def _counted(
    found: Spans, choice: Choice, z: Mapping[int, Sequence[pulp.LpVariable]], name: str
) -> pulp.LpConstraint | None:
    counted, weight = away(found, choice)
    terms = [(each, w) for s, w in zip(counted.tolist(), weight.tolist(), strict=True) for each in z[s]]
    if not terms and choice.level >= 0:
        return None
    return pulp.LpConstraint(pulp.LpAffineExpression(terms), pulp.LpConstraintLE, name=name, rhs=choice.level)


def _forbidden(
    master: Master, own: Sequence[Sequence[int]], z: Mapping[int, Sequence[pulp.LpVariable]]
) -> list[pulp.LpConstraint]:
    """Return one row for each choice not to be made again; none where a line could not make it any more."""
    rows = []
    for number, spans in enumerate(master.forbidden):
        inside = [[s for s in mine if spans[s]] for mine in own]
        if not all(inside):
            continue
        open_ = [line for line, mine in zip(inside, own, strict=True) if len(line) < len(mine)]
        terms = [(each, 1.0) for line in open_ for s in line for each in z[s]]
        rows.append(
            pulp.LpConstraint(
                pulp.LpAffineExpression(terms), pulp.LpConstraintLE, name=f"f{number}", rhs=len(open_) - 1
            )
        )
    return rows


def _names(letter: str, limits: Sequence[object]) -> list[str]:
    """Return the names of the rows of limits."""
    return [f"{letter}{number}" for number in range(len(limits))]


def _equal(terms: Sequence[tuple[pulp.LpVariable, float]], name: str, level: float) -> pulp.LpConstraint:
    return pulp.LpConstraint(pulp.LpAffineExpression(terms), pulp.LpConstraintEQ, name=name, rhs=level)


def _by_line(found: Spans, lines: int) -> list[list[int]]:
    own: list[list[int]] = [[] for _ in range(lines)]
    for s, p in enumerate(found.line.tolist()):
        own[p].append(s)
    return own


def _scale(master: Master) -> _Scale:
    """Return units: each line's reach, or single steps where amounts are whole; and the mean spread of benefits."""
    found, roofs = master.spans, master.roofs
    lines = len(master.order)
    base, end = np.full(lines, np.inf), np.full(lines, -np.inf)
    np.minimum.at(base, found.line, np.where(roofs.present, roofs.spending, np.inf).min(axis=0))
    np.maximum.at(end, found.line, np.where(roofs.present, roofs.spending, -np.inf).max(axis=0))
    low, high = np.full(lines, np.inf), np.full(lines, -np.inf)
    np.minimum.at(low, found.line, np.where(roofs.present, roofs.height, np.inf).min(axis=0))
    np.maximum.at(high, found.line, np.where(roofs.present, roofs.height, -np.inf).max(axis=0))
    reach = np.where(end > base, end - base, 1.0)
    spread = float((high - low).mean()) if lines else 0.0
    return _Scale(
        base=floats(base),
        size=floats(np.ones(lines) if master.whole else reach),
        floor=floats(low[found.line]),
        offset=float(np.sum(low)),
        unit=spread if spread > 0 else 1.0,
    )


def _ends(master: Master, scale: _Scale) -> list[float]:
    """Return the most that each line may have (p,), in its unit."""
    end = np.zeros(len(scale.base))
    most = np.where(master.roofs.present, master.roofs.spending, -np.inf).max(axis=0)
    np.maximum.at(end, master.spans.line, (most - scale.base[master.spans.line]) / scale.size[master.spans.line])
    return [float(value) for value in end]


def _largest(found: Spans, shares: FloatArray) -> IntArray:
    """Return for each line its span with the largest share, the first of equals (p,)."""
    order = np.lexsort((np.arange(len(shares)), -shares, found.line))
    return integers(order[np.unique(found.line[order], return_index=True)[1]])


def inside(found: Spans, low: IntArray, high: IntArray) -> BoolArray:
    """Tell which spans lie within bounds of their lines (p,) [steps]."""
    return booleans((found.low >= low[found.line]) & (found.high <= high[found.line]))
