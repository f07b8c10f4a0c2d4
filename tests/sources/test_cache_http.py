"""The cache by what upstreams, calls and the configuration say: validation, stale answers, tokens,
negative answers, tags, and what is under way while something changes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from apiql.errors import CallFailed, Code
from apiql.ir.caching import CacheRule
from apiql.sources.cache import Cache
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Caching, Call, Origin, Reply
from apiql.sources.changes import Changes
from apiql.sources.judgement import forwarded
from apiql.sources.lifetime import Lifetime
from apiql.sources.limits import Unanswered, Unreached
from apiql.sources.refresh import Refreshing
from apiql.sources.shared import shared
from apiql.stores.memory import MemoryStore
from apiql.stores.store import Room

ORIGIN = Origin("http", "a.test", 80, pinned=True)
WALL = 1_700_000_000.0
REFUSED = Unreached(Code.UPSTREAM_CONNECT, "refused")
BROKEN = Unanswered(Code.UPSTREAM_CONNECT, "the connection closed before an answer")
LATE = CallFailed(Code.UPSTREAM_TIMEOUT, "late")
Outcome = Reply | CallFailed


def ok(*headers: str, status: int = 200, body: bytes = b"body") -> Reply:
    """A reply with headers as `Name: value`."""
    pairs = tuple((n.lower(), v) for n, _, v in (each.partition(": ") for each in headers))
    return Reply(status, pairs, body)


def rule(**said: Any) -> Caching:
    return Caching(rule=CacheRule(("source:s", "upstream:u"), **said))


class Rig:
    """The cache and what shares calls, over an upstream that gives what is next, the last for ever.
    Where `gate` is shut it waits.
    """

    def __init__(self, *outcomes: Outcome) -> None:
        self.now = 100.0
        self.outcomes = [*outcomes]
        self.calls: list[Call] = []
        self.gate = asyncio.Event()
        self.gate.set()
        changes = Changes()
        self.store: MemoryStore[Kept] = MemoryStore(Room(1000, 1_000_000, size_of), self.clock)
        self.cache = Cache(
            shared(self.upstream, changes), self.store, self.clock, lambda: WALL, changes,
            refreshing=Refreshing(5.0),
        )  # fmt: skip

    def clock(self) -> float:
        return self.now

    async def upstream(self, call: Call) -> Reply:
        self.calls.append(call)
        found = self.outcomes[0] if len(self.outcomes) == 1 else self.outcomes.pop(0)
        await self.gate.wait()
        if isinstance(found, CallFailed):
            raise found
        return found

    async def ask(self, caching: Caching | None = None, method: str = "GET", **other: Any) -> Reply:
        parts: dict[str, Any] = {"target": "/x", "headers": (), "body": None} | other
        parts["headers"] = tuple(parts["headers"].items()) if parts["headers"] else ()
        deadline = asyncio.get_running_loop().time() + 5
        call = Call(method, ORIGIN, deadline=deadline, caching=caching or rule(), **parts)
        return await self.cache.layer(call)

    async def outcome(self, **other: Any) -> Outcome:
        """The answer to a call, or how it failed."""
        try:
            return await self.ask(**other)
        except CallFailed as failed:
            return failed

    async def uses(self, count: int = 2, *, wait: float = 0.0, **other: Any) -> list[str]:
        """What the cache had to do with some calls, one after another."""
        found = []
        for _ in range(count):
            found.append((await self.ask(**other)).use)
            self.now += wait
        return found

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


MISSED, HIT = "fwd=uri-miss; stored", "hit"

# -- validation ---------------------------------------------------------------------------------


async def test_an_old_answer_is_confirmed_with_all_its_validators():
    modified = "Wed, 01 Jan 2020 00:00:00 GMT"
    first = ok("Cache-Control: max-age=5", 'ETag: W/"1"', f"Last-Modified: {modified}", "A: 1")
    rig = Rig(first, ok("Cache-Control: max-age=60", 'ETag: "1"', "A: 2", status=304))
    await rig.ask()
    rig.now += 9
    reply = await rig.ask()
    assert dict(rig.calls[1].headers) == {"If-None-Match": 'W/"1"', "If-Modified-Since": modified}
    assert (reply.status, reply.body, reply.header("a"), reply.age) == (200, b"body", "2", None)
    assert reply.use == "fwd=stale; fwd-status=304; stored"
    rig.now += 59
    assert (await rig.ask()).use == HIT


async def test_another_answer_takes_the_place_of_an_old_one():
    rig = Rig(
        ok("Cache-Control: max-age=5", 'ETag: "1"'), ok("Cache-Control: max-age=5", body=b"2")
    )
    await rig.ask()
    rig.now += 5
    assert (await rig.ask()).use == "fwd=stale; stored"
    assert (await rig.ask()).body == b"2"


async def test_a_304_for_another_answer_is_not_taken_for_ours():
    fresh = ok("Cache-Control: max-age=5", body=b"2")
    rig = Rig(ok("Cache-Control: max-age=5", 'ETag: "1"'), ok('ETag: "9"', status=304), fresh)
    await rig.ask()
    rig.now += 5
    assert (await rig.ask()).body == b"2"
    assert [len(call.headers) for call in rig.calls] == [0, 1, 0]


async def test_what_has_no_validator_is_asked_for_as_it_is():
    rig = Rig(ok("Cache-Control: max-age=5"))
    await rig.ask()
    rig.now += 5
    await rig.ask()
    assert rig.calls[1].headers == ()


async def test_many_that_find_it_old_confirm_it_once():
    rig = Rig(ok("Cache-Control: max-age=5", 'ETag: "1"'), ok('ETag: "1"', status=304))
    await rig.ask()
    rig.now += 9
    replies = await asyncio.gather(*[rig.ask() for _ in range(100)])
    assert len(rig.calls) == 2
    assert {reply.body for reply in replies} == {b"body"}


# -- stale answers ------------------------------------------------------------------------------


async def test_a_stale_answer_is_given_while_one_call_asks_again():
    first = ok("Cache-Control: max-age=5, stale-while-revalidate=30")
    rig = Rig(first, ok("Cache-Control: max-age=5", body=b"2"))
    await rig.ask()
    rig.now += 10
    rig.gate.clear()
    replies = [await rig.ask() for _ in range(10)]
    await rig.settle()
    assert {(reply.body, reply.use, reply.ttl) for reply in replies} == {(b"body", HIT, -5.0)}
    assert (len(rig.calls), len(rig.cache.refreshing)) == (2, 1)
    rig.gate.set()
    await rig.settle()
    assert (await rig.ask()).body == b"2"
    assert len(rig.cache.refreshing) == 0


async def test_a_refresh_that_fails_leaves_the_answer_that_is_there():
    rig = Rig(ok("Cache-Control: max-age=5, stale-while-revalidate=30"), REFUSED)
    await rig.ask()
    rig.now += 10
    for _ in range(3):
        assert (await rig.ask()).body == b"body"
        await rig.settle()
    rig.now += 30
    with pytest.raises(CallFailed):
        await rig.ask()


async def test_closing_ends_refreshes_and_lets_none_begin():
    rig = Rig(ok("Cache-Control: max-age=5, stale-while-revalidate=30"))
    await rig.ask()
    rig.now += 10
    rig.gate.clear()
    await rig.ask()
    await rig.settle()
    await rig.cache.refreshing.aclose()
    assert len(rig.cache.refreshing) == 0
    await rig.ask()
    await rig.settle()
    assert len(rig.calls) == 2


@pytest.mark.parametrize("failing", [REFUSED, LATE, *[ok(status=n) for n in (500, 502, 503, 504)]])
async def test_a_stale_answer_stands_in_for_an_error(failing):
    rig = Rig(ok("Cache-Control: max-age=5, stale-if-error=60"), failing)
    await rig.ask()
    rig.now += 64
    reply = await rig.ask()
    assert (reply.body, reply.use, reply.age, reply.stale) == (b"body", "fwd=stale", 64.0, False)
    rig.now += 1
    assert await rig.outcome() is failing


@pytest.mark.parametrize("failing", [ok(status=404), CallFailed(Code.BAD_VALUE, "no")])
async def test_it_does_not_stand_in_for_what_is_no_error_of_the_upstream(failing):
    rig = Rig(ok("Cache-Control: max-age=5, stale-if-error=60"), failing)
    await rig.ask()
    rig.now += 10
    assert await rig.outcome() is failing


@pytest.mark.parametrize("word", ["must-revalidate", "proxy-revalidate", "no-cache"])
async def test_what_must_be_confirmed_stands_in_for_nothing_but_by_the_operators_word(word):
    first = ok(f"Cache-Control: max-age=5, stale-if-error=60, {word}", 'ETag: "1"')
    rig = Rig(first, REFUSED)
    await rig.ask()
    rig.now += 10
    with pytest.raises(CallFailed):
        await rig.ask()
    rig = Rig(first, REFUSED)
    await rig.ask(rule(stale_if_error=60.0))
    rig.now += 10
    assert (await rig.ask(rule(stale_if_error=60.0))).body == b"body"


async def test_the_operator_can_have_silent_upstreams_stand_in():
    rig = Rig(ok(), REFUSED)
    said = rule(stale_if_error=60.0)
    assert (await rig.ask(said)).use == MISSED
    rig.now += 59
    assert (await rig.ask(said)).use == "fwd=stale"


# -- what calls say -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "age", "used"),
    [
        ("no-cache", 0, False),
        ("max-age=10", 10, True),
        ("max-age=10", 11, False),
        ("min-fresh=50", 10, True),
        ("min-fresh=50", 11, False),
        ("max-stale", 500, True),
        ("max-stale=20", 79, True),
        ("max-stale=20", 80, False),
        ("x=1", 59, True),
        ("x=1", 60, False),
    ],
)
async def test_a_call_says_what_it_takes(said, age, used):
    rig = Rig(ok("Cache-Control: max-age=60", 'ETag: "1"'))
    await rig.ask()
    rig.now += age
    reply = await rig.ask(headers={"Cache-Control": said})
    assert (reply.age is not None) == used


async def test_max_stale_does_not_lift_must_revalidate():
    rig = Rig(ok("Cache-Control: max-age=60, must-revalidate", 'ETag: "1"'))
    await rig.ask()
    rig.now += 61
    assert (await rig.ask(headers={"Cache-Control": "max-stale"})).age is None


async def test_only_if_cached_makes_no_call():
    rig = Rig(ok("Cache-Control: max-age=60"))
    only = {"Cache-Control": "only-if-cached"}
    assert (await rig.ask(headers=only)).status == 504
    assert not rig.calls
    await rig.ask()
    assert (await rig.ask(headers=only)).use == HIT


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "no-store"},
        {"Range": "bytes=0-1"},
        {"If-None-Match": '"1"'},
        {"if-modified-since": "x"},
        {"If-Range": "x"},
    ],
)
async def test_calls_that_the_cache_stays_out_of(headers):
    rig = Rig(ok("Cache-Control: max-age=60"))
    await rig.ask()
    reply = await rig.ask(headers=headers)
    assert (reply.age, len(rig.calls), len(rig.store)) == (None, 2, 1)
    call = Call("GET", ORIGIN, "/x", tuple(headers.items()), None, 0.0, rule())
    assert forwarded(call) == "fwd=bypass"


async def test_marks_of_a_trace_make_no_other_call():
    rig = Rig(ok("Cache-Control: max-age=60"))
    found = [await rig.ask(headers={"traceparent": f"00-{n}", "A": "1"}) for n in range(3)]
    assert [reply.use for reply in found] == [MISSED, HIT, HIT]


async def test_an_answer_that_varies_by_such_a_mark_is_not_kept():
    rig = Rig(ok("Cache-Control: max-age=60", "Vary: Accept, TraceParent"))
    assert await rig.uses() == ["", ""]


async def test_credentials_want_a_word_of_the_upstream():
    secret = {"Authorization": "a"}
    for word, kept in [("", 0), (", public", 1), (", must-revalidate", 1), (", s-maxage=60", 1)]:
        rig = Rig(ok(f"Cache-Control: max-age=60{word}"))
        await rig.uses(headers=secret)
        assert len(rig.store) == kept
        await rig.ask(headers={"Authorization": "b"})
        assert len(rig.calls) == 3 - kept


# -- the operator's word ------------------------------------------------------------------------


async def test_http_caching_can_be_off():
    rig = Rig(ok("Cache-Control: max-age=60"))
    assert await rig.uses(caching=rule(http=False)) == ["", ""]
    call = Call("GET", ORIGIN, "/x", (), None, 0.0, rule(http=False))
    assert forwarded(call) == "fwd=bypass"
    assert await rig.uses(caching=rule(http=False, keep=9.0)) == [MISSED, HIT]


async def test_keep_counts_more_than_what_the_upstream_says():
    for word in ("max-age=1", "max-age=600", "no-cache", "max-age=0, must-revalidate"):
        rig = Rig(ok(f"Cache-Control: {word}"))
        said = rule(keep=60.0)
        assert await rig.uses(3, wait=30.0, caching=said) == [MISSED, HIT, MISSED]


@pytest.mark.parametrize(
    "headers",
    [["Cache-Control: no-store"], ["Cache-Control: private"], ["Set-Cookie: a"], ["Vary: *"]],
)
async def test_keep_does_not_lift_what_is_forbidden(headers):
    rig = Rig(ok(*headers))
    assert await rig.uses(caching=rule(keep=60.0)) == ["", ""]


async def test_a_part_is_never_kept():
    rig = Rig(ok("Cache-Control: max-age=60", status=206))
    assert await rig.uses(caching=rule(keep=60.0)) == ["", ""]


@pytest.mark.parametrize("status", [404, 410])
async def test_negative_answers_are_kept_if_asked_for_and_for_no_longer(status):
    rig = Rig(ok("Cache-Control: max-age=600", status=status))
    assert await rig.uses(wait=0.5) == ["", ""]
    said = rule(negative=1.0)
    assert await rig.uses(3, wait=0.5, caching=said) == [MISSED, HIT, MISSED]
    long = Caching(keep=60.0, stale=True, rule=said.rule)
    assert await rig.uses(3, wait=0.5, caching=long) == [HIT, MISSED, HIT]


@pytest.mark.parametrize(
    "header", ["Set-Cookie: a", "Vary: *", "Cache-Control: no-store", "Cache-Control: private"]
)
async def test_negative_answers_of_somebody_are_not_kept(header):
    rig = Rig(ok(header, status=404))
    said = rule(negative=60.0, expires=("body", "e"), bodies=True)
    assert await rig.uses(caching=said) == ["", ""]


async def test_other_errors_are_never_kept():
    for status in (301, 400, 403, 500, 503):
        rig = Rig(ok("Cache-Control: max-age=600", status=status))
        assert await rig.uses(caching=rule(negative=60.0, keep=60.0)) == ["", ""]


async def test_that_there_is_no_way_to_it_is_kept_if_asked_for():
    rig = Rig(REFUSED)
    for seconds, calls in [(0.0, 1), (0.5, 1), (0.6, 2)]:
        rig.now += seconds
        with pytest.raises(CallFailed) as failed:
            await rig.ask(rule(negative=1.0))
        assert (failed.value.code, failed.value.message) == (Code.UPSTREAM_CONNECT, "refused")
        assert len(rig.calls) == calls


def test_an_entry_can_be_sent_to_a_store_elsewhere():
    reply = ok("A: 1", 'ETag: "1"')
    for kept in (
        Kept(reply, 1.5, 9.0, Lifetime(5.0, 1.0, 2.0, 3.0, True, True)),
        Kept(Reply(0, (), b""), 1.0, 2.0, Lifetime(1.0), "refused"),
    ):
        assert msgpack.decode(msgpack.encode(kept), type=Kept) == kept


def test_an_unreached_upstream_is_no_last_good_answer():
    assert Kept(Reply(0, (), b""), 0, 0, failed="refused").is_negative


# -- tokens -------------------------------------------------------------------------------------

TOKEN = rule(expires=("body", "expires_in"), early=30.0, bodies=True)


async def test_a_token_is_kept_until_shortly_before_its_end():
    rig = Rig(ok("Cache-Control: no-store", body=b'{"token": "t", "expires_in": 100}'))
    found = await rig.uses(4, wait=35.0, caching=TOKEN, method="POST", body=b"a=1")
    assert found == [MISSED, HIT, MISSED, HIT]


async def test_another_body_is_another_token():
    rig = Rig(ok(body=b'{"expires_in": 100}'))
    for body in (b"a", b"b", b"a", b"b", None):
        await rig.ask(TOKEN, "POST", body=body)
    assert [call.body for call in rig.calls] == [b"a", b"b", None]


async def test_a_thousand_that_want_a_token_make_one_call():
    rig = Rig(ok(body=b'{"expires_in": 100}'))
    await asyncio.gather(*[rig.ask(TOKEN, "POST", body=b"a") for _ in range(1000)])
    assert len(rig.calls) == 1


async def test_a_query_alone_keeps_no_post():
    rig = Rig(ok("Cache-Control: max-age=60"))
    said = Caching(keep=60.0, stale=True, rule=CacheRule(keep=60.0))
    assert await rig.uses(caching=said, method="POST", body=b"a") == ["", ""]


# -- tags, purge, writes ------------------------------------------------------------------------


async def filled(count: int = 4) -> Rig:
    """A cache with two URLs of each of two sources."""
    rig = Rig(ok("Cache-Control: max-age=60"))
    for n in range(count):
        said = CacheRule((f"source:s{n % 2}", "upstream:u", *(["users"] if n else [])))
        await rig.ask(Caching(rule=said), target=f"/{n}")
    return rig


@pytest.mark.parametrize(
    ("tag", "gone"),
    [
        ("source:s0", 2),
        ("upstream:u", 4),
        ("users", 3),
        ("url:http://a.test/0", 1),
        ("url:http://a.test/9", 0),
        ("source:s", 0),
    ],
)
async def test_purging_a_tag(tag, gone):
    rig = await filled()
    assert await rig.cache.purge(tag) == gone
    assert len(rig.store) == 4 - gone


@pytest.mark.parametrize("change", ["purge", "write"])
async def test_an_answer_under_way_while_it_changes_is_given_but_not_kept(change):
    rig = Rig(ok("Cache-Control: max-age=60", body=b"old"))
    rig.gate.clear()
    early = asyncio.ensure_future(rig.ask())
    await rig.settle()
    rig.outcomes = [ok("Cache-Control: max-age=60", body=b"new")]
    if change == "purge":
        await rig.cache.purge("source:s")
    else:
        writing = asyncio.ensure_future(rig.ask(method="PUT", body=b""))
        await rig.settle()
        rig.gate.set()
        await writing
        rig.gate.clear()
    late = asyncio.ensure_future(rig.ask())
    await rig.settle()
    rig.gate.set()
    assert [(await each).body for each in (early, late, rig_later(rig))] == [b"old", b"new", b"new"]


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("change", ["purge", "write"])
async def test_who_comes_after_it_gets_what_is_there_now(change, heard):
    rig = Rig(ok("Cache-Control: max-age=60", body=b"old"))
    if heard:  # then all that the source answers is looked up
        await rig.ask(target="/other")
    rig.gate.clear()
    early = asyncio.ensure_future(rig.ask())
    await rig.settle()
    rig.outcomes = [ok("Cache-Control: max-age=60", body=b"new")]
    if change == "purge":
        await rig.cache.purge("source:s")
    else:
        rig.cache.changes.wrote(ORIGIN, "/x")
    rig.gate.set()
    assert (await early).body == b"old"
    assert (await rig.ask()).body == b"new"


def rig_later(rig: Rig) -> asyncio.Future[Reply]:
    """A call after all others."""
    return asyncio.ensure_future(rig.ask())


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (ok(), False),
        (ok(status=303), False),
        (ok(status=404), True),
        (ok(status=500), True),
        (REFUSED, True),
        (LATE, False),
        (BROKEN, False),
    ],
)
async def test_a_write_makes_void_what_it_may_have_changed(outcome, kept):
    rig = await filled()
    rig.outcomes = [outcome]
    assert await rig.outcome(method="POST", target="/1", body=b"x") is outcome
    assert len(rig.store) == 4 - (not kept)


async def test_a_write_whose_client_leaves_may_have_been_done():
    rig = await filled()
    rig.gate.clear()
    writing = asyncio.ensure_future(rig.ask(method="POST", target="/1", body=b"x"))
    await rig.settle()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert len(rig.store) == 3


@pytest.mark.parametrize(
    ("location", "left"),
    [("/2", 2), ("2", 2), ("http://a.test/2", 2), ("http://b.test/2", 3), ("//[", 3), ("", 3)],
)
async def test_a_write_makes_void_the_urls_it_names_at_the_same_origin(location, left):
    rig = await filled()
    rig.outcomes = [ok(f"Content-Location: {location}")]
    await rig.ask(method="POST", target="/1")
    assert len(rig.store) == left


async def test_thousands_of_written_urls_are_not_remembered_for_ever():
    changes = Changes()
    call = Call("GET", ORIGIN, "/0", (), None, 0.0)
    before = changes.mark(call)
    for n in range(5000):
        changes.wrote(ORIGIN, f"/{n}")
    assert changes.mark(call) != before
    assert len(changes._written) <= 1000


# -- what is told -------------------------------------------------------------------------------


async def test_the_figures_count_what_happened():
    rig = Rig(ok("Cache-Control: max-age=5", 'ETag: "1"'), ok(status=304))
    await rig.uses(3, wait=3.0)
    await rig.ask(method="DELETE")
    found = {figure.name: figure.value for figure in rig.cache.tally.figures()}
    assert found == {
        "apiql_cache_hits_total": 1,
        "apiql_cache_stale_total": 0,
        "apiql_cache_misses_total": 2,
        "apiql_cache_revalidated_total": 1,
        "apiql_cache_stored_total": 2,
        "apiql_cache_invalidated_total": 1,
    }


async def test_a_source_that_says_nothing_is_not_looked_up_until_it_does():
    looked: list[object] = []

    class Watched(MemoryStore[Kept]):
        async def get(self, key: Any) -> Kept | None:
            looked.append(key)
            return await super().get(key)

        async def put(
            self, key: Any, value: Kept, seconds: float, tags: Sequence[str] = ()
        ) -> None:
            await super().put(key, value, seconds, tags)

    rig = Rig(ok(), ok(), ok("Cache-Control: max-age=60"))
    store = Watched(Room(9, 90_000, size_of), rig.clock)
    rig.cache = Cache(rig.upstream, store, rig.clock)
    assert await rig.uses(5) == ["", "", MISSED, HIT, HIT]
    assert len(looked) == 2


# -- callers ------------------------------------------------------------------------------------

HINTS = ["", "max-age=60", "public, max-age=60", "s-maxage=9, stale-while-revalidate=9", "no-cache"]


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(st.sampled_from(HINTS), st.integers(0, 10**6), st.booleans())
def test_fifty_callers_never_get_an_answer_of_another(hint, seed, vary):
    """/whoami with and without hints: 50 users, 200 requests each, interleaved, time passing."""
    foreign: list[bytes] = []
    dice = random.Random(seed)

    async def whoami(call: Call) -> Reply:
        for _ in range(dice.randrange(3)):
            await asyncio.sleep(0)
        said = [f"Cache-Control: {hint}"] if hint else []
        said += ["Vary: Authorization, Cookie"] if vary else []
        who = dict(call.headers)
        if who.get("If-None-Match") == f'"{who["Cookie"]}"':
            return ok(*said, status=304)
        return ok(*said, f'ETag: "{who["Cookie"]}"', body=who["Cookie"].encode())

    async def user(rig: Rig, name: str) -> None:
        headers = {"Cookie": name} | ({"Authorization": name} if dice.random() < 0.5 else {})
        for _ in range(200):
            keep = dice.choice([None, 5.0])
            said = Caching(keep, stale=keep is None and dice.random() < 0.5, rule=rule().rule)
            reply = await rig.ask(said, headers=headers)
            rig.now += 0.01
            if reply.body != name.encode():
                foreign.append(reply.body)

    async def all_of_them() -> None:
        rig = Rig(ok())
        changes = rig.cache.changes
        rig.cache = Cache(shared(whoami, changes), rig.store, rig.clock, changes=changes)
        await asyncio.gather(*[user(rig, f"user{n}") for n in range(50)])
        await rig.cache.refreshing.aclose()

    asyncio.run(all_of_them())
    assert foreign == []
