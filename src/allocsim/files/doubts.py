"""Warnings: what is allowed and yet looks like a slip: money far off, a rule without a document, an odd reserve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from allocsim.errors import Problem, Text
from allocsim.files.blank_book import BLANK, TABLES, table_line
from allocsim.files.merge import FILE
from allocsim.files.rows import capped, problem_at
from allocsim.files.selections import stated_part
from allocsim.files.tables import has_rows
from allocsim.model.made import executed, last_budget, value
from allocsim.model.money import decimal
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import Change, Fix, Floor, Rule
from allocsim.model.scenario import Scenario
from allocsim.model.selection import MADE
from allocsim.model.settings import Settings
from allocsim.model.statement import keyed
from allocsim.model.table import Table

LEGAL_RESERVE = (0.01, 0.03)
"""Reserve as a share of this level's general public budget expenditure: Budget Law of the PRC, art. 40."""
GUARANTEED = ("三保", "three guarantees")
"""Words of the column ``class`` for lines that the three guarantees (三保) cover."""
_FAR = 10.0
_SHOWN = 5


def doubts(scenario: Scenario) -> Iterator[Problem]:
    """Yield the warnings of a scenario that can be run."""
    yield from _nothing_to_spend(scenario.settings, scenario.lines)
    yield from _broken_steps(scenario)
    yield from _no_rules(scenario)
    yield from _guarantees_without_floor(scenario)
    yield from _rules_without_basis(scenario.settings, scenario.lines)
    yield from _blank_book_unread(scenario)
    yield from _reserve_outside_the_law(scenario.settings, scenario.lines)
    yield from _pool_nowhere(scenario)
    yield from _lines_without_records(scenario)
    yield from _lines_worth_nothing(scenario)
    if scenario.records is not None:
        yield from _years_that_do_not_fit(scenario, scenario.records)
        yield from _executed_of_no_line(scenario, scenario.records)
        yield from _scores_that_look_like_shares(scenario.records)
        yield from capped(_budgets_far_off(scenario, scenario.records), scenario.records)


def _nothing_to_spend(settings: Settings, lines: Mapping[str, tuple[str, int]]) -> Iterator[Problem]:
    if settings.budget.total == 0:
        message = Text("'budget.total' is 0: there is nothing to plan", "budget.total 为0：没有可安排的资金")
        yield keyed("budget.total", message, lines, hint=Text("fill it in", "请填写总额"), warning=True)


def _broken_steps(scenario: Scenario) -> Iterator[Problem]:
    """Yield a total or reserve that is no whole number of money steps: the rest is never handed out."""
    budget, step = scenario.settings.budget, scenario.step
    lost = decimal(budget.total) - decimal(step.money(step.down(budget.total)))
    reserve = budget.reserve or 0.0
    added = decimal(step.money(step.up(reserve))) - decimal(reserve)
    for key, amount, rest in (("budget.total", budget.total, lost), ("budget.reserve", reserve, added)):
        if rest:
            size, idle = f"{step.size:.15g}", f"{float(rest):.15g}"
            message = Text(
                f"'{key}' {amount:.15g} is no whole multiple of money_step {size}: {idle} is not planned",
                f"{key}（{amount:.15g}）不是 money_step（{size}）的整数倍：{idle}不参与安排",
            )
            hint = Text("round it, or state a smaller money_step", "请取整，或改小 money_step")
            yield keyed(key, message, scenario.lines, hint=hint, warning=True)


def _no_rules(scenario: Scenario) -> Iterator[Problem]:
    if not scenario.settings.rule:
        message = Text(
            "there are no rules: guarantees can be cut and requests exceeded",
            "没有一条规则：三保可被压减，安排可超申报",
        )
        hint = Text("add [[rule]] sections to scenario.toml", "请在 scenario.toml 中添加 [[rule]]")
        yield Problem(message=message, hint=hint, file=FILE, key="rule", severity="warning")


def _guarantees_without_floor(scenario: Scenario) -> Iterator[Problem]:
    """Yield the lines of the three guarantees that no rule and no ``min`` of their own keeps from being cut."""
    projects = scenario.projects
    open_to_cuts = np.array([word in GUARANTEED for word in projects.text("class")]) & ~(projects.number("min") > 0)
    for rule in scenario.settings.rule:
        open_to_cuts &= ~_held(scenario, rule, open_to_cuts)
    rows = np.flatnonzero(open_to_cuts).tolist()
    if scenario.settings.rule and rows:
        message = Text(
            f"lines of class 三保 have no floor ({len(rows)}): {_named(projects, rows)}",
            f"有三保类项目而无保底规则（{len(rows)}项）：{_named(projects, rows)}",
        )
        hint = Text(
            f'add a rule: kind = "floor", scope = "each", where = {{class = "{projects.text("class")[rows[0]]}"}}',
            f'请加规则：kind = "floor"、scope = "each"、where = {{class = "{projects.text("class")[rows[0]]}"}}',
        )
        yield problem_at(projects, rows[0], "class", message, hint, warning=True)


