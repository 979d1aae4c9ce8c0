"""The curve families against numerical differentiation and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import floats
from allocsim.model.curve import CurveSet
from allocsim.model.family import FAMILIES

NAMES = sorted(FAMILIES)
positive = st.floats(0.05, 50.0)


def one(name: str, value: float, scale: float, shape: float) -> CurveSet:
    return CurveSet(family=(name,), value=floats([value]), scale=floats([scale]), shape=floats([shape]), points=(None,))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(value=positive, scale=positive, shape=st.floats(0.1, 0.95), x=positive, step=st.floats(0.001, 5.0))
def test_rise_and_slope_are_differences_of_benefit(
    name: str, value: float, scale: float, shape: float, x: float, step: float
) -> None:
    curve, at = one(name, value, scale, shape), floats([x])
    direct = (curve.benefit(at + step) - curve.benefit(at)) / step
    np.testing.assert_allclose(curve.rise(at, step), direct, rtol=1e-6, atol=1e-9 * value)
    h = 1e-5 * x
    central = (curve.benefit(at + h) - curve.benefit(at - h)) / (2 * h)
    np.testing.assert_allclose(curve.slope(at), central, rtol=1e-4, atol=1e-7 * value / scale)
    assert curve.benefit(floats([0.0]))[0] == 0.0


@pytest.mark.parametrize("name", [n for n in NAMES if n != "linear"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(value=positive, scale=positive, shape=st.floats(0.1, 0.95), u=st.floats(0.01, 20.0))
def test_spending_at_undoes_slope(name: str, value: float, scale: float, shape: float, u: float) -> None:
    curve, at = one(name, value, scale, shape), floats([u * scale])
    np.testing.assert_allclose(curve.spending_at(curve.slope(at)), at, rtol=1e-6)


def test_a_hill_curve_of_shape_one_is_flat_from_the_start_where_asked_for_more_than_its_steepest() -> None:
    curve = one("hill", 1.0, 1.0, 1.0)
    assert curve.spending_at(floats([2.0]))[0] == 0.0
    assert curve.spending_at(floats([1.0]))[0] == 0.0
    assert curve.spending_at(floats([0.25]))[0] == pytest.approx(1.0)


def test_piecewise_by_hand() -> None:
    points = ((0.0, 0.0), (50.0, 30.0), (200.0, 60.0))
    nan = floats([np.nan])
    curve = CurveSet(family=("piecewise",), value=nan, scale=nan, shape=nan, points=(points,))
    x = floats([[0.0], [25.0], [50.0], [125.0], [200.0], [300.0]])
    np.testing.assert_allclose(curve.benefit(x)[:, 0], [0, 15, 30, 45, 60, 60])
    np.testing.assert_allclose(curve.slope(x)[:, 0], [0.6, 0.6, 0.2, 0.2, 0.0, 0.0])
    np.testing.assert_allclose(curve.rise(x, 50.0)[:, 0], [0.6, 0.4, 0.2, 0.2, 0.0, 0.0])
    np.testing.assert_allclose(curve.spending_at(floats([[0.7], [0.4], [0.1]]))[:, 0], [0.0, 50.0, 200.0])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(factor=st.sampled_from([1e-6, 1e6, 10.0]), x=positive)
def test_scaled_counts_in_other_units(factor: float, x: float) -> None:
    for name in NAMES:
        curve = one(name, 3.0, 7.0, 0.5)
        other = curve.scaled(factor, 2.0)
        np.testing.assert_allclose(other.benefit(floats([x / factor])) * 2.0, curve.benefit(floats([x])), rtol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    value=positive, scale=positive, shape=st.floats(1.05, 30.0), u=st.floats(0.001, 20.0), step=st.floats(0.001, 5.0)
)
def test_an_s_curve_steepens_up_to_its_bend(value: float, scale: float, shape: float, u: float, step: float) -> None:
    curve, at = one("hill", value, scale, shape), floats([u * scale])
    direct = (curve.benefit(at + step) - curve.benefit(at)) / step
    np.testing.assert_allclose(curve.rise(at, step), direct, rtol=1e-5, atol=1e-9 * value / step)
    bend = curve.bend
    steepest = curve.slope(bend)
    assert curve.slope(0.99 * bend)[0] <= steepest[0] * (1 + 1e-12)
    assert curve.slope(1.01 * bend)[0] <= steepest[0] * (1 + 1e-12)
    beyond = bend + at
    found = curve.spending_at(curve.slope(beyond))
    assert found[0] >= bend[0] * (1 - 1e-12)
    np.testing.assert_allclose(found, beyond, rtol=1e-6)
    assert curve.spending_at(1.000001 * steepest)[0] == 0.0


@pytest.mark.parametrize("shape", [1.0001, 2.0, 10.0, 400.0])
def test_an_s_curve_next_to_its_steepest_slope_and_far_out(shape: float) -> None:
    curve = one("hill", 3.0, 7.0, shape)
    for beyond in (1e-3, 1e-6, 1e-9):
        slope = curve.slope(curve.bend * (1 + beyond))
        back = curve.spending_at(slope)
        assert back[0] == 0.0 or curve.slope(back)[0] == pytest.approx(slope[0], rel=1e-6)
    far = floats([[0.0], [1e-3], [7e3], [7e30]])
    assert np.isfinite(curve.benefit(far)).all()
    assert np.isfinite(curve.slope(far)).all()
    assert np.isfinite(curve.rise(far, 1.0)).all()
    np.testing.assert_allclose(curve.benefit(floats([7e30])), 3.0)
    assert (curve.spending_at(floats([[1e-3], [1e-30], [1e-300]]))[:, 0] >= curve.bend[0]).all()
