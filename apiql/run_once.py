"""Queries without a server: one engine, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from apiql.engine import Engine, OpenEngine, Query
from apiql.errors import ApiqlError, CallFailed, Code, QueryRefused, ValueRefused
from apiql.ir import explain
from apiql.runtime.assemble import PARTIAL
from apiql.runtime.decode import to_json
from apiql.runtime.json_values import decode
from apiql.settings import Settings
from apiql.sources.call import Call, Reply


class ParameterError(ApiqlError):
    """A parameter of the command line that cannot be read."""


def parameters(whole: str | None, single: Iterable[str]) -> dict[str, Any]:
    """The parameters of `--params` and, over them, of each `--param name=value`."""
    found: dict[str, Any] = {}
    if whole is not None:
        try:
            read = decode(whole.encode())
        except ValueRefused as refused:
            raise ParameterError(f"--params: {refused.message}") from None
        if not isinstance(read, dict):
            raise ParameterError('--params: expected a JSON object: {"id": 7}')
        found |= read
    for pair in single:
        name, mark, text = pair.partition("=")
        if not mark or not name:
            raise ParameterError(f"--param {pair}: expected name=value")
        found[name] = _value(text)
    return found


def _value(text: str) -> Any:
    """JSON where it is some, else the text itself."""
    try:
        return decode(text.encode())
    except ValueRefused:
        return text


def answer(
    settings: Settings, text: str, params: Mapping[str, Any], codes: Mapping[int, int]
) -> tuple[str, int]:
    """The answer as indented JSON, and the exit code: 0, or that for partial (3), nothing (4)."""
    shown = settings.answer.model_copy(update={"details": "full"})
    body, code = asyncio.run(_answer(settings.model_copy(update={"answer": shown}), text, params))
    return body, codes.get(code, code)


async def _answer(settings: Settings, text: str, params: Mapping[str, Any]) -> tuple[str, int]:
    async with OpenEngine.from_settings(settings) as engine:
        plan = engine.plan(text)
        if plan.explain:
            return explain.as_text(plan).rstrip(), 0
        found = await engine.answer(Query(text, params))
    pieces = [b'{"data":', found.data or b"null"]
    if found.errors:
        pieces += [b',"errors":', to_json(found.errors)]
    body = msgspec.json.format(b"".join(pieces) + b"}", indent=2).decode()
    return body, 0 if found.complete else 3 if found.status == PARTIAL else 4


def explained(settings: Settings, text: str, form: str) -> str:
    """The plan of a text as text, tree, JSON or Mermaid."""
    plan = Engine(settings, _nowhere).plan(text)
    if form == "json":
        return msgspec.json.format(to_json(explain.as_json(plan)), indent=2).decode() + "\n"
    printers = {"tree": explain.as_tree, "mermaid": explain.as_mermaid}
    return printers.get(form, explain.as_text)(plan)


def checked(settings: Settings, files: Iterable[Path]) -> list[str]:
    """What is wrong with the files, each with its name in front."""
    engine = Engine(settings, _nowhere)
    problems = []
    for file in files:
        try:
            engine.plan(file.read_text("utf-8"))
        except OSError as error:
            problems.append(f"{file}: {error.strerror}")
        except UnicodeDecodeError:
            problems.append(f"{file}: is not UTF-8")
        except QueryRefused as refused:
            problems += [f"{file}:{problem}" for problem in refused.problems]
    return problems


async def _nowhere(call: Call) -> Reply:
    raise CallFailed(Code.UPSTREAM_CONNECT, "nothing is called here")
