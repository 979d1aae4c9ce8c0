from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.errors import AllocsimError
from allocsim.model.arrays import IntArray, floats, integers
from allocsim.model.curve import CurveSet
from allocsim.model.money import MoneyStep
from allocsim.optimise.allocate import Allocation, allocate
from allocsim.optimise.choice.menu import plain
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.dual import Cap, fill, split
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.concave.tree import could_be_better, search
from allocsim.optimise.effort import Effort, Method
from allocsim.optimise.grid import best, chord, down, in_steps, most, up
from allocsim.optimise.limits import Rows
from allocsim.optimise.program.solve import Solution, Solver
from allocsim.optimise.proof.certify import bounds, certify, slopes_asked, sound
from optimise_worlds import brute_force, curve_set, portfolio, scenario

FAMILIES = ("saturating", "log", "power", "hill")


def tiny(seed: int) -> tuple[CurveSet, Rows]:
    """Return a portfolio of four lines with rules of every shape, crossing sets included."""
    rng = np.random.default_rng(seed)
    family = [str(f) for f in rng.choice(FAMILIES, 4)]
    curves = curve_set(family, rng.uniform(5, 20, 4), rng.uniform(1, 8, 4), rng.uniform(0.3, 0.9, 4))
    rules: list[dict[str, object]] = [
        {"name": "by group", "kind": "ceiling", "amount": int(rng.integers(5, 9)), "by": "group"},
        {"name": "crossing", "kind": "floor", "amount": int(rng.integers(3, 7)), "where": {"id": ["P1", "P3"]}},
        {"name": "crossing too", "kind": "ceiling", "amount": int(rng.integers(4, 8)), "where": {"id": ["P2", "P3"]}},
        {"name": "third", "kind": "ceiling", "amount": int(rng.integers(4, 8)), "where": {"id": ["P1", "P2", "P4"]}},
        {"name": "fixed", "kind": "fix", "amount": int(rng.integers(2, 6)), "where": {"id": ["P2", "P4"]}},
    ]
    chosen = [rule for rule in rules if rng.random() < 0.6]
    columns = {
        "group": ["A", "A", "B", "B"],
        "min": rng.integers(0, 3, 4).astype(float).tolist(),
        "max": rng.integers(4, 8, 4).astype(float).tolist(),
        "last_budget": rng.integers(0, 7, 4).astype(float).tolist(),
    }
    return curves, rows(scenario(columns, rules=chosen, total=float(rng.integers(8, 18))), None)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6))
def test_a_plan_is_the_best_of_all_whole_amounts(seed: int) -> None:
    curves, limits = tiny(seed)
    best_benefit, plans = brute_force(curves, limits)
    if not plans:
        with pytest.raises(NoneFits):
            allocate(curves, limits)
        return
    found = allocate(curves, limits)
    assert found.certificate.benefit == pytest.approx(best_benefit, rel=1e-12)
    assert found.certificate.bound >= best_benefit
    assert found.certificate.bound - found.certificate.rounding_loss >= best_benefit * (1 - 1e-14)
    assert found.certificate.closed
    if found.method == "lp":
        assert found.certificate.gap <= 1e-9
        assert found.certificate.bound_by == "dual"
        nearest = min(np.abs(np.asarray(x) - limits.last).sum() for x in plans)
        assert np.abs(found.steps - limits.last).sum() == nearest


