"""From rules as stated to limits in whole steps: one function a kind of rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, integers
from allocsim.model.evidence import Evidence
from allocsim.model.heads import heads_table, per_head_amount, values_of
from allocsim.model.made import executed, last_budget
from allocsim.model.money import decimal
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import AmountRule, Change, Grade, PerHeadFloor, Rule, Share, Unsound
from allocsim.model.scenario import Scenario
from allocsim.model.selection import column, selected
from allocsim.optimise.limits import FREE, Each, Sense, Sum

_EXACT = Context(prec=60)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Book:
    """What compiling needs at hand: the scenario, its made columns, and the problems found so far.

    Attributes
    ----------
    made
        Columns made for rules, shape (p,): ``executed`` [share 0-1], ``grade`` (its key) and ``score``
        [score 0-100] of the latest evaluation that counts, empty and NaN where there is none.
    last
        Last budget of each line (p,) [money]; NaN where there is none.
    grades
        Keys of the rulebook's grades.
    problems
        Grows as rules are found that cannot be read as limits.
    """

    scenario: Scenario
    made: Mapping[str, NDArray[Any]]
    last: FloatArray
    grades: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)

    def lines(self, rule: Rule) -> IntArray:
        """Return the lines that a rule selects."""
        try:
            chosen: BoolArray = selected(self.scenario, rule.where, except_=rule.except_, made=self.made)
        except KeyError as error:
            self.refuse(rule, *_no_column(str(error.args[0])), hint=self.near(str(error.args[0])))
            return integers([])
        return integers(np.flatnonzero(chosen))

    def number(self, rule: Rule, name: str) -> FloatArray:
        """Return a number column over all lines (p,); NaN where missing, and a problem where it holds no numbers."""
        try:
            values = column(self.scenario, name, self.made) if name != "last_budget" else self.last
        except KeyError:
            self.refuse(rule, *_no_column(name), hint=self.near(name))
            return np.full(len(self.last), np.nan)
        if values.dtype.kind != "f":
            self.refuse(rule, f"column '{name}' holds no numbers", f"列“{name}”不是数字")
            return np.full(len(self.last), np.nan)
        return np.asarray(values, dtype=np.float64)

    def rows(self, rule: Rule, members: IntArray) -> list[tuple[str, IntArray]]:
        """Return the selection as one row, or as one for each value of ``by`` in order of first appearance."""
        by = getattr(rule, "by", None)
        if by is None:
            return [("", members)]
        try:
            values = column(self.scenario, by, self.made)
        except KeyError:
            self.refuse(rule, *_no_column(by), hint=self.near(by))
            return []
        return values_of(values, members.tolist())

    def refuse(self, rule: Rule, en: str, zh: str, hint: Text | None = None) -> None:
        """Note that a rule cannot be read as a limit."""
        key = f"rule.{rule.name}"
        file, line = self.scenario.lines.get(key, (None, None))
        message = Text(f"rule '{rule.name}': {en}", f"规则“{rule.name}”：{zh}")
        self.problems.append(Problem(message=message, hint=hint, file=file, line=line, key=key))

    def near(self, name: str) -> Text | None:
        """Return the column that a name may have meant."""
        districts = self.scenario.districts.columns if self.scenario.districts is not None else {}
        return did_you_mean(name, [*self.scenario.projects.columns, *districts, *self.made])


Compiled = tuple[list[Each], list[Sum]]


def book(scenario: Scenario, evidence: Evidence | None) -> Book:
    """Gather what compiling needs; without evidence no line has a score or a grade."""
    count = len(scenario.projects)
    grade, score = np.full(count, "", dtype=object), np.full(count, np.nan)
    keys: tuple[str, ...] = ()
    if evidence is not None:
        keys = tuple(band.key for band in evidence.rulebook.grades)
        grade[:], score = evidence.latest_grade(), evidence.latest_score()
    made = {"executed": executed(scenario), "grade": grade, "score": score}
    return Book(scenario=scenario, made=made, last=last_budget(scenario), grades=keys)


def amounts(rule: AmountRule, source: int, at: Book) -> Compiled:
    """Bind each line or the sum, for floor, ceiling and fix: ``amount``, or ``times`` x ``of`` - ``less``.

    A line whose ``of`` is missing is not bound line by line and adds nothing to a sum; an amount below zero is zero,
    for new money cannot be less.
    """
    lines = at.lines(rule)
    if rule.of is not None:
        per_line = _products(rule, at)
    elif rule.scope == "each":
        per_line = dict.fromkeys(lines.tolist(), decimal(rule.amount or 0.0))
    else:
        per_line = {}
    if rule.scope == "each":
        bound = [line for line in lines.tolist() if line in per_line]
        return [_each(rule, source, at, bound, [per_line[line] for line in bound])], []
    together = []
    for label, members in at.rows(rule, lines):
        amount = decimal(rule.amount or 0.0)
        if rule.of is not None:
            amount = _total([per_line[line] for line in members.tolist() if line in per_line])
        level = _whole(rule, at, rule.kind, amount)
        together.append(Sum(source=source, label=label, sense=rule.kind, members=members, level=level))
    return [], together


def change(rule: Change, source: int, at: Book) -> Compiled:
    """Hold each line that has a last budget between (1 + least) and (1 + most) times it."""
    lines = [line for line in at.lines(rule).tolist() if at.last[line] > 0]
    step = at.scenario.step
    least, most = (_EXACT.add(_ONE, decimal(share)) for share in rule.change)
    last = [decimal(at.last[line]) for line in lines]
    low = [max(0, step.up(_EXACT.multiply(least, each))) for each in last]
    high = [max(0, step.down(_EXACT.multiply(most, each))) for each in last]
    return [Each(source=source, project=integers(lines), low=integers(low), high=integers(high))], []


def share(rule: Share, source: int, at: Book) -> Compiled:
    """Hold the selection between two shares of the total, the number that the budget states."""
    total, step = decimal(at.scenario.settings.budget.total), at.scenario.step
    least, most = (_EXACT.multiply(decimal(part), total) for part in rule.share)
    together = []
    for label, members in at.rows(rule, at.lines(rule)):
        if rule.share[0] > 0:
            level = step.up(least)
            together.append(Sum(source=source, label=label, sense="floor", members=members, level=level))
        if rule.share[1] < 1:
            level = step.down(most)
            together.append(Sum(source=source, label=label, sense="ceiling", members=members, level=level))
    return [], together


def grade(rule: Grade, source: int, at: Book) -> Compiled:
    """Cap each line by the grade of its latest evaluation that counts, at a share of last budget."""
    unknown = [key for key in rule.cut if at.grades and key not in at.grades]
    for key in unknown:
        at.refuse(rule, f"unknown grade '{key}'", f"未知的等级“{key}”", hint=did_you_mean(key, at.grades))
    grades = at.made["grade"]
    lines = [line for line in at.lines(rule).tolist() if grades[line] in rule.cut and not np.isnan(at.last[line])]
    high = [
        at.scenario.step.down(_EXACT.multiply(decimal(rule.cut[grades[line]]), decimal(at.last[line])))
        for line in lines
    ]
    return [_ceilings(source, lines, high)], []


def per_head_floor(rule: PerHeadFloor, source: int, at: Book) -> Compiled:
    """Hold the lines of each value of ``by`` together at ``amount`` times its heads, rounded up to the step."""
    projects, districts = at.scenario.projects, at.scenario.districts
    if heads_table(rule, projects, districts) is None:
        at.refuse(
            rule,
            f"no table counts heads in a number column '{rule.heads}'",
            f"各表中没有数字列“{rule.heads}”",
            hint=at.near(rule.heads),
        )
        return [], []
    together = []
    for label, members in at.rows(rule, at.lines(rule)):
        try:
            amount = per_head_amount(rule, label, members, projects=projects, districts=districts)
        except Unsound as error:
            at.refuse(rule, error.text.en, error.text.zh)
            continue
        level = at.scenario.step.up(amount)
        together.append(Sum(source=source, label=label, sense="floor", members=members, level=level))
    return [], together


KINDS: dict[str, Callable[[Any, int, Book], Compiled]] = {
    "floor": amounts,
    "ceiling": amounts,
    "fix": amounts,
    "change": change,
    "share": share,
    "grade": grade,
    "per_head_floor": per_head_floor,
}
"""Kind of rule -> how it becomes limits: (rule, index of its source, book) -> limits line by line, limits of sums."""


def _products(rule: AmountRule, at: Book) -> dict[int, Decimal]:
    """Return ``times`` x ``of`` - ``less`` of every line that has ``of``, exactly [money]."""
    base = at.number(rule, rule.of or "")
    less = at.number(rule, rule.less) if rule.less is not None else np.zeros(len(base))
    times = decimal(rule.times)
    return {
        line: _EXACT.subtract(_EXACT.multiply(times, decimal(base[line])), decimal(np.nan_to_num(less[line])))
        for line in np.flatnonzero(~np.isnan(base)).tolist()
    }


def _total(parts: list[Decimal]) -> Decimal:
    whole = Decimal(0)
    for part in parts:
        whole = _EXACT.add(whole, part)
    return whole


def _each(rule: AmountRule, source: int, at: Book, lines: list[int], wanted: list[Decimal]) -> Each:
    levels = [_whole(rule, at, rule.kind, amount) for amount in wanted]
    if rule.kind == "ceiling":
        return _ceilings(source, lines, levels)
    high = levels if rule.kind == "fix" else [FREE] * len(levels)
    return Each(source=source, project=integers(lines), low=integers(levels), high=integers(high))


def _ceilings(source: int, lines: list[int], high: list[int]) -> Each:
    return Each(source=source, project=integers(lines), low=integers([0] * len(lines)), high=integers(high))


def _whole(rule: Rule, at: Book, sense: Sense, amount: Decimal) -> int:
    """Return an amount in steps: floors up, ceilings down, a fix as it is or not at all."""
    step = at.scenario.step
    if amount < 0:
        return 0
    if sense == "fix" and not step.is_whole(amount):
        shown, size = f"{amount.normalize():f}", f"{step.size:.15g}"
        at.refuse(
            rule,
            f"the fixed amount {shown} is not a whole multiple of money_step {size}",
            f"锁定金额{shown}不是 money_step {size} 的整数倍",
        )
    return step.down(amount) if sense == "ceiling" else step.up(amount)


def _no_column(name: str) -> tuple[str, str]:
    return f"no table has a column '{name}'", f"各表中没有“{name}”这一列"
