"""A certificate in exact arithmetic: what no rounding can have made too low."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal

CLOSED = Decimal("1e-6")
"""The certified gap up to which a plan counts as optimal."""
_DOWN = Context(prec=60, rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactCertificate:
    """What is proven of a plan in exact arithmetic.

    Attributes
    ----------
    value
        What the plan brings less the penalties of soft rules that it breaks, rounded down [benefit].
    bound, whole
        No plan under the same limits brings more: its money whole or not, and in whole steps; rounded up.
    gap
        (whole - value) / |bound|, rounded up; never below zero.
    """

    value: Decimal
    bound: Decimal
    whole: Decimal
    gap: Decimal

    @property
    def rounding_loss(self) -> Decimal:
        """What whole steps are proven to cost [benefit]."""
        return _DOWN.subtract(self.bound, self.whole)

    @property
    def closed(self) -> bool:
        """Tell whether the plan is proven optimal."""
        return self.gap <= CLOSED
