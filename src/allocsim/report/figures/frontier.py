"""The frontier: what the best plan brings at each value of a key, its slope, and where rules are in conflict."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allocsim.model.arrays import FloatArray
from allocsim.model.frontier import TOTAL, Frontier
from allocsim.model.scenario import Scenario
from allocsim.report.figures.style import FAINT, INK, LESS, MORE, PLAN, QUIET, THOUSANDS, canvas, drawn, rule_off, short
from allocsim.report.frontier import name_of, worst_share
from allocsim.report.numbers import Numbers, numbers, significant
from allocsim.report.words import Words, words

SLOPES = 5
"""Points at which the price is drawn as a slope."""
APART = 0.1
"""Share of an axis by which points are apart that both have their value written beside them."""


@drawn
def frontier(scenario: Scenario, found: Frontier, *, language: str | None = None) -> Figure:
    """Draw benefit over the values of the key, the price below it, and conflicts as crosses.

    Over the total the price is the slope of the frontier: at a few points it is drawn as a line that touches it. Keys
    that trade benefit for equity or against risk have that on the axis instead, and the values beside the points.
    """
    spoken = words(language or scenario.settings.language)
    written = numbers(scenario, language=spoken.language, benefit_is_money=found.benefit_is_money)
    if found.measured is not None and not np.isnan(found.measured).all():
        return _traded(found, found.measured, spoken=spoken, written=written)
    figure = canvas(8.0, 5.2)
    above = figure.add_axes((0.115, 0.40, 0.855, 0.52))
    below = figure.add_axes((0.115, 0.12, 0.855, 0.18), sharex=above)
    at, wide, unit = _places(found, written)
    _benefit(above, found, at, wide, spoken=spoken, written=written)
    _price(below, found, at, spoken=spoken)
    below.set_xlabel(f"{name_of(found, spoken)}{spoken('futures.in_unit', unit=unit) if unit else ''}")
    if found.numbers is None:
        below.set_xticks(at, [short(str(value)) for value in found.values])
    else:
        below.xaxis.set_major_formatter(THOUSANDS)
    above.tick_params(axis="x", labelbottom=False)
    return figure


def _traded(found: Frontier, measured: FloatArray, *, spoken: Words, written: Numbers) -> Figure:
    """Draw benefit over what it is traded for; better is up and to the right."""
    figure = canvas(8.0, 4.6)
    axes = figure.add_axes((0.115, 0.15, 0.855, 0.74))
    holds, measure = found.holds, found.measure or ""
    factor, unit = written.axis(float(np.nanmax(found.benefit))) if found.benefit_is_money else (1.0, "")
    across = {"worst_off": written.shown(1.0), "cvar": factor}.get(measure, 1.0)
    named = {"worst_off": written.table_unit, "cvar": unit}.get(measure, "")
    x, y = measured * across, found.benefit * factor
    axes.plot(x[holds], y[holds], color=MORE, linewidth=1.6, zorder=2)
    axes.scatter(x[holds], y[holds], s=18 if len(x) <= 30 else 8, color=PLAN, zorder=4, linewidths=0)
    _values_beside(axes, found, x, y)
    if measure == "gini":
        axes.invert_xaxis()
    else:
        axes.xaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.margins(x=0.08, y=0.12)
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    rule_off(axes, keep="bottom")
    within = spoken("futures.in_unit", unit=named) if named else ""
    share = worst_share(found, written)
    axes.set_xlabel(
        spoken(f"futures.trade_{measure}", by=spoken.known("column", found.equity_by), unit=within, share=share)
    )
    axes.set_title(f"{spoken('futures.benefit')}{spoken('futures.in_unit', unit=unit) if unit else ''}", pad=8)
    if not holds.all():
        said = spoken("futures.at_conflict", n=str(int((~holds).sum())))
        axes.annotate(said, (0.0, 0.02), xycoords="axes fraction", fontsize=8.5, color=LESS)
    return figure


def _values_beside(axes: Axes, found: Frontier, x: FloatArray, y: FloatArray) -> None:
    """Write the value of the key beside points that are far enough apart, the one at the end first."""
    told: list[int] = []
    wide, high = float(np.nanmax(x) - np.nanmin(x)) or 1.0, float(np.nanmax(y) - np.nanmin(y)) or 1.0
    for place in np.flatnonzero(found.holds).tolist()[::-1]:
        away = [max(abs(x[place] - x[other]) / wide, abs(y[place] - y[other]) / high) for other in told]
        if min(away, default=1.0) >= APART:
            told.append(place)
    for place in told:
        value = found.values[place]
        said = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else short(str(value))
        axes.annotate(said, (x[place], y[place]), xytext=(5, 5), textcoords="offset points", fontsize=8.5, color=QUIET)


def _places(found: Frontier, written: Numbers) -> tuple[FloatArray, float, str]:
    """Return where each value stands on the axis (n,), what one unit of money is there, and the axis's unit."""
    values = found.numbers
    if values is None:
        return np.arange(len(found.values), dtype=np.float64), 1.0, ""
    if found.key != TOTAL:
        return values, 1.0, ""
    factor, unit = written.axis(float(np.abs(values).max()))
    return values * factor, factor, unit


