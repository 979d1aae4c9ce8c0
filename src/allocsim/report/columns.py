"""The columns of the workbook's sheets: their headings, forms and widths, and how tall a row of them stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from allocsim.report.lines import Line
from allocsim.report.numbers import shown_score

MONEY, SHARE, SCORE, TEXT, WRAP, COUNT, MARK = "money", "share", "score", "text", "wrap", "count", "mark"
RIGHT = "right"
PER_WIDTH = 1.1
"""Half-width signs of this size of type that a unit of column width holds."""
LINE = 12.5
"""Height of a line of text [points]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a sheet: the key of its heading, its form, its width in characters, and what fills it."""

    key: str
    form: str
    width: float
    of: Callable[[Line], Any]


DETAIL = (
    Column(key="number", form=COUNT, width=4.5, of=lambda row: row.number),
    Column(key="department", form=WRAP, width=9, of=lambda row: row.department),
    Column(key="name", form=WRAP, width=20, of=lambda row: row.name),
    Column(key="category", form=MARK, width=7, of=lambda row: row.category),
    Column(key="fund", form=WRAP, width=9, of=lambda row: row.fund),
    Column(key="last", form=MONEY, width=9.5, of=lambda row: row.last),
    Column(key="executed", form=SHARE, width=7.5, of=lambda row: row.executed),
    Column(key="score", form=SCORE, width=6.5, of=lambda row: shown_score(row.score)),
    Column(key="grade", form=MARK, width=6, of=lambda row: row.grade),
    Column(key="requested", form=MONEY, width=9.5, of=lambda row: row.requested),
    Column(key="amount", form=MONEY, width=9.5, of=lambda row: row.amount),
    Column(key="carryover", form=MONEY, width=10, of=lambda row: row.carryover),
    Column(key="change", form=MONEY, width=9, of=lambda row: row.change),
    Column(key="change_share", form=SHARE, width=7.5, of=lambda row: row.change_share),
    Column(key="reduction", form=MONEY, width=8.5, of=lambda row: row.reduction),
    Column(key="indicators", form=WRAP, width=24, of=lambda row: row.indicators),
    Column(key="reason", form=WRAP, width=70, of=lambda row: row.reason),
    Column(key="basis", form=WRAP, width=18, of=lambda row: row.basis),
)
"""The columns of the detail sheet, in the order in which a bureau reads them."""
HANDLING = Column(key="handling", form=MARK, width=7, of=lambda row: "")
"""What becomes of carry-over: stands after it in the sheet of its own."""
POLICIES: tuple[tuple[str, float], ...] = (
    *(("policy", 22), ("legal", 26), ("who", 22), ("days", 11), ("difference", 11), ("interval_95", 18)),
    *(("acts", 9), ("better_curves", 15), ("idle", 11), ("cvar", 12), ("shortfall", 11), ("unspent", 9)),
    *(("moved", 9), ("exhausted", 9), ("needed", 12)),
)
"""The columns of the sheet of policies, each with its width."""
SUMMED = ("last", "requested", "amount", "carryover", "change", "change_share", "reduction")


def properties(form: str, look: str, *, font: str, decimals: int) -> dict[str, Any]:
    """Return how a cell of a form and a look stands; amounts show as many decimals as every step needs."""
    made: dict[str, Any] = {
        "font_name": font,
        "font_size": 9,
        "valign": "vcenter",
        "border": 1,
        "border_color": "#C9D1D8",
    }
    point = "." + "0" * decimals if decimals else ""
    amount = f"#,##0{point};−#,##0{point};0"
    forms: dict[str, dict[str, Any]] = {
        MONEY: {"num_format": amount, "align": "right"},
        SHARE: {"num_format": "0.0%;−0.0%;0.0%", "align": "right"},
        SCORE: {"num_format": "0.0", "align": "right"},
        COUNT: {"num_format": "#,##0", "align": "center"},
        MARK: {"align": "center"},
        TEXT: {"align": "left"},
        WRAP: {"align": "left", "text_wrap": True},
        RIGHT: {"align": "right", "text_wrap": True},
        "number": {"num_format": "#,##0.00;−#,##0.00;0.00", "align": "right"},
    }
    looks: dict[str, dict[str, Any]] = {
        "": {},
        "head": {"bold": True, "align": "center", "valign": "vcenter", "text_wrap": True, "bg_color": "#E8EEF2"},
        "total": {"bold": True, "bg_color": "#F3F6F8"},
        "group": {"bold": True, "bg_color": "#F8FAFB"},
        "title": {"bold": True, "font_size": 16, "align": "center", "border": 0},
        "notice": {"font_color": "#8A6100", "align": "left", "border": 0, "text_wrap": False},
        "unit": {"align": "right", "border": 0, "text_wrap": False},
        "plain": {"border": 0},
        "section": {"border": 0, "bold": True, "font_size": 11},
    }
    return made | forms[form] | looks[look]


def height(row: Line) -> int:
    """Return how many lines of text the tallest cell of a row needs."""
    widths = {column.key: column.width for column in DETAIL}
    texts = {
        "reason": row.reason,
        "indicators": row.indicators,
        "name": row.name,
        "department": row.department,
        "basis": row.basis,
        "fund": row.fund,
    }
    return tallest((text, widths[key]) for key, text in texts.items())


def tallest(cells: Iterable[tuple[str, float]]) -> int:
    """Return how many lines the tallest of some texts needs in columns of their widths."""
    return max(1, *(math.ceil(width_of(text) / (PER_WIDTH * width)) for text, width in cells))


def width_of(text: str) -> int:
    """Return the half-width signs that a text takes, a Chinese sign counting two."""
    return sum(2 if ord(sign) >= 0x1100 else 1 for sign in text)
