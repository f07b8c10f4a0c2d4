"""T8: a path climbs out of the prefix that the operator has allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.security.ground import Ground, ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATHS = [
    "/../secret",
    "/x/../../secret",
    "/./x",
    "/..",
    "/.",
    "/x/..",
    "//secret",
    "/x//y",
    "/x\\..\\y",
    "/%2e%2e/secret",
    "/%2E%2e/secret",
    "/.%2e/secret",
    "/%2e./secret",
    "/..%2fsecret",
    "/x%2f..%2fy",
    "/..%5csecret",
    "/%252e%252e/secret",
    "/x%25%32%65",
    "/x%00",
    "/x%0d%0ay",
    "/x%7f",
    "/%zz",
    "/x%",
    "/x#/../y",
    "/..{a?}/secret",
    "/{a?}../secret",
    "/.{a?}./secret",
    "/{a?}.{b?}./x",
    "/{a?}{b?}../x",
    "/x/..{a?}",
    "/x/..{a?};v=1/y",
]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def below() -> AsyncIterator[Ground]:
    """A server whose upstream, and whose host for queries, have a path that all begin with."""
    more = {
        "UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:{P}/api",
        "SECURITY__ALLOW_PRIVATE_NETWORKS": "true",
    }
    async with ground(None, "http://good.test:{P}/v1/", **more) as found:
        yield found


@pytest.mark.parametrize("base", ["", "http://good.test:{P}/v1"])
@pytest.mark.parametrize("path", PATHS)
async def test_a_path_that_climbs_is_refused(below: Ground, base: str, path: str) -> None:
    response = await below.ask(f"select * from {base}{path} as x")
    assert response.status in (400, 403), response.body
    assert set(response.codes()) <= {"FORBIDDEN_UPSTREAM", "SYNTAX"}
    below.untouched()


VALUES = [
    "..",
    ".",
    "../x",
    "x/../y",
    "..\\x",
    "./x",
    "/..",
    "../",
    "x/..",
    "\\..",
    "x\\.\\y",
    "",
    "\x00",
    "a\r\nb",
    "\x7f",
    "x\x1f",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("path", ["/{id}/x", "/x/{id}", "/..{id}", "/a{id}b"])
async def test_a_value_that_climbs_is_refused(below: Ground, path: str, value: str) -> None:
    response = await below.ask(f"select * from {path} as x where id = $v", {"v": value})
    assert (response.status, response.codes()) == (422, ["BAD_VALUE"]), response.body
    below.untouched()


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("%2e%2e", "%252e%252e"),
        ("%2e%2e%2fx", "%252e%252e%252fx"),
        ("..;x", "..%3Bx"),
        ("a/b", "a%2Fb"),
        ("...", "..."),
        ("\u2025", "%E2%80%A5"),
        ("\uff0e\uff0e", "%EF%BC%8E%EF%BC%8E"),
        ("?x=1", "%3Fx%3D1"),
        ("#x", "%23x"),
        ("\u2215..", "%E2%88%95.."),
        ("..%00", "..%2500"),
    ],
)
async def test_a_value_is_one_segment_and_nothing_else(
    below: Ground, value: str, sent: str
) -> None:
    await below.ask("select * from /{id}/x as x where id = $v", {"v": value})
    assert below.up.seen[0].target == f"/api/{sent}/x"


@pytest.mark.parametrize("path", ["/x/{a?}/y", "/{a?}/evil.test/y", "/{a?}/{b?}/y"])
async def test_a_placeholder_that_stays_empty_makes_no_empty_segment(
    below: Ground, path: str
) -> None:
    """`//evil.test/y` is another host to some who read a target."""
    await below.refused(f"select * from {path} as x", 422, "BAD_VALUE")
    response = await below.ask(f"select * from {path} as x where a = $v?", {})
    assert response.codes() == ["BAD_VALUE"]
    below.untouched()


async def test_what_does_not_climb_goes_below_the_prefix(below: Ground) -> None:
    for path, target in (
        ("/users/{id?}", "/api/users/"),
        ("/a.b/..c/d..", "/api/a.b/..c/d.."),
        ("http://good.test:{P}/v1/x/{a?}", "/v1/x/"),
        ("/{a}.{b} as x where a = 1 and b = 'j'", "/api/1.j"),
    ):
        await below.ask(f"select * from {path}" + ("" if " as " in path else " as x"))
        assert [seen.target for seen in below.up.seen] == [target]
