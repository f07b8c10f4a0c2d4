"""The paths that are well, slow, busy or careless about who asks, or answer with a status."""

from __future__ import annotations

import asyncio
import hashlib
from email.utils import formatdate
from time import monotonic, time

from tests.faults.exchange import OK, After, Exchange, Fault, answering, dripping, head

PRIVATE = ("Cache-Control: private, max-age=60", "Vary: Authorization, Cookie, X-User")
YEAR = 31_557_600
TYPED = "Content-Type: application/json"


async def _echo(exchange: Exchange) -> None:
    await exchange.json(
        {
            "method": exchange.method,
            "target": exchange.target,
            "path": exchange.path,
            "query": exchange.query,
            "headers": exchange.headers,
            "body": exchange.body[:65536].decode("utf-8", "backslashreplace"),
            "sha256": hashlib.sha256(exchange.body).hexdigest(),
        }
    )


async def _rows(exchange: Exchange) -> None:
    count = int(exchange.word)
    await exchange.json(
        [{"id": n, "name": f"n{n}", "price": n * 1.5, "tags": ["a", "b"]} for n in range(count)]
    )


async def _object(exchange: Exchange) -> None:
    word = exchange.word
    nested = {"a": {"b": {"c": 1}}}
    await exchange.json({"id": word, "name": f"o{word}", "next_id": word + "1", "nested": nested})


async def _status(exchange: Exchange) -> None:
    status = int(exchange.word)
    after = exchange.query.get("retry_after")
    fields = [] if after is None else [f"Retry-After: {after}"]
    if status in (204, 304):
        await exchange.send(head(*fields, status=status))
    else:
        await exchange.json({"status": status}, *fields, status=status)


async def _delay(exchange: Exchange) -> None:
    await exchange.pause(float(exchange.word))
    await exchange.json({"ok": True, "delay": float(exchange.word)})


async def _jitter(exchange: Exchange) -> None:
    low, high = exchange.asked("lo", 0.01), exchange.asked("hi", 0.2)
    await exchange.pause(exchange.shared.random.uniform(low, high))
    await exchange.answer(OK, TYPED)


async def _counter(exchange: Exchange) -> None:
    counters = exchange.shared.counters
    counters[exchange.word] += 1
    count = counters[exchange.word]
    await exchange.pause(exchange.asked("delay", 0.0))
    await exchange.json({"name": exchange.word, "count": count})


async def _flaky(exchange: Exchange) -> None:
    counters = exchange.shared.counters
    counters[exchange.word] += 1
    count = counters[exchange.word]
    bad = count <= exchange.asked("fail", 2)
    await exchange.json({"n": count}, status=int(exchange.asked("status", 503)) if bad else 200)


async def _fail_rate(exchange: Exchange) -> None:
    bad = exchange.shared.random.random() < float(exchange.word)
    await exchange.json({"ok": not bad}, status=503 if bad else 200)


async def _brownout(exchange: Exchange) -> None:
    up, down = exchange.asked("up", 5.0), exchange.asked("down", 5.0)
    bad = (monotonic() - exchange.shared.begun) % (up + down) >= up
    await exchange.json({"ok": not bad}, status=503 if bad else 200)


async def _capacity(exchange: Exchange) -> None:
    shared, key = exchange.shared, exchange.word
    gate = shared.gates.setdefault(key, asyncio.Semaphore(int(key)))
    if gate.locked() and shared.waiting[key] >= exchange.asked("queue", 0):
        await exchange.json({"busy": True}, status=503)
        return
    shared.waiting[key] += 1
    try:
        await gate.acquire()
    finally:
        shared.waiting[key] -= 1
    try:
        await exchange.pause(exchange.asked("ms", 50) / 1000)
        await exchange.answer(OK, TYPED)
    finally:
        gate.release()


async def _who(exchange: Exchange, *fields: str) -> None:
    names = ("authorization", "cookie", "x-user")
    await exchange.json({name.replace("-", "_"): exchange.header(name) for name in names}, *fields)


async def _who_is_private(exchange: Exchange) -> None:
    await _who(exchange, *PRIVATE)


def _count(exchange: Exchange, name: str) -> int:
    exchange.shared.counters[name] += 1
    return exchange.shared.counters[name]


async def _set_cookie(exchange: Exchange) -> None:
    number = _count(exchange, "cookie")
    await exchange.answer(OK, TYPED, f"Set-Cookie: sid=user-{number}; Path=/")


async def _cacheable(exchange: Exchange) -> None:
    age = int(exchange.asked("max_age", 60))
    await exchange.json({"serial": _count(exchange, "serial")}, f"Cache-Control: max-age={age}")


async def _no_store(exchange: Exchange) -> None:
    await exchange.json({"serial": _count(exchange, "serial")}, "Cache-Control: no-store")


