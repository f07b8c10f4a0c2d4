"""What stands after `in` as closures: an element that is not there fails by itself."""

from __future__ import annotations

from typing import Any

from apiql.errors import Code
from apiql.ir.values import Items, ParamRoot, Part, Ref, ResultRoot, Value
from apiql.plugins import Registry
from apiql.runtime import walk
from apiql.runtime.evaluate import compile_ref, compile_value
from apiql.runtime.invoking import null_for_missing
from apiql.runtime.outcome import Lost, Unmet, unmet
from apiql.runtime.scope import Evaluate, Reads, Scope


def compile_elements(value: Value, functions: Registry, reads: Reads) -> Evaluate:
    """The closure of what stands after `in`: its lists hold MISSING or `Lost` where an element is
    not there, so that only this element fails.
    """
    match value:
        case Ref(ResultRoot(), part=Part.BODY):
            return _tolerant(value, compile_ref(value, functions, reads, exact=True))
        case Ref(ParamRoot()):
            return _complete(value, compile_ref(value, functions, reads, exact=True))
        case Items(items):
            parts = [compile_elements(item, functions, reads) for item in items]
            return lambda scope: [_element(part, scope) for part in parts]
        case _:
            return null_for_missing(compile_value(value, functions, reads))


def _tolerant(ref: Ref, inner: Evaluate) -> Evaluate:
    """`in x.ids?`: nothing fails where an element is missing."""
    if not ref.optional:
        return inner
    return lambda scope: walk.without_missing(inner(scope))


def _complete(ref: Ref, inner: Evaluate) -> Evaluate:
    """`in $items.sku`: a missing element is a missing parameter, unless `?` allows it."""

    def evaluate(scope: Scope) -> Any:
        found = inner(scope)
        missing = None if ref.optional else walk.first_missing(found)
        if missing is not None:
            place = "".join(f"[{index}]" for index in missing)
            raise unmet(Code.MISSING_VARIABLE, f"the element {place} of {ref} is missing")
        return walk.without_missing(found) if ref.optional else found

    return evaluate


def _element(part: Evaluate, scope: Scope) -> Any:
    try:
        return part(scope)
    except Unmet as error:
        if error.failure.code is Code.MISSING_VARIABLE:
            raise
        return Lost(error.failure)
