"""Many callers at once: of one key, of one hanging host, and each with an answer of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.faults.caller import Caller
from tests.faults.running import Faulty, Served
from tests.faults.waiting import until

CALLERS = 1000
USERS, EACH = 50, 200
HANGING = 100
LOADED = 5.0
"""Half as much again is promised; a machine with other work may need longer."""


async def test_a_thousand_misses_of_one_key_are_one_call(patient: Served, faults: Faulty) -> None:
    query = "select count from /counter/stampede?delay=1.5 as c"

    async def one() -> int:
        async with Caller(patient.port) as caller:
            found: int = (await caller.ask(query)).data()["c"]["count"]
            return found

    assert set(await asyncio.gather(*(one() for _ in range(CALLERS)))) == {1}
    assert faults.count("/counter/{}")["hits"] == 1


async def test_the_first_of_them_may_leave(patient: Served, faults: Faulty) -> None:
    query = "select count from /counter/left?delay=0.5 as c"
    callers = [Caller(patient.port) for _ in range(50)]
    await callers[0].begin(query)
    await until(lambda: faults.count("/counter/{}")["inflight"] == 1)
    asked = [asyncio.create_task(caller.ask(query)) for caller in callers[1:]]
    await asyncio.sleep(0.1)
    callers[0].leave()
    answers = await asyncio.gather(*asked)
    assert {answer.data()["c"]["count"] for answer in answers} == {2}
    assert faults.count("/counter/{}")["hits"] == 2
    for caller in callers:
        caller.leave()


async def test_one_hanging_host_does_not_slow_another(
    patient: Served, faults: Faulty, measured: Callable[[str], None]
) -> None:
    alone = await _latencies(patient)
    hanging = [Caller(patient.port) for _ in range(HANGING)]
    for number, caller in enumerate(hanging):
        await caller.begin(f"select * from silent where word = {number}")
    beside = await _latencies(patient)
    for caller in hanging:
        caller.leave()
    ratio = beside[-2] / alone[-2]
    measured(f"p99 beside a hanging host: {ratio:.2f} times that without")
    assert ratio < LOADED


async def _latencies(server: Served) -> list[float]:
    """Of 200 healthy queries, one after the other, sorted."""
    async with Caller(server.port) as caller:
        return sorted([(await caller.ask("select * from /ok")).seconds for _ in range(200)])


@pytest.mark.parametrize(("path", "clause"), [("/whoami", ""), ("/whoami-nohint", "cache 60s")])
async def test_nobody_sees_the_answer_of_another(
    patient: Served, faults: Faulty, path: str, clause: str
) -> None:
    """Callers that are told apart only by a header that is forwarded."""

    async def user(number: int) -> int:
        async with Caller(patient.port) as caller:
            foreign = 0
            for _ in range(EACH):
                query = (
                    f"select x_user from {path} as me headers X-User = header('X-User') {clause}"
                )
                answer = await caller.ask(query, f"X-User: u{number}")
                foreign += answer.data()["me"]["x_user"] != f"u{number}"
            return foreign

    assert sum(await asyncio.gather(*(user(n) for n in range(USERS)))) == 0
