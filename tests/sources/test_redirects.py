"""Redirects within an upstream: what no wire shows, because others look at it too."""

from __future__ import annotations

import pytest

from apiql.sources.call import Call, Origin, Reply
from apiql.sources.redirects import OUTSIDE, UNREADABLE, following, next_target
from tests.sources.raw_upstream import call

SHOP = Origin("http", "shop.test", 80, pinned=True)
ORIGINS = {("http", "shop.test", 80)}


def to(place: str, status: int = 302, *more: tuple[str, str]) -> Reply:
    return Reply(status, (("location", place), *more), b"")


class Inner:
    """Gives these replies in their order; keeps what came."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.targets: list[str] = []

    async def __call__(self, made: Call) -> Reply:
        self.targets.append(made.target)
        return self.replies[len(self.targets) - 1]


async def test_a_read_with_a_body_is_not_followed() -> None:
    inner = Inner(to("/b"), Reply(200, (), b"1"))
    layer = following(inner, 3, ORIGINS, ())
    assert (await layer(call(SHOP, target="/a", body=b"{}"))).status == 302
    assert inner.targets == ["/a"]


@pytest.mark.parametrize(
    ("place", "why"),
    [("/a/b/y", ""), ("/a/c", OUTSIDE), ("/a/bc", OUTSIDE), ("/a", OUTSIDE),
     ("/a/b/" + "y" * 8187, ""), ("/a/b/" + "y" * 8188, UNREADABLE)],
)  # fmt: skip
async def test_the_narrowest_of_the_paths_counts(place: str, why: str) -> None:
    target, told = next_target(call(SHOP, target="/a/b/x"), to(place), ORIGINS, ("/a", "/a/b"))
    assert (target, told) == (None if why else place, why)


@pytest.mark.parametrize(
    ("status", "kept"), [(301, True), (302, False), (303, False), (307, False), (308, True)]
)
async def test_what_holds_for_once_only_is_not_kept(status: int, kept: bool) -> None:
    fresh = (("cache-control", "max-age=60"), ("etag", '"1"'), ("expires", "x"), ("x-a", "1"))
    inner = Inner(to("/b", status), Reply(200, fresh, b"1"))
    reply = await following(inner, 3, ORIGINS, ())(call(SHOP, target="/a"))
    assert inner.targets == ["/a", "/b"]
    assert reply.headers == (fresh if kept else (("x-a", "1"),))


@pytest.mark.parametrize("words", ["no-store", "Private", "max-age=60, NO-STORE"])
async def test_what_may_not_be_kept_at_all_stays_so(words: str) -> None:
    said = ("cache-control", words)
    inner = Inner(to("/b"), Reply(200, (said, ("etag", '"1"')), b"1"))
    reply = await following(inner, 3, ORIGINS, ())(call(SHOP, target="/a"))
    assert reply.headers == (said,)
