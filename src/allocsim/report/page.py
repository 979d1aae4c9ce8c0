"""The page: one file that needs no network and holds no script, opening with the three questions."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from allocsim.model.curve import Curves
from allocsim.model.result import Result
from allocsim.report import prose
from allocsim.report.checks import checks
from allocsim.report.counts import counts
from allocsim.report.figures import curves as curve_figures
from allocsim.report.figures import outcomes as outcome_figures
from allocsim.report.figures import plan as plan_figures
from allocsim.report.figures.plan import LARGEST
from allocsim.report.figures.style import svg
from allocsim.report.lines import departments, executed_head, lines, totals
from allocsim.report.names import asked_for, line_names
from allocsim.report.numbers import Numbers, numbers_of, plain, score, significant
from allocsim.report.opening import cards, has_hazards, policy_words
from allocsim.report.options import options, recommendation
from allocsim.report.reasons import one
from allocsim.report.rules import CHINESE_LAW, ease, groups, range_words
from allocsim.report.words import Words, words

LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}


class _Written:
    """The numbers of a scenario as a template calls them."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.plain, self.score = plain, score

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numbers, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """A figure as the page holds it: its source, and what it shows in words."""

    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _CurveRow:
    """One line's curve in the table of all curves."""

    name: str
    records: int
    own: float
    elasticity: float
    marginal: str
    low: str
    high: str
    flags: str


def page(result: Result, *, language: str | None = None) -> str:
    """Return the whole report of a result as one HTML page.

    Parameters
    ----------
    result
        Any stages may be missing: what was not run is left out.
    language
        ``"zh"`` or ``"en"``; by default the scenario's.
    """
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    shown = {
        **_frame(result, spoken, written),
        **_of_plan(result, spoken, written),
        **_of_evidence(result, spoken, written),
        **_of_year(result, spoken, written),
        "figures": pictures(result, spoken),
    }
    return _template().render(shown, sections=_sections(result))


def _frame(result: Result, spoken: Words, written: Numbers) -> dict[str, Any]:
    settings, hazards = result.scenario.settings, has_hazards(result.scenario)
    return {
        "lang": LANGUAGE_TAGS[spoken.language],
        "css": Markup(_css()),
        "w": spoken,
        "n": _Written(written),
        "title": settings.title,
        "year": str(settings.year),
        "notice": settings.notice or "",
        "meta": _meta(result, spoken, written),
        "head": lambda key: spoken(
            f"page.{key}" if f"page.{key}_calm" not in spoken or hazards else f"page.{key}_calm"
        ),
        "reading": ["one" if hazards else "one_calm", "two", "three", "four", "five"],
        "one": one(written),
        "assumptions": prose.assumptions(result, language=spoken.language),
        "glossary": prose.glossary(spoken.language),
        "version": _version(),
    }


def _meta(result: Result, spoken: Words, written: Numbers) -> str:
    """Return what the figures stand on: the scenario, the unit, the variant and every change from outside."""
    settings = result.scenario.settings
    seed, lines_ = str(settings.simulate.seed), len(result.scenario.projects)
    head = spoken.count("page.meta", lines_, title=settings.title, unit=written.table_unit, seed=seed)
    return " · ".join((head, *asked_for(result.scenario, spoken)))


def _of_plan(result: Result, spoken: Words, written: Numbers) -> dict[str, Any]:
    rows = lines(result, language=spoken.language)
    by_department = departments(rows)
    groups_of = [sums for sums, _ in by_department]
    return {
        "rows": rows,
        "cards": cards(result, language=spoken.language),
        "checks": checks(result, language=spoken.language),
        "by_department": by_department,
        "groups": groups_of,
        "whole": totals(spoken("page.total"), rows),
        "widest": max((sums.amount for sums in groups_of), default=0.0),
        "executed": executed_head(result.scenario, spoken),
        "rules": groups(result, language=spoken.language),
        "ease": ease,
        "within": lambda row: range_words(row, spoken, written),
        "at_choices": result.plan is not None and result.plan.at_choices,
        "softly": counts(result.scenario, spoken, written).softly(result.plan) if result.plan is not None else "",
        "certificate": prose.certificate(result, language=spoken.language),
    }


