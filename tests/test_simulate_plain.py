"""The engine against a plain model of objects, one environment a replication, on the same draws."""

from __future__ import annotations

import numpy as np
import pytest

from allocsim.model.policy import Policy
from allocsim.simulate.lanes import lanes_of
from allocsim.simulate.outcome import Evenness, crop_of, line_benefit, relief_benefit, year_benefit
from allocsim.simulate.world import World
from bench.plain_year import PlainYear, draws_of
from made_year import MadeWeather, Shift, Still, made_year

LANES = 16


@pytest.mark.parametrize(("policy", "below"), [(Still(), None), (Shift(), 0.97)])
@pytest.mark.parametrize("lines", [12, 31])
def test_money_is_equal_to_the_unit_and_benefit_to_rounding(policy: Policy, below: float | None, lines: int) -> None:
    year, source = made_year(lines=lines), MadeWeather()
    number = np.arange(LANES)
    lanes = lanes_of(year, source, number, seed=7, draws=5)
    world = World(year, lanes, [policy])
    world.run()
    books, crop = world.ledgers[policy.name], crop_of(year, lanes)
    relief = relief_benefit(year, books.relief_effect, crop.need)
    of_lines = line_benefit(year, year.draws.take(lanes.draw), books, crop)
    benefit, gini = year_benefit(year, books, of_lines, relief), Evenness(year).gini(of_lines, relief)
    planned_benefit = year.brief.curves.benefit(year.brief.planned.astype(float)).tolist()
    for lane in number.tolist():
        draws = draws_of(year, source.block(0), lanes, lane)
        plain = PlainYear(year, draws, planned_benefit=planned_benefit, shift_below=below)
        assert plain.run() == pytest.approx(benefit[lane], rel=1e-12)
        assert plain.gini == pytest.approx(gini[lane], rel=1e-9)
        assert plain.spent_by_month == world.spent[0, lane].tolist()
        assert [line.paid for line in plain.lines] == books.paid[lane].tolist()
        assert [line.authorised for line in plain.lines] == books.every_lane(books.authorised)[lane].tolist()
        assert [line.effect for line in plain.lines] == books.effect[lane].tolist()
        assert plain.moved == books.moved[lane]
    assert below is None or (books.moved > 0).sum() > LANES // 2
