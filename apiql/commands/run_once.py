"""Queries without a server: one engine, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from apiql import __version__
from apiql.commands.given_parameters import ParameterError as ParameterError
from apiql.commands.given_parameters import parameters as parameters
from apiql.definition_files import DefinitionFiles
from apiql.engine import NO_DEFINITIONS, NO_QUERIES, Engine, Query, all_functions
from apiql.errors import CallFailed, Code, Problem, QueryRefused, nearest
from apiql.frontends.definitions.start import listening
from apiql.ir import explain
from apiql.ir.plan import Plan
from apiql.ir.redaction import Redaction
from apiql.opened import OpenEngine
from apiql.plug_in_files import NO_PLUG_INS, PlugIns
from apiql.plugins import Registry
from apiql.query_files import FileProblem, FilesRefused, QueryFiles
from apiql.rights_files import NO_RIGHTS, RightsFiles
from apiql.runtime import analysis_forms
from apiql.runtime.analysis import Analysis
from apiql.runtime.assemble import PARTIAL, Answer
from apiql.runtime.decode import to_json
from apiql.runtime.step import Executable
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from apiql.template_files import NO_TEMPLATES, TemplateFiles, names_in


@dataclass(frozen=True)
class Setup:
    """What a conf folder holds, and each of its buckets."""

    settings: Settings
    queries: QueryFiles
    rights: RightsFiles = NO_RIGHTS
    plug_ins: PlugIns = NO_PLUG_INS
    buckets: Mapping[str, Setup] = field(default_factory=dict)
    templates: TemplateFiles = NO_TEMPLATES
    definitions: DefinitionFiles = NO_DEFINITIONS

    @property
    def functions(self) -> Registry:
        """The standard ones and those of plug-ins."""
        return self.plug_ins.added_to(all_functions())

    @property
    def listening(self) -> Mapping[str, Any]:
        """Where main.json says that a server listens, as far as the settings do not."""
        found, said = self.definitions.found, self.settings.server.model_fields_set
        places = {} if found is None else listening(found)
        return {name: value for name, value in places.items() if name not in said}

    def opened(self) -> OpenEngine:
        """An engine with its own connections."""
        return OpenEngine.from_settings(
            self.settings, self.queries, functions=self.functions, templates=self.templates,
            definitions=self.definitions,
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What is run or explained: a text, or a call template by its name."""

    text: str = ""
    template: str | None = None

    def executable(self, engine: Engine) -> Executable:
        """Its compiled plan.

        Raises:
            QueryRefused: everything that is wrong with the text, or there is no such template.
        """
        if self.template is not None:
            return engine.catalog.templates.named(self.template).executable
        return engine.local(self.text)


def answer(
    setup: Setup, asked: Asked, params: Mapping[str, Any], codes: Mapping[int, int]
) -> tuple[str, int]:
    """The answer as indented JSON, and the exit code: 0, or that for partial (3), nothing (4)."""
    body, code = asyncio.run(_answer(_shown(setup), asked, params))
    return body, codes.get(code, code)


def _shown(setup: Setup) -> Setup:
    """The same with all details in errors: who runs a query here may see them."""
    shown = setup.settings.answer.model_copy(update={"details": "full"})
    return replace(setup, settings=setup.settings.model_copy(update={"answer": shown}))


async def _answer(setup: Setup, asked: Asked, params: Mapping[str, Any]) -> tuple[str, int]:
    async with setup.opened() as engine:
        executable, query = asked.executable(engine), Query(asked.text, params)
        if executable.plan.explain:
            return engine.redaction(explain.as_text(executable.plan)).rstrip(), 0
        if executable.plan.analyze:
            analysis, found = await engine.analyze(executable, query)
            return engine.redaction(printed(analysis, found, "text")).rstrip(), 0
        found = await engine.carry_out(executable, query)
    pieces = [b'{"data":', found.data or b"null"]
    if found.errors:
        pieces += [b',"errors":', to_json(found.errors)]
    body = msgspec.json.format(b"".join(pieces) + b"}", indent=2).decode()
    return body, 0 if found.complete else 3 if found.status == PARTIAL else 4


def explained(
    setup: Setup, asked: Asked, form: str, params: Mapping[str, Any], analyze: bool
) -> str:
    """The plan as text, tree, JSON or Mermaid; where it is to be analyzed, it is carried out, and
    that is what is printed.
    """
    engine = _engine(setup)
    plan, hide = asked.executable(engine).plan, engine.redaction
    if analyze or plan.analyze:
        if form == "tree":
            raise ParameterError(
                "--format tree shows plans only: an analysis is text, json or mermaid"
            )
        return asyncio.run(_analyzed(_shown(setup), asked, form, params))
    return _printed(plan, form, hide)


def explained_definition(setup: Setup, path: str, form: str) -> str:
    """The plan of a definition (`flow/weather`, `endpoint/GET /users`), as that of a text.

    Raises:
        ParameterError: there is no such definition, or it is broken.
    """
    engine = _engine(setup)
    kind, _, name = path.partition("/")
    asked = f"httpapi/{name}" if kind == "api" else path
    found = engine.definitions.explained.get(asked)
    if found is None:
        raise ParameterError(_not_explained(path, asked, engine))
    return _printed(found.plan, form, engine.redaction)


def _not_explained(path: str, asked: str, engine: Engine) -> str:
    if asked in {f"{kind}/{name}" for kind, name in engine.definitions.broken}:
        return f"--of: {path} is there, and broken: `apiql check` tells what is wrong"
    meant = nearest(asked, engine.definitions.explained)
    hint = f"did you mean {meant}?" if meant else "expected its kind and name, as in flow/weather"
    return f"--of: there is no definition {path}: {hint}"


