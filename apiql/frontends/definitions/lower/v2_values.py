"""Value sources of the second generation -> closures over the heap and the request, compiled once.

A template that does not parse, or cannot be carried out, is refused where it is needed: status 500.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from msgspec import Struct

from apiql.errors import ValueRefused
from apiql.frontends.definitions.lower.v2_state import NUMBERS, Heap, data_of, refused
from apiql.frontends.definitions.v2.value import Value
from apiql.gotemplate import (
    Fault,
    Function,
    Kind,
    Mode,
    Template,
    TemplateRefused,
    compile_template,
)
from apiql.gotemplate.json_template import compile_json
from apiql.gotemplate.quick import Way, quick_path, text_at
from apiql.gotemplate.quoting import json_text
from apiql.gotemplate.values import seen


class Seen(Struct, frozen=True):
    """What a value is made of; `secrets` are the private values of a call, by their number."""

    heap: Heap
    query: Mapping[str, str]
    headers: Mapping[str, str]
    secrets: tuple[Any, ...] = ()


Read: TypeAlias = Callable[[Seen], Any]
Templates: TypeAlias = dict[tuple[str, Mode, bool], Template | str]
"""Templates that were compiled already, or why they cannot be."""
Private: TypeAlias = Callable[[str], Read]
"""How a private value is found by its name."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What values are compiled on. `functions` are all that templates may call, `known` tells the
    text of a value that is the same in every request.
    """

    functions: Mapping[str, Function]
    environ: Mapping[str, str] = field(repr=False)
    private: Private = field(repr=False)
    strict: bool = False
    known: Callable[[Value], str | None] = lambda value: None
    templates: Templates = field(default_factory=dict)


def reader(value: Value, sources: Sources) -> Read:
    """How a value is found."""
    fixed = sources.known(value)
    return _reader(value, sources) if fixed is None else constant(fixed)


def _reader(value: Value, sources: Sources) -> Read:
    content = value.content
    match value.kind:
        case "literal":
            return constant(content)
        case "query":
            return lambda seen: seen.query.get(content, "")
        case "header":
            name = content.lower()
            return lambda seen: seen.headers.get(name, "")
        case "env":
            return constant(sources.environ.get(content, ""))
        case "private":
            return sources.private(content)
        case "origin":
            return path_reader(("origin", *content.split(".")), sources)
        case "heap":
            return path_reader(tuple(content.split(".")), sources)
        case "template":
            return template_reader(content, sources)
        case "json" | "jsonRaw":
            return _json_reader(value, sources)
        case _:
            return _function_reader(content, value.args.split(), sources.functions)


def text_reader(value: Value, sources: Sources) -> Read:
    """How a value is found where only a text will do."""
    read = reader(value, sources)
    if value.kind != "jsonRaw":
        return read

    def text(seen: Seen) -> Any:
        found = read(seen)
        if not isinstance(found, str):
            raise refused("jsonRaw gives no text", hint='"from": "json" writes it as one')
        return found

    return text


def fixed_text(value: Value | None) -> str | None:
    """The text of a value that is written down."""
    if value is None or value.kind not in ("literal", "template"):
        return None
    return value.content if value.kind == "literal" or "{{" not in value.content else None


def constant(found: Any) -> Read:
    """What is always the same."""
    return lambda seen: found


def path_reader(names: tuple[str, ...], sources: Sources) -> Read:
    """What stands at a path of the heap, as Go prints it."""
    return template_reader("{{." + ".".join(names) + "}}", sources)


def template_reader(text: str, sources: Sources, mode: Mode = Mode.TEXT) -> Read:
    """The text of a template over the heap; html/template knows no functions of ours."""
    whole = _templated(text, sources, mode)
    way = quick_path(text) if mode is Mode.TEXT else ()
    return _quick(way, whole) if way else whole


def _quick(way: Way, whole: Read) -> Read:
    """The text at a path; what is none, or is not there, the template writes."""

    def read(seen: Seen) -> Any:
        found = text_at(seen.heap, way, NUMBERS)
        return whole(seen) if found is None else found

    return read


def _templated(text: str, sources: Sources, mode: Mode) -> Read:
    functions = sources.functions if mode is Mode.TEXT else {}
    template = compiled_once(text, functions, mode, sources.templates)
    if isinstance(template, str):
        return refusing(f"the template does not parse: {template}")
    if template.constant is not None:
        return constant(template.constant)
    return _rendering(template)


def compiled_once(
    text: str, functions: Mapping[str, Function], mode: Mode, known: Templates
) -> Template | str:
    """A template, or why there is none."""
    key = text, mode, bool(functions)
    found = known.get(key)
    if found is None:
        try:
            found = compile_template(text, functions, mode)
        except TemplateRefused as wrong:
            found = wrong.fault.message
        known[key] = found
    return found


def _rendering(template: Template) -> Read:
    def read(seen: Seen) -> str:
        text, fault = template.render(data_of(seen.heap))
        if fault is not None:
            _stop(fault, seen)
        return text

    return read


def _json_reader(value: Value, sources: Sources) -> Read:
    try:
        rules = compile_json(value.data, sources.functions, sources.strict)
    except TemplateRefused as wrong:
        return refusing(f"the template does not parse: {wrong.fault.message}")
    as_text = value.kind == "json"

    def read(given: Seen) -> Any:
        found, fault = rules.render(data_of(given.heap))
        if fault is not None:
            _stop(fault, given)
        if not as_text:
            return found
        return found if isinstance(found, str) else json_text(seen(found, Kind.NUMBER))

    return read


def _stop(fault: Fault, seen: Seen) -> NoReturn:
    """Refuses; next to private values without the words that could hold one."""
    why = "it uses private values" if seen.secrets else fault.message
    at = "" if fault.at is None else f", at <{fault.at}>"
    raise refused(f"the template cannot be carried out: {why}{at}")


def _function_reader(name: str, args: list[str], functions: Mapping[str, Function]) -> Read:
    function = functions.get(name)
    if function is None:
        return refusing(f"there is no function {name}")
    call, printed = function.call, function.printed

    def read(seen: Seen) -> Any:
        found = seen.heap.get("vars") or {}
        given = [str(found.get(arg, "")) for arg in args]
        if printed and given:
            given = ["".join(given)]
        try:
            return str(call(*given))
        except (ValueRefused, TypeError) as error:
            raise refused(f"{name} cannot be called so: {type(error).__name__}") from None

    return read


def refusing(message: str, status: int = 500) -> Read:
    """What can never be found."""

    def read(seen: Seen) -> NoReturn:
        raise refused(message, status)

    return read
