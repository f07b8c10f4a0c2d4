"""Texts of stored queries --load--> compiled plans by name, each behind those it selects from.

Nothing is loaded by halves: what is wrong with any file is found, and told of all together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from apiql.errors import Code, Problem, QueryRefused
from apiql.events import Told, UnknownQuery
from apiql.frontends.text import syntax as s
from apiql.frontends.text.diagnose import Source as Text
from apiql.frontends.text.identity import persisted_id
from apiql.frontends.text.surroundings import Surroundings
from apiql.ir.order import circles
from apiql.ir.reach import Kind, Seen
from apiql.query_files import FileProblem, QueryFile, QueryFiles, StoredRefused, order_of
from apiql.runtime.step import Executable
from apiql.stored_templates import SOURCE as TEMPLATE
from apiql.stored_templates import Templates

NO_TEMPLATES = Templates()
FOLDER = "query"
"""The first name of every stored query as a source: `from query.shop.cart`."""

NOTHING: Mapping[int, Executable] = {}
Parse = Callable[[str], s.Program]


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A revision of a stored query, compiled. `name` is `shop/cart`; `id` is what clients
    that know its text may call it by.
    """

    name: str
    revision: int
    text: str
    executable: Executable
    id: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """What texts are compiled against; stored queries by path (`shop/cart`, `shop/cart/2`) and by
    id, call templates; the compiled plans of both by the `id()` of each plan.
    """

    around: Surroundings
    queries: Mapping[str, StoredQuery] = field(default_factory=dict)
    by_id: Mapping[str, StoredQuery] = field(default_factory=dict)
    compiled: Mapping[int, Executable] = field(default_factory=dict)
    templates: Templates = NO_TEMPLATES


class Make(Protocol):
    """A stage of the engine: the compiled plan of a program in a catalog.

    Raises:
        QueryRefused: everything that is wrong with it.
    """

    def __call__(self, program: s.Program, text: str, catalog: Catalog) -> Executable: ...


def load_queries(
    found: QueryFiles, around: Surroundings, parse: Parse, make: Make,
    templates: Templates = NO_TEMPLATES, known: Mapping[int, Executable] = NOTHING,
) -> Catalog:  # fmt: skip
    """The catalog of these files and templates, which queries may select from, as from what stands
    around with plans that are compiled already.

    Raises:
        StoredRefused: with every problem of every file.
    """
    loading = _Loading(found.files, around, make, templates, known)
    loading.read(parse)
    loading.carry_out()
    problems = [*templates.problems, *found.problems, *loading.problems]
    if problems:
        raise StoredRefused(tuple(sorted(problems, key=order_of)))
    return loading.catalog


def source_name(file: QueryFile) -> str:
    """What `from` calls a revision: `query.shop.cart@2`."""
    return f"{FOLDER}.{file.name.replace('/', '.')}@{file.revision}"


