from __future__ import annotations

import math
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import highspy
import numpy as np
import pulp
import pytest

from allocsim.errors import AllocsimError, UsageError
from allocsim.model.arrays import floats, integers
from allocsim.model.curve import CurveSet
from allocsim.model.result import Result
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.kinds import KINDS
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.export import check_suffix, export, exported, legend
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.plan import plan
from allocsim.optimise.program import solve as handover
from allocsim.optimise.program.mps import mps
from allocsim.optimise.program.problem import Pieces, Program, state, text
from allocsim.optimise.program.solve import Solver, arrays, from_rows, solve
from optimise_worlds import curve_set, curves, evidence, scenario, table

NAN = float("nan")
GOLDEN = Path(__file__).parent / "golden"
STATED = {
    "floor": {"amount": 11, "by": "department"},
    "ceiling": {"of": "last_budget", "times": 1.1, "by": "department"},
    "fix": {"amount": 12, "where": {"department": "A"}},
    "change": {"change": [-0.2, 0.25]},
    "share": {"share": [0.2, 0.4], "where": {"department": "B"}},
    "grade": {"cut": {"medium": 0.9, "poor": 0.5}},
    "per_head_floor": {"amount": 0.7},
    "limit": {"column": "staff", "amount": 20, "by": "department"},
    "exclusive": {"where": {"department": "A"}},
    "requires": {"where": {"id": "P1"}, "then": {"department": "B"}},
    "minimum_viable": {"of": "last_budget", "times": 1.2},
    "all_or_nothing": {"where": {"department": "A"}},
    "few_moves": {"max_moves": 2, "min_change": {"share": 0.2}},
    "by_factors": {"factors": {"staff": 0.4, "last_budget": 0.6}, "where": {"department": "A"}},
}
CHOICES = ("exclusive", "requires", "minimum_viable", "all_or_nothing", "few_moves", "by_factors")


def city(kind: str) -> tuple[Rows, CurveSet]:
    """Return three lines under one rule, and their curves."""
    columns = {
        "last_budget": [10.0, 8.0, 6.0],
        "max": [14.0, 12.0, 15.0] if kind in CHOICES else [NAN] * 3,
        "staff": [0.5, 1.25, 2.0],
        "department": ["A", "A", "B"],
        "district": ["E", "W", "E"],
    }
    world = scenario(columns, rules=[{"name": "规则", "kind": kind, **STATED[kind]}], total=26, reserve=1)
    seats = table("districts", {"id": ["E", "W"], "population": [18.0, 6.0]})
    limits = rows(replace(world, districts=seats), evidence([70, 50, 95]))
    return limits, curve_set("saturating", [30.0, 26.0, 28.0], [9.0, 11.0, 7.0])


def stated(kind: str) -> tuple[Program, tuple[str, ...]]:
    """State the golden program of a kind: limits of sums under two pieces a line, choices around their plan."""
    limits, curves_ = city(kind)
    if kind in CHOICES:
        found = exported(curves_, limits, allocate(curves_, limits).steps)
        return found.program, found.legend
    first = (limits.hi - limits.lo) // 2
    width = np.stack([first, limits.hi - limits.lo - first], axis=1)
    slope = np.array([[3.0, 2.0], [2.5, 1.5], [4.0, 0.5]])
    pieces = Pieces(start=limits.lo, width=integers(width), slope=floats(slope))
    told = tuple(line.encode("ascii", "backslashreplace").decode() for line in legend(limits, pieces))
    return state(pieces, limits.sums), told


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_rule_has_its_program_on_file(kind: str) -> None:
    """Run with ALLOCSIM_GOLDEN=write to make a file anew, then read what changed."""
    program, told = stated(kind)
    written = "".join(f"\\ {line}\n" for line in told) + text(program)
    path = GOLDEN / f"plan_{kind}.lp"
    if os.environ.get("ALLOCSIM_GOLDEN") == "write":
        path.write_text(written, encoding="ascii")
    assert path.read_text(encoding="ascii") == written


