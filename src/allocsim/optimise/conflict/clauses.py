"""What a rule asks in a conflict, in a planner's words: one clause a number, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

from allocsim.errors import Text
from allocsim.model.rule import Limit
from allocsim.model.scenario import Scenario
from allocsim.optimise.conflict.claims import AnyClaim, Claim, Count, Evenness, Formula, Hole, can_be_eased, number
from allocsim.optimise.limits import COMMITTED, FREE, LEAST, MOST, Rows, Source

COLUMNS = {COMMITTED: "committed", LEAST: "min", MOST: "max"}
COLUMNS_ZH = {COMMITTED: "合同及承诺数", LEAST: "保底数", MOST: "上限数"}
SHOWN = 3
"""Lines that a clause names one by one, and limits of lines that have clauses of their own; more are told together."""
_HOLES = {
    "all_or_nothing": Text("nothing or its full amount", "要么不安排，要么全额安排"),
    "few_moves": Text("its last budget or a move that is large enough", "要么维持上年，要么达到最小变动额"),
}
_START_UP = Text("nothing or its least amount", "要么不安排，要么达到起步规模")


def place(scenario: Scenario, source: Source, claim: AnyClaim) -> tuple[str | None, int | None]:
    """Return file and line of a limit; that of ``budget.reserve_share`` where the reserve is a share."""
    if source.standing == "line":
        file, line, _ = scenario.projects.place(claim.members[0], COLUMNS[source.name])
        return file, line
    own = {"rule": [f"rule.{source.name}"], "reserve": [source.name, f"{source.name}_share"]}
    keys = own.get(source.standing, [source.name])
    places = [scenario.lines[key] for key in keys if key in scenario.lines]
    return places[0] if places else (None, None)


def row_name(scenario: Scenario, rows: Rows, claim: AnyClaim) -> str:
    """Return what a claim's row is called: the line's name, a pair's names, or the value of ``by``."""
    if not claim.row or (len(claim.members) > 1 and not _is_pair(claim)):
        return claim.row
    names = scenario.projects.text("name")
    return " → ".join(names[line] for line in claim.members)


def detail(scenario: Scenario, rows: Rows, named: Sequence[AnyClaim], *, counted: AnyClaim, short: int | None) -> Text:
    """Return what one rule asks in this conflict, and by how much it is short.

    Parameters
    ----------
    scenario, rows
        The problem.
    named
        The claims of the rule that are told.
    counted
        The claim in whose unit the rule is short.
    short
        By how much, or None where no number of it can be eased.
    """
    clauses = dict.fromkeys(_clause(scenario, rows, told) for told in _together(named))  # a fix has two sides
    en, zh = "; ".join(clause.en for clause in clauses), "；".join(clause.zh for clause in clauses)
    if short is not None:
        missing = amount(scenario, rows, counted, short)
        en, zh = f"{en}: short by {missing.en}", f"{zh}，差{missing.zh}"
    return Text(en, zh)


def amount(scenario: Scenario, rows: Rows, claim: AnyClaim, level: int) -> Text:
    """Return a number of a claim with its unit: money, lines, or a rule's column."""
    told = shown(number(rows, claim, level))
    if isinstance(claim, Count | Formula):
        return Text(f"{told} {'line' if level == 1 else 'lines'}", f"{told}个项目")
    if isinstance(claim, Claim) and claim.weight is not None:
        column = _column(scenario, rows, claim)
        return Text(f"{told} of '{column}'", f"{told}（{column}）")
    return Text(f"{told} {scenario.settings.unit}", f"{told}{scenario.settings.unit}")


def eased_words(scenario: Scenario, rows: Rows, was: AnyClaim, now: AnyClaim) -> Text:
    """Return an easing in words: which number goes from what to what, or which rule is dropped for whom."""
    source, who = rows.sources[was.source], _who(rows, was)
    if source.standing in ("total", "reserve"):
        who = Text("the total", "总额") if source.standing == "total" else Text("the reserve", "预备费")
    row = row_name(scenario, rows, was)
    if not can_be_eased(was):
        whom = Text(f" for '{row}'", f"对“{row}”") if row else Text("", "")
        return Text(f"drop {who.en}{whom.en}", f"{whom.zh}取消{who.zh}")
    start, end = amount(scenario, rows, was, was.level), amount(scenario, rows, now, now.level)
    at_en, at_zh = (f" ['{row}']", f"〔{row}〕") if row else ("", "")
    return Text(f"{who.en}{at_en}: {start.en} → {end.en}", f"{who.zh}{at_zh}：{start.zh} → {end.zh}")


