from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import FloatArray, floats, integers
from allocsim.model.blend import FAR, Blend
from allocsim.model.curve import CurveSet
from optimise_worlds import curve_set

FAMILIES = ("saturating", "log", "power", "hill")
CORNERS = ((0.0, 0.0), (2.0, 4.0), (5.0, 7.0), (9.0, 8.0))


def blend(seed: int, *, lines: int = 4, families: tuple[str, ...] = FAMILIES) -> Blend:
    """Return blends of one to nine members each, weights of very different size."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(lines), rng.integers(1, 10, lines))
    count = len(of)
    family = [str(name) for name in rng.choice(list(families), count)]
    value = rng.uniform(1, 30, count) * 10.0 ** rng.uniform(-6, 0, count)
    members = curve_set(family, value, 10.0 ** rng.uniform(-1, 3, count), rng.uniform(0.2, 0.9, count))
    return Blend(members=members, of=integers(of))


def one_by_one(made: Blend, what: str, x: FloatArray, *extra: float) -> FloatArray:
    """Return the sums over members, each evaluated alone."""
    sums = np.zeros(made.count)
    for member, line in enumerate(made.of.tolist()):
        alone = made.members.subset(integers([member]))
        sums[line] += float(getattr(alone, what)(x[[line]], *extra)[0])
    return floats(sums)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_blend_is_the_sum_of_its_members(seed: int) -> None:
    made = blend(seed)
    x = floats(10.0 ** np.random.default_rng(seed).uniform(-1, 3, 4))
    assert made.benefit(x) == pytest.approx(one_by_one(made, "benefit", x), rel=1e-13)
    assert made.slope(x) == pytest.approx(one_by_one(made, "slope", x), rel=1e-13)
    assert made.rise(x, 0.5) == pytest.approx(one_by_one(made, "rise", x, 0.5), rel=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(-4.0, 4.0))
def test_the_spending_at_a_slope_is_where_the_slope_falls_to_it(seed: int, power: float) -> None:
    made = blend(seed)
    usual = made.slope(floats(np.full(4, 20.0)))
    wanted = floats(np.where(usual > 1e-200, usual, 1.0) * 10.0**power)
    x = made.spending_at(wanted)
    assert (x >= 0).all()
    near = 1e-9 * np.maximum(x, 1e-30)
    inside = (x > 1e-200) & (x < FAR)
    assert (made.slope(floats(np.maximum(x - near, 0.0)))[inside] >= wanted[inside] * (1 - 1e-9)).all()
    assert (made.slope(floats(x + near))[x < FAR] <= wanted[x < FAR] * (1 + 1e-9)).all()
    assert (made.slope(x)[x >= FAR] >= wanted[x >= FAR]).all()
    assert made.slope(x)[inside] == pytest.approx(wanted[inside], rel=1e-9)


def test_a_blend_of_one_member_meets_a_slope_where_its_member_does() -> None:
    members = curve_set(FAMILIES, [5.0, 6.0, 7.0, 8.0], [10.0, 20.0, 30.0, 40.0])
    alone = Blend(members=members, of=integers(range(4)))
    wanted = floats([0.1, 0.2, 0.05, 0.3])
    assert np.array_equal(alone.spending_at(wanted), members.spending_at(wanted))
    assert alone.family == FAMILIES


def test_flat_from_the_start_is_nothing_and_never_flat_enough_is_without_end() -> None:
    straight = curve_set("linear", [2.0, 3.0, 4.0], [1.0, 1.0, 1.0])
    made = Blend(members=straight, of=integers([0, 0, 0]))
    assert made.spending_at(floats([9.5])).tolist() == [0.0]
    assert made.spending_at(floats([8.5]))[0] >= FAR
    curved = Blend(members=curve_set("saturating", [2.0, 3.0], [1.0, 2.0]), of=integers([0, 0]))
    assert curved.spending_at(floats([3.6])).tolist() == [0.0]
    assert curved.spending_at(floats([3.4]))[0] > 0


def test_corners_of_members_are_corners_of_the_blend() -> None:
    other = ((0.0, 0.0), (3.0, 3.0), (6.0, 4.0))
    members = curve_set(["piecewise"] * 2 + ["log"], [0.0, 0.0, 2.0], [1.0, 1.0, 5.0], points=[CORNERS, other, None])
    made = Blend(members=members, of=integers([0, 0, 1]))
    corners, none = made.points
    assert none is None
    assert corners is not None
    assert [x for x, _ in corners] == [0.0, 2.0, 3.0, 5.0, 6.0, 9.0]
    assert corners[2] == pytest.approx((3.0, 5.0 + 3.0))
    assert made.family == ("piecewise", "log")
    for wanted, corner in ((2.9, 2.0), (1.9, 3.0), (1.2, 5.0), (0.5, 6.0), (0.1, 9.0)):
        found = made.spending_at(floats([wanted, 1.0]))[0]
        assert found == pytest.approx(corner, rel=1e-12)
    assert made.bend.tolist() == [0.0, 0.0]


def test_a_subset_keeps_the_members_of_its_lines() -> None:
    made = blend(3)
    some = made.subset(integers([2, 0]))
    x = floats([7.0, 11.0])
    whole = made.benefit(floats([11.0, 1.0, 7.0, 1.0]))
    assert some.benefit(x) == pytest.approx(whole[[2, 0]], rel=1e-15)
    assert some.count == 2
    assert made.subset(integers([])).count == 0


def test_mixed_members_are_called_a_blend() -> None:
    members = curve_set(["log", "power", "power"], [1.0] * 3, [1.0] * 3)
    assert Blend(members=members, of=integers([0, 0, 1])).family == ("blend", "power")


def test_many_equal_members_are_as_one() -> None:
    count = 1000
    members = CurveSet(
        family=("saturating",) * count,
        value=floats(np.full(count, 5.0 / count)),
        scale=floats(np.full(count, 30.0)),
        shape=floats(np.full(count, np.nan)),
        points=(None,) * count,
    )
    made, one = Blend(members=members, of=integers(np.zeros(count))), curve_set("saturating", [5.0], [30.0])
    wanted = floats([0.02])
    assert made.spending_at(wanted) == pytest.approx(one.spending_at(wanted), rel=1e-12)
