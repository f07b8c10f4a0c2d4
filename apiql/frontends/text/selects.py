"""One select --lower--> its task (the call) and its output (what the answer holds of it)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import syntax as s
from apiql.frontends.text.arguments import lower_arguments
from apiql.frontends.text.bindings import Call, lower_bindings
from apiql.frontends.text.fanout import lists_in, lower_lists, repeated
from apiql.frontends.text.locations import Located
from apiql.frontends.text.policies import lower_policy
from apiql.frontends.text.projections import lower_projection
from apiql.frontends.text.rows import lower_rows
from apiql.frontends.text.surroundings import PlanLimits
from apiql.frontends.text.values import Lowering
from apiql.ir.forwarding import with_forwarded
from apiql.ir.plan import Otherwise, Task
from apiql.ir.projection import Projection
from apiql.ir.request import Binding, Endpoint, Place
from apiql.ir.source import Source
from apiql.ir.values import Value
from apiql.ir.works import Fetch, Nested, Work

NOWHERE = Endpoint("", "", ())
ONE_OF_EACH = {
    "optional": "tolerance", "required": "tolerance", "cache": "cache", "no cache": "cache",
}  # fmt: skip
OF_THE_WHOLE = frozenset({"into", "hidden", "optional", "required", "when", "after"})
"""Clauses that say something about a task, not about one way to carry it out."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A select as a task and as what is returned of it."""

    task: Task
    projection: Projection


@dataclass(frozen=True, slots=True)
class SelectLowering:
    """A select, its name in the program, and how to read its expressions. `others` are the
    locations of the selects after `else`, in their order.
    """

    select: s.Select
    name: str
    lowering: Lowering
    limits: PlanLimits
    methods: frozenset[str]
    others: tuple[Located | None, ...] = ()

    def lowered(self, located: Located | None) -> Lowered:
        """The task and projection; with a location that is wrong already, only for what else is
        wrong.
        """
        self._check_clauses()
        in_row = replace(self.lowering, in_row=True)
        projection = lower_projection(self.select.fields, in_row, self.limits.fields)
        rows, projection = lower_rows(self.select, projection, in_row)
        work, method = self._work(located or Located(NOWHERE, None))
        policy = lower_policy(self.select, method, self.limits, self.lowering.findings)
        place = self.lowering.findings.location(self.select.span)
        task = Task(self.name, work, self._after(), policy, place, self._when(), rows,
                    self._otherwise())  # fmt: skip
        return Lowered(task, projection)

    @property
    def is_hidden(self) -> bool:
        """Whether the answer has no member for it."""
        return any(isinstance(c, cl.Flag) and c.word == "hidden" for c in self.select.clauses)

    def _work(self, located: Located) -> tuple[Work, str]:
        clauses, span = self.select.clauses, self.select.source.span
        binds = [bind for c in clauses if isinstance(c, cl.Where) for bind in c.binds]
        lists = lower_lists(binds, self.lowering)
        if located.stored is not None:
            arguments = lower_arguments(self.select, located, self.lowering)
            nested = Nested(located.full, located.stored, arguments)
            return repeated(nested, lists, None), "get" if nested.is_read else "post"
        most = self.limits.params_per_task
        call = Call(self._method(located), located.endpoint, most, self.name)
        own = lower_bindings(clauses, call, self.lowering, span)
        bindings = _with_defaults(own, located.source)
        bindings = with_forwarded(located.endpoint, bindings)
        fetch = Fetch(call.method, located.endpoint, bindings)
        return repeated(fetch, lists, located.source), call.method

    def _method(self, located: Located) -> str:
        word, source = self.select.method, located.source
        if source is None:
            method = word.text.lower() if word else "get"
            if method not in self.methods and located.endpoint is not NOWHERE:
                message = f"queries may not call with {method}"
                hint = "name a configured source, or ask for [security] allow_methods"
                span = word.span if word else self.select.span
                self.lowering.findings.add(Code.FORBIDDEN_UPSTREAM, message, span, hint)
            return method
        if word and word.text.lower() != source.method:
            message = f"the source `{source.name}` is called with {source.method}"
            hint = f"leave out `{word.text}`"
            self.lowering.findings.add(Code.VALIDATION, message, word.span, hint)
        return source.method

    def _after(self) -> frozenset[str]:
        names = self.lowering.names
        after = set()
        for clause in self.select.clauses:
            for word in clause.names if isinstance(clause, cl.After) else ():
                if word.text in names.selects:
                    after.add(word.text)
                else:
                    known = sorted(names.selects)
                    self.lowering.findings.unknown(
                        Code.UNKNOWN_NAME, "the result", word.text, known, word.span
                    )
        return frozenset(after)

    def _when(self) -> Value | None:
        for clause in self.select.clauses:
            if isinstance(clause, cl.When):
                return self.lowering.value(clause.condition)
        return None

    # -- else

    def _otherwise(self) -> Otherwise | None:
        other = self.select.otherwise
        if other is None:
            return None
        self._check_otherwise(other)
        located, *rest = self.others
        if located is not None and located.source is not None:  # asked for one element at a time
            located = replace(located, source=replace(located.source, bulk=None))
        inner = SelectLowering(
            other, self.name, self.lowering, self.limits, self.methods, tuple(rest)
        )
        found = inner.lowered(located)
        return Otherwise(found.task, found.projection)

    def _check_otherwise(self, other: s.Select) -> None:
        findings = self.lowering.findings
        if other.alias is not None:
            message = f"a select after `else` stands under the name `{self.name}`"
            findings.add(Code.VALIDATION, message, other.alias.span, "leave out `as`")
        for clause in other.clauses:
            word = cl.word_of_clause(clause)
            if word in OF_THE_WHOLE:
                message = f"`{word}` says something about both selects"
                hint = "write it before `else`"
                findings.add(Code.VALIDATION, message, clause.span, hint)
        message = "`else` stands in for single elements, not for batches"
        for batch in (*_batches(self.select), *(_batches(other) if _lists(self.select) else ())):
            findings.add(Code.VALIDATION, message, batch.span, "leave out `batch`")

    def _check_clauses(self) -> None:
        """Each clause once."""
        findings = self.lowering.findings
        seen: dict[str, cl.Clause] = {}
        for clause in self.select.clauses:
            word = cl.word_of_clause(clause)
            first = seen.setdefault(ONE_OF_EACH.get(word, word), clause)
            if first is clause:
                continue
            message = f"this select has two clauses `{word}`"
            hint = "write them as one clause"
            if cl.word_of_clause(first) != word:
                message = f"`{cl.word_of_clause(first)}` and `{word}` contradict each other"
                hint = "leave one of them out"
            findings.twice(Code.SYNTAX, message, first.span, clause.span, hint)


def _lists(select: s.Select) -> list[cl.Each]:
    return [each for c in select.clauses if isinstance(c, cl.Where) for each in lists_in(c.binds)]


def _batches(select: s.Select) -> list[cl.BatchOf]:
    return [each.batch for each in _lists(select) if each.batch is not None]


def _with_defaults(own: tuple[Binding, ...], source: Source | None) -> tuple[Binding, ...]:
    """The bindings of the text and, where it is silent, those that the source has by itself."""
    if source is None:
        return own
    bound = {_key(binding) for binding in own}
    return (*(d for d in source.defaults if _key(d) not in bound), *own)


def _key(binding: Binding) -> tuple[Place, tuple[str, ...]]:
    if binding.place is Place.HEADER:
        return binding.place, tuple(part.lower() for part in binding.name)
    return binding.place, binding.name
