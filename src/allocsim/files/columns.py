"""The columns that tables may have: what they hold, within which bounds, and the headers that mean them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

Holds = Literal["id", "text", "number", "amount", "year", "either", "extra"]
"""What a column holds: ``amount`` refuses a percentage; ``either`` and ``extra`` are numbers where every cell is one,
else text, and ``extra`` (a column the house does not know) says so where that looks like a slip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column that a table may have.

    Attributes
    ----------
    key
        Its canonical name.
    holds
        What its cells are.
    headers
        Headers that mean it: the first Chinese and the first English one are what is printed.
    needed
        ``"column"``: the table must have it; ``"cell"``: every row must fill it too.
    low, high
        Least and most value allowed.
    words
        For text of a closed set: what may be written -> canonical word.
    """

    key: str
    holds: Holds
    headers: tuple[str, ...] = ()
    needed: Literal["", "column", "cell"] = ""
    low: float = -inf
    high: float = inf
    words: Mapping[str, str] = field(default_factory=dict)

    def header(self, language: str) -> str:
        """Return the header that is printed in a language."""
        chinese = [header for header in self.headers if not header.isascii()]
        english = [header for header in self.headers if header.isascii()]
        return (chinese if language == "zh" else english or [self.key])[0] if self.headers else self.key


RATERS: Mapping[str, str] = {
    "self": "self",
    "department": "department",
    "finance": "finance",
    "third_party": "third_party",
    "third party": "third_party",
    "自评": "self",
    "单位自评": "self",
    "部门": "department",
    "部门评价": "department",
    "财政": "finance",
    "财政评价": "finance",
    "财政重点评价": "finance",
    "第三方": "third_party",
    "第三方评价": "third_party",
    "第三方机构": "third_party",
}
"""Words for the kind of rater (评价主体) -> canonical word."""

_CODE = ("项目编码", "项目代码", "编号", "Project code")
_YEAR = ("年度", "预算年度", "年份", "Year")
_SCORE = ("评价得分", "得分", "Score")
_RATER = ("评价主体", "评价方", "Evaluator", "Rater")

PROJECTS = (
    Column(key="id", holds="id", headers=_CODE, needed="cell"),
    Column(key="name", holds="text", headers=("项目名称", "项目", "Project", "Project name"), needed="cell"),
    Column(
        key="department", holds="text", headers=("主管部门", "预算部门", "一级预算单位", "Department"), needed="cell"
    ),
    Column(key="agency", holds="text", headers=("预算单位", "实施单位", "Spending unit")),
    Column(key="sector", holds="text", headers=("支出领域", "功能分类", "功能科目", "Function")),
    Column(key="district", holds="id", headers=("区县", "区县编码", "区县代码", "所属区县", "District")),
    Column(key="kind", holds="text", headers=("对象类型", "Kind")),
    Column(key="category", holds="text", headers=("项目类别", "Category")),
    Column(key="fund", holds="text", headers=("资金性质", "预算类型", "资金来源", "Fund")),
    Column(key="method", holds="text", headers=("分配方式", "Allocation method")),
    Column(key="class", holds="text", headers=("保障层级", "Priority class")),
    Column(
        key="last_budget",
        holds="amount",
        headers=("上年预算数", "上年年初预算", "上年预算", "Last year's initial budget", "Last budget"),
        low=0,
    ),
    Column(key="requested", holds="amount", headers=("申报数", "部门申报", "一上数", "Requested"), low=0),
    Column(key="committed", holds="amount", headers=("合同及承诺数", "跨年度承诺", "Committed"), low=0),
    Column(key="carryover", holds="amount", headers=("上年结转", "Carry-over"), low=0),
    Column(key="min", holds="amount", headers=("保底数", "Floor"), low=0),
    Column(key="max", holds="amount", headers=("上限数", "Ceiling"), low=0),
    Column(key="standard", holds="number", headers=("支出标准", "Unit standard"), low=0),
    Column(key="quantity", holds="number", headers=("数量", "Quantity"), low=0),
    Column(key="value", holds="amount", headers=("满分价值", "Value"), low=0),
    Column(key="priority", holds="number", headers=("优先系数", "Priority weight", "weight"), low=0),
    Column(key="reference", holds="amount", headers=("参考支出", "Reference spending"), low=0),
    Column(key="expires", holds="year", headers=("政策到期年度", "Expires"), low=1900, high=2200),
    Column(key="state", holds="text", headers=("项目状态", "State")),
    Column(key="starts", holds="either", headers=("起始年度", "Starts")),
    Column(key="ends", holds="either", headers=("终止年度", "Ends")),
)

RECORDS = (
    Column(key="project", holds="id", headers=_CODE, needed="cell"),
    Column(key="year", holds="year", headers=_YEAR, needed="cell", low=1900, high=2200),
    Column(
        key="budget",
        holds="amount",
        headers=("年初预算数", "年初预算", "预算数", "Initial", "Initial budget"),
        needed="column",
        low=0,
    ),
    Column(
        key="adjusted_budget",
        holds="amount",
        headers=("全年预算数", "调整预算数", "调整后预算", "Full-year", "Full-year budget"),
        low=0,
    ),
    Column(key="spent", holds="amount", headers=("全年执行数", "支出数", "执行数", "Executed"), low=0),
    Column(key="score", holds="amount", headers=_SCORE, low=0, high=100),
    Column(key="rater", holds="text", headers=_RATER, words=RATERS),
    Column(key="rater_id", holds="id", headers=("评价机构", "评价人", "评价主体编号", "Evaluator code")),
    Column(key="through", holds="amount", headers=("截至月份", "Through"), low=1, high=12),
    Column(key="excused", holds="text", headers=("客观原因", "Excused")),
)

INDICATORS = (
    Column(key="project", holds="id", headers=_CODE, needed="cell"),
    Column(key="year", holds="year", headers=_YEAR, needed="cell", low=1900, high=2200),
    Column(key="level1", holds="text", headers=("一级指标", "Level 1"), needed="column"),
    Column(key="level2", holds="text", headers=("二级指标", "Level 2"), needed="column"),
    Column(key="level3", holds="text", headers=("三级指标", "Level 3", "Indicator"), needed="column"),
    Column(key="target", holds="either", headers=("年度指标值", "指标值", "目标值", "Target"), needed="column"),
    Column(key="actual", holds="either", headers=("实际完成值", "完成值", "Actual"), needed="column"),
    Column(key="points", holds="amount", headers=("分值", "权重", "Points"), needed="column", low=0),
    Column(key="direction", holds="text", headers=("指标性质", "Direction")),
    Column(key="rater", holds="text", headers=_RATER, words=RATERS),
    Column(key="measure", holds="text", headers=("计量单位", "Measure")),
    Column(key="relation", holds="text", headers=("关系", "Relation")),
    Column(key="reason", holds="text", headers=("偏差原因分析及改进措施", "偏差原因", "Reason")),
    Column(key="score", holds="amount", headers=_SCORE, low=0),
)

DISTRICTS = (
    Column(key="id", holds="id", headers=("区县编码", "区县代码", "编码", "District code"), needed="cell"),
    Column(key="name", holds="text", headers=("区县", "区县名称", "District"), needed="cell"),
    Column(key="population", holds="number", headers=("常住人口", "Population"), low=0),
    Column(key="need", holds="number", headers=("需求指数", "Need"), low=0),
    Column(key="grain_area", holds="number", headers=("粮食播种面积", "Grain area"), low=0),
    Column(key="latitude", holds="number", headers=("纬度", "Latitude"), low=-90, high=90),
    Column(key="longitude", holds="number", headers=("经度", "Longitude"), low=-180, high=180),
    Column(key="region", holds="text", headers=("片区", "区域", "Region")),
)

DEPARTMENTS = (
    Column(key="name", holds="text", headers=("主管部门", "部门名称", "部门", "Department"), needed="cell"),
    Column(key="ceiling", holds="amount", headers=("控制数", "Ceiling"), low=0),
)

CURVES = (
    Column(key="project", holds="id", headers=_CODE, needed="cell"),
    Column(key="family", holds="text", headers=("曲线类型", "Family"), needed="cell"),
    Column(key="value", holds="number", headers=("曲线参数值", "Value"), needed="column", low=0),
    Column(key="scale", holds="number", headers=("尺度", "Scale"), needed="column", low=0),
    Column(key="shape", holds="number", headers=("形状", "Shape"), low=0),
    Column(key="points", holds="text", headers=("折点", "Points")),
)

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "projects": PROJECTS,
    "records": RECORDS,
    "indicators": INDICATORS,
    "districts": DISTRICTS,
    "departments": DEPARTMENTS,
    "curves": CURVES,
}
"""Table -> its columns."""

SHEETS: Mapping[str, tuple[str, ...]] = {
    "projects": ("项目", "项目明细", "projects"),
    "records": ("记录", "历年记录", "records"),
    "indicators": ("指标", "绩效指标", "indicators"),
    "districts": ("区县", "districts"),
    "departments": ("部门", "departments"),
    "curves": ("曲线", "curves"),
}
"""Table -> names of the sheet that holds it, where the scenario names none."""
