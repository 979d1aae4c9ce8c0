"""Curves: the benefit of spending, project by project, with joint draws and how much evidence is behind each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, floats
from allocsim.model.display import Shown
from allocsim.model.family import FAMILIES

Points = tuple[tuple[float, float], ...]
FLAGS = ("borrowed", "extrapolated", "flat", "not_identified", "saturated")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveSet:
    """Benefit curves of all projects, of mixed families; parameters may carry leading axes.

    Attributes
    ----------
    family
        Name of each project's family (p,); ``piecewise`` curves take ``points`` instead of parameters.
    value, scale, shape
        Parameters (..., p); ``scale`` in [money], ``value`` in [benefit]; ``shape`` is NaN where a family has none.
    points
        Spending and benefit of the corners, for piecewise projects; else None (p,).
    """

    family: tuple[str, ...]
    value: FloatArray
    scale: FloatArray
    shape: FloatArray
    points: tuple[Points | None, ...]
    groups: tuple[tuple[str, IntArray], ...] = field(init=False)
    kinked: tuple[tuple[int, Points], ...] = field(init=False)

    def __post_init__(self) -> None:
        names = sorted(set(self.family) - {"piecewise"})
        groups = tuple((n, np.flatnonzero([f == n for f in self.family]).astype(np.int64)) for n in names)
        object.__setattr__(self, "groups", groups)
        kinked = tuple((line, points) for line, points in enumerate(self.points) if points is not None)
        object.__setattr__(self, "kinked", kinked)

    def benefit(self, x: FloatArray) -> FloatArray:
        """Return B(x) for spending ``x`` (..., p) [money]."""
        return self._evaluate("benefit", x)

    def slope(self, x: FloatArray) -> FloatArray:
        """Return B'(x) for spending ``x`` (..., p) [benefit per money]; at a corner, the slope to the right."""
        return self._evaluate("slope", x)

    def rise(self, x: FloatArray, step: float | FloatArray) -> FloatArray:
        """Return (B(x + step) - B(x)) / step without cancellation; ``x`` (..., p), ``step`` one or (..., p) [money]."""
        return self._evaluate("rise", x, np.broadcast_to(np.asarray(step, dtype=np.float64), np.shape(x)))

    def spending_at(self, slope: FloatArray) -> FloatArray:
        """Return the spending at which B' falls to ``slope`` (..., p); for a kinked curve the last corner above it."""
        return self._evaluate("spending_at", slope)

    @property
    def bend(self) -> FloatArray:
        """Spending below which a curve steepens and above which it flattens (p,) [money]; 0 where it only flattens.

        A Hill curve of shape a > 1 is S-shaped: B'' = 0 at ``scale ((a - 1) / (a + 1))^(1/a)``.
        """
        with np.errstate(invalid="ignore"):
            steep = np.array([name == "hill" for name in self.family]) & (self.shape > 1.0)
            a = np.where(steep, self.shape, 2.0)
            return floats(np.where(steep, self.scale * ((a - 1.0) / (a + 1.0)) ** (1.0 / a), 0.0))

    def subset(self, lines: IntArray) -> CurveSet:
        """Return the curves of some lines, parameters (..., len(lines))."""
        return CurveSet(
            family=tuple(self.family[line] for line in lines.tolist()),
            value=self.value[..., lines],
            scale=self.scale[..., lines],
            shape=self.shape[..., lines],
            points=tuple(self.points[line] for line in lines.tolist()),
        )

    def take(self, draws: IntArray) -> CurveSet:
        """Return the curves of the draws named, parameters (len(draws), p)."""
        return CurveSet(
            family=self.family,
            value=self.value[draws],
            scale=self.scale[draws],
            shape=self.shape[draws],
            points=self.points,
        )

    def scaled(self, money: float, benefit: float = 1.0) -> CurveSet:
        """Return the curves with spending counted in units of ``money`` and benefit in units of ``benefit``."""
        points = tuple(None if p is None else tuple((x / money, y / benefit) for x, y in p) for p in self.points)
        return CurveSet(
            family=self.family,
            value=floats(self.value / benefit),
            scale=floats(self.scale / money),
            shape=self.shape,
            points=points,
        )

    def _evaluate(self, what: str, x: FloatArray, *extra: FloatArray) -> FloatArray:
        x = np.asarray(x, dtype=np.float64)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore", under="ignore"):
            if len(self.groups) == 1 and len(self.groups[0][1]) == len(self.family):
                # Row by row in memory, as below: sums over projects must add in one order whatever the lanes.
                formula = getattr(FAMILIES[self.family[0]], what)
                return np.ascontiguousarray(formula(x, self.value, self.scale, self.shape, *extra), dtype=np.float64)
            out = np.zeros(np.broadcast_shapes(x.shape, self.value.shape))
            x = np.broadcast_to(x, out.shape)
            for name, columns in self.groups:
                formula = getattr(FAMILIES[name], what)
                parameters = (self.value[..., columns], self.scale[..., columns], self.shape[..., columns])
                own = (each[..., columns] for each in extra)
                out[..., columns] = formula(x[..., columns], *parameters, *own)
            for column, points in self.kinked:
                own = (each[..., column] for each in extra)
                out[..., column] = _piecewise(what, x[..., column], points, *own)
        return out