async def _token(exchange: Exchange) -> None:
    told = exchange.query.get("ttl", "3600")
    bare = told.lstrip("-").replace(".", "").replace("e", "").isdigit() or told == "NaN"
    life = told if bare else f'"{told}"'
    body = f'{{"token":"t{_count(exchange, "token")}","expires_in":{life}}}'
    await exchange.answer(body.encode(), TYPED)


async def _clock_skew(exchange: Exchange) -> None:
    at = time() + exchange.asked("years", 30) * YEAR
    date = formatdate(at, usegmt=True)
    fields = [f"{name}: {date}" for name in ("Date", "Expires", "Last-Modified")]
    await exchange.json({"expires_at": at}, *fields, "Age: -5")


async def _told_secrets(exchange: Exchange) -> None:
    sent = {name: exchange.header(name) for name in ("authorization", "x-api-key")}
    fields = ("X-Internal-Host: 10.1.2.3", "Server: Internal/1.0")
    await exchange.json({"trace": "db password=hunter2", **sent}, *fields, status=500)


async def _retry_after(exchange: Exchange) -> None:
    await exchange.json({}, f"Retry-After: {exchange.word}", status=429)


BUSINESS = b'{"errcode":40001,"errmsg":"invalid credential"}'
LONG = b'{"pad":"' + b"x" * 9_990 + b'"}'
SLOW = "UPSTREAM_TIMEOUT"
REFUSED = "UPSTREAM_STATUS"

FAULTS = (
    Fault("/ok", "healthy", "data", "200, and the connection stays", answering(OK)),
    Fault("/echo", "healthy", "data", "the request, as it came", _echo),
    Fault("/json/{}", "healthy", "data", "a list of {} rows", _rows, asked="/json/50"),
    Fault("/obj/{}", "healthy", "data", "one object", _object, asked="/obj/9"),
    Fault("/counter/{}", "healthy", "data", "how often it was asked for, after ?delay=0 s",
          _counter, asked="/counter/swept"),
    Fault("/delay/{}", "slow", "data", "well, after {} seconds", _delay, asked="/delay/0.05"),
    Fault("/jitter", "slow", "data", "well, after ?lo=0.01 to ?hi=0.2 s", _jitter),
    Fault("/capacity/{}", "slow", "data", "{} at once, ?ms=50 each, ?queue=0 wait, else 503",
          _capacity, asked="/capacity/20"),
    Fault("/drip", "slow", SLOW, "a body, a byte every ?interval=0.05 s",
          dripping(head(TYPED, f"Content-Length: {len(LONG)}"), LONG), After.ENDS),
    Fault("/drip-headers", "slow", SLOW, "a head, a byte every ?interval=0.05 s",
          dripping(b"", head(TYPED, "Content-Length: 11", "X-Pad: " + "y" * 2000)), After.ENDS),
    Fault("/drip-chunks", "slow", SLOW, "a chunk of one space every ?interval=0.05 s, for ever",
          dripping(head(TYPED, "Transfer-Encoding: chunked"), b"", b"1\r\n \r\n"), After.ENDS),
    Fault("/status/{}", "status", REFUSED, "the status {}, with ?retry_after=",
          _status, asked="/status/503"),
    Fault("/flaky/{}", "status", REFUSED, "?fail=2 times ?status=503, then 200",
          _flaky, asked="/flaky/swept?fail=99"),
    Fault("/fail-rate/{}", "status", REFUSED, "503 with the probability {}",
          _fail_rate, asked="/fail-rate/1"),
    Fault("/brownout", "status", "data", "?up=5 s well, ?down=5 s 503, and again",
          _brownout, asked="/brownout?up=1000000"),
    Fault("/biz-error", "status", "data", "200, and the body tells of a failure",
          answering(BUSINESS)),
    Fault("/error-with-secrets", "status", REFUSED, "500 that repeats what it was sent",
          _told_secrets),
    Fault("/retry-after/{}", "status", REFUSED, "429 with Retry-After: {}",
          _retry_after, asked="/retry-after/99999999"),
    Fault("/whoami", "identity", "data", "who asks, marked private", _who_is_private),
    Fault("/whoami-nohint", "identity", "data", "who asks, not marked at all", _who),
    Fault("/set-cookie", "identity", "data", "a cookie for each caller", _set_cookie),
    Fault("/cacheable", "identity", "data", "a serial number for ?max_age=60 s", _cacheable),
    Fault("/no-store", "identity", "data", "a serial number for nobody else", _no_store),
    Fault("/token", "identity", "data", "a token for ?ttl=3600, which may be any word", _token),
    Fault("/clock-skew", "identity", "data", "dates ?years=30 ahead", _clock_skew),
)  # fmt: skip
