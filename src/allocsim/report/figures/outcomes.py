"""The simulated years: fans of spending, the spread of outcomes by policy, and paired differences."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allocsim.model.comparison import Comparison
from allocsim.model.result import Result
from allocsim.model.trajectory import Outcomes
from allocsim.report.figures.style import (
    FAINT,
    INK,
    QUIET,
    SERIES,
    THOUSANDS,
    canvas,
    drawn,
    rule_off,
    short,
)
from allocsim.report.numbers import Numbers, numbers_of, plain
from allocsim.report.opening import policy_words, recommended
from allocsim.report.options import better_words
from allocsim.report.words import Words, words

WORST = 0.1


@drawn
def outcomes(result: Result, *, language: str | None = None) -> Figure:
    """Draw the fan of spending by month, and how much of a calm year's benefit each policy attains.

    Raises
    ------
    ValueError
        If the result holds no simulation.
    """
    if result.outcomes is None or result.comparison is None or result.plan is None:
        raise ValueError("this result holds no simulation")
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    count = len(result.outcomes.policies)
    height = max(3.3, 0.52 * count + 1.4)
    figure = canvas(11.0, height)
    fan = figure.add_axes((0.055, 0.62 / height, 0.33, 1 - 1.15 / height))
    _fan(fan, result.outcomes, result.comparison, money=result.plan.total, spoken=spoken, written=written)
    spread = figure.add_axes((0.585, 0.62 / height, 0.385, 1 - 1.15 / height))
    _spread(spread, result.outcomes, result.comparison, spoken=spoken, written=written)
    return figure


def _fan(axes: Axes, lived: Outcomes, compared: Comparison, *, money: float, spoken: Words, written: Numbers) -> None:
    """Draw median and 90 % range of cumulative spending under the policy recommended, or the baseline."""
    shown = recommended(compared)
    place = lived.policies.index(shown.name)
    colour = colour_of(compared, shown.name)
    share = lived.spent[place] / max(money, 1e-300)
    months = np.arange(1, share.shape[1] + 1)
    for outer, alpha in (((0.05, 0.95), 0.22), ((0.25, 0.75), 0.35)):
        low, high = np.quantile(share, outer, axis=0)
        axes.fill_between(months, low, high, color=colour, alpha=alpha, linewidth=0)
    axes.plot(months, np.median(share, axis=0), color=colour, linewidth=1.8)
    axes.set_xlim(1, months[-1])
    axes.set_ylim(0, 1.02)
    axes.set_xticks([1, 3, 6, 9, 12])
    axes.set_yticks([0, 0.5, 1], [written.percent(v, digits=0) for v in (0, 0.5, 1)])
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    rule_off(axes, keep="bottom")
    axes.set_xlabel(f"{spoken('figure.months')} · {spoken('figure.spent')}", labelpad=4)
    axes.set_title(spoken("figure.spent_title", policy=short(policy_words(shown, spoken), 30)), pad=8)


def _spread(axes: Axes, lived: Outcomes, compared: Comparison, *, spoken: Words, written: Numbers) -> None:
    """Draw quantiles of benefit over the calm year's benefit in the same lane: weather alone, not the curves."""
    attained = np.divide(
        lived.benefit, lived.calm_benefit, out=np.ones_like(lived.benefit), where=lived.calm_benefit > 0
    )
    for place, policy in enumerate(compared.policies):
        shares = np.sort(attained[lived.policies.index(policy.name)])
        colour = colour_of(compared, policy.name)
        low, quarter, middle, upper, high = np.quantile(shares, [0.05, 0.25, 0.5, 0.75, 0.95])
        worst = shares[: max(1, int(WORST * len(shares)))].mean()
        axes.plot([low, high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot([quarter, upper], [place, place], color=colour, linewidth=8, solid_capstyle="butt")
        axes.scatter([middle], [place], s=30, color="white", edgecolor=colour, linewidth=1.4, zorder=4)
        axes.plot([worst, worst], [place - 0.26, place + 0.26], color=INK, linewidth=1.6)
    labels = [short(policy_words(policy, spoken), 30) for policy in compared.policies]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    left, right = axes.get_xlim()
    axes.set_xlim(left, right + 0.03 * (right - left))
    axes.xaxis.set_major_formatter(
        lambda v, _: written.percent(v, digits=0 if abs(100 * v - round(100 * v)) < 1e-6 else 1)
    )
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.grid(True)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", labelcolor=INK, pad=6)
    rule_off(axes)
    axes.set_xlabel(f"{spoken('figure.attained')}", labelpad=4)
    axes.set_title(spoken("figure.outcome_title"), pad=8)


@drawn
def differences(result: Result, *, language: str | None = None) -> Figure:
    """Draw the paired difference of every policy to the baseline, with its own and with simultaneous intervals.

    Raises
    ------
    ValueError
        If the result holds no comparison.
    """
    if result.comparison is None:
        raise ValueError("this result holds no comparison")
    compared = result.comparison
    spoken = words(language or result.scenario.settings.language)
    written = numbers_of(result, language=spoken.language)
    others = [policy for policy in compared.policies if policy.name != compared.baseline]
    ends = [abs(v) for policy in others for v in (policy.simultaneous.low, policy.simultaneous.high)]
    factor, unit = written.axis(max(ends, default=1.0)) if written.benefit_is_money else (1.0, "")
    height = 0.56 * max(len(others), 1) + 1.35
    figure = canvas(11.0, height)
    axes = figure.add_axes((0.20, 0.62 / height, 0.58, 1 - 1.15 / height))
    axes.axvline(0, color=QUIET, linewidth=1.0)
    for place, policy in enumerate(others):
        colour = colour_of(compared, policy.name)
        joint, alone = policy.simultaneous, policy.difference
        axes.plot([joint.low * factor, joint.high * factor], [place, place], color=colour, linewidth=1.4)
        axes.plot(
            [alone.low * factor, alone.high * factor], [place, place], color=colour, linewidth=6, solid_capstyle="butt"
        )
        axes.scatter([alone.mean * factor], [place], s=30, color="white", edgecolor=colour, linewidth=1.4, zorder=4)
        better = better_words(policy, spoken, written)
        mean = plain(alone.mean * factor, 2, signed=True) if unit else written.worth(alone.mean, signed=True)
        axes.text(
            1.03,
            place,
            f"{mean}   {better}",
            transform=axes.get_yaxis_transform(),
            fontsize=9,
            color=colour,
            va="center",
        )
    baseline = next(policy for policy in compared.policies if policy.name == compared.baseline)
    axes.set_yticks(range(len(others)), [short(policy_words(policy, spoken), 30) for policy in others])
    axes.set_ylim(max(len(others), 1) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.xaxis.grid(True)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", labelcolor=INK, pad=6)
    rule_off(axes)
    key = "figure.difference" if unit else "figure.difference_bare"
    title = spoken.entries[key].format_map({"baseline": policy_words(baseline, spoken), "unit": unit})
    axes.set_title(title, pad=8)
    _legend(figure, spoken)
    return figure


def _legend(figure: Figure, spoken: Words) -> None:
    """Say which interval is which, at the foot of the figure."""
    height = figure.get_figheight()
    axes = figure.add_axes((0.20, 0.04 / height, 0.58, 0.22 / height))
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1)
    axes.axis("off")
    for at, wide, key in ((0.0, 6.0, "single"), (34.0, 1.4, "joint")):
        axes.plot([at, at + 5], [0.5, 0.5], color=FAINT, linewidth=wide, solid_capstyle="butt")
        axes.text(at + 6.5, 0.5, spoken(f"figure.{key}"), fontsize=8.5, color=QUIET, va="center")


def colour_of(compared: Comparison, name: str) -> str:
    """Return the colour of a policy: the baseline is grey, the others keep theirs in every figure."""
    if name == compared.baseline:
        return SERIES[0]
    others = [policy.name for policy in compared.policies if policy.name != compared.baseline]
    return SERIES[1 + others.index(name) % (len(SERIES) - 1)]
