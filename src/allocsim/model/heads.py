"""Heads: who is counted for an amount per head, value by value, and what that amount comes to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Text
from allocsim.model.arrays import IntArray, integers
from allocsim.model.money import decimal
from allocsim.model.rule import MOST_MONEY, PerHeadFloor, Unsound
from allocsim.model.table import Table

_EXACT = Context(prec=60)


class Counted(Protocol):
    """What counts heads: the values of which column, and the column that counts them."""

    @property
    def by(self) -> str:
        """The column whose values have heads."""
        ...

    @property
    def heads(self) -> str:
        """The number column that counts them."""
        ...


def values_of(column: NDArray[Any], lines: Sequence[int]) -> list[tuple[str, IntArray]]:
    """Return the lines of each value of a column (p,), values in order of first appearance; blanks are of none."""
    found: dict[str, list[int]] = {}
    for line in lines:
        if label := _label(column[line]):
            found.setdefault(label, []).append(line)
    return [(label, integers(members)) for label, members in found.items()]


def heads_table(rule: Counted, projects: Table, districts: Table | None) -> Table | None:
    """Return the table that counts the heads: the one that ``by`` is a column of, else the other; None if neither."""
    own = [projects] if rule.by in projects and rule.by != "district" else []
    tables = [*own, *([districts] if districts is not None else []), projects]
    return next((table for table in tables if table.is_number(rule.heads)), None)


def per_head_amount(
    rule: PerHeadFloor, value: str, members: IntArray, *, projects: Table, districts: Table | None
) -> Decimal:
    """Return what the lines of one value of ``by`` get at least, exactly and not yet in whole steps [money].

    Parameters
    ----------
    rule
        The rule.
    value
        A value of ``by``, as text.
    members
        The lines of that value that the rule selects (c,).
    projects, districts
        The tables.

    Raises
    ------
    Unsound
        If heads are missing, negative or contradictory, or the amount is beyond :data:`MOST_MONEY`.
    """
    count = heads_of(rule, value, members, projects=projects, districts=districts)
    return for_heads(rule.amount, value, count)


def for_heads(amount: float, value: str, count: Decimal) -> Decimal:
    """Return an amount per head times the heads of a value, exactly [money].

    Raises
    ------
    Unsound
        If it is beyond :data:`MOST_MONEY`.
    """
    together = _EXACT.multiply(decimal(amount), count)
    if together > decimal(MOST_MONEY):
        shown = f"{float(together):.6g}"
        raise Unsound(f"'{value}' comes to {shown}: no amount is so large", f"“{value}”合计{shown}，金额过大")
    return together


def heads_of(rule: Counted, value: str, members: IntArray, *, projects: Table, districts: Table | None) -> Decimal:
    """Return how many heads one value of ``by`` has, exactly.

    Heads that districts count are summed over the districts of the value: its own where ``by`` is a column of
    districts, those of its lines where ``by`` is one of projects. Heads that projects count are those of the value
    itself, so its lines must state one number; a line that states none leaves it to the others.

    Parameters
    ----------
    rule
        Says whose heads count, and where.
    value
        A value of ``by``, as text.
    members
        Its lines (c,).
    projects, districts
        The tables.

    Raises
    ------
    Unsound
        If heads are missing, negative or contradictory.
    """
    table = heads_table(rule, projects, districts)
    if table is None:
        raise Unsound(f"no table counts heads in a number column '{rule.heads}'", f"各表中没有数字列“{rule.heads}”")
    rows = members.tolist() if table is projects else _rows_of(rule, value, members, projects, table)
    heads = table.number(rule.heads)[rows]
    missing = np.isnan(heads)
    if missing.all() or (missing.any() and table is not projects):
        at = _places(table, [row for row, gone in zip(rows, missing, strict=True) if gone])
        raise Unsound(f"'{rule.heads}' of '{value}' is missing{at.en}", f"“{value}”缺少“{rule.heads}”{at.zh}")
    stated = [decimal(number) for number in heads[~missing].tolist()]
    if table is projects and len(set(stated)) > 1:
        at = _places(table, rows)
        raise Unsound(
            f"lines of '{value}' differ in '{rule.heads}'{at.en}", f"“{value}”各项目的“{rule.heads}”不一致{at.zh}"
        )
    if min(stated) < 0:
        raise Unsound(f"'{rule.heads}' of '{value}' is below zero", f"“{value}”的“{rule.heads}”小于零")
    count = stated[0]
    for number in stated[1:] if table is not projects else []:
        count = _EXACT.add(count, number)
    return count


def _rows_of(rule: Counted, value: str, members: IntArray, projects: Table, districts: Table) -> list[int]:
    """Return the districts of a value of ``by``."""
    if rule.by != "district" and rule.by not in projects and rule.by in districts:
        return [row for row, each in enumerate(districts.columns[rule.by].tolist()) if _label(each) == value]
    of_line = projects.text("district")
    wanted = {value} if rule.by == "district" else {of_line[line] for line in members.tolist()}
    return [row for row, each in enumerate(districts.text("id")) if each in wanted]


def _places(table: Table, rows: list[int]) -> Text:
    """Return where rows stand, the first three of them."""
    if not rows:
        return Text("", "")
    numbers = [str(table.lines[row]) for row in rows[:3]]
    more = "..." if len(rows) > len(numbers) else ""
    file = table.file
    return Text(f" ({file}, line {', '.join(numbers)}{more})", f"（{file}第{'、'.join(numbers)}{more}行）")


def _label(value: str | float) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.15g}"
    return str(value)
