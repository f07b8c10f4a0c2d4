"""T9: a value of a parameter becomes another part of the request than the one it is for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.security.ground import Ground, ground

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def echoing() -> AsyncIterator[Ground]:
    """A server whose upstream tells what came."""
    async with ground() as found:
        yield found


MARKS = [
    "a&admin=1",
    "a=b",
    "a#b",
    "a?b",
    "a%26b",
    "a+b",
    "a b",
    "a;b",
    "a/b",
    "%",
    "%2",
    "%zz",
    "&",
    "=",
    "'; drop table x; --",
    "${x}",
    "{{x}}",
    "$v",
    "\u202e",
    "\u0000",
    "ä",
    "😀",
    "a\tb",
    "a\nb",
    '","admin":true,"x":"',
    "\\",
    '"',
    "<!--",
    "null",
    "true",
    "[]",
    "{}",
]


@pytest.mark.parametrize("value", MARKS)
async def test_a_value_arrives_as_it_is(echoing: Ground, value: str) -> None:
    response = await echoing.ask("select * from /echo as x where v = $v", {"v": value})
    found = response.json()["data"]["x"]
    assert found["query"] == {"v": value}
    response = await echoing.ask("select * post from /echo as x body { v: $v }", {"v": value})
    found = response.json()["data"]["x"]
    assert (found["target"], json.loads(found["body"])) == ("/echo", {"v": value})


@pytest.mark.parametrize("name", ["a&b", "a=b", "a b", "a#b", "ä", "a\r\nb"])
async def test_neither_is_a_name_anything_else(echoing: Ground, name: str) -> None:
    quoted = name.replace("\r\n", "\\r\\n")
    response = await echoing.ask(f"select * from /echo as x query '{quoted}' = 1")
    if response.status == 200:
        assert response.json()["data"]["x"]["query"] == {name: "1"}
    else:
        assert response.status in (400, 422)
        echoing.untouched()


@pytest.mark.parametrize("depth", [1, 2, 3])
async def test_nothing_is_decoded_twice(echoing: Ground, depth: int) -> None:
    value = "%" + "25" * depth + "2e"
    response = await echoing.ask("select * from /echo as x where v = $v", {"v": value})
    assert response.json()["data"]["x"]["query"] == {"v": value}


async def test_any_text_arrives_as_it_is_or_not_at_all(echoing: Ground) -> None:
    """Some hundred texts of all kinds of characters, each asked for over real sockets."""
    texts: list[str] = []

    @settings(max_examples=60, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.text(max_size=30))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    for text in texts:
        response = await echoing.ask("select * from /echo as x where v = $v", {"v": text})
        if response.status == 200:
            assert response.json()["data"]["x"]["query"] == {"v": text}
        else:
            assert 400 <= response.status < 500
            echoing.untouched()
