"""Hostile requests as data: each row of tests/data/bad_queries.jsonl gets the outcome it names.

A row is a query, a body or raw bytes with the status that must answer it, whether an upstream
call may be made, texts that must not come back, parameters that must arrive exactly, and a time.
Names are resolved from a table and connections are recorded; only the test's own upstream is
ever connected to.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiql.server import body as bodies
from tests.security.recorder import Recorder, recorded
from tests.security.upstream_faults import FAULTS
from tests.server.client import Response, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

Row = dict[str, Any]
LINES = Path(__file__).parents[1] / "data" / "bad_queries.jsonl"
ROWS: list[Row] = [json.loads(line) for line in LINES.read_text("utf-8").split("\n") if line]
INNER = "CANARY-SECRET"
NEVER = [INNER, "Traceback (most recent", "root:x:0", "site-packages", "/usr/lib/python",
         "RecursionError", "lark.exceptions"]  # fmt: skip

STALLS = 10
"""Other work on the machine makes a row so much slower: what it takes is told by the processor."""


@dataclass
class Range:
    """The server under fire, its upstream, and what it tried to reach."""

    site: Site
    up: Upstream
    recorder: Recorder

    def filled(self, text: str) -> str:
        """A text with the addresses of this run."""
        home = f"127.0.0.1:{self.up.port}"
        canary = str(self.up.port + 1 if self.up.port < 65535 else 1)
        found = text.replace("{UPH}", home).replace("{UP}", f"http://{home}")
        return found.replace("{C}", canary).replace("{SOCK}", "canary.sock")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shooting() -> AsyncIterator[Range]:
    """A server whose way to the network is recorded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "BODY_TIME", 0.5)
        async with upstream(FAULTS) as up:
            recorder = Recorder(up.port)
            settings = settings_for(
                up, SECURITY__ALLOW_HOSTS=f"127.0.0.1:{up.port}",
                SECURITY__ALLOW_PRIVATE_NETWORKS="true",
                UPSTREAMS__DEFAULT__HEADERS__X_PLANTED="none",  # its data is what it was sent
            )  # fmt: skip
            async with recorded(settings, recorder) as site:
                yield Range(site, up, recorder)


def content(row: Row, found: Range) -> bytes:
    """The text of a row, made from its parts where it is long."""
    if "b64" in row:
        return base64.b64decode(row["b64"])
    made = row.get("gen")
    if made is None:
        return found.filled(row.get("text", "")).encode("utf-8", "surrogatepass")
    units = [made["unit"].replace("{i}", str(n)) for n in range(made["n"])] if made["idx"] else (
        [made["unit"] * made["n"]])  # fmt: skip
    tail = made["mid"] + made["unit2"] * made["n"] + made["post"]
    text: str = found.filled(made["pre"]) + "".join(units) + tail
    return text.encode("utf-8", "surrogatepass")


async def fire(row: Row, found: Range) -> Response | None:
    """The answer to a row; None where raw bytes got none but a closed connection."""
    body = content(row, found)
    if row["kind"] == "raw":
        try:
            return await found.site.raw(body)
        except (EOFError, ConnectionError):
            return None
    if row["kind"] == "query":
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        return await found.site.send("POST", "/apiql", body, headers)
    method, path = row.get("method", "POST"), row.get("path", "/apiql")
    return await found.site.send(method, path, body, row["headers"])


def wrong_status(row: Row, status: int) -> str | None:
    """Why a status is not what the row expects, if it is not."""
    expected = row["expect"]
    upstream_may_fail = expected in ("task_error", "any")
    if status >= 500 and not (upstream_may_fail and status in (502, 503, 504)):
        return f"{status} is never allowed here"
    if expected == "ok" and status != 200:
        return f"{status} instead of 200"
    if expected == "4xx" and not 400 <= status < 500:
        return f"{status} instead of 4xx"
    return None


def wrong_body(row: Row, response: Response) -> Iterator[str]:
    """What is wrong with the bytes of an answer."""
    text = response.body.decode("utf-8", "replace")
    yield from (f"shows {word!r}" for word in [*NEVER, *row.get("not_in", [])] if word in text)
    if row["kind"] == "raw":
        return
    try:
        found = response.json()
    except ValueError as error:
        yield f"is no JSON: {error}"
        return
    if '"code"' not in text and (response.status >= 400 or row["expect"] == "task_error"):
        yield "has no code"
    if response.status == 200 and "echo" in row:
        arrived = next(iter(queries_in(found)), row["echo"])
        if arrived != row["echo"]:
            yield f"was called with {arrived!r}"


def queries_in(value: Any) -> Iterator[Any]:
    """What the upstream's echo says about the query strings that arrived."""
    if isinstance(value, dict):
        if isinstance(value.get("query"), dict) and "target" in value:
            yield value["query"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from queries_in(item)


def marked(row: Row) -> Any:
    """A row as a test of its own name."""
    return pytest.param(row, id=row["id"])


@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
async def test_row(shooting: Range, row: Row) -> None:
    shooting.up.forget()
    shooting.recorder.connected.clear()
    shooting.recorder.looked_up.clear()
    start, worked = time.monotonic(), time.process_time()
    response = await fire(row, shooting)
    worked, took = time.process_time() - worked, time.monotonic() - start
    others = [to for to in shooting.recorder.connected if to != ("127.0.0.1", shooting.up.port)]
    assert not others
    if row["outbound"] == "none":
        assert not shooting.up.seen
        assert not shooting.recorder.looked_up
    if response is None:
        assert row["kind"] == "raw"
        return
    assert wrong_status(row, response.status) is None, response.body[:500]
    assert not list(wrong_body(row, response)), response.body[:500]
    assert worked * 1000 <= row["max_ms"], "server and client work so long"
    assert took * 1000 <= STALLS * row["max_ms"]


async def test_rows_are_all_there() -> None:
    """No row got lost, none stands twice."""
    assert len({row["id"] for row in ROWS}) == len(ROWS) == 385
    assert all(re.fullmatch(r"[A-Z]+-\d{3}", row["id"]) for row in ROWS)
