"""T21: JSON that parsers read differently (NaN, members twice, half surrogate pairs, endless digits
or depth, names that mean something to a language) changes its meaning or breaks a parser. All
cases of the public suite are in test_json_suite.py.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.server.client import JSON, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream, answers, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

TYPE = "Content-Type: application/json"
QUERY = "select * from /echo where v = $v"
REQUESTS: dict[str, tuple[bytes, str]] = {
    "NaN": (b"NaN", "BAD_REQUEST"),
    "Infinity": (b"-Infinity", "BAD_REQUEST"),
    "a member twice": (b'{"a":1,"a":1}', "BAD_REQUEST"),
    "a member twice, written differently": (b'{"a":1,"\\u0061":2}', "BAD_REQUEST"),
    "a member twice, deep": (b'[[{"x":{"b":[],"b":0}}]]', "BAD_REQUEST"),
    "half a pair": (b'"\\ud800"', "BAD_REQUEST"),
    "half a pair in UTF-8": (b'"\xed\xa0\x80"', "BAD_REQUEST"),
    "no UTF-8": (b'"\xff"', "BAD_REQUEST"),
    "too deep": (b"[" * 66 + b"]" * 66, "LIMIT_EXCEEDED"),
    "far too deep": (b"[" * 100_000 + b"]" * 100_000, "LIMIT_EXCEEDED"),
    "401 digits": (b"1" * 401, "LIMIT_EXCEEDED"),
    "401 digits behind the point": (b"0." + b"1" * 401, "LIMIT_EXCEEDED"),
    "10,000 digits": (b"9" * 10_000, "LIMIT_EXCEEDED"),
    "an exponent out of range": (b"1e9999999999999999999", "BAD_REQUEST"),
    "UTF-16": ("\ufeff1".encode("utf-16-le"), "BAD_REQUEST"),
}
PASSING: dict[str, tuple[bytes, str]] = {
    "digits": (b"12345678901234567890.1234567890", "12345678901234567890.1234567890"),
    "a pair": (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
    "an escaped NUL": (b'"a\\u0000b"', "a\x00b"),
    "names of a language": (b'"__proto__"', "__proto__"),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground() -> AsyncIterator[tuple[Site, Upstream]]:
    bodies = {f"/body/{n}": answers(200, body, TYPE) for n, (body, _) in enumerate(BODIES.values())}
    async with (
        upstream(bodies) as up,
        serving(create_app(settings_for(up, UPSTREAMS__DEFAULT__HEADERS__X_PLANTED="none"))) as url,
    ):
        yield Site(url), up


def sent(value: bytes) -> bytes:
    return b'{"query":' + json.dumps(QUERY).encode() + b',"params":{"v":' + value + b"}}"


@pytest.mark.parametrize("name", REQUESTS)
async def test_requests_are_strict(ground: tuple[Site, Upstream], name: str) -> None:
    site, up = ground
    up.forget()
    value, code = REQUESTS[name]
    response = await site.send("POST", "/apiql", sent(value), {"Content-Type": JSON})
    assert response.codes() == [code]
    assert response.status in (400, 422)
    url = b"/apiql?query=" + QUERY.replace(" ", "+").encode() + b"&params="
    url += b"".join(b"%%%02X" % byte for byte in b'{"v":' + value[:1500] + b"}")
    in_url = await site.send("GET", url.decode(), headers={})
    assert in_url.status in (400, 422)
    assert not up.seen


@pytest.mark.parametrize("name", PASSING)
async def test_what_is_sound_arrives_exactly(ground: tuple[Site, Upstream], name: str) -> None:
    site, _ = ground
    value, arrived = PASSING[name]
    response = await site.send("POST", "/apiql", sent(value), {"Content-Type": JSON})
    if response.status == 200:
        assert response.json()["data"]["echo"]["query"]["v"] == arrived
    else:
        assert (name, response.codes()) == ("an escaped NUL", ["BAD_VALUE"])


BODIES: dict[str, tuple[bytes, bytes | None]] = {
    "NaN": (b'{"a":NaN}', None),
    "Infinity": (b"[Infinity]", None),
    "too deep": (b"[" * 100_000 + b"]" * 100_000, None),
    "endless digits": (b'{"a":' + b"9" * 10_000 + b"}", None),
    "half a pair": (b'{"a":"\\ud800"}', None),
    "no UTF-8": (b'{"a":"\xff\xfe"}', None),
    "great": (b'{"a":9007199254740993,"b":18446744073709551616}', b"18446744073709551616"),
    "exact": (b'{"a":1.50,"b":1e400,"c":-0}', b'{"a":1.50,"b":1e400,"c":-0}'),
    "names": (b'{"__proto__":{"x":1},"constructor":2}', b'"__proto__":{"x":1}'),
    "markup": (b'{"a":"</script>\xe2\x80\xa8"}', b'"</script>\xe2\x80\xa8"'),
}


@pytest.mark.parametrize("projection", ["*", "a", "*, (secret)"])
@pytest.mark.parametrize("name", BODIES)
async def test_bodies_of_upstreams_are_kept_or_refused(
    ground: tuple[Site, Upstream], name: str, projection: str
) -> None:
    site, _ = ground
    number = list(BODIES).index(name)
    response = await site.ask(f"select {projection} from /body/{number} as x")
    kept = BODIES[name][1]
    if kept is None:
        assert (response.status, response.codes()) == (502, ["BAD_PAYLOAD"])
    elif projection == "a":
        assert response.status == 200
    else:
        assert kept in response.body
