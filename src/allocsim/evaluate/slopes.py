"""How far each kind of rater stretches or compresses the anchor's scale: a regression on the other kinds' scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from allocsim.evaluate.readings import Readings
from allocsim.model.arrays import BoolArray, FloatArray, booleans, floats

LEAST_SLOPE, MOST_SLOPE = 0.05, 1.5
"""A kind whose readings move by less than a twentieth of the truth tells next to nothing; its weight says so."""

SLOPE_SPREAD, SLOPE_TAIL = 0.05, 3.0
"""Before any record a kind's slope is Student's t around 1 with this scale and so many degrees of freedom: most kinds
share the anchor's scale within a tenth, and the long tail lets a kind that compresses it say so."""

_ROUNDS = 12
_ROOT = 0.5 * np.log(2.0 * np.pi)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scales:
    """The line on which the readings of each kind lie: ``y = centre + slope (t - t_centre) + e``.

    ``centre`` is the mean of the kind's own readings (k,) [score 0-100], ``slope`` what it adds for a point of the
    anchor's (k,), 1 for the anchor and where no anchor is on record.
    """

    centre: FloatArray
    slope: FloatArray

    def level(self, readings: Readings) -> FloatArray:
        """Return the readings on the anchor's scale, each kind turned about its own mean (n,) [score]."""
        centre = self.centre[readings.kind]
        return floats(centre + (readings.value - centre) / self.slope[readings.kind])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levelled:
    """What is known of the truth at given scales.

    Attributes
    ----------
    deviation
        Readings on the anchor's scale less their kind's effect (n,) [score].
    noise
        Variance of a levelled reading by kind (k,).
    truth
        Variance of true scores.
    """

    deviation: FloatArray
    noise: FloatArray
    truth: float


def unlevelled(readings: Readings) -> Scales:
    """Return the scales before anything is known: every slope is 1."""
    kinds = len(readings.kinds)
    count = np.bincount(readings.kind, minlength=kinds)
    total = np.bincount(readings.kind, readings.value, kinds)
    return Scales(centre=floats(total / np.maximum(count, 1)), slope=floats(np.ones(kinds)))


def side(readings: Readings) -> FloatArray:
    """Return +1 where a reading stands at 100, -1 where it stands at 0, else 0 (n,)."""
    return np.asarray((readings.value >= 100.0).astype(np.float64) - (readings.value <= 0.0))


def begin(readings: Readings, *, lead: int, noise: float) -> Scales:
    """Return first scales from the project-years that the anchor scored too, its own noise passed over.

    Where a kind that compresses the scale is in the majority, it would else be taken for the exact one and the others
    for noise: only the anchor can say otherwise.

    Parameters
    ----------
    noise
        Variance of a reading of any other kind [score squared].
    """
    scales = unlevelled(readings)
    own = readings.kind == lead
    kinds = np.arange(len(readings.kinds))
    levelled = Levelled(
        deviation=floats(readings.value - scales.centre[readings.kind]),
        noise=floats(np.where(kinds == lead, 1.0, noise)),
        truth=float(np.var(readings.value[own])),
    )
    return improve(readings, scales, levelled, lead=lead, by=booleans(own))


def improve(
    readings: Readings, scales: Scales, levelled: Levelled, *, lead: int, by: BoolArray | None = None
) -> Scales:
    """Return the scales with every slope but the anchor's estimated once more.

    The truth of a project-year is predicted from the other kinds' readings, ``x = r m`` with ``m`` their mean weighted
    by precision, ``v`` its variance and ``r = T / (T + v)``: regression calibration, which undoes the attenuation that
    errors in ``m`` cause (Carroll, Ruppert, Stefanski and Crainiceanu 2006, Measurement Error in Nonlinear Models,
    chapter 4). A kind's readings are then regressed on x with weights ``1 / (noise + slope^2 T (1 - r))``, under a
    Student prior around 1 (:data:`SLOPE_SPREAD`, :data:`SLOPE_TAIL`), written as a normal one whose variance is
    unknown. Readings of the kind at 0 or 100 are censored
    (Tobin 1958, Econometrica 26:24) and enter with their expected value; project-years in which another kind stands
    at a limit are left out. ``by`` names the readings that may predict (n,), else all do.
    """
    slope = scales.slope.copy()
    limited = side(readings)
    years = len(readings.project)
    weight = 1.0 / levelled.noise[readings.kind]
    for kind in range(len(readings.kinds)):
        if kind == lead:
            continue
        own = np.asarray(readings.kind == kind)
        others = ~own if by is None else ~own & by
        of = readings.of[others]
        precision = np.bincount(of, weight[others], years)
        spoilt = np.bincount(of, np.abs(limited[others]), years) > 0
        usable = (precision > 0) & ~spoilt
        total = np.bincount(of, (weight * levelled.deviation)[others], years)
        known = levelled.truth * precision / (1.0 + levelled.truth * precision)
        predicted = known * total / np.where(usable, precision, 1.0)
        mine = own & usable[readings.of]
        if not mine.any():
            continue
        variance = slope[kind] ** 2 * (levelled.noise[kind] + levelled.truth * (1.0 - known))
        at = readings.of[mine]
        slope[kind] = _regress(
            predicted[at], readings.value[mine], variance[at], limited=limited[mine], start=float(slope[kind])
        )
    return Scales(centre=scales.centre, slope=floats(slope))


def _regress(x: FloatArray, y: FloatArray, variance: FloatArray, *, limited: FloatArray, start: float) -> float:
    """Return the slope of y on x under its prior, censored y entering with their expected value."""
    censored: BoolArray = limited != 0
    weight = 1.0 / variance
    share = weight / weight.sum()
    middle = share @ x
    along = weight @ (x - middle) ** 2
    slope, latent = start, y.copy()
    for _ in range(_ROUNDS):
        prior = (SLOPE_TAIL + 1.0) / (SLOPE_TAIL * SLOPE_SPREAD**2 + (slope - 1.0) ** 2)
        slope = (weight @ ((x - middle) * latent) + prior) / (along + prior)
        mean = share @ latent + slope * (x - middle)
        latent[censored] = _beyond(mean[censored], y[censored], variance[censored], limited[censored])
    return float(np.clip(slope, LEAST_SLOPE, MOST_SLOPE))


def _beyond(mean: FloatArray, limit: FloatArray, variance: FloatArray, limited: FloatArray) -> FloatArray:
    """Return the mean of a normal reading that is known to lie beyond its limit."""
    sd = np.sqrt(variance)
    a = limited * (mean - limit) / sd
    return np.asarray(mean + limited * sd * np.exp(-0.5 * a * a - _ROOT - log_ndtr(a)))
