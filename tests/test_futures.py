"""Frontiers and planning in reverse: every point is the plan of that scenario, and the least total is the least."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from allocsim.errors import UsageError
from allocsim.files.scenario import load
from allocsim.model.arrays import FloatArray, floats
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.evidence import Evidence
from allocsim.model.frontier import Frontier
from allocsim.model.plan import RulesConflict
from allocsim.model.scenario import Scenario
from allocsim.optimise import sweep
from allocsim.optimise.allocate import Allocation, allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.limits import Rows
from allocsim.optimise.plan import plan
from allocsim.optimise.reverse import cheapest
from allocsim.optimise.sweep import at_total, only_total_varies
from allocsim.report.documents import dumps
from allocsim.report.figures.frontier import frontier as drawn
from allocsim.report.figures.style import svg
from allocsim.report.frontier import document, futures_csv, summary
from allocsim.study.futures import futures
from allocsim.study.year import evaluate, fit
from optimise_worlds import curve_set, curves, evidence, portfolio, scenario, table
from scenarios import CHONGQING

Known = tuple[Scenario, Evidence, Curves]
DEPARTMENTS = ("A", "B", "C")


def town(seed: int = 3, count: int = 12) -> Known:
    """A made-up town: floors and ceilings of departments, a floor and a ceiling of each line."""
    last, given = portfolio(np.random.default_rng(seed), count, ("saturating", "log", "power"))
    department = [DEPARTMENTS[p % 3] for p in range(count)]
    each = {"scope": "each", "of": "last_budget"}
    rules = [
        {"name": "least", "kind": "floor", "times": 0.5, **each},
        {"name": "most", "kind": "ceiling", "times": 1.6, **each},
        {"name": "A at least", "kind": "floor", "amount": 0.9 * sum(last[::3]), "where": {"department": "A"}},
        {"name": "B at most", "kind": "ceiling", "amount": 1.1 * sum(last[1::3]), "where": {"department": "B"}},
    ]
    columns = {"last_budget": last.tolist(), "department": department}
    world = scenario(columns, rules=rules, total=float(math.floor(last.sum())), reserve=7)
    return world, evidence([80.0] * count), curves(given)


def over_total(known: Known, low: float, high: float, number: int) -> Frontier:
    world, seen, fitted = known
    total = world.settings.budget.total
    over = f"budget.total={math.floor(low * total)}:{math.ceil(high * total)}:{number}"
    return futures(world, over, evidence=seen, curves=fitted)


@pytest.fixture(scope="module")
def chongqing() -> Known:
    world = load(CHONGQING)
    seen = evaluate(world)
    return world, seen, fit(world, seen)


def assert_plans(known: Known, found: Frontier) -> None:
    """Every point is what planning the replaced scenario gives, and conflicts are where that finds one."""
    world, seen, fitted = known
    for place, value in enumerate(found.values):
        there = world.replace(**{found.key: value})
        if found.status[place] == "conflict":
            with pytest.raises(RulesConflict) as caught:
                plan(there, seen, fitted)
            assert found.conflict[place] == tuple(rule.name for rule in caught.value.conflict.rules)
            assert np.isnan(found.amounts[place]).all()
            continue
        whole = plan(there, seen, fitted)
        assert (found.amounts[place] == whole.amount).all()
        assert found.benefit[place] == pytest.approx(math.fsum(whole.benefit), rel=1e-12)
        assert found.allocated[place] == whole.total - whole.reserve - whole.unallocated
        assert found.status[place] == whole.status
        better = whole.better_than_last_year
        assert better is not None
        assert found.gain[place] == pytest.approx(better.benefit, rel=1e-12, abs=1e-9)
        assert found.changed[place] == (whole.amount != np.nan_to_num(whole.last)).sum()


def assert_concave(found: Frontier) -> None:
    """The frontier rises, ever less, and the price of each point touches it from above."""
    holds = found.holds
    assert holds.sum() >= 3
    totals, benefit, price = _numbers(found)[holds], found.benefit[holds], found.price[holds]
    rise = np.diff(benefit) / np.diff(totals)
    slack = 1e-9 * np.abs(benefit).max()
    assert (np.diff(benefit) >= -slack).all()
    assert (np.diff(rise) <= slack / np.diff(totals).min()).all()
    touching = benefit[:, None] + price[:, None] * (totals[None] - totals[:, None])
    assert (benefit[None] <= touching + slack).all()
    assert (price >= 0).all()


def _numbers(found: Frontier) -> FloatArray:
    assert found.numbers is not None
    return found.numbers


@pytest.mark.parametrize("seed", range(4))
def test_every_point_is_the_plan_of_that_scenario(seed: int) -> None:
    known = town(seed)
    found = over_total(known, 0.5, 1.7, 13)
    assert {"conflict", "optimal"} == set(found.status)
    assert_plans(known, found)
    assert_concave(found)


def test_the_price_falls_to_nothing_where_rules_let_no_more_out() -> None:
    found = over_total(town(), 2.5, 3.0, 3)
    assert (found.price == 0).all()
    assert np.ptp(found.allocated) == 0


def test_chongqing(chongqing: Known) -> None:
    found = futures(chongqing[0], "budget.total=1500000:1750000:4", evidence=chongqing[1], curves=chongqing[2])
    assert found.status[0] == "conflict"
    assert "budget.total" in found.conflict[0]
    assert found.stated == chongqing[0].settings.budget.total
    assert_plans(chongqing, found)
    assert_concave(found)


def test_amounts_of_a_rule_are_varied_too() -> None:
    known = town()
    found = futures(known[0], {"rule.A at least.amount": [100, 2000.0]}, evidence=known[1], curves=known[2])
    assert found.stated == known[0].raw["rule"][2]["amount"]
    assert_plans(known, found)


def test_curves_are_fitted_anew_where_the_key_changes_them(chongqing: Known) -> None:
    found = futures(chongqing[0], "curves.family=log,power")
    for value, benefit in zip(found.values, found.benefit, strict=True):
        there = chongqing[0].replace(**{"curves.family": value})
        seen = evaluate(there)
        assert benefit == pytest.approx(math.fsum(plan(there, seen, fit(there, seen)).benefit), rel=1e-12)
    assert found.numbers is None
    assert found.benefit[0] != found.benefit[1]


def test_values_are_evenly_spaced_and_money_is_whole() -> None:
    world, seen, fitted = town()
    coarse = world.replace(money_step=0.25)
    found = futures(coarse, "budget.total=20000:20001:4", evidence=seen, curves=fitted)
    assert found.values == (20000.0, 20000.25, 20000.75, 20001.0)
    found = futures(world, "rule.least.times=0.1：0.5：3", evidence=seen, curves=fitted)
    assert found.values == (0.1, 0.3, 0.5)
    found = futures(world, "budget.total=20000:20002:9", evidence=seen, curves=fitted)
    assert found.values == (20000.0, 20001.0, 20002.0)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ("budget.total", "KEY=LOW:HIGH:N"),
        ("=1:2:3", "KEY=LOW:HIGH:N"),
        ("budget.total=", "KEY=LOW:HIGH:N"),
        ("budget.total=1:2", "LOW:HIGH:N"),
        ("budget.total=1:x:2", "LOW:HIGH:N"),
        ("budget.total=2:1:3", "LOW must be below HIGH"),
        ("budget.total=1:inf:3", "LOW must be below HIGH"),
        ("budget.total=1:2:1", "N is a whole number"),
        ("budget.total=1:2:2.5", "N is a whole number"),
        ("budget.total=1,,2", "missing between commas"),
        ("budget.totl=1:2:3", "did you mean 'budget.total'?"),
        ("bugdet.total=1:2:3", "did you mean 'budget.total'?"),
        ("rule.A at lest.amount=1,2", "did you mean 'A at least'?"),
        ("curves.family=log,pwer", "did you mean 'power'?"),
        ("budget.reserve_share=0.5:1.5:3", "budget.reserve_share"),
        ("budget.total=-5:5:3", "budget.total"),
        ("tables.projects=a,b", "tables are read"),
        ({}, "one key"),
        ({"a": [1], "b": [2]}, "one key"),
        ({"budget.total": []}, "at least one value"),
    ],
)
def test_what_cannot_be_varied_is_refused_before_anything_is_computed(over: object, said: str) -> None:
    with pytest.raises(UsageError, match="--over") as caught:
        futures(town()[0], over)  # type: ignore[arg-type]
    assert said in caught.value.message.en
    assert any("\u4e00" <= sign <= "\u9fff" for sign in caught.value.message.zh)


@pytest.mark.parametrize(("seed", "share"), [(0, 0.8), (1, 0.95), (2, 1.05), (3, 1.3)])
def test_the_target_is_reached_and_not_a_step_below(seed: int, share: float) -> None:
    world, seen, fitted = town(seed)
    richer = world.replace(**{"budget.total": share * world.settings.budget.total // 1})
    target = math.fsum(plan(richer, seen, fitted).benefit)
    made, total = cheapest(world, seen, fitted, target)
    assert made.total == total <= math.floor(share * world.settings.budget.total)
    assert math.fsum(made.benefit) >= target * (1 - 1e-15)
    below = plan(world.replace(**{"budget.total": total - 1}), seen, fitted)
    assert math.fsum(below.benefit) < target


def test_the_least_total_of_one_curve_is_its_inverse() -> None:
    world = scenario({"last_budget": [10.0]}, total=1, step=0.01)
    fitted = curves(curve_set("saturating", [100.0], [40.0]))
    made, total = cheapest(world, evidence([80.0]), fitted, 63.2)
    exact = next(t / 100 for t in range(1, 10**6) if fitted.expected.benefit(floats([t / 100]))[0] >= 63.2)
    assert total == made.total == exact


def test_a_target_out_of_reach_says_how_much_can_be_reached() -> None:
    world, seen, fitted = town()
    most = over_total((world, seen, fitted), 2.5, 3.0, 2).benefit.max()
    with pytest.raises(UsageError, match="out of reach") as caught:
        cheapest(world, seen, fitted, most * 1.001)
    assert f"{most:,.6f}".rstrip("0") in caught.value.message.en
    assert cheapest(world, seen, fitted, most * (1 - 1e-6))[1] < 2.5 * world.settings.budget.total


def test_a_target_below_the_least_total_says_so() -> None:
    world, seen, fitted = town()
    with pytest.raises(UsageError, match="least total that the rules allow") as caught:
        cheapest(world, seen, fitted, 1.0)
    step = "".join(sign for sign in caught.value.message.en.split("brings: ")[1].split(" ")[0] if sign.isdigit())
    least = world.replace(**{"budget.total": int(step)})
    plan(least, seen, fitted)
    with pytest.raises(RulesConflict):
        plan(least.replace(**{"budget.total": int(step) - 1}), seen, fitted)


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan, math.inf])
def test_a_target_is_a_number_above_zero(target: float) -> None:
    with pytest.raises(UsageError, match="above zero"):
        cheapest(*town(), target)


def test_rules_that_never_hold_are_told() -> None:
    rules = [
        {"name": "up", "kind": "floor", "scope": "each", "amount": 9},
        {"name": "down", "kind": "ceiling", "scope": "each", "amount": 8},
    ]
    world = scenario({"last_budget": [10.0]}, rules=rules, total=100)
    with pytest.raises(RulesConflict):
        cheapest(world, evidence([80.0]), curves(curve_set("saturating", [100.0], [40.0])), 5.0)


def test_chongqing_in_reverse(chongqing: Known) -> None:
    world, seen, fitted = chongqing
    made, total = cheapest(world, seen, fitted, 1_440_000.0)
    assert math.fsum(made.benefit) >= 1_440_000
    assert math.fsum(plan(world.replace(**{"budget.total": total - 10}), seen, fitted).benefit) < 1_440_000


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_told(language: str) -> None:
    world, seen, fitted = town()
    told = world.replace(language=language)
    found = over_total((told, seen, fitted), 0.5, 1.7, 5)
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(summary(told, found))
    text = console.export_text()
    assert text.count("certified" if language == "en" else "已校核") == found.holds.sum()
    assert all(name in text for name in found.conflict[0] if not name.startswith(("budget.", "projects.")))
    made = document(told, found)
    assert dumps(made) == dumps(document(told, found))
    assert made["schema"] == "allocsim.futures/1"
    assert made["points"][0]["benefit"] is None
    assert made["points"][-1]["amounts"]["P1"] == found.amounts[-1, 0]
    rows = list(csv.reader(io.StringIO(futures_csv(found).decode("utf-8"))))
    assert len(rows) == 1 + len(found.values)
    assert {len(row) for row in rows} == {13 + len(found.id)}
    assert float(rows[-1][3]) == found.benefit[-1]
    assert rows[1][3] == ""
    picture = svg(drawn(told, found))
    assert picture == svg(drawn(told, found))
    assert ("rules conflict" if language == "en" else "规则抵触") in picture


def test_a_sweep_is_used_only_where_the_total_alone_varies() -> None:
    world, seen, _ = town()
    at = [rows(world.replace(**{"budget.total": total}), seen) for total in (20_000, 30_000)]
    assert only_total_varies(*at)
    moved = at_total(at[0], 30_000)
    assert (moved.lo == at[1].lo).all()
    assert (moved.hi == at[1].hi).all()
    assert [limit.level for limit in moved.sums] == [limit.level for limit in at[1].sums]
    assert moved.available == at[1].available
    rule = {"name": "A's part", "kind": "share", "share": [0.2, 1.0], "where": {"department": "A"}}
    shared = world.replace(rule=[*world.raw["rule"], rule])
    at = [rows(shared.replace(**{"budget.total": total}), seen) for total in (20_000, 30_000)]
    assert not only_total_varies(*at)


def test_limits_that_read_the_total_are_compiled_at_each_point() -> None:
    world, seen, fitted = town()
    rule = {"name": "A's part", "kind": "share", "share": [0.35, 1.0], "where": {"department": "A"}}
    known = world.replace(rule=[*world.raw["rule"], rule]), seen, fitted
    assert_plans(known, over_total(known, 0.9, 1.3, 4))


@pytest.mark.parametrize("seed", range(3))
def test_a_sweep_finds_the_plans_of_sets_that_cross(seed: int) -> None:
    world, seen, fitted = town(seed, 24)
    last = world.projects.number("last_budget")
    spread = {f"R{d}": [p for p in range(24) if p % 4 == d] for d in range(4)}
    floors = [
        {
            "name": name,
            "kind": "floor",
            "amount": 0.95 * float(last[at].sum()),
            "where": {"id": [f"P{p + 1}" for p in at]},
        }
        for name, at in spread.items()
    ]
    known = world.replace(rule=[*world.raw["rule"], *floors]), seen, fitted
    found = over_total(known, 0.9, 1.4, 9)
    assert_plans(known, found)
    assert_concave(found)


def test_a_sweep_carries_on_without_beginning_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where prices alone do not do: the floor of a department binds."""
    world, seen, fitted = town()
    world = world.replace(**{"rule.A at least.amount": 1.05 * float(world.projects.number("last_budget")[::3].sum())})
    began: list[int] = []

    def counted(given: CurveSet, limits: Rows) -> Allocation:
        began.append(limits.total)
        return allocate(given, limits)

    monkeypatch.setattr(sweep, "allocate", counted)
    total = int(world.settings.budget.total)
    over = f"budget.total={total}:{total + 900}:10"
    found = futures(world, over, evidence=seen, curves=fitted)
    assert set(found.status) == {"optimal"}
    assert began == [total]


