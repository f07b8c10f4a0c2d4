"""The header that counts engines: whose word counts, and who is near enough to be told."""

from __future__ import annotations

from typing import cast

import pytest

from apiql.settings import Host, Upstream
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.loops import HEADER, beginning, deeper, depth_of, is_near
from apiql.sources.outward import Outward, outward
from apiql.sources.transports import Transports
from apiql.sources.way import UpstreamWay
from apiql.stores.memory import MemoryStores
from tests.sources.raw_upstream import call

SHOP = Origin("http", "shop.test", 80, pinned=True)
SAID = (("x-apiql-depth", "-9"), ("Accept", "*/*"), ("X-APIQL-DEPTH", "0"))


class Inner:
    """Keeps the headers of what came."""

    headers: tuple[tuple[str, str], ...] = ()

    async def __call__(self, made: Call) -> Reply:
        self.headers = made.headers
        return Reply(200, (), b"1")


@pytest.mark.parametrize(
    ("text", "depth"),
    [("0", 0), ("3", 3), ("999", 999), ("1000", None), ("0000", None), ("9" * 5000, None),
     ("", None), ("-1", None), ("+1", None), ("1 ", None), ("\u0663", None), ("1.0", None)],
)  # fmt: skip
def test_what_is_a_depth(text: str, depth: int | None) -> None:
    assert depth_of(text) == depth


async def test_the_depth_of_a_query_takes_the_place_of_what_it_says() -> None:
    inner = Inner()
    await deeper(inner, 2)(call(SHOP, headers=SAID))
    assert inner.headers == (("Accept", "*/*"), (HEADER, "3"))
    twice = Inner()
    await beginning(deeper(twice, 2))(call(SHOP))
    assert twice.headers == ((HEADER, "3"),)


@pytest.mark.parametrize("said", [SAID, ((HEADER, "0"), ("Accept", "*/*"))])
async def test_what_a_query_says_of_its_depth_does_not_count(
    said: tuple[tuple[str, str], ...],
) -> None:
    inner = Inner()
    await beginning(inner)(call(SHOP, headers=said))
    assert inner.headers == (("Accept", "*/*"), (HEADER, "1"))


async def test_what_was_counted_goes_on() -> None:
    inner = Inner()
    await deeper(beginning(inner), 2)(call(SHOP, headers=SAID))
    assert inner.headers == (("Accept", "*/*"), (HEADER, "3"))


@pytest.mark.parametrize(
    ("host", "near"),
    [("shop", True), ("shop.internal", True), ("a.local", True), ("x.localhost", True),
     ("nas.lan", True), ("tv.home.arpa", True), ("10.1.2.3", True), ("127.0.0.1", True),
     ("fd00::1", True), ("shop.example", False), ("93.184.216.34", False),
     ("internal.example", False), ("2606:2800::1", False)],
)  # fmt: skip
def test_who_may_be_an_engine_of_the_same_house(host: str, near: bool) -> None:
    assert is_near(Origin("http", host, 80)) == near


@pytest.mark.parametrize(
    ("more", "told"),
    [({}, False), ({"apiql": True}, True), ({"hosts": (Host(url="http://10.0.0.1"),)}, True),
     ({"hosts": (Host(url="http://other.example"),)}, False)],
)  # fmt: skip
async def test_one_near_host_is_enough(more: dict[str, object], told: bool) -> None:
    upstream = Upstream.model_validate({"url": "http://shop.example", **more})
    inner, unused = Inner(), cast(Transports, None)
    around = Outward(MemoryStores(lambda: 0.0), lambda: 0.0)
    way = UpstreamWay(inner, None, (), ())
    way = outward("shop", upstream, way, unused, (), around)
    await way.layer(call(SHOP))
    assert dict(inner.headers) == ({HEADER: "1"} if told else {})
