"""Rules that give way: line by line, the limit of the rule that yields moves to that of the rule it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocsim.errors import Text
from allocsim.model.arrays import integers
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import AmountRule, ByFactors, Rule
from allocsim.optimise.compile.book import Book, Compiled
from allocsim.optimise.compile.softness import LINEAR
from allocsim.optimise.limits import FREE, Each


def give_way(at: Book, compiled: Sequence[Compiled]) -> list[Each]:
    """Return the limits line by line after ``yields_to``, in the order of the rules.

    A ceiling is lifted to the floor of the rule it gives way to, a floor lowered to that rule's ceiling; lines that
    the named rule does not bind are untouched. Where the named rule itself gives way, its limits after that count.

    Parameters
    ----------
    at
        Grows by a problem for each name that is no rule, names a rule that has no limits line by line, or leads back
        to where it started.
    compiled
        What every rule became, in order. The lines that a formula leaves with nothing neither give way nor are given
        way to.
    """
    rules = at.scenario.settings.rule
    by_name = {rule.name: index for index, rule in enumerate(rules)}
    of_pots = {index: each.each for index, each in enumerate(compiled) if isinstance(rules[index], ByFactors)}
    stated = {limit.source: limit for index, each in enumerate(compiled) if index not in of_pots for limit in each.each}
    settled: dict[int, Each | None] = {}
    for index in range(len(rules)):
        _settle(index, at, by_name, stated, settled, ())
    moved = {index: (limit,) for index, limit in settled.items() if limit is not None}
    limits = {**moved, **of_pots}
    return [limit for index in range(len(rules)) for limit in limits.get(index, ())]


def _settle(
    index: int,
    at: Book,
    by_name: dict[str, int],
    stated: dict[int, Each],
    settled: dict[int, Each | None],
    above: tuple[int, ...],
) -> Each | None:
    if index in settled:
        return settled[index]
    rule: Rule = at.scenario.settings.rule[index]
    limit = stated.get(index)
    for name in rule.yields_to:
        other = by_name.get(name)
        if other is None:
            at.refuse(
                rule, f"gives way to '{name}', which is no rule", f"让位于“{name}”，但没有这条规则",
                hint=did_you_mean(name, by_name),
            )  # fmt: skip
        elif other == index or other in above:
            at.refuse(rule, f"and '{name}' give way to each other", f"与“{name}”互相让位")
        else:
            stronger = _settle(other, at, by_name, stated, settled, (*above, index))
            if limit is None or stronger is None:
                _refuse(at, rule, name, own=limit is None)
            else:
                limit = _moved(limit, stronger, len(at.last))
    settled[index] = limit
    return limit


def _refuse(at: Book, rule: Rule, name: str, *, own: bool) -> None:
    """Note that a rule, or the one it gives way to, has no limits line by line."""
    other = rule if own else next(each for each in at.scenario.settings.rule if each.name == name)
    which: Text = Text("it", "本规则") if own else Text(f"'{name}'", f"“{name}”")
    what = Text("limits a sum", "限制的是合计数")
    if not isinstance(other, LINEAR):
        what = Text("bounds no amounts line by line", "不逐项限制金额")
    hint = Text(f"take '{name}' out of 'yields_to'", f"请从 yields_to 中去掉“{name}”")
    if isinstance(other, AmountRule):
        hint = Text('use scope = "each"', '改用 scope = "each"')
    at.refuse(
        rule,
        f"rules give way line by line, but {which.en} {what.en}",
        f"让位只能逐项进行，但{which.zh}{what.zh}",
        hint=hint,
    )


def _moved(limit: Each, stronger: Each, count: int) -> Each:
    floor, ceiling = np.zeros(count, dtype=np.int64), np.full(count, FREE, dtype=np.int64)
    floor[stronger.project], ceiling[stronger.project] = stronger.low, stronger.high
    return replace(
        limit,
        low=integers(np.minimum(limit.low, ceiling[limit.project])),
        high=integers(np.maximum(limit.high, floor[limit.project])),
    )
