"""T5: an upstream answers with a redirect that leads the engine to another host."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.security.ground import Ground, ground
from tests.server.upstream import Exchange, Fault, answers

pytestmark = pytest.mark.asyncio(loop_scope="session")

ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://other.test/ok",
    "http://127.0.0.2:{P}/ok",
    "https://127.0.0.1:{P}/ok",
    "http://127.0.0.1:9/ok",
    "http://localhost:{P}/ok",
    "//169.254.169.254/latest/",
    "//127.0.0.1:9/",
    "http://127.0.0.1.:{P}/ok",
    "http://user@127.0.0.1:{P}/ok",
    "http://127.0.0.1:{P}@169.254.169.254/",
    "http://127.1:{P}/ok",
    "http:\\\\169.254.169.254/",
    "/\\169.254.169.254/",
    "///169.254.169.254/",
    "ftp://127.0.0.1/ok",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{P}/",
    "javascript:alert(1)",
    "data:,x",
    "http:ok",
    "",
    "/api/../ok",
    "../ok",
    "./ok",
    "/a/%2e%2e/ok",
    "/a//ok",
    "/ok%0d%0aX: 1",
    "/\u00e9",
    "/o k",
]


def to(place: str, status: int = 302, *more: str) -> Fault:
    """A redirect; `{P}` is the upstream's own port."""

    async def fault(exchange: Exchange) -> None:
        port = exchange.writer.get_extra_info("sockname")[1]
        location = place.replace("{P}", str(port)).encode().decode("latin-1")
        head = "\r\n".join([f"HTTP/1.1 {status} Found", f"Location: {location}", *more])
        await exchange.send(head.encode("latin-1") + b"\r\nContent-Length: 0\r\n\r\n")

    return fault


async def twice(exchange: Exchange) -> None:
    """Two places in one answer."""
    await exchange.answer(302, b"", "Location: /ok", "Location: http://169.254.169.254/")


FAULTS = {f"/away/{n}": to(place) for n, place in enumerate(ELSEWHERE)} | {
    "/api/near": to("/api/ok"),
    "/api/whole": to("http://127.0.0.1:{P}/api/ok"),
    "/api/net": to("//127.0.0.1:{P}/api/ok"),
    "/api/beside": to("ok"),
    "/api/hash": to("/api/ok#x"),
    "/api/query": to("/api/ok?a=b"),
    "/api/round": to("/api/round"),
    "/api/out": to("/ok"),
    "/api/four": to("/api/three"),
    "/api/three": to("/api/two"),
    "/api/two": to("/api/one"),
    "/api/one": to("/api/ok"),
    "/api/303": to("/api/ok", 303),
    "/api/twice": twice,
    "/api/kept": to("/api/fresh"),
    "/api/moved": to("/api/fresh", 301),
    "/api/none": answers(302, b""),
    "/api/fresh": answers(200, b"1", "Content-Type: application/json", "Cache-Control: max-age=60"),
    "/api/ok": answers(200, b'{"ok":true}', "Content-Type: application/json"),
    "/api/300": to("/api/ok", 300),
    "/api/cookie": to("/api/ok", 302, "Set-Cookie: sid=1"),
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def following() -> AsyncIterator[Ground]:
    """A server that follows three redirects of its upstream."""
    more = {"UPSTREAMS__DEFAULT__REDIRECTS": "3", "UPSTREAMS__DEFAULT__HEADERS": '{X-Key="S3CRET"}'}
    async with ground(FAULTS, allow="127.0.0.1:{P}", **more) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def below() -> AsyncIterator[Ground]:
    """The same for an upstream whose url has a path."""
    more = {"UPSTREAMS__DEFAULT__REDIRECTS": "3"}
    url = "http://127.0.0.1:{P}/api"
    async with ground(FAULTS, UPSTREAMS__DEFAULT__URL=url, **more) as found:
        yield found


@pytest.mark.parametrize("number", range(len(ELSEWHERE)))
async def test_what_leads_elsewhere_stays_an_answer(following: Ground, number: int) -> None:
    response = await following.ask(f"select * from /away/{number} as x")
    assert (response.status, response.codes()) == (502, ["UPSTREAM_STATUS"])
    hint = response.json()["errors"][0]["hint"]
    assert hint.startswith("it redirects to ")
    assert "169" not in hint
    assert set(following.recorder.connected) <= {("127.0.0.1", following.up.port)}
    assert not following.recorder.looked_up
    assert following.up.hits == {f"/away/{number}": 1}


async def test_by_default_none_is_followed() -> None:
    async with ground(FAULTS) as site:
        response = await site.ask("select * from /api/near as x")
        assert response.codes() == ["UPSTREAM_STATUS"]
        assert response.json()["errors"][0]["hint"] == "redirects are not followed"
        assert site.up.hits == {"/api/near": 1}


async def test_a_url_of_a_query_is_never_followed() -> None:
    more = {"UPSTREAMS__DEFAULT__REDIRECTS": "3", "SECURITY__ALLOW_PRIVATE_NETWORKS": "true"}
    async with ground(FAULTS, allow="127.0.0.1:{P}", **more) as site:
        response = await site.ask("select * from http://127.0.0.1:{P}/api/near as x")
        assert response.codes() == ["UPSTREAM_STATUS"]
        assert site.up.hits == {"/api/near": 1}


@pytest.mark.parametrize(
    "path", ["near", "whole", "net", "beside", "hash", "query", "two", "three", "303", "cookie"]
)
async def test_what_stays_within_is_followed(below: Ground, path: str) -> None:
    response = await below.ask(f"select * from /{path} as x")
    assert response.json()["data"] == {"x": {"ok": True}}, response.body
    assert below.up.hits["/api/ok"] == 1
    assert not any(name.lower() == "cookie" for name, _ in below.up.seen[-1].headers)


@pytest.mark.parametrize(
    ("path", "hits", "why"),
    [("round", 4, "more often"), ("four", 4, "more often"), ("out", 1, "out of the path"),
     ("twice", 1, "cannot be called"), ("none", 1, "cannot be called"), ("300", 1, "not followed")],
)  # fmt: skip
async def test_what_does_not_end_well_stays_an_answer(
    below: Ground, path: str, hits: int, why: str
) -> None:
    response = await below.ask(f"select * from /{path} as x")
    assert response.codes() == ["UPSTREAM_STATUS"]
    assert why in response.json()["errors"][0]["hint"]
    assert len(below.up.seen) == hits


async def test_a_write_is_not_followed(below: Ground) -> None:
    for method in ("post", "put", "delete"):
        response = await below.ask(f"select * {method} from /near as x")
        assert response.codes() == ["UPSTREAM_STATUS"]
        assert below.up.hits == {"/api/near": 1}


async def test_what_was_meant_for_once_is_not_kept_under_the_first_url(below: Ground) -> None:
    for path, asked in (("kept", 2), ("moved", 1)):
        await below.ask(f"select * from /{path} as x")
        hits = below.up.hits[f"/api/{path}"]
        await below.ask(f"select * from /{path} as x")
        assert hits + below.up.hits[f"/api/{path}"] == asked
