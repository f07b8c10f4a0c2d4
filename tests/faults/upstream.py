"""An upstream that misbehaves on purpose, a path for each way, and counts what became of it.

    python -m tests.faults.upstream [--port 9901]

prints a line of JSON: the port of each listener. `main` serves the paths of `FAULTS`; `canary` is
a service that nobody may reach; `resets`, `silent`, `speaks`, `full` and `refuses` go wrong before
any HTTP. `/_stats` tells the counts, `/_reset` begins them anew, `/` lists the paths.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from random import Random
from time import monotonic
from urllib.parse import unquote

import uvloop

from tests.faults import content, framing, healthy, sizes
from tests.faults.exchange import After, Exchange, Fault, Gone, Shared, abort, read_exchange
from tests.faults.special import Listeners, open_special

FAULTS: tuple[Fault, ...] = (
    *healthy.FAULTS, *framing.FAULTS, *content.FAULTS, *sizes.FAULTS,
)  # fmt: skip
LINE = 4 << 20
LEFT = (Gone, OSError, asyncio.IncompleteReadError)


@dataclass
class Count:
    """What became of the requests for one path; `last_gone` is on the machine's steady clock."""

    hits: int = 0
    inflight: int = 0
    peak: int = 0
    done: int = 0
    gone: int = 0
    last_gone: float = 0.0


@dataclass
class Counts:
    """What one upstream has seen."""

    paths: defaultdict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    accepted: int = 0
    open: int = 0
    peak: int = 0
    turn: int = 0

    def forget(self) -> None:
        """Begins anew; what is under way is still counted as such, and its end as nothing else."""
        self.turn += 1
        for count in self.paths.values():
            count.hits = count.done = count.gone = 0
            count.peak, count.last_gone = count.inflight, 0.0
        self.accepted, self.peak = 0, self.open


@dataclass
class Upstream:
    """The server behind the main port."""

    shared: Shared
    listeners: Listeners
    faults: Sequence[Fault] = FAULTS
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        """Sorts the paths: those with a word in them are known by what is before it."""
        self.exact = {fault.path: fault for fault in self.faults if not fault.path.endswith("{}")}
        worded = [fault for fault in self.faults if fault.path.endswith("{}")]
        self.worded = {fault.path.removesuffix("/{}"): fault for fault in worded}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        counts = self.counts
        counts.open += 1
        counts.peak = max(counts.peak, counts.open)
        counted = False
        try:
            while True:
                exchange = await read_exchange(reader, writer, self.shared)
                told = exchange.path == "/" or exchange.path.startswith("/_")
                counted = self._accept(counted or told, counted)
                if told:
                    await self._tell(exchange)
                elif not await self._played(exchange):
                    return
        except (OSError, Gone, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            return
        finally:
            counts.open -= 1
            writer.close()

    def _accept(self, known: bool, counted: bool) -> bool:
        """Counts a connection when it asks for the first path that is no question for counts."""
        if not known:
            self.counts.accepted += 1
            return True
        return counted

    async def _played(self, exchange: Exchange) -> bool:
        """Plays the path; whether the connection takes another request."""
        fault, exchange.word = self._found(exchange.path)
        count, turn = self.counts.paths[fault.path if fault else "404"], self.counts.turn
        count.hits += 1
        count.inflight += 1
        count.peak = max(count.peak, count.inflight)
        try:
            if fault is None or not fault.unread:
                await exchange.read_body()
            if fault is None:
                await exchange.json({"unknown": exchange.path}, status=404)
                return True
            await fault.play(exchange)
        except LEFT:
            if turn == self.counts.turn:
                count.gone += 1
                count.last_gone = monotonic()
            return False
        finally:
            count.inflight -= 1
        count.done += turn == self.counts.turn
        if fault.after is After.TRAPS:
            await exchange.reader.read(1)
            abort(exchange.writer)
        return fault.after is After.STAYS and exchange.header("connection").lower() != "close"

    def _found(self, path: str) -> tuple[Fault | None, str]:
        if path in self.exact:
            return self.exact[path], ""
        before, _, word = path.rpartition("/")
        return self.worded.get(before), unquote(word)

    async def _tell(self, exchange: Exchange) -> None:
        await exchange.read_body()
        if exchange.path == "/_reset":
            self.counts.forget()
            self.shared.counters.clear()
            self.listeners.touched = 0
        if exchange.path == "/":
            told = [[fault.path, fault.group, fault.expected, fault.told] for fault in self.faults]
            return await exchange.json(told)
        counts = self.counts
        paths = {name: asdict(count) for name, count in counts.paths.items()}
        connections = {"accepted": counts.accepted, "open": counts.open, "peak": counts.peak}
        canary = self.listeners.touched
        return await exchange.json({"paths": paths, **connections, "canary": canary})


async def opened(port: int) -> tuple[Upstream, list[asyncio.Server]]:
    """The upstream and its listeners: from this port on, or on any free ones."""
    taken = _listener(port)
    main = int(taken.getsockname()[1])
    listeners, servers = await open_special(main + 1 if port else 0)
    shared = Shared(Counter(), Random(7), monotonic(), main, listeners.canary, {}, Counter())
    listeners.main = main
    upstream = Upstream(shared, listeners)
    server = await asyncio.start_server(upstream.serve, sock=taken, limit=LINE, backlog=4096)
    return upstream, [server, *servers]


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


async def _serve(port: int) -> None:
    upstream, servers = await opened(port)
    print(json.dumps(upstream.listeners.ports()), flush=True)
    for mib, coding in ((1024, "gzip"), (1024, "deflate")):
        await asyncio.to_thread(sizes.bomb, coding, mib)
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=9901, help="the first of them; 0: any free")
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
