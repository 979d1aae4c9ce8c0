"""A planner's own draft in words and figures: the document, the summary on the command line, and draft.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from allocsim.model.draft import Breach, Draft, ForgoneByFix
from allocsim.model.result import Result
from allocsim.report import documents
from allocsim.report.counts import counts
from allocsim.report.names import asked_for, department_names, line_names
from allocsim.report.numbers import Numbers, numbers_of
from allocsim.report.planned import plan
from allocsim.report.rules import row_words, rule_words
from allocsim.report.tables import DANGEROUS
from allocsim.report.words import Words, words

SHOWN = 12
"""Breaches, and lines, that a summary lists."""
EQUAL = 1e-9
"""Share of the optimum's benefit below which nothing counts as forgone."""


def document(draft: Draft, result: Result, *, fixes: Sequence[ForgoneByFix] = ()) -> documents.Document:
    """Return ``allocsim.plan/1`` of a draft: a plan of status ``given`` with what it breaks and what it forgoes.

    ``forgoes`` is null where the rules conflict; there ``benefit`` is the optimum's less the draft's, and of each
    project ``amount`` the draft's, ``better`` the optimum's, ``benefit`` the same difference for that line alone.

    Parameters
    ----------
    draft
        The draft, scored.
    result
        The scenario, evidence and curves it was scored under.
    fixes
        What fixed amounts cost, where that was asked.
    """
    forgoes: dict[str, Any] | None = None
    lines = draft.forgone_by_line
    if draft.optimum is not None and lines is not None:
        columns = (draft.plan.id, draft.plan.amount.tolist(), draft.optimum.amount.tolist(), lines.tolist())
        keys = ("id", "amount", "better", "benefit")
        rows = [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
        forgoes = {"benefit": draft.forgone, "projects": rows}
    return {
        **plan(replace(result, plan=draft.plan)),
        "broken": [
            {
                "rule": breach.rule,
                "row": breach.row,
                "level": breach.level,
                "amount": breach.amount,
                "by": breach.by,
                "basis": breach.basis,
                "counted_in": breach.counted_in,
                "hard": breach.hard,
            }
            for breach in draft.broken
        ],
        "forgoes": forgoes,
        "fixes": [{"rule": fix.rule, "id": fix.line, "benefit": fix.benefit} for fix in fixes],
    }


def draft_csv(draft: Draft, result: Result) -> bytes:
    """Return draft.csv: one row a line with the draft, the optimum, what is forgone and the rules that it breaks there.

    UTF-8, English headers; text stays text in a spreadsheet, and the file can be given as a draft again.
    """
    projects = result.scenario.projects
    unknown = np.full(len(draft.plan.id), np.nan)
    better = unknown if draft.optimum is None else draft.optimum.amount
    change = draft.change_to_optimum if draft.change_to_optimum is not None else unknown
    forgone = draft.forgone_by_line if draft.forgone_by_line is not None else unknown
    broken: dict[str, list[str]] = {}
    for breach in draft.broken:
        broken.setdefault(breach.row, []).append(breach.rule)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("id", "name", "department", "amount", "better", "change", "forgoes", "broken"))
    for p, code in enumerate(draft.plan.id):
        texts = (code, projects.text("name")[p], projects.text("department")[p])
        figures = (draft.plan.amount[p], better[p], change[p], forgone[p])
        rules = "; ".join(broken.get(code, ()))
        writer.writerow((*map(_safe, texts), *map(_figure, figures), _safe(rules)))
    return written.getvalue().encode("utf-8")


def _safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _figure(value: float) -> str:
    return repr(float(value)) if value == value else ""