def shown(value: float) -> str:
    """Return a number as people read it: thousands apart, no more decimals than it has."""
    whole, _, part = f"{value:,.6f}".partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part}" if part else whole


def _together(named: Sequence[AnyClaim]) -> list[list[AnyClaim]]:
    """Return claims as clauses tell them: those of single lines together, side by side, where they are many."""
    told = [[claim] for claim in named if len(claim.members) != 1]
    for side in ("floor", "ceiling", ""):
        lines = [claim for claim in named if len(claim.members) == 1 and _side(claim) == side]
        told += [lines] if len(lines) > SHOWN else [[claim] for claim in lines]
    pairs = [claim for group in told for claim in group if _is_pair(claim)]
    if len(pairs) > SHOWN:
        told = [group for group in told if not _is_pair(group[0])] + [pairs]
    return told


def _side(claim: AnyClaim) -> str:
    return claim.side if isinstance(claim, Claim) else ""


def _is_pair(claim: AnyClaim) -> bool:
    """Tell whether a claim is one line that requires another."""
    return isinstance(claim, Count) and not claim.has_level


def _clause(scenario: Scenario, rows: Rows, told: Sequence[AnyClaim]) -> Text:
    first = told[0]
    if isinstance(first, Claim):
        return _limit(scenario, rows, [claim for claim in told if isinstance(claim, Claim)])
    if isinstance(first, Hole):
        return _hole(scenario, rows, [claim for claim in told if isinstance(claim, Hole)])
    if isinstance(first, Count):
        return _count(scenario, rows, first, of=len(told))
    if isinstance(first, Evenness):
        return _evenness(first)
    who, what = _who(rows, first), lines(scenario, first.members, first.row)
    return Text(f"{who.en} splits the money of {what.en} by its formula", f"{who.zh}按公式分配{what.zh}的资金")


def _limit(scenario: Scenario, rows: Rows, told: Sequence[Claim]) -> Text:
    first = told[0]
    source, level = rows.sources[first.source], sum(claim.level for claim in told)
    much = amount(scenario, rows, first, level)
    if source.standing == "total":
        return Text(f"the total is {much.en}", f"总额为{much.zh}")
    if source.standing == "reserve":
        return Text(f"the reserve takes {much.en}", f"预备费占{much.zh}")
    members = [line for claim in told for line in claim.members]
    who, named = _who(rows, first), lines(scenario, members, first.row if len(told) == 1 else "")
    what = _summed(named, members)
    if first.weight is not None:
        return Text(f"{who.en} lets {what.en} use at most {much.en}", f"{who.zh}只允许{what.zh}至多占用{much.zh}")
    if source.kind == "fix":
        return Text(f"{who.en} fixes {what.en} at {much.en}", f"{who.zh}锁定{what.zh}为{much.zh}")
    if len(told) > 1:
        verb_en, verb_zh = ("asks", "要求") if first.side == "floor" else ("allows", "限制")
        end_en, end_zh = ("at least", "至少") if first.side == "floor" else ("at most", "至多")
        return Text(
            f"{who.en} {verb_en}, line by line, {end_en} {much.en} for {what.en}",
            f"{who.zh}逐项{verb_zh}，{what.zh}{end_zh}{much.zh}",
        )
    if first.side == "floor":
        return Text(f"{who.en} asks at least {much.en} for {what.en}", f"{who.zh}要求{what.zh}至少{much.zh}")
    if not level:
        return Text(f"{who.en} allows nothing for {named.en}", f"{who.zh}不允许安排{named.zh}")
    return Text(f"{who.en} allows at most {much.en} for {what.en}", f"{who.zh}只允许{what.zh}至多{much.zh}")


