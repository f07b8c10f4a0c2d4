"""A configuration with mistakes -> one without, so that the rest of it can be looked at as a whole.

What is made here is never served.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pydantic_core import ErrorDetails

_HOST = "http://host.invalid"
_BACKEND = {"hosts": [_HOST], "path": "/", "method": "GET"}
_MODIFIER = {"context": "REQUEST", "action": "DEL", "key": "X"}
_REQUIRED: dict[str | int, Any] = {"hosts": [_HOST], "method": "GET"}
"""What may be put in place of required members without others seeing it."""


def repaired(value: Any, errors: Iterable[ErrorDetails]) -> Any:
    """The value, changed in place, without what the errors are about."""
    for error in sorted(errors, key=lambda error: error["type"] != "extra_forbidden"):
        # What stood in something that was replaced before is not there any more.
        with suppress(LookupError, TypeError, AttributeError):
            if error["type"] == "extra_forbidden":
                del _container(value, error["loc"][:-1])[error["loc"][-1]]
            else:
                _repair(value, error["loc"])
    return value


def _repair(value: Any, loc: tuple[str | int, ...]) -> None:
    match loc:
        case ("endpoints", int() as index, *inside):
            _in_endpoint(value["endpoints"], index, tuple(inside))
        case ("middlewares", str() as name, *inside):
            if not _in_backend(value["middlewares"], name, tuple(inside)):
                value["middlewares"][name] = dict(_BACKEND)
        case ("endpoints", *_):
            value["endpoints"] = [_endpoint(0)]
        case ("port", *_):
            value["port"] = 1
        case (str() as name, *_):
            value.pop(name, None)


def _endpoint(index: int) -> dict[str, Any]:
    return {"path": f"/-/{index}", "method": "GET", "backends": [dict(_BACKEND)]}


def _in_endpoint(endpoints: list[Any], index: int, inside: tuple[str | int, ...]) -> None:
    endpoint = endpoints[index]
    match inside:
        case ("backends", int() as at, *rest) if isinstance(endpoint, dict):
            if not _in_backend(endpoint["backends"], at, tuple(rest)):
                endpoints[index] = _endpoint(index)
        case (str() as name, *_) if isinstance(endpoint, dict) and name not in _WHOLE:
            endpoint.pop(name, None)
        case _:
            endpoints[index] = _endpoint(index)


_WHOLE = ("path", "method", "backends")
"""Without these nothing can be said of an endpoint."""


def _in_backend(backends: Any, key: Any, inside: tuple[str | int, ...]) -> bool:
    """Whether a backend can be looked at without what is wrong in it."""
    backend = backends[key]
    match inside:
        case ("modifiers", str() as kind, int() as at, *_):
            backend["modifiers"][kind][at] = _modifier(kind, backend["modifiers"][kind][at])
            return True
        case (str() as name, *_) if isinstance(backend, dict) and name in _REQUIRED:
            backend[name] = _REQUIRED[name]
            return True
        case ("name" | "forward-headers" | "forward-queries" | "extra-config" | "request" as n, *_):
            backend.pop(n, None)
            return True
        case ("modifiers", "status-code"):
            backend["modifiers"].pop("status-code", None)
            return True
        case _:
            return False


def _modifier(kind: str, broken: Any) -> dict[str, Any]:
    """One that does nothing; of a parameter, one that makes it, so that nobody misses it."""
    key = broken.get("key") if isinstance(broken, dict) else None
    if kind != "param" or not isinstance(key, str):
        return dict(_MODIFIER)
    return {"context": "", "action": "SET", "key": key, "value": "", "propagate": True}


def _container(value: Any, loc: tuple[str | int, ...]) -> Any:
    for key in loc:
        value = value[key]
    return value
