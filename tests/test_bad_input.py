"""Bad input of every kind: one clear problem with its place and what would mend it, and nothing half-written."""

from __future__ import annotations

import io
import os
import resource
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from allocsim.errors import InvalidInput, Problem, UsageError
from allocsim.files.check import check
from allocsim.files.grid import ROWS
from allocsim.files.runs import check_out, write_file, write_run
from allocsim.files.scenario import load
from small import PROJECTS, RECORDS, TOML, scenario


def problems_of(folder: Path) -> list[Problem]:
    """Return the errors that loading raises; every one must speak both languages."""
    with pytest.raises(InvalidInput) as caught:
        load(folder)
    assert caught.value.exit_code == 3
    errors = [problem for problem in caught.value.problems if problem.severity == "error"]
    for problem in errors:
        assert problem.message.en
        assert problem.message.zh
        assert problem.message.en != problem.message.zh
        assert problem.file or problem.key
    assert [p for p in check(folder) if p.severity == "error"] == errors
    return errors


def only(folder: Path) -> Problem:
    """Return the one error of a scenario."""
    errors = problems_of(folder)
    assert len(errors) == 1, errors
    return errors[0]


def test_the_small_scenario_is_sound(tmp_path: Path) -> None:
    assert check(scenario(tmp_path)) == ()
    assert len(load(tmp_path / "scenario.toml").projects) == 3


def test_empty_table(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, projects="id,name,department\n"))
    assert problem.place == "projects.csv"
    assert "no rows" in problem.message.en
    assert problem.hint is not None
    assert "no rows" in only(scenario(tmp_path, projects="")).message.en


def test_missing_column(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, projects=PROJECTS.replace("department", "departmnt")))
    assert (problem.place, problem.key) == ("projects.csv:1", "department")
    assert problem.hint is not None
    assert "departmnt" in problem.hint.en
    problem = only(scenario(tmp_path, projects="id,name\n1,a\n"))
    assert problem.hint is not None
    assert "主管部门" in problem.hint.en


def test_duplicate_id(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, projects=PROJECTS + "001,again,x,教育,1,1,,\n"))
    assert problem.place == "projects.csv:5"
    assert "'001' stands here a second time" in problem.message.en
    assert problem.hint is not None
    assert "line 2" in problem.hint.en


def test_record_of_an_unknown_project(tmp_path: Path) -> None:
    errors = problems_of(scenario(tmp_path, records=RECORDS + "1,2025,3,3,80,self\n009,2025,3,3,80,self\n"))
    assert [(e.place, e.key) for e in errors] == [("records.csv:8", "project"), ("records.csv:9", "project")]
    assert errors[0].hint is not None
    assert "leading zeros" in errors[0].hint.en
    assert errors[1].hint is not None
    assert "did you mean" in errors[1].hint.en


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("001,2024,380,370,88", "001,2024,-380,370,88", "budget", "negative"),
        ("001,2024,380,370,88", "001,2024,380,-1,88", "spent", "negative"),
        ("001,2024,380,370,88", "001,2024,380,370,100.5", "score", "outside 0..100"),
        ("001,2024,380,370,88", "001,2024,380,370,-3", "score", "outside 0..100"),
        ("001,2024,380,370,88", "001,2024,380,370,nan", "score", "not a finite number"),
        ("001,2024,380,370,88", "001,2024,inf,370,88", "budget", "not a finite number"),
        ("001,2024,380,370,88", "001,2024,380,370,good", "score", "'good' is not a number"),
        ("001,2024,380,370,88", "001,2024,380,370,=8*11", "score", "not a number"),
        ("001,2024,380,370,88", "001,2024,380,370,88%", "score", "percentage"),
        ("001,2024,380,370,88", "001,2024.5,380,370,88", "year", "no whole year"),
        ("001,2024,380,370,88", "001,,380,370,88", "year", "blank"),
        ("001,2024,380,370,88", "001,24,380,370,88", "year", "outside 1900..2200"),
        ("88,self", "88,slef", "rater", "unknown word 'slef'"),
    ],
)
def test_wrong_cells_of_records(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    errors = problems_of(scenario(tmp_path, records=RECORDS.replace(old, new, 1)))
    problem = errors[0]
    assert (problem.place, problem.key) == ("records.csv:2", key)
    assert said in problem.message.en


def test_negative_last_budget_and_min_above_max(tmp_path: Path) -> None:
    projects = PROJECTS.replace("400,450,0,600", "-400,450,700,600")
    errors = problems_of(scenario(tmp_path, projects=projects))
    assert [(e.place, e.key) for e in errors] == [("projects.csv:2", "last_budget"), ("projects.csv:2", "min")]
    assert "min 700 of 001 is above its max 600" in errors[1].message.en


def test_budgets_of_one_year_that_disagree(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, records=RECORDS.replace("001,2024,380,370,80", "001,2024,381,370,80")))
    assert problem.place == "records.csv:3"
    assert "is not the 380 of line 2" in problem.message.en


