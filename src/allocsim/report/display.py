"""What each noun shows of itself: as a data frame, as HTML for a notebook, and as a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allocsim.model.comparison import Comparison
from allocsim.model.curve import Curves
from allocsim.model.display import SHOWN
from allocsim.model.evidence import Evidence
from allocsim.model.plan import Plan
from allocsim.model.result import Result
from allocsim.model.trajectory import Outcomes
from allocsim.report.documents import dumps, run
from allocsim.report.figures import curves as curve_figures
from allocsim.report.figures import outcomes as outcome_figures
from allocsim.report.figures import plan as plan_figures
from allocsim.report.figures.style import in_own_font, png, svg
from allocsim.report.page import page
from allocsim.report.tables import comparison_frame, curves_frame, evidence_frame, outcomes_frame, plan_frame
from allocsim.report.workbook import workbook

SHOWN_ROWS = 20
FRAMES: dict[type, Callable[[Any], pd.DataFrame]] = {
    Evidence: evidence_frame,
    Curves: curves_frame,
    Plan: plan_frame,
    Outcomes: outcomes_frame,
    Comparison: comparison_frame,
}
"""Noun -> its table; a result shows its plan's."""
FIGURES: dict[str, Callable[[Result], Figure]] = {
    "curves": curve_figures.curves,
    "marginal": curve_figures.marginal,
    "plan": plan_figures.plan,
    "outcomes": outcome_figures.outcomes,
    "differences": outcome_figures.differences,
}
"""Name of a picture -> what draws it from a result."""


def show() -> None:
    """Let every noun show itself: as a data frame, as HTML, and a result as a picture."""
    for noun in (*FRAMES, Result):
        SHOWN["frame", noun.__name__] = frame
        SHOWN["html", noun.__name__] = html
    SHOWN["plot", Result.__name__] = plot


def frame(noun: object) -> pd.DataFrame:
    """Return a noun as a data frame; a result as that of the last stage that has one row a line.

    Raises
    ------
    TypeError
        If the noun has no table.
    """
    if isinstance(noun, Result):
        return frame(next((part for part in (noun.plan, noun.curves, noun.evidence) if part is not None), None))
    try:
        return FRAMES[type(noun)](noun)
    except KeyError:
        raise TypeError(f"{type(noun).__name__} has no table") from None


def html(noun: object) -> str:
    """Return a noun as HTML for a notebook: a result as its page in a frame, any other as the head of its table."""
    if isinstance(noun, Result):
        return f'<iframe srcdoc="{escape(page(noun))}" sandbox style="width:100%;height:80vh;border:0"></iframe>'
    table = frame(noun)
    shown: str = table.head(SHOWN_ROWS).to_html(index=False, escape=True, na_rep="", float_format="{:,.6g}".format)
    more = len(table) - SHOWN_ROWS
    return shown + (f"<p>… +{more}</p>" if more > 0 else "")


def plot(result: Result, *, what: str = "plan") -> list[Axes]:
    """Draw a picture of a result and return its axes; ``axes[0].figure`` is the picture.

    ``what`` is one of ``curves``, ``marginal``, ``plan``, ``outcomes``, ``differences``. Chinese is drawn with a font
    of this machine; where there is none, ``pip install 'allocsim[cjk]'`` brings one.
    """
    return list(in_own_font(figure(result, what)).axes)


def figure(result: Result, name: str = "plan") -> Figure:
    """Return a picture of a result.

    Raises
    ------
    ValueError
        If there is no picture of that name, or the result does not hold what it shows.
    """
    if name not in FIGURES:
        raise ValueError(f"there is no picture {name!r}: known are {', '.join(FIGURES)}")
    return FIGURES[name](result)


def packed(noun: object, suffix: str) -> bytes:
    """Return a noun as the bytes of a file: ``.csv`` for all; for a result also the keys of :data:`FILES`.

    Raises
    ------
    ValueError
        If the noun has no such file.
    """
    if suffix == ".csv":
        text: str = frame(noun).to_csv(index=False, lineterminator="\n")
        return text.encode("utf-8")
    if isinstance(noun, Result) and suffix in FILES:
        return FILES[suffix](noun)
    raise ValueError(f"{type(noun).__name__} has no {suffix or 'nameless'} file")


FILES: dict[str, Callable[[Result], bytes]] = {
    ".html": lambda result: page(result).encode("utf-8"),
    ".xlsx": workbook,
    ".svg": lambda result: svg(figure(result)).encode("utf-8"),
    ".png": lambda result: png(figure(result)),
    ".json": lambda result: dumps(run(result)).encode("utf-8"),
}
"""Suffix -> what makes the file of a result."""
