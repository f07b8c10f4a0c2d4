"""Tokens of OAuth2: fetched once, kept until shortly before their end, and what may go wrong."""

from __future__ import annotations

import asyncio
import base64

import pytest
from msgspec import msgpack

from apiql.errors import CallFailed, Code
from apiql.sources.call import Reply
from apiql.sources.token_request import HINT
from apiql.sources.tokens import LONGEST, Token
from apiql.stores.memory import MemoryStores
from tests.sources.token_endpoint import DOWN, SECRET, Endpoint, tokens
from tests.virtual import virtually


def at(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@virtually
async def test_what_is_sent_as_basic_authentication():
    endpoint = Endpoint()
    found = tokens(endpoint, scope="a b", audience="shop", client_id="a:b", extra={"x": "1"})
    assert await found.value(at(5)) == "token-1"
    call = endpoint.asked[0]
    assert (call.method, str(call.origin), call.target) == ("POST", "https://login.test", "/token")
    assert call.origin.pinned
    assert endpoint.forms == [
        {"grant_type": "client_credentials", "scope": "a b", "audience": "shop", "x": "1"}
    ]
    sent = dict(call.passing)["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"a%3Ab:{SECRET}"


@virtually
async def test_what_is_sent_in_the_body():
    endpoint = Endpoint()
    await tokens(endpoint, style="body").value(at(5))
    assert endpoint.forms[0]["client_secret"] == SECRET
    assert endpoint.forms[0]["client_id"] == "shop"
    assert "Authorization" not in dict(endpoint.asked[0].passing)


@virtually
async def test_all_that_wait_share_one_fetch():
    endpoint = Endpoint(takes=1.0)
    found = tokens(endpoint)
    values = await asyncio.gather(*(found.value(at(5)) for _ in range(50)))
    assert set(values) == {"token-1"}
    assert len(endpoint.asked) == 1


@virtually
async def test_the_first_caller_may_leave():
    endpoint = Endpoint(takes=1.0)
    found = tokens(endpoint)
    first = asyncio.ensure_future(found.value(at(5)))
    await asyncio.sleep(0.1)
    second = asyncio.ensure_future(found.value(at(5)))
    await asyncio.sleep(0.1)
    first.cancel()
    assert await second == "token-1"
    assert first.cancelled()
    assert len(endpoint.asked) == 1


@virtually
async def test_a_caller_waits_no_longer_than_its_deadline():
    endpoint = Endpoint(takes=2.0)
    found = tokens(endpoint)
    with pytest.raises(CallFailed) as late:
        await found.value(at(0.5))
    assert (late.value.code, late.value.hint) == (Code.UPSTREAM_TIMEOUT, HINT)
    assert asyncio.get_running_loop().time() == pytest.approx(0.5)
    await asyncio.sleep(2)
    assert await found.value(at(0.5)) == "token-1"  # the fetch went on without it


@virtually
async def test_a_token_is_kept_until_shortly_before_its_end():
    endpoint = Endpoint(seconds=1000)
    found = tokens(endpoint)
    assert await found.value(at(5)) == "token-1"
    await asyncio.sleep(939)
    assert await found.value(at(5)) == "token-1"
    assert len(endpoint.asked) == 1
    await asyncio.sleep(2)  # 941: from 940 on it is renewed beside the calls, to 970 it is used
    assert await found.value(at(5)) == "token-1"
    await asyncio.sleep(0)
    assert await found.value(at(5)) == "token-2"
    assert len(endpoint.asked) == 2


@virtually
async def test_after_its_end_a_token_is_never_used():
    endpoint = Endpoint(seconds=1000)
    found = tokens(endpoint)
    await found.value(at(5))
    await asyncio.sleep(970)
    assert await found.value(at(5)) == "token-2"


@pytest.mark.parametrize(
    ("seconds", "used"),
    [(100, 90), ("100", 90), (None, 270), (1e9, 86_370), (float("inf"), 86_370), (0, 0), (-5, 0)],
)
def test_lifetimes_are_held_within_bounds(seconds, used):
    @virtually
    async def test():
        endpoint = Endpoint(seconds=seconds)
        found = tokens(endpoint)
        await found.value(at(5))
        held = found._held
        assert used == (0 if held is None else pytest.approx(held.until - held.at))

    if seconds == float("inf"):  # is no JSON
        seconds = 10**30
    test()


@virtually
async def test_a_failure_stands_for_a_second():
    endpoint = Endpoint()
    endpoint.says = DOWN
    found = tokens(endpoint)
    for _ in range(20):
        with pytest.raises(CallFailed) as failed:
            await found.value(at(5))
        assert failed.value.code is Code.UPSTREAM_CONNECT
        assert failed.value.hint == HINT
    assert len(endpoint.asked) == 1
    await asyncio.sleep(1.01)
    endpoint.says = None
    assert await found.value(at(5)) == "token-2"


ANSWERS = [
    (Reply(401, (), b'{"error":"invalid_client","x":"' + SECRET.encode() + b'"}'), "answered 401"),
    (Reply(503, (), b""), "answered 503"),
    (Reply(302, (("location", "https://evil.test/"),), b""), "answered 302"),
    (Reply(200, (), b"<html>"), "without a bearer token"),
    (Reply(200, (), b"[]"), "without a bearer token"),
    (Reply(200, (), b'{"access_token":""}'), "without a bearer token"),
    (Reply(200, (), b'{"access_token":"a\\r\\nX: 1"}'), "without a bearer token"),
    (Reply(200, (), b'{"access_token":"a b"}'), "without a bearer token"),
    (Reply(200, (), b'{"access_token":7}'), "without a bearer token"),
    (Reply(200, (), b'{"access_token":"a","token_type":"mac"}'), "without a bearer token"),
    (Reply(200, (), b'{"access_token":"a","expires_in":"soon"}'), "without a bearer token"),
    (Reply(200, (), b'{"access_token":"a","x":"' + b"y" * 70_000 + b'"}'), "without a bearer"),
]


@pytest.mark.parametrize(("answer", "told"), ANSWERS, ids=range(len(ANSWERS)))
def test_what_is_no_token_is_told_without_its_words(answer, told):
    @virtually
    async def test():
        endpoint = Endpoint()
        endpoint.says = answer
        with pytest.raises(CallFailed) as failed:
            await tokens(endpoint).value(at(5))
        assert failed.value.code is Code.UPSTREAM_STATUS
        assert told in failed.value.message
        assert SECRET not in repr(failed.value)

    test()


@virtually
async def test_an_endpoint_that_hangs_has_its_own_time():
    endpoint = Endpoint(takes=1e9)
    with pytest.raises(CallFailed) as failed:
        await tokens(endpoint, timeout=2).value(at(60))
    assert failed.value.code is Code.UPSTREAM_CONNECT
    assert asyncio.get_running_loop().time() == pytest.approx(2)


@virtually
async def test_a_refused_token_is_replaced_once_it_is_not_young_any_more():
    endpoint = Endpoint()
    found = tokens(endpoint)
    value = await found.value(at(5))
    assert not await found.dropped(value)  # who refuses what is new refuses the next one too
    await asyncio.sleep(11)
    assert await found.dropped(value)
    assert await found.value(at(5)) == "token-2"
    assert await found.dropped(value)  # another one is there already
    assert len(endpoint.asked) == 2


@virtually
async def test_processes_share_tokens_by_the_store():
    endpoint, clock = Endpoint(seconds=1000), asyncio.get_running_loop().time
    stores = MemoryStores(clock)
    one, two = tokens(endpoint, stores), tokens(endpoint, stores)
    assert await one.value(at(5)) == await two.value(at(5)) == "token-1"
    other = tokens(endpoint, stores, client_secret="another")
    assert await other.value(at(5)) == "token-2"
    await asyncio.sleep(500)
    assert await two.dropped("token-1")
    assert await two.value(at(5)) == "token-3"
    assert await one.dropped("token-1")  # that of the other is taken, none is fetched
    assert await one.value(at(5)) == "token-3"
    assert len(endpoint.asked) == 3


@virtually
async def test_closing_ends_what_is_under_way():
    endpoint = Endpoint(takes=1e6)
    found = tokens(endpoint)
    waiting = asyncio.ensure_future(found.value(at(5)))
    await asyncio.sleep(0.1)
    await found.aclose()
    with pytest.raises(CallFailed):
        await waiting
    with pytest.raises(CallFailed) as closed:
        await found.value(at(5))
    assert closed.value.code is Code.UPSTREAM_CONNECT
    assert len(endpoint.asked) == 1


@virtually
async def test_a_refused_token_is_not_given_to_processes_that_begin_later():
    endpoint, stores = Endpoint(), MemoryStores(asyncio.get_running_loop().time)
    found = tokens(endpoint, stores)
    await found.value(at(5))
    await asyncio.sleep(60)
    assert await found.dropped("token-1")
    assert await tokens(endpoint, stores).value(at(5)) == "token-2"


@virtually
async def test_what_a_store_says_of_a_token_is_held_within_bounds():
    await asyncio.sleep(100)
    assert await kept_by_the_store(-1, 0) == "token-1"
    assert await kept_by_the_store(0, 0) == "token-1"
    assert await kept_by_the_store(60, 0) == "found"
    assert await kept_by_the_store(60, 61) == "token-1"
    assert await kept_by_the_store(10 * LONGEST, LONGEST - 1) == "found"
    assert await kept_by_the_store(10 * LONGEST, LONGEST + 1) == "token-1"


async def kept_by_the_store(until: float, after: float) -> str:
    """The token in use after so many seconds; one in the store was to be used until then."""
    endpoint, stores = Endpoint(), MemoryStores(asyncio.get_running_loop().time)
    found, now = tokens(endpoint, stores), stores.clock()
    await found._store.put(found._request.key, Token("found", now, now + until), 20 * LONGEST)
    first = await found.value(at(5))
    await found._store.drop(found._request.key)
    await asyncio.sleep(after)
    return await found.value(at(5)) if after else first


@virtually
async def test_nothing_shows_a_secret():
    endpoint = Endpoint()
    found = tokens(endpoint)
    await found.value(at(5))
    shown = f"{found._held!r} {found._request!r} {await found._store.get(found._request.key)!r}"
    assert SECRET not in shown
    assert "token-1" not in shown


def test_a_token_goes_through_a_shared_store_as_it_is():
    token = Token("abc", 1.5, 2.5)
    assert msgpack.decode(msgpack.encode(token), type=Token) == token
