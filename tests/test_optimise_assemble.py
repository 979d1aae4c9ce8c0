from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import floats, integers
from allocsim.optimise.limits import Sense, Sum
from allocsim.optimise.program.assemble import assembled
from allocsim.optimise.program.problem import Pieces, state
from allocsim.optimise.program.solve import Arrays, Solver, arrays

SENSES: tuple[Sense, ...] = ("floor", "ceiling", "fix")


def made(seed: int) -> tuple[Pieces, list[Sum]]:
    """Return pieces of six lines and limits of every sense: plain, weighted, soft, both, and one of no line."""
    rng = np.random.default_rng(seed)
    pieces = Pieces(
        start=integers(rng.integers(0, 9, 6)),
        width=integers(rng.integers(0, 5, (6, 4))),
        slope=floats(np.sort(rng.uniform(0, 3, (6, 4)), axis=1)[:, ::-1]),
    )
    sums = [Sum(source=0, label="", sense="ceiling", members=integers(np.arange(6)), level=40)]
    for number in range(6):
        members = integers(rng.permutation(6)[: rng.integers(0, 7)])
        plain = Sum(
            source=0, label="", sense=SENSES[number % 3], members=members, level=int(rng.integers(0, 60)),
            penalty=float(rng.uniform(0, 2)) if rng.random() < 0.5 else None,
        )  # fmt: skip
        weight = integers(rng.integers(1, 7, members.size))
        sums.append(replace(plain, weight=weight, grain=0.5) if rng.random() < 0.5 else plain)
    return pieces, sums


def same(one: Arrays, other: Arrays) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Arrays))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([1.0, 0.37, 1e6]))
def test_arrays_are_those_of_the_problem_that_can_be_read(seed: int, whole: bool, unit: float) -> None:
    pieces, sums = made(seed)
    assert same(assembled(pieces, sums, whole=whole, unit=unit), arrays(state(pieces, sums, whole=whole, unit=unit)))


def test_the_check_sees_a_difference() -> None:
    pieces, sums = made(1)
    moved = [replace(sums[0], level=sums[0].level + 1), *sums[1:]]
    assert not same(assembled(pieces, moved), arrays(state(pieces, sums)))


def test_both_are_solved_to_the_same_end() -> None:
    pieces, sums = made(3)
    only = sums[:1]
    built, stated = (Solver(p).run() for p in (assembled(pieces, only), state(pieces, only)))
    assert built.status == stated.status == "optimal"
    assert built.objective == pytest.approx(stated.objective, rel=1e-12)
    assert built.values.tolist() == stated.values.tolist()
