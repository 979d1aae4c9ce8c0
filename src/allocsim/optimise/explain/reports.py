"""Every rule in the plan: its number, what the plan makes of it, whether it binds and what a step of it is worth.

A rule of sums has one report for each row. A rule line by line has one report for all its lines together, with the
price of moving the numbers of all of them by a step at once, and one for each line that stands at its number.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import BoolArray, IntArray, integers
from allocsim.model.plan import RuleReport
from allocsim.optimise.even.equality import of_equality
from allocsim.optimise.explain.prices import Price, Prices, asked_together, lifted_together, lowered_together
from allocsim.optimise.explain.tallies import tallies
from allocsim.optimise.limits import FREE, Each, Rows, Sense, Sum


def reports(rows: Rows, steps: IntArray, found: Prices, *, held: Collection[int] = ()) -> tuple[RuleReport, ...]:
    """Return the reports of all rules in the order of the file, then of the money and of limits that lines state.

    Parameters
    ----------
    rows
        The limits.
    steps
        The plan (p,) [steps].
    found
        Its prices.
    held
        Sources that hold some line.
    """
    told: list[RuleReport] = []
    for source in range(len(rows.sources)):
        if rows.equality is not None and rows.equality.source == source:
            told.append(of_equality(rows, steps, found))
            continue
        told += [_of_sum(rows, steps, found, number) for number, s in enumerate(rows.sums) if s.source == source]
        if rows.sources[source].standing == "reserve":
            told.append(_of_reserve(rows, steps, found, source))
        for limit in rows.each:
            if limit.source == source:
                told += _of_each(rows, steps, found, limit)
        told += tallies(rows, steps, source, held=held)
    return tuple(told)


def _of_sum(rows: Rows, steps: IntArray, found: Prices, number: int) -> RuleReport:
    limit: Sum = rows.sums[number]
    is_total = number == 0
    held_back = rows.reserve if is_total else 0
    return report(
        rows,
        limit.source,
        row=limit.label,
        covered=1,
        sense=limit.sense,
        level=limit.level + held_back,
        activity=limit.activity(steps) + held_back,
        slack=limit.slack(steps),
        price=found.of_sum(number),
        grain=limit.grain if limit.weight is not None else 0.0,
        hard=limit.penalty is None,
    )


def _of_reserve(rows: Rows, steps: IntArray, found: Prices, source: int) -> RuleReport:
    """Report the reserve: a step more of it is a step less for the lines."""
    more, less = found.of_sum(0)
    return report(
        rows,
        source,
        row="",
        covered=1,
        sense="floor",
        level=rows.reserve,
        activity=rows.reserve,
        slack=0,
        price=(less, more if rows.reserve else None),
    )


def _of_each(rows: Rows, steps: IntArray, found: Prices, limit: Each) -> list[RuleReport]:
    if rows.sources[limit.source].kind == "fix" and limit.is_fix:
        return _side(rows, steps, found, limit, "fix")
    told = _side(rows, steps, found, limit, "floor") if (limit.low > 0).any() else []
    return told + (_side(rows, steps, found, limit, "ceiling") if (limit.high < FREE).any() else [])


def _side(rows: Rows, steps: IntArray, found: Prices, limit: Each, sense: Sense) -> list[RuleReport]:
    """Return the report of one side of a limit line by line, then of every line that stands at its number."""
    bound = limit.high < FREE if sense == "ceiling" else limit.low > 0
    if sense == "fix":
        bound = np.ones(limit.project.shape, dtype=np.bool_)
    lines = limit.project[bound]
    level = (limit.high if sense == "ceiling" else limit.low)[bound]
    amount = steps[lines]
    room = level - amount if sense == "ceiling" else amount - level
    loose = _loose(rows, lines, level, sense)
    together = report(
        rows,
        limit.source,
        row="",
        covered=len(lines),
        sense=sense,
        level=int(level.sum()),
        activity=int(amount.sum()),
        slack=int(room.sum()),
        binding=bool((room == 0).any()),
        price=_price_together(rows, steps, found, lines, sense, loose, room == 0),
    )
    each = [
        report(
            rows,
            limit.source,
            row=rows.id[line],
            covered=1,
            sense=sense,
            level=int(level[place]),
            activity=int(amount[place]),
            slack=0,
            price=_price_of_line(rows, steps, found, line, sense, loose.at(place)),
        )
        for place, line in enumerate(lines.tolist())
        if room[place] == 0
    ]
    return [together, *each]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Loose:
    """For which lines no other limit sets the same bound, so that this number alone lets them rise or fall (n,)."""

    rise: BoolArray
    fall: BoolArray

    def at(self, place: int) -> tuple[bool, bool]:
        return bool(self.rise[place]), bool(self.fall[place])


def _loose(rows: Rows, lines: IntArray, level: IntArray, sense: Sense) -> _Loose:
    """Return which lines a number alone can free; a fixed amount of zero cannot fall, whatever else holds it."""
    floors, ceilings = np.zeros(len(rows.id), dtype=np.int64), np.zeros(len(rows.id), dtype=np.int64)
    for limit in rows.each:
        floors[limit.project] += limit.low == rows.lo[limit.project]
        ceilings[limit.project] += limit.high == rows.hi[limit.project]
    own = 1 if sense != "floor" else 0, 1 if sense != "ceiling" else 0
    return _Loose(rise=np.asarray(ceilings[lines] <= own[0]), fall=np.asarray((floors[lines] <= own[1]) | (level == 0)))


def _price_of_line(
    rows: Rows, steps: IntArray, found: Prices, line: int, sense: Sense, loose: tuple[bool, bool]
) -> tuple[Price, Price]:
    """Return price_up and price_down of one line's number, by the ends of Y.

    For a ceiling that holds: one step more frees w >= up - a, so at least max(0, up - max a); one step less costs at
    most down - min a. Floors the other way round; a fix moves both ways with its number.
    """
    if np.isnan(found.up[line]):  # one of a pot
        return None, None
    x = int(steps[line])
    rise, fall = loose
    gain = _finite(found.up[line] - found.asked_most[line])
    loss = _finite(found.down[line] - found.asked_least[line])
    if sense == "fix":
        return gain if rise else None, -loss if loss is not None and fall and x > 0 else None
    if sense == "ceiling":
        freed = max(0.0, gain) if gain is not None else 0.0
        return freed if rise else 0.0, -loss if loss is not None and x > rows.lo[line] else None
    freed = max(0.0, -loss) if loss is not None else 0.0
    return gain if x < rows.hi[line] else None, freed if fall else 0.0


def _price_together(
    rows: Rows, steps: IntArray, found: Prices, lines: IntArray, sense: Sense, loose: _Loose, at: BoolArray
) -> tuple[Price, Price]:
    """Return price_up and price_down of moving the numbers of all lines by a step at once, to first order."""
    standing = integers(lines[at])
    if not standing.size:
        return 0.0, 0.0
    if np.isnan(found.up[standing]).any():  # some are of a pot
        return None, None
    least, most = asked_together(found, standing)
    gain = _finite(float(found.up[standing].sum()) - most)
    loss = _finite(float(found.down[standing].sum()) - least)
    freed = integers(lines[at & (loose.rise if sense == "ceiling" else loose.fall)])
    if sense == "fix":
        falls = bool(loose.fall.all()) and bool((steps[standing] > 0).all())
        return gain if loose.rise.all() else None, -loss if loss is not None and falls else None
    if sense == "ceiling":
        up = lifted_together(found, freed) if freed.size else 0.0
        return up, -loss if loss is not None and (steps[standing] > rows.lo[standing]).all() else None
    down = lowered_together(found, freed) if freed.size else 0.0
    return gain if (steps[standing] < rows.hi[standing]).all() else None, down


def report(
    rows: Rows,
    source: int,
    *,
    sense: Sense,
    level: int,
    activity: int,
    slack: int,
    row: str = "",
    covered: int = 1,
    price: tuple[Price, Price] = (None, None),
    binding: bool | None = None,
    grain: float = 0.0,
    hard: bool = True,
) -> RuleReport:
    """Return the report of one row, its whole steps told as money; a row without a price has none to tell.

    A weighted row counts in grains, each of them ``grain`` in the unit of the rule's column.
    """
    origin = rows.sources[source]
    size = grain or rows.step.size

    def told(number: int) -> float:
        return number * grain if grain else rows.step.money(number)

    more, less = (None if each is None else each / size + 0.0 for each in price)
    return RuleReport(
        name=origin.name,
        kind=origin.kind,
        basis=origin.basis,
        row=row,
        covered=covered,
        sense=sense,
        level=told(level),
        activity=told(activity),
        slack=told(slack),
        binding=slack <= 0 if binding is None else binding,
        price_up=more,
        price_down=less,
        counted_in="column" if grain else "money",
        broken=0.0 if hard else told(max(0, -slack)),
        hard=hard,
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
