"""Flows and schedules of the second generation: their commands, gone through once, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from apiql.frontends.definitions.convert.calls import called
from apiql.frontends.definitions.convert.conversion import Conversion, Place
from apiql.frontends.definitions.convert.given import of_argument
from apiql.frontends.definitions.convert.scope import Scope
from apiql.frontends.definitions.convert.values import Fixed, Nothing, Value
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.v2.flow import Flow, Step
from apiql.frontends.definitions.v2.schedule import Job, Schedule
from apiql.json_nodes import quoted

Given = Mapping[str, Value]


def flow(conversion: Conversion, model: Flow, scope: Scope, here: Place) -> Value:
    """What others get of a flow: the value of its last step with a key."""
    last: Value = Fixed(None)
    for at, step in enumerate(model.steps):
        conversion.barrier()
        value = command(conversion, step, scope, here / "steps" / at)
        conversion.barrier()
        if step.result_key:
            last = scope.results[step.result_key] = value
    return last


def command(conversion: Conversion, step: Step, scope: Scope, place: Place) -> Value:
    """What a step comes to."""
    own = scope.calling(step.private)
    given = {
        each.name: of_argument(conversion, each, own, place / "args" / at)
        for at, each in enumerate(step.args)
    }
    for at, each in enumerate(step.origin):
        scope.origin[each.name] = of_argument(conversion, each, own, place / "origin" / at)
    carried = _COMMANDS.get(step.command)
    if carried is None:
        return conversion.gap(place / "command", f"the command {quoted(step.command)}")
    return carried(conversion, step, given, scope, place)


def _http_api(
    conversion: Conversion, step: Step, given: Given, scope: Scope, place: Place
) -> Value:
    name = _name(given)
    if name is None:
        return conversion.gap(
            place / "args", "the name of an httpapi that is made for each request"
        )
    inner = scope.calling(step.private)
    return called(conversion, name, inner, step.result_key, place / "args")


def _flow_api(
    conversion: Conversion, step: Step, given: Given, scope: Scope, place: Place
) -> Value:
    name = _name(given)
    document = conversion.definitions.documents[Kind.FLOW].get(name or "")
    if document is None or not isinstance(document.model, Flow):
        return conversion.gap(place / "args", f"there is no flow {quoted(name or '')}")
    owner = document.origin.owner
    if owner in conversion.within:
        return Nothing()
    with conversion.beside(owner):
        return flow(conversion, document.model, scope, Place(document))


def _create_json(
    conversion: Conversion, step: Step, given: Given, scope: Scope, place: Place
) -> Value:
    match given.get("key"):
        case Fixed(str() as key) if key in scope.origin:
            return scope.origin.pop(key)
        case _:
            return conversion.gap(place / "args", "a member of the request's body by a made name")


def _http_response(
    conversion: Conversion, step: Step, given: Given, scope: Scope, place: Place
) -> Value:
    match given.get("type"), given.get("key"), given.get("code", Fixed("200")):
        case Fixed("json"), Fixed(str() as key), Fixed("200") if key in scope.results:
            if conversion.answer is not None:
                return conversion.gap(place / "command", "a second answer")
            conversion.answer = scope.results[key]
            return conversion.answer
        case Fixed("json"), Fixed(), Fixed("200"):
            return conversion.gap(place / "args", "an answer that no step has made")
        case Fixed("json"), _, _:
            return conversion.gap(place / "args", "an answer with a status of its own")
        case _:
            return conversion.gap(place / "args", "an answer that is no JSON")


def _name(given: Given) -> str | None:
    match given.get("name"):
        case Fixed(str() as name):
            return name
        case _:
            return None


_Command = Callable[[Conversion, Step, Given, Scope, Place], Value]
_COMMANDS: Mapping[str, _Command] = MappingProxyType(
    {
        "httpApi": _http_api,
        "flowApi": _flow_api,
        "createJson": _create_json,
        "httpResponse": _http_response,
    }
)


def schedule(conversion: Conversion, model: Schedule, scope: Scope, here: Place) -> Value:
    """What comes of the last job of a schedule."""
    last: Value = Fixed(None)
    kept: dict[str, Value] = {}
    for at, job in enumerate(model.steps):
        if not (beside := job.mode == "concurrent" and model.concurrent_num > 1):
            conversion.barrier()
            scope.results |= kept
            kept = {}
        place = here / "steps" / at
        last = _job(conversion, job, scope, place)
        if job.api is not None and job.api.result_key:
            kept[job.api.result_key] = last
        if not beside:
            conversion.barrier()
            scope.results |= kept
    return last


def _job(conversion: Conversion, job: Job, scope: Scope, place: Place) -> Value:
    if job.type != "api" or job.api is None:
        return conversion.gap(place, f"a {job.type}")
    if job.mode == "background":
        return conversion.gap(place / "mode", "a job that nobody waits for")
    if job.mode == "concurrent":
        scope = Scope(scope.generation, dict(scope.results), dict(scope.origin))
    return command(conversion, job.api, scope, place / "api")
