"""Guards follow a reload of the conf folder, and what they remember outlives it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.server.conf import Folder, running
from tests.server.test_signatures import SECRET, Request, refused
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIGNED = f"""
[signing.apps.shop]
secret = "{SECRET}"
[clients]
rate = "3/h"
by = "user"
"""
ELSEWHERE = """
[addresses]
allow = ["10.0.0.0/8"]
[cors]
origins = ["https://shop.example"]
"""


async def test_what_guards_remember_outlives_a_reload(tmp_path: Path, up: Upstream) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings(SIGNED)
    async with running(folder) as found:
        first = Request(timestamp=int(time.time()))
        assert (await found.site.raw(first.sent())).status == 200
        assert (await found.site.ask("select * from /ok")).status == 401
        folder.settings(SIGNED + ELSEWHERE)
        await found.reloader.reload()
        away = await found.site.ask("select * from /ok", Origin="https://shop.example")
        assert (away.status, away.codes()) == (403, ["FORBIDDEN"])
        folder.settings(SIGNED + ELSEWHERE.replace("10.0.0.0/8", "127.0.0.0/8"))
        await found.reloader.reload()
        assert refused(await found.site.raw(first.sent()), "REPLAYED")
        more = [Request(timestamp=int(time.time())) for _ in range(3)]
        answers = [await found.site.raw(request.sent()) for request in more]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert up.hits["/ok"] == 3
