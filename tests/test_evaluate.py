"""Scores of several raters: recovery of known biases, boundaries of grades, degenerate records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.errors import InvalidInput
from allocsim.evaluate import raters, slopes
from allocsim.evaluate.grades import grade, grade_probability
from allocsim.evaluate.readings import read
from allocsim.evaluate.scores import evaluate
from allocsim.model.scenario import Scenario
from allocsim.model.stream import stream
from allocsim.rulebooks.read import names, rulebook
from curve_worlds import scenario

BIAS = {"third_party": 0.0, "finance": 2.0, "department": 6.0, "self": 11.0}
NOISE = {"third_party": 3.0, "finance": 4.0, "department": 5.0, "self": 6.0}


def one(score: list[float], rater: list[str] | None = None, **columns: list[object]) -> Scenario:
    rows = {"project": ["A"] * len(score), "year": [2024.0] * len(score), "budget": [10.0] * len(score), "score": score}
    if rater is not None:
        rows["rater"] = rater
    return scenario({"id": ["A", "B"]}, {**rows, **columns})


def many(seed: int, projects: int = 120, years: int = 5) -> tuple[Scenario, np.ndarray]:
    """Truth varies between projects (sd 7) and years (sd 4); finance and third parties see only some."""
    random = stream(seed, "tests/raters")
    truth = 75 + 7 * random.normal(size=(projects, 1)) + 4 * random.normal(size=(projects, years))
    rows: dict[str, list[object]] = {key: [] for key in ("project", "year", "budget", "score", "rater")}
    for p in range(projects):
        for t in range(years):
            for kind, chance in (("self", 1.0), ("department", 0.6), ("finance", 0.5), ("third_party", 0.3)):
                if random.random() < chance:
                    y = float(np.clip(truth[p, t] + BIAS[kind] + NOISE[kind] * random.normal(), 0, 100))
                    for key, value in zip(rows, (f"P{p}", 2020.0 + t, 10.0, y, kind), strict=True):
                        rows[key].append(value)
    return scenario({"id": [f"P{p}" for p in range(projects)]}, rows), truth


def test_known_biases_are_recovered() -> None:
    """Each of 12 worlds x 3 intervals of 90 %: fewer than 27 hits of 36 has a probability of 0.002 by chance."""
    hits, errors, naive = 0, [], []
    for seed in range(12):
        made, truth = many(seed)
        evidence = evaluate(made)
        assert evidence.anchor == "third_party"
        found = {bias.rater: bias for bias in evidence.bias}
        assert found["third_party"].bias == 0.0
        for kind in ("finance", "department", "self"):
            # readings are clipped at 100, which takes up to a point off the bias of a generous kind
            hits += found[kind].low - 0.7 <= BIAS[kind] <= found[kind].high + 0.7
        mine = truth[evidence.project, evidence.year - 2020]
        errors.append(np.sqrt(np.mean((evidence.score - mine) ** 2)))
        plain = evaluate(made.replace(**{"evaluate.raters": "mean"}))
        naive.append(np.sqrt(np.mean((plain.score - mine) ** 2)))
    assert hits >= 27
    assert np.mean(errors) < 0.65 * np.mean(naive)


def test_intervals_cover_and_noise_is_found() -> None:
    covered, noise = [], []
    for seed in range(6):
        made, truth = many(seed + 100)
        evidence = evaluate(made)
        mine = truth[evidence.project, evidence.year - 2020]
        covered.append(np.mean((evidence.low <= mine) & (mine <= evidence.high)))
        noise.append([bias.noise for bias in evidence.bias])
    assert 0.84 < np.mean(covered) < 0.96
    assert np.mean(noise, axis=0) == pytest.approx(list(NOISE.values()), abs=1.2)


def compressed(seed: int, projects: int = 100, years: int = 4) -> tuple[Scenario, np.ndarray]:
    """Self-scores huddle at 93 with slope .12; the others have the truth's own scale, some readings stand at 100."""
    random = stream(seed, "tests/compressed")
    truth = 82 + 8 * random.normal(size=(projects, 1)) + 4 * random.normal(size=(projects, years))
    rows: dict[str, list[object]] = {key: [] for key in ("project", "year", "budget", "score", "rater")}
    for p in range(projects):
        for t in range(years):
            written = {
                "self": (1.0, 93.0 + 0.12 * (truth[p, t] - 82.0) + 1.3 * random.normal()),
                "department": (0.8, truth[p, t] + 1.0 + 2.2 * random.normal()),
                "third_party": (0.3, truth[p, t] + 1.5 * random.normal()),
            }
            for kind, (chance, y) in written.items():
                if random.random() < chance:
                    row = (f"P{p}", 2020.0 + t, 10.0, float(np.clip(y, 0, 100)), kind)
                    for key, value in zip(rows, row, strict=True):
                        rows[key].append(value)
    return scenario({"id": [f"P{p}" for p in range(projects)]}, rows), truth