@pytest.mark.parametrize(
    ("where", "said", "hint"),
    [
        ('{sector = "教育部"}', "no project has sector = 教育部", "did you mean '教育'?"),
        ('{sctor = "教育"}', "there is no column 'sctor'", "did you mean 'sector'?"),
        ('{"支出领域" = "教育"}', "there is no column", "write 'sector'"),
        ('{sector = ["教育", "水利"]}', "no project has sector = 水利", "known: "),
        ("{last_budget = {above = 1000}}", "selects no project", "last_budget: 0"),
        ("{sector = {above = 3}}", "compares numbers", None),
        ("{last_budget = 7}", "no project has last_budget = 7", "from 200 to 400"),
        ('{sector = "教育", last_budget = {below = 300}}', "selects no project", "sector: 1, last_budget: 1"),
        ('{sector = "教育"}\nexcept = {id = "001"}', "all of its lines are in 'except'", None),
        ("{sector = []}", "empty list", None),
    ],
)
def test_rules_that_select_nothing(tmp_path: Path, where: str, said: str, hint: str | None) -> None:
    toml = TOML.replace('where = {sector = "教育"}', f"where = {where}")
    problem = only(scenario(tmp_path, toml))
    assert problem.file == "scenario.toml"
    assert problem.line in (14, 18)
    assert problem.key is not None
    assert problem.key.startswith("rule.education keeps its level")
    assert said in problem.message.en
    assert (problem.hint is None) == (hint is None)
    if hint is not None and problem.hint is not None:
        assert hint in problem.hint.en


def test_total_below_the_floors_is_a_conflict_not_bad_input(tmp_path: Path) -> None:
    assert load(scenario(tmp_path, TOML.replace("total = 1000", "total = 100"))).settings.budget.total == 100


def test_reserve_above_the_total(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, TOML.replace("total = 1000", "total = 10")))
    assert problem.place == "scenario.toml:11"
    assert "reserve 20 is above the total 10" in problem.message.en


# ---- garbage ------------------------------------------------------------------------------------------------------

SIZE = 50_000_000


