"""Definitions of the second generation written by tests: a folder of them, answered in process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import astuple

from apiql.acts import acts_of
from apiql.engine import Engine, Query
from apiql.events import Notice
from apiql.frontends.definitions.folder import Definitions, read_folder
from apiql.frontends.definitions.kinds import Generation, word
from apiql.frontends.definitions.lower.lowered import Ended, Ground
from apiql.frontends.definitions.lower.v2_gateway import lowering_v2
from apiql.settings import Settings
from apiql.stores.memory import MemoryStores
from tests.apihub.gateway import WORDS, ended_as
from tests.apihub.traces import Got
from tests.apihub.upstream import HOST, PLACE, Seen, Upstream

NOW = 1_700_000_000.0
UUID = "2b39a737-7dd7-4799-a4b1-af1ab61e57ab"
Json = Any


def value(kind: str, content: Json) -> dict[str, Json]:
    """A source of a value."""
    return {"from": kind, ("json" if kind in ("json", "jsonRaw") else "content"): content}


def text(content: str) -> dict[str, Json]:
    """What is written down."""
    return value("literal", content)


def step(command: str, key: str = "", /, **args: dict[str, Json]) -> dict[str, Json]:
    """A step; `origin_x` is what it puts into the request body as `x`."""
    given = {k: v for k, v in args.items() if not k.startswith("origin_")}
    put = {k.removeprefix("origin_"): v for k, v in args.items() if k.startswith("origin_")}
    return {
        "name": command, "command": command, "resultKey": key,
        "args": [{"name": name, "value": found} for name, found in given.items()],
        "origin": [{"name": name, "value": found} for name, found in put.items()],
    }  # fmt: skip


def call(name: str, key: str = "r", **more: dict[str, Json]) -> dict[str, Json]:
    """The call of an httpapi."""
    return step("httpApi", key, name=text(name), **more)


def respond(key: str, media: str = "json", **more: dict[str, Json]) -> dict[str, Json]:
    """What is answered."""
    return step("httpResponse", type=text(media), key=text(key), **more)


def created(key: str, rules: Json) -> dict[str, Json]:
    """A value of the heap that is made of JSON."""
    return step("createJson", key, key=text(key), **{f"origin_{key}": value("jsonRaw", rules)})


def job(found: dict[str, Json], mode: str = "") -> dict[str, Json]:
    """A job of a schedule that carries out a step."""
    return {"type": "api", "mode": mode, "api": found}


def httpapi(path: str, *args: tuple[str, str, dict[str, Json]], **more: Json) -> dict[str, Json]:
    """An httpapi."""
    listed = [{"in": place, "name": name, "value": found} for place, name, found in args]
    usual = {"id": "x", "method": "GET", "requestContentType": "none", "url": PLACE + path}
    return {**usual, "args": listed, **more}


class Folder:
    """A folder of definitions, and what it answers."""

    def __init__(self, root: Path, files: Mapping[str, Json], **ground: Any) -> None:
        if "main.json" not in files:
            files = {**files, "main.json": main()}
        for name, found in files.items():
            path = root / (name if "." in name else f"{name}.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            written = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
            path.write_text(written, encoding="utf-8")
        self.definitions: Definitions = read_folder(root)
        self.counted: list[Mapping[str, str]] = []
        self.pauses: list[float] = []
        self.told: list[Notice] = []
        self.upstream = Upstream(lambda: NOW)
        acts = acts_of(MemoryStores(), self._pause)
        self.engine = Engine(
            Settings(), self.upstream, acts=acts, told=self.told.append, wall=lambda: NOW
        )
        given = {
            "now": lambda: NOW,
            "count": self.counted.append,
            "pinned": frozenset({PLACE, "http://127.0.0.1:9"}),
        }
        self.ground = Ground(self.definitions, **{**given, **ground})
        self.lowered = lowering_v2(self.ground)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def ended(
        self, path: str, body: Json = None, headers: Mapping[str, str] = {}, data: bool = False,
        **query: Any,
    ) -> tuple[Any, Ended]:  # fmt: skip
        """What a definition comes to."""
        first, _, name = path.partition("/")
        kind = WORDS[first]
        found = self.lowered(kind, name)
        base = {"root": name, "type": word(Generation.V2, kind), "start": "1", "src": HOST,
                "uuid": UUID}  # fmt: skip
        params = {"origin": {} if body is None else body, "query": query, "headers": headers,
                  "base": base}  # fmt: skip
        plan = self.engine.defined(found.data if data else found.plan)
        return found, ended_as(await self.engine.outcome(plan, Query("", params)))

    async def ask(
        self, path: str, body: Json = None, headers: Mapping[str, str] = {}, **query: Any
    ) -> Got:
        """The answer to a request."""
        found, ended = await self.ended(path, body, headers, **query)
        return Got(*astuple(found.answer(ended))[:3])

    @property
    def sent(self) -> list[Seen]:
        """What the upstream saw since it was last asked."""
        return self.upstream.drained()[0]


def main(**args: str) -> dict[str, Json]:
    """A main.json with these arguments of apiGateway."""
    return {"name": "main", "steps": [step("apiGateway", **{k: text(v) for k, v in args.items()})]}


def flow(*steps: Json) -> dict[str, Json]:
    """A flow."""
    return {"name": "f", "steps": list(steps)}


def json_of(got: Got) -> Json:
    """The body of an answer."""
    return json.loads(got.body)
