"""Short summaries for the command line: what a person wants to see before opening the page."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from allocsim.errors import AllocsimError, InvalidInput, Problem
from allocsim.model.plan import Plan, RulesConflict
from allocsim.model.result import Result
from allocsim.report.aims import bad_draws, even
from allocsim.report.checks import checks
from allocsim.report.counts import counts
from allocsim.report.lines import Line, departments, lines, totals
from allocsim.report.margins import little
from allocsim.report.names import asked_for
from allocsim.report.numbers import DASH, TIED, Numbers, numbers_of, plain
from allocsim.report.opening import cards, moved_words
from allocsim.report.options import options, recommendation
from allocsim.report.prose import OWN, proven
from allocsim.report.rules import groups
from allocsim.report.troubles import conflict_text, problems_table
from allocsim.report.words import Words, words

MOVES = 8
"""Moves that a summary lists."""
_TOKENS = re.compile(r"[ -~−–×·…]+?(?= )|[!-~−–×·…\u00a0]+|.")
_NEVER_FIRST = "，。；：、？！）》”’"
Told = Callable[[str], None]


def say_problems(problems: Sequence[Problem], language: str) -> None:
    """Print every problem of the inputs on standard output."""
    _console(sys.stdout).print(problems_table(problems, language))


def failure(error: AllocsimError, language: str) -> None:
    """Print on standard error what is wrong and what would mend it."""
    console = _console(sys.stderr)
    if isinstance(error, InvalidInput):
        console.print(problems_table(error.problems, language))
    elif isinstance(error, RulesConflict):
        console.print(conflict_text(error.conflict, language))
    else:
        console.print(Text(f"allocsim: {error.message.to(language)}"), soft_wrap=True)


def say_new(folder: Path, language: str, *, workbook: str | None = None) -> None:
    """Print where a new scenario was made, and how to use a ``workbook`` that it does not read by itself yet."""
    spoken, console = words(language), _console(sys.stdout)
    console.print(Text(spoken("terminal.new", folder=str(folder))), soft_wrap=True)
    if workbook is not None:
        console.print(Text(spoken("terminal.fill_in", workbook=workbook)), soft_wrap=True)


def say_result(verb: str, result: Result, folder: Path) -> None:
    """Print the summary of what a command computed, and where the rest lies."""
    say(summary(verb, result), result.scenario.settings.language, folder)


def say(shown: RenderableType, language: str, folder: Path) -> None:
    """Print a summary, and where the rest lies."""
    console = _console(sys.stdout)
    console.print(shown)
    console.print(Text(words(language)("terminal.folder", folder=str(folder))), soft_wrap=True)


@contextmanager
def progress(language: str, *, quiet: bool = False) -> Iterator[Told]:
    """Give a function that tells the stage under way: on a terminal as a moving line, else not at all."""
    console = _console(sys.stderr)
    if quiet or not console.is_terminal:
        yield lambda stage: None
        return
    spoken = words(language)
    with console.status(Text(spoken("terminal.begin"))) as status:
        yield lambda stage: status.update(Text(spoken.known("stage", stage)))


def summary(verb: str, result: Result) -> RenderableType:
    """Return the summary of a command: of its own stage, or of all of them for ``run``."""
    spoken = words(result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    parts: dict[str, Callable[[Result, Words, Numbers], list[RenderableType]]] = {
        "evaluate": _evaluate,
        "fit": _fit,
        "plan": _plan,
        "simulate": _simulate,
    }
    notice = result.scenario.settings.notice
    stands_on = " · ".join((result.scenario.settings.title, *asked_for(result.scenario, spoken)))
    head: list[RenderableType] = [Text(stands_on, style="bold")]
    if notice:
        head.append(Text(notice, style="yellow"))
    if verb == "run":
        return Group(*head, *_run(result, spoken, written))
    return Group(*head, *parts[verb](result, spoken, written))


def _run(result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    """Return the three questions with their answers, the checks, and the table of departments."""
    shown: list[RenderableType] = []
    for card in cards(result):
        shown += [Text(""), Text(card.question, style="bold"), _Prose(card.sentence)]
    marks = {"ok": "✓", "broken": "✕", "none": "–"}
    held = [TIED.join(part for part in (marks[c.state], c.label, c.detail) if part) for c in checks(result)]
    return [
        *shown,
        Text(""),
        Text("  ".join(text.replace(" ", TIED) for text in held)),
        Text(""),
        _departments(result, spoken, written),
        *_fit(result, spoken, written),
        *_gap(result, spoken, written),
    ]


def _evaluate(result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    evidence = result.evidence
    if evidence is None:
        return []
    counts = [0] * len(evidence.rulebook.grades)
    for o in evidence.latest.tolist():
        if o >= 0:
            counts[int(evidence.grade[o])] += 1
    named = [
        f"{grade.zh if spoken.language == 'zh' else spoken.known('grade', grade.key)} {count}"
        for grade, count in zip(evidence.rulebook.grades, counts, strict=True)
    ]
    said = [
        spoken(
            "terminal.scores",
            n=str(len(evidence.score)),
            projects=str(len(evidence.id)),
            grades=spoken.enumerate(named),
        )
    ]
    said += [
        spoken(
            "terminal.bias",
            rater=spoken.known("rater", bias.rater),
            anchor=spoken.known("rater", evidence.anchor),
            bias=plain(bias.bias, 1, signed=True),
            low=plain(bias.low, 1, signed=True),
            high=plain(bias.high, 1, signed=True),
            n=str(bias.n),
        )
        for bias in evidence.bias
        if bias.rater != evidence.anchor
    ]
    return [Text(line) for line in said]


def _fit(result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    curves = result.curves
    if curves is None:
        return []
    counts: dict[str, int] = {}
    for flags in curves.flags:
        for flag in flags:
            counts[flag] = counts.get(flag, 0) + 1
    flagged = [spoken("terminal.flag_count", flag=spoken.known("flag", f), n=str(counts[f])) for f in sorted(counts)]
    said = [
        spoken(
            "terminal.fit",
            family=spoken.known("family", "given" if curves.given.all() else curves.family),
            lag=spoken.count("evidence.years", curves.lag),
            own=str(int((curves.own_evidence >= OWN).sum())),
            n=str(len(curves.id)),
            flags=spoken.enumerate(flagged) or spoken("terminal.no_flags"),
        )
    ]
    if curves.selection is not None and curves.selection.weak:
        said.append(spoken("terminal.weak_lag"))
    return [Text(line) for line in said]


def _plan(result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    plan = result.plan
    if plan is None:
        return []
    rows = lines(result)
    amounts = {
        "total": plan.total,
        "reserve": plan.reserve,
        "unallocated": plan.unallocated,
        "amount": math.fsum(row.amount for row in rows),
    }
    said = [spoken.entries["terminal.plan"].format_map({name: written.exact(v) for name, v in amounts.items()})]
    better = plan.better_than_last_year
    if better is not None:
        low, high, p = written.worth(better.low), written.worth(better.high), written.chance(better.probability)
        said.append(spoken("terminal.gain", moved=moved_words(better, spoken, written), low=low, high=high, p=p))
    binding = [group.name for group in groups(result) if group.binding]
    said.append(spoken("terminal.binding", rules=spoken.enumerate(binding) or spoken("page.none")))
    shown: list[RenderableType] = [Text(line) for line in said]
    shown += [_Prose(part) for part in _softly(result, plan, spoken, written)]
    shown += [_Prose(part) for part in little(plan, result.scenario, words=spoken, numbers=written) if part]
    shown += [_Prose(part) for part in _beside(plan, spoken, written)]
    tables = [_departments(result, spoken, written), _moves(rows, spoken, written)]
    return [*shown, *_gap(result, spoken, written), *tables]


def _softly(result: Result, plan: Plan, spoken: Words, written: Numbers) -> list[str]:
    """Return how many soft rules the plan breaks, and each of them with what that costs."""
    soft = counts(result.scenario, spoken, written).softly(plan)
    broken = [group for group in groups(result) if group.is_broken]
    return [*([soft] if soft else []), *(spoken("terminal.soft", name=g.name, said=g.soft) for g in broken)]


def _beside(plan: Plan, spoken: Words, written: Numbers) -> list[str]:
    """Return how evenly money reaches people, and what the plan brings when the curves disappoint."""
    said = [even(plan.equity, spoken, written)]
    if plan.risk is not None:
        said.append(spoken.sentences(bad_draws(plan.risk, _worth(spoken, written), spoken, written)))
    return [part for part in said if part]


def _worth(spoken: Words, written: Numbers) -> str:
    return spoken("column.benefit" if written.benefit_is_money else "column.benefit_given")


def _gap(result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    """Return what is proven of the plan, by which method, and at what its prices hold."""
    plan = result.plan
    if plan is None:
        return []
    shown: list[RenderableType] = []
    if plan.status == "limit":
        shown.append(_Prose(proven(plan, spoken, written), style="yellow"))
    method = spoken.known("method", plan.method)
    shown.append(Text(spoken("terminal.gap", gap=f"{plan.gap:.1e}", method=method)))
    return [*shown, *([Text(spoken("terminal.at"))] if plan.at_choices else [])]


def _departments(result: Result, spoken: Words, written: Numbers) -> Table:
    rows = lines(result)
    table = _table(spoken, ("department", "last", "requested", "amount", "change", "change_share"), written)
    for place, sums in enumerate([totals(spoken("page.total"), rows), *(sums for sums, _ in departments(rows))]):
        table.add_row(
            Text(sums.name),
            written.table(sums.last),
            written.table(sums.requested),
            written.table(sums.amount),
            written.table(sums.change, signed=True),
            written.percent(sums.change_share, signed=True),
            style="bold" if place == 0 else "",
        )
    return table


def _moves(rows: Sequence[Line], spoken: Words, written: Numbers) -> Table:
    table = _table(
        spoken, ("name", "last", "amount", "change", "verb", "held_by"), written, title=spoken("terminal.moves")
    )
    for row in sorted((row for row in rows if row.change), key=lambda row: -abs(row.change))[:MOVES]:
        change = Text(written.table(row.change, signed=True), style="blue" if row.change > 0 else "red")
        verb = Text(spoken(f"verb.{row.verb}"))
        table.add_row(
            Text(row.name), written.table(row.last), written.table(row.amount), change, verb, Text(row.held_by)
        )
    return table


def _simulate(result: Result, spoken: Words, written: Numbers) -> list[RenderableType]:
    compared = result.comparison
    if compared is None:
        return []
    headline, because = recommendation(result, compared)
    table = _table(
        spoken,
        ("policy", "difference", "interval_95", "moved", "exhausted", "better_curves"),
        written,
        unit=written.benefit_is_money,
    )
    for option in options(compared, spoken, written):
        p = option.policy
        span = f"{written.fine(p.difference.low, signed=True)} … {written.fine(p.difference.high, signed=True)}"
        table.add_row(
            Text(option.name),
            DASH if option.is_baseline else written.fine(p.difference.mean, signed=True),
            DASH if option.is_baseline else span,
            written.percent(p.moved),
            written.chance(p.reserve_exhausted_probability) if p.reserve_needed > 0 else DASH,
            option.better,
            style="bold" if option.is_recommended else "",
        )
    return [table, Text(headline, style="bold"), *(_Prose(said) for said in because)]


def _table(
    spoken: Words, keys: Sequence[str], written: Numbers, *, title: str | None = None, unit: bool = True
) -> Table:
    """Return an empty table with headings, the first column on the left; its caption names the unit of money."""
    caption = spoken("page.unit", unit=written.table_unit) if unit else None
    table = Table(
        title=title and Text(title),
        caption=caption and Text(caption),
        title_justify="left",
        caption_justify="right",
        box=None,
        pad_edge=False,
    )
    for key in keys:
        on_the_left = key in ("department", "name", "policy", "verb", "held_by")
        table.add_column(Text(spoken(f"column.{key}"), style="bold"), justify="left" if on_the_left else "right")
    return table


class _Prose:
    """A paragraph that breaks where Chinese and English may: never inside a number, never before a closing mark."""

    def __init__(self, text: str, style: str = "") -> None:
        self._text, self._style = text, style

    def __rich_console__(self, console: Console, limits: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(folded(self._text, limits.max_width)), style=self._style)


def folded(text: str, wide: int) -> list[str]:
    """Return a paragraph as lines of at most ``wide`` columns, a Chinese sign counting two."""
    lines_of, line = [], ""
    for token in _TOKENS.findall(text):
        is_closing = token in _NEVER_FIRST
        if line and cell_len(line + token.rstrip()) > wide - (0 if is_closing else 2):
            lines_of.append(line.rstrip())
            line = token.lstrip(" ")
        else:
            line += token
    return [*lines_of, line.rstrip()]


def _console(stream: object) -> Console:
    """Return a console on a stream; rich itself honours NO_COLOR and how wide Chinese stands."""
    return Console(file=stream, highlight=False, markup=False, emoji=False)  # type: ignore[arg-type]
