"""split(): conserves, stays within room, is proportional to a step, and is exact where products pass 2^63."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.policies.split import narrowed, split

AMOUNTS = st.integers(0, 10**12)


def _array(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


def test_shares_then_last_units_in_order() -> None:
    found = split([10], weight=_array([[1, 1, 1]]), room=_array([[9, 9, 9]]))
    assert found.tolist() == [[4, 3, 3]]


def test_full_takers_pass_their_share_on() -> None:
    found = split([100], weight=_array([[50, 30, 20]]), room=_array([[10, 1000, 1000]]))
    assert found.tolist() == [[10, 54, 36]]


def test_what_fits_nowhere_is_not_handed_out() -> None:
    assert split([100], weight=_array([[1, 1]]), room=_array([[7, 5]])).tolist() == [[7, 5]]
    assert split([100], weight=_array([[0, 1]]), room=_array([[7, 5]])).tolist() == [[0, 5]]
    assert split([-3], weight=_array([[1, 1]]), room=_array([[7, -5]])).tolist() == [[0, 0]]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(AMOUNTS, st.integers(0, 10**13), AMOUNTS), min_size=1, max_size=8),
    st.integers(0, 10**14),
)
def test_conserves_and_never_exceeds_room(takers: list[tuple[int, int, int]], amount: int) -> None:
    weight, room = _array([[w for _, w, _ in takers]]), _array([[r for _, _, r in takers]])
    found = split([amount], weight=weight, room=room)
    assert (found >= 0).all()
    assert (found <= room).all()
    assert (found[weight == 0] == 0).all()
    assert found.sum() == min(amount, room[weight > 0].sum())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8), st.integers(0, 10**12))
def test_with_room_for_all_shares_are_within_a_step_of_proportional(weights: list[int], amount: int) -> None:
    weight = _array([weights])
    found = split([amount], weight=weight, room=np.full_like(weight, 10**13))[0]
    for got, w in zip(found.tolist(), weights, strict=True):
        exact = Fraction(amount * w, sum(weights))
        assert -1 < got - exact <= 1


@pytest.mark.parametrize("weights", [[2**61, 2**61, 2**60], [10**15, 1, 1], [3, 4, 5]])
def test_narrowed_weights_keep_the_proportion(weights: list[int]) -> None:
    found = narrowed(_array([weights]))[0]
    assert found.sum() < 2**31
    assert found.min() >= 1
    assert found[0] / found.sum() == pytest.approx(weights[0] / sum(weights), rel=1e-8)


def test_lanes_do_not_meet() -> None:
    rng = np.random.default_rng(5)
    amount = rng.integers(0, 1000, 40)
    weight, room = rng.integers(0, 50, (40, 7)), rng.integers(0, 300, (40, 7))
    whole = split(amount, weight=weight, room=room)
    alone = [split(amount[[r]], weight=weight[[r]], room=room[[r]])[0] for r in range(40)]
    assert np.array_equal(whole, np.array(alone))
