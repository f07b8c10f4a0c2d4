"""Credentials: what is sent, what takes the place of what a query says, what nobody sees."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from apiql.errors import CallFailed, Code
from apiql.settings import Auth, Health, Host, Settings, Upstream
from apiql.sources.auth import authorizing, with_tokens
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.stack import build_stack
from apiql.stores.memory import MemoryStores
from tests.sources.raw_upstream import OK, Peer, answering, call, reply, upstream
from tests.sources.test_tls import CERTS, server_tls
from tests.sources.token_endpoint import Endpoint, oauth, tokens
from tests.virtual import virtually

SHOP = Origin("https", "shop.test", 443, pinned=True)
OTHER = Origin("https", "other.test", 443, pinned=True)


class Inner:
    """Answers with these statuses, the last one for ever; keeps what came."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses) or [200]
        self.calls: list[Call] = []

    async def __call__(self, made: Call) -> Reply:
        self.calls.append(made)
        at = min(len(self.calls), len(self.statuses)) - 1
        return Reply(self.statuses[at], (), b"{}")

    @property
    def shown(self) -> list[str | None]:
        """The Authorization of each."""
        return [dict(made.passing).get("Authorization") for made in self.calls]


async def sent(auth: dict[str, Any], **more: Any) -> Call:
    inner = Inner()
    await authorizing(inner, Auth(**auth), SHOP)(call(SHOP, **more))
    return inner.calls[0]


async def test_basic():
    made = await sent({"kind": "basic", "user": "ada", "password": "pä:ss"})
    assert made.passing == (("Authorization", "Basic YWRhOnDDpDpzcw=="),)
    made = await sent({"kind": "basic", "user": "ada", "password": ""})
    assert made.passing == (("Authorization", "Basic YWRhOg=="),)


async def test_bearer_and_header_stand_for_what_the_query_says():
    said = (("authorization", "Bearer mine"), ("X-Key", "mine"), ("Accept", "*/*"))
    made = await sent({"kind": "bearer", "token": "T"}, headers=said)
    assert (made.headers, made.passing) == (said[1:], (("Authorization", "Bearer T"),))
    made = await sent({"kind": "header", "name": "x-key", "value": "K 1"}, headers=said)
    assert (made.headers, made.passing) == ((said[0], said[2]), (("x-key", "K 1"),))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a", "/a?key=v%26%201"),
        ("/a?x=1", "/a?x=1&key=v%26%201"),
        ("/a?key=mine&x=1&k%65y=too&key", "/a?x=1&key=v%26%201"),
        ("/a?", "/a?key=v%26%201"),
    ],
)
async def test_a_parameter_stands_for_what_the_query_says(target, expected):
    made = await sent({"kind": "query", "name": "key", "value": "v& 1"}, target=target)
    assert made.target == expected


@pytest.mark.parametrize("kind", ["bearer", "oauth2"])
async def test_no_credential_goes_to_another_origin(kind):
    inner = Inner()
    layer = authorizing(inner, Auth.model_validate({"kind": "bearer", "token": "T"}), SHOP)
    if kind == "oauth2":
        layer = with_tokens(inner, tokens(Endpoint()), SHOP)
    unpinned = Origin("https", "shop.test", 443)
    for origin in (OTHER, unpinned, Origin("http", "shop.test", 80, pinned=True)):
        with pytest.raises(CallFailed) as failed:
            await layer(call(origin))
        assert failed.value.code is Code.FORBIDDEN_UPSTREAM
    assert not inner.calls


@virtually
async def test_a_token_is_shown_and_replaced_once_when_it_is_refused():
    inner, endpoint = Inner(200, 401, 200), Endpoint()
    layer = with_tokens(inner, tokens(endpoint), SHOP)
    await layer(call(SHOP))
    await asyncio.sleep(60)
    assert (await layer(call(SHOP))).status == 200
    assert inner.shown == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@virtually
async def test_an_upstream_that_refuses_all_tokens_makes_nobody_ask_for_more():
    inner, endpoint = Inner(401), Endpoint()
    layer = with_tokens(inner, tokens(endpoint), SHOP)
    for _ in range(100):
        assert (await layer(call(SHOP))).status == 401
        await asyncio.sleep(0.1)
    assert len(endpoint.asked) <= 2
    assert len(inner.calls) <= 101


@virtually
async def test_what_may_be_done_twice_only_is_repeated_where_the_token_was_stale():
    inner, endpoint = Inner(401, 401, 200), Endpoint()
    found = tokens(endpoint)
    layer = with_tokens(inner, found, SHOP)
    await found.value(asyncio.get_running_loop().time() + 5)
    await asyncio.sleep(60)
    assert (await layer(call(SHOP, method="POST", body=b"{}"))).status == 401
    assert len(inner.calls) == 1  # but its token is gone
    assert (await layer(call(SHOP, method="PATCH", body=b"{}"))).status == 401
    assert inner.shown == ["Bearer token-1", "Bearer token-2"]


