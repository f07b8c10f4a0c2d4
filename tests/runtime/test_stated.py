"""Plans of definitions, made by hand: local values, results, what stands instead, and the works
that only they have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from apiql.engine import Engine, Query
from apiql.errors import Code, ValueRefused
from apiql.events import AsideFailed, Notice, TaskSkipped
from apiql.ir.caching import CacheRule
from apiql.ir.explain import as_text
from apiql.ir.plan import Lane, Making, Parameter, Plan, Task
from apiql.ir.secret import Secret
from apiql.ir.values import (
    ElementRoot,
    FailureRoot,
    Invoke,
    Items,
    Literal,
    LocalRoot,
    ParamRoot,
    Part,
    Record,
    Ref,
    ReplyRoot,
    ResultRoot,
    Value,
)
from apiql.ir.works import Accepts, Act, Aside, Choose, Compute, Loop, Media, Nested, Send, Work
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut
from apiql.settings import Settings
from apiql.sources.cache import cached
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Call, Reply
from apiql.stores.memory import MemoryStore
from apiql.stores.store import Room, Store

BASE = "http://127.0.0.1:9"
JSON = (("content-type", "application/json"),)
NOTHING = Literal(None)


class Upstream:
    """Answers by path; remembers what was asked and how many calls were open at once."""

    def __init__(self, answers: Mapping[str, tuple[int, str]] = {}, pause: float = 0.0) -> None:
        self.answers, self.pause = answers, pause
        self.calls: list[Call] = []
        self.open = self.most = 0

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(self.pause)
        self.open -= 1
        status, body = self.answers.get(call.target, (200, '{"ok": true}'))
        return Reply(status, JSON, body.encode())


def send(path: str | Value, **more: Any) -> Send:
    url = Literal(BASE + path) if isinstance(path, str) else path
    return Send("get", "up", url, NOTHING, NOTHING, pinned=frozenset({BASE}), **more)


def local(name: str, *path: str) -> Ref:
    return Ref(LocalRoot(name), path)


def result(task: str, *path: str) -> Ref:
    return Ref(ResultRoot(task), path)


def task(name: str, work: Work, made: Making | None = None, **more: Any) -> Task:
    return Task(name, work, made=made or Making(), **more)


def plan(*tasks: Task, params: tuple[str, ...] = ("origin",)) -> Plan:
    found = Plan.of(tasks, (), tuple(Parameter(name, required=False) for name in params))
    return replace(found, outcome=tasks[-1].name)


def engine(upstream: Upstream, told: list[Notice] | None = None, **acts: Any) -> Engine:
    tell = None if told is None else told.append
    return Engine(Settings(), upstream, told=tell, acts=acts)


def run(made: Plan, upstream: Upstream | None = None, origin: Any = None, **acts: Any) -> Any:
    """The value, or the failure, that a plan comes to."""

    async def carried_out() -> Any:
        own = engine(upstream or Upstream(), **acts)
        found = await own.outcome(own.defined(made), Query("", {"origin": origin or {}}))
        await own.asides.aclose(5)
        if isinstance(found, Done):
            return found.shaped[0] if found.value is MISSING else found.value
        assert isinstance(found, Failed)
        return found.failure

    return asyncio.run(carried_out())


def test_the_answer_of_a_lone_call_is_its_bytes() -> None:
    upstream = Upstream({"/a": (200, '{"n": 1.50, "b":[ ]}')})
    assert run(plan(task("a", send("/a"))), upstream) == b'{"n": 1.50, "b":[ ]}'


def test_locals_see_those_before_them_and_the_result_sees_all() -> None:
    made = Making(
        let=(
            ("city", Ref(ParamRoot("origin"), ("city",))),
            ("url", Invoke("url", lambda _, city: f"{BASE}/w?c={city}", (local("city"),))),
        ),
        result=Record((("city", local("city")), ("w", Ref(ReplyRoot(), ("ok",))))),
    )
    upstream = Upstream()
    assert run(plan(task("a", send(local("url")), made)), upstream, {"city": "x"}) == {
        "city": "x", "w": True,
    }  # fmt: skip
    assert [call.target for call in upstream.calls] == ["/w?c=x"]


def test_a_failed_work_has_a_result_instead_and_the_next_task_goes_on() -> None:
    failed = Making(instead=Record((("why", Ref(FailureRoot(), ("status",))),)))
    first = task("a", send("/a"), failed)
    upstream = Upstream({"/a": (500, "{}")})
    assert run(plan(first, task("b", Compute(result("a", "why")))), upstream) == 500


def test_without_a_result_instead_what_comes_after_is_not_done() -> None:
    upstream = Upstream({"/a": (404, "{}")})
    found = run(plan(task("a", send("/a")), task("b", Compute(result("a")))), upstream)
    assert (found.code, found.status) == (Code.UPSTREAM_STATUS, 404)
    upstream = Upstream({"/a": (404, "{}")})
    found = run(plan(task("a", send("/a")), task("b", send("/b"), after=frozenset("a"))), upstream)
    assert (found.status, len(upstream.calls)) == (404, 1)


def test_a_local_value_that_cannot_be_made_has_nothing_instead() -> None:
    def refuse(*_: Any) -> Any:
        raise ValueRefused("no such private", status=500)

    made = Making(let=(("key", Invoke("private", refuse)),), instead=Literal(1))
    upstream = Upstream()
    found = run(plan(task("a", send("/a"), made)), upstream)
    assert (found.code, found.message, found.status) == (Code.BAD_VALUE, "no such private", 500)
    assert upstream.calls == []


@pytest.mark.parametrize(
    ("accepts", "status", "taken"),
    [
        (Accepts.SUCCESS, 201, True), (Accepts.SUCCESS, 404, False), (Accepts.OK, 200, True),
        (Accepts.OK, 201, False), (Accepts.ANY, 500, True),
    ],
)  # fmt: skip
def test_statuses_that_are_results(accepts: Accepts, status: int, taken: bool) -> None:
    upstream = Upstream({"/a": (status, "{}")})
    made = Making(result=Ref(ReplyRoot(), part=Part.STATUS))
    found = run(plan(task("a", send("/a", accepts=accepts), made)), upstream)
    assert found == status if taken else found.status == status


def test_bodies_as_definitions_take_them() -> None:
    class Text(Upstream):
        async def __call__(self, call: Call) -> Reply:
            return Reply(200, (("content-type", "text/html; charset=utf-8"),), b'{"a": "\xc3\xa9"}')

    made = Making(result=Ref(ReplyRoot()))
    assert run(plan(task("a", send("/a", media=Media.JSON), made)), Text()) == {"a": "é"}
    assert run(plan(task("a", send("/a", media=Media.TEXT), made)), Text()) == '{"a": "é"}'
    assert run(plan(task("a", send("/a"), made)), Text()).code is Code.BAD_PAYLOAD


def ended(made: Plan, observe: Any = None, origin: Any = None) -> Any:
    """How a plan ends."""
    own = engine(Upstream())
    query = Query("", {} if origin is None else {"origin": origin})
    return asyncio.run(own.outcome(own.defined(made), query, observe))


def refusing(*_: Any) -> Any:
    raise ValueRefused("no", code=Code.FORBIDDEN, status=403)


def test_what_reads_what_was_left_out_is_left_out_too() -> None:
    first = task("a", Compute(Literal(1)), when=Literal(False))
    assert isinstance(ended(plan(first, task("b", Compute(result("a"))))), LeftOut)
    after = plan(first, task("b", Compute(Literal(2)), after=frozenset("a")))
    assert ended(after).value == 2


def test_a_reply_of_which_nothing_can_be_made_keeps_its_status() -> None:
    made = Making(result=Invoke("made", refusing))
    found = ended(plan(task("a", send("/a"), made)))
    assert (found.failure.code, found.failure.status) == (Code.FORBIDDEN, 403)
    assert (found.status, found.headers) == (200, JSON)


def test_what_stands_instead_tells_of_the_failure() -> None:
    made = Making(instead=Ref(FailureRoot()))
    found = ended(plan(task("a", Compute(Invoke("no", refusing)), made)))
    assert [failure.code for failure in found.failures] == [Code.FORBIDDEN]
    assert found.value == {"code": "FORBIDDEN", "message": "no", "status": 403}
    left = ended(plan(task("a", Compute(NOTHING), made, when=Literal(False))))
    assert (left.value, left.failures) == (None, ())


def test_what_stands_instead_may_fail_too() -> None:
    made = Making(instead=Invoke("no", refusing))
    found = ended(plan(task("a", Compute(Invoke("no", refusing)), made)))
    assert (found.failure.code, found.failure.message) == (Code.FORBIDDEN, "no")


def test_a_local_value_that_is_not_there_is_null() -> None:
    seen: list[Any] = []
    let = (("x", Ref(ParamRoot("origin"), ("x",), True)),
           ("y", Invoke("see", lambda _, x: seen.append(x), (local("x"),))))  # fmt: skip
    assert ended(plan(task("a", Compute(local("x")), Making(let=let))), origin={}).value is None
    assert seen == [None]


def test_what_is_skipped_is_told() -> None:
    events: list[Any] = []
    first = task("a", Compute(Invoke("no", refusing)))
    ended(plan(first, task("b", Compute(result("a")))), events.append)
    told = [(event.task, event.code) for event in events if isinstance(event, TaskSkipped)]
    assert told == [("b", Code.DEPENDENCY_FAILED)]


def test_only_known_places_are_called() -> None:
    stranger = Literal("http://example.com/x")
    upstream = Upstream()
    assert run(plan(task("a", send(stranger))), upstream).code is Code.FORBIDDEN_UPSTREAM
    found = run(plan(task("a", send(Literal("file:///etc/passwd")))), upstream)
    assert found.code is Code.BAD_VALUE
    assert upstream.calls == []
    run(plan(task("a", send(stranger, permits=lambda url: url.startswith("http://ex")))), upstream)
    assert upstream.calls[0].origin.pinned is False


def test_headers_that_break_the_message_are_refused() -> None:
    broken = Items((Items((Literal("X-A"), Literal("1\r\nX-B: 2"))),))
    work = Send("get", "up", Literal(BASE + "/a"), broken, NOTHING, pinned=frozenset({BASE}))
    assert run(plan(task("a", work))).code is Code.BAD_VALUE


def test_a_body_that_is_no_text_is_refused() -> None:
    work = Send("post", "up", Literal(BASE + "/a"), NOTHING, Literal("\ud800"),
                pinned=frozenset({BASE}))  # fmt: skip
    found = run(plan(task("a", work)))
    assert (found.code, found.message) == (Code.BAD_VALUE, "the body has half of a surrogate pair")


def test_a_secret_goes_to_its_own_place_and_is_not_shown() -> None:
    secret = Secret("privates.keys", "home", "s3cret-key")
    url = Invoke("url", lambda _, key: f"{BASE}/a?k={key}", (local("key"),))
    made = plan(task("a", send(url, home="home"), Making(let=(("key", secret),))))
    upstream = Upstream()
    run(made, upstream)
    assert upstream.calls[0].target == "/a?k=s3cret-key"
    assert "s3cret" not in as_text(made)


def part(work: Work, made: Making | None = None) -> Nested:
    inner = plan(task("x", work, made), params=("origin", "state"))
    return Nested("part", inner, (("origin", Ref(ParamRoot("origin"))),))


def test_a_switch_takes_the_first_case_or_the_default() -> None:
    cases = (("a", part(Compute(Literal(1)))), ("b", part(Compute(Literal(2)))),
             ("b", part(Compute(Literal(3)))))  # fmt: skip
    key = Ref(ParamRoot("origin"), ("key",))
    chosen = plan(task("s", Choose(key, cases)))
    assert run(chosen, origin={"key": "b"}) == 2
    found = run(chosen, origin={"key": "c"})
    assert found.code is Code.BAD_VALUE
    assert '"c"' in found.message
    other = plan(task("s", Choose(key, cases, part(Compute(Literal(9))))))
    assert run(other, origin={"key": "c"}) == 9


def rounds(width: int, count: Value) -> Loop:
    index, state = Ref(ElementRoot(0)), Ref(ParamRoot("state"))
    body = Compute(
        Items((Invoke("add", lambda _, s, i: [*s, i], (state, Ref(ParamRoot("i")))),
               Ref(ParamRoot("i"))))
    )  # fmt: skip
    inner = plan(task("x", body), params=("state", "i"))
    return Loop(count, Items(()), Nested("part", inner, (("i", index),)), "state", width)


def test_rounds_in_a_row_hand_on_what_they_carry() -> None:
    assert run(plan(task("l", rounds(1, Literal("3"))))) == [[0, 1, 2], [0, 1, 2]]


def test_rounds_side_by_side_all_begin_alike() -> None:
    assert run(plan(task("l", rounds(2, Literal(3))))) == [[], [0, 1, 2]]


@pytest.mark.parametrize("count", ["", "x", "-1", "<no value>", None, True, "1.5"])
def test_what_is_no_number_is_no_round(count: Any) -> None:
    assert run(plan(task("l", rounds(1, Literal(count))))) == [[], []]


@pytest.mark.parametrize("width", [1, 2])
def test_a_loop_of_a_billion_is_refused(width: int) -> None:
    counts: list[Any] = [1001, 10**9, "1" + "0" * 30, Decimal("1e999999999"), 10**5000]
    for count in counts:
        assert run(plan(task("l", rounds(width, Literal(count))))).code is Code.FANOUT_LIMIT
    assert run(plan(task("l", rounds(width, Literal(-(10**5000)))))) == [[], []]
    assert len(run(plan(task("l", rounds(width, Literal(1000)))))[1]) == 1000


def test_rounds_that_call_go_as_far_as_the_calls_of_a_query() -> None:
    body = plan(
        task("x", send("/x")), task("y", Compute(Items((NOTHING, NOTHING))), after=frozenset("x"))
    )
    for count, ends in ((150, True), (201, False)):
        upstream = Upstream()
        made = plan(task("l", Loop(Literal(count), NOTHING, Nested("r", body), "state")))
        assert engine(upstream).defined(made).plan.most_calls == 200
        found = run(made, upstream)
        assert isinstance(found, list) is ends
        assert len(upstream.calls) == min(count, 200)


def within(width: int, rounds: int, inner: Plan) -> Loop:
    """A loop over a plan, whose state is nothing."""
    body = plan(task("x", Nested("in", inner)), task("y", Compute(Items((NOTHING, NOTHING)))))
    return Loop(Literal(rounds), NOTHING, Nested("part", body), "state", width)


@pytest.mark.parametrize("width", [1, 2])
def test_loops_in_loops_go_round_no_more_often_than_one_may(width: int) -> None:
    """A thousand times a thousand rounds that call nobody would keep all others waiting."""
    turns: list[int] = []

    def turn(*_: Any) -> Any:
        turns.append(1)
        return [None, None]

    innermost = plan(task("x", Compute(Invoke("turn", turn))))
    inner = plan(task("l", Loop(Literal(500), NOTHING, Nested("in", innermost), "state", width)))
    found = run(plan(task("l", within(width, 500, inner))))
    assert (found.code, "10000 times" in found.message) == (Code.FANOUT_LIMIT, True)
    assert 9000 < len(turns) < 10_000


def test_rounds_end_with_the_time_of_the_query() -> None:
    now = [0.0]

    def turn(*_: Any) -> Any:
        now[0] += 1
        return [None, None]

    made = plan(
        task(
            "l",
            Loop(
                Literal(64),
                NOTHING,
                Nested("r", plan(task("x", Compute(Invoke("turn", turn))))),
                "state",
            ),
        )
    )
    own = Engine(Settings(), Upstream(), clock=lambda: now[0])
    found = asyncio.run(own.outcome(own.defined(made), Query("")))
    assert isinstance(found, Failed)
    assert (found.failure.code, now[0]) == (Code.QUERY_TIMEOUT, 10.0)


@pytest.mark.parametrize("width", [1, 3])
def test_others_have_their_turn_while_rounds_call_nobody(width: int) -> None:
    now = [1.0]

    def turn(*_: Any) -> Any:
        now[0] += 0.001
        return [None, None]

    body = plan(task("x", Compute(Invoke("turn", turn))))
    made = plan(task("l", Loop(Literal(200), NOTHING, Nested("r", body), "state", width)))
    seen: list[float] = []

    async def carried_out() -> None:
        own = Engine(Settings(), Upstream(), clock=lambda: now[0])
        executable = own.defined(made)
        running = asyncio.ensure_future(own.outcome(executable, Query("")))
        while not running.done():
            seen.append(now[0])
            await asyncio.sleep(0)
        assert isinstance(running.result(), Done)

    asyncio.run(carried_out())
    within = [at for at in seen if 1.0 < at < 1.2]
    assert len(within) > 10


def test_a_lane_is_as_wide_as_it_says() -> None:
    lane = Lane("g", 2)
    tasks = [task(f"t{n}", send(f"/{n}"), Making(lane=lane)) for n in range(5)]
    last = task("end", Compute(Literal(0)), after=frozenset(t.name for t in tasks))
    upstream = Upstream(pause=0.01)
    assert run(plan(*tasks, last), upstream) == 0
    assert (upstream.most, len(upstream.calls)) == (2, 5)


def test_what_is_begun_aside_ends_behind_the_answer_and_is_told_of_if_it_fails() -> None:
    told: list[Notice] = []

    async def carried_out() -> None:
        upstream = Upstream({"/slow": (500, "{}")}, pause=0.02)
        own = engine(upstream, told)
        made = plan(task("a", Aside(part(send("/slow")))), task("b", Compute(result("a"))))
        found = await own.outcome(own.defined(made), Query("", {"origin": {}}))
        assert isinstance(found, Done)
        assert found.value is None
        assert (own.asides.count, told) == (1, [])
        await own.asides.aclose(5)
        assert (own.asides.count, len(upstream.calls)) == (0, 1)

    asyncio.run(carried_out())
    assert [type(notice) for notice in told] == [AsideFailed]


def figures_of(own: Engine) -> dict[str, float]:
    return {figure.name: figure.value for figure in own.asides.figures()}


def test_what_is_begun_aside_by_what_is_aside_is_waited_for_too() -> None:
    told: list[Notice] = []
    begins = plan(
        task("w", send("/first")), task("i", Aside(part(send("/second"))), after=frozenset("w"))
    )

    async def carried_out() -> None:
        upstream = Upstream({"/second": (500, "{}")}, pause=0.02)
        own = engine(upstream, told)
        made = plan(
            task("a", Aside(Nested("outer", begins, (("origin", Literal(1)),)))),
            task("b", Compute(NOTHING)),
        )
        await own.outcome(own.defined(made), Query("", {"origin": {}}))
        assert figures_of(own) == {"apiql_asides_running": 1, "apiql_asides_failed_total": 0}
        await own.asides.aclose(5)
        assert [call.target for call in upstream.calls] == ["/first", "/second"]
        assert figures_of(own) == {"apiql_asides_running": 0, "apiql_asides_failed_total": 1}

    asyncio.run(carried_out())
    assert len(told) == 1


def test_what_takes_too_long_aside_is_ended() -> None:
    async def carried_out() -> None:
        upstream = Upstream(pause=60)
        own = engine(upstream)
        made = plan(task("a", Aside(part(send("/x")))))
        await own.outcome(own.defined(made), Query("", {"origin": {}}))
        await own.asides.aclose(0.01)
        assert (own.asides.count, len(upstream.calls)) == (0, 1)

    asyncio.run(carried_out())


def test_the_engine_does_what_it_is_given_to_do() -> None:
    async def doubled(given: Mapping[str, Any]) -> Any:
        return given["n"] * 2

    act = plan(task("a", Act("double", (("n", Literal(4)),))))
    assert run(act, double=doubled) == 8
    assert run(act).code is Code.INTERNAL


def test_a_plan_that_one_selects_from_has_its_data() -> None:
    inner = plan(task("x", Compute(Record((("a", Record((("b", Literal(1)),))),)))))
    outer = plan(task("n", Nested("flow.x", inner)), task("r", Compute(result("n", "a", "b"))))
    assert run(outer) == 1


def test_a_chain_is_carried_out_in_its_order_without_the_loop() -> None:
    tasks = [task("t0", send("/0"))]
    tasks += [task(f"t{n}", send(f"/{n}"), after=frozenset({f"t{n - 1}"})) for n in range(1, 4)]
    upstream = Upstream()
    own = engine(upstream)
    made = own.defined(plan(*tasks))
    assert made.chain
    asyncio.run(own.outcome(made, Query("")))
    assert [call.target for call in upstream.calls] == ["/0", "/1", "/2", "/3"]


def test_an_answer_is_kept_for_as_long_as_the_definition_finds_in_it() -> None:
    now = [0.0]
    upstream = Upstream({"/t": (200, '{"expires_in": 30, "token": "a"}')})
    left = Invoke("left", lambda _, reply: int(reply), (Ref(ReplyRoot(), ("expires_in",)),))
    rule = CacheRule(("httpapi:t",), http=False)
    made = plan(task("t", send("/t", cache=rule, expires=left), Making(result=Ref(ReplyRoot()))))

    async def carried_out() -> None:
        store: Store[Kept] = MemoryStore(Room(9, 10**6, size_of), lambda: now[0])
        own = Engine(Settings(), cached(upstream, store, lambda: now[0]))
        executable = own.defined(made)
        for at, calls in ((0.0, 1), (29.0, 1), (31.0, 2)):
            now[0] = at
            found = await own.outcome(executable, Query(""))
            assert isinstance(found, Done)
            assert found.value["token"] == "a"
            assert len(upstream.calls) == calls, at

    asyncio.run(carried_out())


def test_what_tells_no_end_is_not_kept() -> None:
    def refuse(*_: Any) -> Any:
        raise ValueRefused("no end")

    upstream = Upstream({"/t": (200, '{"a": 1}')})
    made = plan(task("t", send("/t", cache=CacheRule(), expires=Invoke("end", refuse))))

    async def carried_out() -> None:
        store: Store[Kept] = MemoryStore(Room(9, 10**6, size_of), lambda: 0.0)
        own = Engine(Settings(), cached(upstream, store, lambda: 0.0))
        executable = own.defined(made)
        for _ in range(2):
            await own.outcome(executable, Query(""))
        assert len(upstream.calls) == 2

    asyncio.run(carried_out())


def test_a_condition_on_a_local_value_is_not_looked_at_ahead() -> None:
    """Local values are made when the task begins: no plan is refused for lack of them before."""
    made = Making(let=(("mode", Ref(ParamRoot("origin"), ("mode",))),), instead=Literal("left"))
    when = Invoke("is on", lambda _, mode: mode == "on", (local("mode"),))
    found = plan(task("a", Compute(Literal("done")), made, when=when))
    assert run(found, origin={"mode": "on"}) == "done"
    assert run(found, origin={"mode": "off"}) == "left"
