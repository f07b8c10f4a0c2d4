"""The stages in order: start reading here.

    text --parse--> syntax tree --lower--> Plan --rewrite--> Plan --compile--> Executable
    Executable --prepare--> Run --carry out--> outcomes --assemble--> Answer

The left half happens once for a text and is kept, for stored queries when the engine is made; the
right half happens for every request.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from typing import Any

from apiql.bounds import depth_in, run_limits
from apiql.compiling import Compiling
from apiql.definition_files import DefinitionFiles
from apiql.errors import QueryRefused
from apiql.events import Event, Told
from apiql.frontends.definitions.lower.lowered import Count
from apiql.frontends.text import syntax
from apiql.frontends.text.identity import identity, persisted_id
from apiql.frontends.text.lower import lower
from apiql.frontends.text.roles import Role
from apiql.frontends.text.surroundings import with_excerpts
from apiql.ir.plan import Plan
from apiql.ir.reach import Kind, Reach, Seen
from apiql.ir.redaction import Redaction
from apiql.observing import Listener, between_ticks, telling
from apiql.plugins import Registry
from apiql.query import Query as Query
from apiql.query_files import QueryFiles
from apiql.runtime.analysis import Analysis, analysis_of
from apiql.runtime.asides import Asides
from apiql.runtime.assemble import Answer, assemble
from apiql.runtime.caller import Caller
from apiql.runtime.entries import Details
from apiql.runtime.every_function import all_functions as all_functions
from apiql.runtime.kept import KeptPlans
from apiql.runtime.nested import own_outcome
from apiql.runtime.outcome import Done, Failed, LeftOut
from apiql.runtime.prepare import prepare
from apiql.runtime.run import Budget, Doing, Run
from apiql.runtime.scheduler import carry_out
from apiql.runtime.step import Executable
from apiql.runtime.stream import Piece, pieces
from apiql.settings import Settings, secret_texts
from apiql.sources.call import Layer
from apiql.sources.loops import LOWER, deeper
from apiql.stored import StoredQuery, stored_as
from apiql.stored_templates import text_of
from apiql.template_files import NO_TEMPLATES, TemplateFiles

NO_QUERIES = QueryFiles()
NO_DEFINITIONS = DefinitionFiles()
Began = Callable[[Run], None]
"""Is given a run before its first call, to look at how far it is."""


class Engine:
    """Answers queries. Time, randomness and the way to upstreams are passed in.

    Raises:
        StoredRefused: stored queries that cannot be run.
    """

    def __init__(
        self,
        settings: Settings,
        layer: Layer,
        queries: QueryFiles = NO_QUERIES,
        templates: TemplateFiles = NO_TEMPLATES,
        *,
        told: Told | None = None,
        functions: Registry | None = None,
        acts: Mapping[str, Doing] | None = None,
        count: Count | None = None,
        definitions: DefinitionFiles = NO_DEFINITIONS,
        clock: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self.settings, self._layer = settings, layer
        self._clock, self._wall, self._random_bits = clock, wall, random_bits
        self._compiling, self._told = Compiling(settings, functions or all_functions()), told
        self._run_limits, self._acts = run_limits(settings.limits), acts
        self.asides = Asides(self._run_limits, told)
        self._details, self._plans = _details(settings, definitions), _no_plans(settings)
        self._queries, found = queries, self._compiling.templates(templates)
        self.definitions = self._compiling.definitions(definitions, count)
        self.catalog = self._compiling.catalog(queries, found, self.definitions)

    @property
    def layer(self) -> Layer:
        """The way to its upstreams."""
        return self._layer

    @property
    def redaction(self) -> Redaction:
        """Takes what is secret out of what is told."""
        return self._details.hide

    def executable(self, text: str) -> Executable:
        """The compiled plan of a text that a client sent; one seen before is not parsed again.

        Raises:
            QueryRefused: everything that is wrong with the text.
        """
        known = self._plans.get(text)
        return known if known is not None else self._posted(text)

    def kept(self, text: str) -> Executable | None:
        """The compiled plan of a text that was sent before, if it is still there."""
        return self._plans.get(text)

    def refuse_unseen(self, text: str, seen: Seen) -> None:
        """Refuses a text that names what is not seen, exactly as if that were not there.

        Raises:
            QueryRefused: everything that is wrong with the text then.
        """
        self._looked_at(self._compiling.parse(text), text, seen)

    def _posted(self, text: str) -> Executable:
        program = self._compiling.parse(text)
        reach = self._looked_at(program, text)
        made = self._compiling.compiled(Role.POSTED, program, text, self.catalog, reach)
        self._plans.put(text, made)
        return made

    def _looked_at(
        self, program: syntax.Program, text: str, seen: Seen | None = None
    ) -> Reach | None:
        """What a text stands for that is run only because it is stored; of others None, once
        nothing is left to refuse.
        """
        if self.settings.queries.mode != "any":
            only = self.settings.queries.mode == "stored-only"
            stored = stored_as(program, text, self.catalog, only, seen, self._told)
            if stored is not None:
                return Reach(frozenset({(Kind.QUERY, stored.name)}))
        if seen is not None:
            lower(program, text, self.catalog.around.within(seen), Role.POSTED)
        return None

    def local(self, text: str) -> Executable:
        """The compiled plan of a text of the operator's own, which is run in every mode.

        Raises:
            QueryRefused: everything that is wrong with the text.
        """
        return self._compiling.compiled(Role.LOCAL, self._compiling.parse(text), text, self.catalog)

    def id_of(self, text: str) -> str:
        """What a client may call a text by: the hash of its canonical form, with its constants.

        Raises:
            QueryRefused: the text does not parse.
        """
        return persisted_id(self._compiling.parse(text))

    def fingerprint(self, text: str) -> str:
        """What all texts have in common that differ only in their constants: the hash of that form.

        Raises:
            QueryRefused: the text does not parse.
        """
        return identity(self._compiling.parse(text))

    def stored(self, path: str) -> StoredQuery | None:
        """The stored query at a path: `shop/cart` (the newest), `shop/cart/2`."""
        return self.catalog.queries.get(path)

    def load(self, templates: Mapping[str, Any]) -> None:
        """Takes call templates by name, in place of those that it has of the same names.

        Raises:
            StoredRefused: some cannot be run; then nothing has changed.
        """
        found = self._compiling.templates(TemplateFiles((text_of(templates),)))
        found = self.catalog.templates.with_others(found)
        self.catalog = self._compiling.catalog(self._queries, found, self.definitions)
        self._plans = _no_plans(self.settings)  # those kept know the templates of before

    async def call_template(
        self, name: str, args: Mapping[str, Any], observe: Listener | None = None
    ) -> Answer:
        """The answer of a call template to these arguments; as `answer`."""
        found = self.catalog.templates.named(name)
        return await self.carry_out(found.executable, Query("", args), observe)

    def plan(self, text: str) -> Plan:
        """The plan of a text, for `explain`."""
        return self.executable(text).plan

    async def answer(self, query: Query, observe: Listener | None = None) -> Answer:
        """The answer to a query; cancelled, it takes its upstream calls with it.

        Raises:
            QueryRefused: the query cannot be run; nothing was called.
        """
        return await self.carry_out(self.executable(query.text), query, observe)

    async def carry_out(
        self, executable: Executable, query: Query, observe: Listener | None = None,
        began: Began | None = None,
    ) -> Answer:  # fmt: skip
        """The answer of a compiled plan to the query it was made of; as `answer`."""
        run = self._begun(executable, query, observe)
        if began is not None:
            began(run)
        await carry_out(executable, run)
        return self._assembled(executable, run)

    def defined(self, plan: Plan, reach: Reach | None = None) -> Executable:
        """The compiled plan of a definition; `reach`: what whoever asks must be allowed to.

        Raises:
            QueryRefused: everything that is wrong with it.
        """
        return self._compiling.defined(plan, reach)

    async def outcome(
        self, executable: Executable, query: Query, observe: Listener | None = None,
        began: Began | None = None,
    ) -> Done | Failed | LeftOut:  # fmt: skip
        """What the plan of a definition comes to; as `answer`, with all the calls that it has."""
        run = self._begun(executable, query, observe)
        if executable.plan.most_calls > run.budget.left:
            run.budget = Budget(executable.plan.most_calls, executable.plan.most_calls)
        if began is not None:
            began(run)
        await carry_out(executable, run)
        return own_outcome(executable, run.scope)

    async def analyze(self, executable: Executable, query: Query) -> tuple[Analysis, Answer]:
        """Carries a plan out and tells where its time went; as `answer`."""
        events: list[Event] = []
        clock = self._clock or between_ticks(asyncio.get_running_loop().time)
        start = clock()
        run = self._begun(executable, query, events.append, clock)
        await carry_out(executable, run)
        answer = self._assembled(executable, run)
        return analysis_of(executable.plan, events, start, clock(), answer.status), answer

    def stream(
        self, executable: Executable, query: Query, observe: Listener | None = None,
        began: Began | None = None,
    ) -> AsyncGenerator[Piece, None]:  # fmt: skip
        """The answer in pieces, each as soon as it is there, the `End` last; to be closed by who
        reads it: what is still under way is cancelled then.

        Raises:
            QueryRefused: as `answer`, before there is an iterator.
        """
        run = self._begun(executable, query, observe)
        if began is not None:
            began(run)
        return pieces(executable, run, self._details, self.settings.limits.answer_bytes)

    def _begun(
        self, executable: Executable, query: Query, observe: Listener | None,
        clock: Callable[[], float] | None = None,
    ) -> Run:  # fmt: skip
        clock = clock or self._clock or asyncio.get_running_loop().time
        layer = self._layer
        if LOWER in query.headers:
            layer = deeper(layer, depth_in(query.headers[LOWER]))
        now = int(self._wall() * 1000)
        moment = Caller(now, self._random_bits, query.headers, query.cookies)
        limits = self._run_limits
        tell = None if observe is None else telling(observe, self.redaction)
        if query.timeout is not None:
            limits = replace(limits, patience=query.timeout)
        try:
            run = prepare(executable, query.params, moment, layer, limits, clock, tell)
        except QueryRefused as refused:
            if not query.text:
                raise
            raise with_excerpts(refused, query.text) from None
        run.acts, run.aside = self._acts, self.asides.begin
        return run

    def _assembled(self, executable: Executable, run: Run) -> Answer:
        return assemble(executable, run, self._details, self.settings.limits.answer_bytes)


def _no_plans(settings: Settings) -> KeptPlans:
    return KeptPlans(settings.limits.plans_cached)


def _details(settings: Settings, definitions: DefinitionFiles) -> Details:
    hide = Redaction((*secret_texts(settings), *definitions.secrets()))
    return Details(settings.answer.details == "full", hide)
