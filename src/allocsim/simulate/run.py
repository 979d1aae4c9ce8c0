"""Run the year: every policy in every lane, in chunks of lanes, the same figures however the work is split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import joblib
import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.policy import PAY_DAYS, Policy
from allocsim.model.shock import WeatherSource
from allocsim.model.stream import BLOCK
from allocsim.model.trajectory import Outcomes
from allocsim.simulate.bound import bound
from allocsim.simulate.lanes import Lanes, lanes_of
from allocsim.simulate.outcome import Evenness, calm_benefit, crop_of, line_benefit, relief_benefit, year_benefit
from allocsim.simulate.review import Process, review_days
from allocsim.simulate.world import UserProcess, World
from allocsim.simulate.year import Year

PILOT_BLOCKS = 8
"""Blocks of pilot lanes (256 lanes) from which the usual pace is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How much is simulated and how the work is split.

    Attributes
    ----------
    replications
        Number of lanes.
    seed
        Seed of the reports' noise and delay.
    jobs
        Processes at work; figures do not depend on it.
    chunk
        Lanes that advance together; figures do not depend on it.
    reference
        One lane in each environment: slow, and the same bits.
    processes
        Processes of one's own, started in every world.
    """

    replications: int
    seed: int
    jobs: int = 1
    chunk: int = 128
    reference: bool = False
    processes: tuple[UserProcess, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Figures of some lanes: per policy and lane (a, r), ``spent`` (a, r, m), per lane (r,); money in steps."""

    benefit: FloatArray
    unspent: FloatArray
    moved: FloatArray
    asked: FloatArray
    drawn: FloatArray
    exhausted: FloatArray
    gini: FloatArray
    spent: FloatArray
    bound: FloatArray
    draw: IntArray
    planted: FloatArray
    lost: FloatArray


PER_LANE = ("bound", "draw", "planted", "lost")


def run(year: Year, policies: Sequence[Policy], weather: WeatherSource, *, options: RunOptions) -> Outcomes:
    """Return what every policy makes of every lane's year, all on the same draws.

    Parameters
    ----------
    year
        The year, told its usual pace (:func:`usual_pace`) where a policy uses it.
    policies
        With unique names.
    weather
        Source of the weather, block by block.

    Raises
    ------
    AllocsimError
        If two policies bear one name, or (a PolicyError) one asks for a move that is not allowed.
    """
    names = tuple(policy.name for policy in policies)
    if len(set(names)) < len(names):
        raise AllocsimError(Text("two policies bear one name", "应对策略名称重复"))
    draws = curve_draws(len(year.draws.value), options.replications)
    groups = _groups(options)
    if options.jobs == 1:
        parts = [_part(year, policies, weather, number, draws, options) for number in groups]
    else:
        work = (joblib.delayed(_part)(year, policies, weather, number, draws, options) for number in groups)
        parts = list(joblib.Parallel(n_jobs=options.jobs, backend="loky")(work))
    whole = joined(parts)
    return Outcomes(
        policies=names,
        kinds=tuple(policy.kind for policy in policies),
        seed=options.seed,
        benefit=floats(whole.benefit),
        unspent=floats(whole.unspent / max(year.money, 1)),
        moved=floats(whole.moved / max(year.money, 1)),
        asked=floats(whole.asked * year.step),
        drawn=floats(whole.drawn * year.step),
        exhausted=floats(whole.exhausted),
        gini=floats(whole.gini),
        spent=floats(whole.spent * year.step),
        bound=floats(whole.bound),
        draw=integers(whole.draw),
        money_worth=year.brief.price * year.money,
        planted=floats(whole.planted),
        lost=floats(whole.lost),
        calm_benefit=floats(calm_benefit(year, year.draws.take(np.arange(draws)))[whole.draw]),
    )


def curve_draws(draws: int, replications: int) -> int:
    """Return K, the number of curve draws used: the largest one that divides the lanes, at most half of them.

    Lane r carries draw r mod K, so each draw has the same number of lanes, and at least two where there are two.
    """
    most = max(1, min(draws, replications // 2))
    return next(k for k in range(most, 0, -1) if replications % k == 0)


def usual_pace(year: Year, pilot: WeatherSource) -> FloatArray:
    """Return the mean pace phi of each line in each week (w, p) over 256 pilot lanes [share 0-1].

    Pilot lanes have weather of their own, so that what a policy knows beforehand tells nothing of the lanes it is
    judged on.
    """
    total = np.zeros((len(PAY_DAYS), len(year.exposure.place)))

    def watch(world: World) -> Process:
        for week, day in enumerate(PAY_DAYS):
            yield world.until(day, "monitor")
            if world.pace is not None:
                total[week] += world.pace.work.sum(axis=0)

    for block in range(PILOT_BLOCKS):
        number = np.arange(BLOCK, dtype=np.int64) + block * BLOCK
        World(year, lanes_of(year, pilot, number, seed=0, draws=1, watched=False), (), processes=(watch,)).run()
    return floats(total[:, year.exposure.pair] / (PILOT_BLOCKS * BLOCK))


def simulate_lanes(year: Year, policies: Sequence[Policy], lanes: Lanes, processes: Sequence[UserProcess] = ()) -> Part:
    """Return the figures of a group of lanes that advance together."""
    world = World(year, lanes, policies, processes=processes)
    world.run()
    crop, curves, evenness = crop_of(year, lanes), year.draws.take(lanes.draw), Evenness(year)
    benefit, gini = [], []
    for ledger in world.ledgers.values():
        lines = line_benefit(year, curves, ledger, crop)
        relief = relief_benefit(year, ledger.relief_effect, crop.need)
        benefit.append(year_benefit(year, ledger, lines, relief))
        gini.append(evenness.gini(lines, relief))
    books = tuple(world.ledgers.values())
    return Part(
        benefit=np.array(benefit),
        unspent=np.array([year.money - ledger.spent() for ledger in books]),
        moved=np.array([ledger.moved for ledger in books]),
        asked=np.array([ledger.asked.sum(axis=1) for ledger in books]),
        drawn=np.array([(ledger.relief + ledger.relief_on_way).sum(axis=1) for ledger in books]),
        exhausted=np.array([ledger.exhausted for ledger in books]),
        gini=np.array(gini),
        spent=world.spent,
        bound=bound(year, curves, crop, capacity=world.capacity, best=world.best[:, year.exposure.pair]),
        draw=lanes.draw,
        planted=crop.planted,
        lost=crop.lost,
    )


def joined(parts: Sequence[Part]) -> Part:
    """Return the parts side by side, in their order."""
    axis = {field.name: 0 if field.name in PER_LANE else 1 for field in fields(Part)}
    return Part(**{name: np.concatenate([getattr(part, name) for part in parts], axis=at) for name, at in axis.items()})


def _groups(options: RunOptions) -> list[IntArray]:
    number = np.arange(options.replications, dtype=np.int64)
    return np.split(number, range(options.chunk, options.replications, options.chunk))


def _part(
    year: Year, policies: Sequence[Policy], weather: WeatherSource, number: IntArray, draws: int, options: RunOptions
) -> Part:
    watched = any(review_days(policy, year) for policy in policies)
    lanes = lanes_of(year, weather, number, seed=options.seed, draws=draws, watched=watched)
    if not options.reference:
        return simulate_lanes(year, policies, lanes, options.processes)
    alone = [lanes.take(np.array([row])) for row in range(len(number))]
    return joined([simulate_lanes(year, policies, lane, options.processes) for lane in alone])