def test_crossing_sets_are_repaired_and_not_rounded() -> None:
    """Three pairs of three lines, each at most one step: half a step each is the linear program's best."""
    curves = curve_set("saturating", [5.0, 5.0, 5.0], [3.0, 3.0, 3.0])
    pairs = [
        {"name": "".join(pair), "kind": "ceiling", "amount": 1, "where": {"id": pair}}
        for pair in (["P1", "P2"], ["P2", "P3"], ["P1", "P3"])
    ]
    limits = rows(scenario({"last_budget": [1.0, 1.0, 1.0]}, rules=pairs, total=9), None)
    found = allocate(curves, limits)
    assert found.method == "milp"
    assert found.steps.sum() == 1
    assert (found.certificate.bound_by, found.certificate.closed) == ("solver", True)
    weak = certify(curves, limits, steps=found.steps, multipliers=found.multipliers)
    assert (weak.bound_by, weak.closed) == ("dual", False), "multipliers alone leave half a step open"
    assert found.certificate.bound == weak.bound


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_better_amounts_are_left_out_of_a_search(seed: int, other: int) -> None:
    """From any plan and any multipliers: all better plans lie in what is searched, and the best of them is found."""
    curves, limits = tiny(seed)
    best_benefit, plans = brute_force(curves, limits)
    if not plans:
        return
    rng = np.random.default_rng(other)
    steps = feasible(limits)[int(rng.integers(len(feasible(limits))))]
    reached = float(curves.benefit(steps.astype(float)).sum())
    z = floats(np.abs(rng.normal(0, 1, len(limits.sums))))
    _, coarse, error = bounds(
        curves, plain(limits.lo, limits.hi), limits.sums, sound(z, limits.sums), counting=floats([])
    )
    asked = slopes_asked(4, limits.sums, sound(z, limits.sums))
    low, high = could_be_better(curves, limits.lo, limits.hi, asked, coarse + 2 * error - reached)
    for plan in feasible(limits):
        if curves.benefit(plan.astype(float)).sum() > reached:
            assert (low <= plan).all()
            assert (plan <= high).all()
    searched = search(curves, limits.lo, limits.hi, limits.sums, steps=steps, multipliers=z)
    if searched is not None:
        assert searched.most >= best_benefit
        assert curves.benefit(searched.steps.astype(float)).sum() == pytest.approx(best_benefit, rel=1e-9)


def test_amounts_that_cannot_be_better_are_left_out() -> None:
    curves = curve_set("log", [9.0, 5.0], [30.0, 30.0])
    limits = rows(scenario({"max": [500.0, 500.0]}, total=300), None)
    found = allocate(curves, limits)
    asked = slopes_asked(2, limits.sums, found.multipliers)
    low, high = could_be_better(curves, limits.lo, limits.hi, asked, 1e-4)
    assert (low < found.steps).all()
    assert (high > found.steps).all()
    assert (high - low < 20).all()


def feasible(limits: Rows) -> list[IntArray]:
    """Return all whole amounts that keep every limit: those of which flat curves make equals."""
    return brute_force(curve_set("linear", [0.0] * len(limits.id), [1.0] * len(limits.id)), limits)[1]


