"""Definitions behind a function that answers requests, in process: no server, no sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from msgspec.structs import astuple

from apiql.documents.problems import Severity
from apiql.engine import Engine, Query
from apiql.frontends.definitions.checks.check import USUAL, Known, check
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.lowered import Ended, Lowered
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut
from apiql.runtime.step import Executable
from tests.apihub.traces import Asked, Got

WORDS = {"api": Kind.API, "httpapi": Kind.API, "flow": Kind.FLOW, "schedule": Kind.SCHEDULE}
PLAIN = "text/plain"
Lower = Callable[[Kind, str], Lowered]
Base = Callable[[Kind, str, Asked], Mapping[str, Any]]
NOT_FOUND = Got(404, PLAIN, b"404 page not found")


def ended_as(outcome: Done | Failed | LeftOut) -> Ended:
    """What the plan of a definition came to."""
    match outcome:
        case Failed(failure):
            return Ended(failure=failure)
        case Done() if outcome.value is MISSING:
            body = outcome.shaped[0]
            return Ended(body=body) if isinstance(body, bytes) else Ended(failure=body)
        case Done():
            return Ended(outcome.value)
        case LeftOut():
            return Ended(None)


class Gateway:
    """Answers requests by the definitions of a folder; those that are broken answer 503."""

    def __init__(
        self, definitions: Definitions, lower: Lower, engine: Engine, known: Known = USUAL,
        unknown: int = 500, base: Base | None = None,
    ) -> None:  # fmt: skip
        self.definitions, self.lower, self.engine, self.unknown = (
            definitions,
            lower,
            engine,
            unknown,
        )
        self.base = base
        found = check(definitions, known)
        self.broken = {p.owner for p in found if p.severity is Severity.ERROR}
        self.plans: dict[tuple[Kind, str], tuple[Lowered, Executable]] = {}

    async def __call__(self, asked: Asked) -> Got:
        """The answer to a request."""
        path, _, query = asked.path.partition("?")
        parts = path.strip("/").split("/")
        kind = WORDS.get(parts[0])
        if kind is None or len(parts) not in (2, 3):
            return NOT_FOUND
        name = "_".join(parts[1:])
        if (kind.value, name) in self.broken:
            return Got(503, PLAIN, b"broken")
        if name not in self.definitions.documents[kind]:
            return Got(self.unknown, PLAIN, b"unknown")
        return await self._answered(kind, name, query, asked)

    async def _answered(self, kind: Kind, name: str, query: str, asked: Asked) -> Got:
        lowered, executable = self._made(kind, name)
        origin = _json_of(asked.body)
        if origin is None and asked.body and not lowered.any_body:
            return Got(500, PLAIN, b"the body is no JSON")
        pairs = reversed(parse_qsl(query, keep_blank_values=True))
        params = {
            "origin": {} if origin is None else origin, "headers": asked.headers,
            "query": dict(pairs),
        }  # fmt: skip
        if self.base is not None:
            params["base"] = self.base(kind, name, asked)
        outcome = await self.engine.outcome(executable, Query("", params))
        return Got(*astuple(lowered.answer(ended_as(outcome)))[:3])

    def _made(self, kind: Kind, name: str) -> tuple[Lowered, Executable]:
        if (kind, name) not in self.plans:
            lowered = self.lower(kind, name)
            self.plans[kind, name] = lowered, self.engine.defined(lowered.plan)
        return self.plans[kind, name]


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError:
        return None
