"""Numbers as people type them: full-width digits, thousands separators, percent signs, a dash for nothing."""

from __future__ import annotations

import math
import re

from allocsim.errors import Text

_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:([, ])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]*)?")
_LEADING = re.compile(r"[¥$€£]?\s*[+-]?[0-9][0-9,. ]*")
_MISSING = frozenset({"", "-", "--"})
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DASHES = dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE58, 0xFE63, 0x2500], ord("-"))
_SPACES = dict.fromkeys([0x00A0, 0x2007, 0x2009, 0x202F, 0x3000, 0xFEFF], ord(" "))
_TO_PLAIN = {**_FULL_WIDTH, **_DASHES, **_SPACES}


class NotNumber(ValueError):  # noqa: N818 - it reads as what it is
    """A cell that holds no number: what is wrong, and what would mend it."""

    def __init__(self, message: Text, hint: Text | None = None) -> None:
        super().__init__(message.en)
        self.message = message
        self.hint = hint


def plain(cell: str) -> str:
    """Return a cell with full-width characters, dashes and odd spaces as their ASCII kin."""
    return cell.strip() if cell.isascii() else cell.translate(_TO_PLAIN).strip()


def is_missing(cell: str) -> bool:
    """Tell whether a cell says "nothing": blank, or a dash of any kind."""
    return plain(cell) in _MISSING


def number(cell: str | float) -> float:
    """Return the number of a cell; NaN where the cell says "nothing". A percentage is a share: ``85%`` is 0.85.

    Raises
    ------
    NotNumber
        If the cell holds a word, a formula, nan, inf, a broken thousands separator or a number with its unit.
    """
    if not isinstance(cell, str):
        return _finite(float(cell), str(cell))
    text = plain(cell)
    if text in _MISSING:
        return math.nan
    scale = ""
    body = text
    if text.endswith("%"):
        body, scale = text[:-1].rstrip(), "e-2"
    if _GROUPED.fullmatch(body):
        body = body.replace(",", "").replace(" ", "")
    elif not _PLAIN.fullmatch(body) or (scale and "e" in body.lower()):
        raise _complaint(cell, text)
    return _finite(float(body + scale), cell)


def _finite(value: float, cell: str) -> float:
    if not math.isfinite(value):
        raise NotNumber(Text(f"'{cell}' is not a finite number", f"“{cell}”不是有限数"), _LEAVE_BLANK)
    return value


_LEAVE_BLANK = Text("leave the cell blank where the number is not known", "数值未知时请留空")


def _complaint(cell: str, text: str) -> NotNumber:
    shown = cell if len(cell) <= 40 else cell[:37] + "..."
    message = Text(f"'{shown}' is not a number", f"“{shown}”不是数字")
    if text.casefold().lstrip("+-") in ("nan", "inf", "infinity", "n/a", "na", "null", "none"):
        finite = Text(f"'{shown}' is not a finite number", f"“{shown}”不是有限数")
        return NotNumber(finite, _LEAVE_BLANK)
    if text[0] in "=@" or (text[0] == "+" and not text[1:2].isdigit()):
        return NotNumber(message, Text("formulas are not evaluated: paste the value", "不计算公式：请粘贴为数值"))
    if text.startswith("#"):
        return NotNumber(
            message, Text("the cell's formula has failed: enter the value", "该单元格公式出错：请填写数值")
        )
    leading = _LEADING.match(text)
    if leading and leading.group().strip(" ,.¥$€£"):
        digits = re.sub(r"[^0-9.+-]", "", leading.group())
        hint = Text(f"digits only, without a unit or note: {digits}", f"只填数字，不带单位或说明：{digits}")
        if re.fullmatch(r"[+-]?[0-9,.\s]+", text):
            hint = Text("check the separators: 1,234,567.8", "请检查千分位与小数点：1,234,567.8")
        return NotNumber(message, hint)
    return NotNumber(message, Text("a number belongs here; leave blank if not known", "此处应填数字；未知请留空"))
