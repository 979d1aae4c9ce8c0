"""What would have to change for a line to gain a money step: its rule's number, all the money, or its own worth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, integers
from allocsim.model.blend import Columns
from allocsim.model.plan import Fact
from allocsim.optimise.concave.nest import Nest
from allocsim.optimise.explain.prices import Prices
from allocsim.optimise.grid import best, chord
from allocsim.optimise.limits import Rows, Sum

WORK = 200_000
"""Lines times prices tried for all lines together; lines beyond that are told without the money at which they gain."""
EVEN = 1e-9
"""Share of a slope below which it counts as equal to the price."""
MUCH = 1.05
"""Multiple of a line's worth from which it is told as a multiple and no longer as a percentage."""
HOPELESS = 1e6
"""Multiple beyond which a line's next step counts as worth nothing."""
Values = tuple[tuple[str, str | float], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Margin:
    """The plan at its margin; ``tries`` is how many prices may still be tried."""

    curves: Columns
    rows: Rows
    steps: IntArray
    multipliers: FloatArray
    worth: Prices
    held: tuple[int, ...]
    nest: Nest | None
    lifted: dict[int, tuple[IntArray, IntArray] | None] = field(default_factory=dict)
    tries: list[int] = field(default_factory=list)

    @property
    def price(self) -> float:
        """What one step more of all money brings [benefit per step]."""
        return self.worth.of_sum(0)[0] or 0.0

    def per_money(self, slope: float) -> float:
        return float(slope) / self.rows.step.size

    def money(self, steps: int) -> float:
        return self.rows.step.money(steps)

    def may_try(self) -> bool:
        """Count one more price tried, unless all have been."""
        if self.nest is None or self.tries[0] <= 0:
            return False
        self.tries[0] -= 1
        return True


def to_gain(
    curves: Columns,
    rows: Rows,
    steps: IntArray,
    *,
    multipliers: FloatArray,
    worth: Prices,
    held: tuple[int, ...],
    nested: Nest | None,
) -> tuple[Fact, ...]:
    """Return for each line (p,) what would have to change for it to gain one money step.

    ======================  =======================================================================================
    ``gain.rule``           its own number in the rules named must rise: what that brings here and costs elsewhere
    ``gain.sum``            the sum must leave room: its number must rise to ``next``, where told, or ``other`` give
    ``gain.floor``          a rule holds it above its worth: only ``times`` as much would win it more
    ``gain.margin``         its next step brings less than the price: it gains from ``total`` on, where told
    ``gain.merit``          its next step must bring ``times`` as much
    ``gain.first``          the next step of money goes to it
    ``gain.even``           an equally good plan gives it more
    ``gain.nothing``        its next step brings nothing
    ``gain.hole``           a rule lets it have nothing below ``amount``
    ``gain.count``          a rule lets no more lines leave their rest, or it would
    ``gain.pot``            it gets its part of a pot
    ``gain.bend``           its curve is S-shaped: it wants ``amount`` at once
    ======================  =======================================================================================

    Where sums of lines nest, ``next`` and ``total`` are the least numbers at which an optimal plan gives the line
    more: the steps of all other lines that are worth more than its own next one, and its own, counted at its price.
    Else they are left out.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    steps
        An optimal plan (p,) [steps].
    multipliers
        Of each sum [benefit per step].
    worth
        The plan's prices.
    held
        Source that holds each line (p,), -1 for none.
    nested
        The limits as a nest where sums nest.
    """
    count = len(rows.id)
    at = _Margin(
        curves=curves,
        rows=rows,
        steps=steps,
        multipliers=multipliers,
        worth=worth,
        held=held,
        nest=nested,
        tries=[WORK // max(count, 1)],
    )
    facts: dict[int, Fact] = {}
    for line in np.argsort(-worth.up, kind="stable").tolist():
        facts[line] = _fact(at, line)
    return tuple(facts[line] for line in range(count))


def _fact(at: _Margin, line: int) -> Fact:
    rows, x = at.rows, int(at.steps[line])
    stuck = _in_choices(at, line)
    if stuck is not None:
        return stuck
    holder, is_full = at.held[line], x == int(rows.hi[line])
    if holder >= 0 and is_full and (holder == rows.hi_by[line] or rows.lo[line] == rows.hi[line]):
        return _by_bound(at, line)
    number = _holding_sum(at, line)
    if number is not None:
        return _by_sum(at, line, number)
    if holder >= 0 and holder == rows.lo_by[line] and x == int(rows.lo[line]):
        return _by_floor(at, line, holder)
    return _by_worth(at, line)


def _by_bound(at: _Margin, line: int) -> Fact:
    """Return the fact of a line at its own number: what a step more brings here, and what it costs elsewhere."""
    rows, level = at.rows, int(at.rows.hi[line])
    values: Values = (
        ("rules", _bounding(rows, line)),
        ("level", at.money(level)),
        ("next", at.money(level + 1)),
        ("m", at.per_money(at.worth.up[line])),
    )
    cost = float(at.worth.asked_most[line])
    if math.isfinite(cost):
        values = (*values, ("elsewhere", at.per_money(cost)))
    return Fact(code="gain.rule", values=values)


def _bounding(rows: Rows, line: int) -> str:
    """Return the names of all rules that set a line's most, the one that is named as its holder first."""
    found = [int(rows.hi_by[line])]
    for limit in rows.each:
        if (limit.high[limit.project == line] == rows.hi[line]).any() and limit.source not in found:
            found.append(limit.source)
    return " / ".join(rows.name(source) for source in found if source >= 0)


def _holding_sum(at: _Margin, line: int) -> int | None:
    """Return the sum that holds a line, or keeps it from more whatever money there is; None where none does."""
    tight = [n for n in at.worth.region.tight if n and line in at.rows.sums[n].members]
    mine = [n for n in tight if at.rows.sums[n].source == at.held[line]]
    if not mine and at.held[line] < 0 and at.nest is not None and at.steps[line] >= at.nest.hi[line]:
        mine = [n for n in tight if at.rows.sums[n].sense != "floor"]
    return max(mine, key=lambda n: abs(float(at.multipliers[n])), default=None)


def _by_sum(at: _Margin, line: int, number: int) -> Fact:
    """Return the fact of a line in a sum that is used up: to what its number must rise, or which line could give."""
    limit = at.rows.sums[number]
    values: Values = (("name", at.rows.name(limit.source)),)
    if limit.label and limit.label != at.rows.id[line]:
        values = (*values, ("of", limit.label))
    if limit.weight is None:
        values = (*values, ("level", at.money(limit.level)))
        values = (*values, *_next_level(at, line, number, limit))
    return Fact(code="gain.sum", values=(*values, *_swap(at, line)))


def _next_level(at: _Margin, line: int, number: int, limit: Sum) -> Values:
    """Return the least number of a sum at which a line gains, and the total that it takes where money is short.

    Counted at the price of the line's next step: inside the sum, and among all lines as if a ceiling were lifted; a
    floor is paid before all but the least of the others.
    """
    up, x = float(at.worth.up[line]), int(at.steps[line])
    if at.nest is None or up <= 0 or not at.may_try():
        return ()
    lo, hi = at.nest.inside[number]
    place = int(np.flatnonzero(limit.members == line)[0])
    if x + 1 > hi[place]:
        return ()
    level = _wanted(at.curves.subset(limit.members), up, lo, hi, place) + x + 1
    level = max(level, limit.level + 1)
    told: Values = (("next", at.money(level)),)
    if limit.sense == "ceiling":
        if number not in at.lifted:
            at.lifted[number] = at.nest.lifted(number)
        around = at.lifted[number]
        if around is None or x + 1 > around[1][line]:
            return ()
        total = _wanted(at.curves, up, *around, line) + x + 1
    else:
        total = level + int(at.nest.lo.sum()) - int(at.nest.lo[limit.members].sum())
    return (*told, ("total", at.money(total + at.rows.reserve))) if total > at.rows.available else told


def _swap(at: _Margin, line: int) -> Values:
    """Return the line in the same sums whose last step brings least, and what its giving way would cost."""
    region = at.worth.region
    if at.rows.pots:
        return ()
    like = np.flatnonzero((region.of_line == region.of_line[line]) & (at.steps > at.rows.lo))
    like = like[like != line]
    if not like.size or at.steps[line] >= at.rows.hi[line]:
        return ()
    other = int(like[np.argmin(at.worth.down[like])])
    loss = max(0.0, float(at.worth.down[other] - at.worth.up[line]))
    return (("other", at.rows.id[other]), ("loss", at.per_money(loss)))


def _by_floor(at: _Margin, line: int, holder: int) -> Fact:
    """Return the fact of a line that a rule holds above what it is worth."""
    up, asked = float(at.worth.up[line]), _given_up(at, line)
    values: Values = (
        ("name", at.rows.name(holder)),
        ("level", at.money(int(at.rows.lo[line]))),
        ("m", at.per_money(up)),
    )
    if up <= 0 or not math.isfinite(asked) or asked > HOPELESS * up:
        return Fact(code="gain.floor", values=values)
    return Fact(code="gain.floor", values=(*values, ("price", at.per_money(asked)), ("times", asked / up)))


def _by_worth(at: _Margin, line: int) -> Fact:
    """Return the fact of a line that nothing holds: its next step against the price of money."""
    bent = _in_its_bend(at, line)
    if bent is not None:
        return bent
    up, price, x = float(at.worth.up[line]), at.price, int(at.steps[line])
    m: Values = (("m", at.per_money(up)), ("price", at.per_money(price)))
    if up <= 0 or price > HOPELESS * up:
        return Fact(code="gain.nothing")
    if x < at.rows.hi[line] and _may_give(at, line, up) and up >= at.worth.asked_most[line] * (1 - EVEN):
        return Fact(code="gain.even", values=m)
    if x < at.rows.hi[line] and up >= price * (1 - EVEN):
        return Fact(code="gain.first", values=m)
    if x == 0 and price > MUCH * up:
        asked = _given_up(at, line)
        return Fact(code="gain.merit", values=(m[0], ("price", at.per_money(asked)), ("times", asked / up)))
    values: Values = (*m, ("under", max(0.0, 1.0 - up / price) if price > 0 else 0.0))
    if x == at.rows.hi[line]:
        return Fact(code="gain.margin", values=(*values, ("rules", _bounding(at.rows, line))))
    return Fact(code="gain.margin", values=(*values, *_total(at, line)))


def _may_give(at: _Margin, line: int, up: float) -> bool:
    """Tell whether another line has a last step worth no more: what a straight line is asked may be its own."""
    others = (at.steps > at.rows.lo) & (at.worth.down <= up * (1 + EVEN))
    others[line] = False
    return bool(others.any())


def _given_up(at: _Margin, line: int) -> float:
    """Return what a step for a line costs elsewhere, the price of money where nothing can give [benefit per step]."""
    asked = float(at.worth.asked_most[line])
    return asked if math.isfinite(asked) else at.price


def _total(at: _Margin, line: int) -> Values:
    """Return the least total at which a line that nothing holds gains, and how much more that is."""
    x = int(at.steps[line])
    if at.nest is None or x + 1 > at.nest.hi[line] or not at.may_try():
        return ()
    price = float(at.worth.up[line])
    endless = np.isinf(at.curves.spending_at(np.full(at.nest.lo.shape, price)))
    if (endless & (at.rows.hi_by < 0)).any():  # a straight line without a ceiling would take it all
        return ()
    total = _wanted(at.curves, price, at.nest.lo, at.nest.hi, line) + x + 1 + at.rows.reserve
    if total <= at.rows.total:
        return ()
    return (("total", at.money(total)), ("delta", at.money(total - at.rows.total)))


def _wanted(curves: Columns, price: float, lo: IntArray, hi: IntArray, but: int) -> int:
    """Return how many steps of all lines but one are worth more than ``price`` [steps]."""
    wanted = best(curves, np.full(lo.shape, price), lo, hi)
    return int(wanted.sum()) - int(wanted[but])


def _in_choices(at: _Margin, line: int) -> Fact | None:
    """Return the fact of a line that a pot, a hole or a count of lines keeps where it is."""
    rows, x = at.rows, int(at.steps[line])
    for pot in rows.pots:
        if line in pot.members:
            return Fact(code="gain.pot", values=(("name", rows.name(pot.source)),))
    for choice in rows.choices:
        left = choice.level - choice.activity(at.steps)
        for place in np.flatnonzero(choice.members == line).tolist():
            if x == choice.rest_high[place] and choice.weight[place] > left and at.worth.up[line] > at.price:
                return Fact(code="gain.count", values=(("name", rows.name(choice.source)),))
    for holes in rows.parts:
        for place in np.flatnonzero(holes.project == line).tolist():
            beyond = [low for low, _ in holes.parts[place] if low > x]
            if beyond and not any(low <= x + 1 <= high for low, high in holes.parts[place]):
                return _at_once(at, line, rows.name(holes.source), min(beyond))
    return None


def _at_once(at: _Margin, line: int, name: str, amount: int) -> Fact:
    """Return the fact of a line that may have no amount below the next part: what that brings on average."""
    mine, x = at.curves.subset(integers([line])), int(at.steps[line])
    mean = float(chord(mine, integers([x]), integers([amount - x]))[0])
    values: Values = (("m", at.per_money(mean)), ("price", at.per_money(at.price)))
    return Fact(code="gain.hole", values=(("name", name), ("amount", at.money(amount)), *values))


def _in_its_bend(at: _Margin, line: int) -> Fact | None:
    """Return the fact of a line that gets nothing and whose curve steepens first: what it wants at once."""
    most = int(at.rows.hi[line])
    if at.steps[line] > 0 or most == 0 or not at.curves.bend[line] > 0:
        return None
    widths = np.unique(np.rint(np.geomspace(1, most, 200)).astype(np.int64))
    mine = at.curves.subset(integers(np.full(widths.size, line)))
    mean = chord(mine, integers(np.zeros(widths.size)), integers(widths))
    at_once = int(mean.argmax())
    values: Values = (
        ("amount", at.money(int(widths[at_once]))),
        ("m", at.per_money(mean[at_once])),
        ("price", at.per_money(at.price)),
    )
    return Fact(code="gain.bend", values=values)
