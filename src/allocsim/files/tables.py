"""Tables from files: the header row found, columns named, cells typed, and every wrong cell told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.files.cells import Typed, typed
from allocsim.files.columns import COLUMNS, Column
from allocsim.files.csv import read_csv
from allocsim.files.grid import BYTES, Cell, Grid, Unreadable, letter
from allocsim.files.headers import header_row, meanings, missing_column_hint, normal
from allocsim.files.marks import clean_grid
from allocsim.files.xlsx import as_text, read_xlsx
from allocsim.model.nearest import nearest
from allocsim.model.table import Table

_WORKBOOKS = (".xlsx", ".xlsm")
TEXTS = (".csv", ".tsv", ".txt")
"""Endings of files that have no sheets."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableRead:
    """What became of one table: the table (None where nothing can be made of the file) and the problems found."""

    table: Table | None
    problems: tuple[Problem, ...]


def bytes_of(path: Path, shown: str) -> tuple[bytes, str]:
    """Return a file's bytes and their sha256.

    Raises
    ------
    Unreadable
        If there is no such file, it cannot be read, or it is larger than any table.
    """
    try:
        if not path.exists():
            raise Unreadable(shown, Text("does not exist", "不存在"), hint=_neighbour(path))
        if not path.is_file():
            raise Unreadable(shown, Text("is no file", "不是文件"))
        if path.stat().st_size > BYTES:
            raise Unreadable(shown, Text(f"is larger than {BYTES // 10**6} MB", f"超过{BYTES // 10**6} MB"))
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unreadable(shown, Text(f"cannot be read: {reason}", f"无法读取：{reason}")) from error
    return data, hashlib.sha256(data).hexdigest()


def table_from(data: bytes, file: str, name: str, *, sheet: str | None = None) -> TableRead:
    """Return one table from a file's bytes.

    Parameters
    ----------
    data
        The bytes.
    file
        The file as people see it; its ending says what it is.
    name
        Which table: ``projects``, ``records``, ...
    sheet
        The sheet of a workbook, where one is named.
    """
    try:
        label, grid = _grid(data, file, name, sheet)
    except Unreadable as error:
        return TableRead(table=None, problems=(error.problem,))
    if not grid.rows:
        return TableRead(table=None, problems=(_empty(label),))
    return _build(name, label, grid)


def has_rows(path: Path, names: Sequence[str]) -> bool:
    """Tell whether a workbook holds a row below the header in any of these tables; False where it cannot be read."""
    for name in names:
        try:
            _, grid = read_xlsx(bytes_of(path, path.name)[0], path.name, name, None)
        except Unreadable:
            continue
        if grid.rows and len(grid.rows) > _headers(name, grid.rows)[0] + 1:
            return True
    return False


def _grid(data: bytes, file: str, name: str, sheet: str | None) -> tuple[str, Grid]:
    ending = Path(file).suffix.lower()
    if ending in _WORKBOOKS:
        found, grid = read_xlsx(data, file, name, sheet)
        return f"{file}!{found}", grid
    if ending not in TEXTS:
        raise Unreadable(
            file,
            Text(f"is of a kind that is not read ('{ending}')", f"的文件类型“{ending}”无法读取"),
            hint=Text("save it as .xlsx or .csv", "请另存为 .xlsx 或 .csv"),
        )
    return file, read_csv(data, file, lambda rows: not _missing(name, _headers(name, rows)[1]))


def _headers(name: str, rows: Sequence[Sequence[Cell]]) -> tuple[int, list[str]]:
    texts = [[as_text(cell) for cell in row] for row in rows[:20]]
    position = header_row(name, texts)
    return position, texts[position]


def _missing(name: str, headers: Sequence[str]) -> list[Column]:
    known = meanings(name)
    keys = {known[normal(header)].key for header in headers if normal(header) in known}
    return [column for column in COLUMNS[name] if column.needed and column.key not in keys]


