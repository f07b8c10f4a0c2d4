"""The layer that tells an upstream how much time is left, in a header of the operator's choice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from apiql.sources.call import Call, Layer, Reply


def telling_deadline(inner: Layer, name: str, clock: Callable[[], float]) -> Layer:
    """Wraps a layer so that each call has a header with its milliseconds, in the place of one that
    the caller may have set.
    """
    lower = name.lower()

    def layer(call: Call) -> Awaitable[Reply]:
        left = max(0, int((call.deadline - clock()) * 1000))
        headers = call.headers
        if any(key.lower() == lower for key, _ in headers):
            headers = tuple(pair for pair in headers if pair[0].lower() != lower)
        passing = (*call.passing, (name, str(left)))
        return inner(replace(call, headers=headers, passing=passing))

    return layer
