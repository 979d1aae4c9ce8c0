"""Futures: one key of the scenario varied over a range or a list, and the best plan at each of its values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import partial

import numpy as np

from allocsim.errors import InvalidInput, Problem, Text, UsageError
from allocsim.files.changes import with_changes
from allocsim.model.arrays import FloatArray, floats, integers
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.frontier import TOTAL, Frontier, PointStatus
from allocsim.model.groups import groups
from allocsim.model.money import MoneyStep
from allocsim.model.plan import EquityReport
from allocsim.model.rule import Unsound
from allocsim.model.scenario import Scenario
from allocsim.optimise.aim import aim
from allocsim.optimise.compile.equity import equity_of
from allocsim.optimise.compile.rows import rows as compiled
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.conflict.conflict import conflict
from allocsim.optimise.explain.last_year import scaled_last
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.plan import until
from allocsim.optimise.risk.risk import risk
from allocsim.optimise.sweep import Sweep, at_total, only_total_varies
from allocsim.study.year import evaluate, fit

Over = str | Mapping[str, str | Sequence[object]]
APART = ("budget", "rule", "objective", "equity", "solve")
"""Sections that neither scores nor curves depend on: they are worked out once for all values of such a key."""
MONEY = re.compile(r"budget\.(total|reserve|reserve_base)|rule\..+\.amount")
MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """The best plan at one value; ``None`` and NaN where rules conflict."""

    amounts: FloatArray
    benefit: float = math.nan
    price: float = math.nan
    gain: float = math.nan
    allocated: float = math.nan
    changed: int = -1
    status: PointStatus = "conflict"
    conflict: tuple[str, ...] = ()
    equity: EquityReport | None = None
    cvar: float = math.nan
    probability: float = math.nan


def futures(
    scenario: Scenario, over: Over, *, evidence: Evidence | None = None, curves: Curves | None = None
) -> Frontier:
    """Vary one key and find the best plan at each of its values.

    Parameters
    ----------
    scenario
        What is planned; everything but the key stays as it is.
    over
        ``"KEY=LOW:HIGH:N"``, N values evenly spaced from LOW to HIGH, amounts of money rounded to whole steps; or
        ``"KEY=a,b,c"``; or a mapping of the one key to its values (or to text of either form).
    evidence, curves
        Used at every value where they are given. Else scores and curves are worked out once, or anew at each value
        where the key may change them.

    Raises
    ------
    UsageError
        If the key is unknown, cannot be varied or refuses a value; with what was probably meant.
    InvalidInput
        If a rule cannot be read as a limit.

    Examples
    --------
    >>> futures(scenario, "budget.total=90000:130000:9").benefit
    """
    key, words = _stated(over, scenario.step)
    values = tuple(_taken(scenario, key, word) for word in words)
    worlds = [_replaced(scenario, key, value) for value in values]
    for world, value in zip(worlds, values, strict=True):
        _with_groups(world, key, value)
    if key.partition(".")[0] in APART:
        evidence = evidence or evaluate(scenario)
        curves = curves or fit(scenario, evidence)
    points, given = [], True
    shared = None if curves is None else in_steps(curves.expected, scenario.step)
    ends = None if evidence is None or key != TOTAL else _limits_of_all(worlds, evidence)
    sweep = None if shared is None or ends is None else Sweep(shared)
    for world in worlds:
        known = evidence or evaluate(world)
        fitted = curves or fit(world, known)
        limits = compiled(world, known) if ends is None else at_total(ends, world.step.down(_total(world)))
        points.append(_point(world, limits, fitted, partial(_best, world, fitted, sweep)))
        given = given and bool(fitted.given.all())
    return _frontier(scenario, key, values, points, benefit_is_money=not given)


def _best(world: Scenario, curves: Curves, sweep: Sweep | None, rows: Rows) -> Allocation:
    """Return the best plan for what a world wants; carried on from the last one where a sweep can do it."""
    wanted = world.settings.objective
    return sweep.at(rows) if sweep and wanted.is_neutral else aim(curves, rows, wanted, until(world)).found


def _frontier(
    scenario: Scenario, key: str, values: tuple[object, ...], points: Sequence[Point], *, benefit_is_money: bool
) -> Frontier:
    return Frontier(
        key=key,
        values=values,
        stated=_value_at(scenario.raw, key),
        id=scenario.projects.text("id"),
        benefit=floats([point.benefit for point in points]),
        price=floats([point.price for point in points]),
        gain=floats([point.gain for point in points]),
        allocated=floats([point.allocated for point in points]),
        changed=integers([point.changed for point in points]),
        status=tuple(point.status for point in points),
        conflict=tuple(point.conflict for point in points),
        amounts=floats([point.amounts for point in points]),
        equity_by=next((point.equity.by for point in points if point.equity), ""),
        worst_off=floats([point.equity.worst_off if point.equity else math.nan for point in points]),
        worst_name=tuple(point.equity.name if point.equity else "" for point in points),
        gini=floats([point.equity.gini if point.equity else math.nan for point in points]),
        cvar=floats([point.cvar for point in points]),
        cvar_level=scenario.settings.objective.cvar_level,
        probability=floats([point.probability for point in points]),
        benefit_is_money=benefit_is_money,
    )


def _limits_of_all(worlds: Sequence[Scenario], evidence: Evidence) -> Rows | None:
    """Return limits that hold for all totals but for the total itself; None where more depends on it."""
    rising = sorted(worlds, key=_total)
    least, most = compiled(rising[0], evidence), compiled(rising[-1], evidence)
    return least if only_total_varies(least, most) else None


def _total(world: Scenario) -> float:
    return world.settings.budget.total


def _point(world: Scenario, rows: Rows, curves: Curves, allocated: Callable[[Rows], Allocation]) -> Point:
    """Return the best plan of one world: allocated and certified, without the prices and reasons of a whole plan."""
    try:
        found = allocated(rows)
    except NoneFits:
        names = tuple(rule.name for rule in conflict(world, rows).conflict.rules)
        return Point(amounts=floats(np.full(len(rows.id), np.nan)), conflict=names)
    seen = risk(curves, rows, found.steps, world.settings.objective)
    return Point(
        amounts=rows.step.amounts(found.steps),
        benefit=found.certificate.benefit,
        price=max(0.0, float(found.multipliers[0])) / rows.step.size,
        gain=_gain(curves, rows, found),
        allocated=rows.step.money(int(found.steps.sum())),
        changed=int((found.steps != np.nan_to_num(rows.last)).sum()),
        status="optimal" if found.certificate.closed else "limit",
        equity=equity_of(world, rows, found.steps),
        cvar=seen.cvar_benefit,
        probability=math.nan if seen.probability is None else seen.probability,
    )


def _gain(curves: Curves, rows: Rows, found: Allocation) -> float:
    before = scaled_last(rows, int(found.steps.sum()))
    if before is None:
        return math.nan
    last = curves.expected.benefit(floats(before * rows.step.size))
    return math.fsum(curves.expected.benefit(rows.step.amounts(found.steps))) - math.fsum(last)


def _with_groups(world: Scenario, key: str, value: object) -> None:
    """Refuse to vary equity where nobody knows the groups that it compares."""
    if key.partition(".")[0] != "equity":
        return
    try:
        groups(world.settings.equity, world)
    except Unsound as error:
        raise _usage(
            f"{key}={value}",
            f"{error.text.en}; fill it in, or name another: --set equity.by=COLUMN --set equity.heads=COLUMN|none",
            f"{error.text.zh}；请补齐，或另行指定：--set equity.by=列名 --set equity.heads=列名|none",
        ) from None


def _stated(over: Over, step: MoneyStep) -> tuple[str, tuple[object, ...]]:
    """Return the key and what it is to be set to, text still as it was typed."""
    if isinstance(over, str):
        key, equals, said = over.partition("=")
        key = key.strip()
        if not (key and equals and said.strip()):
            raise _usage(f"{over}", "write KEY=LOW:HIGH:N or KEY=a,b,c", "请写成 键=低:高:个数 或 键=甲,乙,丙")
        return key, _spelled(key, said, step)
    if len(over) != 1:
        raise _usage(", ".join(map(str, over)), "vary one key at a time", "一次只能变动一个键")
    ((key, values),) = over.items()
    found = _spelled(key, values, step) if isinstance(values, str) else tuple(values)
    if not found:
        raise _usage(key, "needs at least one value", "至少须有一个取值")
    return key, found


def _spelled(key: str, said: str, step: MoneyStep) -> tuple[object, ...]:
    said = said.replace("：", ":").replace("，", ",").strip()
    if ":" in said:
        return _range(key, said, step)
    words = tuple(word.strip() for word in said.split(","))
    if not all(words):
        raise _usage(f"{key}={said}", "a value is missing between commas", "逗号之间缺少取值")
    return words


def _range(key: str, said: str, step: MoneyStep) -> tuple[object, ...]:
    """Return N evenly spaced values; those of money in whole steps, equal ones once."""
    asked = f"{key}={said}"
    try:
        low, high, number = (Decimal(part.strip()) for part in said.split(":"))
    except (InvalidOperation, ValueError):
        raise _usage(asked, "write LOW:HIGH:N, three numbers", "请写成 低:高:个数 三个数字") from None
    if not (low.is_finite() and high.is_finite() and low < high):
        raise _usage(asked, "LOW must be below HIGH", "低值须小于高值")
    if not number.is_finite() or number != number.to_integral_value() or not 2 <= number <= MOST_POINTS:
        raise _usage(asked, f"N is a whole number from 2 to {MOST_POINTS}", f"个数须为2至{MOST_POINTS}的整数")
    count = int(number)
    spaced = [low + (high - low) * place / (count - 1) for place in range(count)]
    if MONEY.fullmatch(key):
        whole = [int(step.steps(value).to_integral_value(ROUND_HALF_EVEN)) for value in spaced]
        return tuple(step.money(steps) for steps in dict.fromkeys(whole))
    return tuple(int(value) if value == value.to_integral_value() else float(value) for value in spaced)


def _taken(scenario: Scenario, key: str, word: object) -> object:
    """Return a value as the settings take it, text read the way of ``--set``."""
    changed = with_changes(scenario.raw, {key: word}, {})
    if changed.problems:
        raise _refused(key, word, changed.problems[0])
    return changed.values[key]


def _replaced(scenario: Scenario, key: str, value: object) -> Scenario:
    try:
        return scenario.replace(**{key: value})
    except InvalidInput as refused:
        raise _refused(key, value, refused.problems[0]) from None


def _refused(key: str, value: object, problem: Problem) -> UsageError:
    hint = problem.hint
    en, zh = (f" ({hint.en})", f"（{hint.zh}）") if hint is not None else ("", "")
    return _usage(f"{key}={value}", f"{problem.message.en}{en}", f"{problem.message.zh}{zh}")


def _usage(said: str, en: str, zh: str) -> UsageError:
    return UsageError(Text(f"--over {said}: {en}", f"--over {said}：{zh}"))


def _value_at(raw: object, key: str) -> object:
    """Return what a statement says at a dotted key, None where nothing; entries of lists go by their names."""
    if not key:
        return raw
    if isinstance(raw, list | tuple):
        mine = [each for each in raw if isinstance(each, Mapping) and key.startswith(f"{each.get('name')}.")]
        longest = max(mine, key=lambda each: len(str(each["name"])), default=None)
        return None if longest is None else _value_at(longest, key[len(str(longest["name"])) + 1 :])
    head, _, rest = key.partition(".")
    return _value_at(raw[head], rest) if isinstance(raw, Mapping) and head in raw else None
