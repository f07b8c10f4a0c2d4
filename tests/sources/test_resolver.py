"""Names: looked up once, every address checked, kept for half a minute, never reached by name."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from apiql.errors import CallFailed, Code
from apiql.sources.call import Origin
from apiql.sources.http import PooledTransport
from apiql.sources.limits import TransportLimits
from apiql.sources.resolver import Resolver
from tests.sources.raw_upstream import call, once, reply, upstream

PUBLIC = "93.184.216.34"


class Names:
    """A look-up from a table; a list of answers is used one by one."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name: list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        left = self.answers.get(host.replace(".", "_"))
        if left is None:
            raise socket.gaierror
        return left.pop(0) if len(left) > 1 else left[0]


async def found(resolver: Resolver, host: str, *, pinned: bool = False) -> list[str]:
    deadline = asyncio.get_running_loop().time() + 5
    return list(await resolver.addresses(Origin("http", host, 80, pinned), deadline))


async def test_a_name_is_looked_up_once_and_kept():
    names = Names(a_test=[[PUBLIC]])
    resolver = Resolver(TransportLimits(), lookup=names)
    assert await found(resolver, "a.test") == [PUBLIC]
    assert await found(resolver, "a.test") == [PUBLIC]
    assert names.asked == ["a.test"]
    resolver.forget(Origin("http", "a.test", 80))
    await found(resolver, "a.test")
    assert names.asked == ["a.test", "a.test"]
    resolver.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fec0::1"])
async def test_forbidden_literals_are_refused_without_a_look_up(host):
    names = Names()
    resolver = Resolver(TransportLimits(), lookup=names)
    with pytest.raises(CallFailed) as failed:
        await found(resolver, host)
    assert failed.value.code is Code.FORBIDDEN_UPSTREAM
    assert host not in failed.value.message
    assert names.asked == []
    assert await found(resolver, host, pinned=True) == [host]
    resolver.close()


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], [PUBLIC, "127.0.0.1"], [PUBLIC, "::1"], ["fe80::1%eth0"], ["64:ff9b::1"]],
)
async def test_one_forbidden_address_among_several_is_enough(answer):
    resolver = Resolver(TransportLimits(), lookup=Names(two_test=[answer]))
    with pytest.raises(CallFailed) as failed:
        await found(resolver, "two.test")
    assert failed.value.code is Code.FORBIDDEN_UPSTREAM
    assert sorted(await found(resolver, "two.test", pinned=True)) == sorted(answer)
    resolver.close()


async def test_private_networks_can_be_opened():
    resolver = Resolver(
        TransportLimits(), lookup=Names(in_test=[["10.0.0.1"]]), allow_private_networks=True
    )
    assert await found(resolver, "in.test") == ["10.0.0.1"]
    resolver.close()


@pytest.mark.parametrize("answers", [{}, {"no_test": [[]]}])
async def test_a_name_without_address(answers):
    resolver = Resolver(TransportLimits(), lookup=Names(**answers))
    with pytest.raises(CallFailed) as failed:
        await found(resolver, "no.test")
    assert failed.value.code is Code.UPSTREAM_CONNECT
    resolver.close()


async def test_a_slow_look_up_is_left_at_its_limit_and_runs_only_once():
    release = threading.Event()
    asked = []

    def slow(host: str, port: int) -> list[str]:
        asked.append(host)
        release.wait(5)
        return [PUBLIC]

    resolver = Resolver(TransportLimits(dns_timeout=0.02), lookup=slow)
    for _ in range(3):
        with pytest.raises(CallFailed) as failed:
            await found(resolver, "slow.test")
        assert failed.value.code is Code.UPSTREAM_TIMEOUT
    assert asked == ["slow.test"]
    release.set()
    resolver.close()


class Recorder:
    """A connector that notes where it would connect to, and connects nowhere."""

    def __init__(self) -> None:
        self.reached: list[tuple[str, int, str | None]] = []

    async def __call__(self, protocol, address, port, tls, name) -> None:
        self.reached.append((address, port, name))
        raise ConnectionRefusedError


