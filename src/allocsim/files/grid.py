"""The cells of one sheet before they mean anything, and the limits that keep a wrong file from filling the memory."""

from __future__ import annotations

from dataclasses import dataclass

from allocsim.errors import Problem, Text

Cell = str | float
BYTES = 200_000_000
"""Largest file read [bytes]."""
ROWS = 1_000_000
"""Most rows read of one sheet: what a spreadsheet can hold."""
WIDTH = 1_000
"""Most columns read of one sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One sheet as rows of cells.

    Attributes
    ----------
    rows
        Cells, stripped text or numbers; blank rows are left out.
    lines
        Line of the file, from 1, on which each row begins.
    lettered
        True where columns have letters (a sheet).
    hollow
        Cells such as ``E7`` whose formula has failed or was never computed: they read as blank but are not.
    """

    rows: tuple[tuple[Cell, ...], ...]
    lines: tuple[int, ...]
    lettered: bool = False
    hollow: frozenset[str] = frozenset()


class Unreadable(Exception):  # noqa: N818 - it reads as what it is
    """A file that is no table: the one problem that says why."""

    def __init__(self, file: str, message: Text, *, hint: Text | None = None, line: int | None = None) -> None:
        super().__init__(message.en)
        self.problem = Problem(
            message=Text(f"{file} {message.en}", f"{file}{message.zh}"), hint=hint, file=file, line=line
        )


def letter(column: int) -> str:
    """Return the letter of a sheet's column, from 0: A, B, ..., Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