@pytest.mark.parametrize("kind", KINDS)
def test_the_plan_is_what_cbc_and_highs_find_in_the_file(kind: str, tmp_path: Path) -> None:
    """Both read the plan's own program, as LP and as MPS, and find nothing better than the plan nor less."""
    limits, curves_ = city(kind)
    steps = allocate(curves_, limits).steps
    found = exported(curves_, limits, steps)
    base = 0.0 if kind in CHOICES and kind != "by_factors" else None
    ours = math.fsum(curves_.benefit(steps.astype(float)))
    for suffix, writer in (("lp", text), ("mps", mps)):
        path = tmp_path / f"plan.{suffix}"
        path.write_text(writer(found.program), encoding="ascii")
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
        highs.run()
        best = highs.getInfo().objective_function_value
        assert cbc(path) == pytest.approx(best, rel=1e-6)
        if base is not None:
            assert -best == pytest.approx(ours, rel=1e-9)
        else:
            start = curves_.benefit(limits.lo.astype(float)).sum() if kind != "by_factors" else 0.0
            assert start - best == pytest.approx(ours, rel=1e-6 if kind != "by_factors" else 1e-2)


@pytest.mark.parametrize("choices", [False, True])
def test_soft_rules_are_read_by_cbc_and_highs(choices: bool, tmp_path: Path) -> None:
    rules = [
        {"name": "soft", "kind": "change", "change": [0.1, 0.2], "hard": False, "penalty": 0.4},
        {"name": "staff", "kind": "limit", "column": "staff", "amount": 17.3, "hard": False, "penalty": 0.3},
        *([{"name": "one", "kind": "exclusive", "where": {"id": ["P1", "P2"]}}] if choices else []),
    ]
    columns = {"last_budget": [10.0, 8.0, 6.0], "max": [14.0, 12.0, 15.0], "staff": [0.5, 1.25, 2.0]}
    limits = rows(scenario(columns, rules=rules, total=26), None)
    own = curve_set("saturating", [30.0, 26.0, 28.0], [9.0, 11.0, 7.0])
    found = allocate(own, limits)
    stated_ = exported(own, limits, found.steps).program
    start = 0.0 if choices else math.fsum(own.benefit(limits.lo.astype(float)))
    for suffix, writer in (("lp", text), ("mps", mps)):
        path = tmp_path / f"plan.{suffix}"
        path.write_text(writer(stated_), encoding="ascii")
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
        highs.run()
        assert start - highs.getInfo().objective_function_value == pytest.approx(found.certificate.objective, rel=1e-9)
        assert start - cbc(path) == pytest.approx(found.certificate.objective, rel=1e-6)


def cbc(path: Path) -> float:
    """Return the optimum that CBC finds in a file, read from what it writes."""
    solver = pulp.PULP_CBC_CMD().path
    answer = path.with_suffix(".sol")
    subprocess.run([solver, str(path), "solve", "solution", str(answer)], check=True, capture_output=True)
    return float(answer.read_text(encoding="ascii").split("objective value")[1].split()[0])


def test_no_program_on_file_is_of_no_kind() -> None:
    assert {path.stem.removeprefix("plan_") for path in GOLDEN.glob("plan_*.lp")} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_another_reader_finds_the_same_optimum(kind: str) -> None:
    program, _ = stated(kind)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(GOLDEN / f"plan_{kind}.lp")) == highspy.HighsStatus.kOk
    highs.run()
    ours = solve(program)
    assert ours.status == "optimal"
    assert ours.objective == pytest.approx(highs.getInfo().objective_function_value, rel=1e-11)


