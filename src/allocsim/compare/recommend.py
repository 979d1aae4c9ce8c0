"""Which policy to adopt: the least-moving of the best, the baseline, or none because it is too close to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocsim.compare.contrasts import Clusters, Contrasts, Together, contrasts, intervals, together
from allocsim.compare.outcomes import at_worth
from allocsim.model.arrays import FloatArray
from allocsim.model.comparison import Interval
from allocsim.model.trajectory import Outcomes

MATTERS = 0.0005
"""Share of the baseline's benefit below which a possible gain is no reason to wait for more lanes."""
FEW_YEARS = 100
"""Differing lanes below which t intervals cover less than they say: .83 at 10, .90 at 30, .93 at 100 for .95."""
MOST_WORTH = 1.5
_GRID = 0.025
_FINE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What the differences say; axis j policies, the baseline too, whose difference is zero.

    Attributes
    ----------
    verdict, recommended
        As in :class:`~allocsim.model.comparison.Comparison`; ``recommended`` a position on axis j, None for none.
    best
        The policy that says most for leaving the baseline: of highest mean where some policy is better, else of
        highest simultaneous upper end; the baseline where it stands alone.
    equals
        Policies that are better than the baseline and not separated from the best.
    alone, simultaneous, joint
        Differences to the baseline: intervals one by one, intervals that hold together, and adjusted p values.
    """

    verdict: Literal["better", "hold", "too_close"]
    recommended: int | None
    best: int
    equals: tuple[int, ...]
    alone: tuple[Interval, ...]
    simultaneous: tuple[Interval, ...]
    joint: Together


def decide(benefit: FloatArray, moved: FloatArray, *, baseline: int, groups: Clusters, drawn: FloatArray) -> Decision:
    """Apply the rule of recommendation.

    Where no policy's simultaneous interval lies above zero: too close to tell if some upper end passes
    :data:`MATTERS` of the baseline's benefit, else hold. Otherwise, of the better policies not separated from the best
    of them (paired, simultaneous), the one that moves least money.

    Parameters
    ----------
    benefit
        Benefit of each policy in each lane (j, r).
    moved
        Mean share of money moved (j,).
    baseline
        Position of the baseline.
    groups, drawn
        Clusters of lanes and multipliers of the bootstrap.
    """
    found = contrasts(benefit - benefit[baseline], groups)
    joint = together(found, drawn)
    simultaneous = intervals(found, joint.critical)
    better = [j for j, interval in enumerate(simultaneous) if interval.low > 0]
    best = _most_promising(found, simultaneous, better, baseline)
    equals = _not_separated(benefit, better, best, groups=groups, drawn=drawn) if better else ()
    verdict: Literal["better", "hold", "too_close"] = "better"
    recommended: int | None = baseline
    if better:
        recommended = min(equals, key=lambda j: (moved[j], -found.mean[j], j))
    elif simultaneous[best].high > MATTERS * abs(float(benefit[baseline].mean())):
        verdict, recommended = "too_close", None
    else:
        verdict = "hold"
    return Decision(
        verdict=verdict,
        recommended=recommended,
        best=best,
        equals=equals,
        alone=intervals(found),
        simultaneous=simultaneous,
        joint=joint,
    )


def breakeven_unspent_worth(
    outcomes: Outcomes, *, baseline: int, groups: Clusters, drawn: FloatArray, unspent_worth: float
) -> float | None:
    """Return the worth of unspent money nearest to the one used at which the recommendation no longer stands, or None.

    Decisions are held; the benefit is then linear in that worth. A recommended policy stands while it is better than
    the baseline and not separated from the best, hold while no policy is better, too close to tell while it is.
    Searched on a grid of 0.025 over 0 .. 1.5, outwards from the worth used, then halved to 0.0001; a turn that comes
    back within one cell of the grid is not seen.
    """
    moved = outcomes.moved.mean(axis=1)

    def judged(worth: float) -> Decision:
        benefit = at_worth(outcomes, worth - unspent_worth)
        return decide(benefit, moved, baseline=baseline, groups=groups, drawn=drawn)

    here = judged(unspent_worth)
    turns = []
    for end in (0.0, MOST_WORTH):
        inside, distance = unspent_worth, abs(end - unspent_worth)
        cells = int(np.ceil(distance / _GRID))
        for cell in range(1, cells + 1):
            outside = end if cell == cells else unspent_worth + float(np.sign(end - unspent_worth)) * cell * _GRID
            if not _stands(here, judged(outside)):
                turns.append(_halved(lambda worth: _stands(here, judged(worth)), inside, outside))
                break
            inside = outside
    return min(turns, key=lambda worth: abs(worth - unspent_worth), default=None)


def _stands(here: Decision, there: Decision) -> bool:
    """Tell whether what is recommended here may be recommended there."""
    if here.verdict == "better":
        return there.verdict == "better" and here.recommended in there.equals
    if here.verdict == "hold":
        return there.verdict != "better"
    return there.verdict == "too_close"


def _most_promising(found: Contrasts, simultaneous: tuple[Interval, ...], better: list[int], baseline: int) -> int:
    if better:
        return max(better, key=lambda j: (found.mean[j], -j))
    others = [j for j in range(len(simultaneous)) if j != baseline]
    return max(others, key=lambda j: (simultaneous[j].high, -j), default=baseline)


def _not_separated(
    benefit: FloatArray, better: list[int], best: int, *, groups: Clusters, drawn: FloatArray
) -> tuple[int, ...]:
    """Return the better policies whose paired loss against the best may be zero, the best among them."""
    loss = contrasts(benefit[best] - benefit[better], groups)
    lows = [interval.low for interval in intervals(loss, together(loss, drawn).critical)]
    return tuple(j for j, low in zip(better, lows, strict=True) if low <= 0)


def _halved(stands: Callable[[float], bool], inside: float, outside: float) -> float:
    while abs(outside - inside) > _FINE:
        middle = 0.5 * (inside + outside)
        if stands(middle):
            inside = middle
        else:
            outside = middle
    return 0.5 * (inside + outside)
