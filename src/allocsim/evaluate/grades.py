"""Grades of scores: which band a score falls into, and how likely each band is when the score is uncertain."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.evidence import Rulebook

_DIGITS = 9
"""Scores are compared after rounding here, so that a mean of 88 and 92 meets a bound at 90."""


def grade(score: FloatArray, rulebook: Rulebook) -> IntArray:
    """Return the index of the grade of each score (o,), 0 being the best.

    A score on a bound belongs to the better grade where that grade is closed below. A score under every bound takes
    the last grade.
    """
    rounded = np.round(score, _DIGITS)
    found = np.full(rounded.shape, len(rulebook.grades) - 1)
    for index in range(len(rulebook.grades) - 2, -1, -1):
        band = rulebook.grades[index]
        reached = rounded >= band.low if band.closed else rounded > band.low
        found[reached] = index
    return integers(found)


def grade_probability(score: FloatArray, standard_error: FloatArray, rulebook: Rulebook) -> FloatArray:
    """Return the probability of each grade (o, g) when the truth is normal around the score.

    A score without error has probability 1 for its own grade. The best grade takes all above its bound, the last
    all below the bound of the one before it.
    """
    count = len(rulebook.grades)
    bounds = np.array([band.low for band in rulebook.grades[:-1]])
    exact = standard_error < 10.0**-_DIGITS
    error = np.where(exact, 1.0, standard_error)
    above = ndtr((score[:, None] - bounds) / error[:, None])
    cumulative = np.concatenate([np.zeros((len(score), 1)), above, np.ones((len(score), 1))], axis=1)
    probability = np.maximum(np.diff(cumulative, axis=1), 0.0)
    probability[exact] = np.eye(count)[grade(score, rulebook)[exact]]
    return floats(probability)
