"""Run folders, single files, the manifest, the shipped schema and new scenarios."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest

from allocsim.errors import Problem, UsageError
from allocsim.files import schema
from allocsim.files.check import check
from allocsim.files.columns import COLUMNS
from allocsim.files.runs import check_out, manifest, write_file, write_run
from allocsim.files.scenario import load
from allocsim.files.templates import new, templates
from scenarios import CHONGQING
from small import scenario


def test_a_run_folder(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    files = {"a.txt": "甲", "b.bin": b"\0\1", "figures/c.svg": "<svg/>"}
    first = write_run(None, root, "chong/qing", files)
    assert first.parent == root / "chong_qing"
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", first.name)
    assert (first / "a.txt").read_text(encoding="utf-8") == "甲"
    assert (first / "b.bin").read_bytes() == b"\0\1"
    assert (first / "figures" / "c.svg").is_file()
    others = [write_run(None, root, "chong/qing", files) for _ in range(3)]
    assert len({first, *others}) == 4
    assert len({folder.name[-8:] for folder in (first, *others) if "-" in folder.name[-9:-8]}) <= 1
    assert [entry.name for entry in first.parent.iterdir() if entry.name.startswith(".")] == []


def test_a_run_folder_by_name(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    check_out(out)
    assert not out.exists()
    assert write_run(out, tmp_path, "x", {"a": "1"}) == out
    empty = tmp_path / "empty"
    empty.mkdir()
    check_out(empty)
    assert write_run(empty, tmp_path, "x", {"a": "1"}) == empty
    assert (empty / "a").read_text() == "1"


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "", "a//b", "a\\b"])
def test_names_that_lead_out_of_a_run_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name inside"):
        write_run(None, tmp_path, "x", {name: "1"})
    assert list(tmp_path.iterdir()) == []


def test_one_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a.lp"
    write_file(file, "1")
    write_file(file, b"2")
    assert file.read_text() == "2"
    assert [entry.name for entry in file.parent.iterdir()] == ["a.lp"]
    assert file.stat().st_mode & 0o777 == 0o666 & ~_umask(tmp_path)


def _umask(folder: Path) -> int:
    plain = folder / "plain"
    plain.write_text("")
    return 0o666 & ~(plain.stat().st_mode & 0o777)


def test_the_manifest(tmp_path: Path) -> None:
    loaded = load(scenario(tmp_path))
    made = manifest(loaded, ["run", "x", "--jobs", "2"], 7)
    assert made == json.loads(json.dumps(made))
    assert made["seed"] == 7
    assert made["arguments"] == ["run", "x", "--jobs", "2"]
    assert set(made["inputs"]) == {"scenario.toml", "projects.csv", "records.csv"}
    assert {"allocsim", "numpy", "highspy", "pulp", "simpy"} <= set(made["versions"])
    assert made == manifest(load(tmp_path), ["run", "x", "--jobs", "2"], 7)
    assert manifest(loaded, [])["seed"] == 1


def test_the_shipped_schema_is_the_one_of_the_settings() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run python -m allocsim.files.schema"


def test_the_schema_says_what_the_settings_say() -> None:
    made = schema.schema()
    assert made["additionalProperties"] is False
    assert {"title", "rule", "budget", "extends", "variant"} <= set(made["properties"])
    assert made["else"]["required"] == ["title", "year", "tables", "budget"]
    assert "except" in made["$defs"]["Floor"]["properties"]
    assert "预备费" in json.dumps(made, ensure_ascii=False)


def test_the_schema_accepts_the_shipped_scenario_and_refuses_slips() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    import tomllib

    values = tomllib.loads((CHONGQING / "scenario.toml").read_text(encoding="utf-8"))
    check_values = jsonschema.Draft202012Validator(schema.schema())
    assert [error.message for error in check_values.iter_errors(values)] == []
    assert list(check_values.iter_errors({**values, "totl": 1}))
    assert list(check_values.iter_errors({key: value for key, value in values.items() if key != "year"}))
    assert not list(check_values.iter_errors({"extends": "../base", "budget": {"reserve": 1}}))


def test_a_new_scenario_from_a_template(tmp_path: Path) -> None:
    folder = new("我的方案", "chongqing", tmp_path)
    assert folder == tmp_path / "我的方案"
    text = (folder / "scenario.toml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "#:schema ./scenario.schema.json"
    assert json.loads((folder / "scenario.schema.json").read_text(encoding="utf-8")) == schema.schema()
    assert len(load(folder).projects) == 120
    assert [path.name for path in folder.glob("*.xlsx")] == ["blank.xlsx"]
    book = openpyxl.load_workbook(folder / "blank.xlsx")
    assert book.sheetnames == ["填表说明", "项目", "记录"]
    headers = [cell.value for cell in book["项目"][1]]
    assert headers[:3] == ["项目编码*", "项目名称*", "主管部门*"]
    assert len(headers) == len(COLUMNS["projects"])
    assert book["项目"].column_dimensions["A"].width > 0
    said = [str(row[0]) for row in book["填表说明"].values]
    assert 'projects = {file = "blank.xlsx", sheet = "项目"}' in said
    assert 'records = {file = "blank.xlsx", sheet = "记录"}' in said


def _fill(path: Path, *, records: bool = False) -> None:
    book = openpyxl.load_workbook(path)
    _, projects, years = book.worksheets
    projects.append(["001", "a", "b"])
    if records:
        years.append(["001", 2025, 100])
    book.save(path)


def test_a_filled_workbook_that_is_not_read_is_told(tmp_path: Path) -> None:
    folder = new("a", "chongqing", tmp_path)

    def told() -> list[Problem]:
        return [problem for problem in check(folder) if "blank.xlsx" in problem.message.en]

    assert told() == []
    _fill(folder / "blank.xlsx", records=True)
    (problem,) = told()
    assert problem.severity == "warning"
    assert problem.message.zh == "blank.xlsx 已填写，但 scenario.toml 未引用"
    statement = folder / "scenario.toml"
    text = statement.read_text(encoding="utf-8")
    assert problem.file == "scenario.toml"
    assert text.splitlines()[(problem.line or 0) - 1] == "[tables]"
    assert problem.hint is not None
    line = problem.hint.en.removeprefix("under [tables] write ")
    statement.write_text(text.replace('projects = "projects.csv"', line), encoding="utf-8")
    assert not [problem for problem in told() if "does not read it" in problem.message.en]
    (folder / "blank.xlsx").write_bytes(b"no workbook")
    statement.write_text(text, encoding="utf-8")
    assert told() == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_empty_scenario_is_filled_in_and_loads(tmp_path: Path, language: str) -> None:
    folder = (
        new('a "b" {c}' if language == "en" else "甲", "empty", tmp_path, language=language)
        if language == "zh"
        else new("a {c}", "empty", tmp_path, language=language)
    )
    found = check(folder)
    assert {problem.message.en.rpartition("!")[2] for problem in found} == (
        {"项目 holds no rows", "记录 holds no rows"}
        if language == "zh"
        else {"projects holds no rows", "records holds no rows"}
    )
    path = folder / f"{folder.name}.xlsx"
    book = openpyxl.load_workbook(path)
    _, projects, records = book.worksheets
    projects.append(["001", "a", "b"])
    names = [cell.value for cell in records[1]]
    row: list[object] = [None] * len(names)
    row[:3] = ["001", 2025, 100]
    row[names.index("评价得分" if language == "zh" else "Score")] = 80
    row[names.index("评价主体" if language == "zh" else "Evaluator")] = "第三方" if language == "zh" else "third_party"
    records.append(row)
    book.save(path)
    loaded = load(folder)
    assert loaded.settings.title == folder.name
    assert loaded.settings.language == language
    assert loaded.records is not None
    assert loaded.records.text("rater") == ("third_party",)
    ceiling, change = loaded.settings.rule
    assert (ceiling.kind, change.kind) == ("ceiling", "change")
    assert change.yields_to == (ceiling.name,)
    assert {problem.key for problem in check(folder)} >= {"budget.total", f"rule.{ceiling.name}"}
    text = (folder / "scenario.toml").read_text(encoding="utf-8")
    begin = text.index("# [[rule]]")
    enabled = text[:begin] + text[begin:].replace("# ", "")
    (folder / "scenario.toml").write_text(enabled, encoding="utf-8")
    (problem,) = [problem for problem in check(folder) if problem.severity == "error"]
    assert "has no" in problem.message.en or "no project has class" in problem.message.en
    book = openpyxl.load_workbook(path)
    heads = [str(cell.value).strip("*") for cell in book.worksheets[1][1]]
    column = heads.index("保障层级" if language == "zh" else "Priority class") + 1
    book.worksheets[1].cell(row=2, column=column).value = "三保" if language == "zh" else "three guarantees"
    book.save(path)
    assert not [problem for problem in check(folder) if problem.severity == "error"]
    assert load(folder).settings.rule[2].kind == "floor"


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "..", ".hidden", "a:b", " a", "a\n"])
def test_names_that_are_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a folder"):
        new(name, "empty", tmp_path)


def test_templates_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'chongqing'"):
        new("a", "chongqin", tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine").write_text("")
    with pytest.raises(UsageError, match="not empty"):
        new("a", "empty", tmp_path)
    assert templates()[-1] == "empty"