def stop_at(monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    """Let the solver of the refinement stop in its ``run``-th run."""
    runs = iter(range(1, 100))
    solve = Solver.run

    def stopped(solver: Solver) -> Solution:
        solution = solve(solver)
        return replace(solution, status="limit", values=floats([])) if next(runs) >= run else solution

    monkeypatch.setattr("allocsim.optimise.concave.refine.Solver.run", stopped)


def propped() -> tuple[CurveSet, Rows]:
    """Return twelve lines of which four must have more than prices alone would give them."""
    last, curves = portfolio(np.random.default_rng(2), 12, FAMILIES)
    free = allocate(curves, rows(scenario({"last_budget": last}, total=float(last.sum())), None)).steps
    ids = ["P1", "P2", "P3", "P4"]
    floor = {"name": "floor", "kind": "floor", "amount": float(free[:4].sum() + 100), "where": {"id": ids}}
    return curves, rows(scenario({"last_budget": last}, rules=[floor], total=float(last.sum())), None)


def test_a_solver_that_stops_leaves_the_last_plan_that_keeps_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    curves, limits = propped()
    through = allocate(curves, limits)
    assert through.rounds > 2
    with monkeypatch.context() as patch:
        stop_at(patch, through.rounds)
        found = allocate(curves, limits)
    assert found.certificate.benefit <= through.certificate.benefit
    assert found.certificate.bound >= through.certificate.benefit
    assert found.certificate.gap > through.certificate.gap
    assert found.rounds == through.rounds


def test_a_solver_that_stops_at_once_leaves_what_prices_alone_give_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    last, curves = portfolio(np.random.default_rng(2), 12, FAMILIES)
    caps = [{"name": "caps", "kind": "ceiling", "of": "last_budget", "times": 0.95, "by": "department"}]
    columns = {"last_budget": last, "department": ["A", "B", "C"] * 4}
    limits = rows(scenario(columns, rules=caps, total=float(last.sum()) * 0.9), None)
    through = allocate(curves, limits)
    with monkeypatch.context() as patch:
        stop_at(patch, 1)
        found = allocate(curves, limits)
        with pytest.raises(AllocsimError, match="stopped before"):
            allocate(*propped())
    assert found.steps.tolist() == through.steps.tolist()
    assert found.certificate.closed, "nested ceilings need no solver, and the bound knows it"


def test_a_search_that_ends_without_a_plan_does_not_say_that_none_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    curves = curve_set("saturating", [5.0, 5.0, 5.0], [3.0, 3.0, 3.0])
    pairs = [
        {"name": "".join(pair), "kind": "ceiling", "amount": 1, "where": {"id": pair}}
        for pair in (["P1", "P2"], ["P2", "P3"], ["P1", "P3"])
    ]
    limits = rows(scenario({"last_budget": [1.0, 1.0, 1.0]}, rules=pairs, total=9), None)
    ended = Solution(status="limit", values=floats([]), objective=0, least=-np.inf, duals=floats([]), iterations=0)
    monkeypatch.setattr("allocsim.optimise.concave.whole.solve", lambda _, options=None: ended)
    with pytest.raises(AllocsimError, match="stopped before"):
        allocate(curves, limits)


@pytest.mark.parametrize("families", [("saturating",), FAMILIES], ids=["one", "mixed"])
@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
def test_the_program_and_the_dual_agree_on_departments(families: tuple[str, ...], wide: bool) -> None:
    rng = np.random.default_rng(len(families) + wide)
    last, curves = portfolio(rng, 60, families)
    department = [f"D{d}" for d in rng.integers(0, 5, 60)]
    rules = [{"name": "caps", "kind": "ceiling", "of": "last_budget", "times": 1.02, "by": "department"}]
    if not wide:
        rules.append({"name": "change", "kind": "change", "change": [-0.2, 0.25]})
    limits = rows(scenario({"last_budget": last, "department": department}, rules=rules, total=float(last.sum())), None)
    found = allocate(curves, limits)
    witness = split(curves, limits.lo, limits.hi, [Cap(members=s.members, level=s.level) for s in limits.sums])
    assert found.steps.tolist() == witness.steps.tolist()
    assert found.certificate.gap <= 1e-12


def shifted(values: object, power: int) -> list[float]:
    """Move the decimal point, as a reader of the figures would."""
    return [float(f"{v:.12g}e{power}") for v in np.atleast_1d(np.asarray(values, dtype=float))]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([6, -6]), st.sampled_from([1e6, 1e-6, 3.7]))
