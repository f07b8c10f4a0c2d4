"""The way of a request of the second generation: the flow before, the definition, the flows behind,
as main.json orders them -> one plan.

Lowers what is asked for; knows no routes and no files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec.structs import replace as renewed

from apiql.errors import Location
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Generation, Kind, word
from apiql.frontends.definitions.layout import MAIN
from apiql.frontends.definitions.lower.lowered import (
    BASE,
    HEADERS,
    ORIGIN,
    PARAMETERS,
    QUERY,
    Ground,
    Lowered,
)
from apiql.frontends.definitions.lower.v2_answer import answer, data
from apiql.frontends.definitions.lower.v2_builtin import CALL, CHECK, REPORT
from apiql.frontends.definitions.lower.v2_call import FAILURE, REPLY, noted
from apiql.frontends.definitions.lower.v2_commands import endured, named
from apiql.frontends.definitions.lower.v2_enduring import add_enduring
from apiql.frontends.definitions.lower.v2_ground import STATE, Course, Lowering, Shared
from apiql.frontends.definitions.lower.v2_pure import pure_flow
from apiql.frontends.definitions.lower.v2_schedules import schedule
from apiql.frontends.definitions.lower.v2_state import Pure, State, Why, failed, number_of
from apiql.frontends.definitions.lower.v2_steps import flow_steps, step, steps
from apiql.frontends.definitions.lower.v2_values import fixed_text
from apiql.frontends.definitions.v2.flow import Flow
from apiql.frontends.definitions.v2.flow import Step as FlowStep
from apiql.ir.plan import Making, Plan, Task
from apiql.ir.values import Invoke, LocalRoot, ParamRoot, Ref, Value
from apiql.ir.works import Choose, Nested

NOBODY = "none"
START = Location(1, 1)


@dataclass(frozen=True, slots=True)
class Flows:
    """The flows around a request by their names: "" for none, None for what stands in their place
    where the folder has none.
    """

    pre: str | None
    http_api: str | None
    post_ok: str | None
    post_nok: str | None


_USUAL = {
    "pre": "_APIGATEWAY_PRE", "httpApi": "_APIGATEWAY_HTTPAPI", "postOK": "_APIGATEWAY_POST_OK",
    "postNOK": "_APIGATEWAY_POST_NOK",
}  # fmt: skip


def lower_v2(kind: Kind, name: str, ground: Ground) -> Lowered:
    """The plan of a definition. To lower several, `lowering_v2` shares what they call."""
    return lowering_v2(ground)(kind, name)


def lowering_v2(ground: Ground) -> Callable[[Kind, str], Lowered]:
    """Lowers definitions of a ground. One that is not there, or any of no name, is refused as what
    may not be called, by the same way.
    """
    shared, flows = Shared.of(ground), flows_of(ground.definitions)
    return lambda kind, name: _lowered(shared, flows, kind, name)


def _lowered(shared: Shared, flows: Flows, kind: Kind, name: str) -> Lowered:
    is_known = name in shared.ground.definitions.documents[kind]
    lowering = Lowering.of(shared, word(Generation.V2, kind), name if is_known else "")
    plan = _whole(lowering, kind, name, flows)
    alone = replace(flows, post_ok="", post_nok="")
    selected = _course(lowering, kind, name, alone)
    selected.does("data", data)
    plan_of_data = replace(selected.plan(PARAMETERS), gathered=ORIGIN)
    return Lowered(kind, name, plan, answer, plan_of_data)


def flows_of(definitions: Definitions) -> Flows:
    """The flows around requests, as the arguments of apiGateway in main.json name them."""
    said: Mapping[str, str] = {}
    if definitions.names[Kind.MAIN] and not definitions.documents[Kind.MAIN]:
        return Flows(MAIN, MAIN, "", None)  # who may come in is not known: nobody
    for document in definitions.documents[Kind.MAIN].values():
        listed = document.model.steps if isinstance(document.model, Flow) else ()
        said = {
            name: text
            for one in listed
            if one.command == "apiGateway"
            for name in _USUAL
            if (given := named(one.args, name)) is not None
            and (text := fixed_text(given.value)) is not None
        }
    there = definitions.names[Kind.FLOW]

    def flow(argument: str) -> str | None:
        name = said.get(argument) or _USUAL[argument]
        if name == NOBODY:
            return ""
        return None if argument not in said and name not in there else name

    return Flows(*map(flow, _USUAL))


# -- the way --------------------------------------------------------------------------------------


def _whole(lowering: Lowering, kind: Kind, name: str, flows: Flows) -> Plan:
    if flows.post_ok or flows.post_nok != "":
        return _with_flows_behind(lowering, kind, name, flows).plan(PARAMETERS)
    return _course(lowering, kind, name, flows).plan(PARAMETERS)


def _course(lowering: Lowering, kind: Kind, name: str, flows: Flows) -> Course:
    """A request without flows behind it: the first failure is the end."""
    course = _begun(lowering, kind, name)
    _flow(lowering, flows.pre, CHECK, course)
    _target(lowering, kind, name, flows, course)
    return course


def _with_flows_behind(lowering: Lowering, kind: Kind, name: str, flows: Flows) -> Course:
    course = _begun(lowering, kind, name)
    _flow(lowering, flows.pre, CHECK, course, enduring=True)
    inner = Course(numbered=len(course.tasks) + 1)
    _target(lowering, kind, name, flows, inner)
    if not add_enduring(course, inner):
        _within(name, inner, course)
    _behind(lowering, flows, course)
    return course


def _within(name: str, inner: Course, course: Course) -> None:
    """Adds steps as a plan within the plan: the state behind it notes how they failed."""
    before = course.settled()
    course.add(
        Task(
            course.named(name or "unknown"),
            Nested(name, inner.plan(), ((STATE, before),)),
            when=Invoke("goes on", lambda moment, state: state.failure is None, (before,)),
            made=Making(result=REPLY, instead=Invoke("failed", _failed, (before, FAILURE))),
        )
    )


def _begun(lowering: Lowering, kind: Kind, name: str) -> Course:
    params = (Ref(ParamRoot(p), optional=True) for p in (ORIGIN, QUERY, HEADERS, BASE))
    fixed = {"root": name, "type": word(Generation.V2, kind)}
    return Course(Invoke("begun", _beginning(fixed, lowering.ground.now), tuple(params)))


def _beginning(fixed: Mapping[str, str], now: Callable[[], float]) -> Callable[..., State]:
    def begun(moment: Any, origin: Any, query: Any, headers: Any, base: Any) -> State:
        given = base or {}
        start = given.get("start") or str(int(now()))
        known = {**fixed, "start": start, "src": given.get("src") or ""}
        known["root"] = given.get("root") or fixed["root"]
        heap = {"origin": {} if origin is None else origin, "base": known}
        fresh = number_of(given.get("uuid"), moment.random_bits)
        return State(heap, query or {}, {} if headers is None else headers, fresh=fresh)

    return begun


def _flow(
    lowering: Lowering, name: str | None, usual: tuple[FlowStep, ...], course: Course,
    enduring: bool = False,
) -> None:  # fmt: skip
    """Adds a flow by its name, or the steps that stand in its place."""
    if name is None:
        steps(lowering, [(one, START) for one in usual], course, enduring)
    elif name:
        inside = replace(lowering, way=(*lowering.way, (Kind.FLOW, name)))
        flow_steps(inside, name, course, enduring)


def _target(lowering: Lowering, kind: Kind, name: str, flows: Flows, course: Course) -> None:
    """Adds the definition that is asked for."""
    inside = replace(lowering, way=(*lowering.way, (kind, name)))
    if kind is Kind.API:
        _flow(lowering, flows.http_api or None, CALL, course)
    elif kind is Kind.FLOW:
        flow_steps(inside, name, course)
    else:
        document = lowering.document(kind, name)
        if document is None:
            flow_steps(lowering, "", course)
        else:
            schedule(inside, document, course, step)


def _failed(moment: Any, state: State, why: Why | None) -> State:
    return state if why is None else failed(state, why)


def _behind(lowering: Lowering, flows: Flows, course: Course) -> None:
    """Adds the flows behind a request; how they fare does not matter to it."""
    told = _told(lowering.ground.now)
    pures = _pures(lowering, flows)
    if pures is not None:
        course.does("behind", _telling(told, pures))
        return
    before, own = course.settled(), Ref(LocalRoot(STATE))
    cases = _cases(lowering, flows, own)
    keys = frozenset(key for key, _ in cases)
    making = Making(
        let=((STATE, Invoke("stats", told, (before,))),),
        result=Invoke("told", lambda moment, was, is_: renewed(was, out=is_.out), (own, REPLY)),
        instead=own,
    )
    work = Choose(Invoke("ending", _ending, (own,)), cases)
    when = Invoke("is told", lambda moment, state: _ending(moment, state) in keys, (before,))
    course.add(Task(course.named("behind"), work, when=when, made=making))


def _pures(lowering: Lowering, flows: Flows) -> Mapping[str, Pure] | None:
    """The flows behind a request as functions, if none of them calls anybody."""
    found: dict[str, Pure] = {}
    for key, name, usual in (("ok", flows.post_ok, ()), ("nok", flows.post_nok, REPORT)):
        if name or (name is None and usual):
            way = (*lowering.way, *(((Kind.FLOW, name),) if name else ()))
            pure = pure_flow(replace(lowering, way=way), name, usual, endured)
            if pure is None:
                return None
            found[key] = pure
    return found


def _telling(told: Pure, flows: Mapping[str, Pure]) -> Pure:
    """The state behind the flow that is told how a request ended."""

    def tell(moment: Any, state: State) -> State:
        flow = flows.get(_ending(moment, state))
        if flow is None:
            return state
        after = flow(moment, _entered(moment, told(moment, state)))
        return renewed(state, out=after.out)

    return tell


def _cases(lowering: Lowering, flows: Flows, own: Value) -> tuple[tuple[str, Nested], ...]:
    entry = ((STATE, Invoke("entered", _entered, (own,))),)
    cases = []
    for key, name, usual in (("ok", flows.post_ok, ()), ("nok", flows.post_nok, REPORT)):
        if name or (name is None and usual):
            plan = lowering.part((Kind.FLOW, f"behind {name}"), _last_flow(name, usual))
            cases.append((key, Nested(name or "report", plan, entry)))
    return tuple(cases)


def _last_flow(name: str | None, usual: tuple[FlowStep, ...]) -> Callable[[Lowering], Plan]:
    def made(inside: Lowering) -> Plan:
        inner = Course()
        _flow(inside, name, usual, inner, enduring=True)
        return inner.plan()

    return made


def _told(now: Callable[[], float]) -> Callable[[Any, State], State]:
    """The state with what those are told who stand behind a request."""

    def told(moment: Any, state: State) -> State:
        why, seconds = state.failure, max(0.0, now() - moment.unix_ms / 1000)
        message = "ok" if why is None else str(why["message"])
        return noted(state, "", seconds, 200 if why is None else state.status, message)

    return told


def _ending(moment: Any, state: State) -> str:
    return "ok" if state.failure is None else "nok"


def _entered(moment: Any, state: State) -> State:
    return renewed(state, failure=None, given=None, value=None)
