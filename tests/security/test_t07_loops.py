"""T7: a server is made to call itself, or two call each other, until nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.query_files import QueryFile, QueryFiles
from apiql.server.app import create_app
from apiql.settings import Admin, Host, Security, Server, Settings, Upstream
from apiql.sources.addresses import parse_url
from apiql.sources.loops import OwnPlaces, is_local, own_places
from tests.ports import free_port
from tests.security.ground import Ground, over
from tests.security.recorder import Recorder
from tests.server.client import Site
from tests.server.upstream import upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN, ADMIN = 18_765, 19_765


def settings(host: str = "127.0.0.1") -> Settings:
    """Settings of a server whose queries may name any port of a few hosts."""
    hosts = "127.0.0.1 127.0.0.5 localhost sub.localhost [::1] good.test 93.184.216.34".split()
    return Settings(
        server=Server(host=host, port=OWN, workers=2), admin=Admin(port=ADMIN),
        security=Security(
            allow_hosts=tuple(f"{name}:*" for name in hosts), allow_private_networks=True
        ),
    )  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def listening() -> AsyncIterator[Ground]:
    """A server that says where it listens."""
    async with upstream() as up:
        async with over(settings(), up, Recorder(up.port)) as found:
            yield found


@pytest.mark.parametrize("port", [OWN, ADMIN, ADMIN + 1])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "localhost", "sub.localhost", "[::1]"])
async def test_its_own_places_are_no_upstream_of_a_query(
    listening: Ground, host: str, port: int
) -> None:
    await listening.refused(f"select * from http://{host}:{port}/x as x", 403, "FORBIDDEN_UPSTREAM")


async def test_a_name_that_leads_there_is_refused_once_it_is_looked_up(listening: Ground) -> None:
    response = await listening.ask(f"select * from http://good.test:{OWN}/x as x")
    assert response.codes() == ["FORBIDDEN_UPSTREAM"]
    assert listening.recorder.looked_up == ["good.test"]
    assert not listening.recorder.connected


async def test_other_ports_of_the_machine_are_others(listening: Ground) -> None:
    response = await listening.ask("select * from http://good.test:{P}/ok as x")
    assert response.json()["data"] == {"x": {"ok": True}}


def places(host: str) -> OwnPlaces:
    return own_places(settings(host), lambda address: address == "10.1.2.3")


@pytest.mark.parametrize(
    ("host", "url", "own"),
    [
        ("0.0.0.0", "http://10.1.2.3:18765", True), ("0.0.0.0", "http://10.1.2.4:18765", False),
        ("::", "http://10.1.2.3:18765", True), ("0.0.0.0", "http://10.1.2.3:80", False),
        ("10.1.2.3", "http://10.1.2.3:18765", True), ("10.1.2.9", "http://10.1.2.3:18765", False),
        ("bff.test", "http://bff.test:18765", True), ("10.1.2.9", "http://127.0.0.1:18765", True),
    ],
)  # fmt: skip
async def test_where_a_server_listens(host: str, url: str, own: bool) -> None:
    assert places(host).named_by(parse_url(url)[0]) is own


async def test_an_address_of_the_machine_is_known_without_a_packet() -> None:
    assert is_local("127.0.0.1")
    assert not is_local("192.0.2.1")
    assert not is_local("2001:db8::1")


# -- two engines ----------------------------------------------------------------------------------


class Spied:
    """An app, and the depth and status of each request that it answered."""

    def __init__(self, other: int, text: str, **more: object) -> None:
        self.seen: list[tuple[str | None, int]] = []
        url = f"http://127.0.0.1:{other}"
        default = Upstream(url=url, **more)  # type: ignore[arg-type]
        files = QueryFiles((QueryFile("x", 1, "x.apiql", text),))
        self.app = create_app(Settings(upstreams={"default": default}), files)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        depth = headers.get(b"x-apiql-depth")

        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.seen.append((depth and depth.decode(), message["status"]))
            await send(message)

        await self.app(scope, receive, noting)


@pytest.mark.parametrize(
    "text", ["select * from /query/x as x", "select * post from /query/x as x"]
)
async def test_two_engines_that_lead_to_each_other_end_with_508(text: str) -> None:
    one, two = free_port(), free_port()
    first, second = Spied(two, text), Spied(one, text)
    async with serving(first, port=one) as url, serving(second, port=two):
        async with asyncio.timeout(5):
            method = "POST" if "post" in text else "GET"
            response = await Site(url).send(method, "/query/x")
    assert response.status == 502
    assert first.seen == [("4", 508), ("2", 502), (None, 502)]
    assert second.seen == [("3", 502), ("1", 502)]


async def test_an_engine_whose_upstream_is_itself_ends_as_well() -> None:
    """An equal read of its own is under way: it must not wait for that."""
    port = free_port()
    one = Spied(port, "select * from /query/x as x")
    async with serving(one, port=port) as url:
        async with asyncio.timeout(5):
            response = await Site(url).send("GET", "/query/x")
    assert response.status == 502
    assert [status for _, status in one.seen] == [508, 502, 502, 502, 502]


async def test_a_service_far_away_is_told_only_where_it_is_marked_or_asked_by_an_engine() -> None:
    for apiql, depth, told in ((False, None, None), (True, None, "1"), (False, "2", "3")):
        async with upstream() as up:
            host = Host(url=f"http://good.test:{up.port}")
            far = Upstream(url="http://far.example.com", hosts=(host,), apiql=apiql)
            found = Settings(upstreams={"default": far})
            async with over(found, up, Recorder(up.port)) as ground:
                more = {"X-APIQL-Depth": depth} if depth else {}
                response = await ground.ask("select * from /echo as x", None, **more)
                headers = response.json()["data"]["x"]["headers"]
                assert headers.get("x-apiql-depth") == told


@pytest.mark.parametrize("depth", ["4", "99", "1000", "-1", "x", "1, 1", "\u0661", ""])
async def test_a_request_that_is_too_deep_is_refused(listening: Ground, depth: str) -> None:
    sent = {"X-APIQL-Depth": depth.encode().decode("latin-1")}
    response = await listening.ask("select * from http://good.test:1/x as x", None, **sent)
    assert (response.status, response.codes()) == (508, ["LOOP"])
    listening.untouched()


async def test_a_query_does_not_say_how_deep_it_is(listening: Ground) -> None:
    text = "select * from http://good.test:{P}/echo as x headers X-APIQL-Depth = '0'"
    response = await listening.ask(text)
    assert (response.status, response.codes()) == (422, ["BAD_VALUE"]), response.body
    listening.untouched()
