"""The plan beside last year and the request: by department, and the largest moves."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allocsim.model.result import Result
from allocsim.report.figures.style import (
    INK,
    LESS,
    MORE,
    QUIET,
    THOUSANDS,
    canvas,
    drawn,
    rule_off,
    short,
    width,
)
from allocsim.report.lines import Line, Totals, departments, lines
from allocsim.report.numbers import Numbers, numbers_of, plain
from allocsim.report.words import Words, words

LARGEST = 14
NAMED = 26
"""Columns of a department's name beside its dots."""
MOST_GROUPS = 16
"""Departments drawn, largest first; the rest stand in the table."""


@drawn
def plan(result: Result, *, language: str | None = None) -> Figure:
    """Draw the plan against last year and request, by department and for the largest moves.

    Raises
    ------
    ValueError
        If the result holds no plan.
    """
    rows = lines(result, language=language)
    if not rows:
        raise ValueError("this result holds no plan")
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    groups = sorted((sums for sums, _ in departments(rows)), key=lambda sums: -sums.amount)[:MOST_GROUPS]
    moved = sorted((row for row in rows if row.change), key=lambda row: -abs(row.change))[:LARGEST]
    tall = max(len(groups), len(moved), 5)
    height = 0.30 * tall + 1.15
    figure = canvas(11.0, height)
    bottom, span = 0.55 / height, 1 - 1.0 / height
    part = max(len(groups), 2) / tall
    margin = max(0.115, 0.0065 * max(width(short(sums.name, NAMED)) for sums in groups))
    left = figure.add_axes((margin, bottom + span * (1 - part), 0.48 - margin, span * part))
    _by_department(left, groups, spoken=spoken, written=written)
    _largest(figure.add_axes((0.70, bottom, 0.25, span)), moved, spoken=spoken, written=written)
    return figure


def _by_department(axes: Axes, groups: list[Totals], *, spoken: Words, written: Numbers) -> None:
    """Draw last year as an open dot, the plan as a filled one, the request as a diamond."""
    known = [value for g in groups for value in (g.last, g.amount, g.requested) if math.isfinite(value)]
    factor, unit = written.axis(max(known, default=1.0))
    for place, sums in enumerate(groups):
        colour = MORE if sums.change >= 0 else LESS
        axes.plot([sums.last * factor, sums.amount * factor], [place, place], color=colour, linewidth=2.2, zorder=2)
        axes.scatter([sums.last * factor], [place], s=34, facecolor="white", edgecolor=QUIET, zorder=3)
        axes.scatter([sums.amount * factor], [place], s=38, color=colour, zorder=4, linewidths=0)
        if math.isfinite(sums.requested):
            axes.scatter(
                [sums.requested * factor], [place], s=22, marker="D", facecolor="white", edgecolor=QUIET, linewidth=0.8
            )
        text = written.percent(sums.change_share, signed=True)
        end = max(value for value in (sums.last, sums.amount, sums.requested) if math.isfinite(value)) * factor
        axes.annotate(
            text,
            (end, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=colour,
        )
    axes.set_yticks(range(len(groups)), [short(sums.name, NAMED) for sums in groups])
    axes.set_ylim(max(len(groups), 2) - 0.4, -0.7)
    axes.set_xlim(0, 1.18 * max(known, default=1.0) * factor)
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.xaxis.grid(True)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(axis="y", labelcolor=INK, pad=6)
    rule_off(axes)
    axes.set_title(spoken("figure.by_department", unit=unit), pad=8)


def _largest(axes: Axes, moved: list[Line], *, spoken: Words, written: Numbers) -> None:
    """Draw the largest moves as bars from zero, each with its amount."""
    widest = max((abs(row.change) for row in moved), default=1.0)
    for place, row in enumerate(moved):
        colour = MORE if row.change > 0 else LESS
        value = written.shown(row.change)
        axes.barh(place, value, height=0.56, color=colour, linewidth=0)
        axes.annotate(
            plain(value, written.decimals, signed=True),
            (value, place),
            xytext=(4 if value > 0 else -4, 0),
            textcoords="offset points",
            ha="left" if value > 0 else "right",
            va="center",
            fontsize=8.5,
            color=colour,
        )
    reach = written.shown(widest)
    least = min((row.change for row in moved), default=0.0)
    most = max((row.change for row in moved), default=0.0)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.set_xlim(written.shown(min(least, 0.0)) - 0.5 * reach, written.shown(max(most, 0.0)) + 0.5 * reach)
    axes.set_yticks(range(len(moved)), [short(row.name, 28) for row in moved])
    axes.set_ylim(max(len(moved), 5) - 0.4, -0.7)
    axes.set_xticks([])
    axes.tick_params(axis="y", labelcolor=INK, pad=6)
    rule_off(axes)
    axes.set_title(spoken("figure.largest", unit=written.table_unit), pad=8)
