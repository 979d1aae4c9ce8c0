"""Rules of what is funded or moved at all, compiled: holes in what a line may have, and limits on how many lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocsim.errors import Text
from allocsim.model.arrays import IntArray, integers
from allocsim.model.money import decimal
from allocsim.model.rule import AllOrNothing, Exclusive, FewMoves, MinimumViable, Requires
from allocsim.optimise.compile.book import EXACT, Book, Compiled, products
from allocsim.optimise.limits import FREE, Choice, Parts

Holes = tuple[tuple[int, int], ...]
"""The parts in which one line may have an amount [steps]."""


def exclusive(rule: Exclusive, source: int, at: Book) -> Compiled:
    """Let one line at most of the selection, or of each value of ``by``, have money."""
    lines = at.lines(rule)
    choices = [
        _funded(source, label, members.tolist(), weight=[1] * members.size, level=1)
        for label, members in at.rows(rule, lines)
        if members.size > 1
    ]
    return Compiled(choices=tuple(choices), optional=lines)


def requires(rule: Requires, source: int, at: Book) -> Compiled:
    """Let a line of the selection have money only where a line of ``then`` does: one choice for each pair.

    A line is never required by itself. Where ``then`` selects nobody there is nothing to wait for, which nobody can
    have meant: that is refused.
    """
    lines, needed = at.lines(rule), at.meeting(rule, rule.then)
    if not needed.size and not at.refused(rule):
        at.refuse(
            rule,
            "'then' selects no line, so nothing could be required",
            "then 没有选中任何项目，无从构成前置条件",
            hint=Text("name the lines that must be funded first", "请写明须先安排的项目"),
        )
    names = at.scenario.projects.text("id")
    choices = [
        _funded(source, f"{names[line]} -> {names[other]}", [line, other], weight=[1, -1], level=0)
        for line in lines.tolist()
        for other in needed.tolist()
        if other != line
    ]
    return Compiled(choices=tuple(choices), optional=integers(np.union1d(lines, needed)))


def minimum_viable(rule: MinimumViable, source: int, at: Book) -> Compiled:
    """Give each line nothing, or at least ``amount`` or ``times`` x ``of``, rounded up; a step at the very least.

    A line whose ``of`` is missing is not bound.
    """
    lines = at.lines(rule)
    if rule.of is not None:
        least = products(rule, at, of=rule.of, times=rule.times)
    else:
        least = dict.fromkeys(lines.tolist(), decimal(rule.amount or 0.0))
    bound = [line for line in lines.tolist() if line in least]
    parts = [_nothing_or(at.scenario.step.up(least[line])) for line in bound]
    return Compiled(parts=_parts(source, bound, parts), optional=lines)


def all_or_nothing(rule: AllOrNothing, source: int, at: Book) -> Compiled:
    """Give each line nothing, or its ``max`` rounded down, which must be there and come to a step."""
    lines, most = at.lines(rule), at.number(rule, "max") if at.scenario.projects.is_number("max") else None
    whole = {
        line: at.scenario.step.down(decimal(most[line]))
        for line in lines.tolist()
        if most is not None and not np.isnan(most[line])
    }
    missing = [line for line in lines.tolist() if line not in whole]
    if missing:
        who = at.named(missing)
        at.refuse(
            rule,
            f"all of what? 'max' is missing for {who.en}",
            f"全额是多少？{who.zh}没有填写上限数（max）",
            hint=Text("fill in 'max'", "请填写“上限数”"),
        )
    small = [line for line, steps in whole.items() if steps < 1]
    if small:
        who, size = at.named(small), f"{at.scenario.step.size:.15g}"
        at.refuse(
            rule,
            f"'max' is below one money_step {size} for {who.en}, so all of it is nothing",
            f"{who.zh}的上限数（max）不足一个 money_step（{size}），全额即为零",
            hint=Text("raise 'max', or leave these lines out with 'except'", "请调高上限数，或用 except 排除这些项目"),
        )
    if missing or small:
        return Compiled(optional=lines)
    parts: list[Holes] = [((0, 0), (whole[line], whole[line])) for line in lines.tolist()]
    return Compiled(parts=_parts(source, lines.tolist(), parts), optional=lines)


def few_moves(rule: FewMoves, source: int, at: Book) -> Compiled:
    """Let ``max_moves`` lines at most leave their last budget, each by ``min_change`` or more.

    A last budget between two steps is kept by either of them; a line without one rests at nothing. The least move is
    rounded up, a step at least, and counted from the step beyond which the line has moved; as a share it asks nothing
    more of a line that had nothing.
    """
    lines, step = at.lines(rule).tolist(), at.scenario.step
    last = {line: decimal(np.nan_to_num(at.last[line])) for line in lines}
    low, high = [step.down(last[line]) for line in lines], [step.up(last[line]) for line in lines]
    choices = []
    if rule.max_moves < len(lines):
        choice = Choice(
            source=source,
            label="",
            members=integers(lines),
            rest_low=integers(low),
            rest_high=integers(high),
            weight=integers([1] * len(lines)),
            level=rule.max_moves,
        )
        choices.append(choice)
    if rule.least.share is not None:
        share = decimal(rule.least.share)
        moves = [step.up(EXACT.multiply(share, last[line])) for line in lines]
    else:
        moves = [step.up(decimal(rule.least.amount or 0.0))] * len(lines)
    apart = [place for place, move in enumerate(moves) if move > 1]
    parts = [_rest_or_away(low[place], high[place], moves[place]) for place in apart]
    return Compiled(choices=tuple(choices), parts=_parts(source, [lines[place] for place in apart], parts))


def if_funded(at: Book, compiled: Sequence[Compiled], *, least: int) -> tuple[IntArray, tuple[Parts, ...]]:
    """Return the lines that may go unfunded (c,), and what each of them has at least where it has any money.

    Their ``min`` is a hole, not a floor: nothing, or ``min`` rounded up. A line that states none gets a step at least,
    said by the first rule that lets it go unfunded, unless a rule of that line says more.

    Parameters
    ----------
    at
        For ``min`` and the step.
    compiled
        What every rule became, in order.
    least
        Index of the source that ``projects.min`` is.
    """
    first: dict[int, int] = {}
    for source, rule in enumerate(compiled):
        for line in rule.optional.tolist():
            first.setdefault(line, source)
    lines, step = sorted(first), at.scenario.step
    stated = at.scenario.projects.number("min", 0.0)
    with_least = [line for line in lines if stated[line] > 0]
    parts = [*_parts(least, with_least, [_nothing_or(step.up(decimal(stated[line]))) for line in with_least])]
    bound = {
        line
        for rule in compiled
        for holes in rule.parts
        for line, parts in zip(holes.project.tolist(), holes.parts, strict=True)
        if parts[0] == (0, 0)
    }
    for source in sorted(set(first.values())):
        mine = [line for line in lines if first[line] == source and not stated[line] > 0 and line not in bound]
        parts += _parts(source, mine, [_nothing_or(1)] * len(mine))
    return integers(lines), tuple(parts)


def _funded(source: int, label: str, members: list[int], *, weight: list[int], level: int) -> Choice:
    """Return a limit on how many lines have any money."""
    return Choice(
        source=source,
        label=label,
        members=integers(members),
        rest_low=integers([0] * len(members)),
        rest_high=integers([0] * len(members)),
        weight=integers(weight),
        level=level,
    )


def _parts(source: int, lines: Sequence[int], parts: Sequence[Holes]) -> tuple[Parts, ...]:
    return (Parts(source=source, project=integers(lines), parts=tuple(parts)),) if lines else ()


def _nothing_or(least: int) -> Holes:
    return _below_end((0, 0), (max(least, 1), FREE))


def _rest_or_away(low: int, high: int, move: int) -> Holes:
    """Return last budget, and what lies a move or more from it."""
    below = ((0, low - move),) if low >= move else ()
    return _below_end(*below, (low, high), (high + move, FREE))


def _below_end(*parts: tuple[int, int]) -> Holes:
    """Return the parts but one that would begin beyond any amount."""
    return tuple(part for part in parts if part[0] <= part[1])
