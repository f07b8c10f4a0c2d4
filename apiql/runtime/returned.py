"""`return`: the answer's data made of what the answer would hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw

from apiql.ir.values import Items, OutputRoot, Record, Ref, Spread, Value
from apiql.plugins import Registry
from apiql.runtime.evaluate import compile_value
from apiql.runtime.json_values import decode
from apiql.runtime.outcome import MISSING
from apiql.runtime.scope import Evaluate, Reads, Scope


@dataclass(slots=True)
class JsonMembers:
    """Members of the answer as JSON, decoded when something inside them is read."""

    found: Mapping[str, bytes]
    _values: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """The decoded member."""
        if name not in self._values:
            self._values[name] = decode(self.found[name])
        return self._values[name]


def compile_returned(value: Value, functions: Registry, reads: Reads) -> Evaluate:
    """The closure of `return`: a value whose whole members are JSON as it is (`Raw`)."""
    match value:
        case Ref(OutputRoot(name), (), _):
            return lambda scope: _whole(scope, name)
        case Record(members) if not any(isinstance(v, Spread) for _, v in members):
            pairs = [(key, compile_returned(v, functions, reads)) for key, v in members]
            return lambda scope: {
                key: found for key, part in pairs if (found := part(scope)) is not MISSING
            }
        case Items(items) if not any(isinstance(item, Spread) for item in items):
            parts = [compile_returned(item, functions, reads) for item in items]
            return lambda scope: [_null(part(scope)) for part in parts]
        case _:
            return compile_value(value, functions, reads)


def compile_answer(value: Value, functions: Registry, reads: Reads) -> Evaluate:
    """The closure of a whole `return`: null where it is missing."""
    found = compile_returned(value, functions, reads)
    return lambda scope: _null(found(scope))


def _whole(scope: Scope, name: str) -> Any:
    assert isinstance(scope.members, JsonMembers)
    return Raw(scope.members.found[name])


def _null(value: Any) -> Any:
    return None if value is MISSING else value
