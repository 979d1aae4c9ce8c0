"""Problems of the columns that rules compute with: columns that there are none of, and columns that hold text."""

from __future__ import annotations

from collections.abc import Iterator

from allocsim.errors import Problem, Text
from allocsim.files.lines import Lines
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import AmountRule, ByFactors, Change, FewMoves, Grade, Limit, MinimumViable, Rule
from allocsim.model.selection import MADE


def column_problems(lines: Lines, key: str, rule: Rule, *, dated: bool) -> Iterator[Problem]:
    """Yield columns of ``by``, ``of``, ``less``, ``column`` and ``factors`` that are absent or hold no numbers.

    Parameters
    ----------
    lines
        The lines that the rule selects from.
    key
        Of the rule.
    rule
        The rule.
    dated
        Whether there are records, which hold the last budgets that projects do not state.
    """
    by: str | None = getattr(rule, "by", None)
    if by is not None and by not in lines.columns():
        message = Text(f"'{key}.by': there is no column '{by}'", f"“{key}.by”：没有“{by}”列")
        yield lines.problem(f"{key}.by", message, lines.hint(by))
    if isinstance(rule, Change | Grade | FewMoves) and not dated and "last_budget" not in lines.projects:
        message = Text(f"'{key}' needs last budgets, and there are none", f"“{key}”需要上年预算数，但没有")
        yield lines.problem(key, message, Text("fill in 'last_budget'", "请填写“上年预算数”"))
    for part, name in _of_projects(rule):
        if name != "last_budget" or not (dated or name in lines.projects):
            yield from _no_numbers(lines, f"{key}.{part}", name, own=True)
    for part, name in _of_any(rule):
        if name != "last_budget" or not (dated or name in lines.projects):
            yield from _no_numbers(lines, f"{key}.{part}", name, own=False)


def _of_projects(rule: Rule) -> list[tuple[str, str]]:
    """Return the keys that name a number column of projects, and what they name."""
    if isinstance(rule, AmountRule):
        named = [("of", rule.of), ("less", rule.less)]
    else:
        named = [("of", rule.of)] if isinstance(rule, MinimumViable) else []
    return [(part, name) for part, name in named if name is not None]


def _of_any(rule: Rule) -> list[tuple[str, str]]:
    """Return the keys that name a number column of projects or districts, or one made for rules."""
    if isinstance(rule, Limit):
        return [("column", rule.column)]
    return [(f"factors.{name}", name) for name in rule.factors] if isinstance(rule, ByFactors) else []


def _no_numbers(lines: Lines, key: str, name: str, *, own: bool) -> Iterator[Problem]:
    """Yield that a column is nowhere, or that it holds text; ``own`` where it has to be one of projects."""
    tables = [lines.projects, *([lines.districts] if lines.districts is not None and not own else [])]
    table = next((table for table in tables if name in table), None)
    if table is None and (own or name not in MADE):
        message = Text(f"'{key}': there is no column '{name}'", f"“{key}”：没有“{name}”列")
        numeric = [each for table in tables for each in table.columns if table.is_number(each)]
        yield lines.problem(key, message, lines.hint(name) or did_you_mean(name, numeric))
    elif name == "grade" or (table is not None and not table.is_number(name)):
        message = Text(f"'{key}': '{name}' holds text, no numbers", f"“{key}”：“{name}”列是文字，不是数字")
        yield lines.problem(key, message, _numeric(lines, own=own))


def _numeric(lines: Lines, *, own: bool) -> Text | None:
    """Return the columns that hold numbers."""
    tables = [lines.projects, *([lines.districts] if lines.districts is not None and not own else [])]
    names = sorted({name for table in tables for name in table.columns if table.is_number(name)})
    return Text(f"numbers are in: {', '.join(names)}", f"数字列有：{'、'.join(names)}") if names else None