def _printed(plan: Plan, form: str, hide: Redaction) -> str:
    if form == "json":
        return _indented(hide.data(explain.as_json(plan)))
    printers = {"tree": explain.as_tree, "mermaid": explain.as_mermaid}
    return hide(printers.get(form, explain.as_text)(plan))


async def _analyzed(setup: Setup, asked: Asked, form: str, params: Mapping[str, Any]) -> str:
    async with setup.opened() as engine:
        executable, query = asked.executable(engine), Query(asked.text, params)
        analysis, found = await engine.analyze(executable, query)
    return engine.redaction(printed(analysis, found, form))


def printed(analysis: Analysis, found: Answer, form: str) -> str:
    """An analysis as text, JSON or Mermaid; text and JSON tell the errors too."""
    if form == "mermaid":
        return analysis_forms.as_mermaid(analysis)
    if form == "json":
        errors = {"errors": found.errors} if found.errors else {}
        return _indented(analysis_forms.as_json(analysis) | errors)
    errors_of = "".join(f"\n{error['code']}: {error['message']}" for error in found.errors)
    return analysis_forms.as_text(analysis) + (errors_of and errors_of + "\n")


def _indented(value: Any) -> str:
    return msgspec.json.format(to_json(value), indent=2).decode() + "\n"


def odd(setup: Setup) -> list[str]:
    """What is odd about the call templates, those of the buckets too."""
    try:
        found = [str(each) for each in _engine(setup).catalog.templates.warnings]
    except FilesRefused:
        found = []
    return [*found, *(each for bucket in setup.buckets.values() for each in odd(bucket))]


def id_of(setup: Setup, text: str) -> str:
    """What clients may call a text by."""
    return _engine(setup).id_of(text)


def described(setup: Setup) -> str:
    """The OpenAPI description of the stored queries, of definitions and of endpoints.

    Raises:
        FilesRefused: some cannot be run.
    """
    from apiql.server.description import stored_queries  # the web framework, for this alone

    title = "Stored queries" if setup.definitions.found is None else "Queries and definitions"
    engine, defined = _engine(setup), setup.definitions.found
    gateways = engine.definitions.gateways
    found = stored_queries(engine.catalog, defined, gateways, title, __version__)
    return _indented(found)


def checked(setup: Setup, files: Iterable[Path]) -> list[str]:
    """What is wrong with the rights, the stored queries and the files, each with its file in
    front, and with the files of keys.
    """
    within = [wrong for bucket in setup.buckets.values() for wrong in _checked(bucket, ())]
    return _checked(setup, files) + within


def counts(setup: Setup) -> tuple[tuple[int, str], ...]:
    """How many there are of what a conf folder holds beside definitions."""
    return (
        (len(setup.queries.files), "stored queries"),
        (len(names_in(setup.templates)), "call templates"), (len(setup.rights.named), "rights"),
        (len(setup.buckets), "buckets"), (setup.plug_ins.count, "plug-ins"),
    )  # fmt: skip


def _checked(setup: Setup, files: Iterable[Path]) -> list[str]:
    found: list[FileProblem] = []
    try:
        engine = _engine(setup)
    except FilesRefused as refused:
        found += refused.problems
        bare = replace(setup, queries=NO_QUERIES, templates=NO_TEMPLATES)
        engine = _engine(replace(bare, definitions=NO_DEFINITIONS))
    found += engine.definitions.problems
    missing = ("`query.", "`template.") if found else ()
    found[:0] = setup.rights.problems
    for file in files:
        problems = (FileProblem(str(file), problem) for problem in _wrong_with(file, engine))
        found += (each for each in problems if not _is_of_stored(each.problem, missing))
    return [*_wrong_keys(setup.settings), *(str(problem) for problem in found)]


def _wrong_keys(settings: Settings) -> Iterator[str]:
    if not settings.access.tokens:
        return
    from apiql.access.signatures import KeysRefused  # only who takes tokens has what checks them
    from apiql.access.trusted import fixed_keys

    for name, issuer in settings.access.tokens.items():
        try:
            fixed_keys(name, issuer)
        except KeysRefused as refused:
            yield str(refused)


def _wrong_with(file: Path, engine: Engine) -> tuple[Problem, ...]:
    try:
        engine.local(file.read_text("utf-8"))
    except OSError as error:
        return (Problem(Code.VALIDATION, f"cannot be read: {error.strerror}"),)
    except UnicodeDecodeError:
        return (Problem(Code.VALIDATION, "is not UTF-8"),)
    except QueryRefused as refused:
        return refused.problems
    return ()


def _is_of_stored(problem: Problem, missing: tuple[str, ...]) -> bool:
    """Whether only something stored that is wrong itself is missing here."""
    unknown = problem.code is Code.UNKNOWN_SOURCE
    return unknown and any(begin in problem.message for begin in missing)


def _engine(setup: Setup) -> Engine:
    """An engine that calls nothing.

    Raises:
        FilesRefused: stored queries or definitions that cannot be run.
    """
    return Engine(
        setup.settings, _nowhere, setup.queries, setup.templates, functions=setup.functions,
        definitions=setup.definitions,
    )  # fmt: skip


async def _nowhere(call: Call) -> Reply:
    raise CallFailed(Code.UPSTREAM_CONNECT, "nothing is called here")