def test_units_of_money_and_of_benefit_change_nothing(seed: int, power: int, benefit: float) -> None:
    rng = np.random.default_rng(seed)
    last, curves = portfolio(rng, 25, FAMILIES)
    total, half = np.round(1.01 * last.sum()), np.round(last[:9].sum())
    nine = {"id": [f"P{i}" for i in range(1, 10)]}

    def solved(power: int, benefit: float) -> Allocation:
        rules = [
            {"name": "half", "kind": "floor", "amount": shifted(half, power)[0], "where": nine},
            {"name": "change", "kind": "change", "change": [-0.3, 0.35]},
        ]
        step, budget = shifted(2, power)[0], shifted(total, power)[0]
        world = scenario({"last_budget": shifted(last, power)}, rules=rules, step=step, total=budget)
        scaled = curve_set(curves.family, curves.value * benefit, shifted(curves.scale, power), curves.shape)
        return allocate(in_steps(scaled, world.step), rows(world, None))

    plain, again = solved(0, 1.0), solved(power, benefit)
    assert again.steps.tolist() == plain.steps.tolist()
    assert again.certificate.benefit == pytest.approx(plain.certificate.benefit * benefit, rel=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_neither_the_order_of_lines_nor_of_rules_matters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    last, curves = portfolio(rng, 20, FAMILIES)
    ids = [f"P{i + 1}" for i in range(20)]
    group = [str(g) for g in rng.choice(["A", "B", "C"], 20)]
    rules: list[dict[str, object]] = [
        {"name": "caps", "kind": "ceiling", "of": "last_budget", "times": 1.05, "by": "group"},
        {"name": "some", "kind": "floor", "amount": float(np.round(last[::3].sum())), "where": {"id": ids[::3]}},
        {"name": "change", "kind": "change", "change": [-0.3, 0.35]},
    ]
    total = float(last.sum())
    first = allocate(curves, rows(scenario({"last_budget": last, "group": group}, rules=rules, total=total), None))
    order = rng.permutation(20)
    shuffled = {"id": [ids[i] for i in order], "last_budget": last[order], "group": [group[i] for i in order]}
    moved = curve_set([curves.family[i] for i in order], curves.value[order], curves.scale[order], curves.shape[order])
    again = allocate(moved, rows(scenario(shuffled, rules=rules[::-1], total=total), None))
    assert again.steps.tolist() == first.steps[order].tolist()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_more_money_never_brings_less(seed: int) -> None:
    curves, limits = tiny(seed)
    try:
        less = allocate(curves, limits)
    except NoneFits:
        return
    wider = replace(
        limits, total=limits.total + 1, sums=(replace(limits.sums[0], level=limits.available + 1), *limits.sums[1:])
    )
    assert allocate(curves, wider).certificate.benefit >= less.certificate.benefit * (1 - 1e-12)


def test_ties_go_to_last_year_and_then_to_the_first_codes() -> None:
    curves = curve_set("linear", [1.0] * 4, [1.0] * 4)
    limits = rows(scenario({"last_budget": [5.0, 3.0, 7.0, np.nan]}, total=15), None)
    assert allocate(curves, limits).steps.tolist() == [5, 3, 7, 0]
    short = rows(scenario({"last_budget": [5.0, 3.0, 7.0, np.nan]}, total=11), None)
    assert allocate(curves, short).steps.tolist() == [5, 3, 3, 0]
    codes = rows(scenario({"id": ["B", "A", "D", "C"], "last_budget": [2.0, 2.0, 2.0, 2.0]}, total=7), None)
    assert allocate(curves, codes).steps.tolist() == [2, 2, 1, 2]
    off_step = rows(scenario({"last_budget": [2.4, 2.6, 0.0, 0.0], "max": [9.0, 9.0, 0.0, 0.0]}, total=5), None)
    assert allocate(curves, off_step).steps.tolist() == [2, 3, 0, 0]


def test_flat_tails_keep_last_year_and_leave_the_rest_unallocated() -> None:
    corners = ((0.0, 0.0), (4.0, 8.0), (10.0, 8.0))
    curves = curve_set("piecewise", [8.0, 8.0], [1.0, 1.0], points=[corners, corners])
    limits = rows(scenario({"last_budget": [6.0, 2.0]}, total=50), None)
    found = allocate(curves, limits)
    assert found.steps.tolist() == [6, 4]
    assert found.certificate.gap <= 1e-12
    assert found.multipliers.tolist() == [0.0]


def test_amounts_that_fit_nothing_are_told() -> None:
    for columns, budget in [({"min": [6.0, 5.0]}, 10), ({"min": [6.0, 0.0], "max": [5.0, 9.0]}, 10)]:
        with pytest.raises(NoneFits):
            allocate(curve_set("log", [1.0, 1.0], [1.0, 1.0]), rows(scenario(columns, total=budget), None))
    nobody = [{"name": "nobody", "kind": "floor", "amount": 5, "where": {"id": "none"}}]
    with pytest.raises(NoneFits):
        allocate(curve_set("log", [1.0], [1.0]), rows(scenario({"min": [0.0]}, rules=nobody, total=9), None))


def test_extreme_slopes_and_sizes_keep_the_certificate() -> None:
    """A power curve is infinitely steep at nothing; a saturating one at 300 scales is flat beyond what floats hold."""
    curves = curve_set(
        ["power", "saturating", "log", "hill"], [1e3, 1.0, 1e6, 10.0], [1.0, 1e3, 1e9, 1e4], [0.1, 0.5, 0.5, 0.4]
    )
    limits = rows(scenario({"last_budget": [1.0, 1.0, 1.0, 1.0]}, total=10**9), None)
    found = allocate(curves, limits)
    assert found.steps.sum() == 10**9
    assert found.certificate.gap <= 1e-9


def test_one_line_and_no_money() -> None:
    curves = curve_set("saturating", [5.0], [3.0])
    assert allocate(curves, rows(scenario({"min": [0.0]}, total=0), None)).steps.tolist() == [0]
    assert allocate(curves, rows(scenario({"min": [0.0]}, total=7), None)).steps.tolist() == [7]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([*FAMILIES, "linear"]),
    st.floats(0.01, 100),
    st.floats(0.5, 500),
    st.floats(0.1, 0.95),
    st.floats(1e-6, 60),
)
def test_the_best_whole_amount_at_a_price(family: str, value: float, scale: float, shape: float, price: float) -> None:
    curves = curve_set(family, [value], [scale], [shape])
    lo, hi = integers([2]), integers([90])
    amounts = np.arange(2, 91)
    worth = np.array([curves.benefit(np.array([float(x)]))[0] - price * x for x in amounts])
    first = best(curves, np.array([price]), lo, hi)[0]
    last = most(curves, np.array([price]), lo, hi)[0]
    assert worth[first - 2] == pytest.approx(worth.max(), abs=1e-9 * (1 + abs(worth).max()))
    assert first <= last
    assert up(curves, integers([first]))[0] <= price or first == 90
    assert down(curves, integers([first]))[0] > price or first == 2


