"""What a plan may bring when its curves disappoint: figures over curve draws, for reports and documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A plan over the curve draws; the risk is ignorance of curves, not weather.

    Attributes
    ----------
    level
        CVaR is the mean of the worst 1 - ``level`` of the draws [share 0-1].
    measure
        What the objective weighs: the benefit, or what is gained over last year's split of all the money there is.
    risk_aversion, uncertainty_budget
        As stated; at most one of them is above nothing.
    draws
        How many curve draws there are.
    mean
        Mean benefit over the draws.
    cvar_benefit
        CVaR of the benefit.
    cvar_improvement, probability
        CVaR of the gain over last year's split scaled to the same allocated sum, and the share of draws in which there
        is a gain; None where last year sums to nothing.
    objective
        What the plan maximises, at its amounts: the expected benefit where no risk is weighed.
    """

    level: float
    measure: Literal["benefit", "improvement"]
    risk_aversion: float
    uncertainty_budget: float | None
    draws: int
    mean: float
    cvar_benefit: float
    cvar_improvement: float | None
    probability: float | None
    objective: float
