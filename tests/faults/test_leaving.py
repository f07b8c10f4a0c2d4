"""Clients that leave and calls that are cancelled: everything ends at once, nothing is stuck."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import monotonic

import pytest

from tests.faults.caller import Caller
from tests.faults.churning import cancelled
from tests.faults.running import Faulty, Served
from tests.faults.waiting import until

LEAVERS = 30
CHURN = 1000
LOADED_S = 3.0
"""Fifty milliseconds are promised; a machine with other work may need longer."""


@pytest.mark.parametrize("path", ["/hang", "/drip", "/stall-body", "/drip-headers"])
async def test_a_client_that_leaves_cancels_its_calls(
    patient: Served, faults: Faulty, path: str, measured: Callable[[str], None]
) -> None:
    callers = [Caller(patient.port) for _ in range(LEAVERS)]
    for number, caller in enumerate(callers):
        await caller.begin(f"select * from {path}?interval=0.5&n={number} as f")
    await until(lambda: faults.count(path)["inflight"] == LEAVERS)
    left = monotonic()
    for caller in callers:
        caller.leave()
    await until(lambda: faults.count(path)["inflight"] == 0)
    found = faults.count(path)
    assert (found["gone"], found["hits"]) == (LEAVERS, LEAVERS)
    took = found["last_gone"] - left
    measured(f"{path}: {LEAVERS} calls cancelled {took * 1000:.0f} ms after all had left")
    assert took < LOADED_S


async def test_of_a_shared_call_only_the_last_to_leave_cancels_it(
    patient: Served, faults: Faulty
) -> None:
    async with Caller(patient.port) as first, Caller(patient.port) as second:
        await first.begin("select * from /hang as f")
        await until(lambda: faults.count("/hang")["inflight"] == 1)
        await second.begin("select * from /hang as f; select * from /ok")
        await until(lambda: faults.count("/ok")["hits"] == 1)
        first.leave()
        await until(lambda: faults.count("/hang")["gone"] == 1)
        await until(lambda: faults.count("/hang")["inflight"] == 1)
    await until(lambda: faults.count("/hang")["inflight"] == 0)


async def test_a_thousand_cancelled_calls_leave_nothing_behind(
    patient: Served, faults: Faulty
) -> None:
    await cancelled(patient.port, CHURN, Random(5))
    await until(lambda: all(not c["inflight"] for c in faults.counts()["paths"].values()))
    async with Caller(patient.port) as caller:
        begun = monotonic()
        wide = "; ".join(f"select id from /obj/{n} as o{n}" for n in range(20))
        for _ in range(20):
            answer = await caller.ask(wide)
            assert list(answer.data().values()) == [{"id": str(n)} for n in range(20)]
        assert monotonic() - begun < 20
    assert faults.counts()["open"] <= 66
