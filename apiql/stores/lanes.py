"""A few connections to Redis that the commands of all requests share. Knows redis-py, and neither
keys nor what is done where Redis does not answer.

Who asks puts a command in a queue and waits for its answer, at most for its time. A lane is a
task with one connection: it takes what has gathered, sends all of it at once and reads the
answers in order. So a request that is cancelled, or late, leaves a connection as it is: nobody
else gets its answer. A lane whose connection breaks ends; the next command that needs one starts
another.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from apiql.settings import Store
from apiql.stores.failed import StoreFailed, WrongKind

LANES = 4
"""Connections of a process: a large value holds up one of them."""
_BATCH = 64
"""Commands that are sent at once."""
_CONNECT = 1.0
"""Seconds for a connection with its TLS and password; a request waits for its own time only."""

_DOUBTED = 0.2
"""The share of its time that a command waits after one was late and until one is answered: a
request that asks several times waits for a store that hangs about once.
"""

_LAST = 0.1
"""The share of its time that comes after a look at the clock."""
_SILENT = 0.5
"""Seconds after which a connection without an answer is given up, at least."""

Command: TypeAlias = tuple[bytes | int, ...]


def connections(store: Store) -> Callable[[], AbstractConnection]:
    """Makes connections, which are not yet open, to the store of the settings."""
    options: dict[str, Any] = dict(parse_url(store.url or ""))
    kind: type[AbstractConnection] = options.pop("connection_class", Connection)
    options |= {"protocol": 2, "driver_info": None, "socket_timeout": None}
    options["socket_connect_timeout"] = _CONNECT
    if issubclass(kind, SSLConnection) and not store.verify:
        options |= {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    elif issubclass(kind, SSLConnection) and isinstance(store.verify, str):
        options["ssl_ca_certs"] = store.verify
    return lambda: kind(retry=Retry(NoBackoff(), 0), **options)


@dataclass(slots=True, eq=False)
class _Asked:
    command: Command
    answer: asyncio.Future[Any]
    patience: float
    timer: asyncio.TimerHandle = field(init=False)
    again: bool = False
    """Whether it was sent before, over a connection that had broken."""

    def settle(self, found: Any) -> None:
        """Ends the waiting; a failure is told by an error of its own, which no other holds."""
        if self.answer.done():
            return
        if isinstance(found, StoreFailed):
            self.answer.set_exception(type(found)(*found.args))
        else:
            self.answer.set_result(found)


class Lanes:
    """The connections of one process, made when they are needed."""

    def __init__(self, make: Callable[[], AbstractConnection], timeout: float) -> None:
        self._make = make
        self._timeout = timeout
        self._late = StoreFailed(f"no answer within {timeout * 1000:g} ms")
        self._queue: asyncio.Queue[_Asked] = asyncio.Queue()
        self._waiting: dict[_Asked, None] = {}
        self._lanes: set[asyncio.Task[None]] = set()
        self._ready = self._idle = 0
        self._doubted = False

    async def ask(self, *command: bytes | int) -> Any:
        """What Redis answers to a command.

        Raises:
            StoreFailed: it did not in time, or refused.
        """
        loop = asyncio.get_running_loop()
        patience = self._timeout * _DOUBTED if self._doubted else self._timeout
        asked = _Asked(command, loop.create_future(), patience)
        asked.timer = loop.call_later(patience * (1 - _LAST), self._almost_late, asked)
        self._waiting[asked] = None
        self._enqueue(asked)
        try:
            return await asked.answer
        finally:
            asked.timer.cancel()
            del self._waiting[asked]

    def give_up(self, why: StoreFailed) -> None:
        """Tells all that wait that there will be no answer."""
        for asked in self._waiting:
            asked.settle(why)

    async def aclose(self) -> None:
        """Ends the lanes with their connections."""
        self.give_up(StoreFailed("the store is closed"))
        lanes = tuple(self._lanes)
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    def _almost_late(self, asked: _Asked) -> None:
        """If this process itself stood still, answers lie there unread: they are read first."""
        loop = asyncio.get_running_loop()
        asked.timer = loop.call_later(asked.patience * _LAST, self._expire, asked)

    def _expire(self, asked: _Asked) -> None:
        self._doubted = True
        asked.settle(self._late)

    def _enqueue(self, asked: _Asked) -> None:
        self._queue.put_nowait(asked)
        starting = len(self._lanes) - self._ready
        if self._queue.qsize() > self._idle + starting and len(self._lanes) < LANES:
            self._lanes.add(asyncio.create_task(self._lane()))

    async def _lane(self) -> None:
        """Connects and carries out what is asked; ends where a connection fails and none waits."""
        try:
            while await self._connected() and not self._queue.empty():
                pass
        finally:
            me = asyncio.current_task()
            self._lanes = {lane for lane in self._lanes if lane is not me}

    async def _connected(self) -> bool:
        """Carries out commands until the connection breaks; whether there was one."""
        connection = self._make()
        try:
            async with asyncio.timeout(_CONNECT):
                await connection.connect()  # type: ignore[no-untyped-call]
            self._ready += 1
            try:
                while await self._exchange(connection, await self._batch()):
                    pass
            finally:
                self._ready -= 1
            return True
        except (RedisError, OSError) as error:
            self._refuse(_unreachable(error))
            return False
        finally:
            await connection.disconnect(nowait=True)

    def _refuse(self, why: StoreFailed) -> None:
        """Without any connection, nothing that waits for one is carried out."""
        while not self._ready and not self._queue.empty():
            self._queue.get_nowait().settle(why)

    async def _batch(self) -> list[_Asked]:
        """What has gathered, without those that nobody waits for any more."""
        self._idle += 1
        try:
            batch = [await self._queue.get()]
        finally:
            self._idle -= 1
        while len(batch) < _BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return [asked for asked in batch if not asked.answer.done()]

    async def _exchange(self, connection: AbstractConnection, batch: Iterable[_Asked]) -> bool:
        """Sends a batch and reads its answers; whether the connection may be used again."""
        waiting = deque(batch)
        packed = connection.pack_commands([asked.command for asked in waiting])
        try:
            async with asyncio.timeout(max(self._timeout, _SILENT)):
                await connection.send_packed_command(packed, check_health=False)
                while waiting:
                    waiting[0].settle(await _answer(connection))
                    self._doubted = False
                    waiting.popleft()
        except TimeoutError:
            self._fail(waiting, self._late)
        except AuthenticationError as error:
            self._fail(waiting, _unreachable(error))
        except (RedisError, OSError):
            self._once_more(waiting)
        else:
            return True
        return False

    def _fail(self, waiting: Iterable[_Asked], why: StoreFailed) -> None:
        for asked in waiting:
            asked.settle(why)

    def _once_more(self, waiting: Iterable[_Asked]) -> None:
        """Redis ends connections that nobody uses, and all when it starts anew: a command that
        met such a one is sent once more. None does harm twice; a bucket may be one short.
        """
        for asked in waiting:
            if asked.again:
                asked.settle(StoreFailed("the connection broke"))
            elif not asked.answer.done():
                asked.again = True
                self._queue.put_nowait(asked)


async def _answer(connection: AbstractConnection) -> Any:
    """The next answer; an error that is one is a failure, not raised."""
    try:
        return await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        word: str = error.status_code or str(error).partition(" ")[0]
        if word == "WRONGTYPE":
            return WrongKind("something else is stored there")
        known = word if word.isupper() and word.isalpha() else "an error"
        return StoreFailed(f"it answers {known}")


def _unreachable(error: Exception) -> StoreFailed:
    """Why there is no connection, without where to and for whom."""
    if isinstance(error, AuthenticationError):
        return StoreFailed("it refuses the user or the password")
    cause = error if isinstance(error, OSError) else error.__context__
    number = cause.errno if isinstance(cause, OSError) else None
    told = f": {os.strerror(number)}" if number is not None and number > 0 else ""
    return StoreFailed(f"it cannot be reached{told}")
