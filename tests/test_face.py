"""What a researcher writes in a notebook: the face of the package, a policy and a process of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allocsim as al
from scenarios import CHONGQING


@pytest.fixture(scope="module")
def scenario() -> Any:
    small = {"simulate.replications": 64, "curves.draws": 32, "simulate.policies": ("hold",)}
    return al.load(CHONGQING).replace(**small)


@pytest.fixture(scope="module")
def plan(scenario: Any) -> Any:
    return al.plan(scenario)


@dataclass(frozen=True)
class Early:
    """A policy of one's own: a tenth of the reserve goes to every hit district as soon as the index shows a half."""

    name: str = "early"
    kind: str = "early"

    def days(self, brief: al.Brief) -> tuple[int, ...]:
        return (200, 214, 228)

    def begin(self, brief: al.Brief, lanes: int) -> None:
        return None

    def act(self, brief: al.Brief, seen: al.Observation, state: None) -> al.Moves | None:
        share = np.where(seen.index > 0.5, seen.reserve[:, None] // 1000, 0)
        return al.Moves(relief=share.astype(np.int64)) if share.any() else None


class Greedy(Early):
    """A policy that breaks the rules: it gives away more than a line has left."""

    def act(self, brief: al.Brief, seen: al.Observation, state: None) -> al.Moves | None:
        give = seen.authorised + 1
        return al.Moves(give=give, take=give)


def test_each_stage_alone(scenario: Any, plan: Any) -> None:
    evidence = al.evaluate(scenario)
    assert len(evidence.to_frame()) == len(evidence.score)
    curves = al.fit(scenario, evidence)
    assert len(curves.to_frame()) == len(scenario.projects)
    assert plan.status == "optimal"
    again = al.plan(scenario, curves)
    np.testing.assert_array_equal(again.steps, plan.steps)


def test_another_total_is_another_plan(scenario: Any, plan: Any) -> None:
    less = al.plan(scenario.replace(**{"budget.total": scenario.settings.budget.total - 10_000}))
    assert less.total == plan.total - 10_000
    assert less.benefit.sum() < plan.benefit.sum()


def test_a_policy_of_ones_own(scenario: Any, plan: Any) -> None:
    compared = al.simulate(scenario, plan, policies=[Early()])
    assert [policy.name for policy in compared.policies] == ["hold", "early"]
    assert compared.policies[1].moved > 0


def test_a_policy_that_breaks_a_rule_is_stopped_by_name(scenario: Any, plan: Any) -> None:
    with pytest.raises(al.AllocsimError, match="greedy"):
        al.simulate(scenario, plan, policies=[Greedy(name="greedy")])


class Wordy(Early):
    """A policy that returns something else than moves."""

    def act(self, brief: al.Brief, seen: al.Observation, state: None) -> Any:
        return {"give": 1}


class Timeless(Early):
    """A policy that names no days."""

    def days(self, brief: al.Brief) -> Any:
        return None


@pytest.mark.parametrize(("policy", "said"), [(Wordy(), "Moves or None, not dict"), (Timeless(), "days must be")])
def test_a_policy_that_answers_nonsense_is_stopped_by_name(scenario: Any, plan: Any, policy: Any, said: str) -> None:
    with pytest.raises(al.AllocsimError, match=said) as caught:
        al.simulate(scenario, plan, policies=[policy])
    assert "early" in caught.value.message.en
    assert "early" in caught.value.message.zh


def test_what_is_no_policy_is_told_before_anything_is_computed() -> None:
    nothing: Any = None  # no scenario: nothing may be asked of it
    with pytest.raises(al.AllocsimError, match=r"policy 1 \(Early\) is a class: pass an object of it, such as Early"):
        al.simulate(nothing, policies=[Early])


def test_a_process_and_a_sky_of_ones_own(scenario: Any, plan: Any) -> None:
    calm = scenario.replace(**{"shocks.preset": "none"})

    def strike(world: Any) -> Iterator[Any]:
        yield world.until(120, "user")
        world.slow(np.full((1, 38), 3.0))

    still, struck = al.simulate(calm, plan), al.simulate(calm, plan, processes=[strike])
    assert struck.policies[0].benefit.mean < still.policies[0].benefit.mean
    wet = al.simulate(scenario, plan)
    assert wet.policies[0].benefit.mean != still.policies[0].benefit.mean


def test_results_show_and_save_themselves(scenario: Any, plan: Any, tmp_path: Path) -> None:
    result = al.run(scenario, until="plan")
    assert len(result.plot()) == 2
    assert "<iframe" in result._repr_html_()
    for suffix in ("csv", "html", "xlsx", "json", "svg", "png"):
        assert result.save(tmp_path / f"plan.{suffix}").stat().st_size > 1000
    assert plan.save(tmp_path / "only.csv").exists()
    with pytest.raises(TypeError, match=r"use result\.plot\(what='plan'\)"):
        plan.plot()
    assert len(result.plot(what="curves")) > 0
    assert result.evidence is not None
    with pytest.raises(TypeError, match=r"what='curves'"):
        result.evidence.plot()
    with pytest.raises(ValueError, match="docx"):
        result.save(tmp_path / "brief.docx")
    assert not (tmp_path / "brief.docx").exists()


def test_unknown_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'budget'"):
        _ = al.budget
