"""The engine around its stages: what is kept, and for how long."""

from __future__ import annotations

import pytest

from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code, QueryRefused
from apiql.runtime.kept import TEXTS_KEPT
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

CONNECT, CUT = Code.UPSTREAM_CONNECT, Code.BAD_PAYLOAD


async def upstream(call: Call) -> Reply:
    return Reply(200, (("content-type", "application/json"),), b'{"id": 1}')


def engine(**limits: str) -> Engine:
    environ = {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"}
    environ |= {f"APIQL_LIMITS__{name.upper()}": value for name, value in limits.items()}
    return Engine(load_settings(None, environ), upstream)


async def test_a_text_seen_before_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = engine()
    text = "select id from /a/{id} as a where id = $id"
    first = await made.answer(Query(text, {"id": 1}))
    monkeypatch.setattr(made._compiling, "parse", None)  # a call of it would raise
    assert await made.answer(Query(text, {"id": 2})) == first
    assert made.executable(text) is made.executable(text)


def test_no_more_plans_are_kept_than_the_limit() -> None:
    made = engine(plans_cached="2")
    texts = [f"select * from /a as a{number}" for number in range(3)]
    kept = [made.executable(text) for text in texts]
    assert [made.executable(text) is plan for text, plan in zip(texts[1:], kept[1:], strict=True)]
    assert len(made._plans) == 2
    assert made._plans.get(texts[0]) is None


def test_long_texts_take_no_more_room_than_short_ones() -> None:
    made = engine()
    for number in range(200):
        made.executable(f"select * from /a as a{number} --" + "x" * 60_000)
    assert 0 < made._plans.length <= TEXTS_KEPT
    assert len(made._plans) < 200


def test_none_is_kept_where_the_limit_is_nothing() -> None:
    made = engine(plans_cached="0")
    assert made.executable("select * from /a") is not made.executable("select * from /a")


def test_what_is_refused_is_not_kept() -> None:
    made = engine()
    for _ in range(2):
        with pytest.raises(QueryRefused):
            made.executable("select from")
    assert not made._plans


async def test_time_and_randomness_are_passed_in() -> None:
    settings = engine().settings
    made = Engine(settings, upstream, wall=lambda: 1_700_000_000.5, random_bits=lambda bits: 7)
    answer = await made.answer(Query("select utc_ms() as at, uuid() as id from /a as a"))
    uuid = b"00000000-0000-4000-8000-000000000007"
    assert answer.data == b'{"a":{"at":1700000000500,"id":"%s"}}' % uuid


@pytest.mark.parametrize(
    ("text", "failed", "control"),
    [
        ("select * from /b as b", None, "max-age=60"),
        ("select * from /a as a else select * from /b", Reply(500, (), b""), None),
        ("select * from /a as a else select * from /b", CallFailed(CONNECT, "refused"), None),
        ("select * from /a as a else select * from /b", CallFailed(CUT, "cut"), None),
        ("select * from /a as a where id in [1] else select * from /b where id in [1]",
         CallFailed(CUT, "cut"), None),
        ("select * from /b as a where id in [1] else select * from /a where id in [1]",
         CallFailed(CUT, "cut"), "max-age=60"),
        ("select * post from /a as a else select * from /b", CallFailed(CUT, "cut"), "no-store"),
        ("use max-age 5s; select * from /a as a else select * from /b",
         CallFailed(CUT, "cut"), "max-age=5"),
    ],
)  # fmt: skip
async def test_an_answer_is_not_fresh_for_what_stands_in(
    text: str, failed: Reply | CallFailed | None, control: str | None
) -> None:
    """Else an outage of a moment would be answered for as long as the other source's answer holds;
    and a write that may have been made would not be made again.
    """

    async def breaking(call: Call) -> Reply:
        if call.target.startswith("/b"):
            return Reply(200, (("cache-control", "max-age=60"),), b"")
        if isinstance(failed, CallFailed):
            raise failed
        assert failed is not None
        return failed

    answer = await Engine(engine().settings, breaking).answer(Query(text))
    assert (answer.status, answer.errors, answer.cache_control) == (200, (), control)
