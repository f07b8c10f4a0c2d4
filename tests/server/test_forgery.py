"""What a page may not make its visitor's browser ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

import pytest

from tests.server.client import Response
from tests.server.guarded import Guarded, guarded

QUERY = "select * from /ok as r"
READS = "select * from /ok as r where sid = cookie('sid')"
JSON, TEXT, FORM = "application/json", "text/plain", "application/x-www-form-urlencoded"
MULTI = "multipart/form-data; boundary=x"
CROSS, SAME_SITE = {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}
EVIL, NULL = {"Origin": "https://evil.example"}, {"Origin": "null"}
OURS: list[Mapping[str, str]] = [
    {}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://test"},
    {"Origin": "https://TEST"}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://behind.proxy"},
]  # fmt: skip
FOREIGN: list[Mapping[str, str]] = [
    CROSS, SAME_SITE, EVIL, NULL, CROSS | EVIL, SAME_SITE | {"Origin": "http://test"},
    {"Sec-Fetch-Site": "new-word"}, {"Sec-Fetch-Site": ""}, {"Origin": ""},
    {"Origin": "http://test.evil.example"}, {"Origin": "http://test:81"}, {"Origin": "test"},
]  # fmt: skip


async def posted(
    found: Guarded, media: str | None, headers: Mapping[str, str], query: str = QUERY
) -> Response:
    body = json.dumps({"query": query}) if media == JSON else query
    kind = {} if media is None else {"Content-Type": media}
    return await found.site.send("POST", "/apiql", body.encode(), kind | dict(headers))


def forbidden(answer: Response) -> bool:
    return (answer.status, answer.codes()) == (403, ["FORBIDDEN"])


@pytest.mark.parametrize("headers", OURS, ids=str)
async def test_our_own_pages_and_whoever_is_no_browser(headers: Mapping[str, str]) -> None:
    async with guarded() as found:
        for media in (JSON, TEXT, "text/plain; charset=utf-8", "application/apiql"):
            assert (await posted(found, media, headers)).status == 200
        assert (await posted(found, FORM, headers)).status == 415
        assert (await found.site.url_ask(QUERY, **headers)).status == 200
        answer = await posted(found, JSON, {"Cookie": "sid=1", **headers}, READS)
        assert (answer.status, found.calls[-1]) == (200, "/ok?sid=1")


async def test_the_case_of_a_host_says_nothing() -> None:
    async with guarded() as found:
        head = b"POST /apiql HTTP/1.1\r\nHost: SHOP.Example\r\nContent-Type: text/plain\r\n"
        text = QUERY.encode()
        rest = b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(text), text)
        ours = await found.site.raw(head + b"Origin: https://shop.exAMPLE\r\n" + rest)
        assert ours.status == 200
        assert forbidden(await found.site.raw(head + b"Origin: https://shop.example.x\r\n" + rest))


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_what_a_page_elsewhere_sends_unasked(headers: Mapping[str, str]) -> None:
    async with guarded() as found:
        for media in (TEXT, "Text/Plain;charset=utf-8", FORM, MULTI, None, "", "text/plain, x/y"):
            assert forbidden(await posted(found, media, headers))
        kind = {"Content-Type": FORM} | dict(headers)
        assert forbidden(await found.site.send("POST", "/query/none", b"", kind))
        assert not found.calls


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_what_its_browser_asks_about_before_is_answered(headers: Mapping[str, str]) -> None:
    async with guarded() as found:
        for media in (JSON, "application/json; charset=utf-8", "application/apiql"):
            body = json.dumps({"query": QUERY}) if media.startswith(JSON) else QUERY
            more = {"Content-Type": media} | dict(headers)
            assert (await found.site.send("POST", "/apiql", body.encode(), more)).status == 200
        for meant in ({"X-APIQL": "1"}, {"Authorization": "Bearer x"}):
            assert (await posted(found, TEXT, {**meant, **headers})).status == 200
        basic = {"Authorization": "Basic eDp5"}
        assert forbidden(await posted(found, TEXT, {**basic, **headers}))


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_cookies_of_a_page_elsewhere_count_as_not_sent(headers: Mapping[str, str]) -> None:
    given = {"Cookie": "sid=1", **headers}
    reads_header = "select * from /ok as r where all = header('Cookie')"
    reads_password = "select * from /ok as r where all = header('Authorization')"
    async with guarded() as found:
        for query in (READS, reads_header):
            answers = [await posted(found, JSON, given, query)]
            answers.append(await found.site.url_ask(query, **given))
            for answer in answers:
                assert answer.codes() == ["MISSING_VARIABLE"]
        assert (await found.site.url_ask(QUERY, **given)).status == 200
        basic = {"Authorization": "Basic eDp5", **headers}
        assert (await found.site.url_ask(reads_password, **basic)).codes() == ["MISSING_VARIABLE"]
        found.calls.clear()
        meant = {"X-APIQL": "1", **given}
        assert (await posted(found, JSON, meant, READS)).status == 200
        assert found.calls == ["/ok?sid=1"]


async def test_a_page_elsewhere_writes_nothing_by_get() -> None:
    async with guarded() as found:
        answer = await found.site.url_ask("select * post from /ok as r", **CROSS)
        assert (answer.status, answer.codes()) == (405, ["METHOD_NOT_ALLOWED"])
        assert not found.calls


async def test_a_listed_page_is_one_of_ours_but_not_any_page() -> None:
    shop = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site", "Cookie": "sid=1"}
    async with guarded(CORS__ORIGINS="https://shop.example", CORS__CREDENTIALS="true") as found:
        assert (await posted(found, TEXT, shop, READS)).status == 200
        assert found.calls == ["/ok?sid=1"]
        assert forbidden(await posted(found, TEXT, shop | EVIL))
    async with guarded(CORS__ORIGINS="*") as found:
        assert forbidden(await posted(found, TEXT, shop))
        assert (await posted(found, JSON, shop)).status == 200
        assert (await posted(found, JSON, shop, READS)).codes() == ["MISSING_VARIABLE"]


async def test_a_page_without_an_origin_is_nobody_of_ours() -> None:
    async with guarded(CORS__ORIGINS="null") as found:
        for headers in (NULL, NULL | CROSS):
            assert forbidden(await posted(found, TEXT, headers))
            assert (await posted(found, JSON, headers)).status == 200
            cookie = {"Cookie": "sid=1", **headers}
            assert (await posted(found, JSON, cookie, READS)).codes() == ["MISSING_VARIABLE"]


@pytest.mark.parametrize("headers", [*OURS, *FOREIGN], ids=str)
async def test_where_cookies_say_who_asks(headers: Mapping[str, str]) -> None:
    given = {"Cookie": "sid=1", **headers}
    async with guarded(FORGERY__COOKIES="true") as found:
        for media in (JSON, TEXT, FORM):
            assert forbidden(await posted(found, media, given, READS))
        assert forbidden(await found.site.url_ask(READS, **given))
        assert forbidden(await posted(found, JSON, {"Authorization": "Basic eDp5", **given}))
        assert not found.calls
        for meant in ({"X-APIQL": ""}, {"Authorization": "Bearer x"}):
            for media in (JSON, TEXT):
                assert (await posted(found, media, {**given, **meant}, READS)).status == 200
            assert (await found.site.url_ask(READS, **{**given, **meant})).status == 200
        assert (await posted(found, JSON, headers)).status == 200


async def test_it_can_be_off() -> None:
    async with guarded(FORGERY__CHECK="false", FORGERY__COOKIES="true") as found:
        assert len(found.current.held.guards) == 0
        assert (await posted(found, TEXT, CROSS | {"Cookie": "sid=1"}, READS)).status == 200


async def test_what_is_in_a_url_is_read_strictly() -> None:
    async with guarded() as found:
        target = f"/apiql?query={quote(QUERY)}"
        posted_there = await found.site.send("POST", target, b"", {"Content-Type": FORM, **CROSS})
        assert forbidden(posted_there)
        assert not found.calls
