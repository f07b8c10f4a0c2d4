"""One select --lower--> its task (the call) and its output (what the answer holds of it)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import syntax as s
from apiql.frontends.text.bindings import Call, lower_bindings
from apiql.frontends.text.declarations import lower_duration
from apiql.frontends.text.locations import Located
from apiql.frontends.text.projections import lower_projection
from apiql.frontends.text.surroundings import PlanLimits
from apiql.frontends.text.values import Lowering
from apiql.ir.plan import Fetch, Output, Task
from apiql.ir.policy import Policy, Tolerance
from apiql.ir.request import Binding, Endpoint, Place
from apiql.ir.source import Source

NOWHERE = Endpoint("", "", ())
ONE_OF_EACH = {
    "optional": "tolerance", "required": "tolerance", "cache": "cache", "no cache": "cache",
}  # fmt: skip
LATER = (
    cl.RowsAt, cl.Into, cl.Having, cl.GroupBy, cl.OrderBy, cl.Limit, cl.Within, cl.Retry,
    cl.Lifetime, cl.When, cl.Fallback,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SelectLowering:
    """A select, its name in the program, and how to read its expressions."""

    select: s.Select
    name: str
    lowering: Lowering
    limits: PlanLimits
    methods: frozenset[str]

    def output(self) -> Output:
        """What the answer holds of this select."""
        self._check_clauses()
        in_row = replace(self.lowering, in_row=True)
        projection = lower_projection(self.select.fields, in_row, self.limits.fields)
        place = self.lowering.findings.location(self.select.span)
        return Output(self.name, self.name, projection, "hidden" in self._flags(), place)

    def task(self, located: Located) -> Task:
        """The call of this select."""
        span = self.select.source.span
        call = Call(self._method(located.source), located.endpoint, self.limits.params_per_task)
        own = lower_bindings(self.select.clauses, call, self.lowering, span)
        bindings = _with_defaults(own, located.source)
        place = self.lowering.findings.location(self.select.span)
        work = Fetch(call.method, located.endpoint, bindings)
        return Task(self.name, work, self._after(), self._policy(), place)

    def look_through(self) -> None:
        """Finds what is wrong with a select whose location is wrong already."""
        word = self.select.method
        method = word.text.lower() if word else "get"
        call = Call(method, NOWHERE, self.limits.params_per_task)
        lower_bindings(self.select.clauses, call, self.lowering, self.select.source.span)
        self._after()
        self._policy()

    def _method(self, source: Source | None) -> str:
        word = self.select.method
        if source is None:
            method = word.text.lower() if word else "get"
            if method not in self.methods:
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

    def _flags(self) -> frozenset[str]:
        return frozenset(c.word for c in self.select.clauses if isinstance(c, cl.Flag))

    def _policy(self) -> Policy:
        timeout = None
        for clause in self.select.clauses:
            if isinstance(clause, cl.TimeoutOf):
                longest, findings = self.limits.call_timeout, self.lowering.findings
                timeout = lower_duration(clause.duration, longest, "call_timeout", findings)
        flags = self._flags()
        tolerance = next((t for t in Tolerance if t.value in flags), Tolerance.DEFAULT)
        return Policy(timeout, tolerance)

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

    def _check_clauses(self) -> None:
        """Each clause once, and only those that are carried out."""
        findings = self.lowering.findings
        seen: dict[str, cl.Clause] = {}
        clauses = self.select.clauses
        for clause in clauses:
            word = cl.word_of_clause(clause)
            first = seen.setdefault(ONE_OF_EACH.get(word, word), clause)
            if first is not clause:
                message = f"this select has two clauses `{word}`"
                hint = "write them as one clause"
                if cl.word_of_clause(first) != word:
                    other = cl.word_of_clause(first)
                    message = f"`{other}` and `{word}` contradict each other"
                    hint = "leave one of them out"
                findings.twice(Code.SYNTAX, message, first.span, clause.span, hint)
            if isinstance(clause, LATER) or word in ("distinct", "no cache"):
                message = f"the clause `{word}` is not supported yet"
                findings.add(Code.VALIDATION, message, clause.span, "leave it out")


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
