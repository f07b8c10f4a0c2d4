"""What the definitions of the first generation use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apiql.documents.shape import Shape
from apiql.frontends.definitions.checks.uses import (
    Calls,
    FunctionCall,
    Loop,
    PathText,
    PrivateValue,
    TemplateText,
    Use,
    json_template,
    odd_layout,
    odd_url,
)
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.v1.api import Api
from apiql.frontends.definitions.v1.flow import ApiCall, Flow, Made
from apiql.frontends.definitions.v1.schedule import Job, Schedule
from apiql.frontends.definitions.v1.source import CacheSource, Given, Source
from apiql.json_nodes import Keys

_ROOTS = {"origin": ".origin", "StepResult": "", "result": ".result"}


def uses_v1(model: Shape) -> Iterator[Use]:
    """All that a document uses, in no order."""
    match model:
        case Api():
            yield from _api(model)
        case Flow():
            for at, step in enumerate(model.steps):
                yield from _call(step.api, ("steps", at, "api")) if step.api else ()
                yield from _made(step.response, ("steps", at, "response")) if step.response else ()
        case Schedule():
            yield from _jobs(model.tasks, ("tasks",), 0)


def _api(api: Api) -> Iterator[Use]:
    if api.private:
        yield Calls(Kind.PRIVATE, api.private, ("private",))
    yield from odd_url(api.url)
    yield from _given(api.parameters, ("parameters",), api.private)
    if api.dynamic_url and not api.url:
        yield from _source(api.dynamic_url, ("dynamicUrl",), api.private)
    if api.cache:
        yield from odd_layout(api.cache.format)
        yield from _source(api.cache.source, ("cache", "from"), api.private)
    if api.resp_status:
        yield from _source(api.resp_status.source, ("respStatus", "from"), api.private)
    if api.response:
        yield json_template(api.response.data, ("response", "json"))


def _call(call: ApiCall, keys: Keys) -> Iterator[Use]:
    if call.id:
        yield Calls(Kind.API, call.id, (*keys, "id"))
    if call.private:
        yield Calls(Kind.PRIVATE, call.private, (*keys, "private"))
    yield from _given(call.parameters, (*keys, "parameters"), call.private or None)


def _made(made: Made, keys: Keys) -> Iterator[Use]:
    if not made.type:
        yield json_template(made.data, (*keys, "json"))
    elif made.source and made.type == "json":
        yield json_template(made.source.data, (*keys, "from", "template"))
    elif made.source and made.type == "html":
        yield TemplateText(made.source.name, (*keys, "from", "name"))


def _jobs(jobs: Iterable[Job], keys: Keys, depth: int) -> Iterator[Use]:
    for at, job in enumerate(jobs):
        here = (*keys, at)
        if job.private:
            yield Calls(Kind.PRIVATE, job.private, (*here, "private"))
        yield from _given(job.parameters, (*here, "parameters"), job.private or None)
        if job.type != "control":
            if job.name:
                yield Calls(Kind(job.type), job.name, (*here, "name"))
            continue
        if job.key:
            yield from _source(job.key, (*here, "key"), job.private or None)
        is_loop = job.name == "loop"
        if is_loop:
            yield Loop(_rounds(job.key), depth + 1, (*here, "key") if job.key else here)
        yield from _jobs(job.tasks, (*here, "tasks"), depth + is_loop)
        for number, case in enumerate(job.cases):
            yield from _jobs(case.tasks, (*here, "cases", number, "tasks"), depth)


def _rounds(key: Source | None) -> str | None:
    """How often a loop runs, where its key is a template without a hole."""
    return key.name if key and key.kind == "template" and "{{" not in key.name else None


def _given(values: Iterable[Given], keys: Keys, private: str | None) -> Iterator[Use]:
    for at, value in enumerate(values):
        if value.source and not value.value:
            yield from _source(value.source, (*keys, at, "from"), private)


def _source(source: Source | CacheSource, keys: Keys, private: str | None) -> Iterator[Use]:
    """`private` is the file of private values, None where others decide about it."""
    match source.kind:
        case "template":
            yield TemplateText(source.name, (*keys, "name"))
        case "JsonTemplate":
            yield json_template(source.data, (*keys, "template"))
        case "func" if source.name:
            yield FunctionCall(source.name, (*keys, "name"))
        case "private" if source.name and private is not None:
            yield PrivateValue(private, source.name, (*keys, "name"))
        case "origin" | "StepResult" | "result" as kind:
            yield PathText(source.name, _ROOTS[kind], (*keys, "name"))
