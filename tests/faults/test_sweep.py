"""Every fault beside two healthy tasks: an entry of the right code in time, the others answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.faults.caller import Caller, Timed
from tests.faults.exchange import Fault
from tests.faults.running import Faulty, Served
from tests.faults.upstream import FAULTS

AT_ONCE = 12
CALL_S = 0.5
"""The time of a select that will not be in time; all others have more than they need."""
ALLOWED_S = 0.05
LOADED_S = 5.0
"""By how much a machine with other work may be late."""

HEALTHY = "select id from /obj/1 as first; select * from /ok as f; select id from /obj/2 as last"
AROUND = ({"id": "1"}, {"id": "2"})
LATE = "UPSTREAM_TIMEOUT"
SPECIAL = {
    "resets": "UPSTREAM_CONNECT",
    "silent": LATE,
    "speaks": "UPSTREAM_CONNECT or BAD_PAYLOAD",
    "full": LATE,
    "refuses": "UPSTREAM_CONNECT",
}


@dataclass(frozen=True)
class Found:
    """What became of one fault, and of a healthy call after it."""

    name: str
    expected: str
    answer: Timed
    after: Timed

    @property
    def code(self) -> str:
        """Of the fault's task."""
        errors = self.answer.response.json().get("errors", ())
        return next((error["code"] for error in errors if error["task"] == "f"), "data")

    @property
    def right(self) -> bool:
        """Whether it is told as it should be; some depend on who is first."""
        return self.code in self.expected.split(" or ")


def query(source: str, expected: str) -> str:
    limit = f" timeout {CALL_S * 1000:.0f}ms" if expected == LATE else ""
    return (
        f"select id from /obj/1 as first; select * from {source} as f{limit}; "
        "select id from /obj/2 as last"
    )


async def sweep(server: Served, wanted: Iterable[tuple[str, str, str]]) -> list[Found]:
    """All of them, some at a time, each followed by a healthy call."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, source: str, expected: str) -> Found:
        async with gate, Caller(server.port) as caller:
            answer = await caller.ask(query(source, expected))
            return Found(name, expected, answer, await caller.ask("select * from /ok"))

    return await asyncio.gather(*(one(*each) for each in wanted))


def wanted() -> list[tuple[str, str, str]]:
    """Name, source and outcome of every path and of every port that is broken."""
    paths = [(fault.path, _source(fault), fault.expected) for fault in FAULTS]
    return paths + [(name, name, code) for name, code in SPECIAL.items()]


def _source(fault: Fault) -> str:
    """A path, its parameters behind it as a query string."""
    parts = urlsplit(fault.example)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@pytest.fixture(scope="module")
def swept(server: Served, shared_faults: Faulty) -> tuple[list[Found], list[Timed], int]:
    """The outcome of the sweep, what healthy queries took beside it, and touches of the canary."""
    shared_faults.forget()

    async def run() -> tuple[list[Found], list[Timed]]:
        async with Caller(server.port) as caller:
            sweeping = asyncio.create_task(sweep(server, wanted()))
            healthy = []
            while not sweeping.done():
                healthy.append(await caller.ask(HEALTHY))
                await asyncio.wait([sweeping], timeout=0.02)
            return await sweeping, healthy

    found, healthy = asyncio.run(run())
    return found, healthy, shared_faults.counts()["canary"]


def test_there_is_a_path_for_each_fault() -> None:
    paths = [fault.path for fault in FAULTS]
    assert len(paths) == len(set(paths)) >= 129


def test_each_fault_is_told_by_its_code(swept) -> None:
    wrong = {found.name: found.code for found in swept[0] if not found.right}
    assert not wrong


def test_the_other_tasks_of_the_query_answer(swept) -> None:
    for found in swept[0]:
        data = found.answer.data()
        assert (data["first"], data["last"]) == AROUND, found.name
        assert found.answer.status == 200, found.name


def test_a_call_after_it_is_well(swept) -> None:
    for found in swept[0]:
        assert found.after.response.json() == {"data": {"ok": {"ok": True}}}, found.name


def test_each_ends_by_its_deadline(swept, measured: Callable[[str], None]) -> None:
    found, healthy, _ = swept
    usual = max(timed.seconds for timed in healthy)
    late = [each for each in found if each.expected == LATE]
    worst = sorted(late, key=lambda each: each.answer.seconds)[-3:]
    told = ", ".join(f"{w.name} {(w.answer.seconds - CALL_S) * 1000:+.0f} ms" for w in worst)
    measured(f"beyond the deadline: {told}; a healthy query: {usual * 1000:.0f} ms at worst")
    assert all(each.answer.seconds >= 0.9 * CALL_S for each in late)
    beyond = worst[-1].answer.seconds - CALL_S
    assert beyond <= min(ALLOWED_S + 3 * usual, LOADED_S)


def test_nobody_follows_to_where_it_is_forbidden(swept) -> None:
    assert swept[2] == 0
