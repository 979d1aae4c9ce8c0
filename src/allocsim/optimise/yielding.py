"""Rules that give way: line by line, the limit of the rule that yields moves to that of the rule it names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocsim.errors import Text
from allocsim.model.arrays import integers
from allocsim.model.nearest import did_you_mean
from allocsim.model.rule import Rule
from allocsim.optimise.kinds import Book
from allocsim.optimise.limits import FREE, Each


def give_way(at: Book, each: list[Each]) -> list[Each]:
    """Return the limits line by line after ``yields_to``.

    A ceiling is lifted to the floor of the rule it gives way to, a floor lowered to that rule's ceiling; lines that
    the named rule does not bind are untouched. Where the named rule itself gives way, its limits after that count.

    Parameters
    ----------
    at
        Grows by a problem for each name that is no rule, names a rule of sums, or leads back to where it started.
    each
        Limits of all rules line by line.
    """
    rules = at.scenario.settings.rule
    by_name = {rule.name: index for index, rule in enumerate(rules)}
    settled: dict[int, Each | None] = {}
    for index in range(len(rules)):
        _settle(index, at, by_name, {limit.source: limit for limit in each}, settled, ())
    return [limit for index in range(len(rules)) if (limit := settled[index]) is not None]


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
                _refuse_sum(at, rule, name, own=limit is None)
            else:
                limit = _moved(limit, stronger, len(at.last))
    settled[index] = limit
    return limit


def _refuse_sum(at: Book, rule: Rule, name: str, *, own: bool) -> None:
    which: Text = Text("it", "本规则") if own else Text(f"'{name}'", f"“{name}”")
    at.refuse(
        rule,
        f"rules give way line by line, but {which.en} limits a sum",
        f"让位只能逐项进行，但{which.zh}限制的是合计数",
        hint=Text('use scope = "each"', '改用 scope = "each"'),
    )


def _moved(limit: Each, stronger: Each, count: int) -> Each:
    floor, ceiling = np.zeros(count, dtype=np.int64), np.full(count, FREE, dtype=np.int64)
    floor[stronger.project], ceiling[stronger.project] = stronger.low, stronger.high
    return replace(
        limit,
        low=integers(np.minimum(limit.low, ceiling[limit.project])),
        high=integers(np.maximum(limit.high, floor[limit.project])),
    )
