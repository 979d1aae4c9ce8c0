"""Equity compiled: what every group gets at least per head, the cap on inequality, and how a plan measures up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from allocsim.errors import Problem, Text
from allocsim.model.arrays import IntArray
from allocsim.model.groups import Groups, counts_heads, groups
from allocsim.model.heads import for_heads
from allocsim.model.money import decimal
from allocsim.model.plan import EquityReport
from allocsim.model.rule import Unsound
from allocsim.model.scenario import Scenario
from allocsim.model.settings import EquitySettings
from allocsim.optimise.compile.book import EXACT, Book
from allocsim.optimise.limits import GINI, WORST_OFF, Equality, Rows, Source, Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity:
    """What the limits of equity become; ``floors`` are what every group gets at least, one sum each."""

    sources: tuple[Source, ...] = ()
    floors: tuple[Sum, ...] = ()
    equality: Equality | None = None


def equity(at: Book, *, first: int) -> Equity:
    """Compile the limits of equity; the floor of each group is rounded up to the step.

    Parameters
    ----------
    at
        The book, which learns what keeps the groups from being known.
    first
        Index of the first source of equity.
    """
    stated = at.scenario.settings.equity
    if not stated.has_limits:
        return Equity()
    try:
        among = groups(stated, at.scenario)
        floors = _floors(at, stated, among, first)
    except Unsound as error:
        at.problems.append(_problem(at, error))
        return Equity()
    sources = [_source(WORST_OFF, "per_head_floor")] if stated.worst_off is not None else []
    equality = None
    if stated.gini is not None:
        equality = Equality(source=first + len(sources), groups=among, cap=Fraction(decimal(stated.gini)))
        sources.append(_source(GINI, "gini"))
    return Equity(sources=tuple(sources), floors=tuple(floors), equality=equality)


def equity_of(scenario: Scenario, rows: Rows, steps: IntArray) -> EquityReport | None:
    """Return what the worst-off group gets per head and the Gini coefficient over all groups.

    None where equity is not stated and no district of a line has heads, and where the groups cannot be told.

    Parameters
    ----------
    scenario
        The tables, and what groups are compared.
    rows
        For the money step.
    steps
        Whole amounts (p,) [steps].
    """
    among = compared(scenario)
    return None if among is None else measured(among, rows.step.size, steps)


def compared(scenario: Scenario) -> Groups | None:
    """Return the groups that equity is told of; None where there are none to tell of."""
    stated = scenario.settings.equity
    if not (stated.model_fields_set or counts_heads(stated, scenario)):
        return None
    try:
        return groups(stated, scenario)
    except Unsound:
        return None


def measured(among: Groups, size: float, steps: IntArray) -> EquityReport:
    """Return how even whole amounts (p,) [steps] of ``size`` [money] are over groups."""
    per_head = among.per_head(steps)
    worst = min(range(len(per_head)), key=lambda group: per_head[group])
    return EquityReport(
        by=among.by,
        worst_off=float(per_head[worst] * Fraction(decimal(size))),
        name=among.label[worst],
        gini=float(among.gini(steps)),
    )


def _floors(at: Book, stated: EquitySettings, among: Groups, source: int) -> Sequence[Sum]:
    if stated.worst_off is None:
        return []
    step, floors = at.scenario.step, []
    for group, (label, heads) in enumerate(zip(among.label, among.heads, strict=True)):
        count = EXACT.divide(decimal(heads.numerator), decimal(heads.denominator))
        level = step.up(for_heads(stated.worst_off, label, count))
        floors.append(Sum(source=source, label=label, sense="floor", members=among.members(group), level=level))
    return floors


def _source(name: str, kind: str) -> Source:
    return Source(name=name, kind=kind, basis="", must=False, standing="equity")


def _problem(at: Book, error: Unsound) -> Problem:
    keys = [f"equity.{key}" for key in ("by", "heads", "worst_off", "gini")]
    file, line = next((at.scenario.lines[key] for key in keys if key in at.scenario.lines), (None, None))
    message = Text(f"'equity': {error.text.en}", f"“equity”：{error.text.zh}")
    return Problem(message=message, hint=None, file=file, line=line, key="equity")
