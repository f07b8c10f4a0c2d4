"""Values with `#request…` and `#response…` in them."""

from __future__ import annotations

import pytest

from apiql.frontends.endpoints.dynamic import Reads, Values, dynamic_of, evaluated
from apiql.frontends.endpoints.message import Body, Message

REQUEST = Message(
    {"X-Forwarded-For": ("127.0.0.1", "10.0.0.1"), "Device": ("d",)},
    Body(
        b'{"id": 7, "name": "Ray", "n": null, "tags": ["a", "b"], "k.d": "dot", "price": 1.50,'
        b' "items": [{"id": 1, "kind": "x"}, {"id": 2, "kind": "y"}], "on": true}'
    ),
    params={"id": "72761", "key": "k"},
    query={"email": ("a@b.test", "c@d.test")},
)
FIRST = Message({"X-Value": ("v",)}, Body(b'{"role": "ADMIN"}'), 201)
SECOND = Message({}, Body(b"plain words", "text/plain"), 200)
VALUES = Values(REQUEST, (REQUEST, Message(params={"phone": "5"})), (FIRST, SECOND))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#request.header.X-Forwarded-For.0", "127.0.0.1"),
        ("#request.header.X-Forwarded-For", '["127.0.0.1","10.0.0.1"]'),
        ("#request.header.x-forwarded-for.0", "#request.header.x-forwarded-for.0"),
        ("#request.params.id", "72761"),
        ("#request.query.email.1", "c@d.test"),
        ("#request.query.email.#", "2"),
        ("#request.body.id", "7"),
        ("#request.body.price", "1.50"),
        ("#request.body.on", "true"),
        ("#request.body.n", ""),
        ("#request.body.tags", '["a","b"]'),
        ("#request.body.items.#.id", "[1,2]"),
        ('#request.body.items.#(kind=="y").id', "2"),
        ("#request.body.items.#(id>=1)#.kind", '["x","y"]'),
        ("#request.body.k\\.d", "dot"),
        ("#request.body.none", "#request.body.none"),
        ("#request.body.a[0].b", "#request.body.a[0].b"),
        ("#request.history.1.params.phone", "5"),
        ("#request.history.2.params.phone", "#request.history.2.params.phone"),
        ("#response.statusCode", "200"),
        ("#response.body", "plain words"),
        ("#response.body.x", "#response.body.x"),
        ("#response.history.0.statusCode", "201"),
        ("#response.history.0.body.role", "ADMIN"),
        ("#response.history.0.header.X-Value.0", "v"),
        ("#responses.0.body.role", "ADMIN"),
        ("#responses[0].body.role", "ADMIN"),
        ("#responses.1.body", "plain words"),
        ("id #request.params.id, key #request.params.key", "id 72761, key k"),
        ("#request.params.id#request.params.key", "72761#request.params.key"),
        ("a#request.params.id", "a#request.params.id"),
        ("#requested.params.id", "#requested.params.id"),
        ("#request.params.id-x", "#request.params.id-x"),
        ('["#request.params.id"]', '["72761"]'),
        ("[#request.body.id]", "[7]"),
        ("# request", "# request"),
        ("", ""),
    ],
)
def test_a_value(text: str, expected: str) -> None:
    assert evaluated(dynamic_of(text), VALUES) == expected


def test_the_whole_body_is_json() -> None:
    text = evaluated(dynamic_of("#request.body"), VALUES)
    assert text.startswith('{"id":7,"name":"Ray"')


def test_what_is_not_there_stays() -> None:
    nothing = Values(Message())
    for text in ("#request.body", "#request.body.id", "#response.body", "#response.statusCode"):
        assert evaluated(dynamic_of(text), nothing) == text


def test_the_answer_so_far_is_made_only_where_it_is_read() -> None:
    asked: list[tuple[Message, ...]] = []

    def answer(responses: tuple[Message, ...]) -> Message:
        asked.append(responses)
        return FIRST

    values = Values(REQUEST, (), (SECOND,), answer)
    evaluated(dynamic_of("#request.body.id #responses.0.body"), values)
    assert asked == []
    assert evaluated(dynamic_of("#response.body.role"), values) == "ADMIN"
    assert asked == [(SECOND,)]


def test_what_is_read_is_known_before() -> None:
    value = dynamic_of("#request.header.A.0 and #response.history.2.body.id, #responses[1].body")
    assert [token.reads for token in value.tokens] == [
        Reads("request", None, "header"),
        Reads("response", 2, "body"),
        Reads("response", 1, "body"),
    ]
    assert not value.is_constant
    assert dynamic_of("no token").is_constant


def test_a_value_is_put_in_once() -> None:
    request = Message(params={"a": "#request.params.b", "b": "no"})
    assert evaluated(dynamic_of("#request.params.a"), Values(request)) == "#request.params.b"
