"""Likelihood of each project's level at every node of theta, scores at a limit being read as censored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import log_ndtr

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, integers

_ROOT = 0.5 * np.log(2.0 * np.pi)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Observations (o,) with their relative result at every node (o, j).

    Attributes
    ----------
    h, h2
        Relative result H(u)u^-rho at each node, and its square (o, j).
    project, period
        Project and year index of each observation, sorted by project (o,).
    score, variance
        Score and squared standard error (o,).
    side
        +1 where all that is known is that the reading lay at ``score`` or above, -1 at it or below, else 0 (o,).
    total
        Sparse matrix of ones that sums observations by project (p, o).
    limited
        The observations at a limit alone, of the projects that have such, or None.
    """

    h: FloatArray
    h2: FloatArray
    project: IntArray
    period: IntArray
    score: FloatArray
    variance: FloatArray
    side: IntArray
    total: csr_array
    limited: Limited | None

    @property
    def projects(self) -> int:
        """Number of projects."""
        return int(self.total.shape[0])

    @property
    def known(self) -> BoolArray:
        """Which projects have records (p,)."""
        return np.asarray(np.diff(self.total.indptr) > 0)

    def sums(self, of: FloatArray) -> FloatArray:
        """Return the sum of ``of`` (o, j) over each project's observations (p, j)."""
        return np.asarray(self.total @ of)

    def keep(self, kept: BoolArray) -> Design:
        """Return the design with the observations named only."""
        return design(
            self.h[kept],
            project=self.project[kept],
            period=self.period[kept],
            score=self.score[kept],
            variance=self.variance[kept],
            side=self.side[kept],
            projects=self.projects,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limited:
    """Observations at a limit: which they are, their design over the projects that have such, and those projects."""

    which: IntArray
    data: Design
    owner: IntArray


def design(
    h: FloatArray,
    *,
    project: IntArray,
    period: IntArray,
    score: FloatArray,
    variance: FloatArray,
    side: IntArray,
    projects: int,
    split: bool = True,
) -> Design:
    """Return the design of observations sorted by project; ``split`` sets those at a limit apart."""
    start = np.searchsorted(project, np.arange(projects + 1))
    which = np.flatnonzero(side)
    limited = None
    if split and len(which):
        owner, own = np.unique(project[which], return_inverse=True)
        apart = design(
            h[which],
            project=integers(own),
            period=period[which],
            score=score[which],
            variance=variance[which],
            side=side[which],
            projects=len(owner),
            split=False,
        )
        limited = Limited(which=integers(which), data=apart, owner=integers(owner))
    return Design(
        h=h,
        h2=h * h,
        project=project,
        period=period,
        score=score,
        variance=variance,
        side=side,
        total=csr_array((np.ones(len(project)), np.arange(len(project)), start), shape=(projects, len(project))),
        limited=limited,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Level L of each project given each node: normal with ``mean`` and ``precision``; the node's ``loglik`` (p, j).

    ``beyond`` and ``hazard``: what :func:`tail` says of the observations at a limit, where there are such.
    """

    mean: FloatArray
    precision: FloatArray
    loglik: FloatArray
    beyond: FloatArray | None = None
    hazard: FloatArray | None = None


def levels(
    data: Design,
    *,
    prior: FloatArray,
    spread2: float,
    noise2: float,
    year: FloatArray,
    before: Levels | None = None,
) -> Levels:
    """Return the level of each project given each node, and the likelihood of the node.

    ``y = L h + year + e``, ``L ~ N(prior, spread2)``, ``e ~ N(0, noise2 + variance)``. Closed form where no score of
    a project is censored: ``precision = sum h^2/v + 1/spread2``, ``mean = (sum h r/v + prior/spread2) / precision``.
    Where some are, Laplace's approximation at the mode (the likelihood is log-concave in L), found by Newton's method.

    Parameters
    ----------
    prior
        Mean of L before any record (p, j).
    spread2, noise2
        Variance of L and of one score around it.
    year
        Effect of each year (t,) [score 0-100].
    before
        Levels at nearby parameters, from which one Newton step is enough.
    """
    v = noise2 + data.variance
    inside = data.side == 0
    weight = np.where(inside, 1.0 / v, 0.0)
    residual = data.score - year[data.period]
    squares = data.sums(weight[:, None] * data.h2)
    products = data.sums((weight * residual)[:, None] * data.h)
    constant = np.bincount(
        data.project, weight * residual**2 + np.where(inside, np.log(v) + 2.0 * _ROOT, 0.0), data.projects
    )
    precision = squares + 1.0 / spread2
    mean = (products + prior / spread2) / precision
    loglik = -0.5 * (constant[:, None] + prior**2 / spread2 - precision * mean**2 + np.log(precision * spread2))
    exact = Levels(mean=mean, precision=precision, loglik=loglik)
    return exact if data.limited is None else _censored(data.limited, exact, noise2=noise2, year=year, before=before)


def tail(
    data: Design, mean: FloatArray, *, noise2: float, year: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a, ln Phi(a) and the hazard phi(a)/Phi(a) of censored observations at levels ``mean`` (o, j).

    ``a`` is how many standard deviations the expected reading lies beyond the limit.
    """
    limit = data.score - year[data.period]
    scale = data.side / np.sqrt(noise2 + data.variance)
    a = scale[:, None] * (mean * data.h - limit[:, None])
    log_tail = np.asarray(log_ndtr(a))
    return a, log_tail, np.exp(-0.5 * a * a - _ROOT - log_tail)


def _censored(limited: Limited, exact: Levels, *, noise2: float, year: FloatArray, before: Levels | None) -> Levels:
    """Put the projects that have censored scores at their modes; the others keep their closed form."""
    data, some, own = limited.data, limited.owner, limited.data.project
    scale = (data.side / np.sqrt(noise2 + data.variance))[:, None]
    level = (exact if before is None else before).mean[some]
    flat, pull = exact.precision[some], exact.precision[some] * exact.mean[some]
    for _ in range(3 if before is None else 1):
        a, _, hazard = tail(data, level[own], noise2=noise2, year=year)
        slope = pull - flat * level + data.sums(scale * hazard * data.h)
        bend = flat + data.sums(scale**2 * hazard * (hazard + a) * data.h2)
        level = level + slope / bend
    a, log_tail, hazard = tail(data, level[own], noise2=noise2, year=year)
    bend = flat + data.sums(scale**2 * hazard * (hazard + a) * data.h2)
    mean, precision, loglik = exact.mean.copy(), exact.precision.copy(), exact.loglik.copy()
    mean[some], precision[some] = level, bend
    loglik[some] += data.sums(log_tail) - 0.5 * (flat * (level - exact.mean[some]) ** 2 + np.log(bend / flat))
    return Levels(mean=mean, precision=precision, loglik=loglik, beyond=a, hazard=hazard)
