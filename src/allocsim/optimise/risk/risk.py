"""Plans that weigh risk: the blend of curves that is the worst for the best amounts, and what plans bring over draws.

A plan that weighs risk is the plan for one blend of its curves, that of the adversary's choice w* against which the
best amounts are the best: whatever proves a bound for the blend's plan proves it for the risk, because no amounts do
better against an adversary who answers them than against one who has to stay with w*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from allocsim.errors import Text, UsageError
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Blend
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.money import MoneyStep
from allocsim.model.risk import Risk
from allocsim.model.settings import ObjectiveSettings
from allocsim.optimise.concave.refine import NoneFits, start
from allocsim.optimise.effort import Effort
from allocsim.optimise.explain.last_year import scaled_last
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.pot.pots import pool
from allocsim.optimise.risk.adversary import Adversary, Lows, Spread, Tail, totals, worst_weights
from allocsim.optimise.risk.play import Game, play

TOLERANCE = 3e-8
"""Share of the benefit that answers of the adversary may still be wrong by: far below what counts as proven."""
FINER = 0.1
"""How much finer that is where an improvement is what counts: a small part of the benefit."""
LOW = 0.05
"""The low curve of a line is that of the draw at this point."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighed:
    """The blend of curves that a plan which weighs risk is made on; axis p in the order of the projects table.

    Attributes
    ----------
    columns
        One concave curve a line, spending in [money]: the plan for these is the plan that weighs risk.
    offset
        What is taken off: for any amounts, :meth:`value` <= sum of the blends' benefits - ``offset``.
    spending
        The amounts found against the adversary (p,) [steps], not always whole.
    multipliers
        Of each limit of a sum at these amounts [benefit per step or grain of its level].
    rounds
        Linear programs solved.
    adversary, answers
        Who answers, and the answers (j, n) that the blend mixes.
    order
        The places of the lines in the order of their codes, which is the adversary's.
    step
        The whole money in which amounts are counted.
    """

    columns: Blend
    offset: float
    spending: FloatArray
    multipliers: FloatArray
    rounds: int
    adversary: Adversary
    answers: FloatArray
    order: IntArray
    step: MoneyStep

    def value(self, steps: IntArray) -> float:
        """Return what is maximised, at whole amounts (p,) [steps]; penalties of broken limits are not taken off."""
        return self.adversary.answer(floats(self.step.amounts(steps)[self.order])).value


def weigh(curves: Curves, rows: Rows, objective: ObjectiveSettings, *, deadline: float = math.inf) -> Weighed:
    """Find the blend of curves that is the worst for the best amounts.

    What is maximised is ``(1 - g) mean + g CVaR`` over the curve draws, of the benefit or of the improvement over last
    year's split of all the money there is (then the mean is of the improvement, too); with an uncertainty budget, the
    expected benefit less what the dearest so many lines lose by their low curves.

    Parameters
    ----------
    curves
        Expected curves and draws (k, p).
    rows
        The limits. Holes and rules that count lines are left aside: the blend then proves a bound all the same.
    objective
        Risk aversion, level and measure, or the uncertainty budget.
    deadline
        Reading of the monotonic clock after which the best at hand is given [seconds].

    Raises
    ------
    NoneFits
        If no amounts keep bounds and limits of sums.
    UsageError
        If a curve is S-shaped, or improvement is asked for and last year sums to nothing.
    """
    _refuse_bends(curves)
    expected = in_steps(curves.expected, rows.step)
    plain = pool(expected, rows) if rows.pots else None
    held, of_line = (plain.rows, plain.unit) if plain else (rows, integers(np.arange(len(rows.id))))
    order, rank = _order(held.id)
    lines, back = _order(rows.id)
    numbers = [0, *sorted(range(1, len(held.sums)), key=lambda number: _content(held.sums[number].renumbered(rank)))]
    sums = [held.sums[number].renumbered(rank) for number in numbers]
    lo, hi = integers(held.lo[order]), integers(held.hi[order])
    adversary = _adversary(curves, rows, objective, lines)
    spread = Spread(unit=integers(rank[of_line][lines]), share=floats(_shares(rows)[lines] * rows.step.size))
    begun = start((plain.curves if plain else expected).subset(order), lo, hi, sums).steps
    scale = math.fsum(np.abs(curves.expected.benefit(floats(spread.money(begun)[back]))))
    game = Game(
        adversary=adversary,
        spread=spread,
        lo=lo,
        hi=hi,
        sums=sums,
        tolerance=(FINER if objective.measure == "improvement" else 1.0) * TOLERANCE * scale,
        effort=Effort(deadline=deadline),
    )
    played = play(game, begun)
    if played is None:
        raise NoneFits
    blend, offset = adversary.blend(played.choice)
    multipliers = np.empty(len(sums))
    multipliers[numbers] = played.multipliers
    return Weighed(
        columns=blend.subset(back),
        offset=offset,
        spending=floats(spread.money(played.spending)[back] / rows.step.size),
        multipliers=floats(multipliers * plain.grains if plain else multipliers),
        rounds=played.turns,
        adversary=adversary,
        answers=played.answers,
        order=lines,
        step=rows.step,
    )