@pytest.mark.parametrize(
    ("host", "answers", "reached"),
    [
        ("rebind.test", [[PUBLIC], ["127.0.0.1"]], [PUBLIC]),
        ("two.test", [[PUBLIC, "127.0.0.1"]], []),
        ("meta.test", [["169.254.169.254"]], []),
        ("v6.test", [["::1"]], []),
        ("both.test", [[PUBLIC, "2606:4700::1111"]], [PUBLIC, "2606:4700::1111"]),
    ],
)
async def test_connections_go_to_the_checked_address_and_nowhere_else(host, answers, reached):
    recorder, names = Recorder(), Names(**{host.replace(".", "_"): answers})
    transport = PooledTransport(lookup=names, connect=recorder)
    with pytest.raises(CallFailed) as failed:
        await transport(call(Origin("https", host, 443)))
    expected = Code.UPSTREAM_CONNECT if reached else Code.FORBIDDEN_UPSTREAM
    assert failed.value.code is expected
    assert recorder.reached == [(address, 443, host) for address in reached]
    assert names.asked == [host]
    assert not transport.occupancy
    await transport.aclose()


async def test_a_rebound_name_is_refused_at_its_next_look_up():
    recorder = Recorder()
    names = Names(rebind_test=[[PUBLIC], ["127.0.0.1"]])
    transport = PooledTransport(lookup=names, connect=recorder)
    codes = []
    for _ in range(2):
        with pytest.raises(CallFailed) as failed:
            await transport(call(Origin("http", "rebind.test", 80)))
        codes.append(failed.value.code)
    assert codes == [Code.UPSTREAM_CONNECT, Code.FORBIDDEN_UPSTREAM]
    assert [address for address, _, _ in recorder.reached] == [PUBLIC]
    await transport.aclose()


# -- names with several addresses ---------------------------------------------------------------

A, B, C, SIX = "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"


class Switchboard:
    """A connector that refuses some addresses, and connects the others to a real upstream."""

    def __init__(self, port: int, *refused: str) -> None:
        self.port = port
        self.refused = set(refused)
        self.dialled: list[str] = []

    async def __call__(self, protocol, address, port, tls, name) -> None:
        self.dialled.append(address)
        if address in self.refused:
            raise ConnectionRefusedError
        await asyncio.get_running_loop().create_connection(protocol, "127.0.0.1", self.port)


async def connections(addresses: list[str], *refused: str, count: int) -> list[str]:
    """The addresses dialled for so many calls, each of which needs a new connection."""
    last = reply(b"ok", "Connection: close")
    async with upstream(once(last)) as raw:
        board = Switchboard(raw.port, *refused)
        transport = PooledTransport(lookup=lambda host, port: addresses, connect=board)
        for _ in range(count):
            assert (await transport(call(Origin("http", "many.test", 80, True)))).body == b"ok"
        await transport.aclose()
    return board.dialled


async def test_new_connections_begin_with_each_address_in_turn():
    assert await connections([A, B, C], count=6) == [A, B, C, A, B, C]


async def test_the_other_family_is_only_fallen_back_on():
    assert await connections([SIX, A, B], count=3) == [SIX] * 3
    assert await connections([A, SIX, B], count=4) == [A, B, A, B]


async def test_a_dead_address_is_dialled_once_and_then_comes_last():
    dialled = await connections([A, B, C], B, count=7)
    assert dialled == [A, B, C, *[C, A] * 2, C]


async def test_where_one_address_is_left_the_dead_ones_are_not_tried_first():
    assert await connections([SIX, A], SIX, count=3) == [SIX, A, A, A]


async def test_callers_that_wait_for_one_look_up_share_its_addresses():
    resolver = Resolver(TransportLimits(), lookup=lambda host, port: [A, B])
    firsts = [
        addresses[0]
        for addresses in await asyncio.gather(
            *[found(resolver, "a.test", pinned=True) for _ in range(4)]
        )
    ]
    assert sorted(firsts) == [A, A, B, B]
    resolver.close()


async def test_addresses_that_all_fail_are_looked_up_anew():
    names = Names(gone_test=[[A, B]])
    transport = PooledTransport(lookup=names, connect=Switchboard(0, A, B))
    for _ in range(2):
        with pytest.raises(CallFailed):
            await transport(call(Origin("http", "gone.test", 80, True)))
    assert names.asked == ["gone.test"] * 2
    await transport.aclose()
