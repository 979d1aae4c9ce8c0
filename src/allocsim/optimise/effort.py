"""How hard to try: which methods may be used, and until when."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

Method = Literal["auto", "lp", "dual", "milp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Method and end of a search.

    Attributes
    ----------
    method
        ``auto`` takes the first that can do it: prices, linear programs, whole-number programs.
    deadline
        Reading of the monotonic clock after which the best at hand is given [seconds].
    """

    method: Method = "auto"
    deadline: float = math.inf

    @property
    def is_over(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() > self.deadline

    @property
    def left(self) -> float:
        """Time left [seconds]; infinite where there is no end."""
        return max(0.0, self.deadline - time.monotonic())


ANY = Effort()
"""Any method, no end."""


def effort(method: Method, seconds: float) -> Effort:
    """Return an effort that ends some seconds from now."""
    return Effort(method=method, deadline=time.monotonic() + seconds)
