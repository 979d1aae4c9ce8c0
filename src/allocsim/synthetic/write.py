"""The tables as CSV files, byte for byte the same on every machine: UTF-8, line feeds, fixed decimals."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from allocsim.synthetic.world import Cell, Columns, World

DECIMALS = {"score": 1, "latitude": 2, "longitude": 2, "value": 2, "scale": 2}
"""Decimals of columns that always show them; other numbers are written as short as they are."""


def write(world: World, folder: Path) -> tuple[Path, ...]:
    """Write the six tables into ``folder`` and return the paths.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    tables = {
        "projects": world.projects,
        "records": world.records,
        "indicators": world.indicators,
        "districts": world.districts,
        "departments": world.departments,
        "truth": world.truth,
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, columns in tables.items():
        path = folder / f"{name}.csv"
        path.write_bytes(_csv(columns).encode("utf-8"))
        paths.append(path)
    return tuple(paths)


def _csv(columns: Columns) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([_text(name, cell) for cell in cells] for name, cells in columns.items()), strict=True))
    return text.getvalue()


def _text(column: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if column in DECIMALS:
        return f"{cell:.{DECIMALS[column]}f}"
    return f"{cell:.10g}"
