"""What no input may hold, since terminals, pages and sheets would obey it: control characters, marks of direction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from allocsim.errors import Problem, Text
from allocsim.files.grid import Cell, Grid, letter
from allocsim.files.xlsx import as_text

DEEPEST = 50
"""Most levels of tables and lists in a TOML file."""
_MOST = 20
_WHOLE = 2**63
_MARKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_AGAIN = Text("type the text again without it", "请重新输入该文字，去掉此字符")
TOO_DEEP = Text("write it with fewer levels", "请减少嵌套层数")
"""The hint of the one fault that ends the search."""
Path = tuple[str | int, ...]


def mark_in(text: str) -> str | None:
    """Return the first control character or mark of direction as ``U+001B``, or None; tabs and line ends may stand."""
    if text.isprintable():
        return None
    found = _MARKS.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def unmarked(text: str) -> str:
    """Return a text with every such mark replaced by U+FFFD, so that a message may quote it."""
    return _MARKS.sub("\ufffd", text)


def faults_of(value: Any, path: Path = ()) -> list[tuple[Path, Text, Text | None]]:
    """Return what is wrong within a value of a statement: where, what, and what would mend it.

    Nesting deeper than :data:`DEEPEST` is told alone; else every whole number beyond 64 bits and every key or text
    with a mark that does not belong there.
    """
    faults: list[tuple[Path, Text, Text | None]] = []
    todo: list[tuple[Path, Any]] = [(path, value)]
    while todo:
        at, node = todo.pop()
        if len(at) > DEEPEST:
            return [(at[:1], Text(f"is nested over {DEEPEST} levels deep", f"嵌套超过{DEEPEST}层"), TOO_DEEP)]
        below = list(node.items()) if isinstance(node, dict) else []
        below = list(enumerate(node)) if isinstance(node, list | tuple) else below
        todo += [((*at, step), each) for step, each in reversed(below)]
        words = [str(step) for step, _ in below if isinstance(node, dict)] + ([node] if isinstance(node, str) else [])
        found = next((mark for mark in map(mark_in, words) if mark), None)
        if found:
            faults.append((at, Text(f"holds the control character {found}", f"含控制字符{found}"), _AGAIN))
        elif isinstance(node, int) and not -_WHOLE <= node < _WHOLE:
            faults.append((at, Text("is a whole number too large to be read", "整数过大，无法读取"), None))
    return faults


def clean_grid(grid: Grid, label: str, headers: Sequence[str], header_line: int) -> tuple[Grid, list[Problem]]:
    """Return a sheet without such marks, and the cells that held one.

    Parameters
    ----------
    grid
        The sheet.
    label
        The file (and sheet) as people see it.
    headers
        Its headers, for the key of a problem.
    header_line
        The line of the headers: what stands above it is not read.
    """
    marked = [
        (row, column, mark)
        for row, cells in enumerate(grid.rows)
        if grid.lines[row] >= header_line
        for column, cell in enumerate(cells)
        if isinstance(cell, str) and (mark := mark_in(cell))
    ]
    if not marked:
        return grid, []
    rows: list[tuple[Cell, ...]] = list(grid.rows)
    for row in {row for row, _, _ in marked}:
        rows[row] = tuple(unmarked(cell) if isinstance(cell, str) else cell for cell in rows[row])
    problems = [_marked_cell(grid, label, headers, (row, column), mark) for row, column, mark in marked[:_MOST]]
    if len(marked) > _MOST:
        more = len(marked) - _MOST
        message = Text(f"{more:,} more cells with control characters", f"另有{more:,}个单元格含控制字符")
        problems.append(Problem(message=message, file=label))
    return replace(grid, rows=tuple(rows)), problems


def _marked_cell(grid: Grid, label: str, headers: Sequence[str], at: tuple[int, int], mark: str) -> Problem:
    row, column = at
    line, where = grid.lines[row], letter(column)
    key = unmarked(headers[column]) if column < len(headers) and headers[column] else where
    shown = unmarked(as_text(grid.rows[row][column]))[:40]
    return Problem(
        message=Text(f"{key}: '{shown}' holds the control character {mark}", f"{key}：“{shown}”含控制字符{mark}"),
        hint=_AGAIN,
        file=label,
        line=line,
        cell=f"{label}!{where}{line}" if grid.lettered else None,
        key=key,
    )
