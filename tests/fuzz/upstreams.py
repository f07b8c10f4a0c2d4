"""Targets: what upstreams send, from the bytes of a connection to a body. Nothing is called."""

from __future__ import annotations

import gzip
import json
import zlib

import brotli

from apiql.errors import CallFailed, ValueRefused
from apiql.ir.caching import CacheRule
from apiql.runtime.jmespath_expression import compile_jmespath
from apiql.runtime.json_values import decode, encode
from apiql.sources.answer import Answer, Budget
from apiql.sources.call import Reply
from apiql.sources.codings import decoding
from apiql.sources.lifetime import lifetime_of
from apiql.sources.limits import TransportLimits
from apiql.sources.readable import is_readable
from tests.fuzz import corpus
from tests.fuzz.target import Target
from tests.properties.engines import JSON, answer

LIMITS = TransportLimits(body_bytes=1 << 20, header_bytes=8 << 10)
CODINGS = ("gzip", "deflate", "br", "identity", "x-gzip", "gzip, br", "zstd")
QUERIES = [
    "select * from /x as x", "select a from /x as x", "select *, (a.b) from /x as x",
    "select a as b, count(a) as n from /x as x", "select a[0] as x from /x as x",
    "select jmespath('a[?b].c') as j from /x as x", "select * from /x as x rows a limit 2",
    "select a, count(*) as n from /x as x rows a group by a order by a",
]  # fmt: skip
RULE = CacheRule(expires=("body", "a"))


def response(data: bytes) -> None:
    """An answer comes whole, or fails as designed; nothing of it stays behind."""
    budget = Budget(1 << 20)
    found = Answer(LIMITS, budget, head_only=data[:1] == b"H")
    step = 1 + (data[-1] if data else 0) * 8
    try:
        for start in range(0, len(data), step):
            found.feed(data[start : start + step])
            if found.reply is not None:
                break
        else:
            found.end_of_input()
        assert found.reply is not None
        assert 200 <= found.reply.status <= 599
        assert len(found.reply.body) <= LIMITS.body_bytes
        found.reusable()
        lifetime_of(found.reply, None, None, credentials=False, wall=1e9)
        lifetime_of(found.reply, RULE, 60.0, credentials=True, wall=1e9)
        is_readable("GET", found.reply)
    finally:
        found.close()
        assert budget.held == 0


def coding(data: bytes) -> None:
    """A coded body is undone under its caps, or fails as designed."""
    found = decoding(CODINGS[data[0] % len(CODINGS)] if data else "", 1 << 20, 100)
    if found is None:
        return
    try:
        step = 1 + (data[1] if len(data) > 1 else 0) * 16
        for start in range(2, len(data), step):
            found.feed(data[start : start + step])
        assert len(found.end()) <= (1 << 20) + (64 << 10)
    finally:
        found.close()


def body(data: bytes) -> None:
    """A query answers, whatever its upstream says."""
    query = QUERIES[(data[0] if data else 0) % len(QUERIES)]
    reply = Reply(200, JSON, data[1:])
    found = answer(query, None, lambda call: reply)
    codes = {error["code"] for error in found.errors}
    assert codes <= {"BAD_PAYLOAD", "BAD_VALUE"}, codes
    strictly(found.data or b"null")


def strictly(data: bytes) -> object:
    """JSON, without what only Python takes for it. Members that stand twice pass as they came."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(data.decode(), parse_constant=refuse, parse_int=len, parse_float=len)


def expression(data: bytes) -> None:
    """A JMESPath expression, and behind a line's end the JSON that it looks into."""
    text, _, value = data.partition(b"\n")
    found = compile_jmespath(text.decode("utf-8", "replace"))
    encode(found.search(decode(value or b"null")))


def coded() -> list[bytes]:
    """Bodies in all codings."""
    plain = [b"{}", b'{"a":[1,2,3]}' * 50, b"0" * 5000]
    packers = (gzip.compress, zlib.compress, brotli.compress)
    raw = zlib.compressobj(wbits=-15)
    found = [bytes((n, 3)) + pack(text) for n, pack in enumerate(packers) for text in plain]
    return [*found, b"\x01\x00" + raw.compress(plain[1]) + raw.flush(), b"\x00\x00" + plain[0]]


def bodies() -> list[bytes]:
    """Documents behind the number of a query."""
    return [bytes((n % len(QUERIES),)) + text for n, text in enumerate(corpus.documents())]


EXPRESSIONS = [
    b'a[?b > `1`].c\n{"a":[{"b":2,"c":3}]}', b'sort_by(a, &b)[-1].{x: b}\n{"a":[{"b":1}]}',
    b"a[*].b[][::-1] | [0]\n{}", b'join(\',\', keys(@))\n{"a":1}', b"max_by(a, &b)||`null`\n{}",
    b"not_null(a, 'x', `{\"b\":[1]}`)\nnull", b'map(&to_string(@), a)\n{"a":[1.5e3]}',
]  # fmt: skip
SIGNS = (b"&", b"@", b"[*]", b"[]", b"[?", b"||", b"&&", b"`", b"to_number(", b"length(", b"{a:")
HTTP = (b"HTTP/1.1 200 OK\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n",
        b"0\r\n\r\n", b"Content-Encoding: gzip\r\n", b"Cache-Control: max-age=", b"Expires: ",
        b"Date: ", b"Age: ", b"HTTP/1.1 100 Continue\r\n\r\n", b"Vary: *",
        b"Set-Cookie: a=b")  # fmt: skip

TARGETS = (
    Target("response", response, (CallFailed,), corpus.answers, HTTP),
    Target("coding", coding, (CallFailed,), coded),
    Target("body", body, (), bodies),
    Target("expression", expression, (ValueRefused,), lambda: EXPRESSIONS, SIGNS),
)
