"""The load generator: bare uvloop protocols over keep-alive connections; knows no server.

Every request carries another id, and every answer has to be a 200 that carries it too.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import cast

import uvloop

PATIENCE_S = 30.0
REOPENINGS = 20
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


@dataclass
class Tally:
    """One run: seconds of each good answer, what went wrong how often, seconds in all."""

    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def at(self, share: float) -> float:
        """The latency that `share` of the answers stay under, in milliseconds."""
        ordered = sorted(self.latencies) or [float("nan")]
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


class Ask:
    """The requests of one load: the text around the id, the next id, the tally of the answers."""

    def __init__(self, around: tuple[bytes, bytes], ids: Iterator[int]) -> None:
        self.before, self.after = around
        self.ids = ids
        self.tally = Tally()


class Caller(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, and tells `finished`."""

    def __init__(self, ask: Ask, finished: Callable[[Caller], None]) -> None:
        self.load = ask
        self.finished = finished
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass

    def ask(self, since: float) -> None:
        """Sends one request; its latency counts from `since`."""
        self.since, self.busy = since, True
        self.chunks: list[bytes] = []
        self.missing = 0  # bytes to come; 0 while the head is not there
        self.id = str(next(self.load.ids)).encode()
        self.transport.write(self.id.join((self.load.before, self.load.after)))

    def close(self) -> None:
        self.busy = False
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        self.chunks.append(data)
        if self.missing:
            self.missing -= len(data)
        elif not self._read_head():
            return
        if self.missing <= 0:
            self._finish()

    def _read_head(self) -> bool:
        text = b"".join(self.chunks)
        end = text.find(_END)
        if end < 0:
            return False
        length = _LENGTH.search(text, 0, end)
        if length is None:
            self._fail("an answer without Content-Length")
            return False
        self.missing = end + len(_END) + int(length[1]) - len(text)
        return True

    def _finish(self) -> None:
        answer = b"".join(self.chunks)
        if not answer.startswith(b"HTTP/1.1 200"):
            self.load.tally.errors[answer[: answer.find(b"\r\n")].decode("latin-1")] += 1
        elif self.id not in answer:
            self.load.tally.errors["the answer of another id"] += 1
        else:
            self.load.tally.latencies.append(perf_counter() - self.since)
        self.busy = False
        self.finished(self)

    def _fail(self, why: str) -> None:
        self.load.tally.errors[why] += 1
        self.busy = False
        self.transport.abort()
        self.finished(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self.busy:
            self._fail(f"connection lost ({type(error).__name__})" if error else "closed early")


class Countdown:
    """Set once as many answers came as were waited for."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.over = asyncio.Event()

    def tick(self) -> None:
        self.left -= 1
        if not self.left:
            self.over.set()


def closed(port: int, ask: Ask, clients: int, seconds: float) -> Tally:
    """Each client asks again as soon as it is answered, for so many seconds."""
    return uvloop.run(_closed(port, ask, clients, seconds))


def steady(port: int, ask: Ask, clients: int, rate: int, seconds: float) -> Tally:
    """So many requests a second, whatever the server does; a late one counts from when due."""
    return uvloop.run(_steady(port, ask, clients, rate, seconds))


def waves(port: int, ask: Ask, clients: int, count: int, patience: float) -> list[Tally]:
    """All clients ask once at the same moment, `count` times over.

    Connections are kept from wave to wave, but for those that the server closed as idle.
    """
    return uvloop.run(_waves(port, ask, clients, count, patience))


async def _closed(port: int, ask: Ask, clients: int, seconds: float) -> Tally:
    busy = Countdown(clients)

    def again(caller: Caller) -> None:
        if perf_counter() < deadline and not caller.transport.is_closing():
            caller.ask(perf_counter())
        else:
            busy.tick()

    callers = [await _connect(port, ask, again) for _ in range(clients)]
    start = perf_counter()
    deadline = start + seconds
    for caller in callers:
        caller.ask(perf_counter())
    return await _ended(ask, busy, callers, start, seconds)


async def _steady(port: int, ask: Ask, clients: int, rate: int, seconds: float) -> Tally:
    answers = Countdown(int(rate * seconds))
    idle: deque[Caller] = deque()  # in turn, so that none is closed by the server as unused
    waiting: deque[float] = deque()

    def free(caller: Caller) -> None:
        answers.tick()
        if not caller.transport.is_closing():
            idle.append(caller)
            pair()

    def pair() -> None:
        if idle and waiting:
            idle.popleft().ask(waiting.popleft())

    def due() -> None:
        waiting.append(perf_counter())
        pair()

    callers = [await _connect(port, ask, free) for _ in range(clients)]
    idle += callers
    start = perf_counter()
    for number in range(answers.left):
        asyncio.get_running_loop().call_later(number / rate, due)
    return await _ended(ask, answers, callers, start, seconds)


async def _waves(port: int, ask: Ask, clients: int, count: int, patience: float) -> list[Tally]:
    def counted(caller: Caller) -> None:
        answers.tick()

    callers: list[Caller] = []
    tallies = []
    for _ in range(count):
        callers = await _all_open(callers, clients, port, ask, counted)
        answers, ask.tally = Countdown(clients), Tally()
        start = perf_counter()
        for caller in callers:
            caller.ask(start)
        tallies.append(await _wait(ask, answers, callers, start, patience))
    for caller in callers:
        caller.close()
    return tallies


async def _all_open(
    callers: list[Caller], clients: int, port: int, ask: Ask, finished: Callable[[Caller], None]
) -> list[Caller]:
    """The callers, with a new one for each whose connection is closed; some close meanwhile."""
    for _ in range(REOPENINGS):
        callers = [caller for caller in callers if not caller.transport.is_closing()]
        if len(callers) == clients:
            return callers
        callers += [await _connect(port, ask, finished) for _ in range(clients - len(callers))]
    raise ConnectionError(f"{clients} connections do not stay open")


async def _connect(port: int, ask: Ask, finished: Callable[[Caller], None]) -> Caller:
    loop = asyncio.get_running_loop()
    make = partial(Caller, ask, finished)
    _, caller = await loop.create_connection(make, "127.0.0.1", port)
    return caller


async def _ended(
    ask: Ask, answers: Countdown, callers: list[Caller], start: float, seconds: float
) -> Tally:
    """Of a load of so many seconds: waits for the last answers, and closes the connections."""
    tally = await _wait(ask, answers, callers, start, seconds + PATIENCE_S)
    for caller in callers:
        caller.close()
    return tally


async def _wait(
    ask: Ask, answers: Countdown, callers: list[Caller], start: float, patience: float
) -> Tally:
    try:
        async with asyncio.timeout(patience):
            await answers.over.wait()
    except TimeoutError:
        ask.tally.errors["not answered in time"] += sum(caller.busy for caller in callers)
        for caller in callers:
            if caller.busy:
                caller.close()
    ask.tally.seconds = perf_counter() - start
    return ask.tally
