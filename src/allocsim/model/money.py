"""Whole money: amounts as exact whole multiples of one step, converted through decimals and never by float division."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np
from numpy.typing import ArrayLike

from allocsim.model.arrays import FloatArray, IntArray

_WIDE = Context(prec=60)


def decimal(amount: float) -> Decimal:
    """Return the decimal that a reader sees when ``amount`` is printed; 0.29 is 0.29, not 0.28999999999999998."""
    return Decimal(repr(float(amount)))


@dataclass(frozen=True, slots=True)
class MoneyStep:
    """The least amount a plan moves [money]; amounts become whole numbers of it.

    Examples
    --------
    >>> MoneyStep(0.01).down(0.29)
    29
    """

    size: float

    def steps(self, amount: Decimal | float) -> Decimal:
        """Return ``amount / size`` as an exact decimal (60 digits)."""
        exact = amount if isinstance(amount, Decimal) else decimal(amount)
        return _WIDE.divide(exact, decimal(self.size))

    def down(self, amount: Decimal | float) -> int:
        """Return the most whole steps that do not exceed ``amount``."""
        return int(self.steps(amount).to_integral_value(ROUND_FLOOR))

    def up(self, amount: Decimal | float) -> int:
        """Return the fewest whole steps that reach ``amount``."""
        return int(self.steps(amount).to_integral_value(ROUND_CEILING))

    def is_whole(self, amount: Decimal | float) -> bool:
        """Tell whether ``amount`` is a whole number of steps."""
        steps = self.steps(amount)
        return steps == steps.to_integral_value()

    def in_steps(self, amounts: ArrayLike) -> FloatArray:
        """Return float amounts as (not necessarily whole) steps; equal decimals give equal bits at any unit."""
        values = np.asarray(amounts, dtype=np.float64)
        flat = [float(self.steps(v)) if np.isfinite(v) else v for v in values.ravel().tolist()]
        return np.array(flat, dtype=np.float64).reshape(values.shape)

    def money(self, steps: int) -> float:
        """Return whole steps as an amount [money], rounded once."""
        return float(_WIDE.multiply(Decimal(int(steps)), decimal(self.size)))

    def amounts(self, steps: IntArray) -> FloatArray:
        """Return an array of whole steps as amounts [money]."""
        flat = [self.money(v) for v in steps.ravel().tolist()]
        return np.array(flat, dtype=np.float64).reshape(steps.shape)
