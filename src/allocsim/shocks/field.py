"""Spells of one hazard: a correlated field over districts, cut at the published frequency; how deep tells how bad."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, floats
from allocsim.model.settings import HazardSettings
from allocsim.model.shock import SEVERITY_UNIT, Districts
from allocsim.model.stream import BLOCK

EARTH_KM = 6371.0
JITTER = 4.0
"""Standard deviation, in days, of a district's onset about the city's (stylised)."""
RARE = 0.01
"""Exceedance probability at which depth is 1: once in a hundred years."""
DEEPEST = 2.0
"""Cap of the depth: once in ten thousand years over frequency; beyond it no record can speak."""
LAST_DAY = 365
_NUGGET = 1e-9  # on the diagonal, so that two districts at one place still have a factor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spells:
    """The spells of one hazard in one block, at most one a lane and district, axis e.

    ``onset`` [day of year], ``days`` >= 1, ``severity`` in units of 1/1024, ``depth`` [0-2].
    """

    lane: IntArray
    district: IntArray
    onset: IntArray
    days: IntArray
    severity: IntArray
    depth: FloatArray


def spells(
    hazard: HazardSettings, districts: Districts, generator: np.random.Generator, *, warming: float = 1.0
) -> Spells:
    """Draw the spells of one hazard for one block of lanes.

    A district is hit where the exceedance probability p of its latent draw is below ``frequency * warming``. Its depth
    is ``ln(frequency * warming / p) / ln(frequency / .01)``: 0 at the threshold, 1 at once in a hundred years, at most
    2. Duration is linear in depth, severity in ``depth ** depth_power`` and at most 1; a spell ends with the year.
    Warming thus scales the whole exceedance curve, so that the rare years grow worse too. The onset is drawn once for
    the city from a triangle over the window; each district departs from it by some days (:data:`JITTER`)
    inside the window.

    Parameters
    ----------
    hazard
        Frequency, window, duration, severity and reach.
    districts
        Where the districts lie, axis d.
    generator
        The hazard's own stream of this block.
    warming
        Factor k on the exceedance curve of today.
    """
    count = len(districts.id)
    # The city is drawn first and each district in its turn, always all of it: no setting and no later district can
    # disturb a draw.
    common = generator.random((2, BLOCK))
    own = generator.standard_normal((count, 2, BLOCK))
    latent = correlated(own[:, 0], districts, hazard)
    if hazard.tail_df is not None:
        latent = latent * np.sqrt(hazard.tail_df / special.chdtri(hazard.tail_df, common[1]))
    district, lane = np.nonzero(_hit(latent, hazard, warming))
    depth = _depth(latent[district, lane], hazard, warming)
    first, _, last = hazard.window
    begins = _triangle(common[0], hazard.window)[lane] + JITTER * own[district, 1, lane]
    onset = np.clip(np.rint(begins), np.ceil(first), np.floor(last)).astype(np.int64)
    days = np.maximum(np.rint(_linear(hazard.duration, depth)).astype(np.int64), 1)
    severity = np.rint(np.clip(_linear(hazard.severity, depth**hazard.depth_power), 0, 1) * SEVERITY_UNIT).astype(
        np.int64
    )
    return Spells(
        lane=lane,
        district=district,
        onset=onset,
        days=np.minimum(days, LAST_DAY + 1 - onset),
        severity=severity,
        depth=depth,
    )


def correlated(white: FloatArray, districts: Districts, hazard: HazardSettings) -> FloatArray:
    """Return the Gaussian field (d, r) that white noise (d, r) becomes under the hazard's correlation."""
    factor = _factor(
        districts.latitude.tobytes(), districts.longitude.tobytes(), hazard.correlation_km, hazard.common_share
    )
    # einsum adds in one fixed order; a threaded matrix product may not, and results must not depend on workers.
    return np.asarray(np.einsum("de,er->dr", factor, white), dtype=np.float64)


def correlation(districts: Districts, hazard: HazardSettings) -> FloatArray:
    """Return the correlation of the latent field, C = common + (1 - common) exp(-km / correlation_km), shape (d, d).

    A district without coordinates counts as infinitely far from all others: only the common share ties it.
    """
    return _correlation(districts.latitude, districts.longitude, hazard.correlation_km, hazard.common_share)


def distances(latitude: FloatArray, longitude: FloatArray) -> FloatArray:
    """Return great-circle distances [km] (d, d) by the haversine formula; infinite where coordinates are missing."""
    north, east = np.radians(latitude), np.radians(longitude)
    half = (
        np.sin((north[:, None] - north) / 2) ** 2
        + np.cos(north[:, None]) * np.cos(north) * np.sin((east[:, None] - east) / 2) ** 2
    )
    apart = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    apart[np.isnan(apart)] = np.inf
    np.fill_diagonal(apart, 0.0)
    return floats(apart)


def _correlation(latitude: FloatArray, longitude: FloatArray, reach: float, common: float) -> FloatArray:
    return floats(common + (1 - common) * np.exp(-distances(latitude, longitude) / reach))


@lru_cache(maxsize=64)
def _factor(latitude: bytes, longitude: bytes, reach: float, common: float) -> FloatArray:
    """Return the Cholesky factor (d, d), once a process for every map and reach."""
    matrix = _correlation(np.frombuffer(latitude), np.frombuffer(longitude), reach, common)
    return floats(np.linalg.cholesky(matrix + _NUGGET * np.eye(len(matrix))))


def _hit(latent: FloatArray, hazard: HazardSettings, warming: float) -> BoolArray:
    share = hazard.frequency * warming
    if share >= 1:
        return np.ones(latent.shape, dtype=np.bool_)
    threshold = -special.ndtri(share) if hazard.tail_df is None else -special.stdtrit(hazard.tail_df, share)
    return np.asarray(latent > threshold, dtype=np.bool_)


def _depth(latent: FloatArray, hazard: HazardSettings, warming: float) -> FloatArray:
    """Return the depth of exceedance [0-2]; a hazard rarer than 1 in 50 has depth 1 at half its frequency."""
    rarity = special.ndtr(-latent) if hazard.tail_df is None else special.stdtr(hazard.tail_df, -latent)
    reference = min(RARE, hazard.frequency / 2)
    beyond = np.log(hazard.frequency * warming / np.maximum(rarity, np.finfo(np.float64).tiny))
    return np.asarray(np.clip(beyond / np.log(hazard.frequency / reference), 0, DEEPEST), dtype=np.float64)


def _linear(ends: tuple[float, float], depth: FloatArray) -> FloatArray:
    return ends[0] + (ends[1] - ends[0]) * depth


def _triangle(uniform: FloatArray, window: tuple[float, float, float]) -> FloatArray:
    """Return the triangular quantile of ``uniform``; a window of one day gives that day."""
    first, mode, last = window
    width = last - first
    if width <= 0:
        return np.full(uniform.shape, float(first))
    rising = first + np.sqrt(uniform * width * (mode - first))
    falling = last - np.sqrt((1 - uniform) * width * (last - mode))
    return np.where(uniform * width < mode - first, rising, falling)
