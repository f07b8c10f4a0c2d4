"""The sources of values, of both generations, as values of a text."""

from __future__ import annotations

from apiql.frontends.definitions.convert.conversion import Conversion, Place
from apiql.frontends.definitions.convert.scope import Scope
from apiql.frontends.definitions.convert.templates import applied, of_json, of_template
from apiql.frontends.definitions.convert.values import Applied, Fixed, Header, Hidden, Value
from apiql.frontends.definitions.v1.source import CacheSource, Given, Source
from apiql.frontends.definitions.v2.value import Argument
from apiql.frontends.definitions.v2.value import Value as ValueV2
from apiql.json_nodes import quoted


def of_source(
    conversion: Conversion, source: Source | CacheSource | ValueV2, scope: Scope, place: Place
) -> Value:
    """The value of a source."""
    named = source.content if isinstance(source, ValueV2) else source.name
    where = place / ("content" if isinstance(source, ValueV2) else "name")
    match source.kind:
        case "literal":
            return Fixed(named)
        case "query":
            return conversion.parameter(named, "query", True, where)
        case "header":
            return Header(named)
        case "origin" | "result":
            return scope.found(conversion, (source.kind, *named.split(".")), where)
        case "StepResult" | "heap":
            return scope.found(conversion, tuple(named.split(".")), where)
        case "template":
            return of_template(conversion, named, scope, where)
        case "func":
            return _function(conversion, named, source.args, scope, where)
        case _:
            return _other(conversion, source, named, scope, where)


def _other(
    conversion: Conversion, source: Source | CacheSource | ValueV2, named: str, scope: Scope,
    place: Place,
) -> Value:  # fmt: skip
    match source.kind:
        case "private" if scope.private:
            return Hidden(f"{scope.private}.{named}")
        case "private":
            return conversion.gap(place, "a private value where no file of them is named")
        case "env":
            return conversion.gap(place, "a variable of the environment: settings can name one")
        case _:
            member = "json" if isinstance(source, ValueV2) else "template"
            last = Place(place.document, (*place.keys[:-1], member))
            return of_json(conversion, source.data, scope, last)


def _function(conversion: Conversion, name: str, args: str, scope: Scope, place: Place) -> Value:
    made = applied(name, [scope.sent.get(word, Fixed("")) for word in args.split()])
    return made or conversion.gap(place, f"the function {quoted(name)}")


def of_given(conversion: Conversion, given: Given, scope: Scope, place: Place) -> Value:
    """A named value of the first generation."""
    if given.value or given.source is None:
        return Fixed(given.value)
    return _as_sent(of_source(conversion, given.source, scope, place / "from"), given.source.kind)


def of_argument(conversion: Conversion, given: Argument, scope: Scope, place: Place) -> Value:
    """A named value of the second generation."""
    return _as_sent(of_source(conversion, given.value, scope, place / "value"), given.value.kind)


def _as_sent(value: Value, kind: str) -> Value:
    """JSON that is given as a text is one."""
    return Applied("json", (value,)) if kind in ("JsonTemplate", "json") else value
