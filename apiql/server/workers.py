"""The parent of several processes that serve the same port. Knows no query."""

from __future__ import annotations

import os
import signal
import sys

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.server import Server
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from apiql.server.drain import DrainingServer

LOOK = 0.1
"""Seconds between two looks whether a process has ended."""
ENDS = frozenset({signal.SIGINT, signal.SIGTERM})


class Worker(Process):
    """A process with a server that drains."""

    @property
    def server(self) -> Server:
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


class Workers(Multiprocess):
    """Starts the processes, replaces those that die, and ends them."""

    ends = 0
    """How often it was told to end before it began to."""

    def init_processes(self) -> None:
        """Starts all."""
        self.processes = [self._started() for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Replaces each process that is dead or hangs; one that cannot start ends all."""
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set() or worker.is_alive(self.config.timeout_worker_healthcheck):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
            else:
                self.processes[index] = self._started()

    def terminate_all(self) -> None:
        """Tells all to end. The parent's own listener goes at once: with it, connections would be
        made that no process accepts.
        """
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def handle_int(self) -> None:
        """Ends."""
        self.ends += 1
        super().handle_int()

    def handle_term(self) -> None:
        """Ends."""
        self.ends += 1
        super().handle_term()

    def join_all(self) -> None:
        """Waits for all. A second signal, which may have come with the first in one look, is passed
        on for as long as they live: a process that has not minded the first yet would take both
        for one.
        """
        for worker in self.processes:
            while worker.process.is_alive():
                worker.process.join(LOOK)
                if self.ends > 1 or not ENDS.isdisjoint(self.signal_queue):
                    self._tell_again()

    def _tell_again(self) -> None:
        for worker in self.processes:
            if worker.process.is_alive() and worker.pid is not None:
                os.kill(worker.pid, signal.SIGTERM)

    def handle_hup(self) -> None:
        """Passes a hangup on: each process reloads, and nobody is started anew."""
        for worker in self.processes:
            if worker.process.is_alive() and worker.pid is not None:
                os.kill(worker.pid, signal.SIGHUP)

    def restart_all(self) -> None:
        """Nothing is restarted while it serves."""

    def _started(self) -> Worker:
        worker = Worker(self.config, self.sockets)
        worker.start()
        return worker


def run_workers(config: Config) -> None:
    """Serves with several processes until told to end."""
    parent = Workers(config, sockets=[config.bind_socket()])
    parent.run()
    if any(worker.exitcode == STARTUP_FAILURE for worker in parent.processes):
        sys.exit(STARTUP_FAILURE)