def _build(name: str, label: str, grid: Grid) -> TableRead:
    position, headers = _headers(name, grid.rows)
    grid, marked = clean_grid(grid, label, headers, grid.lines[position])
    headers = [as_text(cell) for cell in grid.rows[position]]
    problems = [
        _missing_column(name, label, column, headers, grid.lines[position]) for column in _missing(name, headers)
    ]
    columns, doubled = _named(name, label, headers, grid.lines[position], grid.lettered)
    problems += doubled
    body = grid.rows[position + 1 :]
    if not body and not problems:
        problems.append(_empty(label))
    if problems:
        return TableRead(table=None, problems=(*marked, *problems))
    problems += marked
    lines = grid.lines[position + 1 :]
    problems += _wide_rows(label, body, headers, lines, grid.lettered)
    arrays: dict[str, NDArray[Any]] = {}
    letters = {column.key: letter(index) for index, column in columns.items()} if grid.lettered else {}
    for index, column in columns.items():
        cells = [row[index] if index < len(row) else "" for row in body]
        place = Typed(table=name, file=label, column=column, lines=lines, letter=letters.get(column.key))
        values, found = typed(cells, place, grid.hollow)
        problems += found
        values.setflags(write=False)
        arrays[column.key] = values
    table = Table(name=name, file=label, columns=arrays, lines=lines, letters=letters)
    return TableRead(table=table, problems=tuple(problems))


def _named(
    name: str, label: str, headers: Sequence[str], line: int, lettered: bool
) -> tuple[dict[int, Column], list[Problem]]:
    """Return position -> column, and the headers that mean the same column twice."""
    known = meanings(name)
    columns: dict[int, Column] = {}
    at: dict[str, int] = {}
    problems = []
    for index, header in enumerate(headers):
        if not header:
            continue
        column = known.get(normal(header)) or Column(key=header, holds="extra")
        if column.key in at:
            first = headers[at[column.key]]
            problems.append(
                Problem(
                    message=Text(
                        f"columns '{first}' and '{header}' both mean '{column.key}'",
                        f"“{first}”和“{header}”两列是同一列（{column.key}）",
                    ),
                    hint=Text("keep one, or give the other a name of its own", "保留一列，或给另一列改名"),
                    file=label,
                    line=line,
                    cell=f"{label}!{letter(index)}{line}" if lettered else None,
                    key=column.key,
                )
            )
            continue
        at[column.key] = index
        columns[index] = column
    return columns, problems


def _missing_column(name: str, label: str, column: Column, headers: Sequence[str], line: int) -> Problem:
    printed = column.header("zh")
    return Problem(
        message=Text(f"column '{column.key}' is missing", f"缺少“{printed}”列（{column.key}）"),
        hint=missing_column_hint(name, column, headers),
        file=label,
        line=line,
        key=column.key,
    )


def _wide_rows(
    label: str, body: Sequence[Sequence[Cell]], headers: Sequence[str], lines: Sequence[int], lettered: bool
) -> list[Problem]:
    """Return the rows with cells outside the header: as a rule a comma too many."""
    named = max((index for index, header in enumerate(headers) if header), default=-1)
    unnamed = [index for index, header in enumerate(headers[:named]) if not header]
    problems = []
    for row, line in zip(body, lines, strict=True):
        beyond = next((i for i in (*unnamed, *range(named + 1, len(row))) if i < len(row) and row[i] != ""), None)
        if beyond is not None:
            problems.append(
                Problem(
                    message=Text(
                        f"row {line} has a value in a column without a header", f"第{line}行在没有表头的列中有内容"
                    ),
                    hint=Text(
                        "name the column or empty the cell; in CSV, quote texts that hold a comma",
                        "请补表头或清空该单元格；CSV 中含逗号的文字须加引号",
                    ),
                    file=label,
                    line=line,
                    cell=f"{label}!{letter(beyond)}{line}" if lettered else None,
                )
            )
        if len(problems) == 20:
            break
    return problems


def _empty(label: str) -> Problem:
    return Problem(
        message=Text(f"{label} holds no rows", f"{label}没有数据行"),
        hint=Text("fill in at least one row under the headers", "请在表头下至少填写一行"),
        file=label,
    )


def _neighbour(path: Path) -> Text | None:
    """Return the file of the same folder whose name comes nearest."""
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())
    except OSError:
        return None
    close = nearest(path.name, [name for name in names if name.endswith((*_WORKBOOKS, *TEXTS))])
    return Text(f"did you mean '{close}'?", f"是否应为“{close}”？") if close else None
