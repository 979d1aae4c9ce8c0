"""How much faster the engine is than one environment of objects for each replication, on the same draws."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest

from allocsim.model.policy import Policy
from allocsim.model.stream import BLOCK
from allocsim.simulate.lanes import lanes_of
from allocsim.simulate.run import RunOptions, curve_draws, simulate_lanes
from bench.plain_year import PlainYear, draws_of
from made_year import MadeWeather, Shift, Still, made_year

LINES, DISTRICTS, REPLICATIONS, PLAIN = 480, 40, 2048, 32


@pytest.mark.bench
@pytest.mark.parametrize(("policy", "below"), [(Still(), None), (Shift(), 0.97)], ids=["hold", "shift"])
def test_engine_is_fifty_times_faster_than_objects(policy: Policy, below: float | None) -> None:
    year, source = made_year(lines=LINES, districts=DISTRICTS, draws=200, spread=8), MadeWeather(districts=DISTRICTS)
    draws, chunk = curve_draws(200, REPLICATIONS), RunOptions(replications=REPLICATIONS, seed=1).chunk
    benefit, drawing, running = [], 0.0, 0.0
    for number in np.split(np.arange(REPLICATIONS), range(chunk, REPLICATIONS, chunk)):
        started = process_time()
        lanes = lanes_of(year, source, number, seed=1, draws=draws, watched=below is not None)
        drawn = process_time()
        benefit.append(simulate_lanes(year, [policy], lanes).benefit[0])
        drawing += (drawn - started) / REPLICATIONS
        running += (process_time() - drawn) / REPLICATIONS

    lanes = lanes_of(year, source, np.arange(BLOCK), seed=1, draws=draws)
    handed = [draws_of(year, source.block(0), lanes, lane) for lane in range(PLAIN)]
    planned = year.brief.curves.benefit(year.brief.planned.astype(np.float64)).tolist()
    started = process_time()
    one_by_one = [PlainYear(year, one, planned_benefit=planned, shift_below=below).run() for one in handed]
    plain = (process_time() - started) / PLAIN

    assert np.allclose(one_by_one, np.concatenate(benefit)[:PLAIN], rtol=1e-12, atol=0)
    print(
        f"\na replication: engine {running * 1e3:.3f} ms, with draws {(running + drawing) * 1e3:.3f} ms, "
        f"plain {plain * 1e3:.1f} ms: {plain / running:.0f} times, with draws {plain / (running + drawing):.0f} times"
    )
    assert plain / running >= 50
