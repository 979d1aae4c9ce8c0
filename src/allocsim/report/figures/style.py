"""The look of every figure, and how it becomes SVG or PNG: the same bytes each time, Chinese in a browser's fonts."""

from __future__ import annotations

import glob
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from importlib.util import find_spec
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from allocsim.report.numbers import MINUS

INK, QUIET, FAINT, PAPER = "#1f2933", "#68727d", "#d9dee3", "#ffffff"
MORE, LESS, BAND, PLAN = "#1f6f9f", "#c2571a", "#9cc3dc", "#0b3c5d"
SERIES = ("#68727d", "#c2571a", "#1f6f9f", "#2f8f6f", "#8a5a9e", "#b08900")
"""Colours of policies in order, the first of the baseline: told apart by the colour-blind and in grey."""
SHADES = ("#d6e3ec", "#a9c9dd", "#6fa6c8", "#34789f", "#0b3c5d")
"""From no data of one's own to all of it."""
STACK = (
    "'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', "
    "'Noto Sans SC', 'WenQuanYi Micro Hei', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
)
"""Fonts that a browser may find: the text of an SVG stays text, so the reader's own Chinese font draws it."""
CJK = ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei")
LAYOUT = "DejaVu Sans"
"""The font that every matplotlib brings: SVG is laid out with it wherever it is drawn."""
STYLE: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": [LAYOUT],
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9.5,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.grid": False,
    "grid.color": "#e9edf0",
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "text.color": INK,
    "figure.facecolor": PAPER,
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "allocsim",
}
_FAMILY = re.compile(r"'DejaVu Sans', sans-serif")
Given = ParamSpec("Given")


def drawn(draw: Callable[Given, Figure]) -> Callable[Given, Figure]:
    """Let a function draw in the style of the house, whatever the settings around it."""

    @wraps(draw)
    def styled(*args: Given.args, **kwargs: Given.kwargs) -> Figure:
        with mpl.rc_context(), _quiet_about_glyphs():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return styled


def svg(figure: Figure) -> str:
    """Return a figure as SVG text: no date, fixed names, text as text in the reader's fonts."""
    packed = io.StringIO()
    with mpl.rc_context(STYLE), _quiet_about_glyphs():
        figure.savefig(packed, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _FAMILY.sub(STACK, packed.getvalue())


def png(figure: Figure, *, dpi: int = 150) -> bytes:
    """Return a figure as PNG, with a Chinese font of this machine where it has one."""
    packed = io.BytesIO()
    with mpl.rc_context(STYLE | {"font.sans-serif": [*installed_cjk(), LAYOUT]}), _quiet_about_glyphs():
        figure.savefig(packed, format="png", dpi=dpi, metadata={"Software": None})
    return packed.getvalue()


@cache
def installed_cjk() -> tuple[str, ...]:
    """Return the font of this machine that can draw Chinese, one at most; the extra ``cjk`` brings one."""
    for file in _shipped_fonts():
        font_manager.fontManager.addfont(file)
    known = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in CJK if name in known)[:1]


def _shipped_fonts() -> list[str]:
    """Return the font file of the optional package mplfonts, found without importing it."""
    package = find_spec("mplfonts")
    places = package.submodule_search_locations if package is not None else None
    return sorted(file for place in places or () for file in glob.glob(f"{place}/fonts/NotoSansCJKsc-Regular.otf"))


def in_own_font(figure: Figure) -> Figure:
    """Let the texts of a figure be drawn with a Chinese font of this machine, for notebooks; no-op without one."""
    for text in figure.findobj(Text):
        text.set_fontfamily([*installed_cjk(), LAYOUT])
    return figure


@contextmanager
def _quiet_about_glyphs() -> Iterator[None]:
    """Say nothing of glyphs that the layout font lacks: the reader's font has them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support")
        yield


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    return Figure(figsize=(width, height))


def rule_off(axes: Axes, *, keep: str = "") -> None:
    """Take away spines and tick marks but those of the sides named."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep.split())
    axes.tick_params(length=0)


def thousands(value: float, _: int = 0) -> str:
    """Return a tick as people write it: thousands separated, a true minus, no idle decimals."""
    text = f"{abs(value):,.2f}".rstrip("0").rstrip(".")
    return text if text in ("0", "") or value >= 0 else MINUS + text


THOUSANDS = FuncFormatter(thousands)


def shade(share: float) -> str:
    """Return the colour of a share of own evidence [share 0-1]."""
    return SHADES[min(len(SHADES) - 1, max(0, int(share * len(SHADES))))] if share == share else SHADES[0]


def short(name: str, wide: int = 18) -> str:
    """Return a name cut to a width in half-width columns, a Chinese sign counting two."""
    used = 0
    for place, sign in enumerate(name):
        used += width(sign)
        if used > wide and width(name) > wide:
            return name[:place].rstrip() + "…"
    return name


def width(text: str) -> int:
    """Return the columns that a text takes on a terminal or a page of fixed width."""
    return sum(2 if ord(sign) >= 0x1100 and sign not in "‘’“”…—−" else 1 for sign in text)
