"""Runs the app: uvicorn on uvloop and httptools, one process or several."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG, STARTUP_FAILURE

from apiql.server.admin_listener import check_free
from apiql.server.drain import DrainingServer
from apiql.server.protocol import Protocol
from apiql.server.tls import context_of
from apiql.server.worker import CONF, DEV
from apiql.server.workers import run_workers
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
    raise_open_files()
    config = _config(server)
    if server.workers > 1:
        return run_workers(config)
    one = DrainingServer(config)
    one.run()
    if not one.started:
        sys.exit(STARTUP_FAILURE)


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
        timeout_graceful_shutdown=max(1, round(server.drain)),
        ssl_context_factory=None if server.certificate is None else context_of,
    )


def log_config() -> dict[str, Any]:
    """uvicorn's, with our lines and those of the loop beside its own, and none of them a flood."""
    found: dict[str, Any] = deepcopy(LOGGING_CONFIG)
    found["filters"] = {"thinned": {"()": "apiql.server.notices.LogFilter"}}
    found["handlers"]["default"]["filters"] = ["thinned"]
    for name, level in (("apiql", "INFO"), ("asyncio", "WARNING")):
        found["loggers"][name] = {"handlers": ["default"], "level": level, "propagate": False}
    return found


def raise_open_files() -> None:
    """Lets this process and its workers open as many files as they are allowed to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
