"""One fit at one lag, family and reading of scores: the design, what projects share, and the levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.curves.censored import Design, Levels, design
from allocsim.curves.panel import Panel
from allocsim.curves.pooling import Shared, begin, learn
from allocsim.curves.posterior import Groups
from allocsim.curves.shapes import THETA, elasticity, rise
from allocsim.model.arrays import FloatArray, floats, integers

ROUNDS = 25
MOST_PROJECTS = 2_000
"""What projects share is learnt from at most so many, spread evenly over the table; all join the last rounds."""

_LAST_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A panel's design with the shared parameters and levels that fit it.

    ``u`` is spending over usual spending (o,); ``family`` None: money does nothing; ``rho`` the target elasticity.
    """

    u: FloatArray
    family: str | None
    rho: float
    data: Design
    groups: Groups
    shared: Shared
    at: Levels


def fit_model(
    panel: Panel, u: FloatArray, *, family: str | None, rho: float, rounds: int = ROUNDS, start: Shared | None = None
) -> Fitted:
    """Fit one family at spending ``u`` over usual spending (o,).

    Parameters
    ----------
    family
        None: money does nothing, every level is constant.
    rho
        Target elasticity: a score is read as ``g(x) u^-rho``.
    start
        Shared parameters of a nearby fit, to begin from.
    """
    data, groups = _design(panel, u, family, rho)
    shared = start or begin(data, groups, len(panel.years))
    if panel.projects > MOST_PROJECTS:
        few = integers(np.linspace(0, panel.projects - 1, MOST_PROJECTS))
        kept = np.isin(panel.project, few)
        shared, _ = learn(*_design(panel.only(few), u[kept], family, rho), shared, rounds=rounds)
        rounds = _LAST_ROUNDS
    shared, at = learn(data, groups, shared, rounds=rounds)
    return Fitted(u=u, family=family, rho=rho, data=data, groups=groups, shared=shared, at=at)


def _design(panel: Panel, u: FloatArray, family: str | None, rho: float) -> tuple[Design, Groups]:
    nodes = THETA if family else floats([0.0])
    turn = (u**-rho)[:, None]
    shape = rise(family, u[:, None], elasticity(nodes)) if family else np.ones((len(u), 1))
    data = design(
        shape * turn,
        project=panel.project,
        period=panel.period,
        score=panel.score,
        variance=panel.variance,
        side=panel.side,
        projects=panel.projects,
    )
    return data, Groups(sector=panel.sector, count=panel.sectors, pooled=panel.pooled, nodes=nodes)
