"""Workbooks as grids, by python-calamine; formulas are not evaluated, their stored values are read."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence

import python_calamine

from allocsim.errors import Text
from allocsim.files.columns import SHEETS
from allocsim.files.formulas import hollow_cells
from allocsim.files.grid import ROWS, WIDTH, Cell, Grid, Unreadable
from allocsim.model.nearest import did_you_mean

_UNPACKED = 1_000_000_000
_EXACT = 10**15
_OLD = b"\xd0\xcf\x11\xe0"
_SAVE_AS = Text("save it as .xlsx in the spreadsheet program", "请用电子表格软件另存为 .xlsx")


def read_xlsx(data: bytes, file: str, table: str, sheet: str | None) -> tuple[str, Grid]:
    """Return the name of the sheet read, and its cells.

    Parameters
    ----------
    data
        The file's bytes.
    file
        Its name as people see it.
    table
        The table wanted: where no sheet is named, the only sheet or the one named like the table is read.
    sheet
        The sheet's name, or None.

    Raises
    ------
    Unreadable
        If the file is no workbook, is of an old format or locked, unpacks to more than 1 GB or lacks the sheet.
    """
    _refuse_bombs(data, file)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        name = _sheet_name(book.sheet_names, file, table, sheet)
        found = book.get_sheet_by_name(name)
        if found.total_height > ROWS or found.total_width > WIDTH:
            raise Unreadable(file, Text("has more cells than a table holds", "单元格数超出表格上限"))
        cells = found.to_python(skip_empty_area=False)
    except python_calamine.CalamineError as error:
        raise Unreadable(file, Text("is no xlsx workbook", "不是有效的 xlsx 工作簿"), hint=_SAVE_AS) from error
    rows, lines = [], []
    for line, row in enumerate(cells, start=1):
        values = tuple(_cell(value) for value in row)
        if any(value != "" for value in values):
            rows.append(values)
            lines.append(line)
    return name, Grid(rows=tuple(rows), lines=tuple(lines), lettered=True, hollow=hollow_cells(data, name))


def _refuse_bombs(data: bytes, file: str) -> None:
    """Refuse what is no zip archive, and archives that unpack to far more than they show."""
    if data.startswith(_OLD):
        raise Unreadable(file, Text("is an old or locked workbook", "是旧格式或加密的工作簿"), hint=_SAVE_AS)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable(file, Text("is no xlsx workbook", "不是有效的 xlsx 工作簿"), hint=_SAVE_AS) from error
    if unpacked > _UNPACKED:
        raise Unreadable(file, Text("unpacks to more than 1 GB", "解压后超过1 GB"))


def _sheet_name(names: Sequence[str], file: str, table: str, sheet: str | None) -> str:
    if sheet is not None:
        if sheet in names:
            return sheet
        message = Text(f"has no sheet '{sheet}'", f"中没有工作表“{sheet}”")
        raise Unreadable(file, message, hint=did_you_mean(sheet, names))
    if len(names) == 1:
        return names[0]
    for wanted in SHEETS[table]:
        for name in names:
            if name.strip().casefold() == wanted:
                return name
    raise Unreadable(
        file,
        Text(
            f"has several sheets and none is called '{SHEETS[table][-1]}'", f"有多个工作表，但没有“{SHEETS[table][0]}”"
        ),
        hint=Text(
            f'name the sheet: {table} = {{file = "{file}", sheet = "{names[0]}"}}',
            f'请写明工作表：{table} = {{file = "{file}", sheet = "{names[0]}"}}',
        ),
    )


def _cell(value: object) -> Cell:
    """Return a cell as stripped text or a number; dates and truth values become text."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def as_text(cell: Cell) -> str:
    """Return a cell as text; a whole number loses its point, so that a code 500101 stays ``500101``."""
    if isinstance(cell, str):
        return cell
    if cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    return f"{cell:.15g}"
