"""Warnings: what is allowed and yet looks like a slip: money far off, a rule without a document, an odd reserve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from allocsim.errors import Problem, Text
from allocsim.files.rows import capped, problem_at
from allocsim.model.made import last_budget, value
from allocsim.model.nearest import did_you_mean
from allocsim.model.scenario import Scenario
from allocsim.model.settings import Settings
from allocsim.model.statement import keyed
from allocsim.model.table import Table

LEGAL_RESERVE = (0.01, 0.03)
"""Reserve as a share of this level's general public budget expenditure: Budget Law of the PRC, art. 40."""
_FAR = 10.0
_SHOWN = 5


def doubts(scenario: Scenario) -> Iterator[Problem]:
    """Yield the warnings of a scenario that can be run."""
    yield from _rules_without_basis(scenario.settings, scenario.lines)
    yield from _reserve_outside_the_law(scenario.settings, scenario.lines)
    yield from _pool_nowhere(scenario)
    yield from _lines_without_records(scenario)
    yield from _lines_worth_nothing(scenario)
    if scenario.records is not None:
        yield from _years_that_do_not_fit(scenario, scenario.records)
        yield from _scores_that_look_like_shares(scenario.records)
        yield from capped(_budgets_far_off(scenario, scenario.records), scenario.records)


def _rules_without_basis(settings: Settings, lines: Mapping[str, tuple[str, int]]) -> Iterator[Problem]:
    for rule in settings.rule:
        if not rule.basis.strip():
            message = Text(f"rule '{rule.name}' names no document", f"规则“{rule.name}”没有写明依据")
            hint = Text('state basis = "...": reasons cite it', '请填写 basis = "...":理由中要引用')
            yield keyed(f"rule.{rule.name}", message, lines, hint=hint, warning=True)


def _reserve_outside_the_law(settings: Settings, lines: Mapping[str, tuple[str, int]]) -> Iterator[Problem]:
    budget = settings.budget
    if not budget.reserve_base:
        return
    stated = budget.reserve_share
    share = stated if stated is not None else (budget.reserve or 0.0) / budget.reserve_base
    low, high = LEGAL_RESERVE
    if not low <= share <= high:
        key = "budget.reserve" if stated is None else "budget.reserve_share"
        message = Text(
            f"the reserve is {share:.2%} of reserve_base; Budget Law art. 40 wants 1-3 %",
            f"预备费占基数的{share:.2%};预算法第四十条规定为1%-3%",
        )
        yield keyed(key, message, lines, warning=True)


def _pool_nowhere(scenario: Scenario) -> Iterator[Problem]:
    pool = scenario.settings.curves.pool
    if pool in ("all", "none", "sector") or pool in scenario.projects:
        return
    message = Text(
        f"'curves.pool': there is no column '{pool}'; 'all' is used", f"curves.pool:没有“{pool}”列,按 all 处理"
    )
    hint = did_you_mean(pool, [*scenario.projects.columns, "all", "none"])
    yield keyed("curves.pool", message, scenario.lines, hint=hint, warning=True)


def _lines_without_records(scenario: Scenario) -> Iterator[Problem]:
    known = set(scenario.records.text("project")) if scenario.records is not None else set()
    given = set(scenario.curves.text("project")) if scenario.curves is not None else set()
    without = [row for row, line in enumerate(scenario.projects.text("id")) if line not in known | given]
    if without:
        count, names = len(without), _named(scenario.projects, without)
        yield problem_at(
            scenario.projects,
            without[0],
            "id",
            Text(f"no record of {count} project(s): {names}", f"{count}个项目没有历年记录:{names}"),
            Text("their curves are borrowed from their sector", "其曲线借自同领域"),
            warning=True,
        )


def _lines_worth_nothing(scenario: Scenario) -> Iterator[Problem]:
    given = set(scenario.curves.text("project")) if scenario.curves is not None else set()
    ids = scenario.projects.text("id")
    worthless = [row for row in np.flatnonzero(value(scenario) == 0.0).tolist() if ids[row] not in given]
    if worthless:
        count, names = len(worthless), _named(scenario.projects, worthless)
        yield problem_at(
            scenario.projects,
            worthless[0],
            "value",
            Text(
                f"nothing says what a full score is worth for {names} ({count})",
                f"无从得知满分价值的项目{count}个:{names}",
            ),
            Text(
                "fill in value, last_budget or requested; as it stands they get no money of their own accord",
                "请填写满分价值、上年预算数或申报数;否则测算不会主动安排资金",
            ),
            warning=True,
        )


def _named(projects: Table, rows: Sequence[int]) -> str:
    names = [f"{projects.text('id')[row]} {projects.text('name')[row]}" for row in rows[:_SHOWN]]
    return ", ".join(names) + (" ..." if len(rows) > _SHOWN else "")


def _years_that_do_not_fit(scenario: Scenario, records: Table) -> Iterator[Problem]:
    years, planned = records.number("year"), scenario.settings.year
    late = np.flatnonzero(years >= planned).tolist()
    if late:
        row = late[0]
        yield problem_at(
            records,
            row,
            "year",
            Text(
                f"{len(late)} record(s) of {planned} or later: the year planned is no past",
                f"{len(late)}条记录属于{planned}年或以后,不能作为历史",
            ),
            Text("is the scenario's 'year' right?", "方案的 year 是否正确?"),
            warning=True,
        )
    scored = ~np.isnan(records.number("score")) & (years < planned)
    newest = float(np.max(years[scored], initial=-np.inf))
    if newest < planned - 4:
        said = f"{newest:.0f}" if np.isfinite(newest) else None
        message = (
            Text(
                f"the newest score is of {said}, the year planned is {planned}",
                f"最新评价得分为{said}年,而预算年度为{planned}年",
            )
            if said
            else Text("no record before the year planned has a score", "预算年度之前没有任何评价得分")
        )
        yield keyed("year", message, scenario.lines, hint=Text("is 'year' right?", "year 是否正确?"), warning=True)


def _scores_that_look_like_shares(records: Table) -> Iterator[Problem]:
    scores = records.number("score")
    known = scores[~np.isnan(scores)]
    if len(known) >= 5 and known.max() <= 1.0 and known.max() > 0:
        row = int(np.flatnonzero(~np.isnan(scores))[0])
        message = Text("no score is above 1: are these shares?", "所有得分都不超过1:是否填成了比例?")
        yield problem_at(records, row, "score", message, Text("scores run from 0 to 100", "得分为百分制"), warning=True)


def _budgets_far_off(scenario: Scenario, records: Table) -> Iterator[Problem]:
    """Yield the newest record of a line whose budget is ten times its last budget, or a tenth of it."""
    last = dict(zip(scenario.projects.text("id"), last_budget(scenario).tolist(), strict=True))
    newest: dict[str, int] = {}
    years, budgets, ids = records.number("year"), records.number("budget"), records.text("project")
    for row in np.flatnonzero(budgets > 0).tolist():
        if ids[row] not in newest or years[row] > years[newest[ids[row]]]:
            newest[ids[row]] = row
    for line, row in newest.items():
        amount = last.get(line, np.nan)
        if amount > 0 and not 1 / _FAR < budgets[row] / amount < _FAR:
            yield problem_at(
                records,
                row,
                "budget",
                Text(
                    f"budget {budgets[row]:.15g} of {line} is far from its last budget {amount:.15g}",
                    f"{line}的预算{budgets[row]:.15g}与上年预算数{amount:.15g}相差悬殊",
                ),
                Text("are both in the scenario's unit?", "两者单位是否一致?"),
                warning=True,
            )
