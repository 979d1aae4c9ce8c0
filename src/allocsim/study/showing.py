"""What results offer in a notebook: report draws and tabulates them, files writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from allocsim.files.runs import write_file
from allocsim.model.display import SHOWN
from allocsim.report.display import packed, show

NOUNS = ("Evidence", "Curves", "Plan", "Outcomes", "Comparison", "Result")


def fill() -> None:
    """Let every noun show itself: as a data frame, as HTML, as a picture, as a file."""
    show()
    for name in NOUNS:
        SHOWN["save", name] = _save


def _save(noun: Any, path: Path) -> Path:
    """Write a noun to a file named by its suffix, whole or not at all."""
    return write_file(path, packed(noun, path.suffix))
