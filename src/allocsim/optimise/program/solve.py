"""The hand-over to HiGHS: a stated problem becomes arrays in one pass; status, values and duals come from HiGHS itself.

PuLP's own interface is not used: it reports an interrupted program as optimal, ignores unknown options and loses warm
starts. Here every option's return code is checked, and a program solved before is solved again from where it stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
import pulp

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.optimise.program.problem import Program

Options = Mapping[str, str | int | float | bool]
OPTIONS: Options = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 0,
    "presolve": "off",
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-10,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 1e-9,
    "mip_feasibility_tolerance": 1e-9,
    "mip_max_nodes": 20_000,
}
"""Presolve is off by measurement: re-solving 120 lines x 10 pieces takes 0.7 ms without and 5 ms with it, 10,000
lines 0.07 s and 0.1 s, and the first solve of those 2.3 s and 49 s. Tolerances are the tightest that HiGHS allows for
duals, because prices are read from them."""
Status = Literal["optimal", "infeasible", "limit"]
_STATUS: dict[Any, Status] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrays:
    """A minimisation as arrays: columns c, rows m, entries by rows."""

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    whole: BoolArray
    row_lower: FloatArray
    row_upper: FloatArray
    first: IntArray
    index: IntArray
    entry: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What HiGHS says.

    Attributes
    ----------
    status
        ``limit`` is everything that is neither proven optimal nor proven infeasible; its values prove nothing.
    values
        Of the columns (c,).
    objective
        Of the minimisation.
    least
        What no values can go below: of the tree where the program has whole columns, -inf where none is proven; the
        objective of a program solved to the end without them.
    duals
        Change of the objective per unit of each row's level (m,); zeros where the program has whole columns.
    iterations
        Of the simplex method.
    """

    status: Status
    values: FloatArray
    objective: float
    least: float
    duals: FloatArray
    iterations: int


def arrays(program: Program) -> Arrays:
    """Return a stated problem as arrays, in the order of its variables and rows."""
    columns, rows = program.variables, program.problem.constraints()
    place = {id(variable): position for position, variable in enumerate(columns)}
    cost = np.zeros(len(columns))
    for variable, coefficient in program.problem.objective.items():
        cost[place[id(variable)]] = coefficient
    first, index, entry = [0], [], []
    for row in rows:
        index += [place[id(variable)] for variable in row]
        entry += row.values()
        first.append(len(index))
    level = np.array([-row.constant for row in rows])
    sense = np.array([row.sense for row in rows])
    return Arrays(
        cost=floats(cost),
        lower=floats([-np.inf if v.lowBound is None else v.lowBound for v in columns]),
        upper=floats([np.inf if v.upBound is None else v.upBound for v in columns]),
        whole=booleans([v.cat == pulp.LpInteger for v in columns]),
        row_lower=floats(np.where(sense == pulp.LpConstraintLE, -np.inf, level)),
        row_upper=floats(np.where(sense == pulp.LpConstraintGE, np.inf, level)),
        first=integers(first),
        index=integers(index),
        entry=floats(entry),
    )


