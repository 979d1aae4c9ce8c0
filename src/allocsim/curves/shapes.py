"""Curve shapes by elasticity: each family has one free number, its elasticity where spending is as usual."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from allocsim.model.arrays import FloatArray, floats

THETA = floats(np.linspace(-4.0, 3.0, 41))
"""Nodes of theta = logit(elasticity at usual spending) on which the fit integrates (j,)."""

FITTED = ("saturating", "log", "power", "hill")
"""Families that a fit may take; each is concave and zero at zero spending."""

_HILL = 0.85
_BISECTIONS = 100


def elasticity(theta: FloatArray) -> FloatArray:
    """Return the elasticity of the result at usual spending, ``1 / (1 + exp(-theta))``."""
    return np.asarray(expit(theta))


def rise(family: str, u: FloatArray, e: FloatArray) -> FloatArray:
    """Return H(u): the result at ``u`` times usual spending over the result at usual spending.

    Parameters
    ----------
    family
        One of :data:`FITTED`.
    u
        Spending over usual spending, above zero.
    e
        Elasticity at usual spending, above 0 and below 1; broadcasts with ``u``.

    Notes
    -----
    With ``z`` from :func:`steepness`: saturating ``(1 - exp(-z u)) / (1 - exp(-z))``; log
    ``ln(1 + z u) / ln(1 + z)``; power ``u^e``; hill ``u^a (w + 1) / (w + u^a)`` with ``a = 0.85 + 0.15 e`` and
    ``w = e / (a - e)``, so that every elasticity below 1 has a concave member.
    """
    if family == "saturating":
        z = steepness(family, e)
        return np.asarray(np.expm1(-z * u) / np.expm1(-z))
    if family == "log":
        z = steepness(family, e)
        return np.asarray(np.log1p(z * u) / np.log1p(z))
    if family == "power":
        return np.asarray(u**e)
    a, w = _hill(e)
    raised = u**a
    return np.asarray(raised * (w + 1.0) / (w + raised))


def steepness(family: str, e: FloatArray) -> FloatArray:
    """Return z, usual spending over the curve's scale, at which a saturating or log curve has elasticity ``e``.

    Solves ``e = z / (exp(z) - 1)`` (saturating) or ``e = z / ((1 + z) ln(1 + z))`` (log) by bisection on ln z.
    """
    e = np.asarray(e, dtype=np.float64)
    low, high = np.full(e.shape, -40.0), np.full(e.shape, 6.0 if family == "saturating" else 700.0)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        z = np.exp(middle)
        at = z / np.expm1(z) if family == "saturating" else 1.0 / ((1.0 + 1.0 / z) * np.log1p(z))
        steep = at > e
        low, high = np.where(steep, middle, low), np.where(steep, high, middle)
    return np.asarray(np.exp(0.5 * (low + high)))


def parameters(
    family: str, points: FloatArray, e: FloatArray, reference: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return value, scale and shape of the family's curve with ``points`` at ``reference`` and elasticity ``e``.

    The units of ``points`` and ``reference`` carry over to value and scale; shape is NaN where a family has none.
    """
    none = np.full(np.broadcast_shapes(points.shape, e.shape), np.nan)
    if family == "saturating":
        z = steepness(family, e)
        return -points / np.expm1(-z), reference / z, none
    if family == "log":
        z = steepness(family, e)
        return points / np.log1p(z), reference / z, none
    if family == "power":
        return points + 0.0 * e, reference + 0.0 * e, e + 0.0 * points
    a, w = _hill(e)
    return points * (1.0 + w), reference * w ** (1.0 / a), a + 0.0 * points


def _hill(e: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return exponent and offset of the Hill curve; ``w = e / (a - e)``."""
    return _HILL + (1.0 - _HILL) * e, e / (_HILL * (1.0 - e))