def test_a_compressed_rater_is_recovered() -> None:
    """A slope's error is about noise / (sd of truth x sqrt(pairs)): .008 for self-scores, .03 for departments.

    Four such errors a world, so that a single world of eight fails by chance once in 1,000.
    """
    tilts, covered = [], []
    for seed in range(8):
        made, truth = compressed(seed)
        evidence = evaluate(made)
        slope = {bias.rater: bias.slope for bias in evidence.bias}
        assert slope["third_party"] == 1.0
        assert slope["self"] == pytest.approx(0.12, abs=0.032)
        assert slope["department"] == pytest.approx(1.0, abs=0.12)
        assert {bias.rater: bias.noise for bias in evidence.bias}["self"] == pytest.approx(1.3, abs=0.2)
        mine = truth[evidence.project, evidence.year - 2020]
        # where only the unit itself scored the prediction is rightly wide; clipped scores have no slope to lose
        told = (evidence.standard_error < 4) & (mine < 94)
        tilts.append(np.polyfit(mine[told], (evidence.score - mine)[told], 1)[0])
        covered.append(np.mean((evidence.low <= mine)[told] & (mine <= evidence.high)[told]))
    assert abs(np.mean(tilts)) < 0.02
    assert 0.86 < np.mean(covered) < 0.95


def test_few_pairs_leave_the_slope_at_one() -> None:
    evidence = evaluate(one([90.0, 85.0], ["self", "third_party"]))
    assert [bias.slope for bias in evidence.bias] == pytest.approx([1.0, 1.0], abs=0.01)


def test_without_an_anchor_every_slope_is_one() -> None:
    made, _ = compressed(1)
    columns = {key: values.tolist() for key, values in made.records.columns.items()}
    kept = [i for i, kind in enumerate(columns["rater"]) if kind != "third_party"]
    rest = {key: [values[i] for i in kept] for key, values in columns.items()}
    evidence = evaluate(scenario({"id": [f"P{p}" for p in range(100)]}, rest))
    assert evidence.anchor == "mean"
    assert [bias.slope for bias in evidence.bias] == [1.0, 1.0]


def test_censored_readings_do_not_tilt_a_slope() -> None:
    """The regression on clipped readings finds the slope of the unclipped ones; taken as written it is too flat."""
    random = stream(2, "tests/tobit")
    x = 8.0 * random.normal(size=4000)
    latent = 95.0 + x + 3.0 * random.normal(size=4000)
    written = np.minimum(latent, 100.0)
    limited = (written >= 100.0).astype(float)
    variance = np.full(4000, 9.0)
    assert limited.mean() > 0.2
    assert slopes._regress(x, written, variance, limited=limited, start=1.0) == pytest.approx(1.0, abs=0.03)
    assert slopes._regress(x, written, variance, limited=0.0 * limited, start=1.0) < 0.85


def test_scores_at_a_limit_are_known() -> None:
    """Readings with a quarter of the weight at 100 or 0 make the pooled score a limit, though it is shown as pooled."""
    rows = {
        "project": ["A"] * 2 + ["B"] * 2 + ["C"] * 2 + ["D"] * 2 + ["E"],
        "year": [2024.0] * 9,
        "budget": [10.0] * 9,
        "score": [100.0, 100.0, 80.0, 84.0, 0.0, 0.0, 100.0, 90.0, 70.0],
        "rater": ["third_party", "department"] * 4 + ["department"],
    }
    evidence = evaluate(scenario({"id": list("ABCDE")}, rows))
    assert evidence.limited is not None
    assert evidence.limited.tolist() == [1, 0, -1, 1, 0]
    assert 90.0 < evidence.score[3] < 100.0


