"""What the records say and what was made of it: curves with their evidence, and marginal benefits at the plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.curve import Curves
from allocsim.model.evidence import Evidence
from allocsim.model.made import value
from allocsim.model.plan import Plan
from allocsim.model.result import Result
from allocsim.report.figures.style import (
    BAND,
    FAINT,
    INK,
    LESS,
    MORE,
    PLAN,
    QUIET,
    SHADES,
    THOUSANDS,
    canvas,
    drawn,
    rule_off,
    shade,
    short,
)
from allocsim.report.names import in_language, line_names
from allocsim.report.numbers import Numbers, numbers_of, significant
from allocsim.report.words import Words, words

SHOWN = 8
POINTS = 60
"""Places along the axis at which a curve is drawn."""
NAMED = 3
APART = 1.25
"""Least ratio of two marginal benefits whose names do not run into each other."""
STANDING_OUT = 1.6
"""Lines whose marginal benefit is this many times the price are named, the first three at most."""
FAR = 8.0
"""Marginal benefits below the price by more than this factor are drawn at the edge."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Panel:
    """What one small multiple needs."""

    evidence: Evidence | None
    curves: Curves
    plan: Plan | None
    worth: FloatArray
    spoken: Words
    written: Numbers


@drawn
def curves(result: Result, *, chosen: IntArray | None = None, language: str | None = None) -> Figure:
    """Draw small multiples of curves with records, band of draws and plan.

    Parameters
    ----------
    result
        With curves; records and plan are drawn where they are there.
    chosen
        Indices of the lines to draw; by default those that move most.
    language
        ``"zh"`` or ``"en"``; by default the scenario's.

    Raises
    ------
    ValueError
        If the result holds no curves.
    """
    if result.curves is None:
        raise ValueError("this result holds no curves")
    spoken = words(language or result.scenario.settings.language)
    panel = _Panel(
        evidence=result.evidence,
        curves=result.curves,
        plan=result.plan,
        worth=value(result.scenario),
        spoken=spoken,
        written=numbers_of(result, language=spoken.language),
    )
    lines = movers(result) if chosen is None else chosen
    across = 4 if len(lines) > 4 else max(1, len(lines))
    down = max(1, -(-len(lines) // across))
    figure = canvas(11.0, 2.65 * down + 0.35)
    names = line_names(result.scenario, spoken.language)
    for place, p in enumerate(lines.tolist()):
        left, top = 0.045 + (place % across) * 0.96 / across, place // across
        height = 2.65 * down + 0.35
        axes = figure.add_axes((left, 1 - (2.65 * top + 2.25) / height, 0.96 / across - 0.045, 1.6 / height))
        _curve(axes, panel, p, name=names[p], is_first=place == 0)
    return figure


def movers(result: Result, count: int = SHOWN) -> IntArray:
    """Return the lines that move most and had a last budget; without a plan, those with most evidence of their own."""
    if result.curves is None:
        return np.zeros(0, dtype=np.int64)
    weight = np.where(result.curves.records > 0, result.curves.own_evidence, -1.0)
    if result.plan is not None:
        weight = np.where(result.plan.last > 0, np.abs(result.plan.amount - result.plan.last), -1.0)
    order = np.argsort(-weight, kind="stable")
    return np.asarray(order[weight[order] >= 0][:count], dtype=np.int64)


def _curve(axes: Axes, panel: _Panel, p: int, *, name: str, is_first: bool) -> None:
    """Draw one line's curve: spending across, result in points of its target up."""
    spent, points, excused = _records(panel, p)
    plan = panel.plan
    marks = [float(plan.amount[p]), float(plan.last[p])] if plan is not None else []
    reach = 1.15 * float(np.nanmax([*spent, *marks, panel.curves.reference[p], 1e-9]))
    factor, unit = panel.written.axis(reach)
    x = np.linspace(0.0, reach, POINTS)
    expected, low, high = _result(panel, p, x)
    axes.fill_between(x * factor, low, high, color=BAND, alpha=0.45, linewidth=0)
    axes.plot(x * factor, expected, color=MORE, linewidth=1.8)
    axes.scatter(spent[~excused] * factor, points[~excused], s=18, color=INK, zorder=4, linewidths=0)
    axes.scatter(spent[excused] * factor, points[excused], s=18, facecolor="white", edgecolor=QUIET, zorder=4)
    top = max(105.0, float(np.nanmax([*points, expected[-1]])) * 1.06)
    if plan is not None:
        axes.plot([marks[0] * factor] * 2, [0, top], color=LESS, linewidth=1.6, zorder=3)
        axes.plot([marks[1] * factor] * 2, [0, top], color=QUIET, linewidth=1.0, linestyle=(0, (3, 3)), zorder=2)
    axes.set_xlim(0, reach * factor)
    axes.set_ylim(0, top)
    rule_off(axes, keep="bottom left")
    axes.set_yticks([0, 50, 100])
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.set_xlabel(panel.spoken("figure.spending", unit=unit), labelpad=2)
    axes.set_title(short(name, 26), pad=17)
    own = panel.written.percent(float(panel.curves.own_evidence[p]), digits=0)
    flags = [panel.spoken.known("flag", flag) for flag in panel.curves.flags[p]]
    said = panel.spoken.join([panel.spoken("figure.own", share=own), *flags])
    axes.text(0, 1.035, short(said, 40), transform=axes.transAxes, fontsize=8.5, color=QUIET)
    if is_first:
        axes.set_ylabel(panel.spoken("figure.points"), labelpad=2)
        if plan is not None:
            _label_marks(axes, panel.spoken, marks[0] * factor, marks[1] * factor, reach * factor)


def _label_marks(axes: Axes, spoken: Words, planned: float, last: float, reach: float) -> None:
    """Name the two upright lines of the first panel, each on the side that has room."""
    room = 0.22 * reach
    for at, other, key, colour in ((planned, last, "plan", LESS), (last, planned, "last", QUIET)):
        if at == at:
            goes_left = at > room and (at < other or at > reach - room)
            side = "right" if goes_left else "left"
            axes.text(at, 5, f" {spoken(f'figure.{key}')} ", fontsize=8.5, color=colour, ha=side, va="bottom")


def _records(panel: _Panel, p: int) -> tuple[FloatArray, FloatArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return spending, points and excuse of each scored year; spending looks back by the lag of the fit.

    Points are read as a result against the reference target: a score against a target that grows with the money is
    multiplied by (spending / reference) to the power of the target's elasticity.
    """
    evidence, curves = panel.evidence, panel.curves
    if evidence is None:
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.bool_)
    known = {
        (int(q), int(year)): float(spent)
        for q, year, spent in zip(evidence.history_project, evidence.history_year, evidence.history_spent, strict=True)
        if q == p
    }
    rows = np.flatnonzero(evidence.project == p)
    spent = np.array([known.get((p, int(evidence.year[o]) - curves.lag), np.nan) for o in rows])
    points = evidence.score[rows] * (spent / curves.reference[p]) ** curves.target_elasticity
    seen = np.isfinite(spent) & np.isfinite(points)
    return spent[seen], points[seen], evidence.excused[rows][seen]


def _result(panel: _Panel, p: int, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the expected result and its 5 % and 95 % points over draws at each spending, in points."""
    curves = panel.curves
    scale = 100.0 / panel.worth[p] if panel.worth[p] > 0 and not curves.given[p] else 100.0 / _top(curves, p, x)
    family, none = (curves.expected.family[p],), (curves.expected.points[p],)
    kind = type(curves.expected)
    at = x[:, None]
    one = kind(
        family=family,
        value=curves.expected.value[[p]],
        scale=curves.expected.scale[[p]],
        shape=curves.expected.shape[[p]],
        points=none,
    )
    drawn_ones = kind(
        family=family,
        value=curves.draws.value[:, None, [p]],
        scale=curves.draws.scale[:, None, [p]],
        shape=curves.draws.shape[:, None, [p]],
        points=none,
    )
    spread = drawn_ones.benefit(at)[..., 0] * scale
    low, high = np.quantile(spread, [0.05, 0.95], axis=0)
    return one.benefit(at)[:, 0] * scale, low, high


def _top(curves: Curves, p: int, x: FloatArray) -> float:
    """Return the benefit of a given curve at the end of the axis, which is drawn as 100."""
    far = np.full(len(curves.id), x[-1])
    return max(float(curves.expected.benefit(far)[p]), 1e-300)


@drawn
def marginal(result: Result, *, language: str | None = None) -> Figure:
    """Draw the marginal benefit of every line at the plan against the city's price, shaded by own evidence.

    Raises
    ------
    ValueError
        If the result holds no plan or no curves.
    """
    plan, made = result.plan, result.curves
    if plan is None or made is None:
        raise ValueError("this result holds no plan")
    spoken = words(language or result.scenario.settings.language)
    price = max(plan.price, 1e-300)
    shown = np.maximum(plan.marginal, price / FAR)
    order = np.argsort(-plan.marginal, kind="stable")
    figure = canvas(11.0, 3.9)
    axes = figure.add_axes((0.065, 0.15, 0.91, 0.72))
    axes.set_yscale("log")
    axes.plot([-1, len(order)], [price, price], color=LESS, linewidth=1.4, zorder=1)
    label = spoken("figure.price", price=significant(plan.price))
    axes.text(len(order) - 0.4, price * 1.04, label, color=LESS, fontsize=9.5, ha="right", va="bottom")
    places = np.arange(len(order))
    axes.vlines(places, price, shown[order], color=FAINT, linewidth=1.0, zorder=1)
    looks = [(_marker(plan, p), shade(float(made.own_evidence[p]))) for p in order.tolist()]
    for marker, colour in sorted(set(looks)):
        alike = np.array([look == (marker, colour) for look in looks])
        axes.scatter(
            places[alike],
            shown[order][alike],
            s=44 if len(order) < 60 else 26,
            marker=marker,
            color=colour,
            edgecolor=PLAN,
            linewidth=0.5,
            zorder=3,
        )
    _name_extremes(axes, in_language(plan, result.scenario, spoken.language), order)
    axes.set_xlim(-1, len(order))
    axes.set_ylim(0.85 * float(min(shown.min(), price)), 1.25 * float(max(shown.max(), 1.2 * price)))
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks([])
    axes.yaxis.set_major_formatter(lambda value, _: significant(value).rstrip("0").rstrip("."))
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    rule_off(axes)
    axes.set_xlabel(spoken("figure.sorted"), labelpad=6)
    axes.set_title(spoken("figure.marginal"), pad=14)
    _key(figure, spoken)
    return figure


def _marker(plan: Plan, p: int) -> str:
    """Return the mark of a line: a triangle towards the limit that holds it, a dot where it is free."""
    if not plan.held_by[p]:
        return "o"
    return "^" if plan.marginal[p] >= plan.price else "v"


def _name_extremes(axes: Axes, plan: Plan, order: IntArray) -> None:
    """Name the lines that stand out most, each beside its mark."""
    above = np.inf
    for place, p in enumerate(order.tolist()[:NAMED]):
        if plan.marginal[p] < STANDING_OUT * plan.price or plan.marginal[p] * APART > above:
            break
        above = float(plan.marginal[p])
        axes.annotate(
            short(plan.name[p], 30),
            (place, float(plan.marginal[p])),
            xytext=(7, -3),
            textcoords="offset points",
            fontsize=8.5,
            color=QUIET,
        )


def _key(figure: Figure, spoken: Words) -> None:
    """Explain marks and shades in the upper right corner, quietly."""
    axes = figure.add_axes((0.44, 0.88, 0.54, 0.09))
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1)
    axes.axis("off")
    for at, mark, key in ((1, "^", "at_ceiling"), (20, "o", "free"), (33, "v", "at_floor")):
        axes.scatter([at], [0.5], marker=mark, s=30, color=SHADES[2], edgecolor=PLAN, linewidth=0.5)
        axes.text(at + 2, 0.5, spoken(f"figure.{key}"), fontsize=8.5, color=QUIET, va="center")
    for step, colour in enumerate(SHADES):
        axes.scatter([54 + 2.6 * step], [0.5], marker="s", s=40, color=colour, linewidths=0)
    axes.text(68, 0.5, spoken("figure.shade"), fontsize=8.5, color=QUIET, va="center")
