"""Made-up outcomes for tests of comparing."""

from __future__ import annotations

from typing import Any

import numpy as np

from allocsim.model.arrays import floats, integers
from allocsim.model.stream import stream
from allocsim.model.trajectory import Outcomes


def outcomes(benefit: Any, *, draws: int = 0, seed: int = 1, names: tuple[str, ...] = (), **changes: Any) -> Outcomes:
    """Return outcomes of the benefits given (a, r); lane r has curve draw r mod ``draws`` (0: one a lane)."""
    benefit = np.asarray(benefit, dtype=np.float64)
    policies, lanes = benefit.shape
    nothing = np.zeros((policies, lanes))
    plain: dict[str, Any] = {
        "policies": names or ("hold", *(f"policy {a}" for a in range(1, policies))),
        "kinds": ("hold", *("threshold",) * (policies - 1)),
        "seed": seed,
        "benefit": floats(benefit),
        "unspent": floats(nothing),
        "moved": floats(nothing),
        "asked": floats(nothing),
        "drawn": floats(nothing),
        "exhausted": floats(nothing),
        "gini": floats(np.full((policies, lanes), np.nan)),
        "spent": floats(np.zeros((policies, lanes, 12))),
        "bound": floats(benefit.max(axis=0) + 1.0),
        "draw": integers(np.arange(lanes) % (draws or lanes)),
        "money_worth": 100.0,
        "planted": floats(np.ones(lanes)),
        "lost": floats(np.zeros(lanes)),
        "calm_benefit": floats(1000.0 + np.arange(lanes) % (draws or lanes)),
    }
    return Outcomes(**{**plain, **{k: floats(v) if isinstance(v, np.ndarray) else v for k, v in changes.items()}})


def world(
    gains: tuple[float, ...],
    *,
    seed: int,
    lanes: int = 400,
    draws: int = 100,
    curve_sd: float = 2.0,
    weather_sd: float = 3.0,
    **changes: Any,
) -> Outcomes:
    """Return outcomes about 1,000 in which policies gain ``gains`` over hold, with errors shared within curve draws."""
    rng = stream(seed, "test/world")
    draw = np.arange(lanes) % draws
    base = 1000.0 + 20.0 * rng.standard_normal(lanes)
    shared = curve_sd * rng.standard_normal((len(gains), draws))[:, draw]
    own = weather_sd * rng.standard_normal((len(gains), lanes))
    benefit = np.vstack([base, base + np.array(gains)[:, None] + shared + own])
    return outcomes(benefit, draws=draws, seed=seed, **changes)
