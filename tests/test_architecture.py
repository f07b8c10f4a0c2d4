"""The rules of the code that a machine can check: layers, sizes, names, what is never written."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "apiql").rglob("*.py"))
NAMES = [str(file.relative_to(ROOT)) for file in FILES]

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager"}
EDGES = 3
"""Files that may catch everything: the edge of the server, the edge of the command line, and that
to the code of plug-ins.
"""

every_file = pytest.mark.parametrize("file", FILES, ids=NAMES)


@functools.cache
def tree_of(file: Path) -> ast.Module:
    """Parsed once for all rules."""
    return ast.parse(file.read_text(encoding="utf-8"))


def test_every_import_keeps_to_the_layers() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@every_file
def test_a_file_is_short(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 300


@every_file
def test_a_file_begins_by_saying_what_it_holds(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert ast.get_docstring(tree_of(file))


@every_file
def test_a_file_is_named_after_a_thing(file: Path) -> None:
    assert not FORBIDDEN_NAMES & set(file.stem.split("_"))
    assert not FORBIDDEN_NAMES & set(file.parent.name.split("_"))


@every_file
def test_functions_fit_on_a_screen(file: Path) -> None:
    long = [f"{name}: {size} lines" for name, size in _functions(file) if size > 25]
    assert not long


def _functions(file: Path) -> Iterator[tuple[str, int]]:
    """Each function's name and lines: from `def` to its end, without its docstring."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = ast.get_docstring(node) is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if told else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring


def test_only_the_outermost_edges_catch_everything() -> None:
    catching = {name for name, file in zip(NAMES, FILES, strict=True) if _catches_everything(file)}
    assert len(catching) <= EDGES, sorted(catching)
    assert {name.split("/")[1].removesuffix(".py") for name in catching} <= {
        "server", "cli", "plug_in_edge",
    }  # fmt: skip


def _catches_everything(file: Path) -> bool:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None or _named(node.type) & {"Exception", "BaseException"}:
                return True
    return False


def _named(caught: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(caught) if isinstance(node, ast.Name)}


@every_file
def test_nothing_is_left_for_later(file: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", file.read_text(encoding="utf-8"))


def test_pydantic_comes_only_with_what_reads_documents() -> None:
    code = "import sys, apiql.ir, apiql.errors; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
