"""What other engines were observed to do, and ours beside it.

Every case of the file is a test. What is not run here stands in peer_cases_pending.txt with the
reason. Deviations on purpose are explained in data/deviations.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.case_file import read_cases
from tests.harness.peer_case import (
    PeerCase,
    Ran,
    headers_missing,
    not_yet,
    read_peer_cases,
    requests_expected,
    requests_made,
    requests_observed,
    run_peer_case,
    run_saved_case,
)

DATA = Path(__file__).parent / "data"
CASES = {case.id: case for case in read_peer_cases(DATA / "peer_cases.jsonl")}
PENDING = dict(
    line.split() for line in (DATA / "peer_cases_pending.txt").read_text().splitlines() if line
)
SKIPS = ("DEPENDENCY_FAILED", "MISSING_DEPENDENCY")


@pytest.mark.parametrize("name", CASES)
def test_ours_beside_the_peer(name: str) -> None:
    """The case holds, or it is listed as tested elsewhere."""
    case = CASES[name]
    reason = not_yet(case)
    assert reason == PENDING.get(name), "peer_cases_pending.txt lists what is not run here"
    if case.known["group"] == "saved":
        status, ran = run_saved_case(case)
        assert status == case.known["peer_observed"]["http"]
        assert [*_as_the_peer(case, ran)] == []
    elif reason is None:
        ran = run_peer_case(case)
        check = _as_the_peer if case.known["adopt"] == "same" else _as_ours
        assert [*check(case, ran)] == []


def test_the_list_of_pending_cases_names_cases() -> None:
    """No case is listed that there is not."""
    assert PENDING.keys() <= CASES.keys()


def test_a_golden_case_stands_for_every_sketch() -> None:
    """What is no query here is one there, under a heading that begins with its name."""
    files = (Path(__file__).parent / "cases").rglob("*.md")
    headings = {
        case.heading.partition(":")[0] for file in files for case in read_cases(file.read_text())
    }
    assert {name for name, reason in PENDING.items() if reason == "sketch"} <= headings


def test_every_deviation_is_explained() -> None:
    """A case where ours differs has its paragraph."""
    text = (DATA / "deviations.md").read_text()
    wanted = [case.id for case in CASES.values() if case.known["adopt"] == "differ"]
    assert [name for name in wanted if f"`{name}`" not in text] == []


def _as_the_peer(case: PeerCase, ran: Ran) -> Iterator[str]:
    """How ours differs from what the peer was observed to do."""
    seen = case.known.get("peer_observed")
    if seen is None:
        yield from [] if ran.status == 200 else [f"status {ran.status}: {ran.errors}"]
        return
    entries = list(seen["requests"])
    yield from _requests(requests_made(ran.calls), requests_observed(entries))
    yield from headers_missing(ran.calls, entries)
    yield from _order(case, ran)
    if "error" in seen:
        if not ran.errors:
            yield "the peer reports an error, ours none"
        known = ("UPSTREAM_CONNECT", "QUERY_NOT_FOUND")
        if not entries and not (ran.refused or ran.errors[0]["code"] in known):
            yield f"no request and no refusal: {ran.errors}"
        return
    if ran.refused:
        yield f"refused: {ran.refused}"
        return
    for name, part in (seen.get("statements") or {}).items():
        yield from _statement(name, part, ran)
    if "result" in seen and [*(ran.data or {}).values()][:1] != [seen["result"]]:
        yield f"result: {ran.data} is not {seen['result']}"
    yield from _status(case, ran, seen)
    yield from _cache_control(ran, seen)


def _statement(name: str, part: dict[str, Any], ran: Ran) -> Iterator[str]:
    """One statement: its status and result, or the nested lists of those of its calls."""
    if isinstance(part["status"], list) and "result" not in part:
        return  # it stands in another result
    yield from _result([name], part["status"], part.get("result"), (ran.data or {}).get(name), ran)


def _result(path: list[Any], status: Any, result: Any, found: Any, ran: Ran) -> Iterator[str]:
    if isinstance(status, list):
        if not isinstance(found, list) or len(found) != len(status):
            yield f"{path}: {found} is not a list of {len(status)}"
            return
        for index, (one, wanted, own) in enumerate(zip(status, result, found, strict=True)):
            yield from _result([*path, index], one, wanted, own, ran)
        return
    if status < 400:
        if found != result:
            yield f"{path}: {found} is not {result}"
        return
    entries = [error for error in ran.errors if error.get("path") == path]
    if found is not None or not entries:
        yield f"{path}: failed with {status}, ours has {found} and {entries}"
    called = any(entry["code"] not in SKIPS for entry in entries)
    if status == 400 and called and not _was_sent(entries):
        yield f"{path}: was skipped, ours has {entries}"


def _was_sent(entries: list[dict[str, Any]]) -> bool:
    return any(entry.get("status") == 400 for entry in entries)


def _cache_control(ran: Ran, wanted: dict[str, Any]) -> Iterator[str]:
    """What the answer says about its use again."""
    said = ran.answer.cache_control if ran.answer else None
    if "cache_control" in wanted and said != wanted["cache_control"]:
        yield f"Cache-Control: {said} is not {wanted['cache_control']}"


def _status(case: PeerCase, ran: Ran, seen: dict[str, Any]) -> Iterator[str]:
    """Under `use status max` the peer's status; else by what came out."""
    assert ran.answer is not None
    if "http" in seen and case.text.startswith("use status max"):
        if ran.answer.status != seen["http"]:
            yield f"status {ran.answer.status} is not {seen['http']}"
        return
    grave = [error for error in ran.errors if not error.get("warning")]
    some = any(value is not None for value in (ran.data or {}).values())
    if not grave and ran.answer.status != 200:
        yield f"status {ran.answer.status} without errors"
    if grave and ran.answer.status < (294 if some else 400):
        yield f"status {ran.answer.status} with {grave}"


