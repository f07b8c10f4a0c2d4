"""The forms in which a query may come, and those in which it may not."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.server.client import JSON, PROBLEM, Response, Site
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERY = "select id, name from /users/{id} where id = $id"
USER = {"data": {"result": {"id": 1, "name": "Ada"}}}


def problem_of(response: Response, status: int, code: str) -> str:
    """Checks an RFC 9457 problem; its detail."""
    found = response.json()
    assert response.status == status
    assert response.media == PROBLEM
    assert set(found) >= {"type", "title", "status", "detail", "instance", "code", "errors"}
    assert (found["status"], found["code"], found["instance"]) == (status, code, "/apiql")
    assert [error["code"] for error in found["errors"]] == [code]
    assert found["title"]
    return str(found["detail"])


def data_of(response: Response) -> object:
    """The only member of the data of a whole answer."""
    assert response.status == 200, response.body
    (found,) = response.json()["data"].values()
    return found


async def test_json_envelope(site: Site) -> None:
    response = await site.ask(QUERY, {"id": 1})
    assert data_of(response) == USER["data"]["result"]
    assert response.media == JSON
    assert "errors" not in response.json()
    assert "extensions" not in response.json()
    assert "x-apiql-completed" not in response.headers


async def test_envelope_ignores_unknown_members(site: Site) -> None:
    body = json.dumps({"query": "select * from /ok", "nosuch": 1, "operationName": None}).encode()
    response = await site.send("POST", "/apiql", body, {"Content-Type": JSON})
    assert data_of(response) == {"ok": True}


@pytest.mark.parametrize("name", ["variables", "parameters", "args", "Params", "bindings"])
async def test_parameters_under_another_name(site: Site, up: Upstream, name: str) -> None:
    """They would be ignored, and a default would be answered in place of what was asked."""
    text = "set $id integer = 1; select id, name from /users/{id} where id = $id"
    for other in ("", ', "params": {}', ', "params": null', ', "params": {"id": 1}'):
        body = f'{{"query": {json.dumps(text)}, "{name}": {{"id": 2}}{other}}}'.encode()
        response = await site.send("POST", "/apiql", body, {"Content-Type": JSON})
        detail = problem_of(response, 422, "VALIDATION")
        assert detail == f"parameters stand in `params`, not in `{name}`"
    assert not up.seen


@pytest.mark.parametrize("name", ["variables", "Params"])
async def test_parameters_under_another_name_in_the_url(
    site: Site, up: Upstream, name: str
) -> None:
    text = "set $id integer = 1; select id, name from /users/{id} where id = $id"
    values = f"{name}=" + quote('{"id":2}')
    headers = {"Content-Type": "text/plain"}
    for response in (
        await site.send("GET", f"/apiql?query={quote(text)}&{values}"),
        await site.send("POST", f"/apiql?{values}", text.encode(), headers),
    ):
        detail = problem_of(response, 422, "VALIDATION")
        assert detail == f"parameters stand in `params`, not in `{name}`"
    assert not up.seen


@pytest.mark.parametrize("value", [{}, None, []])
async def test_nothing_under_another_name(site: Site, value: object) -> None:
    """As clients of GraphQL send it where there are no parameters."""
    body = json.dumps({"query": QUERY, "params": {"id": 1}, "variables": value}).encode()
    response = await site.send("POST", "/apiql", body, {"Content-Type": JSON})
    assert data_of(response) == USER["data"]["result"]


async def test_a_text_that_is_sent_as_json(site: Site) -> None:
    for text in ("select * from /ok", "\n SET $a integer;"):
        response = await site.send("POST", "/apiql", text.encode(), {"Content-Type": JSON})
        detail = problem_of(response, 400, "BAD_REQUEST")
        assert detail.endswith("; a text alone is sent as text/plain")
    response = await site.send("POST", "/apiql", b"{'query': 1}", {"Content-Type": JSON})
    assert "text/plain" not in problem_of(response, 400, "BAD_REQUEST")


async def test_a_query_under_another_name(site: Site) -> None:
    body = json.dumps({"sql": "select * from /ok"}).encode()
    response = await site.send("POST", "/apiql", body, {"Content-Type": JSON})
    detail = problem_of(response, 422, "VALIDATION")
    assert detail == "`query` must be a text: the APIQL query; it stands in `query`, not in `sql`"


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/apiql", "text/plain; charset=UTF-8", 'TEXT/PLAIN;charset="utf-8"'],
)
async def test_bare_text_with_params_in_the_url(site: Site, media: str) -> None:
    target = f"/apiql?params={quote(json.dumps({'id': 2}))}"
    response = await site.send("POST", target, QUERY.encode(), {"Content-Type": media})
    assert data_of(response) == {"id": 2, "name": "Bo"}


async def test_get_reads(site: Site) -> None:
    assert data_of(await site.url_ask(QUERY, '{"id": 1}')) == USER["data"]["result"]


async def test_get_refuses_a_text_that_writes(site: Site, up: Upstream) -> None:
    response = await site.url_ask("select * from /ok; select * post from /echo as e where a = 1")
    problem_of(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"
    assert not up.seen


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW"])
async def test_other_methods(site: Site, method: str) -> None:
    response = await site.send(method, "/apiql", b"", {})
    if response.status == 400:  # the parser of requests knows no such method
        assert method == "BREW"
        return
    problem_of(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "text/plain; charset=latin-1"},
        {"Content-Type": "text/plain; charset=bogus-9000"},
        {"Content-Type": "text/plain", "Content-Encoding": "gzip"},
        {"Content-Type": JSON, "Content-Encoding": "br"},
    ],
)
async def test_unsupported_media_types(site: Site, up: Upstream, headers: dict[str, str]) -> None:
    response = await site.send("POST", "/apiql", b"select * from /ok", headers)
    problem_of(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert not up.seen


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_REQUEST"),
        (b"{'query': 'select * from /ok'}", 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok"} {}', 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok","params":{"a":NaN}}', 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok","params":{"a":-Infinity}}', 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok","query":"select * from /big"}', 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok","params":{"a":[{"b":1,"b":2}]}}', 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok","params":{"a":1,"\\u0061":2}}', 400, "BAD_REQUEST"),
        (b'{"query":"\\ud800"}', 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok","params":{"a":"\\udc00\\ud800"}}', 400, "BAD_REQUEST"),
        (b'{"query":"select * from /ok\xff"}', 400, "BAD_REQUEST"),
        (b'\xff\xfe{"query":1}', 400, "BAD_REQUEST"),
        (b"[" * 10_000 + b"]" * 10_000, 422, "LIMIT_EXCEEDED"),
        (b'{"query":"select * from /ok","params":{"a":' + b"[" * 10_000, 422, "LIMIT_EXCEEDED"),
        (
            b'{"query":"select * from /ok","params":' + b'{"a":' * 100 + b"1" + b"}" * 101,
            422,
            "LIMIT_EXCEEDED",
        ),
        (b'{"query":"q","params":{"a":' + b"9" * 500 + b"}}", 422, "LIMIT_EXCEEDED"),
        (b"null", 422, "VALIDATION"),
        (b"[1]", 422, "VALIDATION"),
        (b'"select * from /ok"', 422, "VALIDATION"),
        (b"{}", 422, "VALIDATION"),
        (b'{"query":null}', 422, "VALIDATION"),
        (b'{"query":1}', 422, "VALIDATION"),
        (b'{"query":["select * from /ok"]}', 422, "VALIDATION"),
        (b'{"query":"select * from /ok","params":[]}', 422, "VALIDATION"),
        (b'{"query":"select * from /ok","params":"a"}', 422, "VALIDATION"),
        (b'{"query":"select * from /ok","extensions":1}', 422, "VALIDATION"),
    ],
    ids=lambda value: value[:50].decode("latin-1") if isinstance(value, bytes) else str(value),
)
async def test_bad_envelopes(site: Site, up: Upstream, body: bytes, status: int, code: str) -> None:
    problem_of(await site.send("POST", "/apiql", body, {"Content-Type": JSON}), status, code)
    assert not up.seen


async def test_text_that_is_not_utf8(site: Site) -> None:
    body = b"select * from /ok where a = '\xc0\xaf'"
    response = await site.send("POST", "/apiql", body, {"Content-Type": "text/plain"})
    problem_of(response, 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/apiql", 422, "VALIDATION"),
        ("/apiql?query=select+*+from+/ok&params=%7B", 400, "BAD_REQUEST"),
        ("/apiql?query=select+*+from+/ok&params=[]", 422, "VALIDATION"),
        ("/apiql?query=select+*+from+/ok&params=%7B%22a%22:NaN%7D", 400, "BAD_REQUEST"),
        ("/apiql?query=select+*+from+/ok&query=select+*+from+/big", 400, "BAD_REQUEST"),
        ("/apiql?query=%ff%fe", 400, "BAD_REQUEST"),
    ],
)
async def test_bad_urls(site: Site, up: Upstream, target: str, status: int, code: str) -> None:
    problem_of(await site.send("GET", target), status, code)
    assert not up.seen


async def test_body_over_the_limit(site: Site, up: Upstream) -> None:
    head = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
    said = await site.raw(head + b"Content-Length: 1048577\r\n\r\n")
    problem_of(said, 413, "BODY_TOO_LARGE")
    assert said.headers["connection"] == "close"
    chunk = b"10001\r\n" + b" " * 0x10001 + b"\r\n"
    unsaid = await site.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 17)
    problem_of(unsaid, 413, "BODY_TOO_LARGE")
    assert not up.seen


@pytest.mark.parametrize(("count", "size"), [(1, 1 << 20), (20_000, 4)])
async def test_head_over_the_limit(site: Site, count: int, size: int) -> None:
    fields = "".join(f"X{number}: {'a' * size}\r\n" for number in range(count)).encode()
    head = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n" + fields
    response = await site.raw(head + b"Content-Length: 17\r\n\r\nselect * from /ok")
    problem_of(response, 431, "HEADERS_TOO_LARGE")


@pytest.mark.parametrize("target", ["/", "/nosuch", "/apiql/", "/apiql%2f..%2fadmin", "/docs"])
async def test_no_such_route(site: Site, target: str) -> None:
    response = await site.send("POST", target, b"{}", {"Content-Type": JSON})
    found = response.json()
    assert (response.status, response.media, found["code"]) == (404, PROBLEM, "NOT_FOUND")
