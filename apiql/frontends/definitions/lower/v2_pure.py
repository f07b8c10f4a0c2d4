"""Steps of the second generation that call nobody, by their command."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.v2_acts import is_act
from apiql.frontends.definitions.lower.v2_call import refusing_step
from apiql.frontends.definitions.lower.v2_commands import (
    Command,
    comparing,
    counting,
    create_html,
    create_json,
    fill_base,
    named,
    pure_step,
    responding,
    taking,
)
from apiql.frontends.definitions.lower.v2_ground import Lowering
from apiql.frontends.definitions.lower.v2_rights import Rights, check_right
from apiql.frontends.definitions.lower.v2_state import Pure, State
from apiql.frontends.definitions.lower.v2_values import Seen, Sources
from apiql.frontends.definitions.v2.commands import PROCESS, SILENT
from apiql.frontends.definitions.v2.flow import Flow, Step

CALLED = {"httpApi": Kind.API, "flowApi": Kind.FLOW, "scheduleApi": Kind.SCHEDULE}
"""The commands that call another definition, and its kind."""


def at_rest(moment: object, state: State) -> State:
    """Stands for a step that does nothing at all."""
    return state


def pure_of(lowering: Lowering, step: Step) -> Pure | None:
    """A step with a command that calls nobody; None for the others."""
    sources = lowering.step_sources(step.private)
    if step.private and lowering.privates(step.private) is None:
        return refusing_step(f"there is no private {step.private}", 403)
    if step.command in CALLED or is_act(step):
        return None
    if step.command == "createJson":
        return taking(step, pure_step(step, create_json, sources), sources)
    command = _command(lowering, step, sources)
    if command is None:
        return refusing_step(f"there is no command {step.command}", 403)
    if command is _nothing and not step.origin and not step.result_key:
        return at_rest
    return pure_step(step, command, sources)


def _command(lowering: Lowering, step: Step, sources: Sources) -> Command | None:
    match step.command:
        case "createHtml":
            return create_html(step, lowering.ground.definitions.templates, sources)
        case "httpResponse":
            return responding(step)
        case "checkStringsEqual" | "checkStringsNotEqual":
            return comparing(step, sources, step.command == "checkStringsEqual")
        case "promHttpCounterInc":
            return counting(step, lowering.ground.count)
        case "fillBaseInfo":
            return fill_base
        case "checkRight":
            return _checking(lowering, step)
        case name:
            return _nothing if name in PROCESS | SILENT else None


def _checking(lowering: Lowering, step: Step) -> Command:
    """checkRight; what everybody may call is not looked at again in each request."""
    rights = Rights.of(lowering.ground.definitions)
    kind, name = named(step.args, "type"), named(step.args, "name")
    if lowering.is_part or kind is None or name is None:
        return check_right(rights)
    known_kind, known_name = lowering.known_text(kind.value), lowering.known_text(name.value)
    if known_kind is None or known_name is None:
        return check_right(rights)
    return _nothing if rights.are_for_all(known_kind, known_name) else check_right(rights)


def _nothing(state: State, seen: Seen, args: object) -> None:
    return None


def pure_flow(
    lowering: Lowering, name: str | None, usual: Iterable[Step], within: Callable[[Pure], Pure]
) -> Pure | None:
    """A flow whose steps call nobody, as one function: `within` says of each what its failure
    means. None for others.
    """
    found: Iterable[Step] = usual
    if name is not None:
        document = lowering.document(Kind.FLOW, name)
        model = None if document is None else document.model
        if not isinstance(model, Flow):
            return None
        found = model.steps
    pures: list[Pure] = []
    for one in found:
        pure = pure_of(lowering, one)
        if pure is None:
            return None
        pures.append(within(pure))

    def done(moment: Any, state: State) -> State:
        for pure in pures:
            state = pure(moment, state)
        return state

    return done
