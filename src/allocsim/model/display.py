"""How a result shows itself: looked up in a small table that report and files fill, so that nouns know no pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

SHOWN: dict[tuple[str, str], Callable[..., Any]] = {}
"""(way of showing, name of the noun) -> what shows it; the ways are ``frame``, ``html``, ``plot`` and ``save``."""
PICTURES = {
    "Evidence": "curves",
    "Curves": "curves",
    "Plan": "plan",
    "Outcomes": "outcomes",
    "Comparison": "differences",
}
"""Name of a noun -> the picture of a whole result in which it is drawn."""


class Shown:
    """What every result offers in a notebook: a table, a picture, a page and a file."""

    __slots__ = ()

    def to_frame(self) -> Any:
        """Return the result as a pandas DataFrame."""
        return self._look_up("frame")(self)

    def plot(self, **options: Any) -> Any:
        """Draw the result and return its matplotlib axes; stages are drawn in pictures of a whole result.

        Raises
        ------
        TypeError
            If this is one stage of a result; says which picture of the result shows it.
        """
        return self._look_up("plot")(self, **options)

    def save(self, path: str | Path) -> Path:
        """Write the result to ``path`` (.csv; a result also .html, .xlsx, .json, .svg, .png), whole."""
        saved: Path = self._look_up("save")(self, Path(path))
        return saved

    def _repr_html_(self) -> str:
        html: str = self._look_up("html")(self)
        return html

    def _look_up(self, way: str) -> Callable[..., Any]:
        try:
            return SHOWN[way, type(self).__name__]
        except KeyError:
            raise TypeError(_instead(type(self).__name__, way)) from None


def _instead(noun: str, way: str) -> str:
    """Return what to do where a noun does not show itself in some way."""
    if way == "plot" and noun in PICTURES:
        return (
            f"{noun} is drawn as part of a result: use result.plot(what={PICTURES[noun]!r}), result = al.run(scenario)"
        )
    return f"{noun} has no {way!r} of its own"