def _order(case: PeerCase, ran: Ran) -> Iterator[str]:
    """A was answered before B was sent; some were in flight together; all in good time."""
    waves = [[key.split(" ")[1].split("?")[0] for key in wave] for wave in ran.waves]
    for first, then in case.known.get("order") or []:
        ended = max(i for i, wave in enumerate(waves) if first in wave)
        if min(i for i, wave in enumerate(waves) if then in wave) <= ended:
            yield f"{then} was sent before {first} was answered"
    together = set(case.known.get("overlap") or [])
    if together and not any(together <= set(wave) for wave in waves):
        yield f"{together} were never in flight together"
    if ran.seconds * 1000 > case.known.get("max_wall_ms", 60_000):
        yield f"it took {ran.seconds}s"


def _as_ours(case: PeerCase, ran: Ran) -> Iterator[str]:
    """How ours differs from what it is meant to do."""
    ours = case.known["ours"]
    if "http" in ours and ran.status != ours["http"]:
        yield f"status {ran.status} is not {ours['http']}"
    if "requests" in ours:
        yield from _requests(requests_made(ran.calls), requests_expected(ours["requests"]))
    yield from _cache_control(ran, ours)
    yield from _order(case, ran)
    for name, value in (ours.get("data") or {}).items():
        if (ran.data or {}).get(name, "nothing") != value:
            yield f"{name}: {(ran.data or {}).get(name)} is not {value}"
    if "errors" in ours or "http" in ours:
        wanted = [_named(error, error.get("index")) for error in ours.get("errors") or []]
        found = [_found(error) for error in ran.errors]
        if sorted(map(json.dumps, wanted)) != sorted(map(json.dumps, found)):
            yield f"errors: {found} are not {wanted}"


def _named(error: dict[str, Any], index: int | None) -> list[Any]:
    return [error["alias"], error["code"], *([] if index is None else [index])]


def _found(error: dict[str, Any]) -> list[Any]:
    return [error.get("task"), error["code"], *(error.get("path") or [])[1:]]


def _requests(made: Any, wanted: Any) -> Iterator[str]:
    for key in wanted - made:
        yield f"not sent: {key}"
    for key in made - wanted:
        yield f"sent, and should not be: {key}"
