"""Flags that depend on the plan: spending beyond what is on record, and money that hardly works any more."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray
from allocsim.model.curve import Curves

_WITHIN = (0.8, 1.25)
"""Share of the least and of the most spending on record within which a plan counts as seen before."""

_SATURATED = 0.05


def at_plan(curves: Curves, amount: FloatArray) -> tuple[tuple[str, ...], ...]:
    """Return all flags of each project at a plan (p,): those of its fit, ``extrapolated`` and ``saturated``.

    Parameters
    ----------
    curves
        Fitted or given curves.
    amount
        What each project gets (p,) [money].

    Notes
    -----
    extrapolated: a fitted curve is read outside .8 of the least to 1.25 of the most spending on record (a project
    without any spending on record always is). saturated: 1 % more money brings less than .05 % more benefit. A project
    that gets nothing carries neither.
    """
    seen = (amount >= _WITHIN[0] * curves.spent_least) & (amount <= _WITHIN[1] * curves.spent_most)
    extrapolated = ~seen & ~curves.given & (amount > 0)
    benefit = curves.expected.benefit(amount)
    with np.errstate(divide="ignore", invalid="ignore"):
        elasticity = amount * curves.expected.slope(amount) / benefit
    saturated = (amount > 0) & (benefit > 0) & (elasticity < _SATURATED)
    marks = zip(curves.flags, extrapolated.tolist(), saturated.tolist(), strict=True)
    return tuple(
        (*own, *(("extrapolated",) if far else ()), *(("saturated",) if full else ())) for own, far, full in marks
    )