class _Loading:
    """One load. Programs wait under their source names until what they select from is there."""

    def __init__(
        self, files: Iterable[QueryFile], around: Surroundings, make: Make, templates: Templates,
        known: Mapping[int, Executable],
    ) -> None:  # fmt: skip
        self.problems: list[FileProblem] = []
        self._make = make
        compiled = [(each.source, each.executable) for each in templates.found.values()]
        self._plans = dict(around.stored) | {name: made.plan for name, made in compiled}
        self._queries: dict[str, StoredQuery] = {}
        self._ids: dict[str, StoredQuery] = {}
        self._compiled = dict(known) | {id(made.plan): made for _, made in compiled}
        around = replace(around, stored=self._plans)
        self.catalog = Catalog(around, self._queries, self._ids, self._compiled, templates)
        self._files: dict[str, QueryFile] = {}
        for file in files:
            first = self._files.setdefault(source_name(file), file)
            if first is not file:
                self._note(file, [_twice(file, first)])
        self._newest = {file.name: file.revision for file in self._files.values()}
        for file in self._files.values():
            self._newest[file.name] = max(self._newest[file.name], file.revision)
        self._programs: dict[str, s.Program] = {}
        self._levels: dict[str, int] = {}

    def read(self, parse: Parse) -> None:
        """Reads every text."""
        for name, file in self._files.items():
            try:
                self._programs[name] = parse(file.text)
            except QueryRefused as refused:
                self._note(file, refused.problems)

    def carry_out(self) -> None:
        """Compiles what can be; of the rest it finds what else is wrong."""
        needs = {
            name: frozenset(self._meant(source) for source in stored_sources(program))
            for name, program in self._programs.items()
        }
        self._note_circles(needs)
        left = {name: found & self._files.keys() for name, found in needs.items()}
        while ready := [name for name, found in left.items() if found <= self._plans.keys()]:
            sure = [name for name in ready if needs[name] <= self._files.keys()]
            for name in sure or ready:  # a name that nothing has wants to hear of all there are
                inside = left.pop(name)
                self._levels[name] = 1 + max((self._levels[n] for n in inside), default=0)
                self._load(name)
        for name in left:
            self._load(name)

    def _meant(self, source: s.SourceName) -> str:
        """The source name with its revision: the newest where the text names none."""
        name = ".".join(source.names)
        path = name.removeprefix(f"{FOLDER}.").replace(".", "/")
        return f"{name}@{self._newest[path]}" if path in self._newest else name

    def _load(self, name: str) -> None:
        file = self._files[name]
        program = self._programs[name]
        levels, most = self._levels.get(name, 0), self.catalog.around.limits.depth
        if levels > most:
            self._note(file, [_too_deep(levels, most)])
            return
        try:
            executable = self._make(program, file.text, self.catalog)
        except QueryRefused as refused:
            self._note(file, self._own(refused, program, file))
            return
        self._keep(name, file, executable, program)

    def _keep(self, name: str, file: QueryFile, made: Executable, program: s.Program) -> None:
        newest = file.revision == self._newest[file.name]
        query = StoredQuery(file.name, file.revision, file.text, made, persisted_id(program))
        self._compiled[id(made.plan)] = made
        self._ids.setdefault(query.id, query)
        self._queries[f"{file.name}/{file.revision}"] = query
        self._plans[name] = made.plan
        if newest:
            self._queries[file.name] = query
            self._plans[name.rpartition("@")[0]] = made.plan

    def _own(self, refused: QueryRefused, program: s.Program, file: QueryFile) -> list[Problem]:
        """The problems without those that another file is to blame for: it is not there because
        something is wrong with it.
        """
        text, broken = Text(file.text), self.catalog.templates.broken
        blamed = {
            text.location(source.span.start)
            for source in stored_sources(program)
            if self._meant(source) in self._files
        } | {
            text.location(source.span.start)
            for source in stored_sources(program, TEMPLATE)
            if ".".join(source.names) in broken
        }
        return [
            problem
            for problem in refused.problems
            if problem.code is not Code.UNKNOWN_SOURCE or problem.locations[0] not in blamed
        ]

    def _note_circles(self, needs: Mapping[str, frozenset[str]]) -> None:
        for circle in circles(needs):
            first, then = circle[0], (*circle, circle[0])[1]
            file = self._files[first]
            source = next(
                s for s in stored_sources(self._programs[first]) if self._meant(s) == then
            )
            way = " → ".join(map(self._shown, (*circle, first)))
            message = f"{self._shown(first)} selects from itself: {way}"
            hint = "take out one of these references"
            self._note(file, [Text(file.text).problem(Code.CYCLE, message, source.span, hint)])

    def _shown(self, name: str) -> str:
        """A source name as one writes it: the newest without its revision."""
        file = self._files[name]
        newest = file.revision == self._newest[file.name]
        return name.rpartition("@")[0] if newest else name

    def _note(self, file: QueryFile, problems: Iterable[Problem]) -> None:
        self.problems += [FileProblem(file.file, problem) for problem in problems]


def stored_sources(program: s.Program, folder: str = FOLDER) -> Iterator[s.SourceName]:
    """Every name in a program that is one of a stored query (or of what else begins so)."""
    for source in _sources(program):
        if len(source.names) > 1 and source.names[0] == folder:
            yield source


def _sources(program: s.Program) -> Iterator[s.SourceName]:
    for statement in program.statements:
        match statement:
            case s.SetAlias(_, s.SourceName() as source):
                yield source
            case s.Query(selects):
                for select in selects:
                    yield from _of_select(select)
            case _:
                pass


def _of_select(select: s.Select | None) -> Iterator[s.SourceName]:
    while select is not None:
        if isinstance(select.source, s.SourceName):
            yield select.source
        select = select.otherwise


def _too_deep(levels: int, most: int) -> Problem:
    message = (
        f"{levels} stored queries that select from each other go over the limit depth = {most}"
    )
    return Problem(Code.LIMIT_EXCEEDED, message, hint="select from fewer, one inside the other")


def _twice(file: QueryFile, first: QueryFile) -> Problem:
    message = f"revision {file.revision} of this query is in {first.file} too"
    hint = "a file without @ is revision 1: give this one a number, as in name@2.apiql"
    return Problem(Code.DUPLICATE_NAME, message, hint=hint)


def stored_as(
    program: s.Program, text: str, catalog: Catalog, only: bool, seen: Seen | None,
    told: Told | None,
) -> StoredQuery | None:  # fmt: skip
    """Where `only` stored queries are run, the one that a text is, or a refusal; else what is none
    is told of.

    Raises:
        QueryRefused: the text is none of those, or none that is seen.
    """
    found = persisted_id(program)
    stored = catalog.by_id.get(found)
    if stored is not None and (seen is None or not only or seen.sees(Kind.QUERY, stored.name)):
        return stored if only else None
    if only:
        message = "only stored queries are run here, and this is none"
        hint = "call one by its name or id: GET /query/<name>"
        raise QueryRefused((Problem(Code.QUERY_NOT_ALLOWED, message, hint=hint),))
    if told is not None and seen is None:
        told(UnknownQuery(found, text))
    return None
