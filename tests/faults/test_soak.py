"""A soak sees what goes wrong: growth, lost answers, foreign ones; and it runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import monotonic

import pytest

from tests.faults.caller import Timed
from tests.faults.load import Load, Tally, load
from tests.faults.queries import mixed
from tests.faults.running import Faulty, Served
from tests.faults.samples import Sample, drift, growth, settled
from tests.faults.scenarios import Finding, Ground, held, mixed_traffic, sigterm, told
from tests.server.client import Response


def samples(memory: float, files: float, tasks: int = 5, count: int = 600) -> list[Sample]:
    """Ten minutes of a process that grows by so much in all."""
    return [
        Sample(float(n), 80 + memory * n / count, int(50 + files * n / count), 6, tasks)
        for n in range(count)
    ]


def broken(findings: list[Finding]) -> set[str]:
    return {finding.name for finding in findings if finding.holds is False}


def test_growth_is_that_of_ten_minutes() -> None:
    assert growth(samples(3, 0)) == pytest.approx(3)
    assert growth(samples(0, 0)) == pytest.approx(0)
    assert drift([each.descriptors for each in samples(0, 90)]) == pytest.approx(60, abs=1)
    assert settled(samples(0, 0))[0].at == 150


def test_what_grows_is_told() -> None:
    flat = samples(0.5, 0)
    assert not broken(held(flat, flat[-1]))
    leak = samples(2, 60)
    assert broken(held(leak, leak[-1])) == {
        "growth of memory, MiB in 10 min",
        "descriptors, last third over first",
    }
    assert broken(held(flat, samples(0, 0, tasks=50)[-1])) == {"tasks, most and afterwards"}


def answer(status: int, data: object, *codes: str) -> Timed:
    body = {"data": data} | ({"errors": [{"code": code} for code in codes]} if codes else {})
    return Timed(Response(status, {}, json.dumps(body).encode()), 0.01)


def test_what_is_wrong_in_an_answer_is_told() -> None:
    must: dict[str, object] = {"a": {"id": "1"}}
    well, foreign, missing, failed, lost = (Tally() for _ in range(5))
    well.note(answer(200, {"a": {"id": "1"}, "f": None}, "UPSTREAM_STATUS"), must)
    foreign.note(answer(200, {"a": {"id": "2"}}), must)
    missing.note(answer(200, {"a": None}, "UPSTREAM_TIMEOUT"), must)
    failed.note(answer(500, {"a": {"id": "1"}}, "INTERNAL"), must)
    lost.broken["IncompleteReadError"] += 1
    assert not broken(told(well))
    assert broken(told(foreign)) == {"answers that were not their own"}
    assert broken(told(missing)) == {"answers in which a healthy task failed"}
    assert broken(told(failed)) == {"statuses"}
    assert broken(told(lost)) == {"broken connections"}


def ground(faults: Faulty, server: Served, conf: Path, seconds: float) -> Ground:
    return Ground(faults, server, conf, None, seconds, 20, 0.05, 0.1)


async def test_a_short_one_loses_nothing(ending: Served, faults: Faulty, tmp_path: Path) -> None:
    found = await mixed_traffic(ground(faults, ending, tmp_path, 3.0))
    named = {finding.name: finding for finding in found}
    grown = {"growth of memory, MiB in 10 min", "descriptors, last third over first"}
    assert broken(found) <= grown  # three seconds say nothing of these
    assert int(named["clients that left"].value) > 0


async def test_a_server_that_dies_is_seen(patient: Served) -> None:
    """Nobody listens at the port of the probe for queries: whatever is sent there is lost."""
    begun = monotonic()
    tally = await load(Load(patient.probe, 5, 0.5), mixed(1))
    assert broken(told(tally)) == {"broken connections"}
    assert monotonic() - begun < 5


async def test_a_server_told_to_end_in_the_middle(
    shared_faults: Faulty, ending: Served, tmp_path: Path
) -> None:
    found = await asyncio.wait_for(sigterm(ground(shared_faults, ending, tmp_path, 3.0)), 60)
    named = {finding.name: finding for finding in found}
    assert named["it ended with, after s"].holds
    assert named["answers that were not their own"].holds
