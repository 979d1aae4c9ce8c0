"""The workbook: read back as a spreadsheet program reads it."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

import report_fixture
from allocsim.report.lines import lines
from allocsim.report.workbook import DETAIL, FIRST_ROW, workbook

SHEETS = [
    "总表（分部门）",
    "项目明细",
    "压减及取消",
    "新增",
    "先评后定",
    "规则与依据",
    "待结转收回",
    "应对策略",
    "说明",
]
HEADS = [
    "序号", "主管部门", "项目名称", "类别", "资金性质", "上年预算", "上年执行率", "评价得分", "等级", "申报数",
    "建议数", "其中：结转", "较上年增减", "增减%", "核减额", "主要指标", "理由", "依据",
]  # fmt: skip


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


@pytest.fixture(scope="module")
def book() -> Any:
    return opened(workbook(report_fixture.result()))


def test_sheets_and_columns_are_those_of_a_bureau(book: Any) -> None:
    assert book.sheetnames == SHEETS
    assert [cell.value for cell in book["项目明细"][FIRST_ROW]] == HEADS
    assert len(DETAIL) == len(HEADS)


def test_english_has_no_chinese_words() -> None:
    book = opened(workbook(report_fixture.result(language="en")))
    assert all(name.isascii() for name in book.sheetnames)
    assert [cell.value for cell in book["Lines"][FIRST_ROW]][:3] == ["No.", "Department", "Project"]
    assert "CNY 10,000" in str(book["Summary"].cell(3, 9).value)


def test_every_sheet_prints_on_a4_with_its_header(book: Any) -> None:
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert int(sheet.page_setup.paperSize) == 9
        assert sheet.print_title_rows == f"${FIRST_ROW}:${FIRST_ROW}"
        assert sheet.cell(2, 1).value.startswith("示例数据")
        assert "单位：万元" in [cell.value for cell in sheet[3]]
        assert sheet.freeze_panes or sheet.title == "说明"


def test_total_first_then_departments_that_sum_to_it(book: Any) -> None:
    sheet = book["总表（分部门）"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=FIRST_ROW + 1) if row[0].value]
    assert rows[0][0] == "合计"
    for column in (1, 2, 3, 4, 5, 6):
        assert rows[0][column] == sum(row[column] for row in rows[1:])
    amounts = sum(row.amount for row in lines(report_fixture.result()))
    assert rows[0][4] == amounts


def test_numbers_are_numbers_and_text_is_text(book: Any) -> None:
    sheet = book["项目明细"]
    found = 0
    for row in sheet.iter_rows(min_row=FIRST_ROW + 1):
        for cell in row:
            assert cell.data_type != "f", cell.value
            assert cell.hyperlink is None
        if str(row[2].value).startswith("=HYPERLINK"):
            found += 1
            assert row[2].data_type == "s"
    assert found == 1
    amount = HEADS.index("建议数")
    assert all(isinstance(row[amount].value, int | float) for row in sheet.iter_rows(min_row=FIRST_ROW + 1))


def test_sheets_hold_the_lines_they_name(book: Any) -> None:
    def names(sheet: str) -> list[str]:
        rows = book[sheet].iter_rows(min_row=FIRST_ROW + 1)
        return [row[2].value for row in rows if isinstance(row[0].value, int)]

    assert names("压减及取消") == ["“四好农村路”建设补助", "重点旅游景区基础设施补助", "政务信息系统运行维护"]
    assert names("新增") == ["预算绩效与业务数据共享平台"]
    assert names("先评后定") == ['=HYPERLINK("x")<script>alert(1)</script>']
    assert len(names("待结转收回")) == 5
    assert len(names("项目明细")) == len(report_fixture.LINES)


def test_policies_name_class_and_lead_time(book: Any) -> None:
    rows = [[cell.value for cell in row] for row in book["应对策略"].iter_rows(min_row=FIRST_ROW + 1, max_row=8)]
    assert [row[0] for row in rows] == ["维持原预算", "触线调剂", "指数触发动支预备费（推荐）", "重新测算调剂"]
    assert rows[2][1] == "动支预备费，预算法第40、64、69条"
    assert rows[2][3] == "3–10"


def test_nothing_to_show_is_said() -> None:
    book = opened(workbook(report_fixture.result(until="plan")))
    assert book["应对策略"].cell(FIRST_ROW + 1, 1).value == "本次未模拟年中情形。"


def test_the_same_result_gives_the_same_bytes() -> None:
    assert workbook(report_fixture.result()) == workbook(report_fixture.result())


def test_without_a_plan_there_is_no_workbook() -> None:
    with pytest.raises(ValueError, match="no plan"):
        workbook(report_fixture.result(until="fit"))
