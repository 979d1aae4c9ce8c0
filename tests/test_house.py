"""The house keeps its shape: which room may import which, which room may touch what, and how long things may grow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src" / "allocsim"
FILES = sorted(SRC.rglob("*.py"))
VERBS = {"files", "evaluate", "curves", "optimise", "shocks", "simulate", "policies", "compare", "report"}
GROUND = {"errors", "model"}
MAY_IMPORT = {room: GROUND | {room} for room in VERBS} | {
    "model": GROUND,
    "errors": set(),
    "rulebooks": GROUND | {"rulebooks"},
    "synthetic": GROUND | {"synthetic"},
    "study": GROUND | VERBS | {"study", "synthetic", "allocsim"},
    "cli": {"errors", "allocsim"},
    "__main__": {"cli"},
    "__init__": set(),
}
MAY_IMPORT["policies"] |= {"optimise"}
MAY_IMPORT["evaluate"] |= {"rulebooks"}
MAY_IMPORT["files"] |= {"allocsim"}  # the version number, for the manifest
ONLY_IN = {
    "pulp": {"optimise"},
    "highspy": {"optimise"},
    "simpy": {"simulate"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "python_calamine": {"files"},
    "click": {"cli"},
}
DISK = {"open", "write_text", "write_bytes", "read_text", "read_bytes", "mkdir", "unlink", "rename", "rmtree"}
MAY_TOUCH_DISK = {"files", "synthetic", "rulebooks", "report"}  # the last two read data shipped inside the package
FORBIDDEN_WORDS = ("Manager", "Helper", "Handler", "Utils", "Common")


def room(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return parts[0]


def imports(tree: ast.AST) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            found.append((node.module or "", node.lineno))
    return found


def target(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] != "allocsim":
        return None
    return parts[1] if len(parts) > 1 else "allocsim"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_module_keeps_the_house(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    here = room(path)
    faults = []
    for module, line in imports(tree):
        there = target(module)
        if there is not None and there not in MAY_IMPORT[here]:
            faults.append(f"{line}: {here} imports {module}")
        top = module.split(".")[0]
        if top in ONLY_IN and here not in ONLY_IN[top]:
            faults.append(f"{line}: only {ONLY_IN[top]} may know {top}")
    faults += _faces(tree)
    faults += _misplaced_imports(tree)
    if here not in MAY_TOUCH_DISK:
        faults += _disk_calls(tree)
    faults += _shape(path, tree)
    assert not faults, "\n".join(faults)


def _faces(tree: ast.Module) -> list[str]:
    """``from allocsim.room import name`` is for modules of the room, never for what its face might hold."""
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (SRC.parent / (node.module or "").replace(".", "/")).is_dir():
            folder = SRC.parent / (node.module or "").replace(".", "/")
            for alias in node.names:
                if alias.name != "__version__" and not any(
                    (folder / f"{alias.name}{end}").exists() for end in ("", ".py")
                ):
                    faults.append(f"{node.lineno}: {alias.name} comes from the face {node.module}")
    return faults


def _misplaced_imports(tree: ast.Module) -> list[str]:
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    faults.append(f"{inner.lineno}: import inside a function")
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            faults.append(f"{node.lineno}: import under TYPE_CHECKING")
    return faults


def _disk_calls(tree: ast.Module) -> list[str]:
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in DISK:
                faults.append(f"{node.lineno}: {name}() touches the disk outside files")
    return faults


def _shape(path: Path, tree: ast.Module) -> list[str]:
    faults = []
    if not ast.get_docstring(tree):
        faults.append("1: no purpose line")
    lines = path.read_text(encoding="utf-8").count("\n")
    if lines > 400:
        faults.append(f"{lines} lines in one file")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 80:
            faults.append(f"{node.lineno}: {node.name} is longer than 80 lines")
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and any(
            w in node.name or w.lower() == node.name for w in FORBIDDEN_WORDS
        ):
            faults.append(f"{node.lineno}: {node.name}: say what it is")
    return faults


def test_no_circles() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        name = ".".join(path.relative_to(SRC.parent).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        graph[name] = {module for module, _ in imports(tree) if module.startswith("allocsim.")}

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(graph.get(start, ()))
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo += graph.get(module, ())
        return seen

    assert [name for name in graph if name in reached(name)] == []


def test_the_face_is_small_and_real() -> None:
    import allocsim

    assert len(allocsim.__all__) <= 30
    for name in allocsim.__all__:
        assert getattr(allocsim, name) is not None
    assert set(allocsim.__all__) <= set(dir(allocsim))
