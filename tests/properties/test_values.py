"""What a query binds arrives at the upstream exactly, whatever the place; or it is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from apiql.errors import Code, QueryRefused
from apiql.runtime.json_values import decode, encode
from apiql.sources.call import Call, Reply
from tests.harness.exact_json import parse
from tests.properties.engines import JSON, UPSTREAM, answer
from tests.properties.test_references import told_apart

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.text("/\\.%?#&=+;:@'\" \r\n\t\x00\x7fä😀{}", max_size=12),
)
INTEGERS = st.integers(-(10**60), 10**60)
DECIMALS = st.builds(
    lambda digits, places: Decimal(f"{digits}E-{places}"), INTEGERS, st.integers(1, 70)
)
SCALARS = st.one_of(TEXTS, INTEGERS, DECIMALS, st.booleans())
JSONS = st.recursive(
    st.one_of(st.none(), SCALARS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=15,
)
Read = Callable[[Call], Any]


def header_of(call: Call, name: str) -> str:
    """The only header of a name."""
    (found,) = (value for key, value in call.headers if key.lower() == name)
    return found


def pairs_of(text: str) -> Mapping[str, str]:
    """The pairs of a query string or form, each name once."""
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def sent(query: str, value: Any) -> Call | None:
    """The only call of a query with `$v`; None where the value is refused, as BAD_VALUE."""
    try:
        found = answer(query, {"v": value}, lambda call: Reply(200, JSON, b"{}"))
    except QueryRefused as refused:
        if any(problem.code is not Code.BAD_VALUE for problem in refused.problems):
            raise
        return None
    assert found.status == 200
    (call,) = UPSTREAM.calls
    assert call.target.isascii()
    assert not re.search(r"[\x00-\x20\x7f]", call.target)
    return call


def plain(value: Any) -> str:
    """A scalar as a text: true, 12.50, never in exponent form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@given(SCALARS)
def test_query_string(value: Any) -> None:
    call = sent("select * from /x query q = $v, z = 1", value)
    assert call is not None
    assert pairs_of(urlsplit(call.target).query) == {"q": plain(value), "z": "1"}
    assert urlsplit(call.target).path == "/x"


@given(SCALARS)
def test_where_of_a_read(value: Any) -> None:
    call = sent("select * from /x?{a?}&{b} where b = $v", value)
    assert call is not None
    assert pairs_of(urlsplit(call.target).query) == {"b": plain(value)}


@given(SCALARS)
@example(".")
@example("..")
@example("")
@example("a\r\nb")
@example("../x")
@example("a/../b")
@example("..\\x")
@example("%2e%2e")
@example("a/b?c#d")
def test_path(value: Any) -> None:
    call = sent("select * from /x/{p}/end where p = $v", value)
    text = plain(value)
    dotted = any(part in (".", "..") for part in re.split(r"[/\\]", text))
    if dotted or not text or re.search(r"[\x00-\x1f\x7f]", text):
        assert call is None
        return
    assert call is not None
    first, second, third = call.target.lstrip("/").split("/")
    assert (first, third) == ("x", "end")
    assert unquote(second, errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+", second)


@given(SCALARS.filter(lambda value: plain(value) == plain(value).strip(" \t")))
def test_header(value: Any) -> None:
    call = sent("select * from /x headers X-V = $v", value)
    text = plain(value)
    if call is None:
        assert not re.fullmatch(r"[\x20-\x7e\t]*", text)
        return
    assert header_of(call, "x-v") == text


def test_white_space_around_a_header() -> None:
    call = sent("select * from /x headers X-V = $v", " a\t")
    assert call is None or header_of(call, "x-v") == " a\t"


@given(SCALARS)
def test_cookie(value: Any) -> None:
    call = sent("select * from /x cookies sid = $v, b = 2", value)
    text = plain(value)
    if call is None:
        assert re.search(r"[^!#-+\--:<-\[\]-~]", text)
        return
    assert header_of(call, "cookie") == f"sid={text}; b=2"


@given(SCALARS)
def test_form(value: Any) -> None:
    call = sent("select * post from /x form f = $v, g = 1", value)
    assert call is not None
    assert call.body is not None
    assert pairs_of(call.body.decode("ascii")) == {"f": plain(value), "g": "1"}
    assert header_of(call, "content-type") == "application/x-www-form-urlencoded"


@given(st.lists(SCALARS, min_size=1, max_size=5))
def test_lists_are_repeated(values: list[Any]) -> None:
    call = sent("select * from /x query q = $v", values)
    assert call is not None
    texts = [unquote_plus(pair.partition("=")[2]) for pair in call.target.split("?")[1].split("&")]
    assert texts == [plain(value) for value in values]


@given(JSONS)
def test_member_of_a_body(value: Any) -> None:
    call = sent("select * post from /x where user.name = $v and n = 1", value)
    assert call is not None
    assert call.body is not None
    assert told_apart(decode(call.body)) == told_apart({"user": {"name": value}, "n": 1})
    assert header_of(call, "content-type") == "application/json"


@given(JSONS)
def test_body(value: Any) -> None:
    call = sent("select * put from /x body $v", value)
    assert call is not None
    assert call.body is not None
    if isinstance(value, str):
        assert call.body == value.encode()
        assert header_of(call, "content-type") == "text/plain; charset=utf-8"
    else:
        assert told_apart(decode(call.body)) == told_apart(value)


@given(TEXTS)
def test_literals(text: str) -> None:
    quoted = text.replace("'", "''")
    call = sent(f"select * from /x query q = '{quoted}', r = {encode(text).decode()}, v = $v", 1)
    assert call is not None
    assert pairs_of(urlsplit(call.target).query) == {"q": text, "r": text, "v": "1"}


@given(TEXTS, TEXTS)
def test_multipart(text: str, name: str) -> None:
    file = {"filename": name, "type": "text/plain", "base64": "aGk="}
    call = sent("select * post from /x form f = $v.f, t = $v.t", {"f": file, "t": text})
    assert call is not None
    assert call.body is not None
    boundary = header_of(call, "content-type").partition("boundary=")[2].encode()
    before, one, two, after = call.body.split(b"--" + boundary)
    assert (before, after) == (b"", b"--\r\n")
    assert one.split(b"\r\n\r\n", 1)[1] == b"hi\r\n"
    assert two.split(b"\r\n\r\n", 1)[1] == text.encode() + b"\r\n"
    assert b"\r\n\r\n" not in one.split(b"Content-Type")[0]


@given(JSONS)
def test_encode_and_decode(value: Any) -> None:
    assert told_apart(decode(encode(value))) == told_apart(value)
    parse(encode(value))
