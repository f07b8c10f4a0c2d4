"""Endpoints carried out as plans: what is called, what is answered, what is never done."""

from __future__ import annotations

import pytest

from tests.endpoints.running import Backends, request, run
from tests.endpoints.writing import answers, backend, body, header, one

# -- a lone backend -----------------------------------------------------------------------------


def test_a_body_that_nobody_changes_is_its_bytes() -> None:
    raw = b'{"n": 1.50, "b":[ ], "big": 12345678901234567890.10}'
    found = run(one(backend()), answers(a={"raw": raw}))
    assert (found.status, found.body) == (200, raw)


def test_bytes_that_are_no_text_go_through() -> None:
    raw = bytes(range(256))
    found = run(one(backend()), answers(a={"raw": raw, "headers": {"Content-Type": "image/png"}}))
    assert found.body == raw
    assert dict(found.headers)["content-type"] == "text/plain"


def test_json_that_is_broken_goes_through() -> None:
    assert run(one(backend()), answers(a={"raw": b'{"a":'})).body == b'{"a":'


def test_no_body_has_no_type() -> None:
    found = run(one(backend()), answers(a={"status": 204}))
    assert (found.status, found.body) == (204, b"")
    assert dict(found.headers) == {
        "x-gopen-cache": "false", "x-gopen-complete": "true", "x-gopen-success": "true",
    }  # fmt: skip


def test_cookies_stay_apart_however_they_are_written() -> None:
    cookies = [
        {"context": "RESPONSE", "action": "ADD", "key": "set-cookie", "value": value}
        for value in ("a=1", "b=2")
    ]
    found = run(one(backend(modifiers={"header": cookies})), answers(a={"body": 1}))
    assert [value for name, value in found.headers if name == "set-cookie"] == ["a=1", "b=2"]


def test_fields_of_one_hop_are_left_and_cookies_stay_apart() -> None:
    pairs = [
        ("set-cookie", "a=1, x"), ("set-cookie", "b=2"), ("x-a", "1"), ("x-a", "2"),
        ("connection", "close"), ("transfer-encoding", "chunked"), ("date", "d"),
        ("x-gopen-success", "maybe"),
    ]  # fmt: skip
    for more in ((), (backend("/b"),)):
        made = one(backend(), *more, aggregate_responses=True)
        found = run(made, answers(a={"pairs": pairs, "body": {}}, b={"body": {}}))
        fields = [pair for pair in found.headers if not pair[0].startswith("x-gopen")]
        assert fields == [
            ("set-cookie", "a=1, x"), ("set-cookie", "b=2"), ("x-a", "1, 2"),
            ("content-type", "application/json"),
        ]  # fmt: skip
        assert dict(found.headers)["x-gopen-success"] == "true"


# -- what is sent -------------------------------------------------------------------------------

FIELDS = {"User-Agent": "IOS", "Device": "d", "Accept-Encoding": "br", "Connection": "x"}
TRACED = {"X-Forwarded-For": "9.9.9.9", "X-Trace-Id": "t"}


def test_all_is_sent_on_but_what_the_transport_says_itself() -> None:
    backends = answers(a={"body": 1})
    run(one(backend()), backends, request({**FIELDS, **TRACED}, {"a": 1}, b=["2", "1"], a="&"))
    (call,) = backends.calls
    assert call.target == "/a?a=%26&b=2&b=1"
    assert call.body == b'{"a": 1}'
    assert dict(call.headers) == {
        "User-Agent": "IOS", "Device": "d", "Content-Type": "application/json",
        "X-Forwarded-For": "9.9.9.9",
    }  # fmt: skip
    assert call.passing == (("X-Trace-Id", "t"),)


def test_only_what_is_listed_is_sent_on_and_the_clients_behind_the_others() -> None:
    listed = backend(forward_headers=["device"], forward_queries=["b"])
    for more in ({}, {"modifiers": header("X-New", "SET", "1")}):
        backends = answers(a={"body": 1})
        asked = request({**FIELDS, **TRACED}, a="1", b="2", c="3")
        run(one({**listed, **more}), backends, asked)
        (call,) = backends.calls
        assert call.target == "/a?b=2"
        new = {"X-New": "1"} if more else {}
        assert dict(call.headers) == {"Device": "d", "X-Forwarded-For": "9.9.9.9", **new}
        assert call.passing == (("X-Trace-Id", "t"),)


def test_a_body_that_is_omitted_is_not_sent() -> None:
    backends = answers(a={"body": 1})
    made = one(backend(extra_config={"omit-request-body": True}))
    run(made, backends, request({}, {"a": 1}))
    assert backends.calls[0].body is None


def test_parameters_are_whole_segments_and_encoded() -> None:
    backends = Backends({"*": {"body": 1}})
    made = one(backend("/u/:id/:idx/x:id"), path="/:id/:idx")
    run(made, backends, request(params={"id": "a/b?c#d", "idx": "é %"}))
    assert backends.calls[0].target == "/u/a%2Fb%3Fc%23d/%C3%A9%20%25/x:id"


@pytest.mark.parametrize("value", [".", ".."])
def test_no_parameter_leads_to_another_path(value) -> None:
    for more in ({}, {"modifiers": header("X-New", "SET", "1")}):
        backends = Backends({"*": {"body": 1}})
        found = run(one(backend("/u/:id/x", **more), path="/:id"), backends,
                    request(params={"id": value}))  # fmt: skip
        assert (found.status, backends.calls) == (400, [])
        assert "bad request error" in body(found)["message"]


def test_a_field_with_a_control_character_is_not_sent() -> None:
    made = one(backend(modifiers=header("X-A", "SET", "#request.body.a")))
    found = run(made, Backends(), request({}, {"a": "1\r\nX-B: 2"}))
    assert (found.status, body(found)["message"].startswith("bad request error")) == (400, True)


def test_a_field_that_a_modifier_names_is_never_the_transports() -> None:
    backends = answers(a={"body": 1})
    run(one(backend(modifiers=header("connection", "SET", "upgrade"))), backends)
    assert backends.calls[0].headers == ()


def test_hosts_share_the_calls() -> None:
    made = one({**backend(), "hosts": ["http://a.test", "http://b.test:81/in"]})
    for bits, url in ((0, "GET http://a.test/a"), ((1 << 53) - 1, "GET http://b.test:81/in/a")):
        backends = Backends({"*": {"body": 1}})
        run(made, backends, bits=lambda count, drawn=bits: drawn)
        assert backends.urls == [url]
        assert backends.calls[0].origin.pinned
