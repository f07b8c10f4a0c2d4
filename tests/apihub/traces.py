"""Recordings of the originals: a request, what was answered, and what the upstream saw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.apihub.upstream import Seen

DATA = Path(__file__).resolve().parent.parent / "data" / "apihub"
BEGAN = 1795246180.0
"""When the recordings were made, as Unix time."""
ENVIRONMENT = {"TGAH_TEST_ENV": "ENVVAL"}


class Asked(NamedTuple):
    """A request to the gateway; `path` with its query, headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Got(NamedTuple):
    """What came back."""

    status: int
    media: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """An answer that is right. `upstream` without the calls of notifications, `notify` the paths of
    those (None where the generation has none).
    """

    status: int
    media: str | None
    body: str
    upstream: tuple[Seen, ...]
    notify: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One recording: any of `expected` is right; `most` the most calls that were under way."""

    number: int
    asked: Asked
    expected: tuple[Expected, ...]
    most: int
    wait: float


def traces_of(generation: str, ours: bool = True) -> list[Trace]:
    """The recordings of `v1` or `v2`, in their order; without what is decided for `ours` as they
    are.
    """
    text = (DATA / "traces" / f"{generation}.json").read_text(encoding="utf-8")
    return [_trace(number, found, ours) for number, found in enumerate(json.loads(text))]


def _trace(number: int, found: dict[str, Any], ours: bool) -> Trace:
    request = found["request"]
    headers = {name.lower(): value for name, value in (request["headers"] or {}).items()}
    if request["body"] is not None:
        headers.setdefault("content-type", "application/json")
    asked = Asked(request["method"], request["path"], headers, (request["body"] or "").encode())
    decided = found.get("ours", ["as recorded"]) if ours else ["as recorded"]
    right = tuple(_expected(found, one) for one in decided)
    return Trace(number, asked, right, found["max_inflight"], found.get("wait_before", 0.0))


def _expected(recorded: dict[str, Any], ours: str | dict[str, Any]) -> Expected:
    """What is recorded, or that with the members that differ in ours."""
    one = recorded if isinstance(ours, str) else {**recorded, "body": "", **ours}
    if one["status"] < 400 and "body" not in ours:
        one = {**one, "body": recorded["body"]}
    upstream = tuple(_seen(call) for call in one["upstream"])
    notify = tuple(one["notify"]) if "notify" in recorded else None
    return Expected(one["status"], one["content_type"], one["body"], upstream, notify)


def _seen(call: dict[str, Any]) -> Seen:
    headers = {name.lower(): value for name, value in call["headers"].items()}
    return Seen(call["method"], call["path"], call["rawquery"], headers, call["body"])
