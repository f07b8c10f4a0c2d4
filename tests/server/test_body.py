"""The body of a request: both ways to receive one have the same bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from apiql.errors import RequestRefused
from apiql.server.body import RECEIVED, body_of, take_body
from apiql.server.protocol import Protocol
from apiql.server.visit import Visit

WAYS = ["with its head", "later"]
BODY = b"0123456789"


def visit_with(body: bytes, way: str, fields: Mapping[bytes, bytes]) -> Visit:
    """A request that has this body, which is here or comes later."""
    scope: dict[str, Any] = {"extensions": {}}
    if way == "with its head":
        scope["extensions"][RECEIVED] = lambda of: body if of is scope else None

    async def receive() -> dict[str, Any]:
        assert way == "later"
        return {"type": "http.request", "body": body, "more_body": False}

    return Visit(scope, receive, dict(fields))


@pytest.mark.parametrize("way", WAYS)
async def test_a_body_is_read_up_to_its_limit(way: str) -> None:
    assert await body_of(visit_with(BODY, way, {}), len(BODY)) == BODY


@pytest.mark.parametrize(
    ("fields", "most", "code"),
    [
        ({}, 9, "BODY_TOO_LARGE"),
        ({b"content-length": b"11"}, 10, "BODY_TOO_LARGE"),
        ({b"content-encoding": b"gzip"}, 10, "UNSUPPORTED_MEDIA_TYPE"),
        ({b"content-encoding": b" Identity "}, 10, None),
    ],
)
@pytest.mark.parametrize("way", WAYS)
async def test_what_is_refused_is_refused_both_ways(
    way: str, fields: Mapping[bytes, bytes], most: int, code: str | None
) -> None:
    visit = visit_with(BODY, way, fields)
    if code is None:
        assert await body_of(visit, most) == BODY
        return
    with pytest.raises(RequestRefused) as refused:
        await body_of(visit, most)
    assert refused.value.code == code


async def test_what_a_guard_has_read_is_there_once_and_has_the_limit_of_who_takes_it() -> None:
    visit = visit_with(b"", "later", {})
    visit.body = BODY
    assert take_body(visit, 10) == BODY
    assert not getattr(visit, "body")  # noqa: B009  # a large one is not held while its query runs
    visit.body = BODY
    with pytest.raises(RequestRefused, match="body_bytes = 9"):
        take_body(visit, 9)


async def test_a_connection_has_the_body_of_its_own_request_while_the_client_is_there() -> None:
    scope: dict[str, Any] = {}
    connection: Any = Protocol.__new__(Protocol)
    connection.flow = SimpleNamespace(resume_reading=lambda: None)
    connection.cycle = cycle = SimpleNamespace(
        scope=scope, more_body=False, disconnected=False, body=bytearray(BODY),
        message_event=asyncio.Event(),
    )  # fmt: skip
    assert connection.received({}) is None  # that of another request, pipelined behind this one
    cycle.more_body = True
    assert connection.received(scope) is None
    cycle.more_body, cycle.disconnected = False, True
    assert connection.received(scope) is None
    cycle.disconnected = False
    cycle.message_event.set()
    assert connection.received(scope) == BODY
    assert not cycle.message_event.is_set()  # who waits from now on waits for the client to leave
