"""The smoke cases that were published with the second generation: what is asked, what is expected,
and which of them nothing but the live upstreams could meet.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from apiql.sources.call import Call, Layer, Origin, Reply
from tests.apihub.traces import DATA, Asked, Got
from tests.apihub.upstream import HOST, PORT

CASES = DATA / "real" / "v2" / "smoke" / "smoke_cases.json"
PRIVATES = DATA / "v2_conf" / "privates"
GATEWAY = "{{url}}"
MOCK = Origin("http", HOST, PORT, pinned=True)


LIVE = "it expects what only the live upstream says"
CANNOT: Mapping[str, tuple[int, str]] = {
    "amap_district_appid003": (403, "the original answers 403 too, as its recordings show"),
    "qywx_gettoken": (403, "the rights of the folder make it internal: 403 in the recordings too"),
    "baidu_image_classify_token": (200, f"{LIVE}: a session and a token to refresh it"),
    "yznl_nlp_motion": (200, f"{LIVE}; it wants members of a token, which this is none of"),
    "baidu_image_classify_not_picture": (200, f"{LIVE}: an error for what is no picture"),
    "amap_qywx_1": (500, "it puts a list between quotes: its body is no JSON"),
}
"""The cases that cannot pass: what is answered, and why that is not what they expect."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request, the status of its answer, and texts that stand in that."""

    name: str
    asked: Asked
    status: int
    includes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A case with what came back, and each thing that is not as it expects."""

    case: Case
    got: Got
    differences: tuple[str, ...]


def cases() -> list[Case]:
    """All of them, in their order."""
    return [_case(found) for found in json.loads(CASES.read_text(encoding="utf-8"))]


def _case(found: Mapping[str, Any]) -> Case:
    path, body = found["url"].removeprefix(GATEWAY), found["body"] or ""
    for name, value in found["env"]:
        body = body.replace("{{" + name + "}}", value)
    headers = {"content-type": "application/json"} if body else {}
    asked = Asked(found["method"], path, headers, body.encode())
    return Case(found["name"], asked, found["expect_status"], tuple(found["expect_includes"]))


def published(root: Path) -> Path:
    """The published folder, to which the private values are added that were not published."""
    folder = root / "v2"
    shutil.copytree(DATA / "real" / "v2", folder)
    shutil.copytree(PRIVATES, folder / "privates")
    return folder


def elsewhere(upstream: Layer) -> Layer:
    """All hosts of the definitions are the upstream of the recordings: nothing else is called."""

    async def layer(call: Call) -> Reply:
        return await upstream(replace(call, origin=MOCK))

    return layer


async def tried(cases: Iterable[Case], ask: Callable[[Asked], Awaitable[Got]]) -> list[Tried]:
    """Every case in its order."""
    found = []
    for case in cases:
        got = await ask(case.asked)
        found.append(Tried(case, got, tuple(_differences(case, got))))
    return found


def _differences(case: Case, got: Got) -> list[str]:
    text = got.body.decode("utf-8", "replace")
    found = [] if got.status == case.status else [f"status {got.status} instead of {case.status}"]
    return found + [f"no {word} in the body" for word in case.includes if word not in text]


def unexplained(tried: Iterable[Tried]) -> list[str]:
    """What failed and could pass, and what is said to be unable to and has passed."""
    found = []
    for one in tried:
        status, _ = CANNOT.get(one.case.name, (None, ""))
        if one.differences and one.got.status != status:
            found.append(f"{one.case.name}: {'; '.join(one.differences)}")
        elif status is not None and not one.differences:
            found.append(f"{one.case.name}: it passes, though it is said that it cannot")
    return found


def table(tried: Sequence[Tried]) -> str:
    """All cases, for people: passed, cannot (and why), or failed."""
    lines = []
    for one in tried:
        case = one.case
        word = "passed"
        if one.differences:
            _, reason = CANNOT.get(case.name, (None, ""))
            word = f"cannot pass: {reason}" if reason else "; ".join(one.differences)
        lines.append(f"{case.name:42} {case.asked.method:4} {one.got.status}  {word}")
    passed = sum(not one.differences for one in tried)
    return "\n".join([*lines, f"{passed} of {len(tried)} passed"])
