"""Flows and schedules of the first generation: their steps, gone through once, in order."""

from __future__ import annotations

from apiql.frontends.definitions.convert.calls import called
from apiql.frontends.definitions.convert.conversion import Conversion, Place
from apiql.frontends.definitions.convert.given import of_given
from apiql.frontends.definitions.convert.scope import Scope
from apiql.frontends.definitions.convert.templates import of_json
from apiql.frontends.definitions.convert.values import Fixed, Nothing, Value
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.v1.flow import Flow, Step
from apiql.frontends.definitions.v1.schedule import Job, Schedule
from apiql.json_nodes import quoted

WHICHEVER = "an answer of those that run side by side: that of whichever ends last"


def flow(conversion: Conversion, model: Flow, scope: Scope, here: Place) -> Value:
    """The value that a flow answers: that of its last step with a key."""
    answer: Value = Fixed(None)
    kept: dict[str, Value] = {}
    for at, step in enumerate(model.steps):
        place = here / "steps" / at
        if not (beside := step.concurrent and model.concurrent_num > 1):
            conversion.barrier()
            scope.results |= kept
            kept = {}
        value = _step(conversion, step, scope, place)
        if step.result_key and value is not None:
            answer = kept[step.result_key] = value
        if not beside:
            conversion.barrier()
            scope.results |= kept
        elif step.result_key and at == len(model.steps) - 1:
            answer = conversion.gap(place, WHICHEVER)
    return answer


def _step(conversion: Conversion, step: Step, scope: Scope, place: Place) -> Value | None:
    if step.api is not None and step.api.id:
        own = scope.calling(step.api.private)
        for at, given in enumerate(step.api.parameters):
            where = place / "api" / "parameters" / at
            scope.origin[given.name] = of_given(conversion, given, own, where)
        inner = scope.calling(step.api.private)
        return called(conversion, step.api.id, inner, step.result_key, place / "api" / "id")
    made = step.response
    if made is None:
        return None
    where = place / "response"
    if made.data is not None and not made.type:
        return of_json(conversion, made.data, scope, where / "json")
    if made.type == "json" and made.source is not None:
        return of_json(conversion, made.source.data, scope, where / "from" / "template")
    return conversion.gap(where / "type", "a page of HTML")


def schedule(conversion: Conversion, model: Schedule, scope: Scope, here: Place) -> Value:
    """The value that a schedule answers: that of its last job."""
    answer: Value = Fixed(None)
    kept: dict[str, Value] = {}
    for at, job in enumerate(model.tasks):
        if not (beside := job.concurrent and model.concurrent_num > 1):
            conversion.barrier()
            scope.results |= kept
            kept = {}
        place = here / "tasks" / at
        answer = _job(conversion, job, scope, place)
        if job.result_key:
            kept[job.result_key] = answer
        if not beside:
            conversion.barrier()
            scope.results |= kept
        elif at == len(model.tasks) - 1:
            answer = conversion.gap(place, WHICHEVER)
    return answer


def _job(conversion: Conversion, job: Job, scope: Scope, place: Place) -> Value:
    if job.type == "control":
        return conversion.gap(place, f"a {job.name}")
    inner = Scope(Generation.V1, dict(scope.results), dict(scope.origin), closed=scope.closed)
    if job.parameters:
        own = scope.calling(job.private)
        inner.closed = True
        inner.origin = {
            given.name: of_given(conversion, given, own, place / "parameters" / at)
            for at, given in enumerate(job.parameters)
        }
    inner.private = job.private
    if job.type == "api":
        return called(conversion, job.name, inner, job.result_key, place / "name")
    return _flow_within(conversion, job.name, inner, place / "name")


def _flow_within(conversion: Conversion, name: str, scope: Scope, place: Place) -> Value:
    document = conversion.definitions.documents[Kind.FLOW].get(name)
    if document is None or not isinstance(document.model, Flow):
        return conversion.gap(place, f"there is no flow {quoted(name)} of this generation")
    owner = document.origin.owner
    if owner in conversion.within:
        return Nothing()
    with conversion.beside(owner):
        return flow(conversion, document.model, scope, Place(document))