class Solver:
    """One program inside HiGHS, solved again and again from where it stood.

    Parameters
    ----------
    program
        The stated problem, or its arrays.
    options
        Options of HiGHS beside :data:`OPTIONS`, or instead of some of them.
    """

    def __init__(self, program: Program | Arrays, options: Options | None = None) -> None:
        self.arrays = program if isinstance(program, Arrays) else arrays(program)
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in {**OPTIONS, **(options or {})}.items():
            _check(self._highs.setOptionValue(name, value), f"option {name}")
        _check(self._highs.passModel(_model(self.arrays)), "model")
        self._columns = np.arange(len(self.arrays.cost), dtype=np.int32)

    def change(self, *, cost: FloatArray | None = None, upper: FloatArray | None = None) -> None:
        """Replace the costs or the upper bounds of all columns, or of the first ones."""
        if cost is not None:
            _check(self._highs.changeColsCost(len(cost), self._columns[: len(cost)], cost), "costs")
        if upper is not None:
            first = self._columns[: len(upper)]
            _check(self._highs.changeColsBounds(len(upper), first, self.arrays.lower[: len(upper)], upper), "bounds")

    def level(self, levels: Sequence[float]) -> None:
        """Replace the level of every row, each of which keeps its sense."""
        low, high = self.arrays.row_lower, self.arrays.row_upper
        for row, level in enumerate(levels):
            ends = (level if np.isfinite(low[row]) else -np.inf, level if np.isfinite(high[row]) else np.inf)
            _check(self._highs.changeRowBounds(row, *ends), "rows")

    def begin(self, full: BoolArray, tight: Sequence[tuple[int, int]]) -> None:
        """Begin at a vertex: columns that are ``full`` at their upper bounds, the others at their lower.

        In each pair of ``tight`` the column takes the place of the row in the basis, so that the row holds at its
        upper level; all other rows are in the basis.
        """
        status = highspy.HighsBasisStatus
        basis = highspy.HighsBasis()
        broken = [status.kLower] * (len(self._columns) - len(full))
        columns = [status.kUpper if is_full else status.kLower for is_full in full.tolist()] + broken
        rows = [status.kBasic] * len(self.arrays.row_lower)
        for column, row in tight:
            columns[column], rows[row] = status.kBasic, status.kUpper
        basis.col_status, basis.row_status = columns, rows
        basis.valid = True
        _check(self._highs.setBasis(basis), "basis")

    def run(self) -> Solution:
        """Solve, and return what HiGHS says."""
        returned = self._highs.run()
        astray = self._highs.getModelStatus() == highspy.HighsModelStatus.kUnknown
        if astray or returned == highspy.HighsStatus.kError:  # its basis has gone numerically astray
            self._highs.clearSolver()
            returned = self._highs.run()
        status = _STATUS.get(self._highs.getModelStatus(), "limit")
        if returned == highspy.HighsStatus.kError:
            raise AllocsimError(Text("HiGHS failed", "HiGHS 求解出错"))
        solution, info = self._highs.getSolution(), self._highs.getInfo()
        duals = solution.row_dual
        objective = float(info.objective_function_value)
        least = objective if status == "optimal" else -np.inf
        return Solution(
            status=status,
            values=floats(solution.col_value),
            objective=objective,
            least=float(info.mip_dual_bound) if self.arrays.whole.any() else least,
            duals=floats(duals if len(duals) else np.zeros(len(self.arrays.row_lower))),
            iterations=int(info.simplex_iteration_count),
        )


def solve(program: Program | Arrays, options: Options | None = None) -> Solution:
    """Solve a program once."""
    return Solver(program, options).run()


def from_rows(
    cost: FloatArray, bounds: tuple[FloatArray, FloatArray], rows: Sequence[tuple[FloatArray, float, float]]
) -> Arrays:
    """Return a small program from dense rows (coefficients (c,), least, most)."""
    matrix = np.array([row for row, _, _ in rows]).reshape(len(rows), len(cost))
    count, width = matrix.shape
    return Arrays(
        cost=floats(cost),
        lower=floats(bounds[0]),
        upper=floats(bounds[1]),
        whole=booleans(np.zeros(width)),
        row_lower=floats([low for _, low, _ in rows]),
        row_upper=floats([high for _, _, high in rows]),
        first=integers(np.arange(count + 1) * width),
        index=integers(np.tile(np.arange(width), count)),
        entry=floats(matrix.ravel()),
    )


def _model(given: Arrays) -> Any:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(given.cost), len(given.row_lower)
    model.sense_ = highspy.ObjSense.kMinimize
    model.col_cost_, model.col_lower_, model.col_upper_ = given.cost, given.lower, given.upper
    model.row_lower_, model.row_upper_ = given.row_lower, given.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = given.first.astype(np.int32)
    model.a_matrix_.index_ = given.index.astype(np.int32)
    model.a_matrix_.value_ = given.entry
    if given.whole.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[whole] for whole in given.whole.tolist()]
    return model


def _check(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise AllocsimError(Text(f"HiGHS refused the {what}", f"HiGHS 不接受：{what}"))
