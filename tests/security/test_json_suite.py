"""The cases of a public JSON parsing suite hold for requests and for the bodies of upstreams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.errors import Code, RequestRefused
from apiql.server.app import create_app
from apiql.server.envelope import decode_json, read_envelope
from apiql.settings import Limits
from apiql.sources.call import Reply
from tests.properties.engines import JSON as JSON_TYPE
from tests.properties.engines import answer
from tests.security.json_suite import JsonCase, json_cases
from tests.server.client import JSON, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream, answers, upstream

CASES = json_cases()
TWICE = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}
"""What the suite lets pass and a request does not: a member that stands twice."""

QUERIES = [
    "select * from /x as x",
    "select a from /x as x",
    "select *, a[0] as d, a.b.c as e from /x as x",
    "select *, (secret) from /x as x",
    "select count(*) as n from /x as x rows a group by ()",
    "select * from /x as x; select * from /y/{id} as y where id = x.a and q = x",
]
SHAPE = {Code.BAD_VALUE, Code.MISSING_DEPENDENCY, Code.DEPENDENCY_FAILED}
"""What may go wrong with a body that is well-formed."""

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def of_kind(kind: str) -> list[JsonCase]:
    return [case for case in CASES if case.kind == kind]


def test_the_cases_are_all_there() -> None:
    assert len({case.name for case in CASES}) == len(CASES) == 322
    assert [len(of_kind(kind)) for kind in "yni"] == [95, 192, 35]


def code_of(body: bytes) -> Code | None:
    """Why a request refuses a value, None where it takes it."""
    try:
        decode_json(body, Limits())
    except RequestRefused as refused:
        return refused.code
    return None


@each
def test_requests(case: JsonCase) -> None:
    inside = b'{"query":"select 1","params":{"v":' + case.body + b"}}"
    code = code_of(case.body)
    if case.kind == "i":
        assert code in (None, Code.BAD_REQUEST, Code.LIMIT_EXCEEDED)
    elif case.kind == "y" and case.name not in TWICE:
        assert code is None
        assert "v" in read_envelope(inside, Limits()).params
    else:
        assert code in (Code.BAD_REQUEST, Code.LIMIT_EXCEEDED)
        with pytest.raises(RequestRefused):
            read_envelope(inside, Limits())


@each
def test_bodies_of_upstreams(case: JsonCase) -> None:
    for query in QUERIES:
        codes = codes_of(case.body, query)
        assert codes <= {Code.BAD_PAYLOAD, *SHAPE}
        if case.kind == "n":
            assert Code.BAD_PAYLOAD in codes, query
        elif case.kind == "y" and "rows" not in query:
            assert Code.BAD_PAYLOAD not in codes, query


def codes_of(body: bytes, query: str) -> set[str]:
    reply = Reply(200, JSON_TYPE, body)
    fine = Reply(200, JSON_TYPE, b"{}")
    found = answer(query, None, lambda call: reply if call.target == "/x" else fine)
    return {error["code"] for error in found.errors}


# -- over the wire --------------------------------------------------------------------------------


Ground = tuple[Site, Upstream]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground() -> AsyncIterator[Ground]:
    """A server before an upstream that has each case at a path of its own."""
    bodies = {
        f"/case/{n}": answers(200, case.body, "Content-Type: application/json")
        for n, case in enumerate(CASES)
    }
    async with upstream(bodies) as up:
        async with serving(create_app(settings_for(up, SERVER__RELOAD="false"))) as url:
            yield Site(url), up


@pytest.mark.asyncio(loop_scope="module")
async def test_bodies_that_came_over_a_socket(ground: Ground) -> None:
    site, _ = ground
    for n, case in enumerate(CASES):
        response = await site.ask(f"select * from /case/{n} as x; select * from /ok")
        found: Any = response.json()
        assert found["data"]["ok"] == {"ok": True}, case.name
        if case.kind != "i":
            expected = [] if case.kind == "y" else ["BAD_PAYLOAD"]
            assert response.codes() == expected, case.name


@pytest.mark.asyncio(loop_scope="module")
async def test_requests_that_came_over_a_socket(ground: Ground) -> None:
    site, up = ground
    up.forget()
    for case in CASES:
        body = b'{"query":"select * from /ok where a = $v","params":{"v":' + case.body + b"}}"
        response = await site.send("POST", "/apiql", body, {"Content-Type": JSON})
        calls = len(up.seen)
        up.forget()
        if case.kind == "n" or case.name in TWICE:
            assert response.status in (400, 422), case.name
            assert set(response.codes()) <= {"BAD_REQUEST", "LIMIT_EXCEEDED"}, case.name
            assert not calls, case.name
        elif case.kind == "y":
            assert set(response.codes()) <= {"BAD_VALUE", "MISSING_VARIABLE"}, case.name
