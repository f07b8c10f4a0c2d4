"""Cases observed on other engines, and what of them ours must do too.

A case says what the peer called and answered (`peer_observed`), or where ours is different on
purpose, what ours does (`ours`). Requests are compared as a set with repeats, never in order.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from apiql.engine import Query
from apiql.errors import CallFailed, Code, QueryRefused
from apiql.runtime.assemble import Answer
from apiql.runtime.decode import to_json
from apiql.runtime.json_values import decode
from apiql.server.app import App, app_of
from apiql.sources.call import Call, Reply
from tests.harness.run_case import Rig, rig_of
from tests.harness.script import Exchange, key_of

SETTINGS = """
[security]
allow_hosts = ["127.0.0.1:*", "h"]
allow_private_networks = true
"""
DEAD_PORT = 1
SAVED = "select * get from /hero/{id} as hero where id = $id"
PARTIAL = 294
ANYTHING = {"method": "GET", "path": "*", "status": 200, "json": {}}


@dataclass(frozen=True)
class PeerCase:
    """One line of the file."""

    known: dict[str, Any]

    @property
    def id(self) -> str:
        """The case's name."""
        return str(self.known["id"])

    @property
    def text(self) -> str:
        """The query in our language."""
        return str(self.known["apiql"])

    @property
    def settings(self) -> str:
        """What the engine is configured with."""
        return SETTINGS + str(self.known.get("settings", ""))


@dataclass(frozen=True)
class Ran:
    """What ours did: its answer or its refusal, and the calls that reached an upstream."""

    answer: Answer | None
    refused: QueryRefused | None
    calls: tuple[Call, ...]
    waves: tuple[tuple[str, ...], ...]
    seconds: float

    @property
    def data(self) -> Any:
        """The parsed `data`, None where there is none."""
        return decode(self.answer.data) if self.answer and self.answer.data else None

    @property
    def status(self) -> int:
        """The HTTP status for `application/json`."""
        if self.refused:
            return self.refused.status
        assert self.answer
        return 200 if self.answer.status == PARTIAL else self.answer.status

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The members of `errors`."""
        if self.refused:
            return [problem.entry() for problem in self.refused.problems]
        assert self.answer
        return [*self.answer.errors]


def read_peer_cases(path: Path) -> list[PeerCase]:
    """Every case of the file."""
    return [PeerCase(json.loads(line)) for line in path.read_text().splitlines() if line]


def not_yet(case: PeerCase) -> str | None:
    """Why the case cannot be run here, None if it can.

    `sketch`: its text is no query, and a golden case of its name stands for it.
    """
    if case.known["group"] == "saved":
        return None
    return "sketch" if case.text.startswith(("into", "...", "(")) else None


def run_peer_case(case: PeerCase) -> Ran:
    """What ours does with the case."""
    rig = rig_of(case.settings)
    stage = rig.begin(_answering(case, rig))
    given = case.known.get("input") or {}
    params = _params(case, given, rig)
    headers = {name.lower(): value for name, value in (given.get("headers") or {}).items()}
    began = stage.now
    answer, refused = None, None
    try:
        answer = stage.run(rig.engine.answer(Query(case.text, params, headers)))
    except QueryRefused as error:
        refused = error
    reached = tuple(call for call in stage.calls if call.origin.port != DEAD_PORT)
    return Ran(answer, refused, reached, tuple(map(tuple, stage.waves)), stage.now - began)


def run_saved_case(case: PeerCase) -> tuple[int, Ran]:
    """What ours does with a request for a stored query: the HTTP status, and the rest."""
    path = "/".join(map(str, case.known["stored_query"]))
    rig = rig_of(SETTINGS, (("cat/hero", SAVED),))
    stage = rig.begin(_answering(case, rig))
    given = case.known.get("input") or {}
    app = app_of(rig.engine, rig.engine.settings, _close)
    status, body = asyncio.run(_ask(app, f"/query/{path}", given))
    found = decode(body)
    data = to_json(found["data"]) if "data" in found else None
    answer = Answer(status, data, tuple(found.get("errors", ())))
    return status, Ran(answer, None, tuple(stage.calls), (), 0.0)


async def _ask(app: App, path: str, given: dict[str, Any]) -> tuple[int, bytes]:
    """Asks an app without a network: parameters in the URL, a body if there is one."""
    body = given.get("body")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ours") as client:
        response = await client.request(
            "GET" if body is None else "POST", path,
            params=given.get("params"), headers=given.get("headers"), json=body,
        )  # fmt: skip
    return response.status_code, response.content


async def _close() -> None:
    """Nothing is open."""


def _params(case: PeerCase, given: dict[str, Any], rig: Rig) -> dict[str, Any]:
    """What the caller sends; a case from a manual says only that something is sent."""
    if case.known["verified"] == "doc":
        return {parameter.name: "x" for parameter in rig.engine.plan(case.text).parameters}
    params = decode(json.dumps((given.get("params") or {}) | (given.get("body") or {})).encode())
    assert isinstance(params, dict)
    return params


def _answering(case: PeerCase, rig: Rig) -> Any:
    """The case's upstream: a list answers every matching call, nothing listens on port 1."""

    def answering(call: Call) -> Exchange:
        key = key_of(call, rig.home)
        if call.origin.port == DEAD_PORT:
            failed = CallFailed(Code.UPSTREAM_CONNECT, "the connection was refused")
            return Exchange(call.method, call.target, None, failed, line=key)
        path = unquote(urlsplit(call.target).path)
        routes = case.known["upstream"] or [
            {"method": "GET", "path": "*", "status": 200, "json": {}}
        ]
        for route in routes:
            if route["method"] == call.method and route["path"] in (path, "*"):
                delay = route.get("delay_ms", 0) / 1000
                return Exchange(call.method, call.target, None, _reply(route), delay, line=key)
        return Exchange(call.method, call.target, None, Reply(404, (), b""), line=key)

    return answering


