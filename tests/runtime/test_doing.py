"""What plans of definitions do beside calls: choices, plans inside, acts, what nobody waits for;
and which plans need places for their calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code, ValueRefused
from apiql.events import AsideFailed, CallMade, Notice
from apiql.ir.plan import Making, Plan
from apiql.ir.values import Invoke, Literal, ParamRoot, Ref
from apiql.ir.works import Act, Aside, Choose, Compute, Loop, Nested, Send, Work
from apiql.runtime.asides import Asides
from apiql.runtime.outcome import Failed
from apiql.settings import Limits, Settings
from tests.runtime.test_stated import (
    BASE,
    NOTHING,
    Upstream,
    engine,
    local,
    part,
    plan,
    result,
    run,
    send,
    task,
)

ORIGIN = Ref(ParamRoot("origin"))


def refusing(*_: Any) -> Any:
    raise ValueRefused("no", code=Code.FORBIDDEN, status=403)


# -- choices and plans inside ---------------------------------------------------------------------


@pytest.mark.parametrize(("key", "found"), [(None, 1), ("", 1), (2, 2), (True, 3), ("2", 2)])
def test_a_key_is_the_text_of_what_it_is(key: Any, found: int) -> None:
    cases = (("", part(Compute(Literal(1)))), ("2", part(Compute(Literal(2)))),
             ("true", part(Compute(Literal(3)))))  # fmt: skip
    work = Choose(Ref(ParamRoot("origin"), ("key",), True), cases)
    assert run(plan(task("s", work)), origin={"key": key}) == found
    assert run(plan(task("s", work)), origin={}) == 1


def test_a_key_that_cannot_be_made_chooses_nothing() -> None:
    work = Choose(Invoke("no", refusing), (), part(Compute(Literal(1))))
    assert run(plan(task("s", work))).code is Code.FORBIDDEN


def test_a_plan_inside_that_is_left_out_is_null_and_one_that_fails_is_a_failure() -> None:
    left = Nested("in", plan(task("x", Compute(Literal(1)), when=Literal(False))))
    assert run(plan(task("n", left), task("r", Compute(result("n"))))) is None
    failed = Nested("in", plan(task("x", Compute(Invoke("no", refusing)))))
    assert run(plan(task("n", failed))).code is Code.FORBIDDEN


def test_a_plan_inside_that_lacks_an_argument_is_not_begun() -> None:
    upstream = Upstream()
    own = engine(upstream)
    made = own.defined(plan(task("n", part(send("/x"))), task("r", Compute(Literal(1)), Making())))
    asyncio.run(own.outcome(made, Query("")))
    alone = own.defined(plan(task("n", part(send("/x")))))
    found = asyncio.run(own.outcome(alone, Query("")))
    assert isinstance(found, Failed)
    assert (found.failure.code, upstream.calls) == (Code.MISSING_VARIABLE, [])


# -- acts -----------------------------------------------------------------------------------------

DOUBLE = plan(task("a", Act("double", (("n", Literal(4)),)), Making()))


def test_an_act_gets_its_arguments_by_name() -> None:
    seen: list[Mapping[str, Any]] = []

    async def double(given: Mapping[str, Any]) -> Any:
        seen.append(given)

    assert run(DOUBLE, double=double) is None
    assert seen == [{"n": 4}]


@pytest.mark.parametrize(
    "refused",
    [ValueRefused("no", code=Code.FORBIDDEN, status=403), CallFailed(Code.FORBIDDEN, "no")],
)
def test_an_act_may_refuse(refused: Exception) -> None:
    async def double(given: Mapping[str, Any]) -> Any:
        raise refused

    found = run(DOUBLE, double=double)
    assert (found.code, found.message) == (Code.FORBIDDEN, "no")


def test_an_act_has_the_time_of_the_query() -> None:
    async def double(given: Mapping[str, Any]) -> Any:
        await asyncio.sleep(60)

    own = engine(Upstream(), double=double)
    found = asyncio.run(own.outcome(own.defined(DOUBLE), Query("", timeout=0.02)))
    assert isinstance(found, Failed)
    assert (found.failure.code, "double" in found.failure.message) == (Code.QUERY_TIMEOUT, True)


def test_an_argument_that_cannot_be_made_acts_nothing() -> None:
    given: list[Any] = []
    made = plan(task("a", Act("note", (("n", Invoke("no", refusing)),))))
    assert run(made, note=given.append).code is Code.FORBIDDEN
    assert given == []


# -- aside ----------------------------------------------------------------------------------------


def begun(made: Plan, upstream: Upstream, told: list[Notice] | None = None, **more: Any) -> None:
    """Carries a plan out, and waits for what it began."""
    settings = Settings(limits=Limits(**more.pop("limits", {})))
    clock = more.pop("clock", None)
    tell = None if told is None else told.append

    async def carried_out() -> None:
        own = Engine(settings, upstream, told=tell, clock=clock)
        await own.outcome(own.defined(made), Query("", {"origin": {}}, timeout=more.get("timeout")),
                          more.get("observe"))  # fmt: skip
        await own.asides.aclose(5)

    asyncio.run(carried_out())


def aside(work: Work, made: Making | None = None) -> Plan:
    """A plan that begins another one."""
    return plan(task("a", Aside(part(work)), made), task("b", send("/b"), after=frozenset("a")))


def test_what_is_aside_has_time_and_calls_of_its_own() -> None:
    upstream = Upstream()
    begun(aside(send("/x")), upstream, clock=lambda: 0.0, timeout=1.0, limits={"calls": 1})
    until = {call.target: call.deadline for call in upstream.calls}
    assert until == {"/b": 0.95, "/x": 5.0}


def test_what_is_aside_sees_the_local_values_of_its_own_task() -> None:
    url = Invoke("url", lambda _, origin: f"{BASE}/{origin}", (ORIGIN,))
    inner = plan(task("x", send(url)))
    made = plan(
        task("a", Aside(Nested("in", inner, (("origin", local("x")),))),
             Making(let=(("x", Literal(5)),))),
        task("b", Compute(local("x")), Making(let=(("x", Literal(6)),)), after=frozenset("a")),
    )  # fmt: skip
    upstream = Upstream()
    begun(made, upstream)
    assert [call.target for call in upstream.calls] == ["/5"]


def test_what_is_aside_is_told_to_nobody_but_where_it_fails() -> None:
    events: list[Any] = []
    told: list[Notice] = []
    begun(aside(send("/x")), Upstream(), told, observe=events.append)
    assert [event.task for event in events if isinstance(event, CallMade)] == ["b"]
    assert told == []
    lacking = Nested("in", plan(task("x", send("/x"))), (("origin", Ref(ParamRoot("none"))),))
    begun(plan(task("a", Aside(lacking)), params=("origin", "none")), Upstream(), told)
    assert [type(each) for each in told] == [AsideFailed]


def test_of_too_many_asides_no_more_are_begun() -> None:
    told: list[Notice] = []
    upstream = Upstream()

    async def carried_out() -> None:
        own = Engine(Settings(), upstream, told=told.append)
        own.asides = Asides(own._run_limits, told.append, most=1)
        one, two = (task(name, Aside(part(send(f"/{name}")))) for name in ("a", "b"))
        await own.outcome(own.defined(plan(one, two)), Query("", {"origin": {}}))
        await own.asides.aclose(5)

    asyncio.run(carried_out())
    (notice,) = told
    assert isinstance(notice, AsideFailed)
    assert "1 are under way already" in notice.why
    assert len(upstream.calls) == 1


# -- places ---------------------------------------------------------------------------------------

ONE = plan(task("x", send("/x")))
ROW = plan(task("x", send("/x")), task("y", send("/y"), after=frozenset("x")))
BESIDE = plan(task("x", send("/x")), task("y", send("/y")))


def choose(*plans: Plan, default: Plan | None = None) -> Choose:
    cases = tuple((str(n), Nested("in", each)) for n, each in enumerate(plans))
    return Choose(NOTHING, cases, None if default is None else Nested("in", default))


@pytest.mark.parametrize(
    ("work", "wide"),
    [
        (send("/x"), False), (Compute(NOTHING), False), (Act("x"), False),
        (Nested("in", ONE), False), (Nested("in", ROW), False), (Nested("in", BESIDE), True),
        (Nested("in", plan(task("n", Nested("in", BESIDE)))), True),
        (choose(ONE, ROW), False), (choose(ONE, BESIDE), True), (choose(ONE, ONE, ONE), True),
        (choose(ONE, default=ONE), True), (Loop(NOTHING, NOTHING, Nested("in", ONE), "s"), True),
        (Aside(Nested("in", ONE)), True),
    ],
)  # fmt: skip
def test_only_what_may_make_several_calls_at_a_time_needs_places(work: Work, wide: bool) -> None:
    assert engine(Upstream()).defined(plan(task("a", work))).wide is wide


def test_a_call_has_the_time_that_its_definition_gives_it() -> None:
    upstream = Upstream()
    work: Send = send("/x", timeout=2.0)
    begun(plan(task("a", work), task("b", send("/y"))), upstream, clock=lambda: 0.0)
    assert {call.target: call.deadline for call in upstream.calls} == {"/x": 2.0, "/y": 5.0}
