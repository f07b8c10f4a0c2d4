"""T1 to T10 in the other notations: where definitions of both generations, call templates and
gateway endpoints lead, and what callers can make of their requests.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest
import pytest_asyncio

from tests.security.notations import (
    HERE,
    Field,
    backend,
    endpoint,
    field,
    gateway,
    v1_api,
    v2_api,
)
from tests.security.test_t05_redirects import to
from tests.security.test_t09_values import HOSTILE
from tests.server.client import Response

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASCII = [value for value in HOSTILE if value.isascii()]
WHOLE = [value for value in HOSTILE if "\ud800" not in value]
"""What is half a character is no JSON, so nothing is made of it."""
INNER = "http://10.9.8.7:81"
"""Another definition names it."""


def param(place: str, name: str, template: str, kind: str = "template") -> dict[str, Any]:
    """A parameter of the first generation."""
    return {"in": place, "name": name, "from": {"from": kind, "name": template}}


def arg(place: str, name: str, template: str, kind: str = "template") -> dict[str, Any]:
    """An argument of the second generation."""
    return {"in": place, "name": name, "value": {"from": kind, "content": template}}


def modifying(**modifiers: Any) -> dict[str, Any]:
    """Modifiers of requests: `header=("SET", key, value)`."""
    return {
        target: [{"context": "REQUEST", "action": action, "key": key, "value": value}]
        for target, (action, key, value) in modifiers.items()
    }


def json_body(value: Any) -> dict[str, Any]:
    return {"in": "body", "name": "b", "value": {"from": "json", "json": value}}


TEXT = "{{.origin.v}}"
SENT = "#request.body.v"
FILES: dict[str, Any] = {
    "apiql.toml": "[server]\nreload = false\n",
    "privates/k.json": {"privates": [{"name": "key", "value": "S3CRET-OF-K"}]},
    "apis/inner.json": v1_api(f"{INNER}/health"),
    "apis/dyn1.json": v1_api(dynamic="{{.origin.url}}"),
    "httpapis/dyn2.json": v2_api(dynamic="{{.origin.url}}"),
    "apis/path1.json": v1_api(dynamic=f"{HERE}/users/{TEXT}"),
    "httpapis/path2.json": v2_api(dynamic=f"{HERE}/users/{TEXT}"),
    "apis/key1.json": v1_api(
        dynamic="{{.origin.url}}", private="k",
        parameters=[param("header", "X-Key", "key", "private")],
    ),
    "httpapis/key2.json": v2_api(
        dynamic="{{.origin.url}}", private="k", args=[arg("header", "X-Key", "key", "private")]
    ),
    "apis/key3.json": v1_api(
        dynamic=f"{HERE}/{{{{.origin.v}}}}", private="k",
        parameters=[param("header", "X-Key", "key", "private")],
    ),
    "apis/query1.json": v1_api(parameters=[param("query", "q", TEXT)]),
    "httpapis/query2.json": v2_api(args=[arg("query", "q", TEXT)]),
    "apis/header1.json": v1_api(parameters=[param("header", "X-V", TEXT)]),
    "httpapis/header2.json": v2_api(args=[arg("header", "X-V", TEXT)]),
    "httpapis/body2.json": v2_api(
        method="POST", requestContentType="json", args=[json_body({"v": TEXT})]
    ),
    "apis/form1.json": v1_api(
        method="POST", requestContentType="form", parameters=[param("body", "v", TEXT)]
    ),
    "apis/redirect.json": v1_api(f"{HERE}/away"),
    "templates/path.json": {
        "Output": {"x": "<<r>>"}, "Resources": {"r": {"Url": "/users/<<v>>", "Method": "GET"}}
    },
    "templates/query.json": {
        "Output": {"x": "<<r>>"}, "Resources": {"r": {"Url": "/echo?q=<<v>>", "Method": "GET"}}
    },
    "templates/header.json": {
        "Output": {"x": "<<r>>"},
        "Resources": {"r": {"Url": "/echo", "Method": "GET", "Header": {"X-V": "<<v>>"}}},
    },
    "templates/redirect.json": {
        "Output": {"x": "<<r>>"}, "Resources": {"r": {"Url": "/away", "Method": "GET"}}
    },
    "endpoints/dev/.json": gateway(
        endpoint("/users/:v", backend("/users/:v")),
        endpoint("/echo", backend()),
        endpoint("/redirect", backend("/away")),
        endpoint("/body/path", backend("/users/:v", modifiers=modifying(param=("SET", "v", SENT))),
                 method="POST"),
        endpoint("/body/query", backend(modifiers=modifying(query=("SET", "q", SENT))),
                 method="POST"),
        endpoint("/body/header", backend(modifiers=modifying(header=("SET", "X-V", SENT))),
                 method="POST"),
        endpoint("/name", backend(
            modifiers=modifying(header=("REN", "X-Name", "#request.query.to.0"))
        )),
    ),
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Field]:
    """A server of all notations."""
    away = {"/away": to("http://169.254.169.254/latest/meta-data/")}
    async with field(tmp_path_factory.mktemp("notations"), FILES, away) as found:
        yield found


def failed(response: Response) -> bool:
    """Whether it is an error of a kind that such a definition answers."""
    return response.status in (400, 403, 404, 422, 500) and b"Traceback" not in response.body


# -- T1 to T6 -------------------------------------------------------------------------------------

ELSEWHERE = [
    "http://169.254.169.254/latest/", "http://127.0.0.1:1/x", "http://localhost:{P}/ok",
    "http://127.1:{P}/ok", "http://2130706433:{P}/ok", "http://[::ffff:127.0.0.1]:{P}/ok",
    "http://u@127.0.0.1:{P}/ok", "http://127.0.0.1:{P}@169.254.169.254/", "//127.0.0.1:{P}/ok",
    "http://127.0.0.1:{P}\\@169.254.169.254/", "file:///etc/passwd", "gopher://127.0.0.1:{P}/",
    "ws://127.0.0.1:{P}/", "http:///ok", "http://127.0.0.1:{P}0/", "ok", "",
]  # fmt: skip


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("path", ["/api/dyn1", "/httpapi/dyn2"])
async def test_t01_t02_t04_t06_a_url_of_the_caller_leads_nowhere(
    ground: Field, path: str, url: str
) -> None:
    assert failed(await ground.post(path, {"url": url}))
    ground.untouched()


NAMED = ["meta.test", "loop.test", "two.test", "last.test", "nat64.test", "rebind.test"]


@pytest.mark.parametrize("name", NAMED)
async def test_t03_nor_does_a_name_that_is_allowed_and_means_an_inner_address(
    tmp_path: Any, name: str
) -> None:
    files = {each: FILES[each] for each in ("apiql.toml", "apis/dyn1.json", "httpapis/dyn2.json")}
    allowed = ",".join(f"{each}:{{P}}" for each in NAMED)
    async with field(tmp_path, files, SECURITY__ALLOW_HOSTS=allowed) as found:
        for path in ("/api/dyn1", "/httpapi/dyn2"):
            assert failed(await found.post(path, {"url": f"http://{name}:{{P}}/ok"}))
            assert set(found.recorder.looked_up) <= {name}
            assert ("127.0.0.1", found.up.port) not in found.recorder.connected
            assert not found.up.seen


@pytest.mark.parametrize("path", ["/api/redirect", "/redirect", "/template/redirect"])
async def test_t05_redirects_are_not_followed(ground: Field, path: str) -> None:
    sent = ground.get if path == "/redirect" else ground.post
    response = await sent(path, *([] if path == "/redirect" else [{}]))
    assert response.status in (302, 500, 502), response.body
    assert ground.sent.target == "/away"
    ground.nobody_else()


# -- T8 -------------------------------------------------------------------------------------------

PASTED = ["/api/path1", "/httpapi/path2"]
CLIMBING = [
    "..", ".", "../x", "a/../x", "..\\x", "%2e%2e/x", ".%2e/x", "%2E%2e%2fx", "..%2fx", "..%5cx",
    "x%2f..%2fy", "x%5c..%5cy", "..;/x", "..;a=b/x", "..%3b/x", "a\r\nb", "a%0d%0ab", "a%00",
    "\x00",
    "a%7f", "\x7f",
]  # fmt: skip


@pytest.mark.parametrize("value", CLIMBING)
@pytest.mark.parametrize("path", PASTED)
async def test_t08_a_value_in_a_made_url_does_not_climb(
    ground: Field, path: str, value: str
) -> None:
    assert failed(await ground.post(path, {"v": value}))
    ground.untouched()


@pytest.mark.parametrize("value", [*WHOLE, *CLIMBING])
@pytest.mark.parametrize("path", ["/users/", "/body/path", "/template/path", "endpoint"])
async def test_t08_t09_a_value_is_one_segment_or_nothing_is_called(
    ground: Field, path: str, value: str
) -> None:
    if path == "/users/":
        await ground.get(path + quote(value, safe="", errors="surrogatepass")[:9000])
    elif path == "endpoint":
        ground.forget()
        await ground.site.ask("select * from endpoint.get_users_v as x where v = $v", {"v": value})
    else:
        await ground.post(path, {"v": value})
    for seen in ground.up.seen:
        found = seen.target.removeprefix("/users/")
        assert "/" not in found
        assert "?" not in found
        assert unquote(found, errors="strict") == value
        parts = value.replace("\\", "/").split("/")
        assert not {"", ".", ".."} & {value, *(part for part in parts if part)}
        assert value.replace("\u2028", "").isprintable()
    ground.nobody_else()


# -- T9 and T10 -----------------------------------------------------------------------------------

QUERIES = ["/api/query1", "/httpapi/query2", "/template/query", "/body/query"]
HEADERS = ["/api/header1", "/httpapi/header2", "/template/header", "/body/header"]


@pytest.mark.parametrize("value", WHOLE)
@pytest.mark.parametrize("path", QUERIES)
async def test_t09_a_value_of_a_query_arrives_as_it_is(
    ground: Field, path: str, value: str
) -> None:
    await ground.post(path, {"v": value})
    for seen in ground.up.seen:
        place, _, query = seen.target.partition("?")
        assert place == "/echo"
        assert parse_qsl(query, keep_blank_values=True, errors="strict") == [("q", value)]


@pytest.mark.parametrize("value", WHOLE)
@pytest.mark.parametrize("path", ["/httpapi/body2", "/api/form1"])
async def test_t09_a_value_of_a_body_arrives_as_it_is(ground: Field, path: str, value: str) -> None:
    await ground.post(path, {"v": value})
    body = ground.sent.body.decode()
    found = json.loads(body) if path == "/httpapi/body2" else dict(parse_qsl(body, True))
    assert found == {"v": value}


@pytest.mark.parametrize("value", ASCII)
@pytest.mark.parametrize("path", HEADERS)
async def test_t10_no_value_ends_a_header(ground: Field, path: str, value: str) -> None:
    await ground.send("POST", path, json.dumps({"v": value}).encode())
    for seen in ground.up.seen:
        sent = [text for name, text in seen.headers if name == "X-V"]
        assert sent == [value.strip(" \t")]
        assert not any(name.lower().startswith("x-evil") for name, _ in seen.headers)
        assert "\n" not in value
        assert "\0" not in value


NAMES = ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "X-APIQL-Depth",
         "X%0d%0aX-Evil:%201", "X%20Y", ":", "%C3%A9"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_t10_t07_no_name_is_one_of_the_connection(ground: Field, name: str) -> None:
    response = await ground.get(f"/name?to={name}", X_Name="evil")
    assert response.status in (200, 400)
    for seen in ground.up.seen:
        assert "evil" not in [text for _, text in seen.headers]
