"""Multipliers where lines choose among spans: linear programs under roofs that grow dense around their own prices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.choice.outer import Answer, Master, answer
from allocsim.optimise.choice.roofs import roofs, tangent_points
from allocsim.optimise.choice.sift import Weighed, weigh
from allocsim.optimise.choice.spans import Spans
from allocsim.optimise.effort import Effort
from allocsim.optimise.limits import Choice, Rows, Sum
from allocsim.optimise.program.solve import Options
from allocsim.optimise.proof.certify import slopes_asked, sound

CENTRED = 1e-9
"""Share of the bound by which a linear program must lower it to be followed by one more."""
MOST = 12
"""Linear programs in a row, at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Within:
    """The limits of a search, in an order of their own content: the order of tables and rules decides nothing.

    Attributes
    ----------
    sums, choices
        Limits of sums and rules that count lines.
    sum_number, choice_number
        The place of each among the limits given.
    order
        Lines in the order of their codes (p,).
    """

    sums: tuple[Sum, ...]
    choices: tuple[Choice, ...]
    sum_number: IntArray
    choice_number: IntArray
    order: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Multipliers of the limits of sums and of the rules that count lines, in the order of a :class:`Within`."""

    sums: FloatArray
    counting: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Centred:
    """Where the linear programs ended.

    Attributes
    ----------
    relaxed
        The answer at the best multipliers: shares of spans.
    prices
        The best multipliers; where no program was solved, those given.
    weighed
        What spans are worth at them.
    programs
        Linear programs solved.
    """

    relaxed: Answer
    prices: Prices
    weighed: Weighed
    programs: int


def within(rows: Rows) -> Within:
    """Put the limits of a search in order."""
    order = integers(sorted(range(len(rows.id)), key=lambda line: rows.id[line]))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    sums = sorted(range(len(rows.sums)), key=lambda n: _of_sum(rows.sums[n], rank))
    choices = sorted(range(len(rows.choices)), key=lambda n: _of_choice(rows.choices[n], rank))
    return Within(
        sums=tuple(rows.sums[n] for n in sums),
        choices=tuple(rows.choices[n] for n in choices),
        sum_number=integers(sums),
        choice_number=integers(choices),
        order=order,
    )


def no_prices(limits: Within) -> Prices:
    """Return multipliers of nothing."""
    return Prices(sums=floats(np.zeros(len(limits.sums))), counting=floats(np.zeros(len(limits.choices))))


def master(
    curves: Columns,
    found: Spans,
    limits: Within,
    prices: Prices,
    points: Sequence[FloatArray],
    *,
    whole: bool = False,
    relaxed: bool = False,
) -> Master:
    """Return what is to be solved: spans under roofs that are densest around prices, and touch the curves at points.

    Parameters
    ----------
    curves
        Curves of the spans, parameters (s,).
    found
        The spans.
    limits, prices
        The limits and their multipliers.
    points
        Amounts of lines at which to lay tangents, each (p,) [steps].
    whole, relaxed
        As in :class:`~allocsim.optimise.choice.outer.Master`.
    """
    asked = slopes_asked(len(limits.order), limits.sums, prices.sums)[found.line]
    laid = [*tangent_points(curves, found, floats(asked)), *(floats(at[found.line]) for at in points)]
    return Master(
        spans=found,
        roofs=roofs(curves, found, laid, whole=whole),
        sums=limits.sums,
        choices=limits.choices,
        order=limits.order,
        relaxed=relaxed,
        whole=whole,
    )


def centre(
    curves: Columns,
    found: Spans,
    limits: Within,
    prices: Prices,
    points: Sequence[FloatArray],
    *,
    whole: bool,
    effort: Effort,
) -> Centred:
    """Find the multipliers with the lowest bound, by linear programs round by round.

    A roof is nearest to its curve where the slope is the price it was laid for: the next program, laid for the prices
    of the last one, errs by the square of what those were off.

    Parameters
    ----------
    curves, found, limits, prices, points
        As in :func:`master`; ``prices`` to begin with.
    whole
        True to bound whole amounts alone.
    effort
        After its end the round at hand is the last.
    """

    def at(these: Prices) -> Weighed:
        return weigh(
            curves,
            found,
            limits.sums,
            limits.choices,
            multipliers=these.sums,
            counting=these.counting,
            whole=whole,
        )

    best: Centred | None = None
    for programs in range(1, MOST + 1):
        relaxed = answer(
            master(curves, found, limits, prices, points, whole=whole, relaxed=True), options=until(effort)
        )
        if relaxed.status != "optimal":
            return best or Centred(relaxed=relaxed, prices=prices, weighed=at(prices), programs=programs)
        prices = Prices(
            sums=floats(sound(relaxed.multipliers, limits.sums)), counting=floats(np.maximum(relaxed.counting, 0.0))
        )
        weighed, before = at(prices), best.weighed.bound if best else math.inf
        if weighed.bound < before:
            best = Centred(relaxed=relaxed, prices=prices, weighed=weighed, programs=programs)
        if (programs > 1 and before - weighed.bound <= CENTRED * abs(before)) or effort.is_over:
            break
    return best or Centred(relaxed=relaxed, prices=prices, weighed=at(prices), programs=programs)


def until(effort: Effort) -> Options:
    """Return the options of HiGHS that end a program with an effort."""
    return {"time_limit": max(effort.left, 1e-3)} if math.isfinite(effort.left) else {}


def _of_sum(limit: Sum, rank: IntArray) -> tuple[str, int, list[int], list[int], float]:
    told = limit.renumbered(rank)
    weight = [] if told.weight is None else told.weight.tolist()
    return told.sense, told.level, told.members.tolist(), weight, told.penalty or 0.0


def _of_choice(choice: Choice, rank: IntArray) -> tuple[int, list[tuple[int, ...]]]:
    ends = (rank[choice.members], choice.rest_low, choice.rest_high, choice.weight)
    return choice.level, sorted(zip(*(each.tolist() for each in ends), strict=True))
