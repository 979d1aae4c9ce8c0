"""Whether lanes keep to themselves: run alone, permuted and together, they must give the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from allocsim.model.arrays import IntArray
from allocsim.model.policy import Policy
from allocsim.model.shock import WeatherSource
from allocsim.model.stream import stream
from allocsim.simulate.lanes import lanes_of
from allocsim.simulate.run import PER_LANE, Part, curve_draws, joined, simulate_lanes
from allocsim.simulate.world import UserProcess
from allocsim.simulate.year import Year


def check_lanes(
    year: Year,
    policies: Sequence[Policy],
    weather: WeatherSource,
    *,
    lanes: int = 64,
    seed: int = 1,
    processes: Sequence[UserProcess] = (),
) -> tuple[str, ...]:
    """Return what differs, bit by bit, between lanes alone, permuted and together; empty where lanes are independent.

    For a policy or a process of one's own: whatever it computes across lanes (a mean over them, a branch on any of
    them) shows here.

    Returns
    -------
    tuple of str
        ``"alone: benefit"``, ``"permuted: moved"`` and so on.
    """
    draws = curve_draws(len(year.draws.value), lanes)
    order = stream(seed, "check_lanes").permutation(lanes)

    def figures(number: IntArray) -> Part:
        drawn = lanes_of(year, weather, number, seed=seed, draws=draws)
        return simulate_lanes(year, policies, drawn, processes)

    together = figures(np.arange(lanes))
    permuted = _reordered(figures(order), np.argsort(order))
    alone = joined([figures(np.array([lane])) for lane in range(lanes)])
    named = (("alone", alone), ("permuted", permuted))
    return tuple(f"{how}: {name}" for how, part in named for name in _differing(part, together))


def _reordered(part: Part, order: IntArray) -> Part:
    values = {field.name: getattr(part, field.name) for field in fields(Part)}
    return Part(**{name: v[order] if name in PER_LANE else v[:, order] for name, v in values.items()})


def _differing(one: Part, other: Part) -> list[str]:
    names = [field.name for field in fields(Part)]
    return [name for name in names if getattr(one, name).tobytes() != getattr(other, name).tobytes()]
