"""Runs the command line of APIQL beside a thread that tells how many tasks there are.

    python -m tests.faults.probed 9999 serve --conf conf

Whoever connects to the port is told the number of tasks that are not done.
"""

from __future__ import annotations

import asyncio.tasks
import socket
import sys
import threading

from apiql.cli import main


def watch(port: int) -> None:
    """Answers for ever."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            asked, _ = listener.accept()
            with asked:
                asked.sendall(str(running()).encode())


def running() -> int:
    """The tasks of all loops that are not done, as far as another thread can see."""
    known: set[asyncio.Task[object]] = set()
    for _ in range(10):
        try:
            known = set(asyncio.tasks._all_tasks)  # type: ignore[attr-defined]
            break
        except RuntimeError:  # the loop made one meanwhile
            continue
    return sum(not task.done() for task in known)


if __name__ == "__main__":
    threading.Thread(target=watch, args=(int(sys.argv.pop(1)),), daemon=True).start()
    main()