def _piecewise(what: str, x: FloatArray, points: Points, *extra: FloatArray) -> FloatArray:
    """Evaluate a concave piecewise linear curve; flat beyond its last corner."""
    corners = np.array(points)
    if what == "benefit":
        return np.asarray(np.interp(x, corners[:, 0], corners[:, 1]), dtype=np.float64)
    slopes = np.append(np.diff(corners[:, 1]) / np.diff(corners[:, 0]), 0.0)
    if what == "spending_at":
        steeper = (slopes[:-1, None] > x.ravel()).sum(axis=0)
        return np.asarray(np.append(0.0, corners[1:, 0])[steeper], dtype=np.float64).reshape(x.shape)
    if what == "slope":
        return np.asarray(slopes[np.searchsorted(corners[:, 0], x, side="right").clip(1) - 1])
    step = extra[0]
    low, high = np.minimum(x[..., None], corners[1:, 0]), np.minimum((x + step)[..., None], corners[1:, 0])
    covered = np.maximum(high, corners[:-1, 0]) - np.maximum(low, corners[:-1, 0])
    return np.asarray((covered * slopes[:-1]).sum(axis=-1) / step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One lag and family, judged by leave-one-year-out log score on the same records for all candidates.

    Attributes
    ----------
    lead
        Log score less that of "money does nothing", with ``standard_error`` clustered by project.
    """

    lag: int
    family: str
    log_score: float
    lead: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How lag and family were chosen, and the warning lights beside them.

    Attributes
    ----------
    candidates
        All that were tried, best first; ``no_curve`` is the log score of "money does nothing".
    weak
        True where the best leads "money does nothing" by under two standard errors.
    pooled_slope, pooled_error, within_slope, within_error
        Slopes of score on ln(spending) over all records and within projects, with standard errors clustered by
        project [points per log unit]: a warning light where they disagree, not the estimate.
    feedback
        t value of the test whether budgets followed scores; NaN where it cannot be told.
    halving_correlation
        Correlation of unexplained spending with unexplained score that would halve the marginal; NaN where unknown.
    records
        Number of records on which the candidates were compared.
    """

    candidates: tuple[Candidate, ...]
    no_curve: float
    weak: bool
    pooled_slope: float
    pooled_error: float
    within_slope: float
    within_error: float
    feedback: float
    halving_correlation: float
    records: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves(Shown):
    """Fitted (or given) benefit curves with their evidence; axis p projects, k draws.

    Attributes
    ----------
    expected
        The curves planned on: parameters (p,).
    draws
        Joint draws: parameters (k, p). A given curve is the same in every draw.
    given
        True where the curve came from the curves table (p,).
    records
        Scored years behind each curve (p,).
    own_evidence
        Share of the curvature's knowledge that is the project's own (p,) [share 0-1]; 0 = all borrowed.
    elasticity_mean, elasticity_variance
        Of the elasticity of the result at the reference spending (p,).
    reference
        Usual spending to which the fit refers (p,) [money].
    spent_least, spent_most
        Least and most spending on record (p,) [money]; NaN where none.
    marginal, marginal_low, marginal_high
        Marginal benefit at last budget: of the expected curve, and its 5 % and 95 % points (p,) [benefit per money].
    flags
        Flags of each project, among :data:`FLAGS` (p,); ``extrapolated`` and ``saturated`` are added by the plan.
    value_from
        Where the worth of a full score came from (p,): ``stated``, ``budget`` or ``given``.
    target_elasticity
        rho: 0 where scores are levels, 1 where ratios to a target that grows with the money.
    lag, family
        Chosen lag [years] and family of the fitted curves.
    alternative
        The curves fitted under the other reading of scores (rho 1 where the fit used under .5, else 0), or None.
    """

    id: tuple[str, ...]
    expected: CurveSet
    draws: CurveSet
    given: BoolArray
    records: IntArray
    own_evidence: FloatArray
    elasticity_mean: FloatArray
    elasticity_variance: FloatArray
    reference: FloatArray
    spent_least: FloatArray
    spent_most: FloatArray
    marginal: FloatArray
    marginal_low: FloatArray
    marginal_high: FloatArray
    flags: tuple[tuple[str, ...], ...]
    value_from: tuple[str, ...]
    target_elasticity: float
    lag: int
    family: str
    selection: Selection | None
    alternative: CurveSet | None
