"""One column of cells as an array: numbers with NaN for missing, or text with "" for missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.files.columns import Column
from allocsim.files.grid import Cell
from allocsim.files.numbers import NotNumber, is_missing, number, plain
from allocsim.files.xlsx import as_text
from allocsim.model.nearest import did_you_mean

MOST = 20
"""Most problems of one kind told for one column; the rest is counted."""
_SLIP = 0.9
_LONG = 10**15
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+")
_CODE = re.compile(r"[+-]?0[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Where a column of cells stands and what it should hold."""

    table: str
    file: str
    column: Column
    lines: Sequence[int]
    letter: str | None

    def problem(self, row: int, message: Text, hint: Text | None = None, *, warning: bool = False) -> Problem:
        """Return a problem of one cell."""
        line = self.lines[row]
        key = self.column.key
        return Problem(
            message=Text(f"{key}: {message.en}", f"{self.column.header('zh')}：{message.zh}"),
            hint=hint,
            file=self.file,
            line=line,
            cell=f"{self.file}!{self.letter}{line}" if self.letter else None,
            key=key,
            severity="warning" if warning else "error",
        )


def typed(cells: Sequence[Cell], place: Typed, hollow: frozenset[str]) -> tuple[NDArray[Any], list[Problem]]:
    """Return a column's array and the problems of its cells.

    Parameters
    ----------
    cells
        One cell a row.
    place
        The column, and where its cells stand.
    hollow
        Cells of the sheet whose formula has no value.
    """
    problems = list(_capped(_hollow(place, hollow), place))
    holds = place.column.holds
    if holds in ("number", "amount", "year"):
        values, wrong = _numbers(cells, place)
        problems += _capped(iter(wrong), place)
        if not wrong:
            problems += _capped(_out_of_bounds(values, place), place)
        return values, problems
    if holds in ("either", "extra"):
        return _either(cells, place, problems)
    texts = [_known_word(as_text(cell), place.column) for cell in cells]
    problems += _capped(_lost_codes(cells, texts, place), place)
    problems += _capped(_unknown_words(texts, place), place)
    return _texts(texts), problems


def _numbers(cells: Sequence[Cell], place: Typed) -> tuple[NDArray[np.float64], list[Problem]]:
    values = np.full(len(cells), np.nan)
    wrong = []
    for row, cell in enumerate(cells):
        try:
            values[row] = number(cell)
            if place.column.holds == "amount" and isinstance(cell, str) and cell.endswith(("%", "\uff05")):
                raise NotNumber(*_percentage(cell))
        except NotNumber as error:
            values[row] = np.nan
            wrong.append(place.problem(row, error.message, error.hint))
    return values, wrong


def _percentage(cell: str) -> tuple[Text, Text]:
    bare = plain(cell)[:-1]
    return (
        Text(f"'{cell}' is a percentage where an amount belongs", f"“{cell}”是百分数，此处应填数额"),
        Text(f"write {bare} if that is meant", f"如确为{bare}，请去掉百分号"),
    )


def _out_of_bounds(values: NDArray[np.float64], place: Typed) -> Iterator[Problem]:
    """Yield numbers outside the column's bounds, and years that are not whole."""
    low, high = place.column.low, place.column.high
    with np.errstate(invalid="ignore"):
        below, above = values < low, values > high
        broken = (values % 1 != 0) & ~np.isnan(values) if place.column.holds == "year" else np.zeros_like(below)
    for row in np.flatnonzero(below | above | broken).tolist():
        shown = f"{values[row]:.15g}"
        if broken[row]:
            yield place.problem(row, Text(f"{shown} is no whole year", f"{shown}不是整数年份"))
        elif low == 0 and high == np.inf:
            yield place.problem(row, Text(f"{shown} is negative", f"{shown}为负数"))
        else:
            yield place.problem(row, Text(f"{shown} is outside {low:g}..{high:g}", f"{shown}超出{low:g}~{high:g}"))


