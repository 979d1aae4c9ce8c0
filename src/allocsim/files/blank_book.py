"""The workbook that a new scenario brings: a sheet on how to use it, and one sheet a table with its headers."""

from __future__ import annotations

import io
from collections.abc import Mapping

import xlsxwriter

from allocsim.errors import Text
from allocsim.files.columns import COLUMNS, SHEETS, Column

TABLES = ("projects", "records")
"""The tables a planner fills in first."""
BLANK = "blank.xlsx"
"""Name of the workbook beside tables that are filled in already: no scenario reads it before it is told to."""
_ROWS = 2_000
_RATERS = {"zh": ["自评", "部门", "财政", "第三方"], "en": ["self", "department", "finance", "third_party"]}
_FIRST_SHEET = Text("Read me", "填表说明")
_NOTES = (
    Text(
        "One row a project in 'projects'; one row a project, year and rater in 'records'.",
        "“项目”表每个项目一行；“记录”表每个项目、年度、评价主体一行。",
    ),
    Text("Fill in the columns with *; elsewhere leave blank what is not known.", "带*的列必填；其他列未知时留空。"),
    Text("Codes are text: leading zeros stay.", "编码按文本填写，保留前导零。"),
    Text("All amounts are in the unit that scenario.toml states.", "金额单位与 scenario.toml 中的 unit 一致。"),
    Text(
        "Scores run from 0 to 100. Raters: self, department, finance, third_party.",
        "得分为百分制。评价主体：自评、部门、财政、第三方。",
    ),
    Text(
        "Paste values, no formulas. No total rows. Columns of your own may be added.",
        "请粘贴数值，不用公式；不要合计行；可自行加列。",
    ),
)
_READ = Text(
    "scenario.toml reads these sheets: see [tables] there. Fill them in, then run: allocsim check .",
    "scenario.toml 的 [tables] 已指向这两张表：填好后运行 allocsim check . 即可。",
)
_UNREAD = Text(
    "scenario.toml does not read this workbook yet: its tables are the example's. Fill in the two sheets, put these "
    "lines under [tables] in place of those of the same names, then run: allocsim check .",
    "scenario.toml 目前读取的是示例数据，尚未引用本工作簿。填好两张表后，在 scenario.toml 的 [tables] "
    "中用下面两行替换同名的行，再运行 allocsim check . 核对：",
)
_RULES = Text(
    "Take out the tables and rules there that belong to the example only (check names them).",
    "示例自带、本地不用的其他表和规则请一并删去（check 会逐条指出）。",
)


def sheet_of(table: str, language: str) -> str:
    """Return the sheet's name of a table in a language."""
    return SHEETS[table][0] if language == "zh" else SHEETS[table][-1]


def blank_book(language: str, *, read: bool = True) -> bytes:
    """Return the workbook to fill in; nothing in it is a formula or a link.

    Parameters
    ----------
    language
        ``"zh"`` or ``"en"``, for sheets, headers and notes.
    read
        Whether the scenario reads it already; if not, its first sheet says what to write for that.
    """
    data = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(data, options) as book:
        title, wrapped = book.add_format({"bold": True, "font_size": 14}), book.add_format({"text_wrap": True})
        formats = {
            "needed": book.add_format({"bold": True, "bg_color": "#FFF2CC", "bottom": 1}),
            "free": book.add_format({"bold": True, "bg_color": "#EDEDED", "bottom": 1}),
            "text": book.add_format({"num_format": "@"}),
        }
        notes = book.add_worksheet(_FIRST_SHEET.to(language))
        notes.set_column(0, 0, 90)
        notes.write_string(0, 0, _FIRST_SHEET.to(language), title)
        for row, note in enumerate(_notes(language, read=read), start=2):
            notes.write_string(row, 0, note, wrapped)
        for table in TABLES:
            _sheet(book.add_worksheet(sheet_of(table, language)), COLUMNS[table], language, formats)
    return data.getvalue()


def table_line(table: str, language: str) -> str:
    """Return the line of scenario.toml that makes a scenario read a sheet of :data:`BLANK`."""
    return f'{table} = {{file = "{BLANK}", sheet = "{sheet_of(table, language)}"}}'


def _notes(language: str, *, read: bool) -> list[str]:
    notes = [note.to(language) for note in _NOTES]
    if read:
        return [_READ.to(language), "", *notes]
    lines = [table_line(table, language) for table in TABLES]
    return [_UNREAD.to(language), *lines, _RULES.to(language), "", *notes]


def _sheet(
    sheet: xlsxwriter.worksheet.Worksheet,
    columns: tuple[Column, ...],
    language: str,
    formats: Mapping[str, xlsxwriter.format.Format],
) -> None:
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        header = column.header(language)
        width = sum(2 if ord(letter) > 255 else 1 for letter in header) + 4
        as_text = formats["text"] if column.holds in ("id", "text") else None
        sheet.set_column(index, index, max(width, 10), as_text)
        sheet.write_string(
            0, index, header + ("*" if column.needed else ""), formats["needed" if column.needed else "free"]
        )
        if column.words:
            allowed = {"validate": "list", "source": _RATERS[language]}
            sheet.data_validation(1, index, _ROWS, index, allowed)
