"""Selections of lines, and the columns made from tables: last budget, reference, value, execution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from allocsim.errors import Problem
from allocsim.files.check import check
from allocsim.files.scenario import load
from allocsim.model.arrays import floats
from allocsim.model.heads import values_of
from allocsim.model.made import executed, last_budget, reference, value
from allocsim.model.rule import Comparison, Where
from allocsim.model.selection import MADE, selected
from allocsim.model.table import Table
from small import PROJECTS, RECORDS, TOML, scenario


@dataclass(frozen=True, kw_only=True)
class Lines:
    projects: Table
    districts: Table | None = None


def table(name: str, **columns: list[object]) -> Table:
    arrays = {
        key: floats(cells) if isinstance(cells[0], float) else np.array(cells, dtype=object)  # type: ignore[arg-type]
        for key, cells in columns.items()
    }
    count = len(next(iter(columns.values())))
    return Table(name=name, file=name, columns=arrays, lines=tuple(range(2, 2 + count)), letters={})


LINES = Lines(
    projects=table(
        "projects",
        id=["1", "2", "3", "4"],
        sector=["a", "b", "", "a"],
        budget=[1.0, 2.0, np.nan, 4.0],
        district=["x", "y", "", "nowhere"],
    ),
    districts=table("districts", id=["y", "x"], region=["north", "south"], area=[10.0, 20.0]),
)


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ({}, [1, 1, 1, 1]),
        ({"sector": "a"}, [1, 0, 0, 1]),
        ({"sector": ("a", "b")}, [1, 1, 0, 1]),
        ({"sector": ""}, [0, 0, 1, 0]),
        ({"sector": "a", "budget": Comparison(above=1)}, [0, 0, 0, 1]),
        ({"budget": Comparison(at_least=1, below=4)}, [1, 1, 0, 0]),
        ({"budget": Comparison(at_most=2)}, [1, 1, 0, 0]),
        ({"budget": 2}, [0, 1, 0, 0]),
        ({"budget": (1.0, 4)}, [1, 0, 0, 1]),
        ({"budget": "2"}, [0, 1, 0, 0]),
        ({"id": 2}, [0, 1, 0, 0]),
        ({"sector": Comparison(above=1)}, [0, 0, 0, 0]),
        ({"region": "south"}, [1, 0, 0, 0]),
        ({"area": Comparison(below=15)}, [0, 1, 0, 0]),
        ({"area": Comparison(above=0)}, [1, 1, 0, 0]),
        ({"grade": "poor"}, [0, 0, 1, 0]),
        ({"executed": Comparison(below=0.5)}, [1, 0, 0, 0]),
    ],
)
def test_selected(where: Where, chosen: list[int]) -> None:
    made = {
        "grade": np.array(["good", "", "poor", "good"], dtype=object),
        "executed": np.array([0.2, 0.5, np.nan, 0.9]),
    }
    np.testing.assert_array_equal(selected(LINES, where, made=made), np.array(chosen, dtype=bool))
    left_out = selected(LINES, {}, except_=where, made=made)
    np.testing.assert_array_equal(left_out, ~np.array(chosen, dtype=bool) if where else np.ones(4, dtype=bool))


def test_truth_values_and_unknown_columns() -> None:
    lines = Lines(projects=table("projects", id=["1", "2"], flag=["TRUE", "false"]))
    np.testing.assert_array_equal(selected(lines, {"flag": True}), [True, False])
    np.testing.assert_array_equal(selected(lines, {"flag": False}), [False, True])
    for name in ("nothing", *MADE):
        with pytest.raises(KeyError):
            selected(lines, {name: "x"})
    assert not selected(lines, {}).flags.writeable


def test_columns_made_from_the_tables(tmp_path: Path) -> None:
    projects = (
        PROJECTS.replace("200,260,10,", ",260,10,")
        + "004,new,x,卫生,,90,,\n005,none,x,卫生,0,,,\n006,old,x,卫生,0,,,70\n"
    )
    projects = projects.replace("max\n", "max,priority,value\n").replace("400,450,0,600", "400,450,0,600,2,")
    projects = projects.replace("300,330,,", "300,330,,,,77")
    records = RECORDS + "006,2023,50,40,70,self\n006,2024,60,,70,self\n006,2026,999,1,,\n"
    records = records.replace("spent,score,rater\n", "spent,score,rater,adjusted_budget\n").replace(
        "200,80,,", "200,80,,,160"
    )
    loaded = load(scenario(tmp_path, TOML, projects, records))
    np.testing.assert_array_equal(last_budget(loaded), [400, 300, 200, np.nan, 0, 0])
    np.testing.assert_array_equal(executed(loaded), [np.nan, np.nan, 0.5, np.nan, np.nan, 1 / 999])
    np.testing.assert_array_equal(reference(loaded), [400, 300, 200, np.nan, np.nan, (40 + 60 + 999) / 3])
    np.testing.assert_array_equal(value(loaded), [800, 77, 200, 90, 0, (40 + 60 + 999) / 3])
    assert not value(loaded).flags.writeable


def test_columns_made_without_records(tmp_path: Path) -> None:
    toml = TOML.replace('records = "records.csv"', 'curves = "c.csv"')
    folder = scenario(tmp_path, toml)
    (folder / "c.csv").write_text("project,family,value,scale\n001,log,1,1\n002,log,1,1\n003,log,1,1\n")
    loaded = load(folder)
    np.testing.assert_array_equal(last_budget(loaded), [400, 300, 200])
    assert np.isnan(executed(loaded)).all()
    np.testing.assert_array_equal(reference(loaded), [400, 300, 200])


def test_lines_of_each_value_leave_blanks_out() -> None:
    text, number = np.array(["b", "", "a", "b"], dtype=object), np.array([2.0, np.nan, 1.5, 2.0])
    for column, labels in ((text, ["b", "a"]), (number, ["2", "1.5"])):
        found = values_of(column, [0, 1, 2, 3])
        assert [(label, members.tolist()) for label, members in found] == [(labels[0], [0, 3]), (labels[1], [2])]
    assert values_of(text, [1]) == []


SEATS = "id,name,population,region\nD1,甲区,3000,east\nD2,乙区,,west\nD3,丙区,500,east\n"
PER_HEAD = '[[rule]]\nname = "人均"\nkind = "per_head_floor"\nbasis = "b"\namount = 0.01\n'


def told(
    folder: Path, stated: str, *, seats: str = SEATS, homes: tuple[str, str, str] = ("D1", "D3", "")
) -> list[Problem]:
    """Return the errors of the small scenario with districts, its lines at home in three of them."""
    toml = TOML.replace('records = "records.csv"', 'records = "records.csv"\ndistricts = "seats.csv"') + stated
    header, *lines = PROJECTS.splitlines()
    placed = [
        f"{header},district,staff,debt",
        *(f"{a},{b},{c}" for a, b, c in zip(lines, homes, ("5,1", "6,-2", ",0"), strict=True)),
    ]
    made = scenario(folder, toml, "\n".join(placed) + "\n")
    (made / "seats.csv").write_text(seats, encoding="utf-8")
    return [problem for problem in check(made) if problem.severity == "error"]


def test_a_floor_per_head_loads_where_every_bound_value_has_heads(tmp_path: Path) -> None:
    assert told(tmp_path / "a", PER_HEAD) == [], "nobody is bound in D2, whose heads are unknown"
    assert told(tmp_path / "b", PER_HEAD + 'by = "region"\nheads = "population"\n') == []
    assert told(tmp_path / "c", PER_HEAD + 'by = "department"\nheads = "staff"\nwhere = {id = ["001", "002"]}\n') == []
    poor = 'where = {grade = "poor"}\n'
    assert told(tmp_path / "d", PER_HEAD + poor, homes=("D1", "D2", "")) == [], "which lines, only the plan knows"


@pytest.mark.parametrize(
    ("stated", "homes", "key", "word", "hint"),
    [
        ("", ("D1", "D2", ""), "", "'population' of 'D2' is missing (seats.csv, line 3)", None),
        ('by = "region"\n', ("D1", "D2", ""), "", "'population' of 'west' is missing (seats.csv, line 3)", None),
        ('heads = "staff"\n', ("D1", "D1", ""), "", "lines of 'D1' differ in 'staff' (projects.csv, line 2, 3)", None),
        ('heads = "staff"\n', ("D1", "D2", "D3"), "", "'staff' of 'D3' is missing (projects.csv, line 4)", None),
        ('heads = "populaton"\n', ("D1", "D3", ""), ".heads", "no table has a column 'populaton'", "population"),
        ('heads = "region"\n', ("D1", "D3", ""), ".heads", "'region' holds text", None),
        ('heads = "score"\n', ("D1", "D3", ""), ".heads", "no table has a column 'score'", None),
        ('heads = "elders"\n', ("D1", "D3", ""), ".heads", "no table has a column 'elders'", "known: "),
        ("", ("", "", ""), ".by", "its lines have no 'district'", None),
        ('by = "distric"\n', ("D1", "D3", ""), ".by", "there is no column 'distric'", "district"),
    ],
)
def test_heads_that_nobody_knows_are_told_at_load(
    tmp_path: Path, stated: str, homes: tuple[str, str, str], key: str, word: str, hint: str | None
) -> None:
    problems = [problem for problem in told(tmp_path, PER_HEAD + stated, homes=homes) if "人均" in (problem.key or "")]
    assert [problem.key for problem in problems][:1] == [f"rule.人均{key}"]
    assert word in problems[0].message.en
    assert problems[0].message.zh != problems[0].message.en
    assert problems[0].file == "scenario.toml"
    assert hint is None or (problems[0].hint is not None and hint in problems[0].hint.en)


def test_a_floor_per_head_without_any_heads_says_where_they_go(tmp_path: Path) -> None:
    (problem,) = told(tmp_path, PER_HEAD, seats="id,name\nD1,甲区\nD3,丙区\n")
    assert (problem.key, problem.file) == ("rule.人均", "scenario.toml")
    assert problem.message.en == "'rule.人均' needs heads, and no table has a column 'population'"
    assert problem.hint is not None
    assert "add the column to the districts table" in problem.hint.en


@pytest.mark.parametrize(
    "wrong", ["amount = -1", 'amount = "x"', "", 'amount = 1\nof = "max"', 'amount = 1\nscope = "each"']
)
def test_a_floor_per_head_wants_an_amount_and_no_other_keys(tmp_path: Path, wrong: str) -> None:
    assert told(tmp_path, PER_HEAD.replace("amount = 0.01", wrong)) != []


def stated(kind: str, more: str = "", name: str = "甲") -> str:
    return f'[[rule]]\nname = "{name}"\nkind = "{kind}"\nbasis = "b"\n{more}\n'


POT = stated("by_factors", "factors = {staff = 0.4, population = 0.6}")
KEPT = 'where = {id = ["001", "002"]}\n'


def test_rules_of_choice_coefficients_and_pots_load(tmp_path: Path) -> None:
    for number, sound in enumerate(
        (
            stated("limit", 'column = "staff"\namount = 900\nby = "district"'),
            stated("limit", 'column = "population"\namount = 900\nhard = false\npenalty = 0.1'),
            stated("limit", 'column = "last_budget"\namount = 900'),
            stated("limit", 'column = "executed"\namount = 900'),
            stated("exclusive", 'by = "district"'),
            stated("requires", 'where = {id = "001"}\nthen = {region = "east"}'),
            stated("requires", 'where = {id = "001"}\nthen = {grade = "poor"}'),
            stated("minimum_viable", 'of = "last_budget"\ntimes = 0.5'),
            stated("all_or_nothing", 'where = {id = "001"}'),
            stated("all_or_nothing", 'where = {grade = "poor"}'),
            stated("few_moves", "max_moves = 2\nmin_change = {share = 0.1}"),
            stated("few_moves", "max_moves = 2\nmin_change = 50.0"),
            POT,
            POT + KEPT + stated("exclusive", 'where = {id = "003"}', name="乙"),
            POT + KEPT + stated("by_factors", 'factors = {last_budget = 1}\nwhere = {id = "003"}', name="乙"),
            POT + 'by = "district"\n' + stated("exclusive", 'where = {id = "003"}', name="乙"),
        )
    ):
        assert told(tmp_path / str(number), sound) == [], sound


@pytest.mark.parametrize(
    ("rules", "key", "word", "hint"),
    [
        (
            stated("limit", 'column = "staf"\namount = 1'),
            ".column",
            "there is no column 'staf'",
            "did you mean 'staff'?",
        ),
        (stated("limit", 'column = "常住人口"\namount = 1'), ".column", "there is no column", "write 'population'"),
        (stated("limit", 'column = "region"\namount = 1'), ".column", "'region' holds text", "numbers are in: "),
        (stated("limit", 'column = "grade"\namount = 1'), ".column", "'grade' holds text", None),
        (stated("limit", 'column = "staff"\namount = 1\nby = "no"'), ".by", "there is no column 'no'", "known: "),
        (stated("limit", 'column = "staff"\namount = 1\nwhere = {id = "003"}'), ".column", "limits nothing", "fill"),
        (
            stated("limit", 'column = "debt"\namount = 1'),
            ".column",
            "below zero for 'clinics' (projects.csv, line 3)",
            "exc",
        ),
        (stated("exclusive", 'by = "regoin"'), ".by", "there is no column 'regoin'", "did you mean 'region'?"),
        (stated("exclusive", 'where = {id = "009"}'), ".where.id", "no project has id = 009", "did you mean '003'?"),
        (stated("requires", 'then = {idd = "001"}'), ".then.idd", "there is no column 'idd'", "did you mean 'id'?"),
        (stated("requires", 'then = {id = "009"}'), ".then.id", "no project has id = 009", "did you mean '003'?"),
        (stated("requires", 'then = {id = "001", staff = 6}'), ".then", "'rule.甲.then' selects no project", "id: 1"),
        (stated("requires", ""), ".then", "is missing", None),
        (stated("minimum_viable", 'of = "requestd"'), ".of", "there is no column", "did you mean 'requested'?"),
        (stated("minimum_viable", 'of = "population"'), ".of", "there is no column", None),
        (stated("minimum_viable", 'of = "sector"'), ".of", "'sector' holds text", "numbers are in: "),
        (stated("all_or_nothing"), "", "'max' is missing for 'clinics', 'roads' (projects.csv, line 3, 4)", "fill in"),
        (stated("by_factors", "factors = {staf = 1}"), ".factors.staf", "there is no column", "did you mean 'staff'?"),
        (stated("by_factors", "factors = {region = 1}"), ".factors.region", "'region' holds text", "population"),
        (stated("by_factors", "factors = {debt = 1}"), ".factors.debt", "'debt' is below zero", "except"),
        (
            stated("by_factors", 'factors = {staff = 1}\nwhere = {id = "003"}'),
            ".factors.staff",
            "no line has any",
            "fill",
        ),
        (
            stated("by_factors", 'factors = {staff = 1}\nby = "sector"'),
            ".factors.staff",
            "in the pot of '交通'",
            "fill",
        ),
        (POT + stated("exclusive", KEPT, name="乙"), "", "'rule.乙' (exclusive) cannot be combined", "except"),
        (
            POT + stated("requires", 'where = {id = "001"}\nthen = {id = "003"}', name="乙"),
            "",
            "'schools', 'roads'",
            None,
        ),
        (POT + stated("few_moves", "max_moves = 1", name="乙"), "", "(few_moves) cannot be combined", "except"),
        (
            stated("by_factors", "factors = {staff = 1}", name="乙") + POT,
            "",
            "both split the money of 'schools'",
            "except",
        ),
        (stated("exclusive", 'yields_to = ["no jumps"]'), ".yields_to", "'甲' (exclusive) has no limits line", "take"),
        (
            stated("change", 'change = [0, 1]\nyields_to = ["乙"]') + stated("few_moves", "max_moves = 1", name="乙"),
            ".yields_to",
            "'乙' (few_moves) has no limits line by line",
            "take",
        ),
    ],
)
def test_rules_of_choice_coefficients_and_pots_are_refused_at_load(
    tmp_path: Path, rules: str, key: str, word: str, hint: str | None
) -> None:
    problems = [problem for problem in told(tmp_path, rules) if "rule.甲" in (problem.key or "")]
    assert problems, "nothing was told"
    assert problems[0].key == f"rule.甲{key}"
    assert word in problems[0].message.en
    assert problems[0].message.zh != problems[0].message.en
    assert problems[0].file == "scenario.toml"
    assert hint is None or (problems[0].hint is not None and hint in problems[0].hint.en)


def test_few_moves_want_last_budgets(tmp_path: Path) -> None:
    toml = TOML.replace('records = "records.csv"', 'curves = "c.csv"') + stated("few_moves", "max_moves = 1")
    folder = scenario(tmp_path, toml, "id,name,department,sector\n001,a,b,教育\n")
    (folder / "c.csv").write_text("project,family,value,scale\n001,log,1,1\n")
    problems = [problem for problem in check(folder) if problem.key == "rule.甲"]
    assert [problem.message.en for problem in problems] == ["'rule.甲' needs last budgets, and there are none"]


def test_all_of_less_than_a_step_is_nothing(tmp_path: Path) -> None:
    toml = TOML.replace("total = 1000", "total = 9000").replace("money_step = 10", "money_step = 1000")
    folder = scenario(tmp_path, toml + stated("all_or_nothing", 'where = {id = "001"}'))
    (problem,) = [problem for problem in check(folder) if problem.key == "rule.甲"]
    assert problem.message.en == "'rule.甲': 'max' is below one money_step 1000 for 'schools' (projects.csv, line 2)"
    assert problem.hint is not None
    assert problem.hint.en.startswith("raise 'max'")


def test_last_budgets_that_records_hold_count_as_coefficients_and_factors(tmp_path: Path) -> None:
    rules = stated("limit", 'column = "last_budget"\namount = 9e5\nwhere = {id = "003"}')
    rules += stated("by_factors", 'factors = {last_budget = 1}\nwhere = {id = "003"}', name="乙")
    folder = scenario(tmp_path, TOML + rules, PROJECTS.replace("200,260", ",260"))
    assert [problem for problem in check(folder) if problem.severity == "error"] == []
