"""Stored queries over HTTP: /query/<name>, their parameters, what they answer and refuse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.query_files import QueryFile, QueryFiles
from apiql.server.app import create_app
from apiql.server.configuration import developing
from tests.server.client import ANSWER, JSON, PROBLEM, Response, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXTS = {
    "user": """-- A user by id.
        set $id integer; select name from /users/{id} as user where id = $id""",
    "shop/cart": "select ok from /ok as cart",
    "shop/cart@2": "select * from /list as cart",
    "shop/café-3": "select ok from /ok as found",
    "echo": """
        set $text string = 'none'; set $whole integer = 1; set $number number = 1;
        set $yes boolean = false; set $map object = {}; set $list array = [];
        select ok from /ok as ok;
        return {"text": $text, "whole": $whole, "number": $number, "yes": $yes, "map": $map,
                "list": $list, "any": $any?, "ok": ok.ok}""",
    "write": "set $name string; select ok post from /ok as made where name = $name",
    "bare": "use envelope none; select * from /users/{id} as user where id = $id; return user",
    "partial": "use envelope none; select ok from /ok; select * from /status/500 as lost",
    "hidden": "select * from /ok hidden",
    "outer": "set $id integer; select * from query.user as inner where id = $id",
    "wrong-value": "select * from /ok where id = upper($n)",
}


def files(texts: dict[str, str]) -> QueryFiles:
    """These texts as the folder has them."""
    found = []
    for key, text in texts.items():
        name, _, revision = key.partition("@")
        found.append(QueryFile(name, int(revision or 1), f"queries/{key}.apiql", text))
    return QueryFiles(tuple(found))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def stored(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """A server with stored queries, as `apiql serve` starts it."""
    async with serving(create_app(settings_for(shared_upstream), files(TEXTS))) as url:
        yield Site(url)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shown(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """The same as `apiql serve --dev` starts it."""
    settings = developing(settings_for(shared_upstream))
    async with serving(create_app(settings, files(TEXTS))) as url:
        yield Site(url)


async def post(site: Site, path: str, body: object, **headers: str) -> Response:
    """The answer to parameters in a body."""
    fields = {"Content-Type": JSON} | {k.replace("_", "-"): v for k, v in headers.items()}
    return await site.send("POST", path, json.dumps(body).encode(), fields)


def data(response: Response) -> Any:
    """The data of a whole answer."""
    assert (response.status, response.media) == (200, JSON), response.body
    assert set(response.json()) == {"data"}
    return response.json()["data"]


def problem(response: Response, status: int, code: str) -> str:
    """The detail of a problem."""
    found = response.json()
    assert (response.status, response.media, found["code"]) == (status, PROBLEM, code)
    return str(found["detail"])


# -- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/query/user?id=1", {"user": {"name": "Ada"}}),
        ("/query/user/1?id=1", {"user": {"name": "Ada"}}),
        ("/query/shop/cart", {"cart": [{"id": 1}, {"id": 2}]}),
        ("/query/shop/cart/2", {"cart": [{"id": 1}, {"id": 2}]}),
        ("/query/shop/cart/1", {"cart": {"ok": True}}),
        ("/query/shop/caf%C3%A9-3", {"found": {"ok": True}}),
        ("/query/outer?id=2", {"inner": {"user": {"name": "Bo"}}}),
    ],
)
async def test_names_folders_and_revisions(stored: Site, path: str, expected: object) -> None:
    assert data(await stored.send("GET", path)) == expected
    if "?" not in path:
        assert data(await stored.send("POST", path)) == expected


@pytest.mark.parametrize(
    "path",
    [
        "nosuch", "", "user/2", "user/01", "user/1/1", "user/", "shop", "shop/", "cart", "cart/1",
        "shop/cart@2", "shop/cart/3", "shop/cart/", "shop//cart", "User", "../apiql",
        "user/9999999999999999999999", "%2e%2e/user", "user%00", "user.apiql",
    ],
)  # fmt: skip
async def test_what_there_is_not(stored: Site, up: Upstream, path: str) -> None:
    for method in ("GET", "POST", "PUT"):
        detail = problem(await stored.send(method, f"/query/{path}"), 404, "QUERY_NOT_FOUND")
        assert detail == "there is no stored query of this name and revision"
    assert not up.seen


async def test_the_nearest_name_is_told_only_where_all_are_described(shown: Site) -> None:
    detail = problem(await shown.send("GET", "/query/shop/carts"), 404, "QUERY_NOT_FOUND")
    assert detail.endswith("did you mean /query/shop/cart?")


async def test_without_stored_queries_there_is_none(site: Site) -> None:
    problem(await site.send("GET", "/query/user?id=1"), 404, "QUERY_NOT_FOUND")
    problem(await site.send("GET", "/query"), 404, "NOT_FOUND")


# -- parameters ---------------------------------------------------------------------------------

NONE = {
    "text": "none", "whole": 1, "number": 1, "yes": False, "map": {}, "list": [], "ok": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("text=7", {"text": "7"}),
        ("text=", {"text": ""}),
        ("text=%C3%A4+%26", {"text": "ä &"}),
        ("whole=-12", {"whole": -12}),
        ("whole=123456789012345678901234567890", {"whole": 123456789012345678901234567890}),
        ("number=2.50", {"number": 2.5}),
        ("number=1e3", {"number": 1000.0}),
        ("yes=true", {"yes": True}),
        ('map={"a":[1]}', {"map": {"a": [1]}}),
        ("list=1&list=b", {"list": ["1", "b"]}),
        ("list=1", {"list": ["1"]}),
        ('list=[1,"b",null]', {"list": [1, "b", None]}),
        ("any=5", {"any": "5"}),
        ("any=null", {"any": "null"}),
        ("any=a&any=b", {"any": ["a", "b"]}),
        ("utm_source=x&params={}", {}),
    ],
)
async def test_texts_of_the_url_are_what_their_types_make_of_them(
    stored: Site, query: str, expected: dict[str, Any]
) -> None:
    target = "/query/echo?" + query.replace('"', "%22").replace(" ", "%20")
    for method in ("GET", "POST"):
        assert data(await stored.send(method, target)) == NONE | expected


async def test_digits_stay(stored: Site) -> None:
    response = await stored.send("GET", "/query/echo?number=2.500")
    assert b'"number":2.500,' in response.body


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("whole=x", "$whole wants an integer, got a text"),
        ("whole=", "$whole wants an integer, got a text"),
        ("whole=1.0", "$whole wants an integer, got a text"),
        ("whole=007", "$whole wants an integer, got a text"),
        ("whole=%201", "$whole wants an integer, got a text"),
        ("whole=+1", "$whole wants an integer, got a text"),
        ("whole=null", "$whole wants an integer, got a text"),
        ("whole=true", "$whole wants an integer, got a text"),
        ("whole=1&whole=2", "$whole wants an integer, got a list"),
        ("number=NaN", "$number wants a number, got a text"),
        ("number=0x10", "$number wants a number, got a text"),
        ("yes=1", "$yes wants a boolean, got a text"),
        ("yes=True", "$yes wants a boolean, got a text"),
        ("map=[]", "$map wants an object, got a text"),
        ("map={", "$map wants an object, got a text"),
        ("list=[1", "$list wants an array, got a text"),
        ("text=a&text=b", "$text wants a string, got a list"),
    ],
)
async def test_a_text_that_is_not_of_the_type(
    stored: Site, up: Upstream, query: str, told: str
) -> None:
    response = await stored.send("GET", f"/query/echo?{query}")
    assert (response.status, response.codes()) == (422, ["VARIABLE_TYPE"])
    assert response.json()["errors"][0]["message"] == told
    assert "data" not in response.json()
    assert not up.seen


async def test_all_wrong_parameters_are_told_together(stored: Site) -> None:
    response = await stored.send("GET", "/query/echo?whole=x&yes=y&text=a&text=b")
    assert response.codes() == ["VARIABLE_TYPE"] * 3
    response = await stored.send("GET", "/query/user")
    assert (response.status, response.codes()) == (422, ["MISSING_VARIABLE"])


async def test_json_is_not_converted(stored: Site) -> None:
    response = await post(stored, "/query/echo", {"whole": "7", "list": "[1]"})
    assert response.codes() == ["VARIABLE_TYPE", "VARIABLE_TYPE"]
    found = data(await post(stored, "/query/echo", {"any": 5, "nosuch": 1}))
    assert found == NONE | {"any": 5}


@pytest.mark.parametrize("name", ["Whole", "whole_", "$whole"])
async def test_a_parameter_under_nearly_its_name(stored: Site, name: str) -> None:
    """Its default would be answered in place of what was asked."""
    for response in (
        await stored.send("GET", f"/query/echo?{quote(name)}=7"),
        await post(stored, "/query/echo", {name: 7}),
    ):
        assert (response.status, response.codes()) == (422, ["MISSING_VARIABLE"])
    other = await stored.send("GET", "/query/echo?utm_source=a&utm_source=b&_=1")
    assert data(other) == NONE


async def test_parameters_in_params(stored: Site) -> None:
    """As /apiql has them; here the body is the object itself."""
    response = await post(stored, "/query/echo", {"params": {"whole": 7}})
    detail = problem(response, 422, "VALIDATION")
    assert detail == ('the body is the object of parameters itself, without `params`: {"whole": …}')
    assert data(await post(stored, "/query/echo", {"params": 1})) == NONE


async def test_the_body_wins_over_the_url(stored: Site) -> None:
    response = await post(stored, "/query/echo?whole=x&text=url", {"whole": 7})
    assert data(response) == NONE | {"whole": 7, "text": "url"}


async def test_headers_of_the_caller_are_no_parameters(stored: Site) -> None:
    response = await stored.send("GET", "/query/user", headers={"Id": "1"})
    assert response.codes() == ["MISSING_VARIABLE"]


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"{}", "", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"id=1", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", "application/json; charset=latin-1", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"[1]", JSON, 422, "VALIDATION"),
        (b"null", JSON, 422, "VALIDATION"),
        (b'{"id": 1', JSON, 400, "BAD_REQUEST"),
        (b'{"id": 1, "id": 2}', JSON, 400, "BAD_REQUEST"),
        (b'{"id": "\xff"}', JSON, 400, "BAD_REQUEST"),
        (b'{"id": NaN}', JSON, 400, "BAD_REQUEST"),
        (b'{"id": ' + b"[" * 100 + b"]" * 100 + b"}", JSON, 422, "LIMIT_EXCEEDED"),
        (b" " * (1 << 20) + b"{}", JSON, 413, "BODY_TOO_LARGE"),
    ],
)
async def test_bodies_that_are_no_parameters(
    stored: Site, body: bytes, media: str, status: int, code: str
) -> None:
    headers = {"Content-Type": media} if media else {}
    problem(await stored.send("POST", "/query/user?id=1", body, headers), status, code)


async def test_an_empty_body_gives_no_parameters(stored: Site) -> None:
    for headers in ({}, {"Content-Type": JSON}):
        response = await stored.send("POST", "/query/user?id=1", b"", headers)
        assert data(response) == {"user": {"name": "Ada"}}


async def test_a_compressed_body_is_refused(stored: Site) -> None:
    response = await post(stored, "/query/user", {"id": 1}, Content_Encoding="gzip")
    problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("query", ["id=%ff", "id=1&" + "&".join(f"a{n}=1" for n in range(1001))])
async def test_a_broken_query_string(stored: Site, query: str) -> None:
    problem(await stored.send("GET", f"/query/user?{query}"), 400, "BAD_REQUEST")


async def test_too_many_headers(stored: Site) -> None:
    headers = {f"X-{number}": "x" * 10_000 for number in range(7)}
    response = await stored.send("GET", "/query/user?id=1", headers=headers)
    assert (response.status, response.codes()) == (431, ["HEADERS_TOO_LARGE"])


async def test_deep_json_in_the_url(stored: Site) -> None:
    deep = "[" * 100 + "]" * 100
    problem(await stored.send("GET", f"/query/echo?list={deep}"), 422, "LIMIT_EXCEEDED")


# -- methods and answers ------------------------------------------------------------------------


async def test_a_query_that_writes_is_posted(stored: Site, up: Upstream) -> None:
    for target in ("/query/write?name=a", "/query/write"):
        response = await stored.send("GET", target)
        problem(response, 405, "METHOD_NOT_ALLOWED")
        assert response.headers["allow"] == "POST"
    assert (await stored.send("PUT", "/query/write")).headers["allow"] == "POST"
    assert not up.seen
    assert data(await post(stored, "/query/write", {"name": "a"})) == {"made": {"ok": True}}
    assert [exchange.body for exchange in up.seen] == [b'{"name":"a"}']


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods(stored: Site, method: str) -> None:
    response = await stored.send(method, "/query/user?id=1")
    assert (response.status, response.headers["allow"]) == (405, "GET, POST")


async def test_the_bare_data(stored: Site) -> None:
    response = await stored.send("GET", "/query/bare?id=1", headers={"Accept": ANSWER})
    assert (response.status, response.media) == (200, JSON)
    assert response.json() == {"id": 1, "name": "Ada", "secret": "S"}
    assert "x-apiql-completed" not in response.headers


async def test_bare_data_that_is_not_whole(stored: Site) -> None:
    for accept, status in ((JSON, 200), (ANSWER, 294)):
        response = await stored.send("GET", "/query/partial", headers={"Accept": accept})
        assert (response.status, response.media) == (status, JSON)
        assert response.json() == {"ok": {"ok": True}, "lost": None}
        assert response.headers["x-apiql-completed"] == "false"
        assert response.headers["cache-control"] == "no-store"


async def test_nothing_bare_to_answer_with(stored: Site) -> None:
    response = await stored.send("GET", "/query/bare?id=99")
    assert (response.status, response.media) == (404, JSON)
    assert response.json()["data"] is None
    assert response.codes() == ["UPSTREAM_STATUS"]
    response = await stored.send("GET", "/query/bare")
    assert (response.status, response.codes()) == (422, ["MISSING_VARIABLE"])


async def test_every_select_hidden(stored: Site) -> None:
    response = await stored.send("GET", "/query/hidden")
    assert (response.status, response.body) == (204, b"")


async def test_the_form_of_an_answer_and_its_headers(stored: Site) -> None:
    headers = {"Accept": ANSWER, "X-Request-Id": "mine", "Prefer": "wait=2"}
    response = await stored.send("GET", "/query/user?id=1", headers=headers)
    assert (response.status, response.media) == (200, ANSWER)
    assert response.headers["x-request-id"] == "mine"


@pytest.mark.parametrize("path", ["user?id=1", "bare?id=1"])
async def test_an_answer_that_the_client_has_already(stored: Site, path: str) -> None:
    first = await stored.send("GET", f"/query/{path}")
    tag = first.headers["etag"]
    again = await stored.send("GET", f"/query/{path}", headers={"If-None-Match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    posted = await stored.send("POST", f"/query/{path}", headers={"If-None-Match": tag})
    assert (posted.status, posted.body) == (200, first.body)


async def test_lines_of_a_stored_text_are_not_shown_to_clients(stored: Site, shown: Site) -> None:
    """They have URLs of upstreams in them."""
    target = "/query/wrong-value"
    for body in ({"n": 5}, {}):
        hidden = (await post(stored, target, body)).json()["errors"]
        told = (await post(shown, target, body)).json()["errors"]
        assert [error["code"] for error in hidden] == [error["code"] for error in told]
        assert "/ok" not in json.dumps(hidden)
        assert not any("excerpt" in error for error in hidden)
    assert "/ok" in json.dumps((await post(shown, target, {"n": 5})).json())


async def test_a_posted_text_takes_no_envelope_off(stored: Site, up: Upstream) -> None:
    response = await stored.ask("use envelope none; select * from /ok")
    assert (response.status, response.codes()) == (422, ["VALIDATION"])
    assert not up.seen


async def test_a_posted_text_selects_from_stored_queries(stored: Site) -> None:
    response = await stored.ask('select * from query.shop."cart@1" as old')
    assert data(response) == {"old": {"cart": {"ok": True}}}


# -- the description ----------------------------------------------------------------------------


async def test_every_stored_query_is_described(shown: Site) -> None:
    paths = (await shown.send("GET", "/openapi.json")).json()["paths"]
    told = {path for path in paths if path.startswith("/query/")}
    names = {key for key in TEXTS if "@" not in key}
    assert told == {f"/query/{name}" for name in names} | {
        "/query/shop/cart/1",
        "/query/shop/cart/2",
    }
    ids = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(ids) == len(set(ids))


async def test_parameters_are_described_with_their_types(shown: Site) -> None:
    paths = (await shown.send("GET", "/openapi.json")).json()["paths"]
    echo = paths["/query/echo"]
    told = {parameter["name"]: parameter for parameter in echo["get"]["parameters"]}
    assert told["whole"]["schema"] == {"type": "integer", "default": 1}
    assert told["list"]["schema"] == {"type": "array", "items": {}, "default": []}
    assert told["map"]["content"][JSON]["schema"] == {"type": "object", "default": {}}
    assert told["any"]["schema"] == {"type": "string"}
    assert {name for name, found in told.items() if found["required"]} == set()
    (user,) = paths["/query/user"]["get"]["parameters"]
    assert user == {
        "name": "id", "in": "query", "required": True, "schema": {"type": "integer"},
    }  # fmt: skip
    assert paths["/query/user"]["get"]["summary"] == "A user by id."
    body = echo["post"]["requestBody"]["content"][JSON]["schema"]["properties"]
    assert body["whole"] == {"type": "integer", "default": 1}
    assert body["any"] == {}


async def test_methods_and_answers_are_described(shown: Site) -> None:
    paths = (await shown.send("GET", "/openapi.json")).json()["paths"]
    assert set(paths["/query/write"]) == {"post"}
    assert set(paths["/query/user"]) == {"get", "post"}
    answers = {
        path: paths[f"/query/{path}"]["post"]["responses"]["200"]["content"][JSON]["schema"]
        for path in ("user", "bare", "partial")
    }
    assert set(answers["user"]["properties"]) == {"data", "errors", "extensions"}
    assert set(answers["user"]["properties"]["data"]["properties"]) == {"user"}
    assert set(answers["partial"]["properties"]) == {"ok", "lost"}
    assert "properties" not in answers["bare"]
