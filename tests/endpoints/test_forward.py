"""What calls are sent of the endpoint's request, and what of its answers is kept."""

from __future__ import annotations

from typing import Any

import pytest

from apiql.frontends.endpoints.address import filler
from apiql.frontends.endpoints.cache_rules import (
    cache_key,
    is_kept,
    is_looked_for,
    varies_by,
)
from apiql.frontends.endpoints.forward import query_text, request_of
from apiql.frontends.endpoints.gateway import Caching
from apiql.frontends.endpoints.message import Body, Message
from tests.endpoints.reading import EXAMPLES, endpoint

HEADERS = {name: (text,) for name, text in EXAMPLES[6]["json"].items()}
TRACED = {"X-Forwarded-For": ("1.2.3.4",), "X-Trace-Id": ("t",)}
QUERY = {"id": ("23",), "email": ("a@b.test",), "phone": ("47991271234",)}
ONWARD = Message({**HEADERS, **TRACED}, Body(b"{}"), 0, "", {"id": "1", "idx": "2"}, QUERY)


def sent(**members: Any) -> Message:
    backend = {"hosts": ["http://a.test"], "path": "/users/:idx", "method": "GET", **members}
    return request_of(
        endpoint({"path": "/:id/:idx", "backends": [backend]}).calls[0].backend, ONWARD
    )


def test_everything_where_nothing_is_listed() -> None:
    made = sent()
    assert (made.headers, made.query, made.body) == (ONWARD.headers, QUERY, ONWARD.body)
    assert (made.path, made.params) == ("/users/:idx", {"idx": "2"})


def test_what_is_listed_and_what_always_is() -> None:
    names = [EXAMPLES[7]["json"][0].lower(), *EXAMPLES[7]["json"][1:]]
    made = sent(**{"forward-headers": names, "forward-queries": EXAMPLES[5]["json"]})
    assert made.headers == {n: (t,) for n, t in EXAMPLES[8]["json"].items()} | TRACED
    assert list(made.query) == ["email", "phone"]


def test_a_body_that_is_omitted() -> None:
    assert sent(**{"extra-config": {"omit-request-body": True}}).body is None


def test_a_path_is_filled_segment_by_segment() -> None:
    params = {"id": "a/b c", "idx": "7", "is": "é"}
    assert filler("/u/:id/:idx/:none/:is/x:id")(params) == "/u/a%2Fb%20c/7/:none/%C3%A9/x:id"


def test_a_query_is_in_order() -> None:
    assert query_text({"a": ("\ud800", "é")}) == "a=%3F&a=%C3%A9"
    assert query_text({"b": ("2", "1"), "a": ("x y&z",)}) == "a=x+y%26z&b=2&b=1"


STRATEGY = ("x-forwarded-for", "Device", "Other")
FIELDS = {"X-Forwarded-For": ("177.130.228.66", "10.0.0.1"), "Device": ("95D4AF55",)}


@pytest.mark.parametrize(
    ("caching", "query", "key"),
    [
        (Caching(1), {}, (("7",), "", ())),
        (Caching(1, STRATEGY), {}, (("7",), "", tuple(FIELDS.items()))),
        (Caching(1), {"b": ("2", "1"), "a": ("0",)}, (("7",), "a=0&b=1&b=2", ())),
        (Caching(1, ignores_query=True), {"a": ("0",)}, (("7",), "", ())),
    ],
)
def test_the_key_of_an_answer(caching: Caching, query: Any, key: Any) -> None:
    message = Message(FIELDS, None, 0, "/users/find/:id", {"id": "7"}, query)
    assert cache_key(caching, message) == key


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, ()),
        ({"Vary": ("Accept-Encoding, device",)}, (("Device", ("95D4AF55",)),)),
        ({"Vary": ("Device", "Lang")}, (("Device", ("95D4AF55",)), ("Lang", ()))),
        ({"Vary": ("Device, *",)}, None),
        ({"Cache-Control": ("max-age=9, Private",)}, None),
    ],
)
def test_what_an_answer_varies_by(fields: Any, found: Any) -> None:
    assert varies_by(fields, FIELDS) == found


@pytest.mark.parametrize(
    ("heeds", "method", "control", "looked_for", "kept"),
    [
        (False, "GET", "no-cache, no-store", True, True),
        (True, "GET", "no-cache", False, True),
        (True, "GET", "max-age=0, No-Store", True, False),
        (True, "POST", "", False, False),
    ],
)
def test_what_is_looked_for_and_kept(
    heeds: bool, method: str, control: str, looked_for: bool, kept: bool
) -> None:
    caching = Caching(1, (), frozenset({200}), frozenset({"GET"}), heeds)
    headers = {"Cache-Control": (control,)}
    assert is_looked_for(caching, method, headers) is looked_for
    assert is_kept(caching, method, 200, headers) is kept
    assert not is_kept(caching, method, 404, headers)
    assert is_kept(Caching(1), method, 404, {})
