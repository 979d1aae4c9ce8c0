"""The made-up municipality: the planner's figures to the letter, the same bytes again, a truth the records show."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from allocsim.model.scenario import apply_changes
from allocsim.model.settings import Settings
from allocsim.synthetic.__main__ import main
from allocsim.synthetic.districts import CITY_GRAIN, SEATS, grain_areas
from allocsim.synthetic.named import COMMITTED, NAMED, STANDARDS
from allocsim.synthetic.names import EXPIRED, FURTHER, YOUNG
from allocsim.synthetic.truth import saturation
from allocsim.synthetic.world import municipality
from allocsim.synthetic.write import write

FOLDER = Path(__file__).parents[1] / "scenarios" / "chongqing"
TABLES = ("projects", "records", "indicators", "districts", "departments", "truth")
NOTICE = "示例数据,非任何城市的实际预算"
FEASIBLE = ("", "tight", "zero_based", "drought_2022", "一上")


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    text = {"id": str, "project": str}
    return {name: pd.read_csv(FOLDER / f"{name}.csv", dtype=text) for name in TABLES}


@pytest.fixture(scope="module")
def named(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    names = [row.name for row in NAMED]
    return tables["projects"].set_index("name").loc[names].reset_index()


@pytest.fixture(scope="module")
def raw() -> dict:
    return tomllib.loads((FOLDER / "scenario.toml").read_text(encoding="utf-8"))


def combined_scores(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """Plain mean of the 2025 scores of all but the unit itself, by project."""
    records = tables["records"]
    others = records[(records.year == 2025) & (records.rater != "self")]
    return others.groupby("project").score.mean()


# -- the files --------------------------------------------------------------------------------------------------------


def test_the_files_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    for name in TABLES:
        again = (tmp_path / f"{name}.csv").read_bytes()
        assert again == (FOLDER / f"{name}.csv").read_bytes(), name
        assert b"\r" not in again
        assert not again.startswith(b"\xef\xbb\xbf")


def test_another_seed_changes_what_is_drawn_and_nothing_else(tmp_path: Path) -> None:
    first, other = municipality(), municipality(7)
    assert first.districts == other.districts
    assert first.projects["name"] == other.projects["name"]
    assert first.projects["last_budget"] != other.projects["last_budget"]
    assert first.records != other.records
    paths = write(other, tmp_path / "new" / "folder")
    assert [path.stem for path in paths] == list(TABLES)
    rows = list(csv.reader(paths[0].read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 121
    assert {len(row) for row in rows} == {len(first.projects)}


def test_every_table_says_that_it_is_made_up_where_it_can() -> None:
    for name in ("scenario.toml", "README.md"):
        assert NOTICE in (FOLDER / name).read_text(encoding="utf-8")


# -- the planner's figures --------------------------------------------------------------------------------------------


def test_sums_of_the_named_lines(named: pd.DataFrame) -> None:
    assert len(named) == 35
    assert named.last_budget.sum() == 1_245_048
    assert named.requested.sum() == 1_386_100
    assert named.carryover.sum() == 51_950
    assert named.committed.sum() == 246_000
    must = named.groupby("class").requested.sum()
    assert must["三保"] == 241_200
    assert must["据实"] == 65_500
    assert must["三保"] + 246_000 + must["据实"] == 552_700
    assert named[named.department == "教育"].last_budget.sum() == 182_000
    assert named[named.sector == "农林水"].last_budget.sum() == 201_748


def test_scores_of_the_named_lines(tables: dict[str, pd.DataFrame], named: pd.DataFrame) -> None:
    records = tables["records"]
    ids = dict(zip(named.name, named.id, strict=True))
    own = records[(records.year == 2025) & (records.rater == "self")].set_index("project").score
    mean = combined_scores(tables)
    count = records[(records.year == 2025)].groupby("project").rater.nunique()
    for row in NAMED[:-1]:
        assert own[ids[row.name]] == row.self_score
        assert abs(mean[ids[row.name]] - row.combined) < 0.5
        assert count[ids[row.name]] == (4 if row.last >= 30_000 else 3) or row.last < 30_000
    found = mean[[ids[row.name] for row in NAMED[:-1]]]
    grades = pd.cut(found, [0, 60, 80, 90, 101], right=False).value_counts(sort=False).tolist()
    assert grades == [1, 9, 20, 4]
    assert round(own[list(found.index)].mean(), 1) == 93.4


def test_the_new_line_has_an_appraisal_and_no_record(tables: dict[str, pd.DataFrame], named: pd.DataFrame) -> None:
    new = named.iloc[-1]
    assert new["class"] == "新增"
    assert (new["max"], new.value, new.reference) == (2_880, 2_880, 2_880)
    assert np.isnan(new.last_budget)
    assert new.id not in set(tables["records"].project)
    assert set(tables["projects"].id) - set(tables["records"].project) == {new.id}


def test_all_120_lines(tables: dict[str, pd.DataFrame], named: pd.DataFrame) -> None:
    projects = tables["projects"]
    assert len(projects) == 120
    assert projects.id.is_unique
    assert projects.name.is_unique
    assert projects.id.str.startswith("0").any()
    assert projects.department.nunique() == 12
    further = projects[~projects.name.isin(named.name)]
    assert set(further.name) == {name for names in FURTHER.values() for name in names}
    assert further.last_budget.between(800, 15_000).all()
    assert (further.last_budget % 10 == 0).all()
    assert (projects.requested % 10 == 0).all()
    expired = projects[projects.expires <= 2026]
    assert sorted(expired.name) == sorted(EXPIRED)
    assert list(projects.department.drop_duplicates()) == list(tables["departments"].name)


def test_standard_times_quantity_is_the_amount(tables: dict[str, pd.DataFrame]) -> None:
    paid = tables["projects"][tables["projects"].method == "by_standard"]
    assert len(paid) == len(STANDARDS) + 3
    assert np.allclose(paid.standard * paid.quantity, paid.requested, rtol=0, atol=1e-6)
    assert (paid.entitlement == paid.requested).all()
    subsidies = paid[paid.sector == "农林水"]
    assert sorted(subsidies.name) == ["农业保险保费补贴", "大豆玉米带状复合种植补助", "种粮大户补贴"]
    assert subsidies.set_index("name").standard["种粮大户补贴"] == 230


def test_committed_lines_and_only_they_are_contracts(tables: dict[str, pd.DataFrame]) -> None:
    contracts = tables["projects"][tables["projects"]["class"] == "合同"]
    assert dict(zip(contracts.name, contracts.committed, strict=True)) == COMMITTED
    assert tables["projects"].committed.notna().sum() == 3


# -- records and indicators -------------------------------------------------------------------------------------------


def test_records_of_a_line_and_year_agree_but_for_the_score(tables: dict[str, pd.DataFrame]) -> None:
    records = tables["records"]
    money = records.groupby(["project", "year"])[["budget", "adjusted_budget", "spent", "through"]]
    assert (money.nunique(dropna=False) == 1).all().all()
    assert not records.duplicated(["project", "year", "rater", "rater_id"]).any()
    past = records[records.year < 2026]
    assert past.score.dropna().between(0, 100).all()
    assert (past.spent.dropna() > 0).all()
    assert 5 <= past.score.isna().sum() <= 40
    assert 3 <= past.spent.isna().sum() <= 40


def test_the_running_year_has_money_to_august_and_no_score(
    tables: dict[str, pd.DataFrame], named: pd.DataFrame
) -> None:
    running = tables["records"][tables["records"].year == 2026].set_index("project")
    assert len(running) == 119
    assert running.score.isna().all()
    assert (running.through == 8).all()
    last = tables["projects"].set_index("id").last_budget.dropna()
    assert (running.budget == last).all()
    rate = 100 * running.spent / running.adjusted_budget
    stated = {row.name: row.executed for row in NAMED}
    for _, line in named.iloc[:-1].iterrows():
        assert round(rate[line.id]) == stated[line["name"]]


def test_three_lines_rest_on_one_record(tables: dict[str, pd.DataFrame]) -> None:
    past = tables["records"][tables["records"].year < 2026]
    one = past.groupby("project").size().loc[lambda count: count == 1]
    names = tables["projects"].set_index("id").name
    assert sorted(names[one.index]) == sorted(YOUNG)


def test_drought_excuses_farming_and_water_in_2022(tables: dict[str, pd.DataFrame]) -> None:
    excused = tables["records"][tables["records"].excused.notna()]
    assert set(excused.year) == {2022}
    assert set(excused.excused) == {"客观原因:干旱"}
    sectors = tables["projects"].set_index("id").sector
    assert set(sectors[excused.project]) == {"农林水"}
    assert excused.project.nunique() >= 10


def test_self_scores_are_inflated(tables: dict[str, pd.DataFrame]) -> None:
    scored = tables["records"].dropna(subset=["score"])
    own = scored[scored.rater == "self"].score
    others = scored[scored.rater != "self"].score
    assert 92.5 < own.mean() < 94.0
    assert own.min() > 80
    assert 80 < others.mean() < 85
    bias = scored.groupby("rater").score.mean()
    assert bias["department"] > bias["finance"]


def test_points_of_the_indicators_sum_to_100(tables: dict[str, pd.DataFrame], named: pd.DataFrame) -> None:
    indicators = tables["indicators"]
    assert set(indicators.project) == set(named.id)
    points = indicators.groupby("project").points.sum()
    new = named.iloc[-1].id
    assert (points.drop(new) == 100).all()
    assert points[new] == 90
    assert set(indicators.direction) == {"positive", "reverse", "equal"}
    done = indicators[indicators.project != new]
    assert done.actual.notna().all()
    visitors = done.set_index("level3").loc[["游客人次增长", "旅游收入增长"]]
    assert visitors.actual.tolist() == [-3, 1]
    assert visitors.reason.notna().all()
    assert ((done.measure == "%") & (done.actual > 100)).sum() <= 3


# -- districts --------------------------------------------------------------------------------------------------------


def test_districts_carry_published_geography(tables: dict[str, pd.DataFrame]) -> None:
    districts = tables["districts"]
    assert len(districts) == 38
    assert districts.name.is_unique
    assert districts.population.sum() == 28_846_170
    assert districts.grain_area.sum() == CITY_GRAIN * 15
    assert districts.region.value_counts().to_dict() == {"W": 12, "NE": 11, "core": 9, "SE": 6}
    assert districts.area_source.value_counts().to_dict() == {"published": 20, "pro_rata": 17, "by_difference": 1}
    areas = districts.set_index("english").grain_area
    assert areas["Hechuan"] == 132_491 * 15
    assert areas["Qijiang"] == (83_270 + 14_324) * 15
    assert areas["Yuzhong"] == 0
    assert districts.latitude.between(28.1, 32.3).all()
    assert districts.longitude.between(105.2, 110.3).all()
    assert not {"score", "grade", "need"} & set(districts.columns)
    assert len(grain_areas()) == len(SEATS)


def test_no_line_stands_in_a_district(tables: dict[str, pd.DataFrame]) -> None:
    assert "district" not in tables["projects"].columns
    words = {seat.name.rstrip("区县") for seat in SEATS if len(seat.name) > 2}
    assert not [name for name in tables["projects"].name if any(word in name for word in words)]


# -- the truth --------------------------------------------------------------------------------------------------------


def test_saturation_meets_its_elasticity() -> None:
    wanted = np.array([0.02, 0.1, 0.5, 0.9])
    q = saturation(wanted)
    u, h = 1.0, 1e-6
    rise = np.log(-np.expm1(-(u + h) / q)) - np.log(-np.expm1(-(u - h) / q))
    assert np.allclose(rise / (np.log(u + h) - np.log(u - h)), wanted, rtol=1e-5)


def test_scores_follow_the_true_curves(tables: dict[str, pd.DataFrame]) -> None:
    """Scores of finance and third parties stray from the true result by their noise, no more: so the unit is right."""
    projects, truth = tables["projects"].set_index("id"), tables["truth"].set_index("id")
    records = tables["records"]
    seen = records[records.rater.isin(["finance", "third_party"]) & records.spent.notna() & records.excused.isna()]
    seen = seen[(seen.year < 2025) & (seen.score < 100)].dropna(subset=["score"])
    reference = projects.last_budget[seen.project].to_numpy()
    scale = truth.scale[seen.project].to_numpy()
    benefit = truth.value[seen.project].to_numpy() * -np.expm1(-seen.spent.to_numpy() / scale)
    error = seen.score.to_numpy() - 100 * benefit / reference
    assert abs(error.mean() + 0.6) < 0.6
    assert 1.5 < error.std() < 3.2


def test_the_records_show_within_sectors_what_money_does(tables: dict[str, pd.DataFrame]) -> None:
    """Fixed effects of line and year, by sector: the slope is near the true one, and it tells sectors apart."""
    projects, truth = tables["projects"].set_index("id"), tables["truth"].set_index("id")
    records = tables["records"]
    past = records[(records.year < 2026) & (records.rater != "self")]
    cells = past.groupby(["project", "year"]).agg(score=("score", "mean"), spent=("spent", "first")).dropna()
    cells["x"] = np.log(cells.spent)
    within = cells[["score", "x"]] - cells.groupby("project")[["score", "x"]].transform("mean")
    within["score"] -= within.groupby("year").score.transform("mean")
    sector = projects.sector[within.index.get_level_values("project")].to_numpy()
    slope = {name: (g.x * g.score).sum() / (g.x**2).sum() for name, g in within.groupby(sector)}
    z = projects.last_budget / truth.scale
    level = 100 * truth.value / projects.last_budget * -np.expm1(-z)
    true = (level * z / np.expm1(z)).groupby(projects.sector).mean()
    found = pd.Series(slope)
    assert np.abs(found - true).max() < 7
    assert np.corrcoef(found, true[found.index])[0, 1] > 0.9
    assert found["农林水"] > 30 > 15 > found["文化旅游体育与传媒"]
    swings = cells.groupby("project").x.std().dropna()
    assert 0.13 < swings.median() < 0.25


# -- the rules fit together -------------------------------------------------------------------------------------------


def selected(frame: pd.DataFrame, where: dict, except_: dict) -> np.ndarray:
    """Tell which rows a selection takes: an independent reading of the contract."""

    def meets(conditions: dict) -> np.ndarray:
        mask = np.ones(len(frame), bool)
        for column, wanted in conditions.items():
            values = frame[column]
            if isinstance(wanted, dict):
                tests = {"below": values.lt, "at_most": values.le, "above": values.gt, "at_least": values.ge}
                for word, bound in wanted.items():
                    mask &= tests[word](bound).to_numpy()
            else:
                mask &= values.isin(wanted if isinstance(wanted, list) else [wanted]).to_numpy()
        return mask

    taken = meets(where)
    return taken & ~meets(except_) if except_ else taken


def limits_of(rule: dict, frame: pd.DataFrame, total: float) -> list[tuple[np.ndarray, float, float]]:
    """Return (lines, low, high) of one rule."""
    rows = np.flatnonzero(selected(frame, rule.get("where", {}), rule.get("except", {})))
    last = frame.last_budget.fillna(0).to_numpy()
    kind = rule["kind"]
    if kind == "share":
        return [(rows, rule["share"][0] * total, rule["share"][1] * total)]
    if kind == "grade":
        cut = frame.grade.map(rule["cut"]).to_numpy()
        return [(np.array([p]), -np.inf, cut[p] * last[p]) for p in rows if cut[p] == cut[p] and last[p] > 0]
    if kind == "change":
        low, high = rule["change"]
        return [(np.array([p]), (1 + low) * last[p], (1 + high) * last[p]) for p in rows if last[p] > 0]
    if "of" in rule:
        amounts = frame[rule["of"]].fillna(0).to_numpy() * rule.get("times", 1.0)
        amounts = amounts - (frame[rule["less"]].fillna(0).to_numpy() if "less" in rule else 0.0)
    each = rule.get("scope") == "each"
    groups = [np.array([p]) for p in rows] if each else [rows]
    if "by" in rule:
        column = frame[rule["by"]].to_numpy()
        groups = [rows[column[rows] == value] for value in dict.fromkeys(column[rows])]
    result = []
    for group in groups:
        amount = amounts[group].sum() if "of" in rule else rule["amount"]
        low = amount if kind in ("floor", "fix") else -np.inf
        result.append((group, low, amount if kind in ("ceiling", "fix") else np.inf))
    return result


def is_feasible(raw: dict, frame: pd.DataFrame, *, without: tuple[str, ...] = ()) -> bool:
    """Solve the rules as a linear program without aim; rules that yield are eased line by line first."""
    budget = raw["budget"]
    limits = {
        rule["name"]: limits_of(rule, frame, budget["total"]) for rule in raw["rule"] if rule["name"] not in without
    }
    rows, highs = [np.ones(len(frame))], [budget["total"] - budget["reserve_share"] * budget["reserve_base"]]
    for rule in raw["rule"]:
        stronger = [limit for name in rule.get("yields_to", []) for limit in limits.get(name, [])]
        for lines, low, high in limits.get(rule["name"], []):
            for others, least, most in stronger if len(lines) == 1 else []:
                if len(others) == 1 and others[0] == lines[0]:
                    low, high = min(low, most), max(high, least)
            row = np.bincount(lines, minlength=len(frame)).astype(float)
            for sign, bound in ((1.0, high), (-1.0, -low)):
                if np.isfinite(bound):
                    rows.append(sign * row)
                    highs.append(bound)
    top = [None if np.isnan(v) else v for v in frame["max"]]
    found = linprog(-np.ones(len(frame)), A_ub=np.array(rows), b_ub=highs, bounds=[(0, t) for t in top])
    if found.status == 0 and not without:
        assert -found.fun > 0.995 * highs[0], "the money cannot be spent"
    return found.status == 0


@pytest.fixture(scope="module")
def lines(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    frame = tables["projects"].copy()
    running = tables["records"][tables["records"].year == 2026].set_index("project")
    frame["executed"] = frame.id.map(running.spent / running.adjusted_budget)
    frame["latest"] = frame.id.map(combined_scores(tables))
    return graded(frame, np.zeros(len(frame)))


def graded(frame: pd.DataFrame, error: np.ndarray) -> pd.DataFrame:
    bands = pd.cut(frame.latest + error, [-99, 60, 80, 90, 999], right=False, labels=["poor", "medium", "good", "best"])
    return frame.assign(grade=bands.astype(object))


def variant(raw: dict, name: str) -> dict:
    return apply_changes(raw, raw["variant"][name] if name else {})


def test_the_scenario_and_its_variants_are_valid(raw: dict, tables: dict[str, pd.DataFrame]) -> None:
    settings = Settings.model_validate(raw)
    assert NOTICE in (settings.notice or "")
    assert all(rule.basis and "(R)" not in rule.basis for rule in settings.rule)
    assert [policy.name for policy in settings.policy] == list(settings.simulate.policies)
    for name in settings.variant:
        Settings.model_validate(variant(raw, name))
    columns = set(tables["projects"].columns) | {"executed", "grade", "score"}
    for rule in raw["rule"]:
        assert (set(rule.get("where", {})) | set(rule.get("except", {}))) <= columns
        assert {rule.get("of", "id"), rule.get("less", "id"), rule.get("by", "id")} <= columns
        assert set(rule.get("yields_to", [])) <= {other["name"] for other in raw["rule"]}


def test_the_total_is_last_year_plus_one_percent_and_the_reserve(raw: dict, tables: dict[str, pd.DataFrame]) -> None:
    last = tables["projects"].last_budget.sum()
    budget = raw["budget"]
    reserve = budget["reserve_share"] * budget["reserve_base"]
    assert reserve == 26_000
    assert 0.01 <= budget["reserve_share"] <= 0.03
    assert budget["total"] == 10 * round(1.01 * last / 10) + reserve
    tight = raw["variant"]["tight"]["budget.total"]
    assert tight == 10 * int(0.97 * (budget["total"] - reserve) / 10) + reserve


def test_every_rule_selects_a_line(raw: dict, lines: pd.DataFrame) -> None:
    for rule in raw["rule"]:
        assert limits_of(rule, lines, raw["budget"]["total"]), rule["name"]


@pytest.mark.parametrize("name", FEASIBLE)
def test_the_rules_fit_together(raw: dict, lines: pd.DataFrame, name: str) -> None:
    assert is_feasible(variant(raw, name), lines)


@pytest.mark.parametrize("name", ["", "tight", "zero_based", "一上"])
def test_they_still_do_where_pooled_scores_move_grades(raw: dict, lines: pd.DataFrame, name: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        moved = graded(lines, rng.normal(0.0, 1.0, len(lines)))
        assert is_feasible(variant(raw, name), moved)


def test_conflict_is_between_two_rules_and_1500_apart(raw: dict, lines: pd.DataFrame) -> None:
    conflict = variant(raw, "conflict")
    assert not is_feasible(conflict, lines)
    pair = ("合同承诺-水利", "绩效挂钩")
    for name in pair:
        assert is_feasible(conflict, lines, without=(name,))
    others = tuple(rule["name"] for rule in raw["rule"] if rule["name"] not in pair)
    assert not is_feasible(conflict, lines, without=others)
    assert is_feasible(apply_changes(conflict, {"rule.合同承诺-水利.amount": 40_500}), lines)
    assert not is_feasible(apply_changes(conflict, {"rule.合同承诺-水利.amount": 40_510}), lines)
    water = lines[lines.name == "大中型水利工程建设"].iloc[0]
    assert water.latest < 79.5
