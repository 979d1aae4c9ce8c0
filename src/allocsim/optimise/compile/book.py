"""What compiling rules needs at hand, what it yields, and the exact arithmetic that all kinds of rules share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, integers
from allocsim.model.evidence import Evidence
from allocsim.model.heads import values_of
from allocsim.model.made import executed, last_budget
from allocsim.model.money import decimal
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import Rule, Where
from allocsim.model.scenario import Scenario
from allocsim.model.selection import column, selected
from allocsim.optimise.limits import Choice, Each, Parts, Pot, Sum

EXACT = Context(prec=60)
"""In which decimals are added and multiplied: nothing that a table or a rule can state is rounded."""
SHOWN = 3
"""Lines that a problem names one by one."""


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
        return self.meeting(rule, rule.where, except_=rule.except_)

    def meeting(self, rule: Rule, where: Where, *, except_: Where | None = None) -> IntArray:
        """Return the lines that meet the conditions of a rule, and not all of those of ``except_``."""
        try:
            chosen: BoolArray = selected(self.scenario, where, except_=except_, made=self.made)
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

    def refused(self, rule: Rule) -> bool:
        """Tell whether a problem of a rule has been noted."""
        return any(problem.key == f"rule.{rule.name}" for problem in self.problems)

    def near(self, name: str) -> Text | None:
        """Return the column that a name may have meant."""
        districts = self.scenario.districts.columns if self.scenario.districts is not None else {}
        return did_you_mean(name, [*self.scenario.projects.columns, *districts, *self.made])

    def named(self, lines: Sequence[int]) -> Text:
        """Return the names of lines as a problem tells them, the first three of them."""
        names = self.scenario.projects.text("name")
        told, more = [names[line] for line in lines[:SHOWN]], len(lines) - SHOWN
        en, zh = ", ".join(f"'{name}'" for name in told), "、".join(f"“{name}”" for name in told)
        return Text(f"{en} and {more} more", f"{zh}等{len(lines)}个项目") if more > 0 else Text(en, zh)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """What one rule as stated becomes.

    Attributes
    ----------
    each
        Limits line by line: one at most.
    sums, parts, choices, pots
        Limits of sums, holes, limits on how many lines, pots split by a formula.
    optional
        Lines that the rule lets go unfunded: their ``min`` means "if funded" (c,).
    """

    each: tuple[Each, ...] = ()
    sums: tuple[Sum, ...] = ()
    parts: tuple[Parts, ...] = ()
    choices: tuple[Choice, ...] = ()
    pots: tuple[Pot, ...] = ()
    optional: IntArray = field(default_factory=lambda: integers([]))


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


def products(rule: Rule, at: Book, *, of: str, times: float, less: str | None = None) -> dict[int, Decimal]:
    """Return ``times`` x ``of`` - ``less`` of every line that has ``of``, exactly [money]."""
    base = at.number(rule, of)
    taken = at.number(rule, less) if less is not None else np.zeros(len(base))
    return {
        line: EXACT.subtract(EXACT.multiply(decimal(times), decimal(base[line])), decimal(np.nan_to_num(taken[line])))
        for line in np.flatnonzero(~np.isnan(base)).tolist()
    }


def total(parts: Iterable[Decimal]) -> Decimal:
    """Return a sum of decimals, exactly."""
    whole = Decimal(0)
    for part in parts:
        whole = EXACT.add(whole, part)
    return whole


def _no_column(name: str) -> tuple[str, str]:
    return f"no table has a column '{name}'", f"各表中没有“{name}”这一列"
