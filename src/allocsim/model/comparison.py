"""Comparison: each policy against the baseline, and which to adopt, if any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocsim.model.display import Shown
from allocsim.model.plan import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One policy's figures over all lanes.

    Attributes
    ----------
    benefit
        Mean benefit [benefit].
    difference
        Paired difference to the baseline, clustered by curve draw [benefit]; ``simultaneous`` the same with an
        interval that holds for all policies together, ``adjusted_p`` its p value.
    cvar10, difference_cvar10
        Mean of the worst tenth of lanes, of benefit and of the difference [benefit].
    shortfall_probability
        Share of lanes below 95 % of the plan's benefit in a year without shocks.
    regret
        Mean loss against the best compared policy in each lane [benefit].
    unspent, moved
        Shares of all money.
    reserve_exhausted_probability
        Share of lanes in which a draw was cut.
    reserve_needed
        90 % point of what was asked of the reserve [money].
    headroom
        Mean of bound less benefit [benefit].
    deciding_lanes
        Number of lanes in which it differs from the baseline.
    better_given_curves
        Probability that it is better, given that curves are not known exactly.
    gini
        Mean over lanes, or None where no line has a district.
    idle_cost
        Mean loss against the baseline in years without any shock [benefit].
    """

    name: str
    kind: str
    benefit: Interval
    difference: Interval
    simultaneous: Interval
    adjusted_p: float
    cvar10: float
    difference_cvar10: float
    shortfall_probability: float
    regret: float
    unspent: float
    moved: float
    reserve_exhausted_probability: float
    reserve_needed: float
    headroom: float
    deciding_lanes: int
    better_given_curves: float
    gini: float | None
    idle_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Shown):
    """What to adopt, and why.

    Attributes
    ----------
    recommended
        Name of a policy; None when too close to tell.
    verdict
        ``better``: it beats the baseline; ``hold``: nothing does; ``too_close``: it cannot be told.
    because
        The reasons: ``better`` (policy, baseline, mean, low, high, moved_share), ``hold_no_gain`` (best_name,
        best_high_pct), ``too_close`` (best_name, low_pct, high_pct), ``least_moving_of`` (policy, count, names),
        ``few_years`` (count); empty where the baseline stands alone. Intervals are simultaneous ones.
    breakeven_unspent_worth
        Worth of unspent money at which the recommendation turns; None where it never does between 0 and 1.5.
    few_years_decide
        Whether the policy in question differs from the baseline in fewer than 100 lanes: intervals are then too narrow.
    """

    replications: int
    seed: int
    baseline: str
    digest: str
    policies: tuple[PolicyResult, ...]
    recommended: str | None
    verdict: Literal["better", "hold", "too_close"]
    because: tuple[Fact, ...]
    breakeven_unspent_worth: float | None
    few_years_decide: bool
