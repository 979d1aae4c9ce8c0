"""From the headers of a file to canonical columns: Chinese or English, with units and spaces as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from allocsim.errors import Text
from allocsim.files.columns import COLUMNS, Column
from allocsim.files.numbers import plain
from allocsim.model.nearest import nearest

_BRACKETS = re.compile(r"[(\[【][^)\]】]*[)\]】]$")
_DECORATION = re.compile(r"[\s_\-'’*]+")
_SEARCHED = 20


def normal(header: str) -> str:
    """Return a header without case, spaces, hyphens, stars and a unit in brackets at its end."""
    bare = plain(header)
    return _DECORATION.sub("", _BRACKETS.sub("", bare) or bare).casefold()


def meanings(table: str) -> Mapping[str, Column]:
    """Return normalised header -> column for one table; no header means two columns."""
    return {normal(header): column for column in COLUMNS[table] for header in (column.key, *column.headers)}


def header_row(table: str, rows: Sequence[Sequence[str]]) -> int:
    """Return which of the first rows is the header: the first with all needed columns, else the one that knows most."""
    known = meanings(table)
    needed = {column.key for column in COLUMNS[table] if column.needed}
    best, most = 0, 0
    for position, row in enumerate(rows[:_SEARCHED]):
        keys = {known[normal(cell)].key for cell in row if normal(cell) in known}
        if needed <= keys:
            return position
        if len(keys) > most:
            best, most = position, len(keys)
    return best


def missing_column_hint(table: str, column: Column, headers: Sequence[str]) -> Text:
    """Return what would mend a missing column: a header that comes near one of its names, else its names."""
    known = meanings(table)
    strangers = [header for header in headers if header and normal(header) not in known]
    for name in (column.key, *column.headers):
        close = nearest(name, strangers)
        if close is not None:
            return Text(
                f"is '{close}' meant? name it '{column.key}'", f"“{close}”是否即此列？请改为“{column.header('zh')}”"
            )
    names = [column.key, *column.headers]
    return Text(f"its header may be: {', '.join(names)}", f"表头可写：{'、'.join(names)}")
