"""What a shared HTTP cache must do: each requirement of the file, against the cache and what stands
below it, with a clock that only the case moves.
"""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest

from apiql.errors import CallFailed, Code
from apiql.ir.caching import CacheRule
from apiql.sources.cache import Cache
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Caching, Call, Origin, Reply
from apiql.sources.shared import shared
from apiql.stores.memory import MemoryStore
from apiql.stores.store import Room
from tests.sources.http_cache_file import Pairs, Requirement, Step, requirements

ORIGIN = Origin("http", "a.test", 80, pinned=True)
BEGAN = 1_700_000_000.0
ALL = requirements()
MET = [case for case in ALL if case.unmet is None]
UNMET = [case for case in ALL if case.unmet is not None]


class Unlike(Exception):
    """What is seen is not what the case says."""


class Rig:
    """A cache over an upstream that answers as the step at hand says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = Step()
        self.calls: list[Call] = []
        store: MemoryStore[Kept] = MemoryStore(Room(100, 1_000_000, size_of), self.clock)
        self.cache = Cache(shared(self.upstream), store, self.clock, lambda: BEGAN + self.now)

    def clock(self) -> float:
        return self.now

    async def upstream(self, call: Call) -> Reply:
        self.calls.append(call)
        step = self.step
        for _ in range(3):
            await asyncio.sleep(0)
        if step.status is None:
            raise CallFailed(Code.UPSTREAM_CONNECT, "closed")
        headers = tuple((name.lower(), value) for name, value in self.dated(step.headers))
        return Reply(step.status, (*headers, ("number", str(len(self.calls)))), b"body")

    def dated(self, headers: Pairs) -> Pairs:
        return tuple((name, self._date(value)) for name, value in headers)

    def _date(self, value: str) -> str:
        if not value.startswith("@"):
            return value
        return formatdate(BEGAN + self.now + float(value[1:]), usegmt=True)

    async def carry_out(self, case: Requirement) -> None:
        for step in case.steps:
            self.now += step.wait
            if not step.method:
                continue
            self.step = step
            before = len(self.calls)
            replies = await asyncio.gather(
                *[self.one(step) for _ in range(step.times)], return_exceptions=True
            )
            if len(self.calls) - before > 1:
                raise Unlike(f"{len(self.calls) - before} calls")
            for each in step.seen:
                self.see(each, replies[0], self.calls[before:])
            for _ in range(9):  # what goes on behind the answer
                await asyncio.sleep(0)

    async def one(self, step: Step) -> Reply:
        deadline = asyncio.get_running_loop().time() + 5
        rule = Caching(rule=CacheRule(("upstream:a",)))
        sent = self.dated(step.sent)
        call = Call(step.method, ORIGIN, step.target, sent, None, deadline, rule)
        return await self.cache.layer(call)

    def see(self, wanted: str, reply: Reply | BaseException, made: list[Call]) -> None:
        if not isinstance(reply, Reply):
            assert isinstance(reply, CallFailed)
            if wanted != "fails":
                raise Unlike("it failed")
            return
        if not self.seen(wanted, reply, made):
            raise Unlike(f"not {wanted}: {reply}, {made}")

    def seen(self, wanted: str, reply: Reply, made: list[Call]) -> bool:
        own = reply.header("number") == str(len(self.calls)) and bool(made)
        word, _, rest = wanted.partition(" ")
        match word:
            case "asked":
                return own
            case "kept":
                return reply.age is not None
            case "fails":
                return False
            case "confirmed":
                names = {name for call in made for name, _ in call.headers}
                conditional = names & {"If-None-Match", "If-Modified-Since"}
                return bool(conditional) and rest.removeprefix("by ") in names
            case "status":
                return reply.status == int(rest)
            case "Age":
                told = int((reply.header("age") or "0").partition(",")[0])
                return reply.age is not None and told + reply.age > int(rest[1:])
        if wanted.startswith("!"):
            return reply.header(wanted[1:].lower()) is None
        name, _, value = wanted.partition(": ")
        return reply.header(name.lower()) == value


@pytest.mark.parametrize("case", MET, ids=[case.name for case in MET])
async def test_requirement(case: Requirement) -> None:
    await Rig().carry_out(case)


@pytest.mark.parametrize("case", UNMET, ids=[case.name for case in UNMET])
async def test_what_we_do_otherwise_is_really_otherwise(case: Requirement) -> None:
    with pytest.raises(Unlike):
        await Rig().carry_out(case)


def test_most_requirements_are_met() -> None:
    """The suite has 163 that it calls required, with those for private caches and for CDNs."""
    assert len({case.name for case in ALL}) == len(ALL) == 147
    assert len(MET) >= 141
