"""How much of the truth the plan finds: the made-up municipality's true curves lie beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocsim.files.scenario import load
from allocsim.model.plan import Plan
from allocsim.study.year import evaluate, fit, plan
from scenarios import CHONGQING, truth


@pytest.mark.parametrize(("variant", "least"), [(None, 0.75), ("tight", 0.75), ("zero_based", 0.7)])
def test_the_plan_gets_most_of_what_the_truth_would_give(variant: str | None, least: float) -> None:
    """Measured: see README; the share of the gain over last year's split that the same rules allow an oracle."""
    scenario = load(CHONGQING, variant=variant)
    known = replace(scenario, curves=truth(scenario))
    curves = fit(known, evaluate(known)).expected
    found, oracle = plan(scenario), plan(known)

    def true_benefit(made: Plan) -> float:
        return float(curves.benefit(made.amount).sum())

    last = np.nan_to_num(found.last)
    split = last * found.amount.sum() / last.sum()
    before = float(curves.benefit(split).sum())
    possible = true_benefit(oracle) - before
    assert possible > 0
    captured = (true_benefit(found) - before) / possible
    print(f"{variant or 'base'}: {captured:.3f} of the possible gain")
    assert captured >= least
    better = found.better_than_last_year
    assert better is not None
    assert better.low <= true_benefit(found) - before <= better.high
