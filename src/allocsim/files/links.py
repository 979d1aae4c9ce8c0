"""Problems between tables: rows that speak of a project, district or department nobody knows, and records that lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from allocsim.errors import Problem, Text
from allocsim.files.rows import capped, problem_at
from allocsim.model.nearest import did_you_mean
from allocsim.model.statement import keyed
from allocsim.model.table import Table

Lines = Mapping[str, tuple[str, int]]
_SHOWN = 5


def link_problems(tables: Mapping[str, Table], lines: Lines, *, complete: bool) -> Iterator[Problem]:
    """Yield what is wrong between tables.

    Parameters
    ----------
    tables
        The tables that could be read.
    lines
        Dotted key -> (file, line).
    complete
        True where every table named could be read: only then is what is absent a problem.
    """
    projects = tables.get("projects")
    if projects is None:
        return
    ids = projects.text("id")
    for name in ("records", "indicators", "curves"):
        if name in tables:
            yield from capped(_unknown(tables[name], "project", ids, ("project", "项目")), tables[name])
    if "districts" in tables:
        known = tables["districts"].text("id")
        yield from capped(_unknown(projects, "district", known, ("district", "区县")), projects)
    if "departments" in tables:
        known = tables["departments"].text("name")
        yield from capped(_unknown(projects, "department", known, ("department", "部门"), warning=True), projects)
    if complete and "records" not in tables:
        yield from _records_lacking(tables, lines)


def _unknown(
    table: Table, column: str, known: tuple[str, ...], words: tuple[str, str], *, warning: bool = False
) -> Iterator[Problem]:
    """Yield the references to none of the known names, each once with its first rows."""
    allowed = set(known)
    found: dict[str, list[int]] = {}
    for row, name in enumerate(table.text(column)):
        if name and name not in allowed:
            found.setdefault(name, []).append(row)
    for name, rows in found.items():
        en, zh = _rows(table, rows)
        message = Text(f"unknown {words[0]} '{name}'{en}", f"未知的{words[1]}“{name}”{zh}")
        yield problem_at(table, rows[0], column, message, _hint(name, known), warning=warning)


def _rows(table: Table, rows: Sequence[int]) -> Text:
    """Return how many rows are meant and the lines of the first of them; nothing where there is one only."""
    if len(rows) == 1:
        return Text("", "")
    lines = [str(table.lines[row]) for row in rows[:_SHOWN]]
    more = len(rows) > _SHOWN
    return Text(
        f" in {len(rows):,} rows: lines {', '.join(lines)}{' ...' if more else ''}",
        f"，共{len(rows):,}行：第{'、'.join(lines)}行{'等' if more else ''}",
    )


def _hint(name: str, known: tuple[str, ...]) -> Text | None:
    """Return the known code that differs by leading zeros only, else the nearest name."""
    stripped = name.lstrip("0")
    for code in known:
        if stripped and code.lstrip("0") == stripped:
            return Text(f"'{code}' is known: have leading zeros been lost?", f"已知“{code}”：前导零是否丢失？")
    return did_you_mean(name, known)


def _records_lacking(tables: Mapping[str, Table], lines: Lines) -> Iterator[Problem]:
    given = set(tables["curves"].text("project")) if "curves" in tables else set()
    without = [line for line in tables["projects"].text("id") if line not in given]
    if without:
        shown = ", ".join(without[:5]) + (f" (+{len(without) - 5})" if len(without) > 5 else "")
        yield keyed(
            "tables.records",
            Text(
                f"'tables.records' is missing, and no curve is given for {shown}",
                f"缺少“tables.records”，且{shown}没有给定曲线",
            ),
            lines,
            hint=Text(
                "name a table of past years, or give every project a curve", "请给出历年记录表，或为每个项目给定曲线"
            ),
        )