def districts(world: Scenario, count: int) -> Scenario:
    """The town in four districts of so many people."""
    names = [f"R{d}" for d in range(4)]
    of_line = np.array([names[p % 4] for p in range(count)], dtype=object)
    people = table("districts", {"id": names, "name": names, "population": [30.0, 12.5, 41.0, 22.0]})
    columns = {**world.projects.columns, "district": of_line}
    return replace(world, projects=replace(world.projects, columns=columns), districts=people)


def drawn_town(seed: int = 3, count: int = 16) -> Known:
    """The town in districts, its curves with draws of which the expected ones are the mean."""
    world, seen, fitted = town(seed, count)
    world = world.replace(**{"rule.least.times": 0.1, "rule.most.times": 4.0, "rule.A at least.amount": 100.0})
    expected, rng = fitted.expected, np.random.default_rng(seed)
    times = rng.lognormal(0.0, 0.7, (40, count))
    draws = CurveSet(
        family=expected.family,
        value=floats(expected.value * times / times.mean(axis=0)),
        scale=floats(np.repeat(expected.scale[None], 40, axis=0)),
        shape=floats(np.repeat(expected.shape[None], 40, axis=0)),
        points=expected.points,
    )
    return districts(world, count), seen, curves(expected, draws)


@pytest.mark.parametrize(
    ("over", "measure"), [("equity.gini=0.15:0.65:6", "gini"), ("equity.worst_off=0:350:6", "worst_off")]
)
def test_benefit_is_traded_for_equity(over: str, measure: str) -> None:
    world, seen, fitted = drawn_town()
    found = futures(world, over, evidence=seen, curves=fitted)
    assert_plans((world, seen, fitted), found)
    assert (found.measure, found.equity_by) == (measure, "district")
    holds, measured, levels = found.holds, found.measured, _numbers(found)
    assert measured is not None
    assert holds.sum() >= 3
    better = -1.0 if measure == "gini" else 1.0
    assert (better * measured[holds] >= better * levels[holds] - 1e-12).all()
    assert (better * np.diff(found.benefit[holds]) <= 1e-6 * np.nanmax(found.benefit)).all()
    assert len({*found.gini[holds].tolist()}) > 1
    for place in np.flatnonzero(holds).tolist():
        whole = plan(world.replace(**{found.key: found.values[place]}), seen, fitted)
        assert whole.equity is not None
        assert whole.equity.gini == found.gini[place]
        assert (whole.equity.worst_off, whole.equity.name) == (found.worst_off[place], found.worst_name[place])


