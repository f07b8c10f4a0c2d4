"""The command `apiql fetch`; what fetches is imported when it runs."""

from __future__ import annotations

import asyncio
import os

from apiql.commands.exits import REFUSED, USAGE, Conf, Env, conf_folder, fail, set_missing


def fetch(conf: Conf = None, env: Env = None) -> None:
    """Fetch the archive of definitions that [remote] names, check it, and put it in place."""
    set_missing(env, os.environ)
    from apiql.remote.fetched import RemoteRefused
    from apiql.remote.fetched import fetch as fetched
    from apiql.settings import load_settings

    where = conf_folder(conf)
    try:
        found = asyncio.run(fetched(load_settings(where, os.environ), where))
    except RemoteRefused as refused:
        fail(f"{refused}\nnothing has changed", REFUSED)
    if found is None:
        fail("nothing is to be fetched: remote.url is not set (TGAH_REMOTE_CONF_URL)", USAGE)
    word = "put in place" if found.changed else "unchanged"
    print(f"{found.folder}: {word}; files: {found.files}; revision: {found.revision}; {found.url}")
