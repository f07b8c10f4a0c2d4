"""What other engines were observed to do, and ours beside it.

Every case of the file is a test. What ours cannot run yet stands in peer_cases_pending.txt with
the reason, and the engine must still say so: a case that has become possible fails until it is
taken out of the list. Deviations on purpose are explained in data/deviations.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
CORE = ("request", "chain", "shape", "errors", "headers", "numbers", "vars")
SKIPS = ("DEPENDENCY_FAILED", "MISSING_DEPENDENCY")


@pytest.mark.parametrize("name", CASES)
def test_ours_beside_the_peer(name: str) -> None:
    """The case holds, or it is listed as not possible yet and is not."""
    case = CASES[name]
    reason = not_yet(case)
    assert reason == PENDING.get(name), "peer_cases_pending.txt lists what is not possible yet"
    if case.known["group"] == "saved":
        status, ran = run_saved_case(case)
        assert status == case.known["peer_observed"]["http"]
        assert [*_as_the_peer(case, ran)] == []
    elif reason is None:
        ran = run_peer_case(case)
        check = _as_the_peer if case.known["adopt"] in ("same", "mode") else _as_ours
        assert [*check(case, ran)] == []


def test_the_list_of_pending_cases_names_cases() -> None:
    """No case is listed that there is not."""
    assert PENDING.keys() <= CASES.keys()


def test_only_other_parts_of_the_language_keep_core_cases_pending() -> None:
    """Of the core groups, a case that must be the same waits only for a clause."""
    waiting = [CASES[name] for name in PENDING if CASES[name].known["group"] in CORE]
    reasons = {PENDING[case.id] for case in waiting if case.known["adopt"] == "same"}
    assert reasons <= {"clause"}


def test_every_deviation_is_explained() -> None:
    """A case where ours differs has its paragraph."""
    text = (DATA / "deviations.md").read_text()
    differ = [case for case in CASES.values() if case.known["adopt"] == "differ"]
    wanted = [case.id for case in differ if case.id not in PENDING]
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


def _statement(name: str, part: dict[str, Any], ran: Ran) -> Iterator[str]:
    data = ran.data or {}
    if part["status"] < 400:
        if data.get(name) != part.get("result"):
            yield f"{name}: {data.get(name)} is not {part.get('result')}"
        return
    entries = [error for error in ran.errors if error.get("task") == name]
    if data.get(name) is not None or not entries:
        yield f"{name}: failed with {part['status']}, ours has {data.get(name)} and {entries}"
    called = any(entry["code"] not in SKIPS for entry in entries)
    if part["status"] == 400 and called and not _was_sent(name, entries):
        yield f"{name}: was skipped, ours has {entries}"


def _was_sent(name: str, entries: list[dict[str, Any]]) -> bool:
    return any(entry.get("status") == 400 for entry in entries)


def _status(case: PeerCase, ran: Ran, seen: dict[str, Any]) -> Iterator[str]:
    """Under `use status max` the peer's status; else by what came out."""
    assert ran.answer is not None
    if case.text.startswith("use status max"):
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
    for name, value in (ours.get("data") or {}).items():
        if (ran.data or {}).get(name, "nothing") != value:
            yield f"{name}: {(ran.data or {}).get(name)} is not {value}"
    if "errors" in ours or "http" in ours:
        wanted = [(error["alias"], error["code"]) for error in ours.get("errors") or []]
        found = [(error.get("task"), error["code"]) for error in ran.errors]
        if sorted(map(json.dumps, wanted)) != sorted(map(json.dumps, found)):
            yield f"errors: {found} are not {wanted}"


def _requests(made: Any, wanted: Any) -> Iterator[str]:
    for key in wanted - made:
        yield f"not sent: {key}"
    for key in made - wanted:
        yield f"sent, and should not be: {key}"
