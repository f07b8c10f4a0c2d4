"""Definitions of a folder --lower--> plans --compile--> what answers requests, by kind and name.

One that is broken is not served, and keeps the others away unless that is asked for (`keep_going`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from apiql.definition_files import DefinitionFiles, known_with
from apiql.documents.problems import Severity, broken
from apiql.documents.shape import Shape
from apiql.errors import Code, Problem, QueryRefused
from apiql.figure_names import NO_NAMES, FigureNames, figure_names
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.document import Document, Origin
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind as Of
from apiql.frontends.definitions.layout import Layout
from apiql.frontends.definitions.lower.lowered import Ground, Lowered
from apiql.frontends.definitions.places import beginning, places_in
from apiql.frontends.definitions.private import Private
from apiql.frontends.text.surroundings import Surroundings
from apiql.gateways import NO_ENDPOINTS, GatewayCatalog, errors_of, load_gateways
from apiql.ir.plan import Plan
from apiql.ir.reach import Exact, Kind, Name, Reach
from apiql.query_files import FileProblem, FilesRefused, of_document
from apiql.runtime.step import Executable

KINDS: Mapping[Of, Kind] = MappingProxyType(
    {Of.API: Kind.HTTPAPI, Of.FLOW: Kind.FLOW, Of.SCHEDULE: Kind.SCHEDULE}
)
"""The kinds of documents that requests can name."""
UNKNOWN: Mapping[Layout, int] = MappingProxyType({Layout.V1: 500, Layout.V2: 403})
"""What a name answers that nothing has; elsewhere 404."""
NO_JSON: Mapping[Layout, int] = MappingProxyType({Layout.V2: 500})
"""What a body answers that is no JSON; elsewhere 400."""

TOO_DEEP = Problem(
    Code.LIMIT_EXCEEDED, "what it calls is too deep to be carried out", hint="call less from it"
)

Make = Callable[[Plan, Reach], Executable]
Lower = Callable[[Of, str], Lowered]
Lowering = Callable[[Ground], Lower]


class DefinitionsRefused(FilesRefused):
    """Definitions that cannot be served."""


@dataclass(frozen=True, slots=True)
class Defined:
    """A definition that answers requests."""

    kind: Kind
    name: str
    lowered: Lowered
    executable: Executable
    named: bool = True
    """Whether the name is its own, and not what a request asks for."""


@dataclass(frozen=True, slots=True)
class DefinedCatalog:
    """Definitions by kind and name; `broken` are those that are there and cannot be served.

    `unknown` is the status for a name that nothing has, `plans` what texts select from by its full
    name, `exact` whose name that is; `compiled` are their compiled forms by the `id()` of each.
    """

    found: Mapping[Name, Defined] = field(default_factory=dict)
    broken: frozenset[Name] = frozenset()
    unknown: int = 404
    plans: Mapping[str, Plan] = field(default_factory=dict)
    exact: Exact = field(default_factory=dict)
    compiled: Mapping[int, Executable] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()
    """Of those that are left out, what only making their plans has shown."""
    no_json: int = 400
    """What a body answers that is no JSON, where that is refused."""
    nowhere: Mapping[Kind, Defined] = field(default_factory=dict)
    """What answers for names that nothing has, where a folder says that itself."""
    gateways: GatewayCatalog = NO_ENDPOINTS
    figure_names: FigureNames = NO_NAMES
    left_out: tuple[FileProblem, ...] = ()
    """Everything that keeps something from being served, where the rest is."""

    @property
    def explained(self) -> Mapping[str, Executable]:
        """What can be explained, by its kind and what people call it: `flow/weather`,
        `endpoint/GET /users/:id`.
        """
        known = {f"{of}/{name}": each.executable for (of, name), each in self.found.items()}
        endpoints = {f"{Kind.ENDPOINT}/{s.pattern}": s.executable for s in self.gateways.served}
        return known | endpoints


def load_definitions(
    files: DefinitionFiles, around: Surroundings, lowering: Lowering, make: Make
) -> DefinedCatalog:
    """What the files define.

    Raises:
        DefinitionsRefused: with every error of every file, unless broken ones are left out.
    """
    found, errors = _of_definitions(files, around, lowering, make)
    gateways = load_gateways(files.gateways, around, make)
    errors = [*errors, *errors_of(files.gateways), *gateways.problems]
    if errors and not files.keep_going:
        raise DefinitionsRefused(tuple(errors))
    found = replace(found, left_out=tuple(errors))
    if gateways is NO_ENDPOINTS:
        return found
    plans = {**found.plans, **gateways.plans}
    compiled = {**found.compiled, **gateways.compiled}
    problems = (*found.problems, *gateways.problems)
    names = replace(found.figure_names, hosts=gateways.hosts)
    return replace(found, plans=plans, compiled=compiled, problems=problems, gateways=gateways,
                   figure_names=names)  # fmt: skip


def _of_definitions(
    files: DefinitionFiles, around: Surroundings, lowering: Lowering, make: Make
) -> tuple[DefinedCatalog, list[FileProblem]]:
    """What documents define, and every error of theirs."""
    if files.found is None:
        return DefinedCatalog(), []
    known = known_with((*files.functions, *files.values))
    loading, root = _Loading(files.found, make), files.found.root
    own = (p for p in files.found.problems if p.severity is Severity.ERROR)
    errors = [of_document(problem, root) for problem in own]
    for bucket, definitions in files.parts():
        problems = check(definitions, known)
        errors += (
            of_document(p, definitions.root) for p in problems if p.severity is Severity.ERROR
        )
        whole = definitions.without(broken(problems))
        loading.carry_out(whole, lowering(_ground(files, whole, around, bucket)), bucket)
    errors += loading.problems
    return loading.catalog(), list(dict.fromkeys(errors))


class _Loading:
    """One load: documents become plans, plans are compiled."""

    def __init__(self, definitions: Definitions, make: Make) -> None:
        self.problems: list[FileProblem] = []
        self._definitions, self._make = definitions, make
        self._nowhere: dict[Kind, Defined] = {}
        self._found: dict[Name, Defined] = {}
        self._broken: set[Name] = set()
        self._plans: dict[str, Plan] = {}
        self._exact: dict[str, Name] = {}
        self._compiled: dict[int, Executable] = {}

    def carry_out(self, definitions: Definitions, lower: Lower, bucket: str) -> None:
        """Loads what is not broken already."""
        for of, kind in KINDS.items():
            for name in definitions.names[of]:
                document = definitions.documents[of].get(name)
                if document is None:
                    self._broken.add((kind, bucket + name))
                else:
                    self._load(kind, name, bucket + name, document, lower)
        if definitions.layout is Layout.V2:
            self._nowhere |= self._for_nothing(lower)

    def _load(
        self, kind: Kind, name: str, full_name: str, document: Document[Shape], lower: Lower
    ) -> None:
        origin = document.origin
        reach = Reach(frozenset({(kind, full_name)}))
        try:
            lowered = lower(origin.kind, name)
            executable = self._make(lowered.plan, reach)
            data = executable if lowered.data is lowered.plan else self._make(lowered.data, reach)
        except QueryRefused as refused:
            self._leave_out((kind, full_name), origin, refused.problems)
            return
        except RecursionError:  # by names that only a run knows it may call all there are
            self._leave_out((kind, full_name), origin, (TOO_DEEP,))
            return
        self._found[kind, full_name] = Defined(kind, full_name, lowered, executable)
        full = f"{kind}.{full_name.replace('/', '.')}"
        self._plans[full], self._exact[full] = lowered.data, (kind, full_name)
        self._compiled[id(lowered.data)] = data

    def _leave_out(self, name: Name, origin: Origin, problems: tuple[Problem, ...]) -> None:
        file = f"{self._definitions.root}/{origin.file}"
        self._broken.add(name)
        self.problems += [FileProblem(file, problem) for problem in problems]

    def catalog(self) -> DefinedCatalog:
        """What was loaded."""
        unknown = UNKNOWN.get(self._definitions.layout, 404)
        broken = frozenset(self._broken)
        return DefinedCatalog(
            self._found, broken, unknown, self._plans, self._exact, self._compiled,
            tuple(self.problems),
            NO_JSON.get(self._definitions.layout, 400), self._nowhere,
            figure_names=figure_names(self._definitions),
        )  # fmt: skip

    def _for_nothing(self, lower: Lower) -> Mapping[Kind, Defined]:
        """In the second generation a request for nothing goes the way of all others."""
        lowered = {kind: lower(of, "") for of, kind in KINDS.items()}
        return {
            kind: Defined(kind, "", each, self._make(each.plan, Reach()), False)
            for kind, each in lowered.items()
        }


def _ground(
    files: DefinitionFiles, definitions: Definitions, around: Surroundings, bucket: str
) -> Ground:
    return Ground(
        definitions, files.functions, files.environ, around.permits_url, time.time,
        pinned_of(definitions), strict=files.strict, values=files.values, bucket=bucket,
    )  # fmt: skip


def names_of(files: DefinitionFiles) -> Mapping[Kind, frozenset[str]]:
    """The names of definitions and endpoints by kind, those of broken ones too; of what cannot be
    read there is nothing.
    """
    found = {} if files.found is None else {KINDS[of]: files.found.names[of] for of in KINDS}
    endpoints = files.gateways.names
    return found if endpoints is None else {**found, Kind.ENDPOINT: endpoints}


def pinned_of(definitions: Definitions) -> frozenset[str]:
    """The places (scheme and authority) that definitions name: their addresses as far as these are
    constant, and private values that are addresses.
    """
    texts: list[str] = []
    for document in definitions.documents[Of.API].values():
        model = document.model
        texts.append(getattr(model, "url", ""))
        source = getattr(model, "dynamic_url", None)
        texts += [beginning(getattr(source, name, "")) for name in ("name", "content")]
    for document in definitions.documents[Of.PRIVATE].values():
        if isinstance(document.model, Private):
            texts += [pair.value for pair in document.model.privates]
    return places_in(texts)


def with_plans(around: Surroundings, defined: DefinedCatalog) -> Surroundings:
    """The surroundings with what definitions let be selected from."""
    if not defined.plans:
        return around
    return replace(around, stored={**around.stored, **defined.plans}, exact=defined.exact)