def test_benefit_is_traded_against_risk() -> None:
    world, seen, fitted = drawn_town()
    found = futures(world, "objective.risk_aversion=0:1:5", evidence=seen, curves=fitted)
    assert found.measure == "cvar"
    small = 1e-6 * found.benefit.max()
    assert (np.diff(found.benefit) <= small).all()
    assert (np.diff(found.cvar) >= -small).all()
    assert found.cvar[-1] > found.cvar[0] + small
    brought = fitted.draws.benefit(found.amounts[0]).sum(axis=-1)
    assert found.cvar[0] == pytest.approx(np.sort(brought)[:4].mean(), rel=1e-12)
    last = world.projects.number("last_budget")
    before = fitted.draws.benefit(last * found.allocated[0] / last.sum()).sum(axis=-1)
    assert found.probability[0] == (brought > before).mean()


def test_risk_and_equity_go_together() -> None:
    world, seen, fitted = drawn_town()
    averse = world.replace(**{"objective.risk_aversion": 0.5})
    found = futures(averse, "equity.gini=0.2,0.35", evidence=seen, curves=fitted)
    assert "conflict" not in found.status
    assert found.gini[0] <= 0.2
    assert found.cvar[1] > futures(world, "equity.gini=0.2,0.35", evidence=seen, curves=fitted).cvar[1]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "over", ["equity.gini=0.2,0.3,0.4", "equity.worst_off=0,200,9000", "objective.risk_aversion=0,0.5,1"]
)
def test_what_is_told_of_a_trade(over: str, language: str) -> None:
    world, seen, fitted = drawn_town()
    told = world.replace(language=language)
    found = futures(told, over, evidence=seen, curves=fitted)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(summary(told, found))
    text = console.export_text()
    made = document(told, found)
    assert made["points"][-1]["value"] == found.values[-1]
    place = int(np.flatnonzero(found.holds)[-1])
    equity = made["points"][place]["equity"]
    assert equity == {
        "by": "district",
        "worst_off": found.worst_off[place],
        "name": found.worst_name[place],
        "gini": found.gini[place],
    }
    assert made["points"][place]["cvar"] == found.cvar[place]
    if found.key.startswith("equity"):
        assert found.worst_name[place] in text
        assert f"{found.gini[place]:.4f}" in text
    else:
        assert ("Beats last year" if language == "en" else "优于上年概率") in text
    picture = svg(drawn(told, found))
    assert picture == svg(drawn(told, found))
    words = {"gini": ("more even", "越均衡"), "worst_off": ("worst-off", "人均最低者"), "cvar": ("CVaR", "CVaR")}
    assert words[found.measure or ""][language == "zh"] in picture


def test_equity_wants_groups() -> None:
    world, seen, fitted = town()
    with pytest.raises(UsageError, match="--over equity") as caught:
        futures(world, "equity.gini=0.1,0.2", evidence=seen, curves=fitted)
    assert "no table has a column 'district'" in caught.value.message.en
    assert "--set equity.by=COLUMN" in caught.value.message.en
    world, seen, fitted = drawn_town()
    by = world.replace(**{"equity.by": "department"})
    assert futures(by, "equity.gini=0.2,0.4", evidence=seen, curves=fitted).equity_by == "department"
