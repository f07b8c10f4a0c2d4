"""An endpoint carried out: its plan, an engine, backends that answer what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import randbits
from typing import Any

from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code, Failure
from apiql.frontends.endpoints.gateway import Gateway
from apiql.frontends.endpoints.lower import lower_gateway
from apiql.frontends.endpoints.lowered import (
    Ended,
    EndpointGround,
    GatewayAnswer,
    LoweredEndpoint,
)
from apiql.frontends.endpoints.message import Message, body_of
from apiql.runtime.outcome import Done, Failed
from apiql.settings import Settings
from apiql.sources.call import Call, Reply

JSON_FIELD = ("content-type", "application/json")
NOW = 1_714_000_000.0
GROUND = EndpointGround(now=lambda: NOW)
Said = Mapping[str, Any]
"""What a backend answers: `status`, `headers`, and `body` (JSON), `text`, `raw` or `fails`."""


class Clock:
    """Time that passes only where a backend takes it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Backends:
    """Answers by method and URL without query (several, in turn, where a list is given), or all
    alike; remembers the calls.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    open: int = 0
    most: int = 0

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        place = f"{call.method} {call.origin}{call.target.partition('?')[0]}"
        said = self.answers.get(place, self.answers.get("*"))
        assert said is not None, f"nobody answers {place}"
        if isinstance(said, list):
            said = said.pop(0)
        return self._reply(call, said)

    def _reply(self, call: Call, said: Said) -> Reply:
        match said.get("fails"):
            case "timeout":
                self.clock.now = call.deadline
                raise CallFailed(Code.UPSTREAM_TIMEOUT, "no answer in time")
            case str() as message:
                raise CallFailed(Code.UPSTREAM_CONNECT, message)
        headers = [(name.lower(), value) for name, value in said.get("headers", {}).items()]
        headers += [tuple(pair) for pair in said.get("pairs", ())]
        body = said.get("raw", b"")
        if "body" in said:
            body = json.dumps(said["body"], ensure_ascii=False).encode()
        if "text" in said:
            body = said["text"].encode()
        if not any(name == "content-type" for name, _ in headers) and body:
            headers.append(("content-type", "text/plain") if "text" in said else JSON_FIELD)
        return Reply(said.get("status", 200), tuple(headers), body)

    @property
    def urls(self) -> list[str]:
        """What was called, in its order."""
        return [f"{call.method} {call.origin}{call.target}" for call in self.calls]


def lowered(found: Gateway, ground: EndpointGround = GROUND) -> LoweredEndpoint:
    """The first endpoint of a gateway."""
    return lower_gateway(found, ground)[0]


def request(
    headers: Mapping[str, str] = {}, body: Any = None, *, media: str = "application/json",
    params: Mapping[str, str] = {}, **query: Any,
) -> Message:  # fmt: skip
    """A request as the server makes it."""
    fields = {name: (value,) for name, value in headers.items()}
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    if data:
        fields["Content-Type"] = (media,)
    asked = {name: tuple(v) if isinstance(v, list) else (v,) for name, v in query.items()}
    return Message(fields, body_of(data, media), 0, "", params, asked)


def engine(backends: Backends, bits: Callable[[int], int] | None = None) -> Engine:
    """An engine on these backends."""
    return Engine(Settings(), backends, clock=backends.clock, random_bits=bits or randbits)


def ended(
    low: LoweredEndpoint, backends: Backends, asked: Message,
    bits: Callable[[int], int] | None = None,
) -> Ended:  # fmt: skip
    """What the plan of an endpoint comes to."""
    own = engine(backends, bits)
    found = asyncio.run(own.outcome(own.defined(low.plan), Query("", {"request": asked})))
    if isinstance(found, Done):
        return Ended(found.value)
    assert isinstance(found, Failed)
    return Ended(failure=found.failure)


def run(
    found: Gateway, backends: Backends, asked: Message | None = None, **more: Any
) -> GatewayAnswer:
    """The answer of the first endpoint of a gateway."""
    low = lowered(found)
    return low.answer(ended(low, backends, request() if asked is None else asked, **more))


def selected(found: Gateway, backends: Backends, arguments: Any = None) -> Any:
    """What a select from the first endpoint has, or its failure."""
    own = engine(backends)
    low = lowered(found)
    given = {} if arguments is None else {"arguments": arguments}
    made = asyncio.run(own.outcome(own.defined(low.data), Query("", given)))
    if isinstance(made, Done):
        return made.value
    assert isinstance(made, Failed)
    failure: Failure = made.failure
    return failure
