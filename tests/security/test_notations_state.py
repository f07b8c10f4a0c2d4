"""T12 to T21 in the other notations: what definitions, call templates and gateway endpoints keep,
and how much they do.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.security.notations import (
    HERE,
    Field,
    Files,
    backend,
    endpoint,
    field,
    gateway,
    v1_api,
    v2_api,
)
from tests.server.upstream import Exchange, Fault

pytestmark = pytest.mark.asyncio(loop_scope="session")

TYPE = "Content-Type: application/json"
SETTINGS = "[server]\nreload = false\n"
ON = {"enabled": True, "duration": "1m"}
HOUR = {"from": {"from": "template", "name": "{{.result.left}}"}, "format": "second"}


def numbering(*fields: str) -> Fault:
    """An answer with a number that no other has, and who asked for it."""
    numbers = itertools.count(1)

    async def answer(exchange: Exchange) -> None:
        headers = {name.lower(): value for name, value in exchange.headers}
        me = headers.get("x-key") or headers.get("x-user", "")
        body = {"n": next(numbers), "me": me, "left": "3600"}
        await exchange.answer(200, json.dumps(body).encode(), TYPE, *fields)

    return answer


FAULTS = {
    "/n": numbering(), "/private": numbering("Cache-Control: private, max-age=60"),
    "/vary": numbering("Vary: Accept-Encoding, X-User"), "/star": numbering("Vary: *"),
}  # fmt: skip


def keyed(**more: Any) -> dict[str, Any]:
    """An api that shows a private value, whose answer is kept as one for all that ask."""
    shown = {"in": "header", "name": "X-Key", "from": {"from": "private", "name": "key"}}
    scope = {"scope": "definition"}
    return v1_api(f"{HERE}/n", private="k", parameters=[shown], cache=HOUR | scope, **more)


def key(value: str) -> dict[str, Any]:
    return {"privates": [{"name": "key", "value": value}]}


# -- T12 ------------------------------------------------------------------------------------------


async def test_t12_a_token_of_one_bucket_is_none_of_another(tmp_path: Path) -> None:
    files: dict[str, Any] = {"apiql.toml": SETTINGS + "[legacy]\nbuckets = true\n"}
    for bucket in ("acme", "umbra"):
        files |= {f"apis/{bucket}/t.json": keyed(), f"privates/{bucket}/k.json": key(bucket)}
    async with field(tmp_path, files, FAULTS) as found:
        for bucket in ("acme", "umbra", "acme", "umbra"):
            assert (await found.get(f"/api/{bucket}/t")).json()["me"] == bucket
        assert not found.up.seen  # the second time from what is kept


async def test_t12_a_token_that_one_key_got_is_not_for_another(tmp_path: Path) -> None:
    flows = {
        f"flows/{name}.json": {
            "name": name,
            "steps": [{"name": "s", "resultKey": "r", "api": {"id": "t", "private": name}}],
        }
        for name in ("one", "two")
    }
    files = {"apiql.toml": SETTINGS, "apis/t.json": keyed(), **flows,
             **{f"privates/{name}.json": key(name) for name in ("k", "one", "two")}}  # fmt: skip
    async with field(tmp_path, files, FAULTS) as found:
        for name in ("one", "two", "one"):
            assert (await found.get(f"/flow/{name}")).json()["me"] == name


STRATEGY = ON | {"strategy-headers": ["X-A", "X-B"]}
KEPT = gateway(
    endpoint("/two/:a/:b", backend("/n"), cache=ON),
    endpoint("/one/:a", backend("/n"), cache=ON),
    endpoint("/fields", backend("/n"), cache=STRATEGY),
    endpoint("/private", backend("/private"), cache=ON),
    endpoint("/vary", backend("/vary"), cache=ON),
    endpoint("/star", backend("/star"), cache=ON),
    endpoint("/post", backend("/n"), cache=ON, method="POST"),
    cache={"duration": "1m", "only-if-methods": ["GET", "POST"]},
)
OTHERS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "segments": [("/two/1%2F2/3", {}), ("/two/1/2%2F3", {})],
    "a question mark": [("/one/a%3Fq=1", {}), ("/one/a?q=1", {})],
    "a colon": [("/fields", {"X_A": "1:2"}), ("/fields", {"X_A": "1", "X_B": "2"})],
    "another field": [("/fields", {"X_A": "1"}), ("/fields", {"X_B": "1"})],
    "a query that looks like two": [("/one/x?a=1%26b=2", {}), ("/one/x?a=1&b=2", {})],
    "callers": [("/one/x", {"Authorization": "a"}), ("/one/x", {"Cookie": "a"})],
    "private": [("/private", {}), ("/private", {})],
    "what it varies by": [("/vary", {"X_User": "a"}), ("/vary", {"X_User": "b"})],
    "that it varies by that": [("/vary", {"X_User": "a"}), ("/vary", {})],
    "whatever it varies by": [("/star", {}), ("/star", {})],
}


@pytest.mark.parametrize("what", OTHERS)
async def test_t12_what_an_endpoint_keeps_is_for_the_very_same_request(
    tmp_path: Path, what: str
) -> None:
    files: Files = {"apiql.toml": SETTINGS, "endpoints/dev/.json": KEPT}
    async with field(tmp_path, files, FAULTS) as found:
        numbers = [(await found.get(path, **headers)).json()["n"] for path, headers in OTHERS[what]]
    assert len(set(numbers)) == len(numbers)


async def test_t12_the_same_is_kept(tmp_path: Path) -> None:
    files: Files = {"apiql.toml": SETTINGS, "endpoints/dev/.json": KEPT}
    async with field(tmp_path, files, FAULTS) as found:
        for path, headers in (("/vary", {"X_User": "a"}), ("/two/a%2Fb/c?x=1", {"Cookie": "c"})):
            assert (await found.get(path, **headers)).body == (
                await found.get(path, **headers)
            ).body  # fmt: skip
        bodies = [(await found.post("/post", {"a": n})).json()["n"] for n in (1, 2, 1)]
        assert bodies[0] == bodies[2] != bodies[1]


# -- T16 to T20 -----------------------------------------------------------------------------------


def rounds(depth: int, job: dict[str, Any]) -> dict[str, Any]:
    """Loops within loops, as often as the caller says."""
    jobs = [job]
    for number in range(depth):
        counted = {"from": "template", "name": "{{.origin.n}}"}
        jobs = [{"type": "control", "name": "loop", "key": counted, "resultKey": f"l{number}",
                 "tasks": jobs}]  # fmt: skip
    return {"name": "s", "tasks": jobs}


def rounds2(depth: int) -> dict[str, Any]:
    """The same of the second generation, whose jobs call nobody."""
    steps: list[dict[str, Any]] = [
        {"type": "api", "mode": "normal", "api": {"name": "a", "command": "fillBaseInfo"}}
    ]
    for number in range(depth):
        counted = {"from": "template", "content": "{{.origin.n}}"}
        control = {"name": f"l{number}", "key": counted, "resultKey": f"l{number}", "steps": steps}
        steps = [{"type": "loop", "mode": "normal", "control": control}]
    return {"name": "s", "steps": steps}


async def test_t17_loops_within_loops_end_soon_and_alone(tmp_path: Path) -> None:
    """Nobody is called in them: only their rounds cost, and others must have their turn."""
    text = {"type": "json", "from": {"from": "template", "template": {"a": "{{.origin.n}}"}}}
    files: Files = {
        "apiql.toml": SETTINGS,
        "flows/f.json": {"name": "f", "steps": [{"name": "m", "resultKey": "r", "response": text}]},
        "schedules/one.json": rounds(3, {"type": "flow", "name": "f", "resultKey": "x"}),
        "schedules/two.json": rounds2(3),
    }
    async with field(tmp_path, files) as found:
        for path in ("/schedule/one", "/schedule/two"):
            begun, over = time.monotonic(), asyncio.Event()
            looking = asyncio.create_task(longest(found, over))
            response = await found.post(path, {"n": 99})
            over.set()
            assert response.status == 500, response.body
            assert b"10000 times" in response.body or path == "/schedule/two"
            assert time.monotonic() - begun < 15
            assert await looking < 2


async def longest(found: Field, over: asyncio.Event) -> float:
    """The seconds that somebody else waited at the most."""
    most = 0.0
    while not over.is_set():
        before = time.monotonic()
        await found.site.send("GET", "/livez")
        most = max(most, time.monotonic() - before)
    return most


async def test_t17_the_calls_of_loops_have_the_budget_of_a_query(tmp_path: Path) -> None:
    files: Files = {
        "apiql.toml": SETTINGS, "apis/x.json": v1_api(f"{HERE}/ok"),
        "schedules/one.json": rounds(2, {"type": "api", "name": "x", "resultKey": "x"}),
    }  # fmt: skip
    async with field(tmp_path, files) as found:
        await found.post("/schedule/one", {"n": 60})
        assert len(found.up.seen) <= 200


BOMBS: dict[str, tuple[str, Any]] = {
    "a product": ("{{range .origin.v}}{{range $.origin.v}}x{{end}}{{end}}", [1] * 4000),
    "a width": ('{{printf "%*d" .origin.v 1}}', 10**9),
    "a format": ("{{printf .origin.v 1}}", "%99999999d"),
    "escapes": ("{{html .origin.v}}{{js .origin.v}}{{urlquery .origin.v}}", "<" * 900_000),
    "an index": ("{{index .origin.v 1000000000000}}", [1]),
    "a slice": ("{{slice .origin.v 0 1000000000000}}", "x"),
    "reaching out": ("{{.origin.v.__class__.__mro__}}{{.__init__}}", "x"),
}


@pytest.mark.parametrize("what", BOMBS)
async def test_t20_templates_end_soon_and_small(tmp_path: Path, what: str) -> None:
    template, value = BOMBS[what]
    text = {"type": "json", "from": {"from": "template", "template": {"a": template}}}
    make = {"name": "a", "value": {"from": "template", "content": template}}
    respond = [
        {"name": "c", "command": "createJson", "resultKey": "a", "origin": [make],
         "args": [{"name": "key", "value": {"from": "literal", "content": "a"}}]},
        {"name": "r", "command": "httpResponse", "args": [
            {"name": "type", "value": {"from": "literal", "content": "json"}},
            {"name": "key", "value": {"from": "literal", "content": "a"}}]},
    ]  # fmt: skip
    files: Files = {
        "apiql.toml": SETTINGS,
        "flows/one.json": {
            "name": "f",
            "steps": [{"name": "m", "resultKey": "r", "response": text}],
        },
        "flows/two.json": {"name": "f", "steps": respond},
    }
    async with field(tmp_path, files) as found:
        for path in ("/flow/one", "/flow/two"):
            begun = time.process_time()
            response = await found.post(path, {"v": value})
            assert time.process_time() - begun < 5
            assert response.status in (200, 422, 500)
            assert len(response.body) < 2 << 20
            assert b"class" not in response.body.replace(b"__class__", b"")


DEEP = [b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"v":' + b"9" * 500 + b"}"]


@pytest.mark.parametrize("number", range(len(DEEP)))
async def test_t16_t21_bodies_have_the_limits_of_queries(tmp_path: Path, number: int) -> None:
    output = {"Output": {"x": "<<v>>"}, "Resources": {}}
    files: Files = {
        "apiql.toml": SETTINGS, "apis/x.json": v1_api(), "httpapis/y.json": v2_api(),
        "templates/t.json": output,
    }  # fmt: skip
    async with field(tmp_path, files) as found:
        for path in ("/api/x", "/httpapi/y", "/template/t"):
            response = await found.send("POST", path, DEEP[number])
            assert (response.status, response.codes()) == (422, ["LIMIT_EXCEEDED"])
            found.untouched()
            response = await found.send("POST", path, b" " * (2 << 20))
            assert (response.status, response.codes()) == (413, ["BODY_TOO_LARGE"])
