"""One table as it came in: typed columns under canonical names, and where each row and cell stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.model.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A table with every column it came with.

    Attributes
    ----------
    name
        ``projects``, ``records``, ...
    file
        The file as the scenario names it (shown to people), with the sheet where there is one.
    columns
        Canonical column name -> array of the row count. A number column is float64 with NaN for missing; a text
        column is an object array of ``str`` with ``""`` for missing. All arrays are read-only.
    lines
        Line of the file in which each row stands, from 1 (header = 1 as a rule).
    letters
        Column name -> letter in the sheet (``E``); empty for CSV.
    """

    name: str
    file: str
    columns: Mapping[str, NDArray[Any]]
    lines: tuple[int, ...]
    letters: Mapping[str, str]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def __contains__(self, column: str) -> bool:
        """Tell whether the table came with the column."""
        return column in self.columns

    def number(self, column: str, default: float = np.nan) -> FloatArray:
        """Return a number column; missing values, or a missing column, become ``default``.

        Raises
        ------
        TypeError
            If the column holds text.
        """
        if column not in self.columns:
            return np.full(len(self), default)
        values = self.columns[column]
        if values.dtype.kind != "f":
            raise TypeError(f"column {column!r} of {self.name} holds text")
        return values if np.isnan(default) else np.where(np.isnan(values), default, values)

    def text(self, column: str, default: str = "") -> tuple[str, ...]:
        """Return a column as text; missing values, or a missing column, become ``default``."""
        if column not in self.columns:
            return (default,) * len(self)
        values = self.columns[column]
        if values.dtype.kind == "f":
            return tuple(default if np.isnan(v) else f"{v:.15g}" for v in values)
        return tuple(v or default for v in values)

    def is_number(self, column: str) -> bool:
        """Tell whether the column holds numbers."""
        return column in self.columns and self.columns[column].dtype.kind == "f"

    def place(self, row: int, column: str | None = None) -> tuple[str, int, str | None]:
        """Return file, line and cell (``projects.xlsx!项目!E7``, sheets only) of a row or a cell in it."""
        line = self.lines[row]
        letter = self.letters.get(column or "")
        return self.file, line, f"{self.file}!{letter}{line}" if letter else None
