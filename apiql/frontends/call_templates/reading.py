"""The text of a file -> the templates in it, or all that is wrong with them at once.

A file holds one template, which has the file's name, or several by name. Opens no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from apiql.documents.fold import SCHEMA, Finding, fold
from apiql.documents.modelled import MOST_PROBLEMS, modelled
from apiql.documents.problems import Severity
from apiql.errors import Code, Problem
from apiql.frontends.call_templates.document import CallTemplate, Document
from apiql.frontends.call_templates.findings import problem_of
from apiql.frontends.call_templates.mending import mended
from apiql.json_nodes import Lines, Members, Node, plain, quoted, step
from apiql.json_text import NoJson, read_json

_NAME = re.compile(r"\w[\w-]{0,127}")
_NAMES = "letters, digits, _ and -, up to 128"
_MEMBERS = frozenset({"output", "resources"})
_FORM = '{"Output": {…}, "Resources": {…}}, or several of these by name'


@dataclass
class Loaded:
    """The templates of a text, and what is wrong or odd; `broken` are the names of those that
    cannot be used, `mended` what is left of them: to see what else is wrong.
    """

    documents: list[Document] = field(default_factory=list)
    mended: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def load(text: str, file: str, name: str) -> Loaded:
    """The templates in a text. Those of `shop/carts`, if it has several, are `shop/<name>`."""
    loaded, lines = Loaded(), Lines(text)
    try:
        root = read_json(text)
    except NoJson as broken:
        wrong = f"${broken.path}: this is no JSON: {broken.wrong}"
        at = (lines.location(broken.at),)
        loaded.problems.append(Problem(Code.SYNTAX, wrong, at, f"expected {broken.expected}"))
        loaded.broken.append(name)
        return loaded
    for id, path, node in _templates(root, name, loaded, lines):
        _read(Document(id, file, _NOTHING, node, path, text, lines), loaded)
    return loaded


_NOTHING = CallTemplate(output={})


def is_name(id: str) -> bool:
    """Whether a template can be called so."""
    return all(_NAME.fullmatch(part) for part in id.split("/"))


def _templates(root: Node, name: str, loaded: Loaded, lines: Lines) -> list[tuple[str, str, Node]]:
    """The name, the JSON path and the node of each."""
    if not isinstance(root.value, Members):
        wrong, at = "$: this is no template", (lines.location(root.start),)
        loaded.problems.append(Problem(Code.VALIDATION, wrong, at, f"expected {_FORM}"))
        loaded.broken.append(name)
        return []
    if not root.value or any(member.spelled.casefold() in _MEMBERS for member in root.value):
        return [(name, "$", root)]
    folder = name.rpartition("/")[0]
    found: dict[str, tuple[str, str, Node]] = {}
    for member in root.value:
        if member.spelled == SCHEMA:
            continue
        path, place = f"${step(member.spelled)}", (lines.location(member.start),)
        id = f"{folder}/{member.spelled}" if folder else member.spelled
        if not _NAME.fullmatch(member.spelled):
            wrong = f"{path}: {quoted(member.spelled)} is no name of a template"
            loaded.problems.append(Problem(Code.VALIDATION, wrong, place, f"expected {_NAMES}"))
        elif id in found:
            wrong = f"{path}: {quoted(member.spelled)} stands twice"
            hint = "take one of them out"
            loaded.problems.append(Problem(Code.DUPLICATE_NAME, wrong, place, hint))
        else:
            found[id] = id, path, member.node
    return list(found.values())


def _read(written: Document, loaded: Loaded) -> None:
    """Reads one template into what is loaded."""
    findings: list[Finding] = []
    root = fold(written.root, CallTemplate, findings.append, written.path)
    made = modelled(root, CallTemplate, written.path)
    if isinstance(made, list):
        findings += made
    findings.sort(key=lambda found: (found.severity is not Severity.ERROR, found.at))
    broken = isinstance(made, list)
    for found in findings[:MOST_PROBLEMS]:
        problem, breaks = problem_of(found, written.lines)
        (loaded.problems if breaks else loaded.warnings).append(problem)
        broken = broken or breaks
    model = mended(plain(root)) if isinstance(made, list) else made
    document = replace(written, model=model, root=root)
    if broken:
        loaded.broken.append(written.id)
    (loaded.mended if broken else loaded.documents).append(document)
