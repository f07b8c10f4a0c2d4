"""The text of a file -> a document, or all that is wrong with it at once. Opens no file."""

from __future__ import annotations

from apiql.documents.fold import Finding, fold
from apiql.documents.modelled import MOST_PROBLEMS, modelled
from apiql.documents.problems import DefinitionProblem, Severity, in_order
from apiql.documents.shape import Shape
from apiql.frontends.definitions.document import Document, Origin
from apiql.frontends.definitions.kinds import MODELS, Kind
from apiql.json_nodes import Lines
from apiql.json_text import NoJson, read_json


def read_document(
    text: str, origin: Origin
) -> tuple[Document[Shape] | None, tuple[DefinitionProblem, ...]]:
    """The document, None where there is an error among the problems."""
    lines = Lines(text)
    try:
        written = read_json(text)
    except NoJson as broken:
        return None, (unreadable(origin, lines, broken),)
    findings: list[Finding] = []
    model = MODELS[origin.generation, origin.kind]
    root = fold(written, model, findings.append)
    made = modelled(root, model, is_secret=origin.kind is Kind.PRIVATE)
    if isinstance(made, list):
        return None, _problems(findings + made, origin, lines)
    problems = _problems(findings, origin, lines)
    if any(problem.severity is Severity.ERROR for problem in problems):
        return None, problems
    return Document(origin, made, root, text, lines), problems


def unreadable(origin: Origin, lines: Lines, broken: NoJson) -> DefinitionProblem:
    """The problem of a text that is no JSON."""
    return DefinitionProblem(
        origin.file,
        f"this is no JSON: {broken.wrong}",
        at=lines.location(broken.at),
        path=f"${broken.path}",
        expected=broken.expected,
        owner=origin.owner,
    )


def _problems(
    findings: list[Finding], origin: Origin, lines: Lines
) -> tuple[DefinitionProblem, ...]:
    """In the order of the file; errors first where there are too many to list."""
    findings.sort(key=lambda found: (found.severity is not Severity.ERROR, found.at))
    problems = [
        DefinitionProblem(
            origin.file, found.wrong, found.severity, lines.location(found.at), found.path,
            found.expected, found.nearest, origin.owner,
        )
        for found in findings[:MOST_PROBLEMS]
    ]  # fmt: skip
    if len(findings) > MOST_PROBLEMS:
        worst = findings[MOST_PROBLEMS].severity
        wrong = f"there is more wrong with this file than the {MOST_PROBLEMS} problems listed"
        problems.append(DefinitionProblem(origin.file, wrong, worst, owner=origin.owner))
    return in_order(problems)
