"""The bytes of a request, and what is refused before it becomes bytes."""

from __future__ import annotations

import pytest

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin
from apiql.sources.request import opening, request_bytes

ORIGIN = Origin("http", "a.example", 8080)


def written(method="GET", target="/", headers=(), body=None) -> bytes:
    call = Call(method, ORIGIN, target, headers, body, 0.0)
    return request_bytes(call, method, opening(ORIGIN.authority))


def test_a_read():
    assert written("GET", "/a?b=%20", (("Accept", "a/b"),)) == (
        b"GET /a?b=%20 HTTP/1.1\r\nHost: a.example:8080\r\nAccept: a/b\r\n"
        b"User-Agent: apiql\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n"
    )


def test_a_body_has_its_length_and_a_write_without_body_says_so():
    assert written("POST", body=b"xyz").endswith(b"Content-Length: 3\r\n\r\nxyz")
    assert written("POST").endswith(b"Content-Length: 0\r\n\r\n")
    assert b"Content-Length" not in written("DELETE")


def test_own_user_agent_and_accept_encoding_win():
    head = written(headers=(("user-agent", "me"), ("ACCEPT-ENCODING", "identity")))
    assert head.count(b"gent: ") == 1
    assert b"gzip" not in head


def test_latin_1_values_are_sent():
    assert b"X: \xe9\r\n" in written(headers=(("X", "é"),))


BAD = [
    {"headers": (("X", "a\r\nEvil: 1"),)},
    {"headers": (("X", "a\nEvil: 1"),)},
    {"headers": (("X", "a\rb"),)},
    {"headers": (("X", "a\0"),)},
    {"headers": (("X", "a\x7f"),)},
    {"headers": (("X", "€"),)},
    {"headers": (("X", "\ud800"),)},
    {"headers": (("X\r\nEvil", "1"),)},
    {"headers": (("X Y", "1"),)},
    {"headers": (("", "1"),)},
    {"headers": (("X:", "1"),)},
    {"headers": (("Ü", "1"),)},
    {"headers": (("X", "a\r\n\r\nGET / HTTP/1.1"),)},
    *({"headers": ((name, "1"),)} for name in (
        "Host", "host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE",
        "Trailer", "Upgrade", "Expect", "Proxy-Connection",
    )),
    {"target": ""},
    {"target": "x"},
    {"target": "http://b.example/"},
    {"target": "/a b"},
    {"target": "/a\r\nEvil: 1"},
    {"target": "/ HTTP/1.1\r\nEvil: 1\r\nX:"},
    {"target": "/ü"},
    {"target": "/\0"},
    {"method": "GET /x"},
    {"method": ""},
    {"method": "get"},
    {"method": "CONNECT"},
    {"method": "TRACE"},
]  # fmt: skip


@pytest.mark.parametrize("parts", BAD, ids=repr)
def test_what_would_be_read_as_something_else_is_refused(parts):
    with pytest.raises(CallFailed) as failed:
        written(**parts)
    assert failed.value.code is Code.BAD_VALUE
    assert "Evil" not in failed.value.message