def summary(draft: Draft, result: Result, *, fixes: Sequence[ForgoneByFix] = ()) -> RenderableType:
    """Return the summary for the command line: what the draft breaks, what it forgoes, and where."""
    scenario = result.scenario
    spoken = words(scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    amounts = {
        "amount": float(draft.plan.amount.sum()),
        "reserve": draft.plan.reserve,
        "unallocated": draft.plan.unallocated,
    }
    exact = {name: written.exact(amount) for name, amount in amounts.items()}
    head = " · ".join((scenario.settings.title, *asked_for(scenario, spoken)))
    shown: list[RenderableType] = [Text(head, style="bold")]
    if scenario.settings.notice:
        shown.append(Text(scenario.settings.notice, style="yellow"))
    shown.append(Text(spoken("draft.plan", **exact)))
    shown += _broken(draft, result, spoken, written)
    shown.append(Text(_verdict(draft, spoken, written)))
    names = dict(zip(draft.plan.id, line_names(scenario, spoken.language), strict=True))
    for fix in fixes:
        forgone = written.worth(fix.benefit)
        shown.append(Text(spoken("draft.fix", rule=fix.rule, name=names[fix.line], benefit=forgone)))
    if draft.change_to_optimum is not None and draft.change_to_optimum.any():
        shown.append(_lines(draft, result, spoken, written))
    return Group(*shown)


def _verdict(draft: Draft, spoken: Words, written: Numbers) -> str:
    """Return in one sentence what the draft forgoes."""
    forgone, best = draft.forgone, draft.optimum_benefit
    if forgone is None or best is None:
        rules = [] if draft.conflict is None else [rule_words(rule.name, spoken) for rule in draft.conflict.rules]
        return spoken("draft.conflict", rules=spoken.enumerate(rules))
    if abs(forgone) <= EQUAL * abs(best):
        return spoken("draft.equal")
    if forgone < 0 and not any(breach.hard for breach in draft.broken) and draft.plan.gap > 0:
        gap = written.percent(draft.plan.gap, digits=2)
        return spoken("draft.aim", benefit=written.worth(-forgone), gap=gap)
    if forgone < 0:
        return spoken("draft.exceeds", benefit=written.worth(-forgone))
    share = forgone / abs(best) if best else np.nan
    return spoken(
        "draft.forgoes",
        benefit=written.worth(forgone),
        share=written.percent(share, digits=2),
        gap=written.percent(draft.plan.gap, digits=2),
    )


def _broken(draft: Draft, result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    """Return the breaches of what must hold, then those of what may be broken, each as a table."""
    hard, soft = ([breach for breach in draft.broken if breach.hard is is_hard] for is_hard in (True, False))
    shown: list[RenderableType] = [] if hard else [Text(spoken("draft.kept"))]
    if hard:
        shown.append(Text(spoken.count("draft.broken", len(hard)), style="red"))
        shown += _breaches(hard, result, spoken, written)
    if soft:
        shown.append(Text(spoken.count("draft.broken_soft", len(soft)), style="yellow"))
        shown += _breaches(soft, result, spoken, written)
    return shown


def _breaches(broken: Sequence[Breach], result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    """Return breaches as a table: those of what is funded or used first, then of money, the widest first."""
    table = _table(spoken, written, ("rule", "row", "level", "amount", "by", "basis"), left=("rule", "row", "basis"))
    counted = counts(result.scenario, spoken, written)
    rows = sorted(broken, key=lambda breach: (breach.counted_in == "money", -breach.by))
    for breach in rows[:SHOWN]:
        level, amount, by = (
            counted.amount(breach.rule, breach.counted_in, value) for value in (breach.level, breach.amount, breach.by)
        )
        table.add_row(
            Text(rule_words(breach.rule, spoken)),
            Text(_row(breach, result, spoken)),
            level,
            amount,
            spoken("draft.over" if breach.is_over else "draft.under", amount=by),
            Text(breach.basis),
        )
    return [table, *([Text(spoken.count("draft.more", len(rows) - SHOWN))] if len(rows) > SHOWN else [])]


def _row(breach: Breach, result: Result, spoken: Words) -> str:
    """Return what a breach is about: the name of its line, else of its department, else the row as stated."""
    scenario = result.scenario
    names = dict(zip(scenario.projects.text("id"), line_names(scenario, spoken.language), strict=True))
    return row_words(breach.row, {**department_names(scenario, spoken.language), **names})


def _lines(draft: Draft, result: Result, spoken: Words, written: Numbers) -> Table:
    """Return the lines whose amounts differ most from the optimum's."""
    table = _table(
        spoken,
        written,
        ("name", "amount", "better", "change", "benefit"),
        left=("name",),
        title=spoken("draft.lines"),
    )
    change, forgone = draft.change_to_optimum, draft.forgone_by_line
    if draft.optimum is None or change is None or forgone is None:
        return table
    names = line_names(result.scenario, spoken.language)
    order = np.lexsort((np.arange(len(change)), -np.abs(change)))
    for p in [line for line in order.tolist() if change[line]][:SHOWN]:
        table.add_row(
            Text(names[p]),
            written.table(float(draft.plan.amount[p])),
            written.table(float(draft.optimum.amount[p])),
            Text(written.table(float(change[p]), signed=True), style="blue" if change[p] > 0 else "red"),
            written.fine(float(forgone[p]), signed=True),
        )
    return table


def _table(
    spoken: Words, written: Numbers, keys: Sequence[str], *, left: Sequence[str], title: str | None = None
) -> Table:
    """Return an empty table with headings; its caption names the unit of money."""
    table = Table(
        title=title and Text(title),
        caption=Text(spoken("page.unit", unit=written.table_unit)),
        title_justify="left",
        caption_justify="right",
        box=None,
        pad_edge=False,
    )
    for key in keys:
        table.add_column(Text(spoken(f"draft.{key}"), style="bold"), justify="left" if key in left else "right")
    return table