def test_arrays_hold_what_is_stated() -> None:
    pieces = Pieces(start=integers([2, 0]), width=integers([[1, 3], [4, 0]]), slope=floats([[3, 2], [5, 0]]))
    sums = [
        Sum(source=0, label="", sense="ceiling", members=integers([0, 1]), level=9),
        Sum(source=0, label="", sense="floor", members=integers([]), level=0),
        Sum(source=0, label="", sense="floor", members=integers([1]), level=3),
        Sum(source=0, label="", sense="fix", members=integers([0]), level=4),
    ]
    given = arrays(state(pieces, sums, whole=True))
    assert given.cost.tolist() == [-3, -2, -5, 0]
    assert given.upper.tolist() == [1, 3, 4, 0]
    assert given.row_lower.tolist() == [-np.inf, 3, 2]
    assert given.row_upper.tolist() == [7, np.inf, 2]
    assert given.index.tolist() == [0, 1, 2, 3, 2, 3, 0, 1]
    assert given.first.tolist() == [0, 4, 6, 8]
    assert given.whole.all()
    assert solve(given).values.tolist() == [1, 1, 4, 0]


def test_pulp_itself_agrees_on_the_optimum() -> None:
    """CBC, which comes with PuLP, is another solver altogether."""
    solver = pulp.PULP_CBC_CMD(msg=False)
    if not solver.available():
        pytest.skip("this PuLP comes without CBC")
    program, _ = stated("share")
    program.problem.solve(solver)
    assert pulp.value(program.problem.objective) == pytest.approx(solve(program).objective, rel=1e-9)


def test_duals_are_changes_of_the_objective() -> None:
    given = from_rows(np.array([-3.0, -2.0]), (np.zeros(2), np.array([4.0, 9.0])), [(np.ones(2), -np.inf, 6.0)])
    found = solve(given)
    assert (found.objective, found.duals.tolist()) == (-16.0, [-2.0])
    more = from_rows(np.array([-3.0, -2.0]), (np.zeros(2), np.array([4.0, 9.0])), [(np.ones(2), -np.inf, 7.0)])
    assert solve(more).objective == found.objective + found.duals[0]


def test_infeasible_and_unbounded_are_not_called_optimal() -> None:
    apart = from_rows(np.ones(1), (np.zeros(1), np.ones(1)), [(np.ones(1), 2.0, np.inf)])
    assert solve(apart).status == "infeasible"
    endless = from_rows(-np.ones(1), (np.zeros(1), np.full(1, np.inf)), [(np.ones(1), 0.0, np.inf)])
    assert solve(endless).status != "optimal"


def test_an_unknown_option_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(handover.OPTIONS, "no_such_option", 1)
    with pytest.raises(AllocsimError, match="no_such_option"):
        Solver(from_rows(np.ones(1), (np.zeros(1), np.ones(1)), [(np.ones(1), 0.0, 1.0)]))


def test_a_stopped_solve_is_a_limit_and_never_optimal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(handover.OPTIONS, "simplex_iteration_limit", 0)
    rng = np.random.default_rng(0)
    rows_ = [(rng.random(6), 1.0, np.inf) for _ in range(5)]
    assert solve(from_rows(rng.random(6), (np.zeros(6), np.full(6, 9.0)), rows_)).status == "limit"


def test_a_plan_is_the_optimum_of_its_exported_program(tmp_path: Path) -> None:
    columns = {"last_budget": [10.0, 8.0, 6.0], "name": ["甲", "乙", "丙"]}
    world = scenario(columns, rules=[{"name": "增减幅", "kind": "change", "change": [-0.4, 0.5]}], total=26)
    seen = evidence([70, 80, 90])
    fitted = curves(curve_set("saturating", [9.0, 8.0, 7.0], [6.0, 5.0, 4.0]))
    made = plan(world, seen, fitted)
    result = Result(scenario=world, evidence=seen, curves=fitted, plan=made)
    path = tmp_path / "plan.lp"
    path.write_text(export(result), encoding="ascii")
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    start = [6, 5, 4]
    names, values = highs.allVariableNames(), highs.getSolution().col_value
    amounts = [
        start[p] + sum(v for n, v in zip(names, values, strict=True) if n.startswith(f"d{p}_")) for p in range(3)
    ]
    assert amounts == pytest.approx(made.steps.tolist(), abs=1e-9)
    with pytest.raises(UsageError):
        check_suffix(".txt")
    with pytest.raises(UsageError):
        export(Result(scenario=world))
