"""T10: a name or value of a header ends the header, so that the upstream reads another request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin
from apiql.sources.request import opening, request_bytes
from tests.security.ground import Ground, ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

VALUES = [
    "a\r\nX-Admin: 1",
    "a\nX: 1",
    "a\rX: 1",
    "a\x00b",
    "\r\n\r\nGET /admin HTTP/1.1",
    "ä",
    "a\x7f",
    "a\u2028b",
    "\u560d\u560aX: 1",
    " a",
    "a\t",
    "\x0b",
]
OURS = [
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
    "Keep-Alive",
    "Proxy-Authorization",
    "Proxy-Connection",
    "transfer-encoding",
    "hOST",
    "X-APIQL-Depth",
]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site() -> AsyncIterator[Ground]:
    """A server with an upstream."""
    async with ground() as found:
        yield found


@pytest.mark.parametrize("value", VALUES)
async def test_a_value_that_no_header_takes_is_refused(site: Ground, value: str) -> None:
    for clause in ("headers X-A = $v", "cookies a = $v"):
        response = await site.ask(f"select * from /echo as x {clause}", {"v": value})
        if clause.startswith("cookies") and response.status == 200:
            sent = response.json()["data"]["x"]["headers"]["cookie"]
            assert sent.isprintable()
            continue
        assert (response.status, response.codes()) == (422, ["BAD_VALUE"]), response.body
        site.untouched()


@pytest.mark.parametrize("name", OURS)
async def test_the_fields_of_the_connection_are_no_querys(site: Ground, name: str) -> None:
    response = await site.ask(f"select * from /echo as x headers {name} = 'chunked'")
    assert (response.status, response.codes()) == (422, ["BAD_VALUE"])
    site.untouched()


@pytest.mark.parametrize("name", ["'X A'", "'X:A'", "'X\\r\\nA'", "''", "'X/A'", "'ä'"])
async def test_a_name_that_is_none_is_refused(site: Ground, name: str) -> None:
    response = await site.ask(f"select * from /echo as x headers {name} = '1'")
    assert response.status in (400, 422)
    site.untouched()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("passing", (("X", "a\r\nb"),)),
        ("passing", (("X\r\nY", "a"),)),
        ("headers", (("X", "a\nb"),)),
        ("headers", (("Host", "a"),)),
        ("target", "/a b"),
        ("target", "/a\r\nX: 1"),
        ("target", "a"),
        ("target", "/ä"),
        ("method", "GET / HTTP/1.1\r\nX"),
        ("passing", (("", ""),)),
    ],
)
async def test_the_last_who_writes_it_refuses_it_again(field: str, value: object) -> None:
    origin = Origin("http", "a.test", 80)
    given: dict[str, Any] = {"method": "GET", "target": "/", "headers": (), "passing": ()}
    given[field] = value
    call = Call(given["method"], origin, given["target"], given["headers"], None, 0.0,
                passing=given["passing"])  # fmt: skip
    with pytest.raises(CallFailed) as failed:
        request_bytes(call, call.method, opening("a.test"))
    assert failed.value.code is Code.BAD_VALUE


@pytest.mark.parametrize(
    "fields",
    ["Transfer-Encoding: chunked\r\nContent-Length: 4", "Content-Length: 4\r\nContent-Length: 5",
     "Content-Length: +4", "Transfer-Encoding: x, chunked"],
)  # fmt: skip
async def test_a_request_with_two_ends_is_not_answered_as_one(site: Ground, fields: str) -> None:
    """What comes behind it is never taken for a request of its own."""
    body = b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n{fields}\r\n\r\n"
    response = await site.site.raw(head.encode() + body)
    assert response.status >= 400
