"""What is wrong with the inputs, and rules that cannot all hold, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from allocsim.errors import Problem
from allocsim.model.plan import Conflict
from allocsim.report.numbers import TIED, plain
from allocsim.report.rules import rule_words
from allocsim.report.words import words


def problems_table(problems: Sequence[Problem], language: str) -> RenderableType:
    """Return every problem: the place, what is wrong, and what would mend it."""
    spoken = words(language)
    if not problems:
        return Text(spoken("terminal.clean"), style="green")
    shown: list[RenderableType] = []
    for problem in problems:
        word = Text(spoken(f"terminal.{problem.severity}"), style="red" if problem.severity == "error" else "yellow")
        place = " ".join(part for part in (problem.place, problem.key or "") if part)
        shown.append(Text.assemble(word, " ", (place, "bold"), "  " if place else "", problem.message.to(language)))
        if problem.hint is not None:
            shown.append(Text(f"    → {problem.hint.to(language)}"))
    errors = sum(problem.severity == "error" for problem in problems)
    shown.append(Text(spoken("terminal.problems", errors=str(errors), warnings=str(len(problems) - errors))))
    return Group(*shown)


def conflict_text(conflict: Conflict, language: str) -> RenderableType:
    """Return the rules that cannot all hold, each with its place and what would end the conflict, and the repair."""
    spoken, unit = words(language), conflict.unit
    shown: list[RenderableType] = [Text(spoken("terminal.conflict"), style="bold red")]
    for rule in conflict.rules:
        place = f"{rule.file}:{rule.line}" if rule.file and rule.line else rule.file or ""
        head = "  ".join(part for part in (place, rule.detail.to(language)) if part)
        shown.append(Text.assemble("  • ", (rule_words(rule.name, spoken), "bold"), f"  {head}".rstrip()))
        short = spoken("terminal.no_short")
        if rule.short_by is not None:
            easing = rule.easing.to(language) if rule.easing else _amount(rule.short_by, unit, language)
            short = spoken("terminal.short", amount=easing)
        shown.append(Text(f"      {short}"))
    if conflict.repair:
        shown.append(Text(spoken("terminal.repair"), style="bold"))
    for repair in conflict.repair:
        if repair.detail is not None:
            shown.append(Text(f"  • {repair.detail.to(language)}"))
            continue
        ends = {"from": _amount(repair.start), "to": _amount(repair.end, unit, language), "row": repair.name}
        key = "terminal.ease_row" if repair.row else "terminal.ease"
        said = spoken.entries[key].format_map({"rule": rule_words(repair.rule, spoken), **ends})
        shown.append(Text(f"  • {said}"))
    return Group(*shown)


def _amount(amount: float, unit: str = "", language: str = "zh") -> str:
    """Return an amount in the scenario's own unit, with its name where one is given."""
    number = plain(amount, 0 if amount == round(amount) else 2)
    return f"{number}{TIED if unit and language == 'en' else ''}{unit}"