@virtually
async def test_a_write_is_repeated_whose_token_ended_on_its_way():
    inner, endpoint = Inner(401, 200), Endpoint(seconds=1000)

    async def slow(made: Call) -> Reply:
        await asyncio.sleep(0 if inner.calls else 1001)
        return await inner(made)

    layer = with_tokens(slow, tokens(endpoint), SHOP)
    made = call(SHOP, method="POST", body=b"{}", within=5000)
    assert (await layer(made)).status == 200
    assert inner.shown == ["Bearer token-1", "Bearer token-2"]


async def test_what_is_kept_and_shared_knows_no_credential():
    answer = reply(b"1", "Cache-Control: max-age=60", "Vary: Authorization")
    async with upstream(answering(answer)) as raw:
        auth = Auth.model_validate({"kind": "bearer", "token": "T0KEN"})
        stores = MemoryStores()
        shop = Upstream(url=raw.url, auth=auth)
        stack = build_stack(Settings(upstreams={"default": shop}), stores)
        first = await stack.layer(call(raw.origin, "/x"))
        second = await stack.layer(call(raw.origin, "/x"))
        assert (first.age, second.use, len(raw.requests)) == (None, "hit", 1)
        assert b"Authorization: Bearer T0KEN\r\n" in raw.requests[0]
        kept = stores.store("answers", object, None)  # type: ignore[arg-type]
        assert "T0KEN" not in repr(vars(kept))
        await stack.aclose()


async def test_credentials_go_to_each_host_of_their_upstream_and_to_no_health_check():
    ok = answering(reply(b"1"))
    async with upstream(ok) as one, upstream(ok) as two, upstream(ok) as other:
        shop = Upstream(
            url="http://shop.test",
            hosts=(Host(url=one.url), Host(url=two.url)),
            auth=Auth.model_validate({"kind": "bearer", "token": "T0KEN"}),
            health=Health(path="/health"),
        )
        plain = Upstream(url=other.url)
        stack = build_stack(Settings(upstreams={"shop": shop, "plain": plain}), MemoryStores())
        for number in range(4):
            await stack.layer(call(Origin("http", "shop.test", 80, pinned=True), f"/{number}"))
            await stack.layer(call(other.origin, f"/{number}"))
        await stack.aclose()
    for raw in (one, two):
        calls = [seen for seen in raw.requests if b"/health" not in seen]
        assert calls
        assert all(b"Bearer T0KEN" in seen for seen in calls)
        assert not any(b"T0KEN" in seen for seen in raw.requests if b"/health" in seen)
    assert not any(b"uthorization" in seen for seen in other.requests)


async def test_a_token_comes_over_the_wire_and_survives_a_new_stack():
    given = reply(b'{"access_token":"abc","expires_in":3600}')
    async with upstream(answering(given)) as login, upstream(answering(reply(b"1"))) as raw:
        auth = oauth(token_url=f"{login.url}/token")
        shop, stores = Upstream(url=raw.url, auth=auth), MemoryStores()
        for _ in range(2):
            stack = build_stack(Settings(upstreams={"default": shop}), stores)
            for number in range(3):
                await stack.layer(call(raw.origin, f"/{number}"))
            await stack.aclose()
        assert len(login.requests) == 1
        assert login.requests[0].startswith(b"POST /token HTTP/1.1\r\n")
        assert all(b"Authorization: Bearer abc\r\n" in seen for seen in raw.requests)


async def test_a_client_certificate_is_shown_to_its_upstream_alone():
    pem, tls = str(CERTS / "client.pem"), server_tls(wants_client=True)
    async with upstream(answering(reply(b"1")), tls=tls) as one:
        async with upstream(answering(reply(b"1")), tls=tls) as two:
            trust = str(CERTS / "authority.pem")
            shop = Upstream(url=f"https://127.0.0.1:{one.port}", verify=trust, client_cert=pem)
            plain = Upstream(url=f"https://127.0.0.1:{two.port}", verify=trust)
            settings = Settings(upstreams={"shop": shop, "plain": plain})
            stack = build_stack(settings, MemoryStores())
            at = Origin("https", "127.0.0.1", one.port, pinned=True)
            assert (await stack.layer(call(at))).status == 200
            with pytest.raises(CallFailed):
                await stack.layer(call(Origin("https", "127.0.0.1", two.port, pinned=True)))
            assert not two.requests
            await stack.aclose()


async def test_the_token_endpoint_is_not_shown_the_client_certificate():
    pem, trust = str(CERTS / "client.pem"), str(CERTS / "authority.pem")
    wanting = server_tls()
    wanting.verify_mode = ssl.CERT_OPTIONAL
    wanting.load_verify_locations(CERTS / "authority.pem")
    given = reply(b'{"access_token":"abc"}')
    seen: list[object] = []

    async def login(peer: Peer) -> None:
        seen.append(peer.writer.get_extra_info("peercert"))
        await answering(given)(peer)

    async with upstream(login, tls=wanting) as one, upstream(answering(OK), tls=wanting) as two:
        auth = oauth(token_url=f"https://127.0.0.1:{one.port}/token")
        url = f"https://127.0.0.1:{two.port}"
        shop = Upstream(url=url, verify=trust, client_cert=pem, auth=auth)
        stack = build_stack(Settings(upstreams={"shop": shop}), MemoryStores())
        at = Origin("https", "127.0.0.1", two.port, pinned=True)
        assert (await stack.layer(call(at))).status == 200
        assert not any(seen)
        await stack.aclose()
