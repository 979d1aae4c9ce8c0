"""When the rules cannot all hold: which ones are in each other's way, by how much, and the cheapest way out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import replace
from typing import TypeVar

import numpy as np

from allocsim.errors import Text
from allocsim.model.arrays import FloatArray, IntArray, integers
from allocsim.model.plan import Conflict, ConflictRule, Repair, RulesConflict
from allocsim.model.scenario import Scenario
from allocsim.optimise.elastic import Claim, Elastic, claims
from allocsim.optimise.limits import COMMITTED, LEAST, MOST, Rows, Source
from allocsim.optimise.whole import is_whole

Item = TypeVar("Item", bound=Hashable)
COLUMNS = {COMMITTED: "committed", LEAST: "min", MOST: "max"}
COLUMNS_ZH = {COMMITTED: "合同及承诺数", LEAST: "保底数", MOST: "上限数"}
SHOWN = 3
"""Lines that a rule's clauses name one by one; more are told together."""


def conflict(scenario: Scenario, rows: Rows) -> RulesConflict:
    """Return the conflict of limits that cannot all hold.

    The set named is irreducible, not the smallest: it is what a deletion filter leaves that tries to drop, in the
    order of the file, each rule, the total, the reserve and each limit of a line, and keeps out all that the conflict
    does not need. Blocks are dropped at once where that leaves a conflict, which gives the same set. ``short_by`` is
    the least easing of one of them that ends this conflict. The repair eases the least money over all limits: rules
    and limits of lines first, then the total too, and only if that is not enough what law and contract ask.

    Parameters
    ----------
    scenario
        For files and lines.
    rows
        The limits.

    References
    ----------
    Chinneck, J. W. and Dravnieks, E. W. (1991), Locating minimal infeasible constraint sets in linear programs, ORSA
    Journal on Computing 3(2). Junker, U. (2004), QuickXplain, AAAI-04.
    """
    claimed = claims(rows)
    elastic = Elastic(claimed, len(rows.id))
    if elastic.holds(range(len(claimed))):
        elastic = Elastic(claimed, len(rows.id), whole=True)
    groups = list(dict.fromkeys(claim.group for claim in claimed))
    of_group = {group: [c for c, claim in enumerate(claimed) if claim.group == group] for group in groups}

    def clash(kept: Sequence[str]) -> bool:
        return not elastic.holds([c for group in kept for c in of_group[group]])

    needed = irreducible(groups, clash)
    core = [c for group in needed for c in of_group[group]]
    blocks = _blocks(claimed, core)
    pressing = {c for block in irreducible(blocks, lambda kept: not elastic.holds(sum(kept, ()))) for c in block}
    told = []
    for group in needed:
        others = [c for c in core if claimed[c].group != group]
        eased = elastic.least(others, of_group[group])
        if eased is not None and not is_whole(eased):
            eased = Elastic(claimed, len(rows.id), whole=True).least(others, of_group[group])
        mine = _in_the_way(claimed, of_group[group], pressing, eased)
        short = None if eased is None else round(float(eased[of_group[group]].sum()))
        told.append(_rule(scenario, rows, mine, group, short))
    repair = _repair(scenario, rows, claimed, elastic)
    return RulesConflict(Conflict(unit=scenario.settings.unit, rules=tuple(told), repair=repair))