def test_solution_equals_dense_algebra() -> None:
    """The nested inverse against a dense covariance matrix."""
    made, _ = many(5, projects=7, years=2)
    readings = read(made)
    variances = raters._Variances(project=30.0, year=9.0, noise=np.array([4.0, 9.0, 16.0, 25.0]))
    found = raters._solve(readings, variances)
    year = np.eye(len(readings.project))[readings.of]
    project = np.eye(7)[readings.project[readings.of]]
    kinds = np.eye(4)[readings.kind]
    parts = [project @ project.T, year @ year.T, *(np.diag(kinds[:, k]) for k in range(4))]
    inverse = np.linalg.inv(
        30 * parts[0] + 9 * parts[1] + sum(v * part for v, part in zip(variances.noise, parts[2:], strict=True))
    )
    covariance = np.linalg.inv(kinds.T @ inverse @ kinds)
    p = inverse - inverse @ kinds @ covariance @ kinds.T @ inverse
    y = readings.value
    assert found.effect == pytest.approx(covariance @ kinds.T @ inverse @ y)
    assert found.quadratic == pytest.approx([y @ p @ part @ p @ y for part in parts])
    assert found.trace == pytest.approx([np.trace(p @ part) for part in parts])


def test_a_constant_self_score_does_not_decide() -> None:
    """Self-scores that are always 95 agree with themselves only; the third party's order must survive."""
    random = stream(3, "tests/constant")
    truth = random.uniform(55, 90, 60)
    rows = {"project": [], "year": [], "budget": [], "score": [], "rater": []}
    for p in range(60):
        for kind, y in (("self", 95.0), ("third_party", float(truth[p] + 2 * random.normal()))):
            for key, value in zip(rows, (f"P{p}", 2024.0, 1.0, y, kind), strict=True):
                rows[key].append(value)
    evidence = evaluate(scenario({"id": [f"P{p}" for p in range(60)]}, rows))
    assert np.corrcoef(evidence.score, truth)[0, 1] > 0.95
    assert np.ptp(evidence.score) > 12


@pytest.mark.parametrize(
    ("name", "score", "key"),
    [
        ("mof_2020", 90.0, "excellent"),
        ("mof_2020", 89.999, "good"),
        ("mof_2020", 80.0, "good"),
        ("mof_2020", 79.999, "medium"),
        ("mof_2020", 60.0, "medium"),
        ("mof_2020", 59.999, "poor"),
        ("mof_2020", 0.0, "poor"),
        ("mof_2020", 100.0, "excellent"),
        ("vendor_80_70_60", 80.0, "excellent"),
        ("vendor_80_70_60", 69.9, "medium"),
        ("us_part", 50.0, "medium"),
        ("us_part", 49.9, "poor"),
    ],
)
def test_grade_at_the_bounds(name: str, score: float, key: str) -> None:
    book = rulebook(name)
    assert book.grades[int(grade(np.array([score]), book)[0])].key == key


def test_a_mean_meets_its_bound() -> None:
    """0.1 + 0.2 is not 0.3 in binary; a mean of scores that is 90 on paper is excellent."""
    evidence = evaluate(one([88.1, 91.9, 90.0]).replace(**{"evaluate.raters": "mean"}))
    assert evidence.latest_grade() == ("excellent", "")


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 100), st.floats(0, 30), st.sampled_from(["mof_2020", "vendor_80_70_60", "us_part"]))
def test_grade_probabilities_sum_to_one(score: float, error: float, name: str) -> None:
    book = rulebook(name)
    probability = grade_probability(np.array([score]), np.array([error]), book)[0]
    assert probability.sum() == pytest.approx(1.0)
    assert probability.min() >= 0
    if error == 0:
        assert probability[int(grade(np.array([score]), book)[0])] == 1.0