@pytest.mark.parametrize(
    ("garbage", "said"),
    [
        (lambda: os.urandom(1 << 20) * 50, "NUL bytes"),
        (lambda: b"\xfe\xfd\xff" * (SIZE // 3), "neither UTF-8 nor GB18030"),
        (lambda: b"x" * SIZE, "no CSV table"),
        (lambda: b'"' + b"a,b\n" * (SIZE // 4), "no CSV table"),
        (lambda: b"a,b\n" * (SIZE // 4), "is missing"),
        (lambda: b"," * SIZE, "no CSV table|columns"),
    ],
    ids=["random", "no-text", "one-field", "open-quote", "no-header", "commas"],
)
def test_50_mb_of_garbage(tmp_path: Path, garbage: Callable[[], bytes], said: str) -> None:
    folder = scenario(tmp_path, records=None)
    (folder / "records.csv").write_bytes(garbage())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    errors = problems_of(folder)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 600_000, f"{grown} KiB"
    assert any(word in errors[0].message.en for word in said.split("|"))
    assert errors[0].file == "records.csv"


def test_garbage_below_a_good_header_is_cut_short(tmp_path: Path) -> None:
    folder = scenario(tmp_path, records="project,year,budget\n" + "x,y,z\n" * 10_000)
    errors = problems_of(folder)
    assert len(errors) < 120
    assert any("more cells like these" in error.message.en for error in errors)


def test_more_rows_than_a_sheet_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ROWS == 1_000_000
    monkeypatch.setattr("allocsim.files.csv.ROWS", 100)
    problem = only(scenario(tmp_path, records="project,year,budget\n" + "001,2025,3\n" * 200))
    assert "more than 100 rows" in problem.message.en


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    folder = scenario(tmp_path, records=None)
    with (folder / "records.csv").open("wb") as file:
        file.truncate(300_000_000)
    tracemalloc.start()
    problem = only(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "larger than 200 MB" in problem.message.en
    assert peak < 20_000_000


def test_xlsx_that_is_none(tmp_path: Path) -> None:
    toml = TOML.replace("projects.csv", "projects.xlsx")
    folder = scenario(tmp_path, toml)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as empty:
        empty.writestr("a.txt", "a")
    for data in (b"", b"id,name,department\n1,a,b\n", b"PK\x03\x04" + b"x" * 100, archive.getvalue()):
        (folder / "projects.xlsx").write_bytes(data)
        problem = only(folder)
        assert problem.place == "scenario.toml:6" or problem.place == "projects.xlsx"
        assert "is no xlsx workbook" in problem.message.en
        assert problem.hint is not None
    (folder / "projects.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + b"x" * 100)
    assert "old or locked" in only(folder).message.en


def test_a_bomb_of_a_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allocsim.files.xlsx._UNPACKED", 10_000_000)
    folder = scenario(tmp_path, TOML.replace("projects.csv", "projects.xlsx"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bomb, bomb.open("xl/workbook.xml", "w") as entry:
        for _ in range(11):
            entry.write(b"\0" * 1_000_000)
    (folder / "projects.xlsx").write_bytes(archive.getvalue())
    assert "more than 1 GB" in only(folder).message.en


# ---- paths --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../outside/projects.csv",
        "/etc/passwd",
        "a/../../outside/projects.csv",
        "C:\\\\x.csv",
        "\\\\\\\\host\\\\x.csv",
        "~/x.csv",
        "link/projects.csv",
        "link.csv",
    ],
)
def test_a_path_out_of_the_folder(tmp_path: Path, path: str) -> None:
    scenario(tmp_path / "outside")
    folder = scenario(tmp_path / "inside", TOML.replace('"projects.csv"', f'"{path}"'))
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "link.csv").symlink_to(tmp_path / "outside" / "projects.csv")
    problem = only(folder)
    assert (problem.place, problem.key) == ("scenario.toml:6", "tables.projects")
    assert "outside the scenario's folder" in problem.message.en or "absolute path" in problem.message.en


def test_a_link_inside_the_folder_is_fine(tmp_path: Path) -> None:
    folder = scenario(tmp_path, TOML.replace("projects.csv", "link.csv"))
    (folder / "link.csv").symlink_to(folder / "projects.csv")
    assert len(load(folder).projects) == 3


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, TOML.replace("projects.csv", "project.csv")))
    assert (problem.place, problem.key) == ("scenario.toml:6", "tables.projects")
    assert "does not exist" in problem.message.en
    assert problem.hint is not None
    assert "projects.csv" in problem.hint.en


def test_a_folder_or_another_kind_of_file(tmp_path: Path) -> None:
    folder = scenario(tmp_path, TOML.replace("projects.csv", "data"))
    (folder / "data").mkdir()
    assert "is no file" in only(folder).message.en
    scenario(tmp_path, TOML.replace("projects.csv", "projects.pdf"))
    (folder / "projects.pdf").write_bytes(b"%PDF")
    problem = only(folder)
    assert "not read ('.pdf')" in problem.message.en


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    folder = scenario(tmp_path)
    (folder / "projects.csv").chmod(0)
    assert "cannot be read" in only(folder).message.en


# ---- cells that begin with a formula's sign -----------------------------------------------------------------------


def test_a_formula_in_a_text_cell_is_text(tmp_path: Path) -> None:
    loaded = load(scenario(tmp_path, projects=PROJECTS.replace("clinics", "=1+1").replace("roads", "@SUM(A1)")))
    assert loaded.projects.text("name") == ("schools", "=1+1", "@SUM(A1)")


def test_a_formula_in_a_number_cell_is_an_error(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, projects=PROJECTS.replace("300,330", "=100+200,330")))
    assert (problem.place, problem.key) == ("projects.csv:3", "last_budget")
    assert problem.hint is not None
    assert "paste the value" in problem.hint.en


def workbook(path: Path, rows: list[list[object]], title: str = "项目") -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)


def test_a_formula_in_a_workbook_without_its_value(tmp_path: Path) -> None:
    folder = scenario(tmp_path, TOML.replace("projects.csv", "projects.xlsx"))
    workbook(
        folder / "projects.xlsx",
        [
            ["示例"],
            ["项目编码", "项目名称", "主管部门", "支出领域", "上年预算数"],
            ["001", "a", "b", "教育", "=1+1"],
            ["002", "c", "d", "x", 5],
            ["003", "e", "f", "x", 6],
        ],
    )
    problem = only(folder)
    assert problem.place == "projects.xlsx!项目!E3"
    assert "formula" in problem.message.en


def test_a_word_in_a_sheet_names_its_cell(tmp_path: Path) -> None:
    folder = scenario(tmp_path, TOML.replace('"projects.csv"', '{file = "projects.xlsx", sheet = "项目"}'))
    workbook(
        folder / "projects.xlsx",
        [
            ["示例"],
            [None],
            ["项目编码", "项目名称", "主管部门", "支出领域", "上年预算数"],
            [1, "a", "b", "教育", "约400"],
            [2, "c", "d", "x", 5],
            [3, "e", "f", "x", 6],
        ],
    )
    errors = problems_of(folder)
    assert errors[0].place == "projects.xlsx!项目!E4"
    assert errors[0].cell == "projects.xlsx!项目!E4"
    assert {error.place for error in errors[1:]} <= {f"records.csv:{line}" for line in range(2, 8)}


# ---- TOML ---------------------------------------------------------------------------------------------------------


def test_toml_that_does_not_parse(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, TOML.replace('{sector = "教育"}', "{教育 = 1}")))
    assert problem.place == "scenario.toml:18"
    assert problem.hint is not None
    assert problem.hint.zh == '中文键须加引号："教育"'


EDUCATION, JUMPS = "rule.education keeps its level", "rule.no jumps"
WRONG_KEYS = [
    ("total = 1000", 'total = "1,000"', 10, "budget.total", "must be a number", "remove the quotes: total = 1000"),
    ("year = 2027", 'year = "2027"', 2, "year", "whole number", "remove the quotes: year = 2027"),
    ("reserve = 20", "resrve = 20", 11, "budget.resrve", "unknown key", "did you mean 'reserve'?"),
    ("[budget]", '[budget]\nlanguage = "zh"', 10, "budget.language", "unknown key", "top of the file"),
    ('title = "small"', 'title = "small"\ntotal = 5', 2, "total", "unknown key", "under [budget]"),
    ('kind = "floor"', 'kind = "flor"', 14, EDUCATION, "unknown kind", "did you mean 'floor'?"),
    ('of = "last_budget"', 'off = "last_budget"', 19, f"{EDUCATION}.off", "unknown key", "did you mean 'of'?"),
    ('of = "last_budget"', 'of = "last_bugdet"', 19, f"{EDUCATION}.of", "no column", "did you mean 'last_budget'?"),
    ('of = "last_budget"', 'of = "sector"', 19, f"{EDUCATION}.of", "holds text", None),
    ('of = "last_budget"', 'of = "last_budget"\nby = "sectors"', 20, f"{EDUCATION}.by", "no column", "'sector'"),
    ('of = "last_budget"', 'of = "last_budget"\namount = 3', 14, EDUCATION, "one of them only", None),
    ("change = [-0.2, 0.25]", "change = [0.2]", 25, f"{JUMPS}.change", "too few values", None),
    ("change = [-0.2, 0.25]", "change = [0, 1, 2]", 25, f"{JUMPS}.change", "wants 2 value", None),
    ("change = [-0.2, 0.25]", "change = [0.2, -0.25]", 21, JUMPS, "must not exceed", None),
    ('= ["education keeps its level"]', '= ["educations"]', 26, f"{JUMPS}.yields_to", "no rule", "education keeps"),
    ("money_step = 10", "money_step = 0", 3, "money_step", "greater than 0", None),
    ("[budget]", '[simulate]\npolicies = "hold"\n[budget]', 10, "simulate.policies", "a list", 'write ["hold"]'),
    ("[budget]", '[simulate]\npolicies = ["hld"]\n[budget]', 10, "simulate.policies", "no policy 'hld'", "'hold'?"),
    ("[budget]", '[simulate]\nbaseline = "none"\n[budget]', 10, "simulate.baseline", "no policy 'none'", "known"),
    ("[budget]", "[simulate]\nfreeze = 2027-11-15\n[budget]", 10, "simulate.freeze", "text in quotes", '"11-15"'),
    ("[budget]", '[simulate]\nfreeze = "02-30"\n[budget]', 10, "simulate.freeze", "no day", None),
    ("[budget]", "[curves]\nlag = 7\n[budget]", 10, "curves.lag", 'must be 0, 1, 2 or "auto"', None),
    ("[budget]", "[curves]\nscore_basis = 7\n[budget]", 10, "curves.score_basis", "number between 0 and 1", None),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "said", "hint"), WRONG_KEYS)
def test_wrong_keys(tmp_path: Path, old: str, new: str, line: int, key: str, said: str, hint: str | None) -> None:
    errors = problems_of(scenario(tmp_path, TOML.replace(old, new, 1)))
    problem = next(error for error in errors if error.key == key)
    assert problem.place == f"scenario.toml:{line}"
    assert said in problem.message.en
    if hint is not None:
        assert problem.hint is not None
        assert hint in problem.hint.en


def test_everything_at_once(tmp_path: Path) -> None:
    toml = (
        TOML.replace("total = 1000", 'total = "1000"')
        .replace("reserve = 20", "resrve = 20")
        .replace('sector = "教育"', 'sector = "教育部"')
        .replace('records = "records.csv"', 'records = "records.xslx"')
    )
    errors = problems_of(scenario(tmp_path, toml, projects=PROJECTS.replace("200,260", "two hundred,260")))
    assert {error.key for error in errors} == {
        "budget.total",
        "budget.resrve",
        "rule.education keeps its level.where.sector",
        "tables.records",
        "last_budget",
    }


def test_rules_named_twice_and_circles(tmp_path: Path) -> None:
    twice = TOML.replace('name = "no jumps"', 'name = "education keeps its level"')
    problem = problems_of(scenario(tmp_path, twice))[0]
    assert problem.place == "scenario.toml:21"
    assert "line 14" in problem.hint.en  # type: ignore[union-attr]
    circle = TOML.replace('of = "last_budget"', 'of = "last_budget"\nyields_to = ["no jumps"]')
    problem = only(scenario(tmp_path, circle))
    assert "in a circle: education keeps its level -> no jumps -> education" in problem.message.en


def test_no_scenario_at_all(tmp_path: Path) -> None:
    scenario(tmp_path / "chongqing")
    for path in (tmp_path, tmp_path / "chongqin", tmp_path / "none" / "scenario.toml"):
        with pytest.raises(UsageError) as caught:
            load(path)
        assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="did you mean"):
        check(tmp_path / "chongqin")


