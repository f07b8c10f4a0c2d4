"""Runs the app: uvicorn on uvloop and httptools, one process or several."""

from __future__ import annotations

import os
from pathlib import Path

import uvicorn

from apiql.server.app import CONF, DEV
from apiql.server.protocol import Protocol
from apiql.settings import Server


def serve_forever(server: Server, conf: Path | None, dev: bool) -> None:
    """Listens until it is told to stop."""
    if conf is not None:
        os.environ[CONF] = str(conf.resolve())
    if dev:
        os.environ[DEV] = "1"
    uvicorn.run(
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
        timeout_graceful_shutdown=30,
    )
