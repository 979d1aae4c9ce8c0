"""Equity: what the worst-off get per head, and a cap on the Gini coefficient, against all whole amounts there are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.errors import InvalidInput
from allocsim.files.scenario import load
from allocsim.model.arrays import IntArray, integers
from allocsim.model.curve import CurveSet
from allocsim.model.groups import Groups, groups, lead
from allocsim.model.plan import RulesConflict
from allocsim.model.rule import Unsound
from allocsim.model.scenario import Scenario
from allocsim.model.settings import EquitySettings
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import ANY
from allocsim.optimise.even.paired import paired
from allocsim.optimise.even.ranked import by_rankings
from allocsim.optimise.even.rankings import capped, cut, mixture
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.plan import plan
from allocsim.optimise.proof.certify import Broken, primal
from optimise_worlds import curve_set, curves, evidence, portfolio, scenario, table
from small import TOML
from small import scenario as small

PEOPLE = (4.0, 2.5, 7.0, 3.0, 5.5)


def world(
    district: Sequence[str],
    equity: Mapping[str, Any],
    *,
    total: float,
    rules: Sequence[Mapping[str, Any]] = (),
    step: float = 1,
    **columns: Sequence[Any],
) -> Scenario:
    """Lines in districts R1, R2, ... of so many people each."""
    made = scenario({"district": list(district), **columns}, rules=rules, total=total, step=step)
    names = [f"R{d + 1}" for d in range(len(PEOPLE))]
    people = table("districts", {"id": names, "name": names, "population": list(PEOPLE)})
    return replace(made, districts=people).replace(**{f"equity.{key}": value for key, value in equity.items()})


def town(seed: int, count: int, districts: int, equity: Mapping[str, Any]) -> tuple[Scenario, CurveSet]:
    """A made-up town whose lines get between 0.3 and 3 times their last budget."""
    rng = np.random.default_rng(seed)
    last, given_ = portfolio(rng, count, ("saturating", "log", "power"))
    each = {"scope": "each", "of": "last_budget"}
    rules = [
        {"name": "least", "kind": "floor", "times": 0.3, **each},
        {"name": "most", "kind": "ceiling", "times": 3.0, **each},
    ]
    where = [f"R{d + 1}" for d in rng.integers(0, districts, count)]
    made = world(where, equity, total=float(math.floor(last.sum())), rules=rules, last_budget=last.tolist())
    return made, given_


def best_of_all(given_: CurveSet, limits: Rows) -> float:
    """Return the most that whole amounts under the limits bring, each of them tried."""
    ranges = [range(int(lo), min(int(hi), limits.available) + 1) for lo, hi in zip(limits.lo, limits.hi, strict=True)]
    most = -math.inf
    for amounts in itertools.product(*ranges):
        x = integers(amounts)
        kept = all(limit.slack(x) >= 0 for limit in limits.sums) and all(each.holds(x).all() for each in limits.parts)
        if kept and capped(limits).holds(x):
            most = max(most, math.fsum(given_.benefit(x.astype(float))))
    return most


def by_pairs(of: Groups, steps: IntArray) -> Fraction:
    """Return the Gini coefficient as it is defined, pair by pair."""
    height, heads = of.per_head(steps), of.heads
    people, money = sum(heads, Fraction(0)), sum(of.money(steps))
    apart = sum(
        (v * w * abs(y - z) for y, v in zip(height, heads, strict=True) for z, w in zip(height, heads, strict=True)),
        Fraction(0),
    )
    return apart / (2 * Fraction(money) / people * people**2) if money else Fraction(0)


def test_the_gini_coefficient_of_known_figures() -> None:
    one = Groups(by="d", label=("a", "b"), heads=(Fraction(1), Fraction(1)), of=integers([0, 1, -1]))
    assert one.gini(integers([5, 5, 99])) == 0
    assert one.gini(integers([0, 7, 99])) == Fraction(1, 2)
    assert one.gini(integers([0, 0, 99])) == 0
    people = Groups(by="d", label=("a", "b"), heads=(Fraction(1), Fraction(3)), of=integers([0, 1]))
    assert people.gini(integers([1, 3])) == 0
    assert people.gini(integers([0, 4])) == Fraction(1, 4)
    assert people.per_head(integers([1, 6])) == [1, 2]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=1, max_size=6),
    st.lists(st.integers(0, 40), min_size=6, max_size=6),
)
def test_ranked_as_defined_and_every_cut_holds_where_the_cap_does(
    lines: list[tuple[int, int]], other: list[int]
) -> None:
    of = Groups(
        by="d",
        label=tuple(f"{d}" for d in range(len(lines))),
        heads=tuple(Fraction(heads, 2) for _, heads in lines),
        of=integers(range(len(lines))),
    )
    x, y = integers([money for money, _ in lines]), integers(other[: len(lines)])
    assert of.gini(x) == by_pairs(of, x)
    made = rows(world([f"R{d % 5 + 1}" for d in range(len(lines))], {"gini": 0.2, "heads": "none"}, total=100), None)
    cap = replace(capped(made), groups=of, cap=of.gini(y))
    assert cut(cap, x).slack(y) >= 0
    assert mixture(cap, lead(of.per_head(x), of.heads), largest=64).slack(y) >= 0
    assert (cut(cap, x).slack(x) >= 0) == cap.holds(x)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_of_all_whole_amounts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 6))
    given_ = curve_set("saturating", rng.uniform(5, 30, count).round(2), rng.uniform(2, 12, count).round(2))
    where = [f"R{d + 1}" for d in [0, 1, *rng.integers(0, 3, count - 2)]]
    rules = [{"name": "most", "kind": "ceiling", "scope": "each", "amount": 6}]
    free = allocate(given_, rows(world(where, {}, total=12, rules=rules), None)).steps
    for share in (0.0, 0.3, 0.7, 1.0):
        cap = float(groups(EquitySettings(), world(where, {}, total=12)).gini(free)) * share
        limits = rows(world(where, {"gini": round(cap, 3)}, total=12, rules=rules), None)
        found = allocate(given_, limits)
        primal(limits, found.steps)
        assert found.certificate.benefit == pytest.approx(best_of_all(given_, limits), rel=1e-9)
        assert found.certificate.closed
        assert capped(limits).groups.gini(found.steps) <= capped(limits).cap


@pytest.mark.parametrize("seed", range(4))
def test_cuts_one_after_another_find_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given_ = curve_set("log", rng.uniform(5, 30, 4).round(2), rng.uniform(2, 12, 4).round(2))
    limits = rows(world(["R1", "R2", "R3", "R1"], {"gini": 0.12}, total=14), None)
    found = by_rankings(given_, limits, [], ANY, allocate)
    assert found.certificate.closed
    assert found.certificate.benefit == pytest.approx(best_of_all(given_, limits), rel=1e-9)
    assert found.certificate.benefit == pytest.approx(allocate(given_, limits).certificate.benefit, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_cap_where_lines_have_nothing_or_enough(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given_ = curve_set("saturating", rng.uniform(5, 30, 4).round(2), rng.uniform(2, 12, 4).round(2))
    rules = [{"name": "start", "kind": "minimum_viable", "amount": 3}]
    limits = rows(world(["R1", "R2", "R3", "R3"], {"gini": 0.15}, total=13, rules=rules), None)
    found = allocate(given_, limits)
    primal(limits, found.steps)
    assert found.certificate.benefit == pytest.approx(best_of_all(given_, limits), rel=1e-6)


def test_a_cap_where_lines_share_a_pot() -> None:
    given_ = curve_set("saturating", [20.0, 9.0, 14.0, 6.0], [6.0, 5.0, 9.0, 4.0])
    rules = [{"name": "pot", "kind": "by_factors", "factors": {"need": 1.0}, "where": {"id": ["P1", "P2"]}}]
    made = world(["R1", "R2", "R3", "R3"], {"gini": 0.1}, total=200, rules=rules, need=[3.0, 2.0, 1.0, 1.0])
    limits = rows(made, None)
    found = allocate(given_, limits)
    primal(limits, found.steps)
    grid = [
        (size, third, fourth)
        for size in range(0, 201, 5)
        for third in range(0, 201 - size, 3)
        for fourth in range(0, 201 - size - third, 3)
    ]
    most = -math.inf
    for size, third, fourth in grid:
        x = integers([3 * size // 5, 2 * size // 5, third, fourth])
        if capped(limits).holds(x):
            most = max(most, math.fsum(given_.benefit(x.astype(float))))
    assert most <= found.certificate.benefit * (1 + 1e-9) <= found.certificate.bound * (1 + 2e-9)


@pytest.mark.parametrize(("seed", "districts"), [(0, 3), (1, 5), (2, 5)])
def test_a_town_under_ever_tighter_caps(seed: int, districts: int) -> None:
    made, given_ = town(seed, 40, districts, {})
    free = allocate(given_, rows(made, None))
    gini = groups(EquitySettings(), made).gini(free.steps)
    before = free.certificate.benefit
    for share in (1.0, 0.9, 0.75, 0.6):
        limits = rows(made.replace(**{"equity.gini": round(float(gini) * share, 4) + 1e-4 * (share == 1)}), None)
        found = allocate(given_, limits)
        primal(limits, found.steps)
        assert found.certificate.closed
        assert found.certificate.benefit <= before * (1 + 1e-9)
        assert len(found.multipliers) == len(found.held.sums)
        before = found.certificate.benefit


def test_the_program_of_pairs_is_not_below_any_plan() -> None:
    made, given_ = town(4, 30, 5, {"gini": 0.15})
    limits = rows(made, None)
    solved = paired(given_, limits, ANY)
    found = allocate(given_, limits)
    assert math.fsum(given_.benefit(solved.spending)) >= found.certificate.benefit * (1 - 1e-12)
    assert solved.cut.slack(found.steps) >= 0


def test_order_of_lines_and_unit_of_money_decide_nothing() -> None:
    made, given_ = town(5, 24, 4, {"gini": 0.2})
    limits = rows(made, None)
    found = allocate(given_, limits)
    finer = rows(made.replace(**{"money_step": 0.5, "budget.total": made.settings.budget.total / 2}), None)
    turned = np.arange(24)[::-1]
    columns = {name: values[turned] for name, values in made.projects.columns.items()}
    back = replace(made, projects=replace(made.projects, columns=columns))
    again = allocate(given_.subset(integers(turned)), rows(back, None))
    assert (again.steps[turned] == found.steps).all()
    assert finer.equality is not None


def test_money_may_be_as_fine_as_it_likes() -> None:
    made, given_ = town(8, 30, 4, {"gini": 0.2})
    coarse = allocate(given_, rows(made, None)).certificate
    limits = rows(made.replace(money_step=1e-8), None)
    assert limits.total > 1e12
    found = allocate(in_steps(given_, limits.step), limits)
    primal(limits, found.steps)
    assert found.certificate.gap < 1e-9
    assert found.certificate.benefit == pytest.approx(coarse.benefit, rel=1e-4)
    assert found.certificate.benefit > coarse.benefit


def test_the_worst_off_get_what_is_stated() -> None:
    made, given_ = town(6, 30, 5, {"worst_off": 150})
    limits = rows(made, None)
    found = allocate(given_, limits)
    among = groups(EquitySettings(), made)
    assert all(each >= 150 for each in among.per_head(found.steps))
    assert [limit.level for limit in limits.sums[1:]] == [math.ceil(150 * heads) for heads in among.heads]
    assert {limits.name(limit.source) for limit in limits.sums[1:]} == {"equity.worst_off"}


def test_the_plan_tells_both() -> None:
    made, given_ = town(7, 30, 5, {})
    seen, fitted = evidence([80.0] * 30), curves(given_)
    free = plan(made, seen, fitted)
    assert free.equity is not None
    assert (free.equity.by, free.equity.gini > 0.1) == ("district", True)
    level = round(free.equity.gini * 0.7, 4)
    under = plan(made.replace(**{"equity.gini": level}), seen, fitted)
    assert under.equity is not None
    assert under.equity.gini <= level
    assert under.equity.worst_off > free.equity.worst_off
    report = next(rule for rule in under.rules if rule.name == "equity.gini")
    assert (report.kind, report.counted_in, report.level, report.activity) == (
        "gini",
        "column",
        level,
        under.equity.gini,
    )
    assert report.binding
    assert report.price_up is not None
    d = 1e-3
    dearer = plan(made.replace(**{"equity.gini": level + d}), seen, fitted)
    cheaper = plan(made.replace(**{"equity.gini": level - d}), seen, fitted)
    now = math.fsum(under.benefit)
    assert (math.fsum(dearer.benefit) - now) / d <= report.price_up * (1 + 1e-2)
    assert report.price_up <= (now - math.fsum(cheaper.benefit)) / d * (1 + 1e-2)
    assert "equity.gini" in under.held_by
    assert plan(made.replace(**{"equity.by": "village"}), seen, fitted).equity is None


def test_a_cap_that_floors_forbid_is_a_conflict() -> None:
    rules = [{"name": "school", "kind": "floor", "amount": 60, "where": {"id": "P1"}}]
    made = world(["R1", "R2"], {"gini": 0.05}, total=65, rules=rules)
    given_ = curve_set("saturating", [10.0, 10.0], [5.0, 5.0])
    with pytest.raises(NoneFits):
        allocate(given_, rows(made, None))
    with pytest.raises(RulesConflict) as caught:
        plan(made, evidence([80.0, 80.0]), curves(given_))
    assert {"school", "equity.gini", "budget.total"} == {rule.name for rule in caught.value.conflict.rules}
    poor = made.replace(**{"equity.gini": None, "equity.worst_off": 3.0})
    with pytest.raises(RulesConflict) as caught:
        plan(poor, evidence([80.0, 80.0]), curves(given_))
    assert {"school", "equity.worst_off", "budget.total"} == {rule.name for rule in caught.value.conflict.rules}


def test_a_plan_above_the_cap_is_refused() -> None:
    limits = rows(world(["R1", "R2"], {"gini": 0.1}, total=20), None)
    with pytest.raises(Broken, match=r"equity\.gini"):
        primal(limits, integers([20, 0]))


@pytest.mark.parametrize(
    ("equity", "said"),
    [
        ({"gini": 0.1, "by": "village"}, "no table has a column 'village'"),
        ({"worst_off": 1, "heads": "souls"}, "no table counts heads in a number column 'souls'"),
        ({"gini": 0.1, "by": "owner"}, "no line has a value of 'owner'"),
        ({"gini": 0.1, "heads": "name"}, "no table counts heads in a number column 'name'"),
    ],
)
def test_groups_that_nobody_knows_are_told(equity: Mapping[str, Any], said: str) -> None:
    made = world(["R1", "R2"], equity, total=20, owner=["", ""])
    with pytest.raises(InvalidInput) as caught:
        rows(made, None)
    assert said in caught.value.problems[0].message.en


def test_heads_are_those_of_the_values() -> None:
    made = world(["R1", "R3", "", "R3"], {}, total=20, stratum=["a", "a", "b", "b"])
    assert groups(EquitySettings(), made).label == ("R1", "R3")
    assert groups(EquitySettings(), made).heads == (4, 7)
    assert groups(EquitySettings(), made).of.tolist() == [0, 1, -1, 1]
    assert groups(EquitySettings(heads="none"), made).heads == (1, 1)
    assert groups(EquitySettings(by="stratum"), made).heads == (11, 7)
    bare = replace(made, districts=None)
    assert groups(EquitySettings(), bare).heads == (1, 1)
    with pytest.raises(Unsound):
        groups(EquitySettings(heads="population"), bare)


PEOPLE_CSV = "id,name,population\nN,North,12\nS,South,30\n"
PLACED_CSV = """\
id,name,department,sector,last_budget,requested,min,max,district
001,schools,education,教育,400,450,0,600,N
002,clinics,health,卫生,300,330,,,S
003,roads,transport,交通,200,260,10,,S
"""


def stated(folder: Path, equity: str, *, projects: str = PLACED_CSV, people: str = PEOPLE_CSV) -> Path:
    """Write the small scenario with districts and what is stated of equity."""
    toml = TOML.replace('records = "records.csv"', 'records = "records.csv"\ndistricts = "districts.csv"')
    made = small(folder, toml=f"{toml}\n[equity]\n{equity}\n", projects=projects)
    (made / "districts.csv").write_text(people, encoding="utf-8")
    return made


def test_what_is_stated_is_read(tmp_path: Path) -> None:
    world_ = load(stated(tmp_path, "gini = 0.2\nworst_off = 4.5"))
    assert world_.settings.equity == EquitySettings(gini=0.2, worst_off=4.5)
    assert groups(world_.settings.equity, world_).heads == (12, 30)
    assert not EquitySettings().has_limits


@pytest.mark.parametrize(
    ("equity", "key", "said"),
    [
        ("gini = 1.5", "equity.gini", "1"),
        ("worst_off = -1", "equity.worst_off", "0"),
        ('gini = 0.2\nby = "distrct"', "equity.by", "there is no column 'distrct'"),
        ('gini = 0.2\nheads = "populatoin"', "equity.heads", "'populatoin'"),
        ('worst_off = 1\nheads = "sector"', "equity.heads", "'sector'"),
        ("jini = 0.2", "equity.jini", "jini"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_line(tmp_path: Path, equity: str, key: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(stated(tmp_path, equity))
    problem = next(each for each in caught.value.problems if each.key == key)
    assert said in problem.message.en
    assert (problem.file, problem.line is not None) == ("scenario.toml", True)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in problem.message.zh)


def test_heads_that_are_missing_or_nobody_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r".") as caught:
        load(stated(tmp_path / "a", "gini = 0.2", people="id,name,population\nN,North,12\nS,South,\n"))
    assert "'population' of 'S' is missing" in caught.value.problems[0].message.en
    with pytest.raises(InvalidInput) as caught:
        load(stated(tmp_path / "b", "gini = 0.2", people="id,name,population\nN,North,0\nS,South,5\n"))
    assert "zero" in caught.value.problems[0].message.en
    load(stated(tmp_path / "c", 'by = "department"\ngini = 0.2\nheads = "none"'))
    with pytest.raises(InvalidInput) as caught:
        load(small(tmp_path / "d", toml=f"{TOML}\n[equity]\ngini = 0.2\n"))
    assert "there is no column 'district'" in caught.value.problems[0].message.en
