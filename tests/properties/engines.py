"""An engine without a network, and what every property asks of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code
from apiql.runtime.assemble import Answer
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from tests.harness import exact_json

SETTINGS = load_settings(None, {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"})
JSON = (("content-type", "application/json"),)
STATUSES = {200, 204, 294, 502, 504, *range(400, 500)} - {407}

Scripted = Callable[[Call], Reply | CallFailed]


class Upstream:
    """The layer of an engine; each run sets what it answers."""

    def __init__(self) -> None:
        self.script: Scripted = lambda call: Reply(200, JSON, b"{}")
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        """Makes no call, but takes its turn like one."""
        self.calls.append(call)
        await asyncio.sleep(0)
        found = self.script(call)
        if isinstance(found, CallFailed):
            raise found
        return found


UPSTREAM = Upstream()
ENGINE = Engine(SETTINGS, UPSTREAM)


def answer(query: str, params: Mapping[str, Any] | None, script: Scripted) -> Answer:
    """The answer to a query; the calls that were made are in `UPSTREAM.calls`.

    Raises:
        QueryRefused: the query cannot be run.
    """
    UPSTREAM.calls.clear()
    UPSTREAM.script = script
    return asyncio.run(ENGINE.answer(Query(query, params or {})))


def check(found: Answer, names: list[str]) -> Any:
    """The data of a sound answer: JSON, a member for each name, errors with designed codes."""
    assert found.status in STATUSES
    for error in found.errors:
        assert error["code"] in Code.__members__
        assert error["code"] != "INTERNAL"
        assert error["task"]
        assert error["message"]
    if found.data is None:
        assert found.status == 204
        return None
    data = exact_json.parse(found.data.decode())
    if data is None:
        assert found.errors
        return None
    assert list(data) == names
    return data
