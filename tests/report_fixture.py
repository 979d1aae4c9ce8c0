"""A small year, made by hand: what the report room is tested on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from allocsim.model.arrays import booleans, floats, integers
from allocsim.model.comparison import Comparison, Interval, PolicyResult
from allocsim.model.curve import Candidate, Curves, CurveSet, Selection
from allocsim.model.evidence import Evidence, Grade, RaterBias, Rulebook
from allocsim.model.money import MoneyStep
from allocsim.model.plan import BetterThanLastYear, Fact, Plan, Reason, RuleReport
from allocsim.model.result import Result
from allocsim.model.scenario import Scenario
from allocsim.model.settings import Settings
from allocsim.model.table import Table
from allocsim.model.trajectory import Outcomes

NOTICE = "示例数据，非任何城市的实际预算 / Illustrative data, not any city's budget"
EXCELLENT, GOOD, MEDIUM, POOR = range(4)
GRADES = (
    Grade(key="excellent", zh="优", low=90.0),
    Grade(key="good", zh="良", low=80.0),
    Grade(key="medium", zh="中", low=60.0),
    Grade(key="poor", zh="差", low=0.0),
)
# department, name, class, fund, last, requested, amount, carryover, score, self, executed, value held, verb
LINES = (
    ("教育", "义务教育公用经费保障", "三保", 98000, 100200, 100200, 0, 91, 97, 0.74, "三保优先", "increase"),
    ("教育", "普惠性学前教育补助", "重点", 46000, 54000, 50100, 1200, 84, 95, 0.66, "", "increase"),
    ("交通运输", "轨道交通建设市级资本金", "合同", 180000, 195000, 180000, 0, 83, 92, 0.70, "合同承诺", "keep"),
    ("交通运输", "“四好农村路”建设补助", "重点", 55000, 58000, 49500, 7900, 74, 94, 0.47, "绩效挂钩", "reduce"),
    ("农业农村", "种粮大户补贴", "据实", 10948, 11500, 11500, 300, 85, 93, 0.21, "据实结算", "increase"),
    ("文化旅游", "重点旅游景区基础设施补助", "重点", 26000, 26000, 13000, 6800, 58, 91, 0.41, "绩效挂钩", "reduce"),
    (
        "文化旅游",
        '=HYPERLINK("x")<script>alert(1)</script>',
        "一般",
        4200,
        4800,
        4200,
        150,
        66,
        96,
        0.72,
        "",
        "evaluate_first",
    ),
    ("大数据", "预算绩效与业务数据共享平台", "新增", None, 3600, 2880, 0, None, None, None, "新增限额", "increase"),
    ("大数据", "政务信息系统运行维护", "一般", 14000, 15500, 0, 0, 75, 96, 0.73, "", "drop"),
)


def result(copies: int = 1, *, language: str = "zh", until: str = "simulate", **settings: Any) -> Result:
    """Return a finished year of 9 x ``copies`` lines."""
    scenario = make_scenario(copies, language, settings)
    evidence = make_evidence(scenario)
    if until == "evaluate":
        return Result(scenario=scenario, evidence=evidence)
    curves = make_curves(scenario, evidence)
    if until == "fit":
        return Result(scenario=scenario, evidence=evidence, curves=curves)
    plan = make_plan(scenario, curves, copies)
    if until == "plan":
        return Result(scenario=scenario, evidence=evidence, curves=curves, plan=plan)
    outcomes = make_outcomes(plan)
    comparison = make_comparison(outcomes)
    return Result(
        scenario=scenario, evidence=evidence, curves=curves, plan=plan, outcomes=outcomes, comparison=comparison
    )


def make_scenario(copies: int, language: str, settings: dict[str, Any]) -> Scenario:
    total = sum(row[5] for row in LINES) * copies + 26000 + 120
    raw: dict[str, Any] = {
        "title": "示例市2027年项目支出" if language == "zh" else "A made-up city, 2027",
        "year": 2027,
        "money_step": 10,
        "language": language,
        "notice": NOTICE,
        "tables": {"projects": "projects.csv", "records": "records.csv"},
        "budget": {"total": total, "reserve": 26000, "reserve_base": 2_000_000},
        "agriculture": {"lines": {"class": "据实"}},
        "rule": [
            {
                "name": "三保优先",
                "kind": "floor",
                "basis": "“三保”清单与标准",
                "where": {"class": "三保"},
                "scope": "each",
                "of": "requested",
            },
            {
                "name": "合同承诺",
                "kind": "floor",
                "basis": "合同、批复概算",
                "where": {"class": "合同"},
                "amount": 180000,
            },
            {
                "name": "据实结算",
                "kind": "fix",
                "basis": "补贴办法",
                "where": {"class": "据实"},
                "of": "requested",
                "scope": "each",
            },
            {
                "name": "部门控制数",
                "kind": "ceiling",
                "basis": "一下控制数",
                "by": "department",
                "of": "last_budget",
                "times": 1.06,
            },
            {"name": "绩效挂钩", "kind": "grade", "basis": "评价结果应用办法", "cut": {"medium": 0.9, "poor": 0.5}},
            {
                "name": "新增限额",
                "kind": "ceiling",
                "basis": "事前绩效评估意见",
                "where": {"class": "新增"},
                "amount": 2880,
                "scope": "each",
            },
        ],
        **settings,
    }
    rows = [row for _ in range(copies) for row in LINES]
    ids = [f"{i + 1:03d}" for i in range(len(rows))]
    projects = make_table(
        "projects",
        id=ids,
        name=[row[1] if i < len(LINES) else f"{row[1]}{i}" for i, row in enumerate(rows)],
        department=[row[0] for row in rows],
        **{"class": [row[2] for row in rows]},
        fund=["一般公共预算"] * len(rows),
        last_budget=[np.nan if row[3] is None else float(row[3]) for row in rows],
        requested=[float(row[4]) for row in rows],
        carryover=[float(row[6]) for row in rows],
    )
    return Scenario(
        name="made-up",
        settings=Settings.model_validate(raw),
        projects=projects,
        records=make_records(ids, rows),
        indicators=make_table(
            "indicators",
            project=[ids[0], ids[0], ids[3]],
            year=[2025.0, 2025.0, 2025.0],
            level3=["应补尽补率", "家长满意度", "新改建农村公路"],
            relation=["=", ">=", ">="],
            target=["100", "90", "1900"],
            measure=["%", "%", "公里"],
        ),
        lines={},
        inputs={},
        folder=Path("."),
        raw=raw,
    )


def make_records(ids: list[str], rows: list[tuple[Any, ...]]) -> Table:
    noise = np.random.default_rng(5)
    columns: dict[str, list[Any]] = {
        k: [] for k in ("project", "year", "budget", "adjusted_budget", "spent", "score", "rater")
    }
    for line, row in zip(ids, rows, strict=True):
        for year in range(2021, 2027):
            if row[3] is None:
                continue
            spent = row[3] * (0.7 + 0.06 * (year - 2020)) * (1 + 0.06 * noise.standard_normal())
            for rater, score in (("self", row[8]), ("finance", row[7])):
                columns["project"].append(line)
                columns["year"].append(float(year))
                columns["budget"].append(float(row[3]))
                columns["adjusted_budget"].append(float(row[3]))
                columns["spent"].append(row[9] * row[3] if year == 2026 else spent)
                columns["score"].append(np.nan if year == 2026 else float(score + noise.normal(0, 2)))
                columns["rater"].append(rater)
    return make_table("records", **columns)


def make_table(table: str, /, **columns: list[Any]) -> Table:
    arrays = {}
    for key, values in columns.items():
        arrays[key] = floats(values) if isinstance(values[0], float) else np.array(values, dtype=object)
    count = len(next(iter(columns.values())))
    return Table(name=table, file=f"{table}.csv", columns=arrays, lines=tuple(range(2, count + 2)), letters={})


def make_evidence(scenario: Scenario) -> Evidence:
    records = scenario.records
    assert records is not None
    ids = scenario.projects.text("id")
    place = {line: p for p, line in enumerate(ids)}
    finance = np.array([r == "finance" for r in records.text("rater")]) & ~np.isnan(records.number("score"))
    project = np.array([place[line] for line in records.text("project")])[finance]
    year = records.number("year")[finance].astype(np.int64)
    score = records.number("score")[finance].clip(0, 100)
    grade = np.select([score >= 90, score >= 80, score >= 60], [EXCELLENT, GOOD, MEDIUM], POOR)
    latest = np.full(len(ids), -1)
    for o, p in enumerate(project):
        latest[p] = o
    probability = np.full((len(project), 4), 0.05)
    probability[np.arange(len(project)), grade] = 0.85
    every = np.array([r == "finance" for r in records.text("rater")])
    return Evidence(
        id=ids,
        name=scenario.projects.text("name"),
        project=integers(project),
        year=integers(year),
        spent=floats(records.number("spent")[finance]),
        score=floats(score),
        standard_error=floats(np.full(len(project), 2.0)),
        low=floats(score - 3.3),
        high=floats(score + 3.3),
        grade=integers(grade),
        grade_probability=floats(probability),
        raters=integers(np.full(len(project), 2)),
        rater_kinds=("self", "finance"),
        reading=floats(np.column_stack([score + 9.0, score])),
        excused=booleans(year == 2022),
        history_project=integers(np.array([place[line] for line in records.text("project")])[every]),
        history_year=integers(records.number("year")[every]),
        history_spent=floats(records.number("spent")[every]),
        latest=integers(latest),
        counted=integers(latest),
        coverage=floats(np.full(len(ids), 5 / 6)),
        bias=(
            RaterBias(rater="self", bias=11.3, low=9.8, high=12.8, noise=3.0, n=45),
            RaterBias(rater="finance", bias=0.0, low=0.0, high=0.0, noise=2.0, n=45),
        ),
        anchor="finance",
        shift=1.0,
        rulebook=Rulebook(name="mof_2020", title="项目支出绩效评价管理办法", source="财预〔2020〕10号", grades=GRADES),
    )


def make_curves(scenario: Scenario, evidence: Evidence) -> Curves:
    count, draws = len(evidence.id), 40
    noise = np.random.default_rng(6)
    last = np.nan_to_num(scenario.projects.number("last_budget"), nan=3600.0)
    points = np.array([evidence.score[o] if o >= 0 else 80.0 for o in evidence.latest])
    scale = last * noise.uniform(0.5, 1.5, count)
    value = last * points / 100 / -np.expm1(-last / scale)
    drawn_scale = scale * np.exp(0.35 * noise.standard_normal((draws, count)))
    drawn = last * points / 100 / -np.expm1(-last / drawn_scale) * (1 + 0.02 * noise.standard_normal((draws, count)))
    family, none = ("saturating",) * count, (None,) * count
    shape = floats(np.full(count, np.nan))
    expected = CurveSet(family=family, value=floats(value), scale=floats(scale), shape=shape, points=none)
    many = CurveSet(
        family=family,
        value=floats(drawn),
        scale=floats(drawn_scale),
        shape=floats(np.full((draws, count), np.nan)),
        points=none,
    )
    slopes = many.slope(floats(last))
    own = noise.uniform(0, 0.9, count)
    return Curves(
        id=evidence.id,
        expected=expected,
        draws=many,
        given=booleans(np.zeros(count)),
        records=integers(np.where(evidence.latest >= 0, 5, 0)),
        own_evidence=floats(own),
        elasticity_mean=floats(noise.uniform(0.2, 0.7, count)),
        elasticity_variance=floats(np.full(count, 0.02)),
        reference=floats(last),
        spent_least=floats(0.7 * last),
        spent_most=floats(1.1 * last),
        marginal=floats(expected.slope(floats(last))),
        marginal_low=floats(np.quantile(slopes, 0.05, axis=0)),
        marginal_high=floats(np.quantile(slopes, 0.95, axis=0)),
        flags=tuple(("borrowed",) if share < 0.3 else () for share in own),
        value_from=("budget",) * count,
        target_elasticity=0.0,
        lag=1,
        family="saturating",
        selection=Selection(
            candidates=(Candidate(lag=1, family="saturating", log_score=-310.2, lead=3.8, standard_error=7.6),),
            no_curve=-314.0,
            weak=True,
            pooled_slope=8.4,
            pooled_error=2.1,
            within_slope=0.3,
            within_error=3.6,
            feedback=2.4,
            halving_correlation=0.21,
            records=36,
        ),
        alternative=None,
    )


def make_plan(scenario: Scenario, curves: Curves, copies: int) -> Plan:
    rows = [row for _ in range(copies) for row in LINES]
    amount = np.array([row[5] for row in rows], dtype=np.float64)
    last = scenario.projects.number("last_budget")
    total = int(scenario.settings.budget.total)
    return Plan(
        scenario=scenario.name,
        year=2027,
        currency=scenario.settings.currency,
        unit=scenario.settings.unit,
        money_step=MoneyStep(10),
        status="optimal",
        id=curves.id,
        name=scenario.projects.text("name"),
        department=scenario.projects.text("department"),
        steps=integers(amount / 10),
        reserve_steps=2600,
        unallocated_steps=(total - 26000 - int(amount.sum())) // 10,
        last=floats(last),
        requested=floats(scenario.projects.number("requested")),
        low=floats(0.5 * amount),
        high=floats(1.2 * amount + 10),
        benefit=floats(curves.expected.benefit(floats(amount))),
        marginal=floats(curves.expected.rise(floats(amount), 10.0)),
        held_by=tuple(row[10] for row in rows),
        reasons=tuple(make_reason(row) for row in rows),
        flags=curves.flags,
        wrong_cut_probability=floats([0.18 if row[11] == "reduce" else np.nan for row in rows]),
        rules=make_rules(),
        bound=1_000_000.4,
        bound_by="dual",
        rounding_loss=0.02,
        gap=3.1e-9,
        objective=999_999.0,
        at_choices=False,
        price=0.412,
        better_than_last_year=BetterThanLastYear(
            benefit=9_310.0,
            low=2_150.0,
            high=16_800.0,
            probability=0.934,
            own_evidence=0.41,
            same_way=0.87,
            last_benefit=990_000.0,
        ),
        rigid=302_560.0 * copies,
        method="lp",
        rounds=4,
    )


def make_reason(row: tuple[Any, ...]) -> Reason:
    facts: list[Fact] = []
    if row[7] is not None:
        facts.append(score_fact(row))
        facts.append(Fact(code="fact.exec", values=(("month", 8.0), ("rate", row[9]), ("peer", 0.62))))
    if row[6]:
        facts.append(Fact(code="fact.carry", values=(("carry", float(row[6])),)))
    rule = None
    if row[10] == "绩效挂钩":
        grade, cut = ("poor", 0.5) if row[7] < 60 else ("medium", 0.9)
        rule = Fact(code="rule.grade", values=(("name", row[10]), ("grade", grade), ("cut", cut)))
    elif row[10] in ("三保优先", "合同承诺"):
        rule = Fact(code="rule.must")
    elif row[10]:
        rule = Fact(code="rule.ceiling", values=(("name", row[10]), ("price", 0.31)))
    estimates = (Fact(code="est.margin", values=(("m", 0.53), ("price", 0.412))),)
    return Reason(
        verb=row[11], facts=tuple(facts), rule=rule, basis="评价结果应用办法" if rule else "", estimates=estimates
    )


def score_fact(row: tuple[Any, ...]) -> Fact:
    grade = "excellent" if row[7] >= 90 else "good" if row[7] >= 80 else "medium" if row[7] >= 60 else "poor"
    said = (("year", 2025.0), ("score", float(row[7])), ("grade", grade), ("self", float(row[8])))
    return Fact(code="fact.score", values=(*said, ("gap", float(row[8] - row[7]))))


def make_rules() -> tuple[RuleReport, ...]:
    def row(name: str, kind: str, of: str, sense: Any, level: float, reached: float, up: Any, down: Any) -> RuleReport:
        slack = abs(level - reached)
        return RuleReport(
            name=name,
            kind=kind,
            basis="评价结果应用办法" if kind != "total" else "财力测算",
            row=of,
            covered=1,
            sense=sense,
            level=level,
            activity=reached,
            slack=slack,
            binding=slack < 200,
            price_up=up,
            price_down=down,
        )

    return (
        row("budget.total", "total", "", "ceiling", 437500.0, 437380.0, 0.412, -0.412),
        row("三保优先", "floor", "义务教育公用经费保障", "floor", 100200.0, 100200.0, None, 0.12),
        row("合同承诺", "floor", "", "floor", 180000.0, 180000.0, -0.2, 0.15),
        row("据实结算", "fix", "种粮大户补贴", "fix", 11500.0, 11500.0, 0.1, -0.1),
        row("部门控制数", "ceiling", "教育", "ceiling", 152640.0, 150300.0, 0.0, 0.0),
        row("部门控制数", "ceiling", "大数据", "ceiling", 17000.0, 2880.0, 0.0, 0.0),
        row("绩效挂钩", "grade", "重点旅游景区基础设施补助", "ceiling", 13000.0, 13000.0, 0.31, -0.33),
        row("绩效挂钩", "grade", "“四好农村路”建设补助", "ceiling", 49500.0, 49500.0, 0.05, -0.06),
    )


def make_outcomes(plan: Plan) -> Outcomes:
    noise = np.random.default_rng(7)
    lanes, names = 400, ("hold", "threshold", "reserve_index", "reoptimise")
    calm = 400_000.0 * (1 + 0.03 * noise.standard_normal(lanes))
    hit = np.where(noise.random(lanes) < 0.5, 0.0, noise.gamma(1.2, 0.03, lanes))
    gains = np.array([0.0, -0.0009, 0.008, 0.003])[:, None] * np.minimum(hit / 0.03, 2.0)
    benefit = calm * (1 - hit + gains - np.array([0, 0.0002, 0.0006, 0.0001])[:, None])
    months = np.linspace(0.03, 0.96, 12)
    spent = (1 - 0.5 * hit)[None, :, None] * months * float(plan.total) * np.ones((4, 1, 1))
    zeros = np.zeros((4, lanes))
    asked = zeros + np.array([0, 0, 1, 0])[:, None] * hit * 150_000
    return Outcomes(
        policies=names,
        kinds=names,
        seed=1,
        benefit=floats(benefit),
        unspent=floats(np.tile(1 - spent[0, :, -1] / plan.total, (4, 1))),
        moved=floats(zeros + np.array([0, 0.01, 0.004, 0.02])[:, None]),
        asked=floats(asked),
        drawn=floats(np.minimum(asked, 26000)),
        exhausted=floats(asked > 26000),
        gini=floats(zeros + 0.1),
        spent=floats(spent),
        bound=floats(benefit.max(axis=0) * 1.01),
        draw=integers(np.arange(lanes) % 40),
        money_worth=float(plan.total * plan.price),
        planted=floats(1 - 0.2 * hit),
        lost=floats(hit),
        calm_benefit=floats(calm),
    )


def make_comparison(outcomes: Outcomes) -> Comparison:
    policies = []
    for a, name in enumerate(outcomes.policies):
        gap = outcomes.benefit[a] - outcomes.benefit[0]
        mean, half = float(gap.mean()), float(2.0 * gap.std() / 20)
        policies.append(
            PolicyResult(
                name=name,
                kind=name,
                benefit=Interval(mean=float(outcomes.benefit[a].mean()), low=398_000.0, high=402_000.0),
                difference=Interval(mean=mean, low=mean - half, high=mean + half),
                simultaneous=Interval(mean=mean, low=mean - 1.3 * half, high=mean + 1.3 * half),
                adjusted_p=0.01,
                cvar10=float(np.sort(outcomes.benefit[a])[:40].mean()),
                difference_cvar10=float(np.sort(gap)[:40].mean()),
                shortfall_probability=0.12,
                regret=120.0,
                unspent=0.05,
                moved=float(outcomes.moved[a].mean()),
                reserve_exhausted_probability=float(outcomes.exhausted[a].mean()),
                reserve_needed=float(np.quantile(outcomes.asked[a], 0.9)),
                headroom=900.0,
                deciding_lanes=0 if a == 0 else 210,
                better_given_curves=0.5 if a == 0 else 0.91,
                gini=0.1,
                idle_cost=0.0 if a == 0 else 40.0,
            )
        )
    best = policies[2]
    because = (
        better_fact(best),
        Fact(code="few_years", values=(("count", 88.0),)),
    )
    return Comparison(
        replications=outcomes.lanes,
        seed=1,
        baseline="hold",
        digest=outcomes.digest(),
        policies=tuple(policies),
        recommended="reserve_index",
        verdict="better",
        because=because,
        breakeven_unspent_worth=0.83,
        few_years_decide=False,
    )


def better_fact(best: PolicyResult) -> Fact:
    shown = best.simultaneous
    said = (("policy", best.name), ("baseline", "hold"), ("mean", shown.mean), ("low", shown.low), ("high", shown.high))
    return Fact(code="better", values=(*said, ("moved_share", best.moved)))