def _either(cells: Sequence[Cell], place: Typed, problems: list[Problem]) -> tuple[NDArray[Any], list[Problem]]:
    """Return numbers where every cell that says anything is one, else text.

    A code with a leading zero is text. A column of which nine cells in ten are numbers is text with a warning.
    """
    values = np.full(len(cells), np.nan)
    words = []
    for row, cell in enumerate(cells):
        try:
            values[row] = number(cell)
            if isinstance(cell, str) and _CODE.fullmatch(cell):
                words.append(row)
        except NotNumber:
            words.append(row)
    if not words:
        return values, problems
    filled = sum(not is_missing(as_text(cell)) for cell in cells)
    if place.column.holds == "extra" and filled >= 10 and filled - len(words) >= _SLIP * filled:
        message = Text(
            "text because of this cell: the others are numbers", "因该单元格不是数字，整列按文字处理（其余均为数字）"
        )
        hint = Text("mend it if the column is meant as numbers", "若本列应为数字，请改正")
        slips = (place.problem(row, _quoting(cells[row], message), hint, warning=True) for row in words)
        problems += _capped(slips, place, warning=True)
    return _texts([as_text(cell) for cell in cells]), problems


def _quoting(cell: Cell, message: Text) -> Text:
    shown = as_text(cell)[:40]
    return Text(f"'{shown}': {message.en}", f"“{shown}”：{message.zh}")


def _texts(texts: Sequence[str]) -> NDArray[Any]:
    values = np.empty(len(texts), dtype=object)
    values[:] = ["" if is_missing(text) else text for text in texts]
    return values


def _known_word(text: str, column: Column) -> str:
    return column.words.get(text.casefold(), text) if column.words else text


def _unknown_words(texts: Sequence[str], place: Typed) -> Iterator[Problem]:
    """Yield words outside a closed set."""
    words = place.column.words
    if not words:
        return
    allowed = set(words.values())
    for row, text in enumerate(texts):
        if text not in allowed and not is_missing(text):
            message = Text(f"unknown word '{text}'", f"未知的“{text}”")
            yield place.problem(row, message, did_you_mean(text, words))


def _lost_codes(cells: Sequence[Cell], texts: Sequence[str], place: Typed) -> Iterator[Problem]:
    """Yield codes that a spreadsheet has turned into numbers and so has lost digits of."""
    if place.column.holds != "id":
        return
    for row, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        if (isinstance(cell, float) and abs(cell) >= _LONG) or _SCIENTIFIC.fullmatch(text):
            yield place.problem(
                row,
                Text(
                    f"'{text}' has lost digits: the spreadsheet took the code for a number",
                    f"“{text}”已丢失位数：编码被当成数字保存",
                ),
                Text("format the column as text and enter the code again", "请把该列设为文本格式后重新填写编码"),
            )


def _hollow(place: Typed, hollow: frozenset[str]) -> Iterator[Problem]:
    if not hollow or not place.letter:
        return
    extra = place.column.holds == "extra"
    for row, line in enumerate(place.lines):
        if f"{place.letter}{line}" in hollow:
            yield place.problem(
                row,
                Text("the cell's formula has failed or was never computed", "该单元格的公式出错或未计算"),
                Text("enter the value, or open and save the workbook", "请填写数值，或用电子表格打开后保存"),
                warning=extra,
            )


def _capped(problems: Iterator[Problem], place: Typed, *, warning: bool = False) -> Iterator[Problem]:
    """Yield the first problems of a column and then how many more there are."""
    more = 0
    for count, problem in enumerate(problems):
        if count < MOST:
            yield problem
        else:
            more += 1
    if more:
        yield Problem(
            message=Text(
                f"{place.column.key}: {more:,} more cells like these",
                f"{place.column.header('zh')}：另有{more:,}处同类问题",
            ),
            file=place.file,
            key=place.column.key,
            severity="warning" if warning else "error",
        )
