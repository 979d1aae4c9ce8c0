"""Text, numbers, TOML positions, headers and cells: how the smallest pieces of input are read."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.files.columns import COLUMNS, PROJECTS, SHEETS
from allocsim.files.grid import letter
from allocsim.files.headers import header_row, meanings, normal
from allocsim.files.numbers import NotNumber, is_missing, number, plain
from allocsim.files.positions import key_lines
from allocsim.files.text import decoded
from allocsim.files.toml import read_toml
from allocsim.model.nearest import did_you_mean, nearest
from allocsim.model.points import points_of
from allocsim.model.rule import Unsound


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1,234.5", 1234.5),
        ("１，２３４．５", 1234.5),
        ("1 234 567", 1234567.0),
        ("1\u00a0234", 1234.0),
        ("1\u3000234", 1234.0),
        ("－５", -5.0),
        ("\u22123", -3.0),
        ("+5", 5.0),
        ("85%", 0.85),
        ("８．５％", 0.085),
        ("12.3%", 0.123),
        (".5", 0.5),
        ("1e3", 1000.0),
        (7.0, 7.0),
        ("  42 ", 42.0),
    ],
)
def test_numbers_as_people_type_them(cell: str | float, value: float) -> None:
    assert number(cell) == value


@pytest.mark.parametrize("cell", ["", " ", "-", "—", "——", "－", "–", "\u3000"])
def test_nothing_is_missing_not_zero(cell: str) -> None:
    assert math.isnan(number(cell))
    assert is_missing(cell)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("abc", "leave blank"),
        ("约三千", "leave blank"),
        ("12万元", "digits only, without a unit or note: 12"),
        ("¥1,200", "1200"),
        ("1,23", "separators"),
        ("12,3456", "separators"),
        ("1,234 567", "separators"),
        ("=1+1", "formulas are not evaluated"),
        ("=cmd|' /C calc'!A0", "formulas are not evaluated"),
        ("@SUM(A1)", "formulas are not evaluated"),
        ("+A1", "formulas are not evaluated"),
        ("#DIV/0!", "formula has failed"),
        ("nan", "leave the cell blank"),
        ("inf", "leave the cell blank"),
        ("-inf", "leave the cell blank"),
        ("1e999", "leave the cell blank"),
        ("1_000", "digits only"),
        ("①", "leave blank"),
        ("0x10", ""),
        ("1e2%", ""),
    ],
)
def test_a_word_where_a_number_belongs(cell: str, hint: str) -> None:
    with pytest.raises(NotNumber) as caught:
        number(cell)
    assert cell in caught.value.message.en
    assert cell in caught.value.message.zh
    assert caught.value.hint is not None
    assert hint in caught.value.hint.en


def test_a_float_that_is_not_finite_is_refused() -> None:
    with pytest.raises(NotNumber):
        number(math.inf)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_survives_its_own_spelling(value: float) -> None:
    assert number(repr(value)) == value


@given(st.integers(min_value=-(10**12), max_value=10**12), st.integers(0, 99))
def test_grouping_and_width_change_nothing(whole: int, cents: int) -> None:
    grouped = f"{whole:,}.{cents:02}"
    wide = grouped.translate({**{ord(c): ord(c) + 0xFEE0 for c in "0123456789,.-"}})
    assert number(grouped) == number(wide) == number(f"{whole}.{cents:02}") == float(f"{whole}.{cents:02}")
    assert plain(wide) == grouped


@given(st.text(max_size=12))
def test_any_text_is_a_number_missing_or_refused(cell: str) -> None:
    try:
        value = number(cell)
    except NotNumber:
        return
    assert math.isfinite(value) or is_missing(cell)


# ---- text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings(encoding: str) -> None:
    assert decoded("项目编码,名称\n001,教育".encode(encoding)) == ("项目编码,名称\n001,教育", None)


@pytest.mark.parametrize("data", [b"a,b\n1,\0", b"a\nb\n\xff\xff\xff", b"\xff\xfea"])
def test_what_is_no_text(data: bytes) -> None:
    text, wrong = decoded(data)
    assert text == ""
    assert wrong is not None
    assert "UTF-8" in wrong.hint.en


def test_the_line_of_the_first_wrong_byte() -> None:
    assert decoded(b"a\nb\n\0")[1].line == 3  # type: ignore[union-attr]
    assert decoded(b"a\nb\nc\xff\xff")[1].line == 3  # type: ignore[union-attr]


# ---- TOML ---------------------------------------------------------------------------------------------------------

DOCUMENT = '''# [not.a.table]
title = "a # [x] \\" y"   # c
"中文 键" = 1
a.b."c.d" = 3
s = """
x = 1
\\""" y
"""""
l = \'\'\'
[[rule]]
\'\'\'
[budget]
total = 3
m = [ # x = [
  1, [2,
  3], {x = 1, y = {z = [4]}},
]
empty = []
none = {}
[[rule]]
name = 'a\\'
where = {sector = "教育]}", n = [1, 2]}
[rule.sub]
q = 1
[[rule]]
name = """b"""
[[rule.k]]
z=1
[[rule.k]]
z = 2
  [ variant . "t.x" ]