def risk(curves: Curves, rows: Rows, steps: IntArray, objective: ObjectiveSettings) -> Risk:
    """Return what amounts bring over the curve draws, whether the plan weighs risk or not.

    Parameters
    ----------
    curves
        Expected curves and draws (k, p).
    rows
        The limits, with last budgets.
    steps
        The plan (p,) [steps].
    objective
        What the plan maximises, with the level of CVaR.
    """
    money = rows.step.amounts(steps)
    brought = totals(curves.draws, money)
    before = scaled_last(rows, int(steps.sum()))
    gained = None if before is None else brought - totals(curves.draws, floats(before * rows.step.size))
    if objective.is_neutral:
        value = math.fsum(curves.expected.benefit(money))
    else:
        lines, _ = _order(rows.id)
        value = _adversary(curves, rows, objective, lines).answer(floats(money[lines])).value
    return Risk(
        level=objective.cvar_level,
        measure=objective.measure,
        risk_aversion=objective.risk_aversion,
        uncertainty_budget=objective.uncertainty_budget,
        draws=len(brought),
        mean=float(brought.mean()),
        cvar_benefit=cvar(brought, objective.cvar_level),
        cvar_improvement=None if gained is None else cvar(gained, objective.cvar_level),
        probability=None if gained is None else float((gained > 0).mean()),
        objective=value,
    )


def cvar(brought: FloatArray, level: float) -> float:
    """Return the mean of the worst 1 - ``level`` of draws (k,); a fraction of a draw counts by its part."""
    return float((worst_weights(brought, level) * brought).sum())


def low_curves(curves: Curves, rows: Rows) -> CurveSet:
    """Return the low curve of each line, parameters (p,) [money]: its curve in the draw that is low at usual spending.

    That is the draw whose benefit at the reference spending is at the 5 % point of all draws (nearest rank; of equal
    draws the first). Where there is no reference it is looked for at last budget, else at an equal split.
    """
    draws, count = curves.draws, len(rows.id)
    last = np.nan_to_num(rows.last * rows.step.size)
    at = np.where(last > 0, last, rows.available * rows.step.size / count)
    at = np.where(np.nan_to_num(curves.reference) > 0, curves.reference, at)
    benefit = np.atleast_2d(draws.benefit(at))
    rank = max(0, math.ceil(LOW * len(benefit)) - 1)
    draw, line = np.argsort(benefit, axis=0, kind="stable")[rank], np.arange(count)
    return CurveSet(
        family=draws.family,
        value=floats(draws.value[draw, line]),
        scale=floats(draws.scale[draw, line]),
        shape=floats(draws.shape[draw, line]),
        points=draws.points,
    )


def _adversary(curves: Curves, rows: Rows, objective: ObjectiveSettings, lines: IntArray) -> Adversary:
    """Return the adversary that the objective speaks of, over ``lines`` in their order."""
    if objective.uncertainty_budget:
        low = low_curves(curves, rows).subset(lines)
        return Lows(both=_stacked(curves.expected.subset(lines), low), most=objective.uncertainty_budget)
    draws = curves.draws.subset(lines)
    less = np.zeros(len(draws.value))
    if objective.measure == "improvement":
        before = scaled_last(rows, rows.available)
        if before is None:
            raise UsageError(_NO_LAST_YEAR)
        less = totals(draws, floats(before[lines] * rows.step.size))
    return Tail(
        draws=draws,
        given=_same_in_every_draw(curves, lines),
        less=floats(less),
        aversion=objective.risk_aversion,
        level=objective.cvar_level,
    )


def _same_in_every_draw(curves: Curves, lines: IntArray) -> BoolArray:
    corners = np.array([points is not None for points in curves.draws.points])
    return booleans((curves.given | corners)[lines])


def _stacked(expected: CurveSet, low: CurveSet) -> CurveSet:
    """Return two portfolios of the same families as one of two draws (2, p)."""
    if expected.family != low.family:
        raise ValueError("expected curves and draws are of different families")
    return CurveSet(
        family=expected.family,
        value=floats(np.stack([expected.value, low.value])),
        scale=floats(np.stack([expected.scale, low.scale])),
        shape=floats(np.stack([expected.shape, low.shape])),
        points=expected.points,
    )


def _shares(rows: Rows) -> FloatArray:
    """Return the part of its pot's money that each line gets (p,), 1 outside pots."""
    share = np.ones(len(rows.id))
    for pot in rows.pots:
        share[pot.members] = pot.key / int(pot.key.sum())
    return floats(share)


def _order(ids: tuple[str, ...]) -> tuple[IntArray, IntArray]:
    """Return the places of lines in the order of their codes, and the rank of each."""
    order = np.array(sorted(range(len(ids)), key=lambda line: ids[line]), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return integers(order), integers(rank)


def _content(limit: Sum) -> tuple[str, int, list[int], list[float], float]:
    return limit.sense, limit.level, limit.members.tolist(), limit.coefficients.tolist(), limit.penalty or 0.0


def _refuse_bends(curves: Curves) -> None:
    bends = (curves.expected.bend > 0) | np.any(curves.draws.bend > 0, axis=0)
    if bends.any():
        lines = [curves.id[line] for line in np.flatnonzero(bends).tolist()]
        raise UsageError(
            Text(
                f"a plan that weighs risk needs curves that only flatten, but these are S-shaped: {', '.join(lines)}; "
                "set objective.risk_aversion and objective.uncertainty_budget to 0, or give them other curves",
                f"权衡风险的方案要求效益曲线边际递减，但以下项目为S形曲线：{'、'.join(lines)}；"
                "请将 objective.risk_aversion 和 objective.uncertainty_budget 设为0，或改用其他曲线",
            )
        )


_NO_LAST_YEAR = Text(
    'objective.measure = "improvement" compares with last year\'s split, but no line has a last budget; '
    'fill last_budget in the projects table, or use measure = "benefit"',
    'objective.measure = "improvement" 须与上年分配比较，但没有任何项目有上年预算；'
    '请在项目表中填写 last_budget，或改用 measure = "benefit"',
)
