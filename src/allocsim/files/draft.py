"""A planner's own draft from a CSV file or a workbook: amounts line by line, every wrong row told at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path

import numpy as np

from allocsim.errors import InvalidInput, Problem, Text
from allocsim.files.cells import MOST, Typed, typed
from allocsim.files.columns import COLUMNS, Column
from allocsim.files.csv import read_csv
from allocsim.files.grid import Cell, Grid, Unreadable, letter
from allocsim.files.headers import normal
from allocsim.files.numbers import is_missing, plain
from allocsim.files.tables import TEXTS, bytes_of
from allocsim.files.xlsx import as_text, read_xlsx
from allocsim.model.arrays import FloatArray, floats
from allocsim.model.money import decimal
from allocsim.model.nearest import did_you_mean, nearest
from allocsim.model.scenario import Scenario

AMOUNT = Column(key="amount", holds="amount", headers=("建议数", "安排数", "金额", "预算数", "Proposed", "Amount"))
NUMBER = Column(key="number", holds="id", headers=("序号", "No."))
SHEETS = ("项目明细", "Lines")
"""Names of the sheet of lines in the workbook of a plan."""
_CODE, _NAME, _DEPARTMENT = COLUMNS["projects"][:3]
_WANTED = (_CODE, _NAME, _DEPARTMENT, NUMBER, AMOUNT)
_SEARCHED = 20
_UNIT = re.compile(r"(?:单位|unit)\s*:\s*(.+)", re.IGNORECASE)
_CHINESE = re.compile(r"(千|万|百万|亿)?(元|美元|欧元|英镑|日元|港元)")
_ENGLISH = re.compile(r"([A-Z]{3})?\s*([\d,]*)\s*(k|thousand|m|mn|million|bn|billion)?\s*([A-Z]{3}|yuan)?")
_CURRENCIES = {"元": "CNY", "美元": "USD", "欧元": "EUR", "英镑": "GBP", "日元": "JPY", "港元": "HKD"}
_CURRENCIES |= {"yuan": "CNY", "RMB": "CNY"}
_TIMES = {"": 1, "千": 10**3, "万": 10**4, "百万": 10**6, "亿": 10**8, "k": 10**3, "thousand": 10**3}
_TIMES |= {"m": 10**6, "mn": 10**6, "million": 10**6, "bn": 10**9, "billion": 10**9}
_TOTALS = ("合计", "总计", "小计", "total", "subtotal", "sum")
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """The rows below the header: which column stands where, and the unit that the head names."""

    label: str
    columns: Mapping[str, int]
    rows: tuple[tuple[Cell, ...], ...]
    lines: tuple[int, ...]
    lettered: bool
    hollow: frozenset[str]
    unit: str

    def cells(self, column: Column) -> list[Cell]:
        """Return the cells of a column, blank where the sheet lacks it."""
        at = self.columns.get(column.key, -1)
        return [row[at] if 0 <= at < len(row) else "" for row in self.rows]

    def texts(self, column: Column) -> list[str]:
        """Return the cells of a column as text."""
        texts = [plain(as_text(cell)) for cell in self.cells(column)]
        return ["" if is_missing(text) else text for text in texts]

    def problem(self, row: int, column: Column, message: Text, hint: Text | None = None) -> Problem:
        """Return a problem of one cell."""
        at, line = self.columns.get(column.key), self.lines[row]
        cell = f"{self.label}!{letter(at)}{line}" if self.lettered and at is not None else None
        return Problem(message=message, hint=hint, file=self.label, line=line, cell=cell, key=column.key)


def read_draft(path: Path, scenario: Scenario) -> FloatArray:
    """Return the amounts of a draft (p,) [money], in the order of the projects table.

    A row is known by its code, else by its name (with department and number where names are shared), so that a plan's
    own ``plan.csv`` and the sheet of lines in its workbook can be read back. Rows that name no line, such as titles,
    totals and subtotals, are passed over. A unit named above the header is converted.

    Parameters
    ----------
    path
        A CSV file, or a workbook whose sheet of lines is named 项目明细, Lines or like the projects table.
    scenario
        Whose lines are meant.

    Raises
    ------
    InvalidInput
        With every problem: unreadable files, codes nobody has, lines that are missing or doubled, amounts that are
        blank, negative, no number or off the money step.
    """
    try:
        label, grid = _grid(bytes_of(path, path.name)[0], path.name)
        sheet = _sheet(label, grid)
    except Unreadable as error:
        raise InvalidInput([error.problem]) from error
    amounts, wrong = _amounts(sheet)
    line_of, problems = _lines(sheet, scenario)
    of_lines = set(line_of)
    problems += [problem for problem in wrong if problem.line is None or sheet.lines.index(problem.line) in of_lines]
    factor, unknown = _factor(sheet, scenario.settings.unit)
    problems += [unknown] if unknown else []
    refused = {problem.line for problem in wrong}
    refused |= {sheet.lines[row] for row, text in enumerate(sheet.texts(AMOUNT)) if text and np.isnan(amounts[row])}
    found = np.full(len(scenario.projects), np.nan)
    first: dict[int, int] = {}
    for row, line in line_of.items():
        if line in first:
            problems.append(_doubled(sheet, row, scenario.projects.text("id")[line], sheet.lines[first[line]]))
        elif sheet.lines[row] not in refused:
            exact = _EXACT.multiply(decimal(amounts[row]), factor) if amounts[row] == amounts[row] else None
            problem = _off(sheet, row, exact, scenario)
            problems += [problem] if problem else []
            found[line] = float(exact) if exact is not None else np.nan
        first.setdefault(line, row)
    problems += _missing(sheet, scenario, set(first))
    if problems:
        raise InvalidInput(sorted(problems, key=lambda problem: problem.line or 2**31))
    return floats(found)


def _grid(data: bytes, file: str) -> tuple[str, Grid]:
    """Return the sheet of lines of a file, with its label.

    Raises
    ------
    Unreadable
        If the file is no table.
    """
    if Path(file).suffix.lower() in TEXTS:
        return file, read_csv(data, file, lambda rows: _header(rows) is not None)
    if Path(file).suffix.lower() not in (".xlsx", ".xlsm"):
        kind = Text("is of a kind that is not read", "的文件类型无法读取")
        raise Unreadable(file, kind, hint=Text("save it as .xlsx or .csv", "请另存为 .xlsx 或 .csv"))
    for name in SHEETS:
        try:
            found, grid = read_xlsx(data, file, "projects", name)
        except Unreadable:
            continue
        return f"{file}!{found}", grid
    found, grid = read_xlsx(data, file, "projects", None)
    return f"{file}!{found}", grid


def _header(rows: Sequence[Sequence[Cell]]) -> int | None:
    """Return which of the first rows is the header: the first with an amount and a code or a name."""
    for position, row in enumerate(rows[:_SEARCHED]):
        keys = set(_named(row))
        if AMOUNT.key in keys and keys & {_CODE.key, _NAME.key}:
            return position
    return None


def _named(row: Sequence[Cell]) -> list[str]:
    """Return the key of the column that each cell of a header means, ``""`` for none."""
    known = {normal(header): column.key for column in _WANTED for header in (column.key, *column.headers)}
    return [known.get(normal(as_text(cell)), "") for cell in row]


def _sheet(label: str, grid: Grid) -> _Sheet:
    """Return the rows below the header.

    Raises
    ------
    Unreadable
        If there is no header, two columns mean the same, or no row follows.
    """
    position = _header(grid.rows)
    if position is None:
        names = (_CODE.key, _CODE.headers[0]), (AMOUNT.key, *AMOUNT.headers[:3])
        raise Unreadable(
            label,
            Text("lacks a header with a project code and an amount", "没有同时含项目编码和金额的表头"),
            hint=Text(
                f"name the columns: {names[0][0]} and {names[1][0]}",
                f"表头请写：{names[0][1]}，以及{'、'.join(names[1][1:])}之一",
            ),
        )
    keys = _named(grid.rows[position])
    doubled = next((key for key in keys if key and keys.count(key) > 1), None)
    if doubled is not None:
        shown = [as_text(cell) for key, cell in zip(keys, grid.rows[position], strict=True) if key == doubled]
        message = Text(f": columns {' and '.join(shown)} mean the same", f"：{'、'.join(shown)}是同一列")
        hint = Text("keep one of them", "请只保留一列")
        raise Unreadable(label, message, hint=hint, line=grid.lines[position])
    if len(grid.rows) == position + 1:
        raise Unreadable(label, Text("holds no rows", "没有数据行"))
    above = [plain(as_text(cell)) for row in grid.rows[:position] for cell in row]
    units = [match[1].strip() for text in above if (match := _UNIT.fullmatch(text))]
    return _Sheet(
        label=label,
        columns={key: at for at, key in enumerate(keys) if key},
        rows=grid.rows[position + 1 :],
        lines=grid.lines[position + 1 :],
        lettered=grid.lettered,
        hollow=grid.hollow,
        unit=units[0] if units else "",
    )


def _amounts(sheet: _Sheet) -> tuple[FloatArray, list[Problem]]:
    """Return the amount of each row [unit of the sheet], NaN where blank, and what is wrong with the cells."""
    at = sheet.columns[AMOUNT.key]
    place = Typed(
        table="draft",
        file=sheet.label,
        column=AMOUNT,
        lines=sheet.lines,
        letter=letter(at) if sheet.lettered else None,
    )
    return typed(sheet.cells(AMOUNT), place, sheet.hollow)


def _lines(sheet: _Sheet, scenario: Scenario) -> tuple[dict[int, int], list[Problem]]:
    """Return row -> line for the rows that speak of one, and the rows that speak of a line nobody knows."""
    projects = scenario.projects
    by_code = {plain(code): line for line, code in enumerate(projects.text("id"))}
    by_name: dict[str, list[int]] = {}
    for names in (projects.text("name"), projects.text("english")):
        for line, name in enumerate(names):
            if name and line not in by_name.setdefault(plain(name), []):
                by_name[plain(name)].append(line)
    found: dict[int, int] = {}
    problems: list[Problem] = []
    columns = [sheet.texts(column) for column in (_CODE, _NAME, _DEPARTMENT, NUMBER)]
    for row, (code, name, department, number) in enumerate(zip(*columns, strict=True)):
        if code and not _is_total(code):
            at = by_code.get(code, by_code.get(code.removeprefix("'")))
            if at is None:
                message = Text(f"no project has the code '{code}'", f"没有编码为“{code}”的项目")
                problems.append(sheet.problem(row, _CODE, message, did_you_mean(code, by_code)))
            else:
                found[row] = at
        elif name and not code and not _is_total(name):
            same = by_name.get(name, by_name.get(name.removeprefix("'"), []))
            meant = _told_apart(same, projects.text("department"), department, number)
            if meant is None:
                problems.append(_unknown_name(sheet, row, name, by_name, several=len(same) > 1))
            else:
                found[row] = meant
    return found, problems


def _told_apart(same: Sequence[int], departments: Sequence[str], department: str, number: str) -> int | None:
    """Return the one line of a name that is meant: by its department, else by its number in the projects table."""
    if len(same) > 1:
        same = [line for line in same if departments[line] == department] or same
    if len(same) > 1:
        same = [line for line in same if str(line + 1) == number]
    return same[0] if len(same) == 1 else None


def _is_total(text: str) -> bool:
    return text.replace(" ", "").casefold() in _TOTALS


def _unknown_name(sheet: _Sheet, row: int, name: str, known: Mapping[str, Sequence[int]], *, several: bool) -> Problem:
    if several:
        message = Text(f"several projects are called '{name}'", f"有多个项目名为“{name}”")
        return sheet.problem(row, _NAME, message, Text("give the project code", "请填写项目编码"))
    close = nearest(name, known)
    hint = Text(f"did you mean '{close}'?", f"是否应为“{close}”？") if close else None
    return sheet.problem(row, _NAME, Text(f"no project is called '{name}'", f"没有名为“{name}”的项目"), hint)


def _doubled(sheet: _Sheet, row: int, code: str, line: int) -> Problem:
    column = _CODE if _CODE.key in sheet.columns else _NAME
    message = Text(f"'{code}' stands here a second time", f"“{code}”重复出现")
    hint = Text(f"the first is in line {line}: keep one", f"第一次在第{line}行：请保留一行")
    return sheet.problem(row, column, message, hint)


def _off(sheet: _Sheet, row: int, amount: Decimal | None, scenario: Scenario) -> Problem | None:
    """Return what is wrong with an amount that is blank, below zero or no whole number of money steps."""
    if amount is None:
        message = Text("the amount is blank", "金额为空")
        return sheet.problem(row, AMOUNT, message, Text("write 0 where a line gets nothing", "不安排的项目请填0"))
    step = scenario.step
    if amount < 0:
        return sheet.problem(row, AMOUNT, Text(f"{float(amount):.15g} is negative", f"{float(amount):.15g}为负数"))
    if step.is_whole(amount):
        return None
    near = [step.money(step.down(amount)), step.money(step.up(amount))]
    message = Text(
        f"{float(amount):.15g} is no whole multiple of money_step ({step.size:g})",
        f"{float(amount):.15g}不是 money_step（{step.size:g}）的整数倍",
    )
    return sheet.problem(
        row, AMOUNT, message, Text(f"{near[0]:.15g} or {near[1]:.15g}", f"{near[0]:.15g}或{near[1]:.15g}")
    )


def _missing(sheet: _Sheet, scenario: Scenario, found: set[int]) -> Iterator[Problem]:
    """Yield the lines that the draft does not name."""
    lines = [line for line in range(len(scenario.projects)) if line not in found]
    codes, names = scenario.projects.text("id"), scenario.projects.text("name")
    for line in lines[:MOST]:
        yield Problem(
            message=Text(
                f"the draft lacks {codes[line]} ({names[line]})", f"方案中没有 {codes[line]}（{names[line]}）"
            ),
            hint=Text("add a row; 0 where it gets nothing", "请补一行；不安排的填0"),
            file=sheet.label,
            key=_CODE.key,
        )
    if len(lines) > MOST:
        more = len(lines) - MOST
        message = Text(f"the draft lacks {more:,} more lines", f"方案中另缺{more:,}个项目")
        yield Problem(message=message, file=sheet.label, key=_CODE.key)


def _factor(sheet: _Sheet, unit: str) -> tuple[Decimal, Problem | None]:
    """Return by what to multiply the sheet's amounts for the scenario's unit, and a unit that cannot be converted."""
    if not sheet.unit or normal(sheet.unit) == normal(unit):
        return Decimal(1), None
    theirs, ours = _times(sheet.unit), _times(plain(unit))
    if theirs is None or ours is None or (theirs[0] and ours[0] and theirs[0] != ours[0]):
        message = Text(
            f"amounts stand in '{sheet.unit}', the scenario's in '{unit}'",
            f"金额单位为“{sheet.unit}”，本方案单位为“{unit}”",
        )
        hint = Text("convert the amounts and name the same unit", "请换算金额并写明同一单位")
        return Decimal(1), Problem(message=message, hint=hint, file=sheet.label)
    return _EXACT.divide(Decimal(theirs[1]), Decimal(ours[1])), None


def _times(unit: str) -> tuple[str, int] | None:
    """Return the currency of a unit, ``""`` where it names none, and how much of it one unit is; None if unknown.

    10,000 for 万元 and for CNY 10,000.
    """
    chinese = _CHINESE.fullmatch(unit)
    if chinese:
        return _CURRENCIES[chinese[2]], _TIMES[chinese[1] or ""]
    english = _ENGLISH.fullmatch(unit)
    if english is None or not unit:
        return None
    currency = english[1] or english[4] or ""
    return _CURRENCIES.get(currency, currency), int(english[2].replace(",", "") or 1) * _TIMES[english[3] or ""]
