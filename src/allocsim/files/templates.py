"""New scenarios: a shipped one copied, or an empty one, each with a workbook to fill in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from allocsim.errors import Text, UsageError
from allocsim.files import schema
from allocsim.files.blank_book import BLANK, blank_book
from allocsim.files.merge import FILE, read_statement
from allocsim.files.runs import write_run
from allocsim.model.nearest import did_you_mean

EMPTY = "empty"
_SCHEMA = "scenario.schema.json"
_NAME = re.compile(r'[^\\/:*?"<>|\x00-\x1f.][^\\/:*?"<>|\x00-\x1f]*')


def new(name: str, template: str, folder: Path, *, language: str | None = None) -> Path:
    """Make a new scenario folder and return it; it is whole or absent.

    A workbook to fill in lies in it: that of an empty scenario bears the folder's name and is what the scenario reads;
    beside a copied scenario, which reads the tables it came with, it is :data:`allocsim.files.blank_book.BLANK`, and
    its first sheet says what to write for it to be read.

    Parameters
    ----------
    name
        Name of the new folder.
    template
        Name of a shipped scenario, or ``"empty"``.
    folder
        Where the new folder goes.
    language
        ``"zh"`` or ``"en"`` for the workbook and, in an empty scenario, for the file; None = the template's own.

    Raises
    ------
    UsageError
        If the name is no folder name, the folder holds something already, or there is no such template.
    """
    if not _NAME.fullmatch(name) or name != name.strip():
        raise UsageError(
            Text(
                f"'{name}' is no name for a folder: no / \\ : and no dot in front",
                f"“{name}”不能作文件夹名：不能含 / \\ :，不能以点开头",
            )
        )
    if template not in templates():
        hint = did_you_mean(template, templates())
        said = hint or Text("", "")
        raise UsageError(
            Text(f"there is no template '{template}'; {said.en}", f"没有名为“{template}”的模板；{said.zh}")
        )
    files = _empty(name, language or "zh") if template == EMPTY else _copied(template)
    spoken = language or ("en" if 'language = "en"' in str(files[FILE]) else "zh")
    read = template == EMPTY
    files = {**files, f"{name}.xlsx" if read else BLANK: blank_book(spoken, read=read), _SCHEMA: schema.text()}
    return write_run(folder / name, folder, name, files)


def templates() -> tuple[str, ...]:
    """Return the names of the templates: the shipped scenarios, then ``"empty"``."""
    shipped = sorted(entry.name for entry in _shipped().iterdir() if entry.joinpath(FILE).is_file())
    return (*shipped, EMPTY)


def _shipped() -> Traversable:
    """Return the folder of shipped scenarios: inside the package as installed, else beside ``src``."""
    inside = resources.files("allocsim").joinpath("scenarios")
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "scenarios"


def _copied(template: str) -> dict[str, bytes | str]:
    """Return the files of a shipped scenario that make it up: its statement, the tables it names, its README."""
    source = _shipped().joinpath(template)
    with resources.as_file(source) as folder:
        statement = read_statement(folder / FILE)
        text = (folder / FILE).read_text(encoding="utf-8")
        names = ["README.md", *_tables(statement.raw.get("tables", {}))]
        files: dict[str, bytes | str] = {
            each: (folder / each).read_bytes() for each in names if (folder / each).is_file()
        }
    return {FILE: re.sub(r"\A#:schema .*", f"#:schema ./{_SCHEMA}", text), **files}


def _tables(named: Mapping[str, object]) -> list[str]:
    files = [entry.get("file") if isinstance(entry, Mapping) else entry for entry in named.values()]
    return [file for file in files if isinstance(file, str)]


def _empty(name: str, language: str) -> dict[str, bytes | str]:
    blank = resources.files("allocsim.files").joinpath("empty", f"scenario.{language}.toml").read_text(encoding="utf-8")
    quoted = json.dumps(f"{name}.xlsx", ensure_ascii=False)
    title = json.dumps(name, ensure_ascii=False)
    return {FILE: blank.format(title=title, book=f"{name}.xlsx", book_quoted=quoted)}
