"""What spares a failing upstream: the retry budget, the breaker, what is never repeated."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.faults.caller import Caller
from tests.faults.running import Faulty, Served, serving

CALLS = 600
AT_ONCE = 8
IN_A_ROW = 5
OPEN_S = 2.0
LEAST_RETRIES = 10
"""A budget lets a few through whatever the share is."""
LIMITS = {"call_timeout": "10s", "query_timeout": "20s"}
RETRIES = (
    'retry = { times = 2, on = ["connect", "broken", "5xx"], backoff = "1ms", longest = "2ms" }'
)


@pytest.fixture(scope="module")
def retrying(shared_faults: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that tries again whatever may be tried again."""
    conf = tmp_path_factory.mktemp("retrying")
    with serving(shared_faults, conf, LIMITS, RETRIES) as found:
        yield found


@pytest.fixture
def broken(shared_faults: Faulty, tmp_path: Path) -> Iterator[Served]:
    """A server with a breaker that opens for some time, and for longer the next times."""
    breaker = f'breaker = {{ failures = {IN_A_ROW}, open = "{OPEN_S:g}s" }}'
    with serving(shared_faults, tmp_path, LIMITS, breaker, guarded=True) as found:
        yield found


async def asked(server: Served, source: str, calls: int) -> Counter[str]:
    """How many queries of this source ended how, so many callers at a time."""
    numbers = iter(range(calls))
    codes: Counter[str] = Counter()

    async def client() -> None:
        async with Caller(server.port) as caller:
            for number in numbers:
                query = f"select * {source.replace('{n}', str(number))}"
                answer = await caller.ask(query)
                codes.update(answer.response.codes() or ["data"])

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return codes


@pytest.mark.parametrize("path", ["/status/503", "/close", "/reset"])
async def test_retries_add_a_tenth_at_most(retrying: Served, faults: Faulty, path: str) -> None:
    await asked(retrying, f"from {path}?n={{n}} as f", CALLS)
    hits = faults.count(path.replace("503", "{}"))["hits"]
    assert CALLS < hits <= 1.1 * CALLS + LEAST_RETRIES


@pytest.mark.parametrize("path", ["/status/503", "/close", "/reset", "/flaky/written"])
async def test_a_post_is_not_tried_again(retrying: Served, faults: Faulty, path: str) -> None:
    await asked(retrying, f"post from {path}?fail=999 as f where n = {{n}}", 100)
    named = path.replace("503", "{}").replace("written", "{}")
    assert faults.count(named)["hits"] == 100


async def test_a_dead_host_sees_a_few_calls_and_then_one_a_period(
    broken: Served, faults: Faulty
) -> None:
    begun = monotonic()
    codes = await asked(broken, "from /status/503?n={n} as f", CALLS)
    first = faults.count("/status/{}")["hits"]
    assert first <= IN_A_ROW + AT_ONCE + (monotonic() - begun) / (OPEN_S / 2)
    assert set(codes) == {"UPSTREAM_STATUS", "CIRCUIT_OPEN"}
    begun, more = monotonic(), 0
    for number in itertools.count(CALLS):
        if monotonic() - begun > (2 * OPEN_S if more else 60):
            break
        await asked(broken, f"from /status/503?n={number} as f", AT_ONCE)
        await asyncio.sleep(0.05)
        more = faults.count("/status/{}")["hits"] - first
    assert 1 <= more <= 1 + (monotonic() - begun) / (OPEN_S / 2)


async def test_it_closes_once_the_host_is_well(broken: Served, faults: Faulty) -> None:
    await asked(broken, "from /status/503?n={n} as f", 20)
    refused = await asked(broken, "from /obj/{n} as f", 20)
    assert refused == {"CIRCUIT_OPEN": 20}
    begun = monotonic()
    async with Caller(broken.port) as caller:
        while (await caller.ask("select id from /obj/1 as f")).response.codes():
            assert monotonic() - begun < 30
            await asyncio.sleep(0.05)
    assert await asked(broken, "from /obj/{n} as f", 50) == {"data": 50}


async def test_an_open_circuit_answers_at_once_and_harms_no_other_host(
    broken: Served, faults: Faulty
) -> None:
    await asked(broken, "from /status/503?n={n} as f", 50)
    async with Caller(broken.port) as caller:
        took = [(await caller.ask("select * from /ok as f")).seconds for _ in range(50)]
        other = await caller.ask("select * from canary")
    assert sorted(took)[25] < 0.5
    assert other.data() == {"canary": {"canary": "touched"}}
