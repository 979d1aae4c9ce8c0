"""Numbers: units, factors of ten, minus signs, and nothing that rounds into a lie."""

from __future__ import annotations

import math

import pytest

import report_fixture
from allocsim.report.numbers import Numbers, numbers, plain, score, significant


def of(language: str, unit: str = "万元", *, currency: str = "CNY", step: float = 10, money: bool = True) -> Numbers:
    return Numbers(language=language, currency=currency, unit=unit, step=step, benefit_is_money=money)


def english(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("unit", "amount"), [("万元", 1_257_500.0), ("元", 12_575_000_000.0), ("亿元", 125.75), ("千元", 12_575_000.0)]
)
def test_one_sum_in_any_unit_reads_the_same(unit: str, amount: float) -> None:
    assert of("zh", unit).prose(amount) == "125.75亿元"
    assert english(of("en", unit).prose(amount)) == "CNY 12.58 bn"


@pytest.mark.parametrize("unit", ["1000 USD", "USD 1,000", "USD 1000", "thousand USD", "k USD"])
def test_foreign_units(unit: str) -> None:
    assert english(of("en", unit, currency="USD").prose(12_575_000.0)) == "USD 12.58 bn"
    assert of("zh", unit, currency="USD").prose(12_575_000.0) == "125.75亿美元"
    assert of("en", unit, currency="USD").table_unit == "USD 1,000"
    assert of("zh", unit, currency="USD").table_unit == "千美元"


def test_a_unit_that_is_not_known_is_left_alone() -> None:
    assert english(of("en", "doses").prose(1234.0)) == "1,234 doses"
    assert of("en", "doses").table_unit == "doses"
    assert of("zh", "doses").axis(5.0) == (1.0, "doses")


@pytest.mark.parametrize(
    ("unit", "step", "amount", "shown", "named"),
    [
        ("万元", 10, 1_257_500.0, "1,257,500", "万元"),
        ("亿元", 0.001, 125.75, "1,257,500", "万元"),
        ("元", 100_000, 12_575_000_000.0, "1,257,500", "万元"),
        ("元", 1, 12_575.0, "12,575", "元"),
        ("万元", 0.5, 12.5, "12.5", "万元"),
    ],
)
def test_tables_stand_in_wan_yuan_where_every_step_is_whole_in_it(
    unit: str, step: float, amount: float, shown: str, named: str
) -> None:
    written = of("zh", unit, step=step)
    assert written.table(amount) == shown
    assert written.table_unit == named
    assert plain(written.shown(amount), written.decimals) == shown


def test_english_tables_name_their_unit() -> None:
    assert of("en").table_unit == "CNY 10,000"
    assert of("en", "元", step=1).table_unit == "CNY"


def test_minus_is_a_minus_and_nothing_is_no_sign() -> None:
    assert of("zh").table(-13000.0, signed=True) == "−13,000"
    assert of("zh").table(13000.0, signed=True) == "+13,000"
    assert of("zh").table(0.0, signed=True) == "0"
    assert of("zh").table(-0.2) == "0"
    assert of("zh").percent(-0.00001) == "0.0%"
    assert english(of("en").prose(-13000.0, signed=True)) == "−CNY 130 m"
    assert english(of("en").prose(9310.0, signed=True)) == "+CNY 93.1 m"


def test_what_is_not_known_is_a_dash() -> None:
    assert of("zh").table(math.nan) == of("zh").prose(math.nan) == of("zh").percent(math.nan) == "—"
    assert significant(math.inf) == score(math.nan) == "—"


def test_small_sums_keep_their_digits() -> None:
    assert of("zh").prose(9634.0) == "9,634万元"
    assert of("zh", "元").prose(16_344.0) == "1.63万元"
    assert of("zh").prose(0.0) == "0万元"
    assert of("zh").exact(6800.0) == "6,800万元"
    assert english(of("en").exact(6800.0)) == "CNY 68.0 m"
    assert english(of("en").exact(49_510.0)) == "CNY 495.1 m"
    assert english(of("en").exact(50.0)) == "CNY 500,000"


def test_percentages_have_one_decimal_and_rules_none_that_idle() -> None:
    assert of("zh").percent(0.934) == "93.4%"
    assert english(of("en").percent(-0.5, signed=True)) == "−50.0 %"
    assert of("zh").cut(0.9) == "90%"
    assert of("zh").cut(0.125) == "12.5%"


def test_a_score_never_shows_in_a_grade_it_has_not_reached() -> None:
    assert score(79.96) == "79.9"
    assert score(80.1) == "80.1"
    assert score(100.0) == "100.0"


def test_rates_and_benefits() -> None:
    assert of("zh").rate(0.0999999) == "0.10万元"
    assert english(of("en").rate(0.5317)) == "CNY 5,300"
    assert english(of("en").rate(0.17)) == "CNY 1,700"
    assert english(of("en", "1000 USD", currency="USD").rate(-0.33)) == "−USD 330"
    assert english(of("en", "元", step=1).rate(0.5317)) == "CNY 0.53"
    assert english(of("en", "doses").rate(0.5)) == "0.50 doses"
    assert of("en", money=False).rate(0.5317) == "0.53"
    assert of("zh", money=False).worth(9310.4) == "9,310"
    assert significant(0.000123) == "0.00012"
    assert significant(1234.5) == "1,235"


def test_a_column_of_differences_has_one_unit() -> None:
    assert [of("zh").fine(v, signed=True) for v in (199.4, -1.078, -0.0674, 0.0)] == ["+199", "−1.08", "−0.07", "0"]
    assert of("zh", "元", step=100_000).fine(-674.0) == "−0.07"
    assert of("zh", money=False).fine(0.5) == "0.50"
    assert of("zh").fine(math.nan) == "—"


def test_days() -> None:
    assert of("zh").day("08-25") == "8月25日"
    assert english(of("en").day("08-25")) == "25 August"


def test_axes_change_unit_with_size() -> None:
    factor, unit = of("zh").axis(180_000.0)
    assert (180_000.0 * factor, unit) == (18.0, "亿元")
    factor, unit = of("en").axis(9_000.0)
    assert (9_000.0 * factor, english(unit)) == (90.0, "CNY m")


def test_numbers_follow_the_scenario() -> None:
    written = numbers(report_fixture.result(until="evaluate").scenario)
    assert (written.language, written.unit, written.step) == ("zh", "万元", 10)
