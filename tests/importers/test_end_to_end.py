"""A description is imported, the engine serves what was written, and the upstream sees the calls
that the description told of, over real sockets.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.importers import bring
from apiql.server.app import create_app
from apiql.settings import load_settings


@dataclass
class Seen:
    """An upstream that answers everything and keeps what it was asked."""

    url: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        target = scope["raw_path"].decode()
        if scope["query_string"]:
            target += f"?{scope['query_string'].decode()}"
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.calls.append(
            {"line": f"{scope['method']} {target}", "headers": headers, "body": body.decode()}
        )
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await send({"type": "http.response.body", "body": b'{"ok": true}'})


@pytest_asyncio.fixture
async def seen() -> AsyncIterator[Seen]:
    found = Seen()
    async with serving(found) as url:
        found.url = url
        yield found


async def ask(seen: Seen, text: str, form: str, conf: Path, *queries: tuple[str, Any]) -> None:
    """Imports a description with the upstream's address, serves it, and asks."""
    choice = bring.Choice("given", f"{seen.url}/base")
    plan = bring.plan(text.encode(), form, choice, conf, "sources", "shop", False, {})  # type: ignore[arg-type]
    bring.done(plan, dry_run=False)
    async with serving(create_app(load_settings(conf, {}))) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            for query, params in queries:
                answer = await client.post("/apiql", json={"query": query, "params": params})
                assert answer.status_code == 200, answer.text
                assert list(answer.json()["data"].values()) == [{"ok": True}]


OPENAPI = """
openapi: 3.0.1
info: {title: x, version: "1"}
paths:
  /items/{item-id}:
    parameters: [{name: item-id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: one
      parameters:
        - {name: ids, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: 'f[a b]', in: query, schema: {type: string}}
        - {name: only, in: query, required: true, schema: {enum: [yes]}}
        - {name: X-Tenant, in: header, required: true, schema: {type: string}}
    patch:
      operationId: change
      parameters: [{name: dry, in: query, schema: {type: boolean}}]
      requestBody:
        content:
          application/merge-patch+json:
            schema: {type: object, required: [name], properties: {name: {type: string}}}
  /xml:
    put: {operationId: xml, requestBody: {content: {application/xml: {}}}}
  /form:
    post:
      operationId: form
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, required: ['a b'], properties: {'a b': {type: string}}}
"""


async def test_what_openapi_tells_is_what_is_sent(seen: Seen, tmp_path: Path) -> None:
    one = (
        "select * from one where item_id = $item_id and ids = [1, 2] and f_a_b = 'x&y'"
        ' headers "X-Tenant" = $t'
    )
    change = 'select * from change where item_id = $id and dry = true body {"name": $name}'
    await ask(
        seen, OPENAPI, "openapi", tmp_path,
        (one, {"item_id": 7, "t": "acme"}),
        (change, {"id": 8, "name": "é"}),
        ("select * from xml body $body", {"body": "<a/>"}),
        ('select * from form form "a b" = $v', {"v": "1 2"}),
    )  # fmt: skip
    first, second, third, fourth = seen.calls
    path, _, query = first["line"].partition("?")
    assert path == "GET /base/items/7"
    assert set(query.split("&")) == {"ids=1%2C2", "f%5Ba%20b%5D=x%26y", "only=yes"}
    assert first["headers"]["x-tenant"] == "acme"
    assert second["line"] == "PATCH /base/items/8?dry=true"
    assert second["headers"]["content-type"] == "application/merge-patch+json"
    assert json.loads(second["body"]) == {"name": "é"}
    assert (third["line"], third["body"]) == ("PUT /base/xml", "<a/>")
    assert third["headers"]["content-type"] == "application/xml"
    assert (fourth["line"], fourth["body"]) == ("POST /base/form", "a%20b=1%202")


async def test_swagger_lists(seen: Seen, tmp_path: Path) -> None:
    document = {
        "swagger": "2.0", "info": {"title": "x"}, "host": "x.example",
        "paths": {"/l": {"get": {"operationId": "l", "parameters": [
            {"name": "t[]", "in": "query", "type": "array", "collectionFormat": "multi"}]}}},
    }  # fmt: skip
    query: tuple[str, Any] = ("select * from l where t = [1, 2]", {})
    await ask(seen, json.dumps(document), "swagger", tmp_path, query)
    assert seen.calls[0]["line"] == "GET /base/l?t%5B%5D=1&t%5B%5D=2"


