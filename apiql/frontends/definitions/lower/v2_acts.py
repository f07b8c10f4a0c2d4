"""The commands that the engine does beside calls: storage, pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiql.errors import Location
from apiql.frontends.definitions.lower.v2_commands import (
    Args,
    arguments,
    loaded,
    needed,
    origin_of,
    seconds_of,
    stored_text,
)
from apiql.frontends.definitions.lower.v2_ground import Course, Lowering
from apiql.frontends.definitions.lower.v2_state import State, kept
from apiql.frontends.definitions.lower.v2_values import Seen
from apiql.frontends.definitions.v2.flow import Step
from apiql.ir.plan import Making, Task
from apiql.ir.values import Invoke, LocalRoot, Ref, ReplyRoot
from apiql.ir.works import Act

Given = Callable[[State, Seen, Args], Any]
STORE, LOAD, CLEAR, PAUSE = "store", "load", "clear", "pause"


def _store(state: State, seen: Seen, args: Args) -> Any:
    return {"index": needed(args, "index", seen), "content": stored_text(state, seen, args)}


def _index(state: State, seen: Seen, args: Args) -> Any:
    return {"index": needed(args, "index", seen)}


def _load(state: State, seen: Seen, args: Args) -> Any:
    return {"index": needed(args, "index", seen), "content": needed(args, "content", seen)}


def _pause(state: State, seen: Seen, args: Args) -> Any:
    return {"seconds": seconds_of(seen, args)}


_ACTS: dict[str, tuple[str, Given]] = {
    "storageStore": (STORE, _store),
    "storageLoad": (LOAD, _load),
    "storageClear": (CLEAR, _index),
    "apiSleep": (PAUSE, _pause),
}


def is_act(step: Step) -> bool:
    """Whether the engine does the command."""
    return step.command in _ACTS


def act(lowering: Lowering, step: Step, course: Course, at: Location) -> None:
    """Adds such a step."""
    name, given = _ACTS[step.command]
    sources = lowering.step_sources(step.private)
    changed, args, key = origin_of(step, sources), arguments(step, sources), step.result_key
    loads = name == LOAD

    def made(moment: Any, state: State) -> dict[str, Any]:
        state = changed(state)
        found = given(state, Seen(state.heap, state.query, state.headers), args)
        return {"state": state, "given": found}

    def done(moment: Any, made: dict[str, Any], reply: Any) -> State:
        if loads:
            reply = loaded(reply, made["given"]["content"])
        return kept(made["state"], key, reply)

    own = Ref(LocalRoot("made"))
    given_to = (("given", Ref(LocalRoot("made"), ("given",))),)
    making = Making(
        let=(("made", Invoke(step.command, made, (course.state,))),),
        result=Invoke("kept", done, (own, Ref(ReplyRoot()))),
    )
    course.add(Task(course.named(step.command), Act(name, given_to), location=at, made=making))
