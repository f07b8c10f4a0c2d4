"""Lines on their way to a file: gathered for a moment and written by a thread, so that nothing
waits for who reads them. Bounded; what finds no room is dropped and counted. Knows no line.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue

PAUSE = 0.05
"""Seconds for which lines are gathered."""
MOST = 20_000
"""Lines that wait to be written; more are dropped."""
AT_ONCE = 4096
"""Bytes that a pipe takes as a whole: lines of several processes are never mixed."""
PATIENCE = 2.0
"""Seconds in which what is left must be written at the end."""

Write = Callable[[bytes], int]


class LineWriter:
    """Writes lines with `write`, which may block and says how much it took."""

    def __init__(self, write: Write, most: int = MOST) -> None:
        self.dropped = 0
        self._write, self._most = write, most
        self._lines: list[bytes] = []
        self._taken = self._done = 0
        self._batches: SimpleQueue[Sequence[bytes] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: bytes) -> None:
        """Takes a line that has its end; to be called within a loop."""
        if self._taken - self._done >= self._most:
            self.dropped += 1
            return
        self._taken += 1
        self._lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self.flush)

    def flush(self) -> None:
        """Hands over what is there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if not lines:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
            self._thread.start()
        self._batches.put(lines)

    def close(self) -> None:
        """Writes what is left, if that is possible in time."""
        self.flush()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._batches.put(None)
            thread.join(PATIENCE)

    def _run(self) -> None:
        while (lines := self._batches.get()) is not None:
            for chunk, count in chunks(lines):
                try:
                    self._whole(chunk)
                except OSError:  # who reads them is gone, or the disk is full
                    self.dropped += count
                self._done += count

    def _whole(self, chunk: bytes) -> None:
        while chunk:
            chunk = chunk[self._write(chunk) :]


def chunks(lines: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """The lines together, as many as are written whole at once, and how many those are; a longer
    one is alone.
    """
    found: list[bytes] = []
    size = 0
    for line in lines:
        if found and size + len(line) > AT_ONCE:
            yield b"".join(found), len(found)
            found, size = [], 0
        found.append(line)
        size += len(line)
    if found:
        yield b"".join(found), len(found)


def to_file(number: int) -> Write:
    """Writes to an open file, and waits where it takes nothing just now."""

    def write(data: bytes) -> int:
        try:
            return os.write(number, data)
        except BlockingIOError:
            select.select([], [number], [], 1.0)
            return 0

    return write
