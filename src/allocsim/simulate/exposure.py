"""How much each line feels the load on each district: weights, and the few distinct ways in which lines are slowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers

WEIGHT_UNIT = 2**20
"""Weights and loads are whole multiples of 1/2^20: their sums of products are exact in float64, in any order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposure:
    """Which load slows which line; axis c the distinct pairs of place and vulnerability.

    Lines of one place and one vulnerability keep one pace, so that pace is worked out for c pairs and not for p lines.

    Attributes
    ----------
    district
        District of each line, -1 where it serves the whole city (p,).
    spread
        Weights of the districts for a city-wide line (d,) [share 0-1], whole multiples of 1/2^20, sum 1.
    place
        Place of each pair: a district's index, or the number of districts for the city as a whole (c,).
    vulnerability
        Share of a week's work lost per unit of load (c,).
    pair
        The pair of each line (p,).
    """

    district: IntArray
    spread: FloatArray
    place: IntArray
    vulnerability: FloatArray
    pair: IntArray

    @property
    def districts(self) -> int:
        """Number of districts d."""
        return len(self.spread)

    @property
    def office(self) -> IntArray:
        """Whose reports tell of each line: its district, or the city as one more office (p,)."""
        return np.where(self.district < 0, self.districts, self.district)

    def matrix(self) -> FloatArray:
        """Return W, the weight of each district for each line (p, d) [share 0-1]."""
        rows = np.vstack([np.eye(self.districts), self.spread])
        return floats(rows[self.office])


def exposure(district: IntArray, vulnerability: FloatArray, population: FloatArray) -> Exposure:
    """Return the exposure of all lines.

    Parameters
    ----------
    district
        District of each line, -1 = none (p,).
    vulnerability
        Of each line (p,).
    population
        Heads of each district (d,). City-wide lines weigh districts by heads where all are known, else equally.
    """
    known = bool(np.all(population >= 0)) and float(population.sum()) > 0
    weights = population if known else np.ones(len(population))
    place = np.where(district < 0, len(population), district).astype(np.float64)
    pairs, pair = np.unique(np.column_stack([place, vulnerability]), axis=0, return_inverse=True)
    return Exposure(
        district=integers(district),
        spread=floats(whole_weights(weights)),
        place=integers(pairs[:, 0]),
        vulnerability=floats(pairs[:, 1]),
        pair=integers(pair.ravel()),
    )


def whole_weights(weights: FloatArray, unit: int = WEIGHT_UNIT) -> FloatArray:
    """Return weights that sum to exactly 1, in whole multiples of 1/unit; last units to the largest remainders."""
    exact = weights / weights.sum() * unit
    whole = np.floor(exact)
    missing = unit - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    return np.asarray(whole / unit)