def test_chords_are_mean_slopes() -> None:
    corners = ((0.0, 0.0), (4.0, 8.0), (10.0, 9.0))
    curves = curve_set([*FAMILIES, "linear", "piecewise"], [9.0] * 6, [7.0] * 6, points=[None] * 5 + [corners])
    x, width = integers([0, 1, 2, 3, 4, 3]), integers([5, 4, 3, 2, 0, 2])
    rise = curves.benefit((x + width).astype(float)) - curves.benefit(x.astype(float))
    assert chord(curves, x, width) == pytest.approx(np.divide(rise, width, out=np.zeros(6), where=width > 0), rel=1e-12)


def test_steps_count_corners_and_scales_exactly() -> None:
    curves = curve_set(["log", "piecewise"], [1.0, 1.0], [0.3, 1.0], points=[None, ((0.0, 0.0), (0.7, 2.0))])
    counted = in_steps(curves, MoneyStep(0.1))
    assert counted.scale[0] == 3.0
    assert counted.points[1] == ((0.0, 0.0), (7.0, 2.0))


def test_the_dual_refuses_what_it_cannot_do() -> None:
    curves = curve_set("log", [1.0] * 3, [1.0] * 3)
    lo, hi = integers([0, 0, 0]), integers([9, 9, 9])
    crossing = [Cap(members=integers([0, 1]), level=5), Cap(members=integers([1, 2]), level=5)]
    with pytest.raises(ValueError, match="cross"):
        split(curves, lo, hi, crossing)
    with pytest.raises(ValueError, match="lower bounds"):
        fill(curves, hi, hi, 5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_the_dual_is_the_best_of_all_whole_amounts_under_a_tree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = curve_set(
        [str(f) for f in rng.choice([*FAMILIES, "linear"], 4)], rng.integers(1, 9, 4) * 1.0, rng.integers(1, 9, 4) * 1.0
    )
    rules = [
        {"name": "pair", "kind": "ceiling", "amount": int(rng.integers(2, 9)), "where": {"id": ["P1", "P2"]}},
        {"name": "three", "kind": "ceiling", "amount": int(rng.integers(3, 12)), "where": {"id": ["P1", "P2", "P3"]}},
    ]
    limits = rows(scenario({"max": [6.0] * 4}, rules=rules, total=int(rng.integers(0, 20))), None)
    caps = [Cap(members=s.members, level=s.level) for s in limits.sums]
    found = split(curves, limits.lo, limits.hi, caps)
    best_benefit, _ = brute_force(curves, limits)
    assert curves.benefit(found.steps.astype(float)).sum() == pytest.approx(best_benefit, rel=1e-12)
    assert all(limit.slack(found.steps) >= 0 for limit in limits.sums)


@pytest.mark.parametrize("method", ["auto", "dual", "lp"])
def test_a_ceiling_on_all_lines_below_the_total_is_what_costs(method: Method) -> None:
    rules = [{"name": "all", "kind": "ceiling", "amount": 6}]
    limits = rows(scenario({"max": [9.0, 9.0, 9.0]}, rules=rules, total=10), None)
    curves = curve_set("saturating", [9.0, 5.0, 3.0], [4.0, 3.0, 2.0])
    found = allocate(curves, limits, Effort(method=method))
    assert found.certificate.closed
    assert found.multipliers[0] == 0
    assert found.multipliers[1] > 0
