"""Runs the app: uvicorn on uvloop and httptools, one process or several."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.supervisors import Multiprocess

from apiql.server.admin_listener import check_free
from apiql.server.protocol import Protocol
from apiql.server.worker import CONF, DEV
from apiql.settings import Server, Settings


def serve_forever(settings: Settings, conf: Path | None, dev: bool) -> None:
    """Listens until it is told to stop.

    Raises:
        NoPort: there is none for the admin listener.
    """
    server = settings.server
    check_free(settings)
    if conf is not None:
        os.environ[CONF] = str(conf.absolute())  # a link that leads elsewhere later is followed
    if dev:
        os.environ[DEV] = "1"
    for name in ("host", "port", "workers"):  # the command line's word wins for workers too
        os.environ[f"APIQL_SERVER__{name.upper()}"] = str(getattr(server, name))
    config = _config(server)
    if server.workers == 1:
        return _one(config)
    Workers(config, [config.bind_socket()]).run()
    return None


def _config(server: Server) -> uvicorn.Config:
    return uvicorn.Config(
        "apiql.server.worker:worker_app",
        factory=True,
        host=server.host,
        port=server.port,
        workers=server.workers,
        loop="uvloop",
        http=Protocol,
        ws="none",
        log_config=log_config(),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=30,
    )


def _one(config: uvicorn.Config) -> None:
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(1)


class Workers(Multiprocess):
    """Several workers; a hangup is for each of them: they reload, and nobody is started anew."""

    def handle_hup(self) -> None:
        """Passes the signal on."""
        for process in self.processes:
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)


def log_config() -> dict[str, Any]:
    """uvicorn's, with our lines and those of the loop beside its own, and none of them a flood."""
    found: dict[str, Any] = deepcopy(LOGGING_CONFIG)
    found["filters"] = {"thinned": {"()": "apiql.server.notices.LogFilter"}}
    found["handlers"]["default"]["filters"] = ["thinned"]
    for name, level in (("apiql", "INFO"), ("asyncio", "WARNING")):
        found["loggers"][name] = {"handlers": ["default"], "level": level, "propagate": False}
    return found
