"""Clauses that carry parameters --lower--> bindings: each value at its place in the request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text.expressions import Span
from apiql.frontends.text.values import Lowering
from apiql.frontends.text.words import quoted
from apiql.ir.header_names import may_be_set
from apiql.ir.request import Binding, Endpoint, Place, Slot
from apiql.ir.values import ElementRoot, Literal, Ref, Value

PLACES = {
    "query": Place.QUERY,
    "headers": Place.HEADER,
    "cookies": Place.COOKIE,
    "form": Place.FORM,
}
IN_QUERY = frozenset({"get", "head", "delete"})
PARAMETER = re.compile(r"\$\{?([^\W\d]\w*)\}?")
COOKIE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")


@dataclass(frozen=True, slots=True)
class Call:
    """What the bindings of a select depend on; `name` is its own."""

    method: str
    endpoint: Endpoint
    most: int
    name: str = ""

    @property
    def slots(self) -> dict[str, Slot]:
        """The placeholders of the template by name."""
        parts = (*self.endpoint.path, *(part for _, part in self.endpoint.query))
        return {part.name: part for part in parts if isinstance(part, Slot)}


def lower_bindings(
    clauses: Iterable[cl.Clause], call: Call, lowering: Lowering, span: Span
) -> tuple[Binding, ...]:
    """The bindings of a select; `span` is its location, for what is missing."""
    found: list[tuple[Binding, Span]] = []
    clauses = tuple(clauses)
    whole = any(isinstance(c, cl.Body) or (isinstance(c, cl.Pairs) and c.word == "form")
                for c in clauses)  # fmt: skip
    for clause in clauses:
        check_texts(clause, lowering)
        match clause:
            case cl.Where(binds):
                found += _where(binds, call, whole, lowering)
            case cl.Pairs(word, pairs):
                found += _pairs(PLACES[word], pairs, lowering)
            case cl.Body(value, place):
                found.append((Binding(Place.BODY, (), lowering.value(value)), place))
    _check_body(clauses, call, lowering)
    _check_cookies(found, lowering)
    _check_twice(found, lowering)
    _check_slots(found, call, lowering, span)
    if len(found) > call.most:
        message = f"this select goes over the limit params_per_task = {call.most}"
        lowering.findings.add(Code.LIMIT_EXCEEDED, message, span)
    return tuple(binding for binding, _ in found)


def check_texts(clause: cl.Clause, lowering: Lowering) -> None:
    """Notes parameters in quotes: they are texts, and would be sent as such."""
    binds: Iterable[cl.Bind | cl.Each] = ()
    match clause:
        case cl.Where(found) | cl.Pairs(_, found):
            binds = found
    for value in (bind.value for bind in binds):
        match value:
            case e.Constant(str(text)) | e.Reference(e.Word(text, _, True), (), False):
                named = PARAMETER.fullmatch(text)
                if named:
                    message = f"`{text[:64]}` in quotes is a text, not the parameter"
                    hint = f"write ${named[1][:64]}; this text is concat('$', '{text[1:64]}')"
                    lowering.findings.add(Code.VALIDATION, message, value.span, hint)


def _where(
    binds: Iterable[cl.Bind | cl.Each], call: Call, whole: bool, lowering: Lowering
) -> Iterable[tuple[Binding, Span]]:
    number = 0
    for bind in binds:
        if isinstance(bind, cl.Bind):
            value = lowering.value(bind.value)
            yield from _placed(bind.place, value, bind.span, call, whole, lowering)
            continue
        for place in bind.places:
            value = Ref(ElementRoot(number))
            number += 1
            for binding, span in _placed(place, value, bind.span, call, whole, lowering):
                yield replace(binding, style=_style(bind, binding, call, lowering)), span


def _style(each: cl.Each, binding: Binding, call: Call, lowering: Lowering) -> str | None:
    """How a batch is written; in a path with commas, where nothing else can be."""
    if each.batch is None or not _is_in_path(binding, call):
        return None if each.batch is None else each.batch.style
    if each.batch.style not in (None, "csv"):
        message = "in a path a batch is written with commas"
        lowering.findings.add(Code.VALIDATION, message, each.batch.span, "write `as csv`")
    return "csv"


def _is_in_path(binding: Binding, call: Call) -> bool:
    """Whether it fills a placeholder of the path itself, not of the query string behind it."""
    slots = (part for part in call.endpoint.path if isinstance(part, Slot))
    return binding.place is Place.PATH and any(slot.name == binding.name[0] for slot in slots)


def _placed(
    place: tuple[str, ...], value: Value, span: Span, call: Call, whole: bool, lowering: Lowering
) -> Iterable[tuple[Binding, Span]]:
    """A value at its place: a placeholder, the query string, a member of the body."""
    name = ".".join(place)
    if name in call.slots:
        yield Binding(Place.PATH, (name,), value), span
    elif whole:
        message = f"next to `body` or `form`, where fills only placeholders, not `{name}`"
        hint = "put it into the body or form, or use the clause `query`"
        lowering.findings.add(Code.VALIDATION, message, span, hint)
    elif call.method in IN_QUERY:
        if len(place) > 1 and place[0] == call.name:
            _refuse_qualified(place, span, lowering)
        yield Binding(Place.QUERY, (name,), value), span
    else:
        yield Binding(Place.MEMBER, place, value), span


def _refuse_qualified(place: tuple[str, ...], span: Span, lowering: Lowering) -> None:
    """`o.userId`, where `o` is a select: a column in SQL, a parameter of this name here."""
    name = ".".join(place)
    message = (
        f"`{name}` would be sent as the parameter of this name, and `{place[0]}` is this select"
    )
    hint = f"write {'.'.join(place[1:])}; a parameter of this name stands in quotes: {quoted(name)}"
    lowering.findings.add(Code.VALIDATION, message, span, hint)


def _pairs(
    place: Place, pairs: Iterable[cl.Bind], lowering: Lowering
) -> Iterable[tuple[Binding, Span]]:
    for pair in pairs:
        name = pair.place[0]
        if place is Place.HEADER and not may_be_set(name):
            message = f"the header `{name[:64]}` cannot be set by a query"
            hint = "names are letters, digits and -; the connection's own headers are ours"
            lowering.findings.add(Code.BAD_VALUE, message, pair.span, hint)
        if place is Place.COOKIE and not COOKIE.fullmatch(name):
            message = f"`{name[:64]}` is no name for a cookie"
            lowering.findings.add(Code.BAD_VALUE, message, pair.span)
        yield Binding(place, (name,), lowering.value(pair.value)), pair.span


def _check_body(clauses: tuple[cl.Clause, ...], call: Call, lowering: Lowering) -> None:
    bodies = [c for c in clauses if isinstance(c, cl.Body)]
    forms = [c for c in clauses if isinstance(c, cl.Pairs) and c.word == "form"]
    if bodies and forms:
        message = "a call has one body: `body` or `form`"
        lowering.findings.add(Code.VALIDATION, message, forms[0].span, "leave one of them out")
    if call.method in ("get", "head"):
        carriers: tuple[cl.Clause, ...] = (*bodies, *forms)
        for clause in carriers:
            message = f"{call.method} carries no body"
            hint = "use post, put or patch, or put the values into `query`"
            lowering.findings.add(Code.VALIDATION, message, clause.span, hint)


def _check_cookies(found: list[tuple[Binding, Span]], lowering: Lowering) -> None:
    cookies = any(binding.place is Place.COOKIE for binding, _ in found)
    for binding, span in found:
        if cookies and binding.place is Place.HEADER and binding.name[0].lower() == "cookie":
            message = "a call has one Cookie header: by `cookies` or by `headers`"
            lowering.findings.add(Code.VALIDATION, message, span, "leave one of them out")


def _check_twice(found: list[tuple[Binding, Span]], lowering: Lowering) -> None:
    seen: dict[tuple[Place, tuple[str, ...]], Span] = {}
    for binding, span in found:
        name = binding.name
        if binding.place is Place.HEADER:
            name = tuple(part.lower() for part in name)
        for key in _same_place(binding.place, name):
            if key in seen:
                what = ".".join(name) or "the body"
                message = f"`{what}` has two values in one place ({binding.place.value})"
                hint = "leave one of them out"
                lowering.findings.twice(Code.DUPLICATE_NAME, message, seen[key], span, hint)
                break
        seen[binding.place, name] = span
        if binding.place is Place.MEMBER:
            for length in range(1, len(name)):
                seen.setdefault((Place.MEMBER, (*name[:length], "")), span)


def _same_place(place: Place, name: tuple[str, ...]) -> Iterable[tuple[Place, tuple[str, ...]]]:
    """The keys that would clash: the name itself; for a body also a parent or a child of it."""
    yield place, name
    if place is Place.MEMBER:
        yield place, (*name, "")
        for length in range(1, len(name)):
            yield place, name[:length]


def _check_slots(
    found: list[tuple[Binding, Span]], call: Call, lowering: Lowering, span: Span
) -> None:
    filled = {b.name[0]: b.value for b, _ in found if b.place is Place.PATH}
    for name, slot in call.slots.items():
        value = filled.get(name)
        missing = value is None or (isinstance(value, Literal) and value.value is None)
        if missing and not slot.optional:
            message = f"nothing fills the placeholder {{{name}}}"
            hint = f"add `where {name} = …`, or write {{{name}?}} if it may stay empty"
            lowering.findings.add(Code.MISSING_PARAMETER, message, span, hint)
