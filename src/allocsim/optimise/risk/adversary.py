"""The other side of a plan that weighs risk: which blend of the curves is the worst for given amounts.

A plan that weighs risk maximises, over its amounts x, the least value that an adversary can choose

    V(x) = min over w in W of  sum over curves n of w_n f_n(x) - c(w)

with W convex and c linear. For every single w the sum is a portfolio of concave curves, one blend a line, so that a
plan for the blend at any w proves a bound on V: what an adversary who cannot answer still lets through.

* Tail: the curve draws k, whole portfolios; w_k = (1 - g)/K + g q_k with 0 <= q_k <= 1/((1 - level) K), sum q = 1, so
  that V is (1 - g) mean + g CVaR over the draws (Rockafellar and Uryasev 2000, Optimization of conditional
  value-at-risk, Journal of Risk 2(3); the dual form is that of Artzner et al. 1999, Mathematical Finance 9(3)).
* Lows: the expected curve and a low curve of each line p; w_p = (1 - u_p, u_p) with 0 <= u_p <= 1, sum u <= Gamma
  (Bertsimas and Sim 2004, The price of robustness, Operations Research 52(1)).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat
from typing import Protocol

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, floats, integers
from allocsim.model.blend import Blend
from allocsim.model.curve import CurveSet
from allocsim.optimise.program.problem import Pieces

BLOCK = 2**16
"""Curves that are evaluated at once: what stays in a core's own memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What an adversary says to amounts.

    Attributes
    ----------
    choice
        His worst choice (n,).
    worth
        The value is the sum of a choice's weights times this (n,) [benefit].
    """

    choice: FloatArray
    worth: FloatArray

    @property
    def value(self) -> float:
        """The value of the amounts: that under his worst choice."""
        return float((self.choice * self.worth).sum())

    def under(self, choices: FloatArray) -> FloatArray:
        """Return the value under other choices (j, n) of his (j,)."""
        return floats(weighted(choices, self.worth[:, None])[:, 0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """How amounts become the money of lines; axis u amounts, p lines. A pot is one amount and several lines.

    Attributes
    ----------
    unit
        The amount from which each line is paid (p,).
    share
        Money that each line gets for a step of it (p,) [money].
    """

    unit: IntArray
    share: FloatArray

    def money(self, amounts: FloatArray | IntArray) -> FloatArray:
        """Return the spending of the lines (p,) [money] at amounts (u,) [steps]."""
        return amounts[self.unit] * self.share

    def gather(self, of_lines: FloatArray, count: int) -> FloatArray:
        """Return slopes of amounts (j, u) [benefit per step] from those of lines (j, p) [benefit per money]."""
        found = np.zeros((count, len(of_lines)))
        np.add.at(found, self.unit, (of_lines * self.share).T)
        return found.T


class Adversary(Protocol):
    """One who chooses a blend of curves; axis n his choice, j several choices, p lines, u amounts."""

    def answer(self, money: FloatArray) -> Answer:
        """Return the worst choice at spending ``money`` (p,) [money]."""

    def slopes(self, pieces: Pieces, spread: Spread, choices: FloatArray) -> FloatArray:
        """Return the slope of each piece under choices (j, u, s) [benefit per step]; linear, also for differences."""

    def blend(self, choice: FloatArray) -> tuple[Blend, float]:
        """Return the curves of a choice [money] and its c: value = sum of the blends' benefits - c."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tail:
    """The adversary of CVaR: he weighs whole draws, the worst ones as heavily as he may.

    Attributes
    ----------
    draws
        Parameters (k, p) [money].
    given
        Lines whose curve is the same in every draw (p,).
    less
        What is taken off each draw's benefit (k,).
    aversion
        g: the weight of CVaR against the mean [share 0-1].
    level
        CVaR is the mean of the worst 1 - ``level`` of the draws.
    """

    draws: CurveSet
    given: BoolArray
    less: FloatArray
    aversion: float
    level: float

    def answer(self, money: FloatArray) -> Answer:
        """Return the worst weights of the draws, equal ones in the order of the draws."""
        brought = totals(self.draws, money) - self.less
        choice = (1.0 - self.aversion) / len(brought) + self.aversion * worst_weights(brought, self.level)
        return Answer(choice=floats(choice), worth=floats(brought))

    def slopes(self, pieces: Pieces, spread: Spread, choices: FloatArray) -> FloatArray:
        """Return the slopes of the pieces under weights of draws."""
        found = np.zeros((pieces.width.shape[1], len(choices), len(self.given)))
        ends = _ends(pieces, spread)
        for some in blocks(np.flatnonzero(choices.any(axis=0)), len(self.given)):
            drawn, weights = self.draws.take(some), choices[:, some]
            for s, (start, width) in enumerate(ends):
                found[s] += weighted(weights, np.atleast_2d(drawn.rise(start, width)))
        return _gathered(found, pieces, spread)

    def blend(self, choice: FloatArray) -> tuple[Blend, float]:
        """Return the blend of the draws that carry weight; a given curve is one member."""
        kept = np.flatnonzero(choice)
        number = np.where(self.given, 1, kept.size)
        of = np.repeat(np.arange(len(number)), number)
        draw = np.concatenate([kept[:1] if g else kept for g in self.given.tolist()])
        weight = np.where(self.given[of], 1.0, choice[draw])
        return _members(self.draws, draw, of, weight), float((choice * self.less).sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lows:
    """The adversary of Bertsimas and Sim: some lines fall to their low curve, so many at once at most.

    Attributes
    ----------
    both
        The expected curves, then the low ones, parameters (2, p) [money]; a choice weighs them in this order (2 p,).
    most
        Gamma: how many lines may fall in all; a fraction falls by that share.
    """

    both: CurveSet
    most: float

    def answer(self, money: FloatArray) -> Answer:
        """Return who falls, by what share: the lines that lose the most, none that would gain."""
        benefit = self.both.benefit(money)
        lost = benefit[0] - benefit[1]
        fallen = np.zeros(len(lost))
        fallen[np.argsort(-lost, kind="stable")] = np.clip(self.most - np.arange(len(lost)), 0.0, 1.0)
        fallen[lost <= 0] = 0.0
        return Answer(choice=floats(np.concatenate([1.0 - fallen, fallen])), worth=floats(benefit.ravel()))

    def slopes(self, pieces: Pieces, spread: Spread, choices: FloatArray) -> FloatArray:
        """Return the slopes of the pieces under weights of expected and low curves."""
        weights = choices.reshape(len(choices), 2, -1)
        found = [(weights * self.both.rise(start, width)).sum(axis=1) for start, width in _ends(pieces, spread)]
        return _gathered(np.stack(found), pieces, spread)

    def blend(self, choice: FloatArray) -> tuple[Blend, float]:
        """Return the blend of the expected and the low curve of each line."""
        weights = choice.reshape(2, -1)
        of, curve = np.nonzero(weights.T)
        return _members(self.both, curve, of, weights[curve, of]), 0.0


def weighted(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Return the product of weights (j, k) and values (k, n), added up in one order whatever the machine.

    Not by a library of linear algebra: its threads cost more than they bring here, by measurement up to six times the
    whole play on a busy machine, and their number would show in the last digits.
    """
    return np.asarray(np.einsum("jk,kn->jn", weights, values), dtype=np.float64)


def worst_weights(brought: FloatArray, level: float) -> FloatArray:
    """Return the weights q (k,) under which the draws bring the least: CVaR is their sum with ``brought`` (k,).

    The worst draws carry 1/((1 - level) K) each, as many as it takes for one; of equal draws the first.
    """
    count = len(brought)
    cap = min(1.0, 1.0 / ((1.0 - level) * count))
    weights = np.zeros(count)
    weights[np.argsort(brought, kind="stable")] = np.clip(1.0 - cap * np.arange(count), 0.0, cap)
    return weights


def totals(draws: CurveSet, x: FloatArray) -> FloatArray:
    """Return what spending ``x`` (p,) [money] brings in each draw (k,)."""
    count = len(draws.value)
    found = np.empty(count)
    for some in blocks(np.arange(count), len(x)):
        found[some] = np.atleast_2d(draws.take(some).benefit(x)).sum(axis=-1)
    return found


def blocks(draws: IntArray, lines: int) -> list[IntArray]:
    """Return draws in runs that are evaluated at once."""
    length = max(1, BLOCK // max(1, lines))
    return [draws[first : first + length] for first in range(0, len(draws), length)]


def _ends(pieces: Pieces, spread: Spread) -> list[tuple[FloatArray, FloatArray]]:
    """Return where the lines stand at each piece's start and how far it goes (p,) [money]; a step where it is empty."""
    start = pieces.start[:, None] + np.cumsum(pieces.width, axis=1) - pieces.width
    width = np.maximum(pieces.width, 1)
    return [(spread.money(start[:, s]), spread.money(width[:, s])) for s in range(pieces.width.shape[1])]


def _gathered(found: FloatArray, pieces: Pieces, spread: Spread) -> FloatArray:
    """Return slopes of amounts (j, u, s) from those of lines (s, j, p); 0 where a piece is empty."""
    slopes = np.stack([spread.gather(each, len(pieces.start)) for each in found], axis=-1)
    return np.where(pieces.width > 0, slopes, 0.0)


def _members(curves: CurveSet, curve: IntArray, of: IntArray, weight: FloatArray) -> Blend:
    """Return the blend of curves (c, p): of each member, which curve it is, its line and its weight (n,)."""
    number = np.bincount(of, minlength=len(curves.family)).tolist()
    members = CurveSet(
        family=tuple(chain.from_iterable(map(repeat, curves.family, number))),
        value=floats(curves.value[curve, of] * weight),
        scale=floats(curves.scale[curve, of]),
        shape=floats(curves.shape[curve, of]),
        points=tuple(chain.from_iterable(map(repeat, curves.points, number))),
    )
    return Blend(members=members, of=integers(of))
