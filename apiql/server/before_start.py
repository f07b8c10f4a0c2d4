"""What happens before a server begins: definitions that stand elsewhere are fetched."""

from __future__ import annotations

import asyncio
import logging.config
from collections.abc import Mapping
from pathlib import Path

from apiql.server.configuration import Place
from apiql.server.fetching import Fetching
from apiql.server.notices import NoticeLog
from apiql.server.serve import log_config
from apiql.settings import load_settings


def fetch_at_start(conf: Path | None, environ: Mapping[str, str]) -> None:
    """Fetches before a server begins, so that it begins with what is there.

    Raises:
        SettingsError: the settings are wrong.
    """
    settings = load_settings(conf, environ)
    if settings.remote.url is not None:
        logging.config.dictConfig(log_config(settings.log))
        asyncio.run(Fetching(Place(conf, environ), NoticeLog()).by(settings))