def _held(scenario: Scenario, rule: Rule, guaranteed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the lines that a rule keeps from being cut: each for itself, or together with guarantees only."""
    chosen = stated_part(scenario, rule.where)
    if rule.except_ and not any(name in MADE for name in rule.except_):
        chosen &= ~stated_part(scenario, rule.except_)
    if isinstance(rule, Change):
        return chosen if rule.change[0] >= 0 else np.zeros_like(chosen)
    if not isinstance(rule, Floor | Fix):
        return np.zeros_like(chosen)
    alone = rule.scope == "each" or not (chosen & ~guaranteed).any()
    return chosen if alone else np.zeros_like(chosen)


def _blank_book_unread(scenario: Scenario) -> Iterator[Problem]:
    """Yield the workbook that came with a new scenario, where it is filled in and not read."""
    if any(PurePosixPath(file) == PurePosixPath(BLANK) for file in scenario.inputs):
        return
    if not has_rows(scenario.folder / BLANK, TABLES):
        return
    message = Text(f"{BLANK} holds rows but {FILE} does not read it", f"{BLANK} 已填写，但 {FILE} 未引用")
    line = table_line(TABLES[0], scenario.settings.language)
    hint = Text(f"under [tables] write {line}", f"请在 [tables] 中写 {line}")
    yield keyed("tables", message, scenario.lines, hint=hint, warning=True)


def _rules_without_basis(settings: Settings, lines: Mapping[str, tuple[str, int]]) -> Iterator[Problem]:
    for rule in settings.rule:
        if not rule.basis.strip():
            message = Text(f"rule '{rule.name}' names no document", f"规则“{rule.name}”没有写明依据")
            hint = Text('state basis = "...": reasons cite it', '请填写 basis = "..."：理由中要引用')
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
            f"预备费占基数的{share:.2%}；预算法第四十条规定为1%-3%",
        )
        yield keyed(key, message, lines, warning=True)


def _pool_nowhere(scenario: Scenario) -> Iterator[Problem]:
    pool = scenario.settings.curves.pool
    if pool in ("all", "none", "sector") or pool in scenario.projects:
        return
    message = Text(
        f"'curves.pool': there is no column '{pool}'; 'all' is used", f"curves.pool：没有“{pool}”列，按 all 处理"
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
            Text(f"no record of {count} project(s): {names}", f"{count}个项目没有历年记录：{names}"),
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
                f"无从得知满分价值的项目{count}个：{names}",
            ),
            Text(
                "fill in value, last_budget or requested; as it stands they get no money of their own accord",
                "请填写满分价值、上年预算数或申报数；否则测算不会主动安排资金",
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
                f"{len(late)}条记录属于{planned}年或以后，不能作为历史",
            ),
            Text("is the scenario's 'year' right?", "方案的 year 是否正确？"),
            warning=True,
        )
    scored = ~np.isnan(records.number("score")) & (years < planned)
    newest = float(np.max(years[scored], initial=-np.inf))
    if newest < planned - 4:
        said = f"{newest:.0f}" if np.isfinite(newest) else None
        message = (
            Text(
                f"the newest score is of {said}, the year planned is {planned}",
                f"最新评价得分为{said}年，而预算年度为{planned}年",
            )
            if said
            else Text("no record before the year planned has a score", "预算年度之前没有任何评价得分")
        )
        yield keyed("year", message, scenario.lines, hint=Text("is 'year' right?", "year 是否正确？"), warning=True)


def _executed_of_no_line(scenario: Scenario, records: Table) -> Iterator[Problem]:
    """Yield the rules that select by ``executed`` where no line has any, and the year that may be behind it."""
    name = "executed"
    parts = [(rule.name, "where") for rule in scenario.settings.rule if name in rule.where]
    parts += [(rule.name, "except") for rule in scenario.settings.rule if name in rule.except_]
    if not parts or not np.isnan(executed(scenario)).all():
        return
    planned = scenario.settings.year
    years = records.number("year")
    newest = float(np.max(years[~np.isnan(records.number("spent")) & (years < planned)], initial=-np.inf))
    for rule, part in parts:
        message = Text(
            f"rule '{rule}' selects nothing by '{name}': no record of {planned - 1} says what was spent",
            f"规则“{rule}”按 {name} 选不中任何项目：没有{planned - 1}年的执行数",
        )
        hint = Text(f"fill in spent for {planned - 1}, or take the condition out", "请填写该年执行数，或删去该条件")
        yield keyed(f"rule.{rule}.{part}.{name}", message, scenario.lines, hint=hint, warning=True)
    if np.isfinite(newest) and newest < planned - 1:
        message = Text(
            f"the newest execution is of {newest:.0f}, the year planned is {planned}",
            f"最新执行数为{newest:.0f}年，而预算年度为{planned}年",
        )
        yield keyed("year", message, scenario.lines, hint=Text("is 'year' right?", "year 是否正确？"), warning=True)


def _scores_that_look_like_shares(records: Table) -> Iterator[Problem]:
    scores = records.number("score")
    known = scores[~np.isnan(scores)]
    if len(known) >= 5 and known.max() <= 1.0 and known.max() > 0:
        row = int(np.flatnonzero(~np.isnan(scores))[0])
        message = Text("no score is above 1: are these shares?", "所有得分都不超过1：是否填成了比例？")
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
                Text("are both in the scenario's unit?", "两者单位是否一致？"),
                warning=True,
            )
