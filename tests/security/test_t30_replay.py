"""T30: a request that was recorded on its way is sent again, later, or changed a little."""

from __future__ import annotations

import pytest

from tests.server.guarded import NOW, guarded
from tests.server.test_signatures import SHOP, Request, refused, sent


async def test_what_was_recorded_is_of_no_use() -> None:
    async with guarded(**SHOP) as found:
        recorded = Request()
        assert (await sent(found, recorded)).status == 200
        for _ in range(3):
            assert refused(await sent(found, recorded), "REPLAYED")
        assert len(found.calls) == 1


@pytest.mark.parametrize("off", [-301, 301, -86_400, 86_400])
async def test_nor_what_was_signed_for_another_time(off: int) -> None:
    async with guarded(**SHOP) as found:
        assert refused(await sent(found, Request(timestamp=int(NOW) + off)))
        assert not found.calls


async def test_an_app_that_is_not_known_is_told_nothing_else() -> None:
    async with guarded(**SHOP) as found:
        unknown = await sent(found, Request(app="ghost"))
        wrong = await sent(found, Request(secret="another secret of 20"))
        assert (unknown.status, unknown.body) == (wrong.status, wrong.body)
        assert unknown.headers["www-authenticate"] == wrong.headers["www-authenticate"]
        assert not found.calls