def test_grade_probability_by_the_normal() -> None:
    """A score on a bound is as likely above it as below."""
    found = grade_probability(np.array([80.0]), np.array([5.0]), rulebook("mof_2020"))[0]
    assert found[:2].sum() == pytest.approx(0.5)
    assert found[0] == pytest.approx(0.0227501, abs=1e-6)


def test_an_unknown_rulebook_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        rulebook("mof_2021")
    assert "mof_2020" in caught.value.problems[0].hint.en
    assert caught.value.problems[0].key == "evaluate.rulebook"
    assert set(names()) == {"mof_2020", "vendor_80_70_60", "us_part"}


def test_one_record_is_its_own_score() -> None:
    evidence = evaluate(one([83.0]))
    assert evidence.score.tolist() == [83.0]
    assert evidence.standard_error.tolist() == [0.0]
    assert evidence.latest_score()[0] == 83.0
    assert np.isnan(evidence.latest_score()[1])
    assert evidence.coverage.tolist() == [1.0, 0.0]


def test_all_the_same_score() -> None:
    evidence = evaluate(one([80.0] * 4, ["self", "finance", "third_party", "department"]))
    assert evidence.score[0] == pytest.approx(80.0)
    assert np.isfinite(evidence.standard_error).all()
    assert all(abs(bias.bias) < 1e-6 for bias in evidence.bias)


def test_no_scores_and_no_records() -> None:
    for made in (one([np.nan]), scenario({"id": ["A", "B"]})):
        evidence = evaluate(made)
        assert len(evidence.score) == 0
        assert evidence.latest.tolist() == [-1, -1]
        assert evidence.latest_grade() == ("", "")
        assert evidence.bias == ()


def test_one_kind_of_rater_is_picked_as_written() -> None:
    evidence = evaluate(one([90.0, 70.0], ["self", "third_party"]).replace(**{"evaluate.raters": "self"}))
    assert evidence.score.tolist() == [90.0]
    kinds = dict(zip(evidence.rater_kinds, evidence.reading[0], strict=True))
    assert kinds == {"third_party": 70.0, "self": 90.0}
    assert evaluate(one([90.0], ["self"]).replace(**{"evaluate.raters": "finance"})).score.tolist() == []


def test_a_running_year_gives_history_only() -> None:
    rows = {
        "project": ["A"] * 3,
        "year": [2024.0, 2025.0, 2026.0],
        "budget": [10.0, 11.0, 12.0],
        "adjusted_budget": [np.nan, 11.5, 12.5],
        "spent": [9.0, np.nan, 3.0],
        "score": [70.0, 75.0, 99.0],
        "through": [12.0, np.nan, 8.0],
        "excused": ["", "flood", ""],
    }
    evidence = evaluate(scenario({"id": ["A"]}, rows))
    assert evidence.year.tolist() == [2024, 2025]
    assert evidence.spent.tolist() == [9.0, 11.5]
    assert evidence.history_spent.tolist() == [9.0, 11.5, 12.5]
    assert evidence.coverage[0] == pytest.approx(2 / 3)
    assert evidence.latest.tolist() == [1]
    assert evidence.latest_score().tolist() == [70.0]
    assert evidence.latest_grade() == ("medium",)


def test_the_running_year_without_through() -> None:
    """Part of the money of the year before the one planned is spent: its budget is what it gets."""
    rows = {"project": ["A"], "year": [2026.0], "budget": [10.0], "spent": [4.0], "score": [np.nan]}
    assert evaluate(scenario({"id": ["A"]}, rows)).history_spent.tolist() == [10.0]


def test_rows_in_any_order_give_the_same() -> None:
    made, _ = many(1, projects=20, years=3)
    columns = {key: values.tolist() for key, values in made.records.columns.items()}
    order = stream(1, "tests/order").permutation(len(made.records))
    mixed = scenario(
        {"id": [f"P{p}" for p in range(20)]}, {key: [values[i] for i in order] for key, values in columns.items()}
    )
    assert evaluate(mixed).score == pytest.approx(evaluate(made).score, rel=1e-12)
