"""The workbook: sheets as a bureau files them, safe to open, the same bytes each time."""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from allocsim.model.result import Result
from allocsim.report import prose
from allocsim.report.checks import checks
from allocsim.report.columns import (
    COUNT,
    DETAIL,
    HANDLING,
    LINE,
    MARK,
    MONEY,
    PER_WIDTH,
    POLICIES,
    RIGHT,
    SHARE,
    SUMMED,
    TEXT,
    WRAP,
    Column,
    height,
    properties,
    tallest,
    width_of,
)
from allocsim.report.counts import EVENNESS
from allocsim.report.lines import Line, Totals, departments, executed_head, lines, totals
from allocsim.report.names import asked_for
from allocsim.report.numbers import DASH, FINE, Numbers, numbers_of
from allocsim.report.opening import cards, has_hazards
from allocsim.report.options import Option, options, recommendation
from allocsim.report.reasons import one
from allocsim.report.rules import CHINESE_LAW, ease, groups, range_words
from allocsim.report.words import Words, words

CREATED = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).replace(tzinfo=None)
"""A fixed creation date, so that the same result gives the same bytes."""
FONTS = {"zh": "Microsoft YaHei", "en": "Calibri"}
NO_SHARE = 0.0005
"""Shares that would show as a minus before a zero are written as zero."""
A3, A4 = 8, 9
"""Sizes of paper as spreadsheets number them."""
FIRST_ROW = 4
"""Title, notice and unit, then the header in this row (from 1)."""


def workbook(result: Result, *, language: str | None = None) -> bytes:
    """Return the workbook of a result's plan as the bytes of an .xlsx file.

    Text that comes from tables stays text: no cell of it becomes a formula or a link.

    Raises
    ------
    ValueError
        If the result holds no plan.
    """
    if result.plan is None:
        raise ValueError("this result holds no plan")
    spoken = words(language or result.scenario.settings.language)
    packed = io.BytesIO()
    book = xlsxwriter.Workbook(
        packed,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        },
    )
    settings = result.scenario.settings
    book.set_properties(
        {"title": spoken("page.title", year=str(settings.year)), "author": "allocsim", "created": CREATED}
    )
    writer = _Book(book=book, result=result, spoken=spoken)
    writer.summary()
    writer.detail("detail", writer.rows)
    writer.detail("cuts", [row for row in writer.rows if row.move in ("down", "out")])
    writer.detail("new", [row for row in writer.rows if not row.last > 0 and row.amount > 0])
    writer.detail("evaluate", [row for row in writer.rows if row.move == "evaluate"])
    writer.rules()
    writer.detail("carryover", [row for row in writer.rows if row.carryover > 0])
    writer.policies()
    writer.notes()
    book.close()
    return packed.getvalue()