def _of_evidence(result: Result, spoken: Words, written: Numbers) -> dict[str, Any]:
    evidence, curves = result.evidence, result.curves
    names = line_names(result.scenario, spoken.language)
    return {
        "evidence": prose.evidence(result, language=spoken.language),
        "bias": evidence.bias if evidence is not None else (),
        "anchor": evidence.anchor if evidence is not None else "",
        "curves": [_curve(curves, p, names[p], spoken, written) for p in range(len(names))]
        if curves is not None
        else [],
    }


def _curve(curves: Curves, p: int, name: str, spoken: Words, written: Numbers) -> _CurveRow:
    def rate(value: float) -> str:
        return significant(value) if written.benefit_is_money else written.rate(value)

    return _CurveRow(
        name=name,
        records=int(curves.records[p]),
        own=float(curves.own_evidence[p]),
        elasticity=float(curves.elasticity_mean[p]),
        marginal=rate(float(curves.marginal[p])),
        low=rate(float(curves.marginal_low[p])),
        high=rate(float(curves.marginal_high[p])),
        flags=spoken.enumerate([spoken.known("flag", flag) for flag in curves.flags[p]]),
    )


def _of_year(result: Result, spoken: Words, written: Numbers) -> dict[str, Any]:
    compared = result.comparison
    if compared is None:
        return {"comparison": None}
    headline, because = recommendation(result, compared, language=spoken.language)
    baseline = next(policy for policy in compared.policies if policy.name == compared.baseline)
    return {
        "comparison": compared,
        "options": options(compared, spoken, written),
        "is_chinese": result.scenario.settings.currency in CHINESE_LAW,
        "headline": headline,
        "because": because,
        "baseline": policy_words(baseline, spoken),
    }


def _sections(result: Result) -> list[str]:
    """Return the sections that the page holds, in order."""
    found = ["departments", "lines", "rules"] if result.plan is not None else []
    found += ["evidence"] if result.curves is not None or result.evidence is not None else []
    found += ["policies"] if result.comparison is not None else []
    found += ["certificate"] if result.plan is not None else []
    return [*found, "assumptions", "reading", "glossary"]


def pictures(result: Result, spoken: Words) -> dict[str, _Picture]:
    """Return the figures that the result can draw, each with what it shows in words."""
    plan = result.plan
    drawn: list[tuple[str, Callable[..., Figure], dict[str, str]]] = []
    if plan is not None:
        drawn.append(("plan", plan_figures.plan, {"n": str(LARGEST)}))
    if result.curves is not None and len(curve_figures.movers(result)):
        drawn.append(("curves", curve_figures.curves, {"n": str(len(curve_figures.movers(result)))}))
    if plan is not None and result.curves is not None:
        drawn.append(("marginal", curve_figures.marginal, {"price": significant(plan.price)}))
    if result.comparison is not None:
        drawn.append(("differences", outcome_figures.differences, {}))
    if result.comparison is not None and result.outcomes is not None and plan is not None:
        drawn.append(("outcomes", outcome_figures.outcomes, {}))
    return {
        name: _Picture(
            source=_source(svg(draw(result, language=spoken.language))),
            text=spoken.entries[f"figure.alt_{name}"].format_map(blanks),
        )
        for name, draw, blanks in drawn
    }


def _source(picture: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode("utf-8")).decode("ascii")


@cache
def _template() -> Template:
    text = files("allocsim.report").joinpath("templates", "page.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        loader=DictLoader({"page.html": text}), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html")


@cache
def _css() -> str:
    return files("allocsim.report").joinpath("templates", "page.css").read_text(encoding="utf-8")


def _version() -> str:
    try:
        return version("allocsim")
    except PackageNotFoundError:
        return ""
