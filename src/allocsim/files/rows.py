"""Problems within one table: blank keys, doubled rows, limits the wrong way round, curves that are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from allocsim.errors import Problem, Text
from allocsim.files.columns import COLUMNS
from allocsim.model.family import FAMILIES
from allocsim.model.nearest import did_you_mean
from allocsim.model.points import points_of
from allocsim.model.rule import Unsound
from allocsim.model.table import Table

MOST = 20
"""Most problems of one kind told for one table; the rest is counted."""
UNIQUE = {
    "projects": ("id",),
    "records": ("project", "year", "rater", "rater_id"),
    "districts": ("id",),
    "departments": ("name",),
    "curves": ("project",),
}
"""Table -> the columns that together name a row."""
_TOTALS = ("合计", "总计", "小计", "total", "subtotal", "sum")


def row_problems(table: Table, refused: frozenset[tuple[int | None, str]] = frozenset()) -> Iterator[Problem]:
    """Yield what is wrong within one table.

    Parameters
    ----------
    table
        The table.
    refused
        (line, column) of the cells that were refused already and so look blank; line None = many of the column.
    """
    yield from capped(_blank_keys(table, refused), table)
    yield from capped(_doubled_rows(table), table)
    if table.name == "projects":
        yield from capped(_crossed_limits(table), table)
    elif table.name == "records":
        yield from capped(_disagreeing_budgets(table), table)
    elif table.name == "curves":
        yield from capped(_wrong_curves(table, refused), table)


def problem_at(
    table: Table, row: int, column: str, message: Text, hint: Text | None = None, *, warning: bool = False
) -> Problem:
    """Return a problem of one cell, or of its row where the table lacks the column."""
    file, line, cell = table.place(row, column)
    return Problem(
        message=message,
        hint=hint,
        file=file,
        line=line,
        cell=cell,
        key=column,
        severity="warning" if warning else "error",
    )


def capped(problems: Iterator[Problem], table: Table) -> Iterator[Problem]:
    """Yield the first problems of a kind, and then how many more there are."""
    yield from islice(problems, MOST)
    last = next(problems, None)
    if last is not None:
        more = 1 + sum(1 for _ in problems)
        yield Problem(
            message=Text(f"{more:,} more rows like these", f"另有{more:,}行同类问题"),
            file=table.file,
            key=last.key,
            severity=last.severity,
        )


def _blank_keys(table: Table, refused: frozenset[tuple[int | None, str]]) -> Iterator[Problem]:
    for column in COLUMNS[table.name]:
        if column.needed != "cell" or (None, column.key) in refused:
            continue
        for row, text in enumerate(table.text(column.key)):
            if not text and (table.lines[row], column.key) not in refused:
                message = Text(f"'{column.key}' is blank", f"“{column.header('zh')}”为空")
                yield problem_at(table, row, column.key, message, _total_row_hint(table, row))


def _total_row_hint(table: Table, row: int) -> Text | None:
    for column in table.columns:
        if not table.is_number(column) and table.columns[column][row].replace(" ", "").casefold() in _TOTALS:
            return Text("leave total rows out of the table", "请删去合计行")
    return None


def _doubled_rows(table: Table) -> Iterator[Problem]:
    keys = [key for key in UNIQUE.get(table.name, ()) if key in table or key in ("rater", "rater_id")]
    if not keys:
        return
    first: dict[tuple[str, ...], int] = {}
    for row, name in enumerate(zip(*(table.text(key) for key in keys), strict=True)):
        if not name[0]:
            continue
        if name in first:
            line = table.lines[first[name]]
            said = ", ".join(word for word in name if word)
            yield problem_at(
                table,
                row,
                keys[0],
                Text(f"'{said}' stands here a second time", f"“{said}”重复出现"),
                Text(f"the first is in line {line}: keep one", f"第一次在第{line}行：请保留一行"),
            )
        first.setdefault(name, row)


def _crossed_limits(table: Table) -> Iterator[Problem]:
    low, high = table.number("min"), table.number("max")
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(low > high).tolist()
    for row in rows:
        name = table.text("id")[row]
        yield problem_at(
            table,
            row,
            "min",
            Text(
                f"min {low[row]:.15g} of {name} is above its max {high[row]:.15g}",
                f"{name}的保底数{low[row]:.15g}大于上限数{high[row]:.15g}",
            ),
            Text("lower min or raise max", "请调低保底数或调高上限数"),
        )


def _disagreeing_budgets(table: Table) -> Iterator[Problem]:
    """Yield rows of one project-year whose money differs: several raters saw one budget."""
    for column in ("budget", "adjusted_budget", "spent"):
        seen: dict[tuple[str, str], tuple[float, int]] = {}
        amounts = table.number(column).tolist()
        for row, name in enumerate(zip(table.text("project"), table.text("year"), strict=True)):
            amount = amounts[row]
            if amount != amount:
                continue
            known, line = seen.setdefault(name, (amount, table.lines[row]))
            if known != amount:
                yield problem_at(
                    table,
                    row,
                    column,
                    Text(
                        f"{column} {amount:.15g} of {name[0]} in {name[1]} is not the {known:.15g} of line {line}",
                        f"{name[0]}在{name[1]}年的{column}为{amount:.15g}，与第{line}行的{known:.15g}不一致",
                    ),
                    Text(
                        "one project and year has one amount, whoever rates it",
                        "同一项目同一年度只有一个数额，与评价主体无关",
                    ),
                )


def _wrong_curves(table: Table, refused: frozenset[tuple[int | None, str]]) -> Iterator[Problem]:
    families = (*FAMILIES, "piecewise")
    value, scale, shape = table.number("value"), table.number("scale"), table.number("shape")
    points = table.text("points")
    for row, family in enumerate(table.text("family")):
        if family not in families:
            if family:
                message = Text(f"unknown family '{family}'", f"未知的曲线类型“{family}”")
                yield problem_at(table, row, "family", message, did_you_mean(family, families))
        elif family == "piecewise":
            try:
                points_of(points[row])
            except Unsound as fault:
                hint = Text('such as "0:0;50:30;200:60"', '如 "0:0;50:30;200:60"')
                yield problem_at(table, row, "points", fault.text, hint)
        else:
            found = _wrong_parameters(table, row, family, (value[row], scale[row], shape[row]))
            yield from (each for each in found if not {(table.lines[row], each.key), (None, each.key)} & refused)


def _wrong_parameters(table: Table, row: int, family: str, parameters: Sequence[float]) -> Iterator[Problem]:
    value, scale, shape = parameters
    if not value >= 0:
        yield problem_at(table, row, "value", Text("'value' is blank", "缺少 value"))
    if not scale > 0:
        yield problem_at(table, row, "scale", Text("'scale' must be above 0", "scale 必须大于0"))
    if family == "power" and not 0 < shape < 1:
        yield problem_at(table, row, "shape", Text("a power curve wants 0 < shape < 1", "power 曲线须满足 0<shape<1"))
    if family == "hill" and not shape > 0:
        yield problem_at(table, row, "shape", Text("a hill curve wants shape > 0", "hill 曲线须满足 shape>0"))
