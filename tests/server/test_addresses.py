"""From where queries are answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from apiql.errors import Code, RequestRefused
from apiql.server.addresses import listed_addresses
from apiql.server.around import Around
from apiql.server.visit import Visit
from apiql.settings import Addresses, Settings
from tests.server.guarded import guarded, settings_of

AROUND: Around = None  # type: ignore[assignment]


async def is_let_in(settings: Settings, peer: str | None, *headers: tuple[str, str]) -> bool:
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"client": None if peer is None else (peer, 1), "headers": pairs}

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    guard = listed_addresses(settings, AROUND)
    assert guard is not None
    try:
        guard(Visit(scope, receive, {}))
    except RequestRefused as refused:
        return refused.code is not Code.FORBIDDEN
    return True


ALLOW, DENY = "ADDRESSES__ALLOW", "ADDRESSES__DENY"
BOTH = {ALLOW: "10.0.0.0/8, fd00::/8", DENY: "10.6.0.0/16"}


@pytest.mark.parametrize(
    ("listed", "peer", "let_in"),
    [
        (BOTH, "10.1.2.3", True), (BOTH, "10.6.2.3", False), (BOTH, "11.1.2.3", False),
        (BOTH, "fd00::1", True), (BOTH, "fe80::1", False), (BOTH, "fd00::1%eth0", True),
        (BOTH, "::ffff:10.1.2.3", True), (BOTH, "::ffff:10.6.2.3", False),
        (BOTH, "::ffff:a06:203", False), (BOTH, "", False), (BOTH, None, False),
        (BOTH, "10.1.2", False), (BOTH, "010.1.2.3", False),
        ({DENY: "10.0.0.7"}, "10.0.0.7", False), ({DENY: "10.0.0.7"}, "10.0.0.8", True),
        ({DENY: "10.0.0.7"}, None, True),
        ({DENY: "::ffff:10.0.0.0/104"}, "10.0.0.7", False),
        ({ALLOW: "::ffff:10.0.0.7"}, "10.0.0.7", True),
        ({DENY: "0.0.0.0/0, ::/0"}, "1.2.3.4", False), ({ALLOW: "::/0"}, "1.2.3.4", False),
    ],
)  # fmt: skip
async def test_who_is_let_in(listed: Mapping[str, str], peer: str | None, let_in: bool) -> None:
    assert await is_let_in(settings_of(**listed), peer) == let_in


async def test_a_proxy_that_is_trusted_says_whose_request_it_is() -> None:
    settings = settings_of(**{DENY: "6.6.6.6"}, CLIENTS__TRUSTED_PROXIES="10.0.0.0/8")
    said = ("x-forwarded-for", "6.6.6.6")
    assert not await is_let_in(settings, "10.0.0.1", said)
    assert await is_let_in(settings, "9.9.9.9", said)
    assert not await is_let_in(settings, "10.0.0.1", ("x-forwarded-for", "::ffff:6.6.6.6"))
    assert await is_let_in(settings, "10.0.0.1", ("x-forwarded-for", "6.6.6.6, 7.7.7.7"))


async def test_queries_alone_are_refused_and_a_reload_counts() -> None:
    async with guarded(ADDRESSES__DENY="127.0.0.0/8") as found:
        refused = await found.site.ask("not read")
        assert (refused.status, refused.codes()) == (403, ["FORBIDDEN"])
        assert b"127" not in refused.body
        assert (await found.site.send("GET", "/query/none")).status == 403
        assert (await found.site.send("GET", "/livez")).status == 200
        assert not found.calls
        found.current.swap(found.held(settings_of(ADDRESSES__ALLOW="127.0.0.1")))
        assert (await found.site.ask("select * from /ok")).status == 200


def test_without_a_list_there_is_no_guard() -> None:
    assert listed_addresses(Settings(), AROUND) is None


@pytest.mark.parametrize("wrong", [["x"], ["10.0.0.1/8"], [1], "10.0.0.1", ["10.0.0.0/33"]])
def test_wrong_networks_are_refused(wrong: Any) -> None:
    for name in ("allow", "deny"):
        with pytest.raises(ValidationError):
            Addresses.model_validate({name: wrong})
