"""The flows that are told how the call of an httpapi ended: _HTTPOK and _HTTPNOK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from msgspec.structs import replace as renewed

from apiql.errors import ValueRefused
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.v2_call import REPLY, refusal_of
from apiql.frontends.definitions.lower.v2_commands import named
from apiql.frontends.definitions.lower.v2_ground import STATE, Course, Lowering
from apiql.frontends.definitions.lower.v2_pure import pure_flow
from apiql.frontends.definitions.lower.v2_state import Pure, State, entered
from apiql.frontends.definitions.v2.flow import Step
from apiql.ir.plan import Making, Plan, Task
from apiql.ir.values import Invoke
from apiql.ir.works import Choose, Nested

OK_FLOW, NOK_FLOW = "_HTTPOK", "_HTTPNOK"
PlanOf: TypeAlias = Callable[[Lowering, Kind, str], Plan]


def told_of(lowering: Lowering, step: Step) -> tuple[str, ...]:
    """The flows that are told: none of a call that is `internal`."""
    internal = named(step.args, "internal")
    if internal is not None and lowering.known_text(internal.value) == "true":
        return ()
    names = (OK_FLOW, NOK_FLOW)
    if any((Kind.FLOW, name) in lowering.way for name in names):
        lowering.private.append(OK_FLOW)
        return ()
    return tuple(n for n in names if lowering.document(Kind.FLOW, n) is not None)


def tell(lowering: Lowering, names: tuple[str, ...], course: Course, plan_of: PlanOf) -> None:
    """Adds the flow that is told; how it fares does not matter to the call."""
    flows = {name: _pure(lowering, name) for name in names}
    known = {name: flow for name, flow in flows.items() if flow is not None}
    if len(known) == len(names):
        course.does("told", _telling(known))
        return
    before = course.state
    entry = ((STATE, Invoke("entered", entered, (before,))),)
    cases = tuple((n, Nested(n, plan_of(lowering, Kind.FLOW, n), entry)) for n in names)
    ending = Invoke("ending", lambda _, state: _flow_behind(state), (before,))
    course.add(
        Task(
            course.named("told"),
            Choose(ending, cases),
            made=Making(
                result=Invoke("told", _behind, (before, REPLY)),
                instead=Invoke("told", _behind, (before,)),
            ),
        )
    )


def _pure(lowering: Lowering, name: str) -> Pure | None:
    inside = replace(lowering, way=(*lowering.way, (Kind.FLOW, name)))
    return pure_flow(inside, name, (), _ending_all)


def _ending_all(pure: Pure) -> Pure:
    """A step whose failure ends its flow."""
    return pure


def _flow_behind(state: State) -> str:
    return OK_FLOW if state.failure is None else NOK_FLOW


def _telling(flows: Mapping[str, Pure]) -> Pure:
    """The state behind the flow that is told how a call ended; if that fails, as if it were not."""

    def tell(moment: Any, state: State) -> State:
        flow, after = flows.get(_flow_behind(state)), None
        if flow is not None:
            try:
                after = flow(moment, entered(moment, state))
            except ValueRefused:
                after = None
        return _behind(moment, state, after)

    return tell


def _behind(moment: Any, state: State, after: State | None = None) -> State:
    """The state behind a call of which others were told; how they fared does not matter."""
    if state.failure is not None:
        raise refusal_of(state.failure)
    return state if after is None else renewed(state, heap=after.heap, out=after.out)
