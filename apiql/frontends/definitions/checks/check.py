"""Definitions -> all that is wrong with them together, in the order of the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TypeAlias

from apiql.documents.modelled import MOST_PROBLEMS
from apiql.documents.problems import DefinitionProblem, Severity, in_order
from apiql.documents.shape import Shape
from apiql.errors import Problem
from apiql.frontends.definitions.checks.endless import endless
from apiql.frontends.definitions.checks.extent import too_large
from apiql.frontends.definitions.checks.pages import go_templates
from apiql.frontends.definitions.checks.uses import (
    Calls,
    FunctionCall,
    JsonTemplate,
    Loop,
    PathText,
    PrivateValue,
    Remark,
    TemplateFile,
    TemplateText,
    Use,
)
from apiql.frontends.definitions.checks.uses_v1 import uses_v1
from apiql.frontends.definitions.checks.uses_v2 import uses_v2
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import FUNCTIONS, Generation, Kind, word
from apiql.frontends.definitions.private import Private
from apiql.frontends.definitions.v2.right import Right
from apiql.ir.works import MOST_ROUNDS
from apiql.json_nodes import Keys, meant, quoted

CheckTemplate: TypeAlias = Callable[[str, frozenset[str]], Problem | None]
"""The problem of a template's text that may call these functions beside those of the language, with
the line and the column in that text.
"""


def _no_problem(_text: str, _functions: frozenset[str]) -> Problem | None:
    return None


@dataclass(frozen=True, slots=True)
class Known:
    """What the checks go by: the functions of each generation, what tells whether a template
    parses, and how often and how deep loops may run.
    """

    functions: Mapping[Generation, frozenset[str]]
    check_template: CheckTemplate = _no_problem
    rounds: int = MOST_ROUNDS
    loops: int = 8


USUAL = Known(FUNCTIONS)

_Found: TypeAlias = Iterator[DefinitionProblem]
_FOLDERS = {Kind.PRIVATE: "privates", Kind.FLOW: "flows", Kind.SCHEDULE: "schedules"}


def check(definitions: Definitions, known: Known = USUAL) -> tuple[DefinitionProblem, ...]:
    """The problems of the files, and those between them."""
    problems = list(definitions.problems)
    calls: dict[Document[Shape], list[Calls]] = {}
    for documents in definitions.documents.values():
        for document in documents.values():
            uses = tuple(_uses(document))
            calls[document] = [use for use in uses if isinstance(use, Calls)]
            found = chain.from_iterable(_wrong(u, document, definitions, known) for u in uses)
            problems += islice(found, MOST_PROBLEMS)
    problems += endless(calls)
    problems += too_large(calls)
    for template in go_templates(definitions):
        problem = known.check_template(template.text, frozenset())
        if problem is not None:
            at = problem.locations[0] if problem.locations else None
            wrong = f"the template does not parse: {problem.message}"
            expected = _wanted(problem)
            problems.append(DefinitionProblem(template.file, wrong, at=at, expected=expected))
    return in_order(problems)


def _uses(document: Document[Shape]) -> Iterator[Use]:
    model, origin = document.model, document.origin
    if isinstance(model, Right):
        kind, _, name = origin.name.partition("/")
        yield Calls(Kind.API if kind == "httpapi" else Kind(kind), name, ())
        if model.type != kind:
            yield Remark(f"the file stands among the rights of {kind}", quoted(kind), ("type",))
    else:
        yield from (uses_v1 if origin.generation is Generation.V1 else uses_v2)(model)


def _wrong(use: Use, document: Document[Shape], found: Definitions, known: Known) -> _Found:
    match use:
        case Calls():
            yield from _unknown_name(use, document, found)
        case PrivateValue():
            yield from _unknown_private(use, document, found)
        case FunctionCall():
            yield from _unknown_function(use, document, known)
        case TemplateText(text=text):
            yield from _unparsed(text, use.keys, document, known)
        case JsonTemplate():
            yield from _unparsed_json(use, document, known)
        case PathText():
            yield from _no_path(use, document, known)
        case TemplateFile():
            yield from _unknown_file(use, document, found)
        case Loop():
            yield from _too_many(use, document, known)
        case Remark(wrong=wrong, expected=told):
            yield document.problem(use.keys, wrong, Severity.WARNING, told)


def _unknown_function(use: FunctionCall, document: Document[Shape], known: Known) -> _Found:
    functions = known.functions[document.origin.generation]
    if use.name not in functions:
        wrong, near = f"there is no function {quoted(use.name)}", meant(use.name, functions)
        expected = f"one of {', '.join(sorted(functions))}"
        yield document.problem(use.keys, wrong, Severity.ERROR, expected, near and quoted(near))


def _no_path(use: PathText, document: Document[Shape], known: Known) -> _Found:
    if known.check_template(f"{{{{{use.root}.{use.path}}}}}", frozenset()) is not None:
        wrong, expected = f"{quoted(use.path)} is no path", "names with dots between: a.b"
        yield document.problem(use.keys, wrong, Severity.WARNING, expected)


def _unknown_file(use: TemplateFile, document: Document[Shape], found: Definitions) -> _Found:
    if use.name not in found.templates:
        wrong, near = f"there is no file templates/{use.name}", meant(use.name, found.templates)
        yield document.problem(use.keys, wrong, Severity.WARNING, None, near and quoted(near))


def _unknown_name(use: Calls, document: Document[Shape], found: Definitions) -> _Found:
    """A name of the folder, or, for buckets, of the same folder inside of it."""
    names = found.names[use.kind]
    bucket, slash, _ = document.origin.name.partition("/")
    if use.name in names or (slash and f"{bucket}/{use.name}" in names):
        return
    kind = word(document.origin.generation, use.kind)
    folder = _FOLDERS.get(use.kind, f"{kind}s")
    wrong, near = f"there is no {kind} {quoted(use.name)}", meant(use.name, names)
    expected = f"the file {folder}/{use.name}.json" if near is None else None
    severity = Severity.WARNING
    yield document.problem(use.keys, wrong, severity, expected, near and quoted(near))


def _unknown_private(use: PrivateValue, document: Document[Shape], found: Definitions) -> _Found:
    if not use.file:
        wrong = "no file of private values is named"
        yield document.problem(use.keys, wrong, Severity.WARNING, '"private"')
        return
    privates = found.documents[Kind.PRIVATE]
    bucket = document.origin.name.partition("/")[0]
    file = privates.get(use.file) or privates.get(f"{bucket}/{use.file}")
    if file is None or not isinstance(file.model, Private):
        return
    names = file.model.names()
    if use.name not in names:
        near = meant(use.name, names)
        wrong = f"private {quoted(use.file)} has no value {quoted(use.name)}"
        yield document.problem(use.keys, wrong, Severity.WARNING, None, near and quoted(near))


def _unparsed(text: str, keys: Keys, document: Document[Shape], known: Known) -> _Found:
    functions = known.functions[document.origin.generation]
    problem = known.check_template(text, functions)
    if problem is None:
        return
    found = document.problem(
        keys, f"the template does not parse: {problem.message}", Severity.ERROR, _wanted(problem)
    )
    if problem.locations:
        found = document.inside(found, keys, text, problem.locations[0])
    yield found


def _wanted(problem: Problem) -> str | None:
    """What is told as expected: that word stands in front of it already."""
    return None if problem.hint is None else problem.hint.removeprefix("expected ")


def _unparsed_json(use: JsonTemplate, document: Document[Shape], known: Known) -> _Found:
    found = [p for t in use.texts for p in _unparsed(t.text, t.keys, document, known)]
    if found:
        functions = known.functions[document.origin.generation]
        whole = "".join(template.text for template in use.texts)
        yield from found if known.check_template(whole, functions) else ()


def _too_many(loop: Loop, document: Document[Shape], known: Known) -> _Found:
    warn = partial(document.problem, loop.keys, severity=Severity.WARNING)
    if loop.depth > known.loops:
        yield warn(
            f"loops stand {loop.depth} deep in each other", expected=f"{known.loops} at most"
        )
    if loop.rounds is None:
        return
    if not _is_count(loop.rounds):
        yield warn(f"the loop never runs: {quoted(loop.rounds)} is no number", expected="digits")
    elif len(loop.rounds) > len(str(known.rounds)) + 20 or int(loop.rounds) > known.rounds:
        expected = f"{known.rounds} at most"
        yield warn(f"the loop runs {loop.rounds[:30]} times", expected=expected)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit()
