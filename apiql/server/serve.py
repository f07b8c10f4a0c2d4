"""Runs the app: uvicorn on uvloop and httptools, one process or several."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from apiql.server.app import CONF, DEV
from apiql.server.drain import DrainingServer
from apiql.server.protocol import Protocol
from apiql.server.workers import run_workers
from apiql.settings import Server


def serve_forever(server: Server, conf: Path | None, dev: bool) -> None:
    """Listens until it is told to stop."""
    if conf is not None:
        os.environ[CONF] = str(conf.resolve())
    if dev:
        os.environ[DEV] = "1"
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
        "apiql.server.app:worker_app",
        factory=True,
        host=server.host,
        port=server.port,
        workers=server.workers,
        loop="uvloop",
        http=Protocol,
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=max(1, round(server.drain)),
    )


def raise_open_files() -> None:
    """Lets this process and its workers open as many files as they are allowed to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
