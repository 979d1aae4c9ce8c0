"""How much of a curve's bend is the project's own evidence, and which flags it carries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocsim.curves.censored import tail
from allocsim.curves.model import Fitted
from allocsim.curves.posterior import UNKNOWN
from allocsim.curves.shapes import elasticity, rise
from allocsim.model.arrays import FloatArray

_NUDGE = 1e-4
_FLAT = 0.15
_BORROWED = 0.3


def own_evidence(
    fitted: Fitted, family: str, *, theta: FloatArray, level: FloatArray, others: FloatArray
) -> FloatArray:
    """Return the share of what is known of each project's curvature that its own records bring (p,) [share 0-1].

    ``J / (J + 1/V)``: J is the information on theta in the project's own records once its level is estimated,
    ``I_tt - I_tL^2 / I_LL`` with ``I_tt = sum (L H')^2 w``, ``I_tL = sum L H' H w``, ``I_LL = sum H^2 w + 1/spread``,
    at the posterior mean; ``w = 1/v``, times ``lam (lam + a)`` for a score at a limit, ``lam = phi(a) / Phi(a)``. V
    is the variance of theta given the other projects' records. It speaks of curvature alone.

    Parameters
    ----------
    fitted, family
        The fit and its family.
    theta, level, others
        Posterior means of theta and of the level, and V (p,).
    """
    data, shared, u = fitted.data, fitted.shared, fitted.u
    of, projects = data.project, data.projects
    turn = u**-fitted.rho
    h = rise(family, u, elasticity(theta[of])) * turn
    above = rise(family, u, elasticity(theta[of] + _NUDGE)) * turn
    below = rise(family, u, elasticity(theta[of] - _NUDGE)) * turn
    bend = level[of] * (above - below) / (2.0 * _NUDGE)
    weight = 1.0 / (shared.noise2 + data.variance)
    at_mean = replace(data, h=h[:, None])
    a, _, hazard = tail(at_mean, level[of][:, None], noise2=shared.noise2, year=shared.year)
    weight = weight * np.where(data.side == 0, 1.0, (hazard * (hazard + a))[:, 0])
    tt = np.bincount(of, weight * bend**2, projects)
    tl = np.bincount(of, weight * bend * h, projects)
    ll = np.bincount(of, weight * h**2, projects) + 1.0 / shared.level2
    information = np.maximum(tt - tl**2 / ll, 0.0)
    return np.asarray(information / (information + 1.0 / others))


def flags(weight: FloatArray, nodes: FloatArray, own: FloatArray) -> tuple[tuple[str, ...], ...]:
    """Return the flags of each project that the fit itself can tell (p,).

    borrowed: own evidence under .3. flat: elasticity under .15 at least as likely as not. not_identified: more than
    half of the variance of theta before any record is still there.
    """
    flat = weight[:, elasticity(nodes) < _FLAT].sum(axis=1) >= 0.5
    mean = weight @ nodes
    variance = weight @ nodes**2 - mean**2
    unknown = variance > 0.5 * UNKNOWN
    marks = (("borrowed", own < _BORROWED), ("flat", flat), ("not_identified", unknown))
    return tuple(tuple(name for name, marked in marks if marked[p]) for p in range(len(own)))
