"""Amounts against an adversary, turn by turn: the best amounts against all answers so far, then his answer to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.optimise.effort import Effort
from allocsim.optimise.limits import Sum
from allocsim.optimise.program.problem import Pieces
from allocsim.optimise.risk.adversary import Adversary, Answer, Spread, weighted
from allocsim.optimise.risk.cuts import Answers, Cuts, Solved, framed

OFFSETS = np.array([-8, -4, -2, -1, 0, 1, 2, 4, 8], dtype=np.int64)
"""Corners around an amount in units of its spacing; finer pieces divide the spacing by 8."""
REACH = 64
"""Spacings that the corners of an amount move at once at most."""
WINDOW = 2**12
"""Spacings around an amount beyond which finer pieces do not look: floats of far pieces would blur single steps."""
WHOLE = 1e-6
"""An amount this close to a whole number of steps is that number."""
TURNS = 1000
"""Linear programs at most."""
PART = 0.3
"""Share of what coarse pieces lose below which another answer is not worth a turn before the pieces are finer."""
FIRST = 16
"""The first corners of a line are this part of its amount, or of the mean amount, apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Game:
    """What is played: amounts u against an adversary.

    Attributes
    ----------
    adversary, spread
        Who answers, and how amounts become money.
    lo, hi
        Least and most of each amount (u,) [steps].
    sums
        Limits of sums.
    tolerance
        Value below which a difference does not count [benefit].
    effort
        After its end the turn at hand is the last.
    """

    adversary: Adversary
    spread: Spread
    lo: IntArray
    hi: IntArray
    sums: Sequence[Sum]
    tolerance: float
    effort: Effort

    def answer(self, amounts: FloatArray | IntArray) -> Answer:
        """Return what the adversary says to amounts (u,) [steps]."""
        return self.adversary.answer(self.spread.money(amounts))

    def slopes(self, pieces: Pieces, choices: FloatArray) -> FloatArray:
        """Return the slope of each piece under choices (j, n) of his, (j, u, s) [benefit per step]."""
        return self.adversary.slopes(pieces, self.spread, choices)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Played:
    """Where the play ended.

    Attributes
    ----------
    spending
        The amounts (u,) [steps], not always whole.
    choice
        The mixture of the adversary's answers (n,) against which they are the best.
    answers
        The answers mixed (j, n).
    multipliers
        Of each limit of a sum against this mixture.
    turns
        Linear programs solved.
    """

    spending: FloatArray
    choice: FloatArray
    answers: FloatArray
    multipliers: FloatArray
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Turn:
    """The last turn over some pieces; ``wrong`` is what an answer not yet known takes from its value."""

    known: FloatArray
    solved: Solved | None
    wrong: float
    turns: int


def play(game: Game, start: IntArray) -> Played | None:
    """Maximise what an adversary leaves, under bounds and limits of sums; None where no amounts keep them.

    Each turn is a linear program over pieces of the curves with one row an answer known. Amounts that another answer
    makes worse by more than the pieces lose get that answer's row; else the pieces around them become finer, down to
    single steps. As in a plan without an adversary every piece is a chord and the rows touch the values at corners.
    The duals of the rows mix the answers into the one that the amounts are the best against.

    Parameters
    ----------
    game
        Adversary, bounds and limits.
    start
        Amounts (u,) [steps] to begin from.
    """
    x = integers(np.clip(start, game.lo, game.hi))
    spacing = np.maximum(1, np.maximum(x, int(x.mean())) // FIRST)
    pieces = _around(x, spacing, game.lo, game.hi)
    known = game.answer(x).choice[None]
    frame = framed(pieces, game.sums, unit_of(game.slopes(pieces, known)))
    played, turns, windowed = None, 0, False
    while True:
        here = game.answer(x)
        if here.value < here.under(known).min() - game.tolerance:
            known = np.vstack([known, here.choice])
        answers = Answers(at=x, value=here.under(known), slope=game.slopes(pieces, known))
        turn = _turns(game, Cuts(frame, pieces, answers), known, here=here, left=TURNS - turns)
        known, turns = turn.known, turns + turn.turns
        solved = turn.solved
        if solved is not None:
            played = _played(solved, known, turns)
            beside = _beside(pieces, solved.spending)
            if turn.wrong <= game.tolerance and (beside <= 1).all():
                return played
            reach = REACH * spacing
            low, high = np.maximum(game.lo, x - reach), np.minimum(game.hi, x + reach)
            x = integers(np.clip(np.rint(solved.spending), low, high))
            spacing = np.maximum(1, np.minimum(-(-beside // 8), 8 * spacing))
        elif not windowed:
            return played
        if game.effort.is_over or turns >= TURNS:
            return played
        windowed, far = solved is not None, WINDOW * spacing
        low, high = np.maximum(game.lo, x - far), np.minimum(game.hi, x + far)
        pieces = _around(x, spacing, low, high) if windowed else _around(x, spacing, game.lo, game.hi)


def _turns(game: Game, program: Cuts, known: FloatArray, *, here: Answer, left: int) -> _Turn:
    """Play over the same pieces until answers not yet known matter less than the pieces' coarseness.

    ``known`` are the answers in the program (j, n), ``here`` is the answer where its rows touch. Slopes of a new answer
    are those of the first and of the difference: most weights are the same.
    """
    turns = 0
    while True:
        solved, turns = program.solved(), turns + 1
        if solved is None:
            return _Turn(known=known, solved=None, wrong=0.0, turns=turns)
        said = game.answer(solved.spending)
        under = float(said.under(known).min())
        wrong = under - said.value
        if wrong <= max(game.tolerance, PART * (under - solved.value)) or game.effort.is_over or turns >= left:
            return _Turn(known=known, solved=solved, wrong=wrong, turns=turns)
        other = game.slopes(program.pieces, (said.choice - known[0])[None])[0]
        known = np.vstack([known, said.choice])
        program.add(program.answers.slope[0] + other, float(here.under(known[-1:])[0]))


def _played(solved: Solved, known: FloatArray, turns: int) -> Played:
    return Played(
        spending=solved.spending,
        choice=floats(weighted(solved.mixture[None], known)[0]),
        answers=floats(known[solved.mixture > 0]),
        multipliers=solved.multipliers,
        turns=turns,
    )


def unit_of(slopes: FloatArray) -> float:
    """Return the slope that counts as one inside the solver: the median of those above zero."""
    rising = slopes[slopes > 0]
    return float(np.median(rising)) if rising.size else 1.0


def _around(x: IntArray, spacing: IntArray, lo: IntArray, hi: IntArray) -> Pieces:
    """Return pieces from ``lo`` to ``hi`` with corners around ``x`` (u,) [steps]; their slopes are the answers'."""
    inner = np.clip(x[:, None] + OFFSETS * spacing[:, None], lo[:, None], hi[:, None])
    width = np.diff(np.concatenate([lo[:, None], inner, hi[:, None]], axis=1), axis=1)
    return Pieces(start=integers(lo), width=integers(width), slope=floats(np.zeros(width.shape)))


def _beside(pieces: Pieces, spending: FloatArray) -> IntArray:
    """Return the length of the longer of the two pieces that each amount lies between or in (u,) [steps]."""
    ends = np.cumsum(pieces.width, axis=1)
    at = spending - pieces.start
    at = np.where(np.abs(at - np.rint(at)) < WHOLE, np.rint(at), at)[:, None]
    touched = (ends - pieces.width <= at) & (at <= ends)
    return integers(np.where(touched, pieces.width, 0).max(axis=1))
