"""How often one client may ask: who a client is, buckets, headers, 429."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from apiql.access.principal import Principal
from apiql.errors import RequestRefused
from apiql.server.client_address import client_address
from apiql.server.rate import Rates, keys_by
from apiql.server.visit import Visit
from apiql.settings import Clients
from apiql.stores.memory import MemoryStores
from tests.server.front import Front, front
from tests.server.guarded import Guarded, guarded, settings_of
from tests.server.test_signatures import Request

NDJSON = "application/x-ndjson"


def scope(peer: str, *headers: tuple[str, str]) -> dict[str, Any]:
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return {"client": (peer, 1234), "headers": pairs}


def behind(*proxies: str, forwarded: str = "x-forwarded-for") -> Clients:
    return Clients.model_validate({"trusted_proxies": proxies, "forwarded": forwarded})


XFF = "x-forwarded-for"


@pytest.mark.parametrize(
    ("clients", "peer", "header", "client"),
    [
        (behind(), "9.9.9.9", (XFF, "1.2.3.4"), "9.9.9.9"),
        (behind("10.0.0.0/8"), "9.9.9.9", (XFF, "1.2.3.4"), "9.9.9.9"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "1.2.3.4"), "1.2.3.4"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "6.6.6.6, 1.2.3.4"), "1.2.3.4"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "6.6.6.6, 1.2.3.4, 10.7.7.7"), "1.2.3.4"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "10.1.1.1, 10.7.7.7"), "10.1.1.1"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "nonsense"), "10.0.0.1"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, ""), "10.0.0.1"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "1.2.3.4:555"), "1.2.3.4"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "[2001:db8::1]:555"), "2001:db8::1"),
        (behind("10.0.0.0/8"), "10.0.0.1", ("forwarded", "for=1.2.3.4"), "10.0.0.1"),
        (behind("10.0.0.1", forwarded="forwarded"), "10.0.0.1", (XFF, "1.2.3.4"), "10.0.0.1"),
        (
            behind("10.0.0.1", forwarded="forwarded"), "10.0.0.1",
            ("forwarded", 'for=6.6.6.6, proto=https;For="[2001:db8::7]:4711";by=x'), "2001:db8::7",
        ),
        (behind("::1"), "::1", (XFF, "1.2.3.4"), "1.2.3.4"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "1.2.3.4" + ", 10.0.0.2" * 31), "1.2.3.4"),
        (behind("10.0.0.0/8"), "10.0.0.1", (XFF, "1.2.3.4" + ", 10.0.0.2" * 32), "10.0.0.2"),
        (behind("10.0.0.0/8"), "::ffff:10.0.0.1", (XFF, "1.2.3.4"), "1.2.3.4"),
    ],
)  # fmt: skip
def test_who_asks(clients: Clients, peer: str, header: tuple[str, str], client: str) -> None:
    assert client_address(scope(peer, header), clients) == client


def test_an_ipv6_client_is_its_network() -> None:
    key_of = keys_by(Clients())
    one, two = key_of(scope("2001:db8:0:1::1")), key_of(scope("2001:db8:0:1:ffff::2"))
    assert one == two != key_of(scope("2001:db8:0:2::1"))
    assert key_of(scope("::ffff:1.2.3.4")) == key_of(scope("1.2.3.4")) == b"ip:1.2.3.4"


def test_a_client_by_a_header_is_never_stored_by_its_value() -> None:
    key_of = keys_by(Clients(by="header:X-Api-Key"))
    key = key_of(scope("1.2.3.4", ("x-api-key", "secret")))
    assert key.startswith(b"header:")
    assert b"secret" not in key
    assert key != key_of(scope("1.2.3.4", ("x-api-key", "other")))
    assert key_of(scope("1.2.3.4")) == b"ip:1.2.3.4"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": "0/s"}, {"rate": "-1/s"}, {"rate": "100"}, {"rate": "100/d"}, {"rate": 100},
        {"burst": 5}, {"rate": "1/s", "burst": 0}, {"by": "cookie"}, {"by": "header:"},
        {"by": "header:a b"}, {"trusted_proxies": ["10.0.0.1/8"]}, {"trusted_proxies": ["x"]},
        {"trusted_proxies": [1]}, {"forwarded": "via"}, {"rates": {"a": "1/s"}},
        {"by": "user", "rates": {"a": "1"}}, {"by": "user", "rates": {"": "1/s"}}, {"by": "USER"},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Clients.model_validate(wrong)


async def _statuses(found: Front, count: int, **headers: str) -> list[int]:
    asked = [await found.site.ask("select * from /ok", None, None, **headers) for _ in range(count)]
    return [answer.status for answer in asked]


async def test_over_the_rate_is_429_before_anything_is_read() -> None:
    async with front(CLIENTS__RATE="2/s") as found:
        first = await found.site.ask("select * from /ok")
        assert first.headers["ratelimit-policy"] == '"client";q=2;w=1'
        assert first.headers["ratelimit"] == '"client";r=1;t=1'
        assert (await found.site.ask("select")).headers["ratelimit"] == '"client";r=0;t=1'
        refused = await found.site.ask("not read")
        assert (refused.status, refused.codes()) == (429, ["RATE_LIMITED"])
        assert refused.media == "application/problem+json"
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["ratelimit"] == '"client";r=0;t=1'
        assert (await found.site.send("GET", "/livez")).status == 200
        found.now[0] += 0.5
        assert await _statuses(found, 2) == [200, 429]
        assert found.app.door.limited == 2


async def test_bursts_and_slow_rates() -> None:
    async with front(CLIENTS__RATE="60/m", CLIENTS__BURST="5") as found:
        assert await _statuses(found, 6) == [200] * 5 + [429]
        found.now[0] += 2
        assert await _statuses(found, 3) == [200, 200, 429]
        answer = await found.site.ask("select * from /ok")
        assert answer.headers["ratelimit-policy"] == '"client";q=5;w=5'


async def test_clients_are_told_apart_by_a_header() -> None:
    async with front(CLIENTS__RATE="1/m", CLIENTS__BY="header:X-Api-Key") as found:
        assert await _statuses(found, 2, X_Api_Key="a") == [200, 429]
        assert await _statuses(found, 2, X_Api_Key="b") == [200, 429]
        refused = await found.site.ask("select * from /ok", X_Api_Key="topsecret")
        again = await found.site.ask("select * from /ok", X_Api_Key="topsecret")
        assert (refused.status, again.status) == (200, 429)
        assert b"topsecret" not in again.body


SIGNED = {"SIGNING__APPS__SHOP__SECRET": "a" * 20, "SIGNING__APPS__TILL__SECRET": "b" * 20}
SECRETS = {"shop": "a" * 20, "till": "b" * 20}


async def _signed(found: Guarded, app: str, count: int) -> list[int]:
    requests = [Request(app=app, secret=SECRETS[app]) for _ in range(count)]
    return [(await found.site.raw(request.sent())).status for request in requests]


@pytest.mark.parametrize("by", ["key", "user"])
async def test_clients_are_told_apart_by_whom_they_have_proved_to_be(by: str) -> None:
    open_to_all = {"ACCESS__REQUIRED": "false", **SIGNED}
    async with guarded(CLIENTS__RATE="2/m", CLIENTS__BY=by, **open_to_all) as found:
        assert await _signed(found, "shop", 3) == [200, 200, 429]
        assert await _signed(found, "till", 3) == [200, 200, 429]
        unknown = [await found.site.ask("select * from /ok") for _ in range(3)]
        assert [answer.status for answer in unknown] == [200, 200, 429]
        refused = await found.site.raw(Request(secret="x" * 20).sent())
        assert refused.status == 401
        assert "ratelimit" not in refused.headers
        assert found.app.door.limited == 3


async def test_a_name_may_have_a_rate_of_its_own() -> None:
    rates = {"CLIENTS__RATES__TILL": "180/m", "CLIENTS__BY": "user"}
    async with guarded(CLIENTS__RATE="1/m", CLIENTS__BURST="2", **rates, **SIGNED) as found:
        assert await _signed(found, "shop", 3) == [200, 200, 429]
        answer = await found.site.raw(Request(app="till", secret=SECRETS["till"]).sent())
        assert answer.headers["ratelimit-policy"] == '"client";q=180;w=60'
        assert answer.headers["ratelimit"] == '"client";r=179;t=1'
    async with guarded(**rates, **SIGNED) as found:
        assert await _signed(found, "shop", 3) == [200, 200, 200]
        assert (await found.site.ask("select * from /ok")).headers.get("ratelimit") is None
        assert await _signed(found, "till", 181) == [200] * 180 + [429]


async def test_only_names_of_the_configuration_are_keys() -> None:
    rates = Rates(Clients(rate=(1, 60), by="key"), MemoryStores(lambda: 0.0).buckets)
    for scheme, left in (("key", True), ("signature", True), ("jwt", True), ("basic", False)):
        visit = Visit(scope("1.2.3.4"), _nothing, {})
        visit.principal = Principal("a", scheme)
        if left:
            assert rates(visit) is None
        else:  # as any other of this address: whom a token names it may choose itself
            with pytest.raises(RequestRefused):
                rates(visit)


async def test_who_proves_nothing_is_told_apart_by_its_address() -> None:
    rates = Rates(Clients(rate=(1, 60), by="user"), MemoryStores(lambda: 0.0).buckets)
    for peer in ("1.2.3.4", "1.2.3.5"):
        assert rates(Visit(scope(peer), _nothing, {})) is None
    with pytest.raises(RequestRefused):
        rates(Visit(scope("1.2.3.5"), _nothing, {}))


async def _nothing() -> Any:
    raise AssertionError("nothing is read")


@pytest.mark.parametrize("by", ["ip", "user"])
async def test_buckets_live_on_over_a_reload(by: str) -> None:
    more = {"CLIENTS__BY": by, **SIGNED}
    async with guarded(CLIENTS__RATE="2/m", **more) as found:
        assert await _signed(found, "shop", 1) == [200]
        found.current.swap(found.held(settings_of(CLIENTS__RATE="2/m", **more)))
        assert await _signed(found, "shop", 2) == [200, 429]
        found.current.swap(found.held(settings_of(**SIGNED)))
        assert await _signed(found, "shop", 2) == [200, 200]
        found.current.swap(found.held(settings_of(CLIENTS__RATE="9/m", **more)))
        assert await _signed(found, "shop", 1) == [429]
        found.now[0] += 60
        assert await _signed(found, "shop", 3) == [200, 200, 200]


async def test_a_body_is_not_read_of_an_address_that_goes_over_its_rate() -> None:
    async with guarded(CLIENTS__RATE="1/m", **SIGNED) as found:
        assert await _signed(found, "shop", 1) == [200]
        reader, writer = await found.site.connect()
        head, _, _ = Request(app="shop", secret=SECRETS["shop"]).sent().partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 429 ")
        writer.close()


async def test_streams_carry_the_headers() -> None:
    async with front(CLIENTS__RATE="9/s") as found:
        reader, writer = await found.site.connect()
        head = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        writer.write(head + b"Accept: application/x-ndjson\r\nContent-Length: 17\r\n\r\n")
        writer.write(b"select * from /ok")
        assert b'ratelimit: "client";r=8;t=1' in await reader.readuntil(b"\r\n\r\n")
        writer.close()


async def test_without_a_rate_there_are_no_headers() -> None:
    async with front() as found:
        assert not [name for name in (await found.site.ask("select * from /ok")).headers
                    if name.startswith("ratelimit")]  # fmt: skip
