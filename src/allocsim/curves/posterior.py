"""The posterior of each project's theta with the sector's mean and spread integrated out, and joint draws from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from allocsim.curves.censored import Levels
from allocsim.model.arrays import FloatArray, IntArray

CURVATURE_MEAN, CURVATURE_SPREAD = -0.5, 1.0
"""Mean and standard deviation of a sector's mean theta before any record: elasticities of .2 to .6 are likely."""

PROJECT_SPREAD = 0.4
"""Usual standard deviation of theta between the projects of a sector."""

UNKNOWN = CURVATURE_SPREAD**2 + PROJECT_SPREAD**2
"""Variance of a project's theta before any record."""

_MEANS = np.linspace(CURVATURE_MEAN - 3.0, CURVATURE_MEAN + 3.0, 61)
_SPREADS = np.array([[0.15, 0.25, 0.35, 0.5, 0.7], [0.16, 0.24, 0.26, 0.22, 0.12]])
_COARSE_MEANS, _COARSE_SPREADS = _MEANS[::2], np.array([[0.2, 0.35, 0.6], [0.3, 0.45, 0.25]])
"""Nodes of the sector mean; nodes of the spread within a sector with their probabilities, whose mean square is
PROJECT_SPREAD squared within a hundredth. The coarse ones serve while the shared parameters are being learnt."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Sector of each project (p,) and how many there are, whether sectors pool their curvature, nodes of theta (j,)."""

    sector: IntArray
    count: int
    pooled: bool
    nodes: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """What is known of theta; axis s runs over spreads, m over sector means.

    Attributes
    ----------
    weight
        Probability of each node for each project (p, j).
    spread
        Probability of each spread (s,).
    mean
        Probability of each sector's mean given the spread (s, c, m).
    others
        Variance of each project's theta that is left when only the other projects' records are known (p,).
    likelihood
        Likelihood of each node, scaled to 1 at its best (p, j).
    prior
        Probability of each node given spread and mean (s, m, j).
    """

    weight: FloatArray
    spread: FloatArray
    mean: FloatArray
    others: FloatArray
    likelihood: FloatArray
    prior: FloatArray


def integrate(groups: Groups, at: Levels, *, coarse: bool = False) -> Posterior:
    """Integrate the sector means (61 nodes) and the spread within sectors (5 nodes).

    ``weight_pj ~ sum over (mean, spread) of P(mean, spread | all) l_pj N(theta_j) / sum_i l_pi N(theta_i)``: exact
    on the grid, unlike a plug-in of the best values, which would be too sure of itself. Where nothing is pooled there
    is one node: the mean and the variance of theta before any record.
    """
    means, (spreads, spread_prior) = (_COARSE_MEANS, _COARSE_SPREADS) if coarse else (_MEANS, _SPREADS)
    if not groups.pooled or len(groups.nodes) == 1:
        means, spreads, spread_prior = np.array([CURVATURE_MEAN]), np.array([np.sqrt(UNKNOWN)]), np.ones(1)
    prior = np.exp(-0.5 * ((groups.nodes - means[:, None]) / spreads[:, None, None]) ** 2)
    prior /= prior.sum(axis=2, keepdims=True)
    mean_prior = -0.5 * ((means - CURVATURE_MEAN) / CURVATURE_SPREAD) ** 2
    mean_prior -= logsumexp(mean_prior)
    likelihood = np.exp(at.loglik - at.loglik.max(axis=1, keepdims=True))
    table = prior.reshape(-1, len(groups.nodes))
    evidence = np.maximum(likelihood @ table.T, 1e-300)
    log = np.zeros((groups.count, len(table)))
    np.add.at(log, groups.sector, np.log(evidence))
    joint = log.reshape(groups.count, len(spreads), len(means)).swapaxes(0, 1) + mean_prior
    by_spread = logsumexp(joint, axis=2)
    mean = np.exp(joint - by_spread[..., None])
    log_spread = by_spread.sum(axis=1) + np.log(spread_prior)
    spread = np.exp(log_spread - logsumexp(log_spread))
    all_ = (spread[:, None, None] * mean).swapaxes(0, 1).reshape(groups.count, -1)
    ratio = all_[groups.sector] / evidence
    weight = likelihood * (ratio @ table)
    return Posterior(
        weight=weight / weight.sum(axis=1, keepdims=True),
        spread=spread,
        mean=mean,
        others=_others(ratio, means, spreads),
        likelihood=likelihood,
        prior=prior,
    )


def _others(ratio: FloatArray, means: FloatArray, spreads: FloatArray) -> FloatArray:
    """Return E[spread^2] + Var(mean) under P(mean, spread | the others) ~ P(. | all) / own evidence (p,)."""
    probability = ratio / ratio.sum(axis=1, keepdims=True)
    m = np.tile(means, len(spreads))
    s2 = np.repeat(spreads**2, len(means))
    first = probability @ m
    return np.asarray(probability @ s2 + probability @ m**2 - first**2)


def draw(
    posterior: Posterior, groups: Groups, at: Levels, *, draws: int, generator: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Return joint draws: node of theta and level of each project, both (k, p).

    One spread, then one mean for every sector, then each project's theta, then its level: projects of a sector share
    what is unknown of their sector.
    """
    projects = len(groups.sector)
    node = np.empty((draws, projects), dtype=np.int64)
    level = np.empty((draws, projects))
    everyone = np.arange(projects)
    spreads = _choose(np.broadcast_to(posterior.spread, (draws, len(posterior.spread))), generator.random(draws))
    for k in range(draws):
        spread = spreads[k]
        mean = _choose(posterior.mean[spread], generator.random(groups.count))
        probability = posterior.likelihood * posterior.prior[spread][mean][groups.sector]
        node[k] = _choose(probability, generator.random(projects))
        deviation = generator.standard_normal(projects) / np.sqrt(at.precision[everyone, node[k]])
        level[k] = at.mean[everyone, node[k]] + deviation
    return node, level


def _choose(weight: FloatArray, uniform: FloatArray) -> IntArray:
    """Return one index per row, each with probability in proportion to its weight."""
    cumulative = np.cumsum(weight, axis=1)
    found = (cumulative < (uniform * cumulative[:, -1])[:, None]).sum(axis=1)
    return np.asarray(np.minimum(found, weight.shape[1] - 1), dtype=np.int64)
