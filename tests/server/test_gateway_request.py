"""What of an HTTP request becomes the message of an endpoint: query string, header fields."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import RequestRefused
from apiql.server.gateway_request import MOST_PAIRS, fields_of, query_of

PIECES = st.sampled_from([b"a", b"b=", b"=c", b"&", b"&&", b"=", b"+", b"%20", b"%C3%A9", b"%ff",
                          b"%", b"%zz", b"\xe9", b"a=1", b";"])  # fmt: skip


@given(st.lists(PIECES, max_size=8).map(b"".join))
def test_query_strings_are_read_as_ever(raw: bytes) -> None:
    told = parse_qs(raw.decode("latin-1"), keep_blank_values=True, errors="replace")
    assert query_of(raw) == {name: tuple(values) for name, values in told.items()}


def test_a_query_string_has_so_many_pairs() -> None:
    most = b"&".join([b"a=1"] * MOST_PAIRS)
    assert query_of(most) == {"a": ("1",) * MOST_PAIRS}
    with pytest.raises(RequestRefused, match="more than 1000 pairs"):
        query_of(most + b"&a=1")


def test_header_fields_by_their_names_with_who_asks_behind() -> None:
    raw = [(b"x-a", b"1"), (b"host", b"h"), (b"x-a", b"\xe9"), (b"connection", b"close, X-Hop"),
           (b"x-hop", b"1"), (b"x-forwarded-for", b"1.1.1.1"), (b"x-trace-id", b"abc"),
           (b"x" * 65, b"long")]  # fmt: skip
    assert fields_of(raw, "9.9.9.9") == {
        "X-A": ("1", "é"), "X-Forwarded-For": ("1.1.1.1, 9.9.9.9",), "X-Trace-Id": ("abc",),
        "X" + "x" * 64: ("long",),
    }  # fmt: skip


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b"a\xe9", b"a;b"])
def test_a_trace_that_is_none_is_made_anew(given: bytes) -> None:
    (found,) = fields_of([(b"x-trace-id", given)], "")["X-Trace-Id"]
    assert (found.encode("latin-1"), len(found)) != (given, len(given))
    assert (len(found), found.isalnum()) == (16, True)
