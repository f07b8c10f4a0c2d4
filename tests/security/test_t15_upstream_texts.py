"""T15: what an upstream says in its errors, secrets of its own above all, is passed to clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.server.client import ANSWER, JSON, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Fault, answers, sends, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "db://root:hunter2@10.0.0.5"
TYPE = "Content-Type: application/json"
BODY = b'{"error":"connect %s","stack":"at /srv/app.py:7"}' % SECRET.encode()
BAD: dict[str, Fault] = {
    "/500": answers(500, BODY, TYPE, f"X-Debug: {SECRET}"),
    "/404": answers(404, BODY, TYPE),
    "/text": answers(503, SECRET.encode(), "Content-Type: text/plain"),
    "/redirect": answers(302, b"", f"Location: http://{SECRET.partition('//')[2]}/"),
    "/reason": sends(f"HTTP/1.1 500 {SECRET}\r\nContent-Length: 0\r\n\r\n".encode()),
    "/no-json": answers(200, BODY[:-3], TYPE),
    "/page": answers(200, b"<h1>" + SECRET.encode() + b"</h1>", "Content-Type: text/html"),
    "/no-http": sends(SECRET.encode() + b"\r\n\r\n"),
    "/coding": answers(200, b"{}", TYPE, "Content-Encoding: " + SECRET.partition("//")[2]),
    "/charset": answers(200, b"{}", f"Content-Type: text/plain; charset={SECRET}"),
}
FORMS = [JSON, ANSWER, "application/jsonl", "text/event-stream"]
QUERIES = [
    "select * from {} as f",
    "select * from {} as f; select * from /ok as o where id = f.id",
    "select * from {} as f retry 1 backoff 1ms",
    "select * from {} as f optional",
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def both() -> AsyncIterator[tuple[Site, Site]]:
    """A server as it is by default, and one that shows everything."""
    async with upstream(BAD) as up:
        shy, frank = (settings_for(up, ANSWER__DETAILS=word) for word in ("status", "full"))
        async with serving(create_app(shy)) as one, serving(create_app(frank)) as other:
            yield Site(one), Site(other)


@pytest.mark.parametrize("path", BAD)
@pytest.mark.parametrize("query", QUERIES)
async def test_its_words_stay_with_it(both: tuple[Site, Site], path: str, query: str) -> None:
    for form in FORMS[:2]:
        response = await both[0].ask(query.format(path), None, form)
        assert "f" in {error["task"] for error in response.json()["errors"]}
        told = response.body + repr(response.headers).encode()
        for word in ("hunter2", "10.0.0.5", "app.py"):
            assert word.encode() not in told


@pytest.mark.parametrize("path", BAD)
@pytest.mark.parametrize("form", FORMS[2:])
async def test_nor_are_they_in_a_stream(both: tuple[Site, Site], path: str, form: str) -> None:
    reader, writer = await both[0].connect()
    text = f"select * from {path} as f".encode()
    head = f"POST /apiql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {form}\r\n"
    head += f"Content-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n"
    writer.write(head.encode() + text)
    found = await reader.read()
    writer.close()
    assert b"UPSTREAM_" in found or b"BAD_PAYLOAD" in found
    assert b"hunter2" not in found


async def test_who_sets_full_sees_them(both: tuple[Site, Site]) -> None:
    response = await both[1].ask("select * from /500 as f")
    assert response.json()["errors"][0]["upstream"]["body"]["error"] == f"connect {SECRET}"