def _reply(route: dict[str, Any]) -> Reply:
    is_json = "json" in route
    body = json.dumps(route["json"]) if is_json else route.get("text", "")
    headers = {"content-type": "application/json"} if is_json else {}
    headers |= {name.lower(): value for name, value in (route.get("headers") or {}).items()}
    return Reply(route["status"], tuple(headers.items()), body.encode())


# -- requests -----------------------------------------------------------------------------------


def requests_made(calls: tuple[Call, ...]) -> Counter[str]:
    """Method, decoded path, query pairs and body of each call."""
    return Counter(_request(c.method, c.target, _body_of(c)) for c in calls)


def requests_observed(entries: list[dict[str, Any]]) -> Counter[str]:
    """The same of what a peer sent."""
    return Counter(
        _key(e["method"], e["path"], e.get("query") or [], e.get("body")) for e in entries
    )


def requests_expected(lines: list[str]) -> Counter[str]:
    """The same of `METHOD path?query [json body]`, all decoded."""
    found: list[str] = []
    for line in lines:
        method, _, rest = line.partition(" ")
        target, _, body = rest.partition(" ")
        path, _, query = target.partition("?")
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        sent = json.loads(body) if body else None
        found.append(_key(method, path, [[name, value] for name, _, value in pairs], sent))
    return Counter(found)


def headers_missing(calls: tuple[Call, ...], entries: list[dict[str, Any]]) -> list[str]:
    """Headers that the peer sent and ours did not."""
    sent = [
        (urlsplit(c.target).path, name.lower(), value) for c in calls for name, value in c.headers
    ]
    wanted = [
        (entry["path"], name.lower(), value)
        for entry in entries
        for name, value in (entry.get("headers") or {}).items()
    ]
    return [str(header) for header in wanted if header not in sent]


def _body_of(call: Call) -> Any:
    return json.loads(call.body) if call.body else None


def _request(method: str, target: str, body: Any) -> str:
    parts = urlsplit(target)
    pairs = [list(pair) for pair in parse_qsl(parts.query, keep_blank_values=True)]
    return _key(method, unquote(parts.path), pairs, body)


def _key(method: str, path: str, pairs: list[list[str]], body: Any) -> str:
    query = sorted([name, _as_json(value)] for name, value in pairs)
    return json.dumps([method, path, query, body], sort_keys=True)


def _as_json(value: str) -> str:
    """A query value that is a JSON object or list, with its members sorted."""
    if value[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            pass
    return value