def _benefit(axes: Axes, found: Frontier, at: FloatArray, wide: float, *, spoken: Words, written: Numbers) -> None:
    holds = found.holds
    largest = float(np.nan_to_num(found.benefit).max(initial=0.0))
    factor, unit = written.axis(largest) if found.benefit_is_money else (1.0, "")
    high = found.benefit * factor
    if found.numbers is not None:
        axes.plot(at, high, color=MORE, linewidth=1.6, zorder=2)
    axes.scatter(at[holds], high[holds], s=18 if len(at) <= 30 else 8, color=PLAN, zorder=4, linewidths=0)
    floor = float(np.nanmin(high)) if holds.any() else 0.0
    ceiling = float(np.nanmax(high)) if holds.any() else 1.0
    room = 0.08 * ((ceiling - floor) or abs(ceiling) or 1.0)
    if found.key == TOTAL:
        for place in np.flatnonzero(holds)[:: max(1, int(holds.sum()) // SLOPES)].tolist():
            reach = 0.06 * float(np.ptp(at))
            rise = found.price[place] * factor / wide * reach
            ends = (high[place] - rise, high[place] + rise)
            axes.plot([at[place] - reach, at[place] + reach], ends, color=QUIET, linewidth=0.9, zorder=3)
    axes.scatter(at[~holds], np.full(int((~holds).sum()), floor - room), s=30, marker="x", color=LESS, zorder=4)
    if not holds.all():
        axes.annotate(
            spoken("futures.conflict"),
            (at[~holds].mean(), floor - room),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=LESS,
        )
    _mark_stated(axes, found, wide, spoken=spoken)
    axes.set_ylim(floor - 2 * room, ceiling + 2 * room)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    rule_off(axes, keep="bottom")
    said = spoken("futures.benefit")
    axes.set_title(f"{said}{spoken('futures.in_unit', unit=unit) if unit else ''}", pad=8)


def _mark_stated(axes: Axes, found: Frontier, wide: float, *, spoken: Words) -> None:
    """Mark the value of the scenario itself where it lies within those drawn."""
    values, stated = found.numbers, found.stated
    if values is None or isinstance(stated, bool) or not isinstance(stated, int | float):
        return
    if values.min() <= stated <= values.max():
        axes.axvline(stated * wide, color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            spoken("futures.stated"),
            (stated * wide, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, -2),
            textcoords="offset points",
            va="top",
            fontsize=8.5,
            color=QUIET,
        )


def _price(axes: Axes, found: Frontier, at: FloatArray, *, spoken: Words) -> None:
    """Draw the price at each value; it falls as the total rises."""
    holds = found.holds
    if found.numbers is not None:
        axes.plot(at, found.price, color=MORE, linewidth=1.2)
    axes.scatter(at[holds], found.price[holds], s=10, color=PLAN, linewidths=0, zorder=3)
    most = float(np.nan_to_num(found.price).max(initial=0.0)) or 1.0
    axes.set_ylim(-0.04 * most, 1.15 * most)
    axes.set_yticks([0.0, most], ["0", significant(most)])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    rule_off(axes, keep="bottom")
    axes.set_title(spoken("futures.price_title"), pad=6)
