"""Numbers as people read them: money in prose and in tables, percentages, scores; NaN is a dash, minus is a minus."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from allocsim.model.money import decimal
from allocsim.model.result import Result
from allocsim.model.scenario import Scenario

DASH = "—"
TIED = "\u00a0"
"""The space that holds a number and its unit on one line."""
MINUS = "−"
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NAMES = {"CNY": "元", "RMB": "元", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元", "HKD": "港元"}
_TIMES = {"": 1.0, "千": 1e3, "万": 1e4, "百万": 1e6, "亿": 1e8, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}
_TIMES |= {"mn": 1e6, "bn": 1e9, "billion": 1e9}
_WIDE = Context(prec=60)
_CHINESE = re.compile(r"(千|万|百万|亿)?(?:元|美元|欧元|英镑|日元|港元)")
_ENGLISH = re.compile(r"(?:[A-Z]{3}\s*)?([\d,]*)\s*(k|thousand|m|mn|million|bn|billion)?\s*(?:[A-Z]{3}|yuan)?")


FINE = 10.0
"""Amounts in the unit of the tables below which a column of differences shows two decimals."""
SURE = 0.99
"""Probability above which a count of draws is told as "more than" and no closer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How one scenario's numbers are written in one language.

    Attributes
    ----------
    language, currency, unit
        ``"zh"`` or ``"en"``; the scenario's currency and unit of money.
    step
        Least amount the plan moves [unit].
    benefit_is_money
        True where benefit counts money that performs at 100 points; False where curves were given as benefit.
    """

    language: str
    currency: str
    unit: str
    step: float
    benefit_is_money: bool = True

    @property
    def factor(self) -> float | None:
        """Currency in one unit: 10,000 for 万元; None where the unit is not one that is known."""
        chinese = _CHINESE.fullmatch(self.unit.strip())
        if chinese:
            return _TIMES[chinese[1] or ""]
        english = _ENGLISH.fullmatch(self.unit.strip())
        if not english or not self.unit.strip():
            return None
        return float(english[1].replace(",", "") or 1) * _TIMES[english[2] or ""]

    @property
    def _table_factor(self) -> float:
        """Table units in one unit of the scenario: tables stand in 万元 where every step is whole in it."""
        factor = self.factor
        if factor is None or self.currency not in ("CNY", "RMB"):
            return 1.0
        whole = decimal(self.step) * decimal(factor) % 10_000 == 0
        return factor / 1e4 if whole else 1.0

    @property
    def table_unit(self) -> str:
        """The unit of money in tables: 万元, or CNY 10,000."""
        factor = self.factor
        if factor is None:
            return self.unit
        shown = factor / self._table_factor
        if self.language == "zh":
            return f"{_count_zh(shown)}{self._currency_zh}"
        return self.currency if shown == 1 else f"{self.currency} {shown:,.0f}"

    @property
    def decimals(self) -> int:
        """Decimals that table amounts need so that every step shows."""
        shown = decimal(self.step) * decimal(self._table_factor)
        exponent = shown.normalize().as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0

    @property
    def _currency_zh(self) -> str:
        return _NAMES.get(self.currency, self.currency)

    def shown(self, amount: float) -> float:
        """Return an amount in the unit of the tables, for cells that hold numbers."""
        return round(amount * self._table_factor, 9)

    def table(self, amount: float, *, signed: bool = False) -> str:
        """Return an amount as a table shows it; zero under a sign is blank of it."""
        return plain(self.shown(amount), self.decimals, signed=signed)

    def exact(self, amount: float) -> str:
        """Return an amount in full inside a sentence, every step of it: 6,800万元, or CNY 68.0 m."""
        factor = self.factor
        if self.language == "zh" or factor is None:
            return f"{self.table(amount)}{'' if self.language == 'zh' else TIED}{self.table_unit}"
        size, name = (1e6, f"{TIED}m") if abs(amount) * factor >= 1e6 else (1.0, "")
        step = decimal(self.step) * decimal(factor) / decimal(size)
        exponent = step.normalize().as_tuple().exponent
        digits = max(0, -exponent) if isinstance(exponent, int) else 0
        return f"{self.currency}{TIED}{plain(amount * factor / size, digits)}{name}"

    def prose(self, amount: float, *, signed: bool = False) -> str:
        """Return an amount as prose says it: 亿元 with two decimals, or CNY bn; small amounts in 万元 or CNY m."""
        factor = self.factor
        if not math.isfinite(amount):
            return DASH
        if factor is None:
            return f"{plain(amount, self.decimals, signed=signed)}{TIED}{self.unit}"
        money = amount * factor
        if abs(money) < 0.5:
            return f"0{self.table_unit}" if self.language == "zh" else f"{self.currency}{TIED}0"
        if self.language == "zh":
            size, name, digits = _size_zh(money)
            return f"{plain(money / size, digits, signed=signed)}{name}{self._currency_zh}"
        size, name, digits = _size_en(money)
        number = plain(money / size, digits, signed=signed)
        sign = number[0] if number[0] in f"+{MINUS}" else ""
        return f"{sign}{self.currency}{TIED}{number.removeprefix(sign)}{name}"

    def worth(self, benefit: float, *, signed: bool = False) -> str:
        """Return a benefit in prose: like money where it counts money at 100 points, else a bare number."""
        return self.prose(benefit, signed=signed) if self.benefit_is_money else significant(benefit, signed=signed)

    def axis(self, largest: float) -> tuple[float, str]:
        """Return the factor from [unit] to what an axis shows, and the unit's name on it."""
        if self.factor is None:
            return 1.0, self.unit
        money = abs(largest) * self.factor
        if self.language == "zh":
            size, name, _ = _size_zh(money)
            return self.factor / size, f"{name}{self._currency_zh}"
        size, name, _ = _size_en(money)
        return self.factor / size, f"{self.currency}{name}"

    def percent(self, share: float, *, signed: bool = False, digits: int = 1) -> str:
        """Return a share as a percentage with one decimal."""
        if not math.isfinite(share):
            return DASH
        return plain(100 * share, digits, signed=signed) + ("%" if self.language == "zh" else f"{TIED}%")

    def chance(self, probability: float) -> str:
        """Return a probability counted over draws or lanes: never certainty, which no count of cases can give."""
        if probability > SURE:
            return f">{self.percent(SURE, digits=0)}"
        if probability < 1.0 - SURE:
            return f"<{self.percent(1.0 - SURE, digits=0)}"
        return self.percent(probability, digits=0)

    def cut(self, share: float) -> str:
        """Return a share that a rule states, without idle decimals: 90%, 12.5%."""
        return self.percent(share, digits=0 if round(100 * share, 6) == round(100 * share) else 1)

    def rate(self, benefit_per_money: float) -> str:
        """Return what one unit of money of the tables brings: 0.53万元 for 1万元, or CNY 5,300 for CNY 10,000."""
        if not self.benefit_is_money:
            return significant(benefit_per_money / self._table_factor)
        text = significant(benefit_per_money)
        if text == DASH:
            return text
        if self.language == "zh":
            return f"{text}{self.table_unit}"
        factor = self.factor
        if factor is None:
            return f"{text}{TIED}{self.unit}"
        money = round(float(text.replace(",", "").replace(MINUS, "-")) * factor / self._table_factor, 6)
        sign = MINUS if money < 0 else ""
        amount = plain(abs(money), 0 if money == round(money) else 2)
        return f"{sign}{self.currency}{TIED}{amount}"

    def per(self, benefit: float) -> str:
        """Return what one unit of something that is not money brings: 0.12万元, or CNY 1,200 [benefit]."""
        return self.rate(benefit * self._table_factor)

    def per_head(self, amount: float) -> str:
        """Return money per head in the currency itself, where the unit is known: 123.45元, or CNY 123.45."""
        factor = self.factor
        if factor is None:
            return f"{significant(amount)}{TIED}{self.unit}"
        text = significant(amount * factor)
        return f"{text}{self._currency_zh}" if self.language == "zh" else f"{self.currency}{TIED}{text}"

    def fine(self, benefit: float, *, signed: bool = False) -> str:
        """Return an amount of a column in the unit of the tables: two decimals below ten, none above.

        Where benefit is not money it stands as a bare number.
        """
        if not self.benefit_is_money:
            return significant(benefit, signed=signed)
        amount = self.shown(benefit) if math.isfinite(benefit) else benefit
        return plain(amount, 2 if abs(amount) < FINE and amount else 0, signed=signed)

    def day(self, date: str) -> str:
        """Return a date stated as month-day (``08-25``) in words."""
        month, day = (int(part) for part in date.split("-"))
        if self.language == "zh":
            return f"{month}月{day}日"
        return f"{day}{TIED}{MONTHS[month - 1]}"


