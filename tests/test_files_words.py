"""Chinese texts use full-width marks; code inside them stays as it is typed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

import allocsim

SRC = Path(allocsim.__file__).parent
TEXTS = [*(SRC / "files").glob("*.py"), *(SRC / "model").glob("*.py"), *(SRC / "policies").glob("*.py")]
NARROW = re.compile(r"[\u3400-\u9fff”][,:;?()]|[,:;?()][\u3400-\u9fff“]")


def _strings(tree: ast.Module) -> Iterator[str]:
    """Yield the strings of a module but its docstrings, f-strings with a brace pair for every value."""
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (pieces | alone):
            yield node.value


def narrow(texts: Iterator[str]) -> list[str]:
    """Return the texts with narrow marks beside Chinese; patterns that read what people write are no texts."""
    return [text for text in texts if NARROW.search(text) and not set("|\\") & set(text)]


@pytest.mark.parametrize("path", sorted(TEXTS), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_messages(path: Path) -> None:
    assert narrow(_strings(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_empty_scenario() -> None:
    text = resources.files("allocsim.files").joinpath("empty", "scenario.zh.toml").read_text(encoding="utf-8")
    assert narrow(iter(text.splitlines())) == []


def test_a_narrow_mark_is_found() -> None:
    assert narrow(_strings(ast.parse("'''文,档'''\nx = f'“{a}”:错'\ny = '如 {below = 0.5}，对'"))) == ["“{}”:错"]
