"""Paired differences between policies, clustered by curve draw, one by one and all together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.comparison import Interval
from allocsim.model.stream import stream
from allocsim.model.trajectory import Outcomes

LEVEL = 0.95
MULTIPLIER_DRAWS = 2000
_SAME = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """Lanes that share a curve draw: ``of_lane`` (r,) from 0, ``sizes`` (c,), and whether curves are known exactly."""

    of_lane: IntArray
    sizes: IntArray
    curves_known: bool

    @property
    def count(self) -> int:
        """Number of clusters K."""
        return len(self.sizes)

    def sums(self, values: FloatArray) -> FloatArray:
        """Return sums over the lanes of each cluster: (..., r) -> (..., c)."""
        rows = values.reshape(-1, values.shape[-1])
        summed = [np.bincount(self.of_lane, weights=row, minlength=self.count) for row in rows]
        return np.array(summed, dtype=np.float64).reshape(*values.shape[:-1], self.count)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrasts:
    """Means with what their errors are made of; axis j contrasts, c clusters.

    Attributes
    ----------
    mean, error
        Mean over lanes and its standard error (j,).
    scores
        Each cluster's part in the error, in units of the standard deviation over clusters (j, c); 0 where it is 0.
    """

    mean: FloatArray
    error: FloatArray
    scores: FloatArray

    @property
    def freedom(self) -> int:
        """Degrees of freedom: clusters less one."""
        return int(self.scores.shape[1]) - 1

    @property
    def statistic(self) -> FloatArray:
        """Mean over error (j,); 0 where both are 0, infinite where only the error is."""
        endless = np.where(self.mean == 0, 0.0, np.copysign(np.inf, self.mean))
        return np.divide(self.mean, self.error, out=endless, where=self.error > 0)


def clusters(outcomes: Outcomes) -> Clusters:
    """Return the clusters of lanes: curve draws, or single lanes where the curves are the same in every lane.

    Lanes that share a draw of the curves share its error, so they are not independent. Curves are known exactly where
    the plan has the same benefit in every calm year. With fewer than two draws the lanes are the clusters.
    """
    calm = outcomes.calm_benefit
    known = bool(np.ptp(calm) <= _SAME * np.abs(calm).max())
    _, of_lane = np.unique(outcomes.draw, return_inverse=True)
    if known or of_lane.max(initial=0) == 0:
        of_lane = np.arange(outcomes.lanes)
    of_lane = of_lane.astype(np.int64).ravel()
    return Clusters(of_lane=of_lane, sizes=np.bincount(of_lane).astype(np.int64), curves_known=known)


def contrasts(values: FloatArray, groups: Clusters) -> Contrasts:
    """Return means over lanes with errors clustered by curve draw.

    The error of the mean over R lanes is ``sqrt(K / (K - 1) sum_k (sum over lanes of k of (D - mean))^2) / R``: with
    equal clusters, the standard deviation of the K cluster means over ``sqrt(K)`` (Liang and Zeger, Biometrika 73,
    1986).

    Parameters
    ----------
    values
        One row a contrast (j, r).
    groups
        The clusters of the lanes.
    """
    lanes, count = values.shape[1], groups.count
    mean = values.mean(axis=1)
    parts = groups.sums(values - mean[:, None]) * (count / lanes)
    deviation = np.sqrt((parts**2).sum(axis=1) / (count - 1))
    deviation = np.where(np.ptp(values, axis=1) == 0.0, 0.0, deviation)
    scores = np.divide(parts, deviation[:, None], out=np.zeros_like(parts), where=deviation[:, None] > 0)
    return Contrasts(mean=mean, error=deviation / np.sqrt(count), scores=scores)


def intervals(found: Contrasts, critical: float | None = None) -> tuple[Interval, ...]:
    """Return one interval a contrast: ``mean +- critical x error``; by default the t interval of each alone."""
    if critical is None:
        critical = float(special.stdtrit(found.freedom, 0.5 + 0.5 * LEVEL))
    half = critical * found.error
    return tuple(
        Interval(mean=float(m), low=float(m - h), high=float(m + h)) for m, h in zip(found.mean, half, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """Several contrasts judged together: the critical value of all intervals, and an adjusted p value each (j,)."""

    critical: float
    adjusted_p: FloatArray


def multipliers(seed: int, count: int) -> FloatArray:
    """Return the standard normal multipliers of the bootstrap (draws, c), from a stream of their own."""
    return stream(seed, "compare/multipliers").standard_normal((MULTIPLIER_DRAWS, count))


def together(found: Contrasts, drawn: FloatArray) -> Together:
    """Judge several contrasts together by the multiplier bootstrap.

    ``T = max_j |K^-1/2 sum_k xi_k (D_jk - D_j) / s_j|`` over draws of normal ``xi``: its 95 % point makes intervals
    that all hold at once, its tail the adjusted p values (Chernozhukov, Chetverikov and Kato, Annals of Statistics 41,
    2013). T is of normal scale; critical value and statistics go between that scale and Student's t with K - 1 degrees
    of freedom at equal probability, so that a single contrast has its t interval.

    Parameters
    ----------
    found
        The contrasts; those without any error take no part.
    drawn
        Multipliers (draws, c).
    """
    live = found.error > 0
    if not live.any():
        return Together(critical=0.0, adjusted_p=np.where(found.mean == 0, 1.0, 0.0))
    most = np.abs(drawn @ found.scores[live].T).max(axis=1) / np.sqrt(found.scores.shape[1])
    normal = float(np.quantile(most, LEVEL, method="higher"))
    critical = -float(special.stdtrit(found.freedom, special.ndtr(-normal)))
    reached = -special.ndtri(special.stdtr(found.freedom, -np.abs(found.statistic)))
    tail = (1.0 + (most[None, :] >= reached[:, None]).sum(axis=1)) / (1.0 + len(most))
    return Together(critical=critical, adjusted_p=np.where(live, tail, np.where(found.mean == 0, 1.0, 0.0)))


def better_given_curves(difference: FloatArray, groups: Clusters) -> float:
    """Return the probability that the mean difference is above zero, given that curves are not known exactly.

    ``Phi(mean D / s_b)``, ``s_b^2 = max(0, (MSB - MSW) K / R)``: the variance between curve draws, which more lanes do
    not shrink (one-way random effects). Where curves are known exactly it is 1, 0, or a half at no difference. Where no
    draw has two lanes, the two variances cannot be told apart and all of it counts as ignorance of curves.

    Parameters
    ----------
    difference
        Paired difference in each lane (r,).
    groups
        The clusters of the lanes.
    """
    lanes, count = len(difference), groups.count
    mean = float(difference.mean())
    variance = 0.0 if groups.curves_known else _between(difference, groups, lanes=lanes, count=count)
    if variance > 0:
        return float(special.ndtr(mean / np.sqrt(variance)))
    return 0.5 + 0.5 * float(np.sign(mean))


def _between(difference: FloatArray, groups: Clusters, *, lanes: int, count: int) -> float:
    means = groups.sums(difference) / groups.sizes
    between = float((groups.sizes * (means - difference.mean()) ** 2).sum()) / (count - 1)
    if lanes == count:
        return between
    within = float(((difference - means[groups.of_lane]) ** 2).sum()) / (lanes - count)
    return max(0.0, (between - within) * count / lanes)
