"""Figures: the same bytes each time, text as text, and every shape of result can be drawn."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

import report_fixture
from allocsim.model.arrays import booleans, floats
from allocsim.model.curve import CurveSet
from allocsim.model.result import Result
from allocsim.report.display import FIGURES
from allocsim.report.figures.curves import curves, movers
from allocsim.report.figures.style import installed_cjk, png, shade, short, svg, thousands, width


@pytest.fixture(scope="module")
def result() -> Result:
    return report_fixture.result()


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_svg_is_steady_and_its_text_is_text(result: Result, name: str) -> None:
    first, second = svg(FIGURES[name](result)), svg(FIGURES[name](result))
    assert first == second
    root = ElementTree.fromstring(first)
    texts = "".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))
    assert any("\u4e00" <= sign <= "\u9fff" for sign in texts)
    assert "Noto Sans CJK SC" in first
    assert "dc:date" not in first


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_settings_around_it_change_nothing(result: Result, name: str) -> None:
    usual = svg(FIGURES[name](result))
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path", "axes.grid": True}):
        assert svg(FIGURES[name](result)) == usual


def test_english_figures_hold_english_words(result: Result) -> None:
    english = report_fixture.result(language="en")
    assert "requested" not in svg(FIGURES["plan"](result))
    assert "Largest moves" in svg(FIGURES["plan"](english))


def test_png_needs_no_chinese_font(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allocsim.report.figures.style.installed_cjk", tuple)
    assert png(FIGURES["plan"](result), dpi=40)[:4] == b"\x89PNG"
    assert len(installed_cjk()) <= 1


def test_the_lines_that_move_most_are_drawn(result: Result) -> None:
    assert result.plan is not None
    chosen = movers(result, 3)
    moves = np.abs(result.plan.amount - result.plan.last)
    assert moves[chosen].tolist() == sorted(np.nan_to_num(moves), reverse=True)[:3]
    without = movers(replace(result, plan=None), 2)
    assert result.curves is not None
    assert result.curves.own_evidence[without[0]] == result.curves.own_evidence[result.curves.records > 0].max()


def test_given_and_piecewise_curves_can_be_drawn(result: Result) -> None:
    made = result.curves
    assert made is not None
    count = len(made.id)
    corners = ((0.0, 0.0), (20_000.0, 9_000.0), (90_000.0, 20_000.0))

    def piecewise(shape: tuple[int, ...]) -> CurveSet:
        none = floats(np.full(shape, np.nan))
        return CurveSet(family=("piecewise",) * count, value=none, scale=none, shape=none, points=(corners,) * count)

    given = replace(made, expected=piecewise((count,)), draws=piecewise((40, count)), given=booleans(np.ones(count)))
    picture = curves(replace(result, curves=given, evidence=None))
    assert len(picture.axes) == min(8, len(movers(result)))


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_what_is_not_there_cannot_be_drawn(name: str) -> None:
    with pytest.raises(ValueError, match="this result holds no"):
        FIGURES[name](report_fixture.result(until="evaluate"))


def test_small_words() -> None:
    assert short("重点旅游景区基础设施补助", 10) == "重点旅游景…"
    assert short("短名", 10) == "短名"
    assert width("预算ab") == 6
    assert thousands(-1234.5) == "−1,234.5"
    assert thousands(0.0) == "0"
    assert shade(np.nan) == shade(0.0) != shade(1.0)


def test_a_name_is_text_and_never_mathematics(result: Result) -> None:
    assert result.plan is not None
    names = tuple(r"$\frac{1}{$x" if place == 0 else name for place, name in enumerate(result.plan.name))
    projects = result.scenario.projects
    columns = {**projects.columns, "name": np.array(names, dtype=object)}
    scenario = replace(result.scenario, projects=replace(projects, columns=columns))
    odd = replace(result, scenario=scenario, plan=replace(result.plan, name=names))
    for name in ("plan", "curves", "marginal"):
        assert svg(FIGURES[name](odd)).startswith("<?xml")
