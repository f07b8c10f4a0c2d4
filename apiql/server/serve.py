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
from apiql.server.listening import check_listens
from apiql.server.log_level import LOGGERS, level_of
from apiql.server.protocol import Protocol
from apiql.server.tls import context_of
from apiql.server.watching import form_for
from apiql.server.worker import CONF, DEV, KEEP_GOING
from apiql.server.workers import run_workers
from apiql.settings import Log, Settings

ERR = 2
"""Standard error."""


def serve_forever(
    settings: Settings, conf: Path | None, dev: bool, keep_going: bool = False
) -> None:
    """Listens until it is told to stop.

    Raises:
        NoPort: there is none for it, or for the admin listener.
    """
    server = settings.server
    check_free(settings)
    check_listens(server.host, server.port)
    if conf is not None:
        os.environ[CONF] = str(conf.absolute())  # a link that leads elsewhere later is followed
    if dev:
        os.environ[DEV] = "1"
    if keep_going:
        os.environ[KEEP_GOING] = "1"
    for name in ("host", "port", "workers"):  # the command line's word wins for workers too
        os.environ[f"APIQL_SERVER__{name.upper()}"] = str(getattr(server, name))
    raise_open_files()
    config = _config(settings)
    if server.workers > 1:
        return run_workers(config)
    one = DrainingServer(config)
    one.run()
    if not one.started:
        sys.exit(STARTUP_FAILURE)


def _config(settings: Settings) -> uvicorn.Config:
    server = settings.server
    return uvicorn.Config(
        "apiql.server.worker:worker_app",
        factory=True,
        host=server.host,
        port=server.port,
        workers=server.workers,
        loop="uvloop",
        http=Protocol,
        ws="none",
        log_config=log_config(settings.log),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=max(1, round(server.drain)),
        ssl_context_factory=None if server.certificate is None else context_of,
    )


def log_config(log: Log) -> dict[str, Any]:
    """uvicorn's, with our lines and those of the loop beside its own, all in one form, on standard
    error, and none of them a flood.
    """
    found: dict[str, Any] = deepcopy(LOGGING_CONFIG)
    lines = {"()": "apiql.server.log_lines.LogLines", "form": form_for(log, ERR)}
    found["formatters"] = {"default": lines, "access": lines}
    found["filters"] = {"thinned": {"()": "apiql.server.notices.LogFilter"}}
    found["handlers"]["default"]["filters"] = ["thinned"]
    for name in LOGGERS:
        alone = {} if name == "uvicorn.error" else {"handlers": ["default"], "propagate": False}
        found["loggers"][name] = {"level": level_of(name, log.level), **alone}
    return found


def raise_open_files() -> None:
    """Lets this process and its workers open as many files as they are allowed to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
