"""The program in the free MPS format, numbers to the last digit: PuLP's own writer keeps twelve."""

from __future__ import annotations

import numpy as np

from allocsim.optimise.program.problem import Program
from allocsim.optimise.program.solve import Arrays, arrays

OBJECTIVE = "forgone"


def mps(program: Program) -> str:
    """Return a program as MPS text: a minimisation, whole columns between markers."""
    found = arrays(program)
    columns = [variable.name for variable in program.variables]
    rows = [row.name for row in program.problem.constraints()]
    lines = ["NAME plan", "OBJSENSE", " MIN", "ROWS", f" N {OBJECTIVE}"]
    lines += [f" {_sense(found, row)} {name}" for row, name in enumerate(rows)]
    lines += ["COLUMNS", *_columns(found, columns, rows), "RHS"]
    lines += [f" RHS {name} {_level(found, row):.17g}" for row, name in enumerate(rows)]
    lines += ["BOUNDS", *_bounds(found, columns), "ENDATA"]
    return "\n".join(lines) + "\n"


def _sense(found: Arrays, row: int) -> str:
    low, high = np.isfinite(found.row_lower[row]), np.isfinite(found.row_upper[row])
    return "E" if low and high else "L" if high else "G"


def _level(found: Arrays, row: int) -> float:
    return float(found.row_upper[row] if np.isfinite(found.row_upper[row]) else found.row_lower[row])


def _columns(found: Arrays, columns: list[str], rows: list[str]) -> list[str]:
    """Return the entries column by column, the objective's first."""
    entries: list[list[str]] = [
        [f" {name} {OBJECTIVE} {cost:.17g}"] for name, cost in zip(columns, found.cost, strict=True)
    ]
    for row, name in enumerate(rows):
        for place in range(int(found.first[row]), int(found.first[row + 1])):
            column = int(found.index[place])
            entries[column].append(f" {columns[column]} {name} {found.entry[place]:.17g}")
    lines: list[str] = []
    is_open = False
    for entry, whole in zip(entries, found.whole.tolist(), strict=True):
        if whole != is_open:
            lines.append(f" MARKER 'MARKER' '{'INTORG' if whole else 'INTEND'}'")
            is_open = whole
        lines += entry
    return [*lines, *([" MARKER 'MARKER' 'INTEND'"] if is_open else [])]


def _bounds(found: Arrays, columns: list[str]) -> list[str]:
    """Return the bounds that are not what the format takes for granted: from 0 up without end."""
    lines = []
    for name, low, high in zip(columns, found.lower.tolist(), found.upper.tolist(), strict=True):
        if low != 0:
            lines.append(f" LO bounds {name} {low:.17g}" if np.isfinite(low) else f" MI bounds {name}")
        if np.isfinite(high):
            lines.append(f" UP bounds {name} {high:.17g}")
    return lines
