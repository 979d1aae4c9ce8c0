"""The indicators of the named lines: three levels, targets, points that sum to 100, and what was achieved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from allocsim.model.stream import stream
from allocsim.synthetic.lines import BUDGET_YEAR, LAST_SCORED, Line
from allocsim.synthetic.named import NAMED

FORM = re.compile(r"(?P<code>[数质时本效满]) (?P<name>.*?)(?P<relation>>=|<=|=)(?P<target>[\d.]+)(?P<rest>.*)")
ACHIEVED = re.compile(r"(?P<measure>.*?)(?: \(实际(?P<actual>-?[\d.]+)%\))?")
LEVELS = {
    "数": ("产出指标", "数量指标"),
    "质": ("产出指标", "质量指标"),
    "时": ("产出指标", "时效指标"),
    "本": ("产出指标", "成本指标"),
    "效": ("效益指标", "社会效益指标"),
    "满": ("满意度指标", "服务对象满意度指标"),
}
EFFECTS = {
    "生态环境": "生态效益指标",
    "科学技术": "经济效益指标",
    "文化旅游": "经济效益指标",
    "农业农村": "经济效益指标",
}
"""Departments whose effects are not social in the main."""
POINTS = {"产出指标": 50, "效益指标": 30, "满意度指标": 10}
"""Points by first level; 10 for execution. Without indicators of a level, its points go to outputs, but those of
satisfaction to effects where there are any."""
REASONS = {
    "数量指标": "实施进度晚于计划,部分任务转入下年完成",
    "质量指标": "部分事项抽查未达标准,正在整改",
    "时效指标": "前期手续办理较慢,完成时间后延",
    "成本指标": "材料及人工价格上涨",
    "社会效益指标": "受益面扩大较慢,效果尚未完全显现",
    "经济效益指标": "市场需求不及预期",
    "生态效益指标": "气象条件不利,指标波动",
    "服务对象满意度指标": "抽样对象对服务及时性评价偏低",
}
FLAGGED = 0.95
"""Below this share of its target an indicator wants its reason."""
RATE_SWING = 0.4
"""Rates in percent stray from their targets by this share of what counts of things do."""


class Indicator(NamedTuple):
    """One row of the indicators table; None is a blank cell."""

    project: str
    year: int
    level1: str
    level2: str
    level3: str
    target: float
    actual: float | None
    points: int
    direction: str
    relation: str
    measure: str
    reason: str | None


def make_indicators(seed: int, lines: Sequence[Line], rates: Mapping[str, float]) -> tuple[Indicator, ...]:
    """Return the indicators of 2025 of the named lines, and the targets of the new line.

    Parameters
    ----------
    seed
        Seed of the municipality.
    lines
        All lines.
    rates
        Id -> execution rate of 2025 [share 0-1].
    """
    rng = stream(seed, "synthetic/indicators")
    by_name = {line.name: line for line in lines}
    rows: list[Indicator] = []
    for row in NAMED:
        line = by_name[row.name]
        parts = row.indicators.split("; ")
        levels = [LEVELS[part[0]][0] for part in parts]
        worth = _points(levels)
        rows += [_indicator(line, part, worth[k], rng) for k, part in enumerate(parts)]
        if line.last is not None:
            rows.append(_execution(line, rates[line.id]))
    return tuple(rows)


def _points(levels: Sequence[str]) -> list[int]:
    """Split each first level's points evenly over its indicators, the earliest taking what is left over."""
    share = {level: POINTS[level] for level in POINTS if level in levels}
    if "满意度指标" not in share and "效益指标" in share:
        share["效益指标"] += POINTS["满意度指标"]
    share["产出指标"] = share.get("产出指标", 0) + 90 - sum(share.values())
    counts = {level: levels.count(level) for level in share}
    seen = dict.fromkeys(share, 0)
    points = []
    for level in levels:
        each, over = divmod(share[level], counts[level])
        points.append(each + (seen[level] < over))
        seen[level] += 1
    return points


def _indicator(line: Line, part: str, points: int, rng: np.random.Generator) -> Indicator:
    form = FORM.fullmatch(part)
    if form is None:
        raise ValueError(f"not an indicator: {part}")
    rest = ACHIEVED.fullmatch(form["rest"])
    stated = rest["actual"] if rest else None
    measure = rest["measure"] if rest else ""
    level1, level2 = LEVELS[form["code"]]
    if form["code"] == "效":
        level2 = EFFECTS.get(line.department, level2)
    relation, target = form["relation"], float(form["target"])
    shortfall = (90.0 - (line.combined or 90.0)) / 100.0
    met = float(np.clip(1.03 - 1.2 * shortfall + 0.05 * rng.standard_normal(), 0.5, 1.12))
    if measure == "%":
        met = 1.0 + (met - 1.0) * RATE_SWING
    actual: float | None = None
    if stated is not None:
        actual, met = float(stated), 0.0
    elif line.last is not None:
        actual, met = _achieved(target, form["target"], met, relation=relation, measure=measure, name=form["name"])
    name = form["name"]
    if form["code"] == "满":
        name = f"{name or '服务对象'}满意度"
    return Indicator(
        project=line.id,
        year=BUDGET_YEAR if line.last is None else LAST_SCORED,
        level1=level1,
        level2=level2,
        level3=name,
        target=target,
        actual=actual,
        points=points,
        direction={">=": "positive", "<=": "reverse", "=": "equal"}[relation],
        relation=relation,
        measure=measure,
        reason=REASONS[level2] if actual is not None and met < FLAGGED else None,
    )


def _achieved(
    target: float, written: str, met: float, *, relation: str, measure: str, name: str
) -> tuple[float, float]:
    """Return the actual value, with the decimals of the target, and the share of the target that it meets."""
    decimals = len(written.partition(".")[2])
    if target == 0:
        return (0.0 if met >= FLAGGED or relation == ">=" else 1.0), met
    if relation == "=" and measure != "%":
        return target, 1.0
    value = target * (2.0 - met) if relation == "<=" else target * met
    if measure == "%" and "增" not in name and "提升" not in name and relation != "<=":
        value = min(value, 100.0)
    value = round(value, decimals)
    return value, (2.0 - value / target) if relation == "<=" else value / target


def _execution(line: Line, rate: float) -> Indicator:
    return Indicator(
        project=line.id,
        year=LAST_SCORED,
        level1="预算执行率",
        level2="预算执行率",
        level3="预算执行率",
        target=100.0,
        actual=round(100.0 * rate, 1),
        points=10,
        direction="positive",
        relation=">=",
        measure="%",
        reason=None,
    )
