"""What the definitions of the second generation use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from apiql.documents.shape import Shape
from apiql.frontends.definitions.checks.uses import (
    Calls,
    FunctionCall,
    Loop,
    PathText,
    PrivateValue,
    Remark,
    TemplateFile,
    TemplateText,
    Use,
    json_template,
    odd_layout,
    odd_url,
)
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.v2.commands import COMMANDS, GATEWAY, PROCESS
from apiql.frontends.definitions.v2.flow import Flow, Main, Step
from apiql.frontends.definitions.v2.httpapi import HttpApi
from apiql.frontends.definitions.v2.schedule import Control, Job, Schedule
from apiql.frontends.definitions.v2.value import DATA, Argument, Value
from apiql.json_nodes import Keys, quoted

_CALLED: Mapping[tuple[str, str], Kind] = MappingProxyType(
    {
        ("httpApi", "name"): Kind.API,
        ("httpApi", "private"): Kind.PRIVATE,
        ("flowApi", "name"): Kind.FLOW,
        ("scheduleApi", "name"): Kind.SCHEDULE,
        ("apiGateway", "pre"): Kind.FLOW,
        ("apiGateway", "httpApi"): Kind.FLOW,
        ("apiGateway", "postOK"): Kind.FLOW,
        ("apiGateway", "postNOK"): Kind.FLOW,
    }
)
"""Arguments of commands that name a definition."""

_NOBODY = "none"
_UNUSED = "is not used here"


def uses_v2(model: Shape) -> Iterator[Use]:
    """All that a document uses, in no order."""
    match model:
        case HttpApi():
            yield from _httpapi(model)
        case Flow():
            if model.private:
                yield Remark(_UNUSED, '"private" in the steps', ("private",))
            for at, step in enumerate(model.steps):
                yield from _step(step, ("steps", at))
                yield from _unheard(step, isinstance(model, Main), ("steps", at))
        case Schedule():
            yield from _jobs(model.steps, ("steps",), 0)


def _unheard(step: Step, is_main: bool, keys: Keys) -> Iterator[Use]:
    """What belongs to the process, where that cannot follow it."""
    if step.command in PROCESS and not is_main:
        wrong = f"{step.command} belongs to the process: a request does nothing of it"
        yield Remark(wrong, "the step in main.json", (*keys, "command"))
    fixed = ("literal", "template")
    for at, argument in enumerate(step.args if is_main else ()):
        names = {"apiGateway": GATEWAY, "setDefaultAccessRight": ("default",)}
        if argument.name in names.get(step.command, ()) and argument.value.kind not in fixed:
            there = (*keys, "args", at, "value")
            yield Remark(f"{argument.name} is known only at the start", "a literal", there)


def _httpapi(api: HttpApi) -> Iterator[Use]:
    if api.private:
        yield Calls(Kind.PRIVATE, api.private, ("private",))
    yield from odd_url(api.url)
    yield from _arguments(api.args, ("args",), api.private)
    if api.dynamic_url and not api.url:
        yield from _value(api.dynamic_url, ("dynamicUrl",), api.private)
    if api.cache:
        yield from odd_layout(api.cache.format)
        yield from _value(api.cache.expire, ("cache", "expire"), api.private)


def _step(step: Step, keys: Keys) -> Iterator[Use]:
    if step.private:
        yield Calls(Kind.PRIVATE, step.private, (*keys, "private"))
    yield from _arguments(step.origin, (*keys, "origin"), step.private)
    yield from _arguments(step.args, (*keys, "args"), step.private)
    given = {argument.name for argument in step.args}
    for name in COMMANDS.get(step.command, ()):
        if name not in given:
            wrong = f"{step.command} has no argument {quoted(name)}"
            expected = f'{{"name": {quoted(name)}, "value": {{…}}}} in args'
            yield Remark(wrong, expected, (*keys, "command"))
    for at, argument in enumerate(step.args):
        if (step.command, argument.name) == ("httpApi", "private") and _varies(argument.value):
            wrong = "which private values a call has is known before it"
            yield Remark(wrong, "a literal", (*keys, "args", at, "value"))
        if argument.value.kind == "literal":
            here = (*keys, "args", at, "value", "content")
            yield from _literal(step, argument.name, argument.value.content, here)


def _varies(value: Value) -> bool:
    return value.kind != "literal" and not (value.kind == "template" and "{{" not in value.content)


def _literal(step: Step, name: str, content: str, keys: Keys) -> Iterator[Use]:
    """What a fixed argument names."""
    called = _CALLED.get((step.command, name))
    if called is not None and content and content != _NOBODY:
        yield Calls(called, content, keys)
    elif (step.command, name) == ("createHtml", "content"):
        is_file = any(a.name == "type" and a.value.content == "resource" for a in step.args)
        yield TemplateFile(content, keys) if is_file else TemplateText(content, keys)


def _jobs(jobs: Iterable[Job], keys: Keys, depth: int) -> Iterator[Use]:
    for at, job in enumerate(jobs):
        here = (*keys, at)
        if job.private:
            yield Remark(_UNUSED, '"private" of the api', (*here, "private"))
        if job.type == "api":
            yield from _step(job.api, (*here, "api")) if job.api else ()
        elif job.control:
            yield from _control(job.control, job.type == "loop", (*here, "control"), depth)


def _control(control: Control, is_loop: bool, keys: Keys, depth: int) -> Iterator[Use]:
    if control.key:
        yield from _value(control.key, (*keys, "key"), None)
    if is_loop:
        yield Loop(_rounds(control.key), depth + 1, (*keys, "key") if control.key else keys)
    elif not control.cases:
        yield Remark("the switch has no cases", '"cases": [{"value": …, "steps": […]}]', keys)
    yield from _jobs(control.steps, (*keys, "steps"), depth + is_loop)
    for number, case in enumerate(control.cases):
        yield from _jobs(case.steps, (*keys, "cases", number, "steps"), depth)


def _rounds(key: Value | None) -> str | None:
    """How often a loop runs, where that is written down."""
    is_fixed = key and (
        key.kind == "literal" or (key.kind == "template" and "{{" not in key.content)
    )
    return key.content if key and is_fixed else None


def _arguments(values: Iterable[Argument], keys: Keys, private: str | None) -> Iterator[Use]:
    for at, argument in enumerate(values):
        yield from _value(argument.value, (*keys, at, "value"), private)


def _value(value: Value, keys: Keys, private: str | None) -> Iterator[Use]:
    """`private` is the file of private values, None where others decide about it."""
    there = (*keys, "content")
    match value.kind:
        case "template":
            yield TemplateText(value.content, there)
        case kind if kind in DATA:
            yield json_template(value.data, (*keys, "json"))
        case "func":
            yield FunctionCall(value.content, there)
        case "private" if private is not None:
            yield PrivateValue(private, value.content, there)
        case "origin" | "heap" as kind:
            yield PathText(value.content, ".origin" if kind == "origin" else "", there)