def numbers(scenario: Scenario, *, language: str | None = None, benefit_is_money: bool = True) -> Numbers:
    """Return how the numbers of a scenario are written, in its own language or another."""
    stated = scenario.settings
    return Numbers(
        language=language or stated.language,
        currency=stated.currency,
        unit=stated.unit,
        step=stated.money_step,
        benefit_is_money=benefit_is_money,
    )


def numbers_of(result: Result, *, language: str | None = None) -> Numbers:
    """Return how a result's numbers are written; benefit reads as money unless every curve was given as benefit."""
    given = result.curves is not None and bool(result.curves.given.all())
    return numbers(result.scenario, language=language, benefit_is_money=not given)


def plain(value: float, decimals: int = 0, *, signed: bool = False) -> str:
    """Return a number rounded as on paper, with thousands separators, a true minus, and no minus before a zero."""
    if not math.isfinite(value):
        return DASH
    whole = decimal(abs(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _WIDE)
    text = f"{whole:,f}"
    if not text.strip("0,."):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def score(value: float) -> str:
    """Return a score with one decimal [score 0-100], cut off: 79.96 is 79.9, for 80.0 would be another grade."""
    return plain(shown_score(value), 1)


def shown_score(value: float) -> float:
    """Return a score cut off after its first decimal; the tiny sum keeps 80.1 at 80.1."""
    return math.floor(10 * value + 1e-9) / 10 if math.isfinite(value) else value


def significant(value: float, *, signed: bool = False) -> str:
    """Return a number of any size: two decimals, more below a tenth so that two digits show, none from 1,000 on."""
    if not math.isfinite(value) or value == 0:
        return DASH if value else "0"
    rounded = float(f"{abs(value):.1e}")
    decimals = 2 if rounded >= 0.1 else 1 - math.floor(math.log10(rounded))
    return plain(value, 0 if abs(value) >= 1000 else min(decimals, 12), signed=signed)


def _count_zh(factor: float) -> str:
    names = {1.0: "", 1e3: "千", 1e4: "万", 1e6: "百万", 1e8: "亿"}
    return names.get(factor, f"{factor:,.0f}")


def _size_zh(money: float) -> tuple[float, str, int]:
    """Return divisor, name and decimals of an amount in the currency: from 1 亿 on in 亿."""
    if abs(money) >= 1e8 or money == 0:
        return 1e8, "亿", 2
    if abs(money) >= 1e3:
        return 1e4, "万", 0 if abs(money) >= 1e5 else 2
    return 1.0, "", 0


def _size_en(money: float) -> tuple[float, str, int]:
    if abs(money) >= 1e9 or money == 0:
        return 1e9, f"{TIED}bn", 2
    if abs(money) >= 1e6:
        return 1e6, f"{TIED}m", 0 if abs(money) >= 1e8 else 1
    return 1.0, "", 0