# ---- writing ------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    for call in (lambda: write_run(out, tmp_path, "x", {"a": b"1"}), lambda: check_out(out)):
        with pytest.raises(UsageError, match="not empty"):
            call()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert (out / "mine.txt").read_text() == "mine"
    with pytest.raises(UsageError, match="is a file"):
        write_run(out / "mine.txt", tmp_path, "x", {"a": b"1"})


def test_no_write_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    if os.geteuid() == 0:  # root may write anywhere, so the refusal is played

        def refuse(*args: object, **kwargs: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.mkdtemp", refuse)
        monkeypatch.setattr("tempfile.mkstemp", refuse)
        monkeypatch.setattr("os.access", lambda *args: False)
    else:
        locked.chmod(0o500)
    for call in (
        lambda: write_run(locked / "out", tmp_path, "x", {"a": b"1"}),
        lambda: write_run(None, locked, "x", {"a": b"1"}),
        lambda: write_file(locked / "a.lp", "1"),
        lambda: check_out(locked / "out"),
    ):
        with pytest.raises(UsageError, match="no permission to write") as caught:
            call()
        assert caught.value.exit_code == 2
        assert "权限" in caught.value.message.zh
    assert [entry for entry in locked.rglob("*") if entry.is_file()] == []


def test_nothing_half_written_when_writing_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        write_run(tmp_path / "out", tmp_path, "x", {"a": b"1", "b": b"2", "c": b"3"})
    assert list(tmp_path.iterdir()) == []


def test_what_killed_runs_left_is_removed_after_an_hour(tmp_path: Path) -> None:
    names = [".run.abcd1234.part", ".other.xy_z0123.part", ".young.abcd1234.part", ".mine.part"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.csv").write_text("half")
    (tmp_path / ".file.abcd1234.part").write_text("no folder")
    (tmp_path / ".link.abcd1234.part").symlink_to(tmp_path / ".mine.part")
    ago = time.time() - 3_700
    for name in (".run.abcd1234.part", ".other.xy_z0123.part", ".mine.part", ".file.abcd1234.part"):
        os.utime(tmp_path / name, (ago, ago))
    os.utime(tmp_path / ".young.abcd1234.part", (ago + 200, ago + 200))
    write_run(tmp_path / "out", tmp_path, "x", {"a": b"1"})
    left = {entry.name for entry in tmp_path.iterdir()}
    assert left == {".young.abcd1234.part", ".mine.part", ".file.abcd1234.part", ".link.abcd1234.part", "out"}
    assert (tmp_path / ".young.abcd1234.part" / "plan.csv").read_text() == "half"


def test_a_folder_below_a_file_is_refused_in_those_words(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    for call in (
        lambda: check_out(tmp_path / "f" / "x"),
        lambda: write_run(tmp_path / "f" / "x" / "y", tmp_path, "x", {"a": b"1"}),
        lambda: write_file(tmp_path / "f" / "a.lp", "1"),
    ):
        with pytest.raises(UsageError, match="f is a file") as caught:
            call()
        assert "是文件" in caught.value.message.zh
    assert (tmp_path / "f").read_text() == "mine"


def test_a_link_to_an_empty_folder_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    check_out(tmp_path / "link")
    assert write_run(tmp_path / "link", tmp_path, "x", {"a": b"1"}) == (tmp_path / "real").resolve()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"1"
    with pytest.raises(UsageError, match="not empty"):
        check_out(tmp_path / "link")


# ---- corners of TOML, marks that terminals obey ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "key"), [("9" * 5_000, None), ("9" * 400, "budget.total"), ("0x" + "f" * 5_000, "budget.total")]
)
def test_a_number_of_thousands_of_digits(tmp_path: Path, number: str, key: str | None) -> None:
    problem = only(scenario(tmp_path, TOML.replace("total = 1000", f"total = {number}")))
    assert (problem.place, problem.key) == ("scenario.toml:10", key)
    assert "too large to be read" in problem.message.en
    changed = [each for each in check(scenario(tmp_path), changes={"budget.total": number}) if each.severity == "error"]
    assert changed
    assert all(len(each.message.en) < 200 for each in changed)


@pytest.mark.parametrize(
    "deep",
    [
        f"[{'.'.join('a' * 5_000)}]\nb = 1\n",
        f"variant = {'[' * 5_000}{']' * 5_000}\n",
        f"variant = {'[' * 60}{']' * 60}\n",
        f"{'.'.join('a' * 60)} = 1\n",
    ],
    ids=["header", "list", "short-list", "dotted"],
)
def test_nesting_without_end(tmp_path: Path, deep: str) -> None:
    toml = f"{TOML}\n{deep}" if deep.startswith("[") else f"{deep}{TOML}"
    problem = only(scenario(tmp_path, toml))
    assert problem.file == "scenario.toml"
    assert "over 50 levels deep" in problem.message.en
    assert "嵌套超过50层" in problem.message.zh


def test_a_dotted_change_without_end(tmp_path: Path) -> None:
    key = "budget" + ".a" * 5_000
    problems = [each for each in check(scenario(tmp_path), changes={key: 1}) if each.severity == "error"]
    assert "unknown key" in problems[0].message.en


@pytest.mark.parametrize("mark", ["\x1b", "\x00", "\x07", "\x7f", "\x9b", "\u202a", "\u202e", "\u2066", "\u2069"])
def test_marks_in_toml(tmp_path: Path, mark: str) -> None:
    escaped = f"\\u{ord(mark):04x}"
    named = f"U+{ord(mark):04X}"
    problem = only(scenario(tmp_path, TOML.replace('basis = "law"', f'basis = "a{escaped}[31m"')))
    assert (problem.place, problem.key) == ("scenario.toml:17", "rule.education keeps its level.basis")
    assert named in problem.message.en
    assert named in problem.message.zh
    problem = only(scenario(tmp_path, TOML.replace("where = {sector", f'where = {{"a{escaped}" = 1, sector')))
    assert (problem.place, problem.key) == ("scenario.toml:18", "rule.education keeps its level.where")
    changed = check(scenario(tmp_path), changes={"title": f"a{mark}b"})
    assert [(each.key, each.severity) for each in changed] == [("title", "error")]
    assert all(mark not in each.message.en + each.message.zh for each in (problem, *changed))


@pytest.mark.parametrize("mark", ["\x1b", "\x07", "\x7f", "\x9b", "\u202e", "\u2067"])
def test_marks_in_cells(tmp_path: Path, mark: str) -> None:
    problem = only(scenario(tmp_path, projects=PROJECTS.replace("clinics", f"cli{mark}[2Jnics")))
    assert (problem.place, problem.key) == ("projects.csv:3", "name")
    assert f"U+{ord(mark):04X}" in problem.message.en
    assert mark not in problem.message.en + problem.message.zh
    errors = problems_of(scenario(tmp_path, projects=PROJECTS.replace("300,330", f"3{mark}00,330")))
    assert {error.place for error in errors} == {"projects.csv:3"}
    assert all(mark not in error.message.en + error.message.zh for error in errors)
    header = only(scenario(tmp_path, projects=PROJECTS.replace("requested", f"my{mark}own")))
    assert header.place == "projects.csv:1"


def test_a_mark_in_a_sheet_names_its_cell(tmp_path: Path) -> None:
    folder = scenario(tmp_path, TOML.replace("projects.csv", "projects.xlsx"))
    rows: list[list[object]] = [list(line.split(",")) for line in PROJECTS.splitlines()]
    rows[2][1] = "cli\u202enics"
    workbook(folder / "projects.xlsx", rows)
    problem = problems_of(folder)[0]
    assert (problem.cell, problem.key) == ("projects.xlsx!项目!B3", "name")


def test_tabs_and_line_ends_may_stand(tmp_path: Path) -> None:
    folder = scenario(tmp_path, projects=PROJECTS.replace("clinics", '"cli\tnics\r\nall　院"'))
    assert check(folder) == ()
    assert check(scenario(tmp_path, TOML.replace('"law"', '"a\\tb\\nc"'))) == ()


def test_marks_beyond_counting_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"{i:04},a\x1b,b,教育,1,1,,\n" for i in range(100, 150))
    errors = problems_of(scenario(tmp_path, projects=PROJECTS + rows))
    assert len(errors) == 21
    assert "30 more cells" in errors[-1].message.en


def test_a_value_written_twice_in_two_ways(tmp_path: Path) -> None:
    problem = only(scenario(tmp_path, f"rule = [1, 2]\n{TOML}"))
    assert problem.place == "scenario.toml:15"
    assert "namespace" not in problem.message.en
    assert problem.hint is not None
    assert "[[rule]]: keep one way" in problem.hint.en
    assert "只保留一种写法" in problem.hint.zh


# ---- places that cannot be read -------------------------------------------------------------------------------------


def test_a_scenario_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scenario(tmp_path / "locked")
    honest = Path.is_file

    def refuse(path: Path) -> bool:
        if path.name == "scenario.toml" and path.parent.name == "locked":
            raise PermissionError(13, "Permission denied")
        return honest(path)

    monkeypatch.setattr(Path, "is_file", refuse)
    for given in (folder / "scenario.toml", folder):
        with pytest.raises(UsageError, match=r"cannot read .*Permission denied") as caught:
            load(given)
        assert "无法读取" in caught.value.message.zh
    child = scenario(tmp_path / "child", f'extends = "../locked"\n{TOML}')
    problem = only(child)
    assert (problem.place, problem.key) == ("scenario.toml:1", "extends")
    assert "Permission denied" in problem.message.en


def test_a_name_too_long_for_the_disk(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load(tmp_path / ("a" * 5_000))
    assert only(scenario(tmp_path, f'extends = "{"a" * 5_000}"\n{TOML}')).key == "extends"


@pytest.mark.parametrize(("old", "key"), [('"projects.csv"', "tables.projects"), ("", "extends")])
def test_a_path_as_windows_writes_it(tmp_path: Path, old: str, key: str) -> None:
    path = "'..\\base\\projects.csv'"
    problem = only(scenario(tmp_path, TOML.replace(old, path) if old else f"extends = {path}\n{TOML}"))
    assert problem.key == key
    assert problem.hint is not None
    assert problem.hint.en == "in paths write /: '../base/projects.csv'"
    problem = only(scenario(tmp_path, TOML.replace('"projects.csv"', "'C:\\data\\projects.csv'")))
    assert problem.hint is not None
    assert "put the file into the scenario's folder" in problem.hint.en


def test_a_chain_too_long_is_no_circle(tmp_path: Path) -> None:
    scenario(tmp_path / "s0")
    for number in range(1, 51):
        scenario(tmp_path / f"s{number}", f'extends = "../s{number - 1}"\n', None, None)
    messages = [problem.message for problem in problems_of(tmp_path / "s50")]
    assert ["too long a chain" in message.en for message in messages] == [True]
    scenario(tmp_path / "s0", f'extends = "../s2"\n{TOML}')
    assert "in a circle" in problems_of(tmp_path / "s2")[0].message.en


# ---- money that no step can count, names that nobody knows ---------------------------------------------------------


@pytest.mark.parametrize(("total", "reserve", "step"), [(100, 0, 1000), (1000, 985, 20), (1005, 991, 10)])
def test_a_step_that_leaves_nothing_to_plan(tmp_path: Path, total: int, reserve: int, step: int) -> None:
    toml = TOML.replace("total = 1000", f"total = {total}").replace("reserve = 20", f"reserve = {reserve}")
    problem = only(scenario(tmp_path, toml.replace("money_step = 10", f"money_step = {step}")))
    assert (problem.place, problem.key) == ("scenario.toml:3", "money_step")
    assert f"too large for the {total - reserve} " in problem.message.en


NAMES = [
    ("[budget]", '[shocks]\npreset = "heat_2202"\n[budget]', "shocks.preset", 10, "'heat_2022'?"),
    ("[budget]", '[evaluate]\nrulebook = "mof"\n[budget]', "evaluate.rulebook", 10, "'mof_2020'?"),
    (
        'kind = "change"\nbasis = "notice"\nchange = [-0.2, 0.25]',
        'kind = "grade"\nbasis = "notice"\ncut = {medum = 0.9, poor = 0.5}',
        "rule.no jumps.cut.medum",
        24,
        "'medium'?",
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "line", "meant"), NAMES)
def test_names_that_nobody_knows(tmp_path: Path, old: str, new: str, key: str, line: int, meant: str) -> None:
    problem = only(scenario(tmp_path, TOML.replace(old, new)))
    assert problem.key == key
    assert problem.line is not None
    assert abs(problem.line - line) <= 1
    assert problem.hint is not None
    assert meant in problem.hint.en


def test_a_name_that_nobody_knows_in_a_variant(tmp_path: Path) -> None:
    folder = scenario(tmp_path, f'{TOML}\n[variant.hot]\n"shocks.preset" = "heat"\n')
    errors = [problem for problem in check(folder) if problem.severity == "error"]
    assert [problem.key for problem in errors] == ["shocks.preset"]
    assert errors[0].file == "scenario.toml"


def test_a_curve_value_below_zero_is_told_once(tmp_path: Path) -> None:
    toml = TOML.replace("[budget]", 'curves = "curves.csv"\n[budget]')
    folder = scenario(tmp_path, toml)
    (folder / "curves.csv").write_text("project,family,value,scale\n001,saturating,-100,50\n002,saturating,,50\n")
    errors = problems_of(folder)
    assert [(error.place, error.message.en) for error in errors] == [
        ("curves.csv:2", "value: -100 is negative"),
        ("curves.csv:3", "'value' is blank"),
    ]


def test_records_of_one_unknown_project_are_one_problem(tmp_path: Path) -> None:
    more = "".join(f"009,{year},3,3,80,self\n" for year in range(2015, 2025))
    problem = only(scenario(tmp_path, records=f"{RECORDS}{more}"))
    assert problem.place == "records.csv:8"
    assert problem.message.en == "unknown project '009' in 10 rows: lines 8, 9, 10, 11, 12 ..."
    assert problem.message.zh == "未知的项目“009”，共10行：第8、9、10、11、12行等"
