"""A frontier: what the best plan brings as one setting of the scenario is varied, point by point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans

PointStatus = Literal["optimal", "limit", "conflict"]
TOTAL = "budget.total"
"""The key whose frontier is concave and rises, with the price as its slope."""
Measure = Literal["worst_off", "gini", "cvar"]
MEASURES: Mapping[str, Measure] = {
    "equity.worst_off": "worst_off",
    "equity.gini": "gini",
    "objective.risk_aversion": "cvar",
    "objective.uncertainty_budget": "cvar",
}
"""Keys that trade benefit for something else -> what they trade it for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frontier:
    """Best plans over the values of one key; axis n in the order of the values, p in that of the projects table.

    Attributes
    ----------
    key
        Dotted key that is varied.
    values
        What it is set to (n,), as the settings take it: numbers, or words for keys that want words.
    stated
        What the scenario itself says; None where it says nothing.
    id
        Of each line (p,).
    benefit
        Of the best plan at each value (n,); NaN where rules conflict, as in all arrays of floats here.
    price
        What one more unit of money brings at each value (n,) [benefit per money]: the multiplier of the total that
        proves the plan optimal. No plan with d more money brings more than ``price x d`` beyond ``benefit``, nor can
        one with d less lose less, so a line of this slope touches the frontier over ``budget.total`` from above.
    gain
        Over last year's split scaled to the same money, on the expected curves (n,); NaN where there is no last year.
    allocated
        Sum of all amounts (n,) [money].
    changed
        Lines whose amount is not last year's, lines without one counted where they get money (n,); -1 in a conflict.
    status
        optimal: certified; limit: valid plan, certificate not closed; conflict: no plan can keep all rules (n,).
    conflict
        Names of the rules that cannot all hold (n,); empty where a plan was found.
    amounts
        (n, p) [money].
    equity_by
        The column whose values equity compares; empty where there is nothing to compare.
    worst_off, worst_name
        What a head of the worst-off value gets at each value (n,) [money per head], and which value that is.
    gini
        Gini coefficient of money per head (n,) [share 0-1].
    cvar, cvar_level
        Mean benefit of the worst 1 - ``cvar_level`` of the curve draws (n,).
    probability
        Share of curve draws in which the plan beats last year's split of the same money (n,); NaN without a last year.
    benefit_is_money
        True where benefit counts money that performs at 100 points; False where every curve was given as benefit.
    """

    key: str
    values: tuple[object, ...]
    stated: object
    id: tuple[str, ...]
    benefit: FloatArray
    price: FloatArray
    gain: FloatArray
    allocated: FloatArray
    changed: IntArray
    status: tuple[PointStatus, ...]
    conflict: tuple[tuple[str, ...], ...]
    amounts: FloatArray
    equity_by: str
    worst_off: FloatArray
    worst_name: tuple[str, ...]
    gini: FloatArray
    cvar: FloatArray
    cvar_level: float
    probability: FloatArray
    benefit_is_money: bool

    @property
    def holds(self) -> BoolArray:
        """Tell at which values there is a plan (n,)."""
        return booleans([status != "conflict" for status in self.status])

    @property
    def numbers(self) -> FloatArray | None:
        """The values as numbers (n,); None where one of them is none."""
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in self.values):
            return None
        return np.array(self.values, dtype=np.float64)

    @property
    def measure(self) -> Measure | None:
        """What benefit is traded for along this frontier; None where the key trades it for nothing else."""
        return MEASURES.get(self.key)

    @property
    def measured(self) -> FloatArray | None:
        """What benefit is traded for, at each value (n,)."""
        arrays = {"worst_off": self.worst_off, "gini": self.gini, "cvar": self.cvar}
        return None if self.measure is None else arrays[self.measure]
