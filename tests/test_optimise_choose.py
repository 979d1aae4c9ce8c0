"""Plans with holes, counting and S-curves: against brute force, a dynamic program, and real all-or-nothing budgets."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.errors import AllocsimError
from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Blend, Columns
from allocsim.model.curve import CurveSet
from allocsim.model.money import MoneyStep
from allocsim.optimise import effort as effort_module
from allocsim.optimise.choice.choose import choose
from allocsim.optimise.choice.menu import menu
from allocsim.optimise.choice.roofs import roofs, tangent_points
from allocsim.optimise.choice.spans import spans
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import Effort
from allocsim.optimise.limits import FREE, Choice, Parts, Rows, Source, Sum
from allocsim.optimise.proof.certify import certify, primal
from optimise_worlds import curve_set

FAMILIES = ("saturating", "log", "power", "hill", "linear")


def limits(
    count: int,
    total: int,
    *,
    sums: Sequence[Sum] = (),
    parts: Sequence[Parts] = (),
    choices: Sequence[Choice] = (),
    lo: Sequence[int] | IntArray | None = None,
    hi: Sequence[int] | IntArray | None = None,
    last: Sequence[float] | FloatArray | None = None,
) -> Rows:
    nobody = integers(np.full(count, -1))
    everyone = integers(np.arange(count))
    return Rows(
        id=tuple(f"P{p:04d}" for p in range(count)),
        step=MoneyStep(1.0),
        sources=(Source(name="rule", kind="rule", basis="", must=False, standing="rule"),),
        each=(),
        sums=(Sum(source=0, label="", sense="ceiling", members=everyone, level=total), *sums),
        lo=integers(np.zeros(count) if lo is None else lo),
        hi=integers(np.full(count, total + 1) if hi is None else hi),
        lo_by=nobody,
        hi_by=nobody,
        total=total,
        reserve=0,
        last=floats(np.full(count, np.nan) if last is None else last),
        parts=tuple(parts),
        choices=tuple(choices),
    )


def funded(members: Sequence[int], *, weight: Sequence[int] | None = None, level: int = 1) -> Choice:
    """At most ``level`` of the members have money."""
    none = integers(np.zeros(len(members)))
    return Choice(
        source=0,
        label="",
        members=integers(members),
        rest_low=none,
        rest_high=none,
        weight=integers([1] * len(members) if weight is None else weight),
        level=level,
    )


def moved(last: Sequence[float] | FloatArray, most: int) -> Choice:
    """At most ``most`` lines leave their last budget."""
    return Choice(
        source=0,
        label="",
        members=integers(np.arange(len(last))),
        rest_low=integers(np.floor(last)),
        rest_high=integers(np.ceil(last)),
        weight=integers(np.ones(len(last))),
        level=most,
    )


def holes(lines: Sequence[int], parts: Sequence[Sequence[tuple[int, int]]]) -> Parts:
    return Parts(source=0, project=integers(lines), parts=tuple(tuple(each) for each in parts))


def all_or_nothing(cost: IntArray) -> Parts:
    return holes(range(len(cost)), [((0, 0), (each, each)) for each in cost.tolist()])


def best_of_all(curves: Columns, rows: Rows) -> float:
    """The best objective over all whole amounts, every limit checked anew, one plan after another in a table."""
    ends = zip(rows.lo.tolist(), np.minimum(rows.hi, rows.available).tolist(), strict=True)
    x = np.array(list(itertools.product(*(range(low, high + 1) for low, high in ends))), dtype=np.int64)
    if not x.size:
        return -math.inf
    holds = np.ones(len(x), dtype=bool)
    cost = np.zeros(len(x))
    for limit in rows.sums:
        weight = 1 if limit.weight is None else limit.weight
        over = (x[:, limit.members] * weight).sum(axis=1) - limit.level
        broken = {"ceiling": np.maximum(over, 0), "floor": np.maximum(-over, 0), "fix": np.abs(over)}[limit.sense]
        if limit.penalty is None:
            holds &= broken == 0
        else:
            cost += limit.penalty * broken
    for part in rows.parts:
        for line, allowed in zip(part.project.tolist(), part.parts, strict=True):
            holds &= np.any([(low <= x[:, line]) & (x[:, line] <= high) for low, high in allowed], axis=0)
    for choice in rows.choices:
        away = (x[:, choice.members] < choice.rest_low) | (x[:, choice.members] > choice.rest_high)
        holds &= (away * choice.weight).sum(axis=1) <= choice.level
    if not holds.any():
        return -math.inf
    top = int(x.max())
    table = np.stack([curves.benefit(np.full(x.shape[1], float(each))) for each in range(top + 1)])
    value = table[x[holds], np.arange(x.shape[1])].sum(axis=1) - cost[holds]
    return float(value.max())


@st.composite
def worlds(draw: st.DrawFn) -> tuple[CurveSet, Rows]:
    """A small world of every kind of limit, some of them together."""
    count = draw(st.integers(2, 4))
    total = draw(st.integers(3, {2: 30, 3: 18, 4: 11}[count]))
    number = st.floats(0.2, 20.0)
    family = [draw(st.sampled_from(FAMILIES)) for _ in range(count)]
    s_shaped = draw(st.booleans())
    shape = [draw(st.floats(1.2, 6.0)) if s_shaped and name == "hill" else draw(st.floats(0.2, 0.9)) for name in family]
    curves = curve_set(family, [draw(number) for _ in family], [draw(number) for _ in family], shape)
    some = st.lists(st.integers(0, count - 1), min_size=1, max_size=count, unique=True).map(sorted)
    kinds = st.sampled_from(["viable", "whole", "exclusive", "requires", "moves", "gap"])
    parts: list[Parts] = []
    choices: list[Choice] = []
    last = [float(draw(st.integers(0, total))) / draw(st.sampled_from([1, 2])) for _ in range(count)]
    for kind in draw(st.lists(kinds, max_size=3)):
        lines = draw(some)
        if kind == "viable":
            least = [draw(st.integers(1, total)) for _ in lines]
            parts.append(holes(lines, [((0, 0), (each, FREE)) for each in least]))
        elif kind == "whole":
            parts.append(holes(lines, [((0, 0), (draw(st.integers(1, total)),) * 2) for _ in lines]))
        elif kind == "gap":
            low = [draw(st.integers(0, total)) for _ in lines]
            parts.append(holes(lines, [((0, each), (each + draw(st.integers(2, 4)), FREE)) for each in low]))
        elif kind == "exclusive":
            choices.append(funded(lines, level=draw(st.integers(1, 2))))
        elif kind == "requires":
            choices.append(funded([0, 1], weight=[1, -1], level=0))
        else:
            choices.append(moved(last, draw(st.integers(0, count))))
    sums = []
    for _ in range(draw(st.integers(0, 3))):
        lines = draw(some)
        weight = draw(st.one_of(st.none(), st.lists(st.integers(0, 5), min_size=len(lines), max_size=len(lines))))
        sums.append(
            Sum(
                source=0,
                label="",
                sense=draw(st.sampled_from(["floor", "ceiling", "fix"])),
                members=integers(lines),
                level=draw(st.integers(0, total)),
                weight=None if weight is None else integers(weight),
                penalty=draw(st.one_of(st.none(), st.floats(0.01, 5.0))),
            )
        )
    hi = [draw(st.one_of(st.just(total + 1), st.integers(0, total))) for _ in range(count)]
    lo = [min(draw(st.sampled_from([0, 0, 0, 1, 2])), high) for high in hi]
    return curves, limits(count, total, sums=sums, parts=parts, choices=choices, lo=lo, hi=hi, last=last)


def holds_up(curves: Columns, rows: Rows) -> None:
    """Check a plan against the best of all whole amounts: as good, proven, its bound no lower."""
    best = best_of_all(curves, rows)
    if best == -math.inf:
        with pytest.raises(NoneFits):
            choose(curves, rows)
        return
    found = choose(curves, rows)
    primal(rows, found.steps)
    primal(found.held, found.steps)
    told = found.certificate
    scale = max(abs(best), abs(told.bound))
    assert told.objective == pytest.approx(best, abs=1.1e-6 * scale + 1e-12)
    assert told.bound - told.rounding_loss >= best - 1e-12 * scale
    assert told.closed or told.bound - told.rounding_loss - best < 1e-7  # nothing is a share of nothing


@settings(max_examples=80, deadline=None, derandomize=True)
@given(world=worlds())
def test_no_whole_amounts_are_better(world: tuple[CurveSet, Rows]) -> None:
    holds_up(*world)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(world=worlds(), seed=st.integers(0, 99))
def test_blended_curves_too(world: tuple[CurveSet, Rows], seed: int) -> None:
    rows = world[1]
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(rows.id)), 3)
    families = [str(name) for name in rng.choice(FAMILIES, of.size)]
    members = curve_set(families, rng.uniform(0.2, 20.0, of.size), rng.uniform(0.2, 20.0, of.size))
    holds_up(Blend(members=members, of=integers(of)), rows)


def s_shaped(count: int, seed: int, *, scale: float = 1e3) -> CurveSet:
    rng = np.random.default_rng(seed)
    return curve_set("hill", rng.uniform(10, 100, count), scale * rng.uniform(1, 10, count), rng.uniform(1.5, 4, count))


def best_split(curves: CurveSet, total: int) -> float:
    """The best benefit of whole amounts under one total, line by line: a dynamic program."""
    best = np.zeros(total + 1)
    table = np.stack([curves.benefit(np.full(len(curves.family), float(x))) for x in range(total + 1)])
    for line in range(len(curves.family)):
        best = np.array([(best[: left + 1][::-1] + table[: left + 1, line]).max() for left in range(total + 1)])
    return float(best.max())


@pytest.mark.parametrize("seed", range(3))
def test_fifty_s_curves_against_a_dynamic_program(seed: int) -> None:
    curves = s_shaped(50, seed, scale=5.0)
    found = choose(curves, limits(50, 500))
    assert found.certificate.objective == pytest.approx(best_split(curves, 500), rel=1e-6)
    assert found.certificate.closed


@pytest.mark.parametrize("seed", range(5))
def test_fifty_s_curves_in_fine_money_are_proven(seed: int) -> None:
    curves = s_shaped(50, seed)
    found = choose(curves, limits(50, 110_000))
    told = found.certificate
    assert told.bound - told.objective <= 1e-6 * told.bound
    envelope = curves.benefit(curves.scale * (curves.shape - 1.0) ** (1.0 / curves.shape))
    assert told.objective > 0.9 * min(told.bound, float(envelope.sum()))


def test_an_amount_in_the_foot_of_an_s() -> None:
    curves = s_shaped(10, 1)
    sums = [
        Sum(source=0, label=str(k), sense=sense, members=integers([k, k + 5]), level=level)
        for k in range(5)
        for sense, level in (("floor", 2200), ("ceiling", 3849))
    ]
    found = choose(curves, limits(10, 16_500, sums=sums))  # type: ignore[arg-type]
    assert found.certificate.closed
    assert ((found.steps > 0) & (found.steps < np.floor(curves.bend))).any()
    primal(found.held, found.steps)


def best_knapsack(value: IntArray, cost: IntArray, total: int) -> int:
    best = np.zeros(total + 1, dtype=np.int64)
    for v, c in zip(value.tolist(), cost.tolist(), strict=True):
        best[c:] = np.maximum(best[c:], best[:-c] + v)
    return int(best[-1])


@pytest.mark.parametrize("kind", ["free", "like their cost", "a little above"])
@pytest.mark.parametrize("seed", range(2))
def test_hundred_projects_all_or_nothing(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.integers(100, 2000, 100)
    value = {
        "free": rng.integers(1, 2000, 100),
        "like their cost": np.rint(cost * rng.uniform(0.9, 1.1, 100)).astype(np.int64),
        "a little above": cost + 200,
    }[kind]
    total = int(cost.sum() * 0.4)
    curves = curve_set("linear", value.astype(float), cost.astype(float))
    found = choose(curves, limits(100, total, parts=[all_or_nothing(cost)]))
    assert found.certificate.objective == pytest.approx(best_knapsack(value, cost, total), rel=1e-12)
    assert found.certificate.closed
    assert set(np.unique(found.steps / cost).tolist()) == {0.0, 1.0}


def city(most: int, *, share: float = 0.05) -> tuple[CurveSet, Rows]:
    """The lines of the example city at their made-up true curves, few of which may move, and none by little."""
    folder = Path(__file__).resolve().parent.parent / "scenarios" / "chongqing"
    projects = pd.read_csv(folder / "projects.csv", dtype={"id": str})
    truth = pd.read_csv(folder / "truth.csv", dtype={"id": str}).set_index("id").loc[projects["id"]]
    last = np.rint(projects["last_budget"].fillna(0.0).to_numpy(dtype=float))
    curves = curve_set(truth["family"].tolist(), truth["value"].to_numpy(), truth["scale"].to_numpy())
    least = np.maximum(1, np.ceil(share * last)).astype(np.int64)
    apart = [
        [part for part in ((0, int(x) - m), (int(x), int(x)), (int(x) + m, FREE)) if part[0] <= part[1]]
        for x, m in zip(last, least.tolist(), strict=True)
    ]
    count = len(last)
    total = int(1.01 * last.sum())
    return curves, limits(count, total, parts=[holes(range(count), apart)], choices=[moved(last, most)], last=last)


def test_few_moves_of_a_whole_city() -> None:
    gains = []
    for most in (0, 30, 60, 120):
        curves, rows = city(most)
        found = choose(curves, rows)
        assert found.certificate.closed
        assert (found.steps != rows.last).sum() <= most
        assert found.counting.shape == (1,)
        gains.append(found.certificate.objective - float(curves.benefit(rows.last).sum()))
    assert gains[0] == pytest.approx(0.0, abs=1e-6)
    assert 0.5 * gains[3] < gains[1] < gains[2] < gains[3] * (1 + 1e-6)


def mixed(count: int, seed: int, *, money: float = 1.0, benefit: float = 1.0) -> tuple[CurveSet, Rows]:
    rng = np.random.default_rng(seed)
    last = np.rint(rng.lognormal(7.0, 1.0, count) + 20)
    names = [str(name) for name in rng.choice(["saturating", "log", "power", "hill"], count)]
    shape = np.where(rng.random(count) < 0.5, rng.uniform(0.3, 0.9, count), rng.uniform(1.2, 3.0, count))
    shape = np.where(np.array(names) == "power", 0.5, shape)
    curves = curve_set(
        names, benefit * last * rng.uniform(0.5, 1.3, count), money * last * rng.uniform(0.3, 2, count), shape
    )
    least = [int(money * round(x)) for x in last * rng.uniform(0.3, 1.2, count)]
    groups = [rng.choice(count, 4, replace=False).tolist() for _ in range(3)]
    sums = [
        Sum(source=0, label="", sense="ceiling", members=integers(range(k, count, 4)), level=int(money * level))
        for k, level in enumerate((np.add.reduceat(last, [0]) * 0.2).tolist() * 2)
    ]
    return curves, limits(
        count,
        int(money * int(0.6 * last.sum())),
        parts=[holes(range(count), [((0, 0), (each, FREE)) for each in least])],
        choices=[funded(sorted(group)) for group in groups],
        sums=sums,
        last=money * last,
    )


def test_units_of_money_and_of_benefit_change_nothing() -> None:
    curves, rows = mixed(20, 3)
    plain = choose(curves, rows)
    for benefit in (1e-6, 1e6):
        np.testing.assert_array_equal(choose(*mixed(20, 3, benefit=benefit)).steps, plain.steps)
    larger = choose(*mixed(20, 3, money=1e6))
    np.testing.assert_array_equal(larger.steps > 0, plain.steps > 0)
    np.testing.assert_allclose(larger.steps / 1e6, plain.steps, atol=2.0)
    assert larger.certificate.closed
    assert larger.certificate.objective >= plain.certificate.objective * (1 - 1e-9)


def test_the_order_of_lines_and_rules_changes_nothing() -> None:
    curves, rows = mixed(24, 5)
    order = np.random.default_rng(0).permutation(24)
    rank = np.argsort(order)
    other = replace(
        rows,
        id=tuple(rows.id[line] for line in order),
        sums=tuple(limit.renumbered(integers(rank)) for limit in (rows.sums[0], *rows.sums[:0:-1])),
        parts=tuple(replace(part, project=integers(rank[part.project])) for part in rows.parts),
        choices=tuple(replace(choice, members=integers(rank[choice.members])) for choice in rows.choices[::-1]),
        lo=integers(rows.lo[order]),
        hi=integers(rows.hi[order]),
        last=floats(rows.last[order]),
    )
    np.testing.assert_array_equal(
        choose(curves.subset(integers(order)), other).steps, choose(curves, rows).steps[order]
    )


def test_the_multipliers_prove_the_plan_at_the_choices_held() -> None:
    curves, rows = mixed(24, 7)
    concave = replace(curves, shape=floats(np.minimum(curves.shape, 1.0)))
    found = choose(concave, rows)
    assert not found.held.parts
    assert not found.held.choices
    told = certify(concave, found.held, steps=found.steps, multipliers=found.multipliers)
    assert told.closed
    assert told.bound_by == "dual"


def test_what_cannot_fit_is_told() -> None:
    curves = curve_set("saturating", [1.0, 1.0, 1.0], [5.0, 5.0, 5.0])
    both = Sum(source=0, label="", sense="floor", members=integers([0, 1]), level=9)
    viable = holes([0, 1], [((0, 0), (8, FREE))] * 2)
    with pytest.raises(NoneFits):
        choose(curves, limits(3, 10, sums=[both], choices=[funded([0, 1])], parts=[viable], hi=[8, 8, 10]))
    with pytest.raises(NoneFits):  # a hole that bounds leave nothing of
        choose(curves, limits(3, 10, parts=[viable], lo=[1, 0, 0], hi=[7, 10, 10]))
    odd = Sum(source=0, label="", sense="fix", members=integers([0, 1, 2]), level=7, weight=integers([2, 2, 2]))
    with pytest.raises(NoneFits):  # shares of steps could, whole steps cannot
        choose(curves, limits(3, 10, sums=[odd], choices=[funded([0, 1])]))


@pytest.mark.parametrize("readings", [1, 4, 12, 40, 1000])
def test_when_the_time_is_up_what_is_told_is_true(readings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    curves, rows = mixed(16, 11)
    best = choose(curves, rows).certificate
    clock = itertools.chain([0.0] * readings, itertools.repeat(1e9))
    monkeypatch.setattr(effort_module.time, "monotonic", lambda: next(clock))
    try:
        told = choose(curves, rows, Effort(deadline=1e6)).certificate
    except AllocsimError:
        assert readings < 40
        return
    assert told.objective <= best.objective * (1 + 1e-9)
    assert told.bound >= best.objective * (1 - 1e-9)
    assert told.closed or readings < 1000


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(FAMILIES),
    value=st.floats(0.5, 50.0),
    scale=st.floats(0.5, 500.0),
    shape=st.floats(0.2, 5.0),
    low=st.integers(0, 50),
    length=st.integers(0, 400),
    price=st.floats(1e-4, 10.0),
)
def test_a_roof_lies_above_its_curve(
    name: str, value: float, scale: float, shape: float, low: int, length: int, price: float
) -> None:
    curves = curve_set(name, [value], [scale], [shape if name == "hill" else 0.5])
    found = spans(menu(limits(1, low + length, lo=[low], hi=[low + length]), curves), curves)
    own = curves.subset(found.line)
    laid = tangent_points(own, found, floats(np.full(len(found.line), price)))
    for whole in (False, True):
        roof = roofs(own, found, laid, whole=whole)
        for s in range(len(found.line)):
            there = roof.present[:, s]
            corners, heights = roof.spending[there, s], roof.height[there, s]
            assert (np.diff(corners) >= 0).all()
            at = np.linspace(found.left[s], found.right[s], 101)
            if whole:
                at = np.unique(np.round(at).clip(found.low[s], found.high[s]))
            above = np.interp(at, corners, heights) - curves.benefit(at[:, None])[:, 0]
            assert above.min() >= -1e-9 * value
            ends = curves.benefit(corners[[0, -1], None])[:, 0]
            if not (name == "power" and low == 0):
                np.testing.assert_allclose(heights[[0, -1]], ends, rtol=1e-9, atol=1e-12)


@given(cuts=st.lists(st.integers(0, 98), min_size=1, max_size=5, unique=True).map(sorted))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_parts_of_a_span_hold_all_it_held(cuts: list[int]) -> None:
    curves = curve_set("hill", [1.0, 2.0], [300.0, 5.0], [3.0, 0.5])
    found = spans(menu(limits(2, 99), curves), curves)
    parts = found.split({0: cuts})
    assert parts.where(parts.line == 1).low.tolist() == [0]
    mine = parts.where(parts.line == 0)
    whole = [x for low, high in zip(mine.low.tolist(), mine.high.tolist(), strict=True) for x in range(low, high + 1)]
    assert whole == list(range(100))
    assert mine.left[0] == 0
    assert mine.right[-1] == 99
    assert (mine.left[1:] <= mine.right[:-1]).all()


@pytest.mark.bench
def test_the_sixteen_largest_participatory_budgets_of_warsaw_are_proven() -> None:
    folder = os.environ.get("ALLOCSIM_DATA")
    path = Path(folder or ".") / "warsaw_pb_2017_2026.csv.gz"
    if folder is None or not path.exists():
        pytest.skip(f"{path.name} is not here; set ALLOCSIM_DATA to its folder")
    projects = pd.read_csv(path)
    largest = projects.groupby("file").size().sort_values(ascending=False, kind="stable").index[:16]
    for file in largest:
        chosen = projects[projects["file"] == file]
        cost = np.ceil(chosen["cost"].to_numpy()).astype(np.int64)
        votes = chosen["votes"].to_numpy(dtype=float)
        total = int(chosen["budget"].iloc[0])
        curves = curve_set("linear", votes, cost.astype(float))
        found = choose(curves, limits(len(cost), total, parts=[all_or_nothing(cost)]))
        assert found.certificate.closed, file
        assert found.certificate.bound < found.certificate.objective + 1, file  # votes are whole
        ours, city_chose = found.certificate.objective, float(votes[chosen["selected"] == 1].sum())
        print(f"{file}: {len(cost)} projects, {ours:.0f} votes, {ours / city_chose:.3f} of what the city chose")
