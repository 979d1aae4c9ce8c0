"""Curves that the planner states: rows of the curves table, which are benefits already and are not fitted."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, booleans
from allocsim.model.curve import CurveSet, Points
from allocsim.model.points import points_of
from allocsim.model.scenario import Scenario


def given_rows(scenario: Scenario) -> tuple[int, ...]:
    """Return the row of the curves table that states each project's curve, -1 where none does (p,)."""
    if scenario.curves is None:
        return (-1,) * len(scenario.projects)
    rows = {name: row for row, name in enumerate(scenario.curves.text("project"))}
    return tuple(rows.get(name, -1) for name in scenario.projects.text("id"))


def is_given(scenario: Scenario) -> BoolArray:
    """Tell which projects have a stated curve (p,)."""
    return booleans([row >= 0 for row in given_rows(scenario)])


def with_given(scenario: Scenario, fitted: CurveSet) -> CurveSet:
    """Return the fitted curves with stated ones in their place, the same in every draw."""
    table, rows = scenario.curves, given_rows(scenario)
    if table is None:
        return fitted
    families = table.text("family")
    numbers = {name: table.number(name) for name in ("value", "scale", "shape")}
    texts = table.text("points")
    family, points = list(fitted.family), list(fitted.points)
    value, scale, shape = fitted.value.copy(), fitted.scale.copy(), fitted.shape.copy()
    for p, row in enumerate(rows):
        if row < 0:
            continue
        family[p] = families[row]
        points[p] = points_of(texts[row]) if families[row] == "piecewise" else None
        value[..., p], scale[..., p] = numbers["value"][row], numbers["scale"][row]
        shape[..., p] = numbers["shape"][row] if families[row] in ("power", "hill") else np.nan
    return curve_set(tuple(family), value, scale, shape, tuple(points))


def curve_set(
    family: tuple[str, ...],
    value: FloatArray,
    scale: FloatArray,
    shape: FloatArray,
    points: tuple[Points | None, ...] | None = None,
) -> CurveSet:
    """Return a curve set over read-only arrays."""
    for array in (value, scale, shape):
        array.setflags(write=False)
    return CurveSet(family=family, value=value, scale=scale, shape=shape, points=points or (None,) * len(family))
