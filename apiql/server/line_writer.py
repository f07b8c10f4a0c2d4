"""Lines on their way to a file: gathered for a moment and written without waiting, or else by a
thread, so that nothing waits for who reads them. Bounded; what finds no room is dropped and
counted. Knows no line's form.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

PAUSE = 0.05
"""Seconds for which lines are gathered."""
MOST = 20_000
"""Lines that wait to be written; more are dropped."""
AT_ONCE = 4096
"""Bytes that a pipe takes as a whole: lines of several processes are never mixed."""
WHOLE = 1024 * 1024
"""Bytes of a write to a file on disk, which takes them all."""
PATIENCE = 2.0
"""Seconds in which what is left must be written at the end."""

Write = Callable[[bytes], int]
"""Writes, and says how much was taken."""
Chunk = tuple[bytes, int]
"""Lines together, and how many they are."""
Told = TypeVar("Told")
"""What a line is made of."""


@dataclass(frozen=True, slots=True)
class Out:
    """Where lines go: `write` may block, `at_once` never does and raises an OSError instead; at
    most `room` bytes are written at a time, but for a line that is longer.
    """

    write: Write
    at_once: Write | None = None
    room: int = AT_ONCE


class LineWriter(Generic[Told]):
    """Writes lines; `form` makes one, with its end, of what is told. That is done for many in a
    row, which costs less each. A thread has its part only where writing would block: each time it
    runs, the loop and it get in each other's way.
    """

    def __init__(self, out: Out, form: Callable[[Told], bytes], most: int = MOST) -> None:
        self.dropped = 0
        self._out, self._form, self._most = out, form, most
        self._at_once = out.at_once
        self._lines: list[Told] = []
        self._taken = self._done = 0
        """Lines: those that are not written yet or were by the thread, and these last."""
        self._batches: SimpleQueue[Sequence[Chunk] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: Told) -> None:
        """Takes what a line tells; to be called within a loop."""
        if self._taken - self._done >= self._most:
            self.dropped += 1
            return
        self._taken += 1
        self._lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self.flush)

    def flush(self) -> None:
        """Writes what is there, or hands it over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        left = [*chunks(map(self._form, lines), self._out.room)]
        if self._taken - len(lines) == self._done:  # else the thread has lines that come first
            left = self._written(left)
        if not left:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
            self._thread.start()
        self._batches.put(left)

    def close(self) -> None:
        """Writes what is left, if that is possible in time."""
        self.flush()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._batches.put(None)
            thread.join(PATIENCE)

    def _written(self, ready: Sequence[Chunk]) -> list[Chunk]:
        """Writes without waiting; what is left."""
        left = [*reversed(ready)]
        while left and self._at_once is not None:
            chunk, count = left.pop()
            try:
                size = self._at_once(chunk)
            except OSError as error:
                if not isinstance(error, BlockingIOError):  # it cannot do that, or is gone
                    self._at_once = None
                return [(chunk, count), *reversed(left)]
            if size < len(chunk):
                return [(chunk[size:], count), *reversed(left)]
            self._taken -= count
        return [*reversed(left)]

    def _run(self) -> None:
        while (left := self._batches.get()) is not None:
            for chunk, count in left:
                try:
                    self._whole(chunk)
                except OSError:  # who reads them is gone, or the disk is full
                    self.dropped += count
                self._done += count

    def _whole(self, chunk: bytes) -> None:
        while chunk:
            chunk = chunk[self._out.write(chunk) :]


def chunks(lines: Iterable[bytes], room: int = AT_ONCE) -> Iterator[Chunk]:
    """The lines together, as many as are written whole at once, and how many those are; a longer
    one is alone.
    """
    found: list[bytes] = []
    size = 0
    for line in lines:
        if found and size + len(line) > room:
            yield b"".join(found), len(found)
            found, size = [], 0
        found.append(line)
        size += len(line)
    if found:
        yield b"".join(found), len(found)


def to_file(number: int) -> Out:
    """Writes to an open file, and waits where it takes nothing just now."""

    def write(data: bytes) -> int:
        try:
            return os.write(number, data)
        except BlockingIOError:
            select.select([], [number], [], 1.0)
            return 0

    if _is_on_disk(number):
        return Out(write, room=WHOLE)
    return Out(write, without_waiting(number))


def _is_on_disk(number: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(number).st_mode)
    except OSError:  # it is closed: each write will say so
        return False


def without_waiting(number: int) -> Write | None:
    """Writes to an open file what it takes just now, whether or not it is set to block (Linux, of
    pipes since 6.4); where that cannot be done, it says so at the first write.
    """
    if not hasattr(os, "RWF_NOWAIT"):
        return None
    return lambda data: os.pwritev(number, (data,), -1, os.RWF_NOWAIT)
