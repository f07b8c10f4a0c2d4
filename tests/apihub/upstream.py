"""The upstream of the recordings, in process: answers as it did, and remembers every request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Reply

HOST, PORT = "127.0.0.1", 16060
"""Where the definitions think that it is; what they call elsewhere is down."""
PLACE = f"http://{HOST}:{PORT}"
JSON = "application/json; charset=utf-8"
COOKIE = "BAIDUID=1; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=1; path=/"


class Seen(NamedTuple):
    """A request as it came in: the names of its headers in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str


class Answer(NamedTuple):
    """What is answered: an object (or bytes as they are), a status, a media type, more headers."""

    body: Any
    status: int = 200
    media: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Upstream:
    """A layer. `wall` is Unix time; `pause` waits for seconds of the loop's time."""

    wall: Callable[[], float]
    pause: Callable[[float], Any] = asyncio.sleep
    log: list[Seen] = field(default_factory=list)
    most: int = 0
    _open: int = 0

    async def __call__(self, call: Call) -> Reply:
        """Makes the call."""
        if (call.origin.host, call.origin.port) != (HOST, PORT):
            raise CallFailed(Code.UPSTREAM_CONNECT, "the connection was refused")
        path, _, query = call.target.partition("?")
        headers = {name.lower(): value for name, value in call.headers}
        body = (call.body or b"").decode("utf-8", "replace")
        seen = Seen(call.method, path, query, headers, body)
        self.log.append(seen)
        self._open += 1
        self.most = max(self.most, self._open)
        try:
            answer = await self._answered(seen)
        finally:
            self._open -= 1
        raw = answer.body
        if not isinstance(raw, bytes):
            raw = json.dumps(raw, ensure_ascii=False).encode()
        named = tuple((name.lower(), value) for name, value in answer.headers)
        return Reply(answer.status, (("content-type", answer.media), *named), raw)

    def drained(self) -> tuple[list[Seen], int]:
        """The requests since the last time, and the most that were under way at once."""
        found = self.log, self.most
        self.log, self.most = [], self._open
        return found

    async def _answered(self, seen: Seen) -> Answer:
        query = dict(parse_qsl(seen.query, keep_blank_values=True))
        if "sleep" in query:
            await self.pause(float(query["sleep"]))
        if seen.path == "/v3/config/district" and query.get("keywords") not in ("abc", "123"):
            await self.pause(0.05)
        return answer_of(seen, query, self.wall())


def answer_of(seen: Seen, query: dict[str, str], now: float) -> Answer:
    """The answer to a request at a time."""
    path = seen.path
    if path == "/v3/config/district":
        return Answer(district(query.get("keywords", "")))
    if path == "/v3/weather/weatherInfo":
        return Answer(weather(query.get("city", "")))
    if path == "/cgi-bin/message/send":
        known = query.get("access_token") == "TOK"
        sent = {"errcode": 0, "errmsg": "ok", "msgid": "m1"}
        return Answer(sent if known else {"errcode": 40014, "errmsg": "invalid access_token"})
    if path in FIXED:
        return FIXED[path]
    if path.startswith("/status/"):
        return Answer({"err": "boom"}, int(path.split("/")[2]))
    if path == "/exp":
        return Answer(expiring(query.get("s", "2"), now))
    echo = {"method": seen.method, "path": path, "query": seen.query, "body": seen.body}
    return Answer({"echo": {**echo, "ct": seen.headers.get("content-type")}})


def district(keywords: str) -> dict[str, Any]:
    """The regions of a name."""
    if keywords in ("abc", "123"):
        none: list[Any] = []
        return {"status": "1", "info": "OK", "infocode": "10000", "count": "0", "districts": none}
    is_shanghai = keywords == "上海"
    province = region("310000" if is_shanghai else "110000", "上海市" if is_shanghai else "北京市",
                      "116.407387,39.904179", "province")  # fmt: skip
    city = region("110100", "北京城区", "116.405285,39.904989", "city")
    return {
        "status": "1", "info": "OK", "infocode": "10000", "count": "2",
        "suggestion": {"keywords": [], "cities": []}, "districts": [province, city],
    }  # fmt: skip


def region(code: str, name: str, center: str, level: str) -> dict[str, Any]:
    """One region."""
    return {
        "citycode": "010", "adcode": code, "name": name, "center": center, "level": level,
        "districts": [],
    }  # fmt: skip


def weather(code: str) -> dict[str, Any]:
    """The weather of a region."""
    province = {"110000": "北京", "310000": "上海"}.get(code, "北京")
    live = {
        "province": province, "city": f"{province}市", "adcode": code, "weather": "晴",
        "temperature": "29", "winddirection": "南", "windpower": "≤3", "humidity": "31",
        "reporttime": "2022-05-19 15:41:42",
    }  # fmt: skip
    return {"status": "1", "count": "1", "info": "OK", "infocode": "10000", "lives": [live]}


def expiring(seconds: str, now: float) -> dict[str, Any]:
    """What tells when it ends."""
    end = time.strftime("%Y%m%d%H%M%S", time.gmtime(now + float(seconds)))
    return {"v": now, "expires_in": int(seconds), "expireTime": end}


def spoken(data: dict[str, Any], sid: str) -> Answer:
    """An answer about language."""
    return Answer({"code": "0", "data": data, "desc": "success", "sid": sid})


FIXED = {
    "/v1/cws": spoken({"word": ["北京", "的", "天气"]}, "s1"),
    "/v1/pos": spoken({"pos": ["ns", "u", "n"]}, "s2"),
    "/v1/ke": spoken({"ke": [{"score": "0.739", "word": "天气"}]}, "s3"),
    "/oauth/2.0/token": Answer({"access_token": "24.abc", "expires_in": 2592000, "scope": "x"}),
    "/rest/2.0/image-classify/v1/animal": Answer(
        {"log_id": 1534054924618786784, "result": [{"name": "短毛猫", "score": "0.487635"}]}
    ),
    "/cgi-bin/gettoken": Answer(
        {"errcode": 0, "errmsg": "ok", "access_token": "TOK", "expires_in": 7200}
    ),
    "/serviceAgent/rest/account/gettoken": Answer({"ak": "AK1", "expireTime": "20990510153521"}),
    "/json": Answer(
        {
            "s": "a\"b<c>&'d", "i": 1534054924618786784, "f": 1.50, "b": True, "n": None,
            "arr": [1, 2, 3], "o": {"z": 1, "a": 2}, "big": 1000000,
        }
    ),
    "/text": Answer(b"hello plain", media="text/plain"),
    "/empty": Answer(b""),
    "/arr": Answer([{"id": 1}, {"id": 2}]),
    "/cookie": Answer({"t": "c"}, headers=(("Set-Cookie", COOKIE), ("X-Exp", "3"))),
}  # fmt: skip
"""The answers that depend on nothing."""