class _Book:
    """A workbook under way: its formats, and one method a sheet."""

    def __init__(self, *, book: Any, result: Result, spoken: Words) -> None:
        self.book, self.result, self.spoken = book, result, spoken
        self.written: Numbers = numbers_of(result, language=spoken.language)
        self.rows: Sequence[Line] = lines(result, language=spoken.language)
        self._formats: dict[tuple[str, str], Any] = {}

    def format(self, form: str, look: str = "") -> Any:
        """Return the cell format of a form (money, share, ...) and a look (``head``, ``total``, ``group``, ...)."""
        if (form, look) not in self._formats:
            self._formats[form, look] = self.book.add_format(
                properties(form, look, font=FONTS[self.spoken.language], decimals=self.written.decimals)
            )
        return self._formats[form, look]

    def sheet(self, key: str, widths: Sequence[float], heads: Sequence[str], *, paper: int = A4) -> Any:
        """Return a new sheet with title, notice, unit and header; landscape, header repeated, panes frozen."""
        name = self.spoken(f"sheet.{key}")
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(paper)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.55)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L&8{_footer(self.result.scenario.settings.notice)}&R&8&P / &N")
        sheet.hide_gridlines(2)
        last = len(heads) - 1
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        title = self.spoken("sheet.title", year=str(self.result.scenario.settings.year), sheet=name)
        sheet.set_row(0, 28)
        sheet.merge_range(0, 0, 0, last, "", self.format(TEXT, "title"))
        sheet.write_string(0, 0, title, self.format(TEXT, "title"))
        sheet.write_string(1, 0, self.result.scenario.settings.notice or "", self.format(TEXT, "notice"))
        scenario = self.result.scenario
        stands_on = " · ".join((scenario.settings.title, *asked_for(scenario, self.spoken)))
        sheet.write_string(2, 0, stands_on, self.format(TEXT, "plain"))
        unit = self.spoken("page.unit", unit=self.written.table_unit)
        sheet.write_string(2, last, unit, self.format(TEXT, "unit"))
        sheet.set_row(FIRST_ROW - 1, 6 + LINE * max(2, tallest(zip(heads, widths, strict=True))))
        for place, head in enumerate(heads):
            sheet.write_string(FIRST_ROW - 1, place, head, self.format(TEXT, "head"))
        sheet.repeat_rows(FIRST_ROW - 1)
        return sheet

    def put(self, sheet: Any, row: int, column: int, value: Any, form: str, look: str = "") -> None:
        """Write one cell: text as text, numbers as numbers in the unit of the tables, what is not known as a blank."""
        style = self.format(form, look)
        if isinstance(value, str):
            sheet.write_string(row, column, value, style)
        elif value is None or not math.isfinite(value):
            sheet.write_blank(row, column, None, style)
        elif form == SHARE and abs(value) < NO_SHARE:
            sheet.write_number(row, column, 0, style)
        else:
            sheet.write_number(row, column, self.written.shown(value) if form == MONEY else value, style)

    def summary(self) -> None:
        """Write the totals by department, the whole first."""
        keys = (
            "department",
            "line_count",
            "last",
            "requested",
            "amount",
            "carryover",
            "change",
            "change_share",
            "reduction",
        )
        forms = (TEXT, COUNT, MONEY, MONEY, MONEY, MONEY, MONEY, SHARE, MONEY)
        sheet = self.sheet(
            "summary", (22, 8, 14, 14, 14, 13, 13, 10, 13), [self.spoken(f"column.{key}") for key in keys]
        )
        sheet.freeze_panes(FIRST_ROW, 1)
        whole = totals(self.spoken("page.total"), self.rows)
        for place, sums in enumerate([whole, *(sums for sums, _ in departments(self.rows))]):
            values = (sums.name, sums.count, *(getattr(sums, key) for key in keys[2:]))
            for column, (value, form) in enumerate(zip(values, forms, strict=True)):
                self.put(sheet, FIRST_ROW + place, column, value, form, "total" if place == 0 else "")

    def detail(self, key: str, rows: Sequence[Line]) -> None:
        """Write lines with the total first and a subtotal before each department."""
        columns = list(DETAIL)
        if key == "carryover":
            columns.insert([column.key for column in DETAIL].index("carryover") + 1, HANDLING)
        sheet = self.sheet(key, [column.width for column in columns], [self.head(c.key) for c in columns], paper=A3)
        sheet.freeze_panes(FIRST_ROW, 3)
        if not rows:
            sheet.write_string(FIRST_ROW, 0, self.spoken("sheet.empty"), self.format(TEXT, "plain"))
            return
        at = FIRST_ROW
        self._sums(sheet, at, columns, totals(self.spoken("page.total"), rows), "total")
        for sums, group in departments(rows):
            at += 1
            self._sums(sheet, at, columns, sums, "group")
            for row in group:
                at += 1
                sheet.set_row(at, LINE * height(row))
                for place, column in enumerate(columns):
                    value = self.handling(row) if column is HANDLING else column.of(row)
                    self.put(sheet, at, place, value, column.form)
        sheet.autofilter(FIRST_ROW - 1, 0, at, len(columns) - 1)

    def head(self, key: str) -> str:
        """Return the heading of a column of the detail sheets."""
        return executed_head(self.result.scenario, self.spoken) if key == "executed" else self.spoken(f"column.{key}")

    def handling(self, row: Line) -> str:
        """Return what becomes of a line's carry-over: taken back where the line ends, else used first."""
        return self.spoken("sheet.taken_back" if row.amount == 0 else "sheet.used_first")

    def _sums(self, sheet: Any, at: int, columns: Sequence[Column], sums: Totals, look: str) -> None:
        for place, column in enumerate(columns):
            value: Any = getattr(sums, column.key) if column.key in SUMMED else ""
            if column.key == "department":
                value = sums.name
            self.put(sheet, at, place, value, column.form if column.key in SUMMED else TEXT, look)

    def rules(self) -> None:
        """Write every row of every rule with its price; the prices are worth per unit of money."""
        keys = ("rule", "kind", "basis", "scope", "level", "activity", "slack", "binding")
        heads = [self.spoken(f"column.{key}") for key in keys]
        at_choices = self.result.plan is not None and self.result.plan.at_choices
        heads.append(self.spoken("column.price_at" if at_choices else "column.price", one=one(self.written)))
        heads += [self.spoken("column.price_range"), self.spoken("column.soft")]
        widths = (22, 18, 30, 28, 15, 15, 15, 10, 17, 34, 34)
        sheet = self.sheet("rules", widths, heads)
        sheet.freeze_panes(FIRST_ROW, 1)
        at = FIRST_ROW
        for group in groups(self.result, language=self.spoken.language):
            for row in group.rows:
                report = row.report
                kind = f"{group.kind} {self.spoken(f'sense.{report.sense}')}" if row.level != DASH else group.kind
                texts = (group.name, kind, group.basis, row.scope)
                for column, text in enumerate(texts):
                    self.put(sheet, at, column, text, WRAP)
                sheet.set_row(at, LINE * tallest([*zip(texts, widths, strict=False), (row.soft, widths[-1])]))
                told = (row.level, row.activity, row.slack)
                values = (report.level, report.activity, report.slack)
                for column, (value, text) in enumerate(zip(values, told, strict=True), start=4):
                    is_money = report.counted_in == "money" and report.name != EVENNESS
                    self.put(sheet, at, column, value if is_money else text, MONEY if is_money else RIGHT)
                self.put(sheet, at, 7, "●" if report.binding else "", COUNT)
                worth = ease(report) if report.binding else None
                of_column = worth is not None and report.counted_in == "column"
                self.put(sheet, at, 8, row.price if of_column else worth, RIGHT if of_column else "number")
                self.put(sheet, at, 9, range_words(row, self.spoken, self.written), WRAP)
                self.put(sheet, at, 10, row.soft, WRAP)
                at += 1
        sheet.autofilter(FIRST_ROW - 1, 0, max(at - 1, FIRST_ROW), len(heads) - 1)

    def policies(self) -> None:
        """Write the adjustment policies as options: legal class, who decides, how long, and what each brings."""
        is_chinese = self.result.scenario.settings.currency in CHINESE_LAW
        columns = [column for column in POLICIES if is_chinese or column[0] not in ("legal", "who", "days")]
        heads = [self.spoken(f"column.{key}") for key, _ in columns]
        sheet = self.sheet("policies", [width for _, width in columns], heads)
        sheet.freeze_panes(FIRST_ROW, 1)
        compared = self.result.comparison
        if compared is None:
            sheet.write_string(FIRST_ROW, 0, self.spoken("lead.no_comparison"), self.format(TEXT, "plain"))
            return
        for at, option in enumerate(options(compared, self.spoken, self.written), start=FIRST_ROW):
            look = "total" if option.is_recommended else ""
            cells = self._policy(option)
            wrapped = [(cells[key][0], width) for key, width in columns if cells[key][1] == WRAP]
            sheet.set_row(at, LINE * tallest(wrapped))
            for column, (key, _) in enumerate(columns):
                self.put(sheet, at, column, *cells[key], look)
        headline, because = recommendation(self.result, compared, language=self.spoken.language)
        for place, said in enumerate((headline, *because)):
            sheet.write_string(FIRST_ROW + len(compared.policies) + 1 + place, 0, said, self.format(TEXT, "plain"))

    def _policy(self, option: Option) -> dict[str, tuple[Any, str]]:
        """Return the cells of one policy, each with its form; what it has not is a dash."""
        p, fine = option.policy, self.written.fine
        picked = self.spoken("page.in_brackets", text=self.spoken("page.picked")) if option.is_recommended else ""
        span = f"{fine(p.difference.low, signed=True)} … {fine(p.difference.high, signed=True)}"
        draws = p.reserve_needed > 0
        return {
            "policy": (f"{option.name}{picked}", WRAP),
            "legal": (option.legal, WRAP),
            "who": (option.who, WRAP),
            "days": (option.days, TEXT),
            "difference": (DASH, MARK) if option.is_baseline else self._fine(p.difference.mean),
            "interval_95": (DASH if option.is_baseline else span, MARK),
            "acts": (DASH, MARK) if option.is_baseline else (p.deciding_lanes, COUNT),
            "better_curves": (option.better, MARK),
            "idle": (DASH, MARK) if option.is_baseline else self._fine(p.idle_cost),
            "cvar": self._fine(p.cvar10),
            "shortfall": (self.written.chance(p.shortfall_probability), MARK),
            "unspent": (p.unspent, SHARE),
            "moved": (p.moved, SHARE),
            "exhausted": (self.written.chance(p.reserve_exhausted_probability) if draws else DASH, MARK),
            "needed": (p.reserve_needed, MONEY) if draws else (DASH, MARK),
        }

    def _fine(self, benefit: float) -> tuple[float, str]:
        """Return a benefit with its form: in the unit of the tables where it is money, small ones with two decimals."""
        if not self.written.benefit_is_money:
            return benefit, "number"
        shown = self.written.shown(benefit)
        return (shown, "number") if abs(shown) < FINE else (benefit, MONEY)

    def notes(self) -> None:
        """Write what must be known beside the figures: the three answers, checks, certificate, assumptions, terms."""
        heads = [self.spoken(f"column.{key}") for key in ("assumption", "value", "meaning")]
        sheet = self.sheet("notes", (26, 24, 100), heads)
        language, at = self.spoken.language, FIRST_ROW
        first = "one" if has_hazards(self.result.scenario) else "one_calm"
        for name, value, note in prose.assumptions(self.result, language=language):
            for column, text in enumerate((name, value, note)):
                self.put(sheet, at, column, text, WRAP)
            at += 1
        parts = [
            (card.question, [card.sentence, *([card.note] if card.note else [])])
            for card in cards(self.result, language=language)
        ]
        held = [
            self.spoken("page.check_line", name=c.label, said=f"{c.word} {c.detail}".rstrip())
            for c in checks(self.result, language=language)
        ]
        parts.append((self.spoken("page.checks"), held))
        parts.append((self.spoken("page.certificate"), list(prose.certificate(self.result, language=language))))
        parts.append(
            (
                self.spoken("page.reading"),
                [self.spoken(f"reading.{k}") for k in (first, "two", "three", "four", "five")],
            )
        )
        parts.append((self.spoken("page.glossary"), [f"{zh}　{en}" for zh, en in prose.glossary(language)]))
        for title, said in parts:
            sheet.write_string(at + 1, 0, title, self.format(TEXT, "section"))
            at += 2
            for text in said:
                sheet.merge_range(at, 0, at, 2, "", self.format(WRAP, "plain"))
                sheet.write_string(at, 0, text, self.format(WRAP, "plain"))
                sheet.set_row(at, 13.5 * max(1, math.ceil(width_of(text) / (PER_WIDTH * 150))))
                at += 1


def _footer(notice: str | None) -> str:
    """Return the notice as a sheet's footer may hold it: ``&`` doubled, and short."""
    return (notice or "").replace("&", "&&")[:180]
