"""Whether the process answers, and whether queries are to be sent to it, for who watches it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from apiql.server.current import Current
from apiql.server.reload import State


def watched(
    app: FastAPI, state: State | None, draining: Callable[[], bool], current: Current
) -> None:
    """Adds /livez and /readyz."""

    async def alive() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready() -> JSONResponse:
        leaving = draining()
        body: dict[str, Any] = {"status": "draining" if leaving else "ok"}
        if state is not None:
            body["configuration"] = configuration(state)
        if buckets := len(current.held.buckets):
            body["buckets"] = buckets  # how many, and not their names: anybody may ask
        return JSONResponse(body, 503 if leaving else 200, {"Cache-Control": "no-store"})

    app.add_api_route("/livez", alive, summary="The process answers", tags=["health"])
    app.add_api_route("/readyz", ready, summary="Queries are answered", tags=["health"])


def configuration(state: State) -> dict[str, Any]:
    """What is in force. That a later one was refused makes nothing less ready."""
    found: dict[str, Any] = {"revision": state.revision, "since": moment(state.since)}
    if state.restart:
        found["restart_needed"] = state.restart
    if state.refused is not None:
        found["refused"] = {"at": moment(state.refused.at), "problems": state.refused.lines}
    return found


def moment(seconds: float) -> str:
    """A time of the wall clock, to the second, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat("T", "seconds").replace("+00:00", "Z")
