"""A planner's own draft: the plan as given, every limit it breaks, and what the best plan would bring beyond it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from allocsim.model.arrays import FloatArray, floats
from allocsim.model.plan import Conflict, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One limit that a draft breaks.

    Attributes
    ----------
    rule, basis
        As stated; the total, the reserve and the columns of projects have names of their own (``budget.total``).
    row
        The line's id, or the value of ``by`` that tells the sums of one rule apart; ``""`` for a rule of one sum.
    level, amount
        The limit's number and what the draft makes of it, in what it counts.
    by
        How far apart they are, above zero.
    counted_in
        What the number counts: money, lines, or the unit of the rule's column.
    hard
        False where the rule may be broken at a penalty.
    """

    rule: str
    row: str
    level: float
    amount: float
    by: float
    basis: str
    counted_in: Literal["money", "lines", "column"] = "money"
    hard: bool = True

    @property
    def is_over(self) -> bool:
        """Tell whether the draft gives too much; else it gives too little."""
        return self.amount > self.level


class ForgoneByFix(NamedTuple):
    """What one fixed amount of one line costs: the benefit of the best plan without it less that with it [benefit]."""

    rule: str
    line: str
    benefit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draft:
    """A draft, scored; axis p in the order of the projects table.

    Attributes
    ----------
    plan
        The draft as a plan of status ``given``: its certificate is the bound that no plan under the rules passes.
    optimum
        The best plan under the rules; None where no plan can keep them all.
    conflict
        The rules that cannot all hold; None where there is an optimum.
    broken
        Every limit that the draft breaks, in the order of the rules.
    """

    plan: Plan
    optimum: Plan | None
    conflict: Conflict | None
    broken: tuple[Breach, ...]

    @property
    def benefit(self) -> float:
        """Benefit of the draft [benefit]."""
        return math.fsum(self.plan.benefit.tolist())

    @property
    def optimum_benefit(self) -> float | None:
        """Benefit of the best plan under the rules [benefit]; None where there is none."""
        return None if self.optimum is None else math.fsum(self.optimum.benefit.tolist())

    @property
    def forgone(self) -> float | None:
        """Benefit of the optimum less the draft's [benefit]; below zero only where the draft breaks rules."""
        lines = self.forgone_by_line
        return None if lines is None else math.fsum(lines.tolist())

    @property
    def forgone_by_line(self) -> FloatArray | None:
        """Benefit of each line in the optimum less the draft's (p,) [benefit]; below zero where the draft's is more."""
        return None if self.optimum is None else floats(self.optimum.benefit - self.plan.benefit)

    @property
    def change_to_optimum(self) -> FloatArray | None:
        """Money that each line would gain on the way to the optimum (p,) [money], below zero where it would lose."""
        if self.optimum is None:
            return None
        return self.plan.money_step.amounts(self.optimum.steps - self.plan.steps)