"budget.total" = 2027-01-02T00:00:00
'''


def paths(node: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if above:
        yield above
    if isinstance(node, dict):
        for key, value in node.items():
            yield from paths(value, (*above, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from paths(value, (*above, index))


def test_every_key_of_a_document_has_its_line() -> None:
    lines = key_lines(DOCUMENT)
    assert set(lines) == set(paths(tomllib.loads(DOCUMENT)))
    numbered = DOCUMENT.splitlines()
    for path, line in lines.items():
        last = path[-1]
        if isinstance(last, str):
            assert last in numbered[line - 1], (path, line)
    assert lines[("rule", 1)] == numbered.index("[[rule]]", 20) + 1
    assert lines[("budget", "m", 1, 1)] == lines[("budget", "m")] + 2


def test_line_ends_of_windows() -> None:
    assert key_lines(DOCUMENT.replace("\n", "\r\n")) == key_lines(DOCUMENT)


_KEYS = st.sampled_from(["a", "b-1", '"中 文"', "'x.y'", '"q\\"="', "c . d", "e.f"])
_SCALARS = st.sampled_from(
    ['"x"', "'y = 1'", "1", "1.5e3", "true", '"""\n[t]\n"""', "2027-01-01", '"# no"', "'''\na\n'''"]
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: "[\n" + ", # c ]\n".join(each) + "\n]"),
        inner.map(lambda each: "{k = " + each + ", 'l.m' = 1}"),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "[t{i}]", "[[list]]", "[[list.sub]]"]), _KEYS, _VALUES), max_size=6))
def test_positions_agree_with_tomllib(parts: list[tuple[str, str, str]]) -> None:
    text = ""
    for index, (header, key, value) in enumerate(parts):
        text += f"{header.format(i=index)}\nk{index}.{key} = {value} # end\n\n"
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(key_lines(text)) == set(paths(values))


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("教育 = 1", 1, 'Chinese keys must be quoted: "教育"'),
        ("[rule]\nwhere = {教育 = 1}", 2, 'Chinese keys must be quoted: "教育"'),
        ("[变体.tight]\na = 1", 1, 'Chinese keys must be quoted: "变体"'),
        ("政策.x = 1", 1, 'Chinese keys must be quoted: "政策"'),
        ("a = 教育", 1, 'text must be quoted: "教育"'),
        ("a = CNY", 1, 'text must be quoted: "CNY"'),
        ("a = [中, 文]", 1, "text must be quoted"),
        ("a = “x”", 1, 'type " instead of the full-width “'),
        ("a：1", 1, "full-width"),
        ("a: 3", 1, "key = value"),
        ("a = True", 1, "small letters"),
        ("a = 1,000", 1, "without thousands separators"),
        ('p = "a\\p.csv"', 1, "must be doubled"),
        ('a = "x', 1, "quote is not closed"),
        ("a = 1\na = 2", 2, "stated twice"),
        ("[a]\n[a]", 2, "stated twice"),
        ("a = [1,\n2", 2, "bracket is not closed"),
    ],
)
def test_toml_that_does_not_parse(tmp_path: Path, text: str, line: int, hint: str) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(text, encoding="utf-8")
    (problem,) = read_toml(file, "scenario.toml").problems
    assert (problem.file, problem.line) == ("scenario.toml", line)
    assert "TOML" in problem.message.en
    assert "TOML" in problem.message.zh
    assert problem.hint is not None
    assert hint in problem.hint.en


def test_toml_in_other_encodings(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_bytes('title = "教育"'.encode("gb18030"))
    assert read_toml(file, "x").values == {"title": "教育"}
    file.write_bytes(b"\xef\xbb\xbftitle = 1")
    assert read_toml(file, "x").values == {"title": 1}
    file.write_bytes(b"a = 1\n\0")
    assert read_toml(file, "x").problems[0].line == 2
    file.write_bytes(b"#" * 5_000_001)
    assert "5 MB" in read_toml(file, "x").problems[0].message.en
    assert "cannot be read" in read_toml(tmp_path / "none.toml", "x").problems[0].message.en


# ---- headers ------------------------------------------------------------------------------------------------------


def test_no_header_means_two_columns() -> None:
    for table, columns in COLUMNS.items():
        seen: dict[str, str] = {}
        for column in columns:
            for header in (column.key, *column.headers):
                assert seen.setdefault(normal(header), column.key) == column.key, (table, header)


def test_every_printed_header_is_read_back() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            for language in ("zh", "en"):
                assert meanings(table)[normal(column.header(language))] is column
    assert set(COLUMNS) == set(SHEETS)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("项目编码", "id"),
        ("上年预算数（万元）", "last_budget"),
        (" 上年结转 ", "carryover"),
        ("Carry-over", "carryover"),
        ("LAST_BUDGET", "last_budget"),
        ("Last year’s initial budget", "last_budget"),
        ("优先系数", "priority"),
        ("Project", "name"),
        ("主管部门*", "department"),
    ],
)
def test_headers_of_projects(header: str, key: str) -> None:
    assert meanings("projects")[normal(header)].key == key


def test_header_row_below_a_title() -> None:
    rows = [["2027年项目表", "", ""], ["单位:万元", "", ""], ["项目编码", "项目名称", "主管部门"], ["1", "a", "b"]]
    assert header_row("projects", rows) == 2
    assert header_row("projects", [["x"], ["项目编码", "y"], ["1", "2"]]) == 1


def test_letters_of_a_sheet() -> None:
    assert [letter(i) for i in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


# ---- nearest words ------------------------------------------------------------------------------------------------


def test_the_word_that_was_meant() -> None:
    assert nearest("resrve", ["reserve", "total"]) == "reserve"
    assert nearest("Last-Budget", ["last_budget"]) == "last_budget"
    assert nearest("教育局", ["教育", "水利"]) == "教育"
    assert nearest("zzz", ["reserve"]) is None
    assert did_you_mean("zzz", ["b", "a"]) is not None
    assert "a, b" in did_you_mean("zzz", ["b", "a"]).en  # type: ignore[union-attr]
    assert did_you_mean("zzz", []) is None
    assert "等20个" in did_you_mean("zzz", [f"w{i}" for i in range(20)]).zh  # type: ignore[union-attr]


# ---- corners of given curves --------------------------------------------------------------------------------------


def test_corners_of_a_piecewise_curve() -> None:
    assert points_of("0:0;50:30;200:60") == ((0.0, 0.0), (50.0, 30.0), (200.0, 60.0))
    assert points_of("0：0；50：30") == ((0.0, 0.0), (50.0, 30.0))


@pytest.mark.parametrize(
    "text", ["", "0:0", "1:0;2:3", "0:0;x:3", "0:0;1:2:3", "0:0;2:1;1:2", "0:0;1:1;2:3", "0:0;1:2;2:1", "0:0;1:inf"]
)
def test_what_spells_no_curve(text: str) -> None:
    with pytest.raises(Unsound) as caught:
        points_of(text)
    assert caught.value.text.zh


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=6),
    st.lists(st.integers(1, 60), min_size=6, max_size=6, unique=True),
)
def test_any_concave_curve_parses(widths: list[int], slopes: list[int]) -> None:
    falling = sorted(slopes, reverse=True)
    x = np.concatenate([[0], np.cumsum(widths)]) / 4
    rises = [width * slope for width, slope in zip(widths, falling, strict=False)]
    y = np.concatenate([[0], np.cumsum(rises)]) / 32
    corners = tuple(zip(x.tolist(), y.tolist(), strict=True))
    assert points_of(";".join(f"{a!r}:{b!r}" for a, b in corners)) == corners


def test_printed_headers_of_projects_stay() -> None:
    assert PROJECTS[0].header("zh") == "项目编码"
    assert PROJECTS[0].header("en") == "Project code"
