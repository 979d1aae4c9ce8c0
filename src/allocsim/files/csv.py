"""CSV files as grids: any usual encoding and separator, read row by row so that garbage is refused early."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence

from allocsim.errors import Text
from allocsim.files.grid import ROWS, WIDTH, Cell, Grid, Unreadable
from allocsim.files.text import decoded

_FIELD = 131_072
_FIRST = 20
Looks = Callable[[Sequence[Sequence[Cell]]], bool]


def read_csv(data: bytes, file: str, looks_right: Looks) -> Grid:
    """Return a CSV file as a grid.

    Parameters
    ----------
    data
        The file's bytes.
    file
        Its name as people see it.
    looks_right
        Told the first rows, says whether the table's headers are among them; where not, the rest is not read.

    Raises
    ------
    Unreadable
        If the bytes are no text, a field has no end, or there are more rows or columns than a spreadsheet holds.
    """
    text, wrong = decoded(data)
    if wrong is not None:
        raise Unreadable(file, wrong.message, hint=wrong.hint, line=wrong.line)
    rows: list[tuple[Cell, ...]] = []
    lines: list[int] = []
    for line, row in _rows(text, file):
        rows.append(row)
        lines.append(line)
        if len(rows) == _FIRST and not looks_right(rows):
            break
        if len(rows) > ROWS:
            raise Unreadable(file, Text(f"has more than {ROWS:,} rows", f"超过{ROWS:,}行"), line=line)
    return Grid(rows=tuple(rows), lines=tuple(lines))


def _rows(text: str, file: str) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    """Yield the rows that are not blank, with the line on which each begins."""
    csv.field_size_limit(_FIELD)
    separator = _separator(text)
    reader = csv.reader(_narrow(text, separator, file), delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            cells = tuple(cell.strip() for cell in row)
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(
            file,
            Text(f"is no CSV table: {error}", "不是有效的 CSV 表格"),
            hint=Text("is a quote not closed, or is this another kind of file?", "是否有引号未闭合，或文件类型不对？"),
            line=line,
        ) from error


def _narrow(text: str, separator: str, file: str) -> Iterator[str]:
    """Yield the lines of a text; one with more columns than a table has is refused before it is split."""
    for line, row in enumerate(io.StringIO(text, newline=""), start=1):
        if len(row) > WIDTH and row.count(separator) > WIDTH:
            raise Unreadable(file, Text(f"has more than {WIDTH:,} columns", f"超过{WIDTH:,}列"), line=line)
        yield row


def _separator(text: str) -> str:
    """Return the separator of the first line that holds one: a comma, else a tab, else a semicolon."""
    first = text[:_FIELD].lstrip().partition("\n")[0]
    if "," in first:
        return ","
    return next((mark for mark in "\t;" if mark in first), ",")