async def test_what_curl_sent_is_sent_again(seen: Seen, tmp_path: Path) -> None:
    text = """
        curl 'https://x.example/items/7?sort=a&sort=b c&q=%26' -H 'X-Mode: quick'
        curl https://x.example/new -X PUT --json '{"n": 12345678901234567890, "s": "it'"'"'s"}'
        curl https://x.example/form -d a=1 -d 'b=x y'
    """
    await ask(
        seen, text, "curl", tmp_path,
        ("select * from get_items_7", {}),
        ("""select * from put_new body {"n": 12345678901234567890, "s": 'it''s'}""", {}),
        ("""select * from post_form form "a" = '1', "b" = 'x y'""", {}),
    )  # fmt: skip
    first, second, third = seen.calls
    assert first["line"] == "GET /base/items/7?sort=a&sort=b%20c&q=%26"
    assert first["headers"]["x-mode"] == "quick"
    assert second["line"] == "PUT /base/new"
    assert second["headers"]["accept"] == second["headers"]["content-type"] == "application/json"
    assert json.loads(second["body"]) == {"n": 12345678901234567890, "s": "it's"}
    assert third["body"] == "a=1&b=x%20y"


async def test_a_collection_with_variables(seen: Seen, tmp_path: Path) -> None:
    collection = {
        "info": {"name": "c"},
        "variable": [{"key": "v", "value": "v2"}],
        "item": [
            {"name": "a", "request": {"url": "https://x.example/{{v}}/p/:id?lang={{lang}}&n=1"}},
            {"name": "b", "request": {"method": "POST", "url": "https://x.example/b?x=1",
             "body": {"mode": "raw", "raw": '{"when": {{now}}, "why": "a {{b}}"}'}}},
        ],
    }  # fmt: skip
    await ask(
        seen, json.dumps(collection), "postman", tmp_path,
        ("select * from a where id = 'x/y' and lang = 'de'", {}),
        ('select * from b query x = 2 body {"when": $when, "why": $why}', {"when": 1, "why": "c"}),
    )  # fmt: skip
    first, second = seen.calls
    path, _, query = first["line"].partition("?")
    assert path == "GET /base/v2/p/x%2Fy"
    assert set(query.split("&")) == {"lang=de", "n=1"}
    assert second["line"] == "POST /base/b?x=2"
    assert json.loads(second["body"]) == {"when": 1, "why": "c"}


async def test_a_recording(seen: Seen, tmp_path: Path) -> None:
    def entry(url: str) -> dict[str, Any]:
        return {"request": {"method": "GET", "url": url, "headers": []}, "response": {}}

    urls = ("https://x.example/u/1?p=1", "https://x.example/u/2?p=2&s=1")
    recording = {"log": {"entries": [entry(url) for url in urls]}}
    query: tuple[str, Any] = ("select * from get_u_id where id = 3 and p = 4", {})
    await ask(seen, json.dumps(recording), "har", tmp_path, query)
    assert [call["line"] for call in seen.calls] == ["GET /base/u/3?p=4"]


@pytest.mark.parametrize("value", ['[1, "b c"]', "2.5"])
async def test_a_source_has_lists_and_decimals_by_default(
    seen: Seen, tmp_path: Path, value: str
) -> None:
    source = f'path = "/s", query = {{ x = {value} }}'
    text = f'[upstreams.a]\nurl = "{seen.url}"\nsources.s = {{ {source} }}'
    (tmp_path / "apiql.toml").write_text(text)
    async with serving(create_app(load_settings(tmp_path, {}))) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            answer = await client.post("/apiql", json={"query": "select * from s"})
    assert answer.status_code == 200, answer.text
    expected = {"2.5": "GET /s?x=2.5"}.get(value, "GET /s?x=1&x=b%20c")
    assert seen.calls[0]["line"] == expected
