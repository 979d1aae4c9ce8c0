"""What one policy made of all lanes, in single figures."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray
from allocsim.model.trajectory import Outcomes

TAIL = 0.1
SHORTFALL = 0.95


def tail_mean(values: FloatArray, share: float = TAIL) -> float:
    """Return the mean of the worst ``share`` of lanes, the last of them by its fraction.

    The conditional value at risk of an empirical distribution (Rockafellar and Uryasev, Journal of Banking and Finance
    26, 2002).

    Parameters
    ----------
    values
        One figure a lane, more is better (r,).
    share
        Share of lanes that count as the worst [share 0-1].
    """
    lanes = share * len(values)
    weights = np.clip(lanes - np.arange(len(values)), 0.0, 1.0)
    return float((np.sort(values) * weights).sum() / lanes)


def shortfall_probability(benefit: FloatArray, calm: FloatArray) -> float:
    """Return the share of lanes below 95 % of the plan's benefit in a year without shocks, lane by lane."""
    return float((benefit < SHORTFALL * calm).mean())


def regret(outcomes: Outcomes, position: int) -> float:
    """Return the mean loss against the best compared policy of each lane [benefit]."""
    return float((outcomes.benefit.max(axis=0) - outcomes.benefit[position]).mean())


def headroom(outcomes: Outcomes, position: int) -> float:
    """Return the mean distance to what no policy can pass [benefit]."""
    return float((outcomes.bound - outcomes.benefit[position]).mean())


def reserve_needed(asked: FloatArray) -> float:
    """Return the least reserve that meets all that is asked in nine lanes of ten [money]."""
    return float(np.quantile(asked, 0.9, method="inverted_cdf"))


def gini(values: FloatArray) -> float | None:
    """Return the mean over lanes, or None where it is not defined in any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def at_worth(outcomes: Outcomes, shift: float) -> FloatArray:
    """Return benefits (a, r) at the same decisions with the worth of unspent money raised by ``shift``.

    Money left over enters the benefit linearly, so ``benefit + shift x money_worth x unspent`` is exact.
    """
    return np.asarray(outcomes.benefit + shift * outcomes.money_worth * outcomes.unspent)
