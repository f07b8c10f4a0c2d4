"""T2: an internal address is written in a form that one parser takes for it and another not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.sources.addresses import BadUrl, forbidden, parse_url
from tests.security.ground import Ground, ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORMS = [
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.000.000.001",
    "127.0.0.1.",
    "127。0。0。1",
    "127．0．0．1",
    "127｡0｡0｡1",
    "①②⑦.0.0.1",
    "127.0.0.1%00",
    "127.0.0.1%2eexample.com",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[::1%25lo]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[fd00:ec2::254]",
    "[v1.a]",
    "[::1",
    "::1",
    "[127.0.0.1]",
    "localhost.",
    "LOCALHOST",
    "loc\u0430lhost",
    "xn--",
    "xn--a",
    "ⓛocalhost",
    "127.0.0.1\u200b",
    "0",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "a..b",
    ".a",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "0x",
    "-a.test",
    "a-.test",
    "a" * 64 + ".test",
]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def wide() -> AsyncIterator[Ground]:
    """A server whose list allows the plain forms of internal hosts, on any port."""
    hosts = "127.0.0.1:*,localhost:*,[::1]:*,0.0.0.0:*,169.254.169.254:*,[fd00:ec2::254]:*"
    async with ground(allow=hosts) as found:
        yield found


@pytest.mark.parametrize("host", FORMS)
async def test_an_odd_form_reaches_nobody(wide: Ground, host: str) -> None:
    response = await wide.ask(f"select * from http://{host}:{{P}}/ok as x")
    assert response.status in (400, 403, 422, 502), response.body
    assert set(response.codes()) <= {"FORBIDDEN_UPSTREAM", "SYNTAX", "UPSTREAM_CONNECT"}
    assert not wide.recorder.connected
    assert not wide.up.seen


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[fd00:ec2::254]"])
async def test_a_plain_form_that_is_on_the_list_is_still_no_address_to_call(
    wide: Ground, host: str
) -> None:
    response = await wide.ask(f"select * from http://{host}:{{P}}/ok as x")
    assert response.codes() == ["FORBIDDEN_UPSTREAM"]
    wide.untouched()


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "::8.8.8.8",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "2002::1",
        "2001::1",
        "2001:db8::1",
        "3ffe::1",
        "3fff::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "::",
        "::1",
        "100::1",
        "5f00::1",
        "4000::1",
        "0.0.0.0",
        "192.88.99.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "100.64.0.1",
        "198.18.0.1",
        "168.63.129.16",
        "192.0.0.170",
        "no address",
        "",
    ],
)
async def test_addresses_that_are_never_called(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "100.100.100.200",
        "0.0.0.0",
        "fd00:ec2::254",
        "::ffff:10.0.0.1",
        "224.0.0.1",
    ],
)
async def test_private_networks_open_no_metadata(address: str) -> None:
    assert forbidden(address, allow_private_networks=True)


async def test_every_form_is_one_origin_or_none() -> None:
    same = {str(parse_url(url)[0]) for url in ("http://Good.TEST", "HTTP://good.test:80/x")}
    assert same == {"http://good.test"}
    assert parse_url("http://bücher.test")[0].host == "xn--bcher-kva.test"
    for wrong in ("http://xn--bcher-KVA.test\u00ad", "http://xn--127-0-0-1-.test"):
        with pytest.raises(BadUrl):
            parse_url(wrong)