def _hole(scenario: Scenario, rows: Rows, told: Sequence[Hole]) -> Text:
    who = _who(rows, told[0])
    members = [claim.members[0] for claim in told]
    what = lines(scenario, members, "")
    if len(told) > 1:
        either = _HOLES.get(rows.sources[told[0].source].kind, _START_UP)
        return Text(f"{who.en} gives each of {what.en} {either.en}", f"{who.zh}要求{what.zh}{either.zh}")
    parts = [_part(scenario, rows, told[0], low, high) for low, high in told[0].parts]
    en, zh = [part.en for part in parts], [part.zh for part in parts]
    listed = f"{', '.join(en[:-1])} or {en[-1]}" if len(en) > 1 else en[0]
    listed_zh = f"{'、'.join(zh[:-1])}或{zh[-1]}" if len(zh) > 1 else zh[0]
    return Text(f"{who.en} leaves {what.en} {listed}", f"{who.zh}只允许{what.zh}{listed_zh}")


def _part(scenario: Scenario, rows: Rows, claim: Hole, low: int, high: int) -> Text:
    least, most = amount(scenario, rows, claim, low), amount(scenario, rows, claim, high)
    if (low, high) == (0, 0):
        return Text("nothing", "不安排")
    if low == high:
        return Text(f"exactly {least.en}", f"正好{least.zh}")
    if high == FREE:
        return Text(f"at least {least.en}", f"至少{least.zh}")
    if low == 0:
        return Text(f"at most {most.en}", f"至多{most.zh}")
    return Text(f"{least.en} to {most.en}", f"{least.zh}至{most.zh}")


def _count(scenario: Scenario, rows: Rows, claim: Count, *, of: int) -> Text:
    who, what = _who(rows, claim), lines(scenario, claim.members, claim.row)
    if _is_pair(claim):
        if of > 1:
            return Text(
                f"{who.en} funds lines only together with those they need ({of} pairs)",
                f"{who.zh}规定{of}对项目须在前置项目获得安排后方可安排",
            )
        line, needed = (lines(scenario, [member], "") for member in claim.members)
        return Text(
            f"{who.en} funds {line.en} only if {needed.en} is funded",
            f"{who.zh}规定{line.zh}须在前置项目{needed.zh}获得安排后方可安排",
        )
    if rows.sources[claim.source].kind == "few_moves":
        if not claim.level:
            return Text(f"{who.en} lets none of {what.en} move from last budget", f"{who.zh}要求{what.zh}全部维持上年")
        return Text(
            f"{who.en} lets at most {claim.level} of {what.en} move from last budget",
            f"{who.zh}只允许{what.zh}中至多{claim.level}个变动",
        )
    return Text(
        f"{who.en} funds only {claim.level} of {what.en}",
        f"{who.zh}只允许{what.zh}中的{claim.level}个获得安排",
    )


def _evenness(claim: Evenness) -> Text:
    if claim.cap is None:
        return Text("no cap on inequality", "不限制差距")
    cap, by = shown(float(claim.cap.cap)), claim.cap.groups.by
    return Text(
        f"the Gini coefficient of money per head over '{by}' is {cap} at most",
        f"按“{by}”计算的人均资金基尼系数不超过{cap}",
    )


def lines(scenario: Scenario, members: Sequence[int], label: str) -> Text:
    """Return lines by name where they are few, else how many there are, of which value of ``by``."""
    names = scenario.projects.text("name")
    if not members:
        return Text("no line at all", "空的选择范围")
    if len(members) <= SHOWN and (not label or len(members) == 1):
        quoted = [f"'{names[line]}'" for line in members]
        listed = f"{', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else quoted[0]
        return Text(listed, "".join(f"“{names[line]}”" for line in members))
    of_en, of_zh = (f" of '{label}'", f"“{label}”的") if label else ("", "")
    return Text(f"{len(members)} lines{of_en}", f"{of_zh}{len(members)}个项目")


def _summed(what: Text, members: Sequence[int]) -> Text:
    return Text(f"{what.en} together", f"{what.zh}合计") if len(members) > 1 else what


def _who(rows: Rows, claim: AnyClaim) -> Text:
    source = rows.sources[claim.source]
    if source.standing == "line":
        return Text(f"column '{COLUMNS[source.name]}'", f"“{COLUMNS_ZH[source.name]}”")
    if source.standing == "equity":
        if isinstance(claim, Evenness):
            return Text("the cap on inequality", "“基尼系数上限”")
        return Text("the floor for the worst-off", "“人均保底”")
    return Text(f"'{source.name}'", f"“{source.name}”")


def _column(scenario: Scenario, rows: Rows, claim: Claim) -> str:
    """Return the column that a weighted limit counts."""
    name = rows.name(claim.source)
    return next((r.column for r in scenario.settings.rule if isinstance(r, Limit) and r.name == name), name)
