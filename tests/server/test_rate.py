"""How often one client may ask: who a client is, buckets, headers, 429."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from apiql.server.rate import client_address, keys_by
from apiql.settings import Clients
from tests.server.front import Front, front

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
        {"trusted_proxies": [1]}, {"forwarded": "via"},
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