def irreducible(items: Sequence[Item], clash: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Return what is left when each item, in order, is dropped wherever the rest still clashes.

    Parameters
    ----------
    items
        Things that clash together.
    clash
        Tells whether some of them clash; what clashes still does so with more.
    """
    kept = list(items)

    def drop(block: list[Item]) -> None:
        chosen = set(block)
        rest = [item for item in kept if item not in chosen]
        if clash(rest):
            kept[:] = rest
        elif len(block) > 1:
            half = len(block) // 2
            drop(block[:half])
            drop(block[half:])

    if items:
        drop(list(items))
    return kept


def _blocks(claimed: Sequence[Claim], core: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the claims of a conflict as one block a row of sums, and one block a side of a limit line by line."""
    blocks: dict[tuple[str, str, int], list[int]] = {}
    for c in core:
        claim = claimed[c]
        blocks.setdefault((claim.group, claim.side, -1 if len(claim.members) == 1 else c), []).append(c)
    return [tuple(block) for block in blocks.values()]


def _in_the_way(
    claimed: Sequence[Claim], mine: Sequence[int], pressing: Set[int], eased: FloatArray | None
) -> list[Claim]:
    """Return the numbers of one group that its clause names, of those that the conflict needs.

    Rows of sums, the lines in those sums, and the lines that easing this group alone would move; all where none is.
    """
    lines = {line for c in pressing if len(claimed[c].members) > 1 for line in claimed[c].members}
    if eased is not None:
        lines |= {line for c in mine if eased[c] > 0.5 for line in claimed[c].members}
    needed = [c for c in mine if c in pressing]
    told = [c for c in needed if len(claimed[c].members) != 1 or claimed[c].members[0] in lines]
    return [claimed[c] for c in told or needed]


def _repair(scenario: Scenario, rows: Rows, claimed: Sequence[Claim], elastic: Elastic) -> tuple[Repair, ...]:
    """Return the cheapest easing of all limits, proven to hold in whole steps."""
    steps = _cheapest(rows, claimed, elastic)
    if steps is None:  # sets of lines cross: parts of steps would do, or would have to
        steps = _cheapest(rows, claimed, Elastic(claimed, len(rows.id), whole=True))
    if steps is None:
        raise AssertionError("with every limit eased the limits hold")
    money = rows.step.money
    names = dict(zip(rows.id, scenario.projects.text("name"), strict=True))
    return tuple(
        Repair(
            rule=claim.group,
            row=claim.row,
            name=names.get(claim.row, claim.row),
            start=money(claim.level),
            end=money(_eased(claim, int(s)).level),
        )
        for claim, s in zip(claimed, steps, strict=True)
        if s
    )


def _cheapest(rows: Rows, claimed: Sequence[Claim], elastic: Elastic) -> IntArray | None:
    """Return the least easings (c,) [steps], of rules before the total and of that before what is due by law.

    None where they are no whole steps, or whole amounts do not fit the limits so eased.
    """
    everyone = set(range(len(claimed)))
    plain = [c for c in everyone if not rows.sources[claimed[c].source].must]
    rules = [c for c in plain if rows.sources[claimed[c].source].standing != "total"]
    for eased in (rules, plain, sorted(everyone)):
        found = elastic.least(sorted(everyone - set(eased)), eased)
        if found is not None:
            break
    if found is None or not is_whole(found):
        return None
    steps = integers(np.rint(found))
    mended = [_eased(claim, int(s)) for claim, s in zip(claimed, steps, strict=True)]
    return steps if Elastic(mended, len(rows.id), whole=True).holds(range(len(claimed))) else None


def _eased(claim: Claim, steps: int) -> Claim:
    return replace(claim, level=claim.level + (steps if claim.side == "ceiling" else -steps))


def _rule(scenario: Scenario, rows: Rows, pressing: Sequence[Claim], group: str, short: int | None) -> ConflictRule:
    source = rows.sources[pressing[0].source]
    file, line = _place(scenario, source, pressing[0])
    return ConflictRule(
        name=group,
        basis=source.basis,
        file=file,
        line=line,
        short_by=None if short is None else rows.step.money(short),
        detail=_detail(scenario, rows, pressing, short),
    )


def _place(scenario: Scenario, source: Source, claim: Claim) -> tuple[str | None, int | None]:
    """Return file and line of a limit; that of ``budget.reserve_share`` where the reserve is a share."""
    if source.standing == "line":
        file, line, _ = scenario.projects.place(claim.members[0], COLUMNS[source.name])
        return file, line
    keys = [f"rule.{source.name}"] if source.standing == "rule" else [source.name, f"{source.name}_share"]
    places = [scenario.lines[key] for key in keys if key in scenario.lines]
    return places[0] if places else (None, None)


def _detail(scenario: Scenario, rows: Rows, named: Sequence[Claim], short: int | None) -> Text:
    """Return what one rule asks in this conflict, in words."""
    clauses = [_clause(scenario, rows, claims) for claims in _by_side(named)]
    en, zh = "; ".join(clause.en for clause in clauses), "；".join(clause.zh for clause in clauses)
    if short is not None:
        amount = _amount(scenario, rows, short)
        en, zh = f"{en}: short by {amount.en}", f"{zh}，差{amount.zh}"
    return Text(en, zh)


def _by_side(named: Sequence[Claim]) -> list[list[Claim]]:
    """Return claims as clauses tell them: limits of lines together by side where they are many, all others alone."""
    told = [[claim] for claim in named if len(claim.members) != 1]
    for side in ("floor", "ceiling"):
        lines = [claim for claim in named if len(claim.members) == 1 and claim.side == side]
        told += [lines] if len(lines) > SHOWN else [[claim] for claim in lines]
    return told


def _clause(scenario: Scenario, rows: Rows, claims: Sequence[Claim]) -> Text:
    first = claims[0]
    source, amount = rows.sources[first.source], _amount(scenario, rows, sum(claim.level for claim in claims))
    if source.standing == "total":
        return Text(f"the total is {amount.en}", f"总额为{amount.zh}")
    if source.standing == "reserve":
        return Text(f"the reserve takes {amount.en}", f"预备费占{amount.zh}")
    what = _lines(scenario, claims)
    own = source.standing == "line"
    who_en = f"column '{COLUMNS[source.name]}'" if own else f"'{source.name}'"
    who_zh = f"“{COLUMNS_ZH[source.name]}”" if own else f"“{source.name}”"
    if first.side == "floor":
        return Text(f"{who_en} asks at least {amount.en} for {what.en}", f"{who_zh}要求{what.zh}至少{amount.zh}")
    return Text(f"{who_en} allows at most {amount.en} for {what.en}", f"{who_zh}只允许{what.zh}至多{amount.zh}")


def _lines(scenario: Scenario, claims: Sequence[Claim]) -> Text:
    members = [line for claim in claims for line in claim.members]
    if len(members) == 1:
        name = scenario.projects.text("name")[members[0]]
        return Text(f"'{name}'", f"“{name}”")
    if not members:
        return Text("no line at all", "空的选择范围")
    label = claims[0].row if len(claims) == 1 else ""
    of_en, of_zh = (f" of '{label}'", f"“{label}”的") if label else ("", "")
    return Text(f"{len(members)} lines{of_en} together", f"{of_zh}{len(members)}个项目合计")


def _amount(scenario: Scenario, rows: Rows, steps: int) -> Text:
    """Return whole steps as an amount with its unit."""
    number, unit = shown(rows.step.money(steps)), scenario.settings.unit
    return Text(f"{number} {unit}", f"{number}{unit}")


def shown(amount: float) -> str:
    """Return an amount as people read it: thousands apart, no more decimals than it has."""
    whole, _, part = f"{amount:,.6f}".partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part}" if part else whole
