"""The bindings of a fetch as closures, which yield what is placed, or that nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apiql.errors import Code
from apiql.ir.request import Binding, Place
from apiql.ir.rewrite import rewritten
from apiql.ir.secret import Secret
from apiql.ir.values import Literal, Ref, ResultRoot, Value
from apiql.ir.works import Fetch
from apiql.plugins import Registry
from apiql.runtime.evaluate import compile_value
from apiql.runtime.outcome import MISSING, unmet
from apiql.runtime.scope import Evaluate, Reads, Scope


@dataclass(frozen=True, slots=True)
class Filled:
    """A binding with its closure, which yields MISSING where the parameter is left out."""

    binding: Binding
    value: Evaluate


def fill(fetch: Fetch, functions: Registry, reads: Reads) -> tuple[Filled, ...]:
    """Bindings with their closures; what is secret is only taken for its own host."""
    base = fetch.endpoint.base

    def taken(part: Value) -> Value | None:
        return Literal(part.for_host(base)) if isinstance(part, Secret) else None

    return tuple(
        Filled(b, _without_null(b, compile_value(rewritten(b.value, taken), functions, reads)))
        for b in fetch.bindings
    )


def _without_null(binding: Binding, evaluate: Evaluate) -> Evaluate:
    """In a JSON body a null that is there is a value; elsewhere a constant or computed one leaves
    the parameter out, and a reference that is null counts as missing.
    """
    source = binding.value
    if binding.place in (Place.MEMBER, Place.BODY):
        return evaluate

    def value(scope: Scope) -> Any:
        found = evaluate(scope)
        return found if found is not None else _null(source)

    return value


def _null(source: Value) -> Any:
    if isinstance(source, Ref) and not source.optional:
        of_result = isinstance(source.root, ResultRoot)
        code = Code.MISSING_DEPENDENCY if of_result else Code.MISSING_VARIABLE
        raise unmet(code, f"{'not called: ' if of_result else ''}{source} is null")
    return MISSING
