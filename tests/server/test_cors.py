"""What browsers are told of pages of other origins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from apiql.settings import Cors
from tests.server.client import Response
from tests.server.guarded import Guarded, guarded, settings_of

SHOP, OTHER = "https://shop.example", "https://evil.example"
LISTED = {"CORS__ORIGINS": f"{SHOP}, http://localhost:3000"}
QUERY = "select * from /ok as r"


def told(answer: Response) -> dict[str, str]:
    """The headers of CORS, without the beginning that they share."""
    start = "access-control-"
    return {k.removeprefix(start): v for k, v in answer.headers.items() if k.startswith(start)}


async def preflight(found: Guarded, origin: str, path: str = "/apiql", **more: str) -> Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
        "Sec-Fetch-Site": "cross-site",
    }
    return await found.site.send("OPTIONS", path, headers=headers | more)


async def test_without_origins_there_is_no_header() -> None:
    async with guarded() as found:
        answers = [await found.site.ask(QUERY, Origin=SHOP), await preflight(found, SHOP)]
        assert [answer.status for answer in answers] == [200, 405]
        assert [told(answer) for answer in answers] == [{}, {}]
        assert all("Origin" not in a.headers.get("vary", "") for a in answers)


async def test_what_is_not_listed_is_no_header() -> None:
    none = {"CORS__HEADERS": "", "CORS__METHODS": "", "CORS__EXPOSE": ""}
    async with guarded(**LISTED, **none) as found:
        assert set(told(await preflight(found, SHOP))) == {"allow-origin", "max-age"}
        assert set(told(await found.site.ask(QUERY, Origin=SHOP))) == {"allow-origin"}


@pytest.mark.parametrize("origin", [SHOP, "http://localhost:3000"])
async def test_a_listed_origin_may_read_the_answer(origin: str) -> None:
    async with guarded(**LISTED) as found:
        answer = await found.site.ask(QUERY, Origin=origin, Sec_Fetch_Site="cross-site")
        assert answer.json() == {"data": {"r": {"ok": True}}}
        exposed = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-APIQL-Completed, X-Request-Id"
        assert told(answer) == {"allow-origin": origin, "expose-headers": exposed}
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [OTHER, "null", "http://shop.example", "https://shop.example:8443", "https://SHOP.example",
     "https://shop.example.evil.example", "https://shop.example/", "*", ""],
)  # fmt: skip
async def test_another_origin_is_told_nothing(origin: str) -> None:
    async with guarded(**LISTED) as found:
        answer = await found.site.ask(QUERY, Origin=origin)
        assert (answer.status, told(answer)) == (200, {})
        assert answer.headers["vary"] == "Origin"
        refused = await preflight(found, origin)
        assert (refused.status, refused.codes(), told(refused)) == (403, ["FORBIDDEN"], {})
        assert refused.headers["vary"] == "Origin"


async def test_whoever_says_no_origin_is_answered_alike() -> None:
    async with guarded(**LISTED) as found:
        answer = await found.site.ask(QUERY)
        assert (answer.status, told(answer), answer.headers["vary"]) == (200, {}, "Origin")


@pytest.mark.parametrize("path", ["/apiql", "/query/none", "/query/a/b/2"])
async def test_what_may_be_sent_is_told_before_any_other_guard(path: str) -> None:
    strict = {
        "SIGNING__APPS__SHOP__SECRET": "a" * 20,
        "CLIENTS__RATE": "1/h",
        "CORS__MAX_AGE": "1h",
    }
    async with guarded(**LISTED, **strict) as found:
        for _ in range(3):
            answer = await preflight(found, SHOP, path)
            assert (answer.status, answer.body) == (204, b"")
            assert told(answer) == {
                "allow-origin": SHOP, "allow-methods": "GET, POST", "max-age": "3600",
                "allow-headers": "Authorization, Content-Type, Prefer, X-APIQL, X-Request-Id",
            }  # fmt: skip
            assert "ratelimit" not in answer.headers


async def test_only_what_asks_is_a_question() -> None:
    async with guarded(**LISTED) as found:
        answer = await found.site.send("OPTIONS", "/apiql", headers={"Origin": SHOP})
        assert (answer.status, told(answer)["allow-origin"]) == (405, SHOP)
        asks = {"Access-Control-Request-Method": "POST"}
        assert (await found.site.send("OPTIONS", "/apiql", headers=asks)).status == 405
        posted = await found.site.ask(QUERY, Origin=SHOP, Access_Control_Request_Method="POST")
        assert posted.status == 200
        assert (await preflight(found, SHOP, "/livez")).status == 405


async def test_a_network_of_ones_own_is_not_opened() -> None:
    async with guarded(**LISTED) as found:
        more = {"Access-Control-Request-Private-Network": "true"}
        answer = await preflight(found, SHOP, **more)
        assert answer.status == 204
        assert not [name for name in told(answer) if "private" in name]


async def test_refusals_can_be_read_too() -> None:
    async with guarded(**LISTED, CLIENTS__RATE="2/h") as found:
        broken = await found.site.ask("select", Origin=SHOP)
        empty = await found.site.send("POST", "/apiql", headers={"Origin": SHOP})
        limited = await found.site.ask(QUERY, Origin=SHOP)
        answers = [broken, empty, limited]
        assert [answer.status for answer in answers] == [400, 415, 429]
        assert [told(answer)["allow-origin"] for answer in answers] == [SHOP] * 3


async def test_streams_can_be_read_too() -> None:
    async with guarded(**LISTED) as found:
        reader, writer = await found.site.connect()
        head = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Accept: application/x-ndjson\r\nOrigin: https://shop.example\r\n"
        body = b'{"query": "select * from /ok as r"}'
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b"access-control-allow-origin: https://shop.example\r\n" in answer
        writer.close()


async def test_cookies_of_listed_origins() -> None:
    async with guarded(**LISTED, CORS__CREDENTIALS="true") as found:
        for answer in (await found.site.ask(QUERY, Origin=SHOP), await preflight(found, SHOP)):
            assert told(answer)["allow-credentials"] == "true"
        assert told(await found.site.ask(QUERY, Origin=OTHER)) == {}


async def test_any_origin_but_that_of_a_sandbox() -> None:
    async with guarded(CORS__ORIGINS="*") as found:
        assert told(await found.site.ask(QUERY, Origin=OTHER))["allow-origin"] == "*"
        assert (await preflight(found, OTHER)).status == 204
        assert told(await found.site.ask(QUERY, Origin="null")) == {}
        assert (await preflight(found, "null")).status == 403
    async with guarded(CORS__ORIGINS="null") as found:
        assert told(await found.site.ask(QUERY, Origin="null"))["allow-origin"] == "null"
        assert (await preflight(found, "null")).status == 204


async def test_a_reload_counts() -> None:
    async with guarded(**LISTED) as found:
        found.current.swap(found.held(settings_of(CORS__ORIGINS=OTHER)))
        assert told(await found.site.ask(QUERY, Origin=SHOP)) == {}
        assert told(await found.site.ask(QUERY, Origin=OTHER))["allow-origin"] == OTHER


@pytest.mark.parametrize(
    "wrong",
    [
        *({"origins": [origin]} for origin in (
            "shop.example", "https://shop.example/", "https://shop.example/a", "https://*.example",
            "https://Shop.example", "https://shop.example:443", "http://a:80", "https://u@a",
            "https://a:0", "https://a:99999", "https://", "https://a b", "NULL", "", "https://é",
            "https://a?", "https://a#b", "https://a,https://b",
        )),
        {"origins": ["*"], "credentials": True}, {"origins": ["null"], "credentials": True},
        {"origins": ["https://a", "*"], "credentials": True},
        {"methods": ["PUT"]}, {"headers": ["a b"]}, {"headers": ["*"]}, {"expose": ["a\r\nb"]},
        {"max_age": 0},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Cors.model_validate(wrong)


@pytest.mark.parametrize(
    "origin", ["https://a", "http://127.0.0.1:3000", "http://[::1]:8080", "capacitor://localhost",
               "https://xn--caf-dma.example", "*", "null"],
)  # fmt: skip
def test_origins_as_browsers_send_them(origin: str) -> None:
    assert Cors(origins=(origin,)).origins == (origin,)
