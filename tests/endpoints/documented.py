"""The examples of the documentation, carried out: `python -m tests.endpoints.documented` prints a
table of what is as documented and what is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apiql.frontends.endpoints.gateway import Gateway
from apiql.frontends.endpoints.lowered import GatewayAnswer
from tests.endpoints.reading import DATA, EXAMPLES, gateway
from tests.endpoints.running import Backends, request, run

FOUND = json.loads((DATA / "documented.json").read_text("utf-8"))
CASES: list[dict[str, Any]] = FOUND["cases"]
ELSEWHERE: Mapping[str, str] = FOUND["elsewhere"]
DEVIATIONS: dict[str, dict[str, Any]] = json.loads((DATA / "deviations.json").read_text("utf-8"))
KEY = "gabrielcataldo.adma@gmail.com"
SERVERS_OWN = ("content-length", "date")
ITS_OWN = ("file", "line", "timestamp")
"""Members of the gateway's own errors that say when and where it was."""


@dataclass(frozen=True)
class Difference:
    """A field of an answer that is not as documented."""

    field: str
    documented: Any
    ours: Any


def config_of(case: Mapping[str, Any]) -> Gateway:
    """The configuration of a case: that of an example, with what the case says."""
    config = json.loads(json.dumps(EXAMPLES[case["config"]]["json"]))
    (endpoint,) = config["endpoints"]
    if "second backend" in case:
        endpoint["backends"][1] = EXAMPLES[case["second backend"]]["json"]
    endpoint["backends"] = endpoint["backends"][: case.get("backends")]
    if "path" in case:
        endpoint["path"] = endpoint["backends"][0]["path"] = case["path"]
    if "timeout" in case:
        config["timeout"] = case["timeout"]
    return gateway(config)


def answer_to(case: Mapping[str, Any]) -> tuple[GatewayAnswer, Backends]:
    """What a case is answered, and the backends that it was asked of."""
    backends = Backends(case["calls"])
    return run(config_of(case), backends, request(params={"key": KEY})), backends


def differences(case: Mapping[str, Any], found: GatewayAnswer) -> Iterator[Difference]:
    """What is not as documented, or not as the case says."""
    status = case.get("answers") or int(EXAMPLES[case["status"]]["text"].split()[1])
    if found.status != status:
        yield Difference("status", status, found.status)
    yield from _of_headers(case, dict(found.headers))
    if "text" in case and found.body.decode() != case["text"]:
        yield Difference("body", case["text"], found.body.decode())
    if "body" in case:
        yield from _of_body(EXAMPLES[case["body"]]["json"], json.loads(found.body))


def _of_headers(case: Mapping[str, Any], found: Mapping[str, str]) -> Iterator[Difference]:
    if "headers" not in case:
        return
    lines = EXAMPLES[case["headers"]]["text"].splitlines()
    told = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    for name in sorted((told.keys() | found.keys()) - {*SERVERS_OWN}):
        if told.get(name) != found.get(name):
            yield Difference(name, told.get(name), found.get(name))


def _of_body(told: Any, found: Any) -> Iterator[Difference]:
    if isinstance(told, dict) and "timestamp" in told:
        if told.keys() != found.keys():
            yield Difference("body", told, found)
        for name in sorted(told.keys() - {*ITS_OWN}):
            if told[name] != found[name]:
                yield Difference(name, told[name], found[name])
    elif told != found:
        yield Difference("body", told, found)


def indexes(case: Mapping[str, Any]) -> frozenset[int]:
    """The examples that a case is made of."""
    one = (case.get(word) for word in ("config", "second backend", "status", "headers", "body"))
    return frozenset({*(i for i in one if i is not None), *case.get("upstream headers", ())})


def table() -> Iterator[str]:
    """A line for each case and each deviation."""
    for case in CASES:
        found, backends = answer_to(case)
        wrong = [*differences(case, found)]
        known = DEVIATIONS.get(case["case"])
        word = "as documented" if not wrong else "deviates" if known else "WRONG"
        shown = ",".join(map(str, sorted(indexes(case))))
        yield f"{case['case']:48} {shown:16} {found.status} {len(backends.calls)} calls  {word}"
        for each in wrong:
            yield f"    {each.field}: {each.ours} (documented: {each.documented})"
        if known is not None:
            yield f"    because {known['why']}"
    yield from (f"example {index}: {why}" for index, why in ELSEWHERE.items())


if __name__ == "__main__":
    print("\n".join(table()))
