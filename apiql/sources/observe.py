"""Tells of each call that is made to an upstream, once it has ended. Counts nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Layer, Reply

Made: TypeAlias = Callable[[Call, float, int | None, Code | None], None]
"""A call, its seconds, and its status or why there is none."""


def observed(inner: Layer, made: Made, clock: Callable[[], float]) -> Layer:
    """Wraps a layer. A call that is cancelled is not told of."""

    async def layer(call: Call) -> Reply:
        started = clock()
        try:
            reply = await inner(call)
        except CallFailed as failed:
            made(call, clock() - started, None, failed.code)
            raise
        made(call, clock() - started, reply.status, None)
        return reply

    return layer
