"""Modifiers: what each does, in which order, on whose message."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from apiql.frontends.endpoints.address import filler
from apiql.frontends.endpoints.dynamic import Reads
from apiql.frontends.endpoints.gateway import Backend
from apiql.frontends.endpoints.message import Body, Message
from apiql.frontends.endpoints.modify import Exchange, Past, after, before
from tests.endpoints.reading import endpoint

FIELDS = {"A": ("1",), "B": ("2", "3")}


def backend(**modifiers: Any) -> Backend:
    """A backend with these modifiers, of an endpoint with two parameters."""
    made = {"hosts": ["http://a.test"], "path": "/a/:id", "method": "GET", "modifiers": modifiers}
    return endpoint({"path": "/a/:id/:idx", "backends": [made]}).calls[0].backend


def change(action: str, key: str = "", value: str | None = None, **more: Any) -> dict[str, Any]:
    """A modifier of the phase REQUEST as it is written."""
    said = {"context": "REQUEST", "action": action, "key": key, "value": value, **more}
    return {name: each for name, each in said.items() if each is not None}


def called(made: Backend, request: Message, onward: Message | None = None) -> Exchange:
    return before(made.changes, Exchange(request, onward or request), Past())


@pytest.mark.parametrize(
    ("action", "key", "value", "expected"),
    [
        ("ADD", "B", "4", {"A": ("1",), "B": ("2", "3", "4")}),
        ("ADD", "C", "4", {**FIELDS, "C": ("4",)}),
        ("ADD", "C", '["4", 5, null]', {**FIELDS, "C": ("4", "5", "")}),
        ("APD", "A", "4", {"A": ("1", "4"), "B": ("2", "3")}),
        ("APD", "C", "4", FIELDS),
        ("SET", "B", "4", {"A": ("1",), "B": ("4",)}),
        ("SET", "C", "4", {**FIELDS, "C": ("4",)}),
        ("RPL", "B", "4", {"A": ("1",), "B": ("4",)}),
        ("RPL", "C", "4", FIELDS),
        ("REN", "B", "D", {"A": ("1",), "D": ("2", "3")}),
        ("REN", "C", "D", FIELDS),
        ("DEL", "B", None, {"A": ("1",)}),
        ("DEL", "C", None, FIELDS),
        ("DEL", "b", None, FIELDS),
    ],
)
@pytest.mark.parametrize("target", ["header", "query"])
def test_fields(target: str, action: str, key: str, value: str | None, expected: Any) -> None:
    made = backend(**{target: [change(action, key, value)]})
    request = Message(headers=FIELDS, query=FIELDS)
    found = called(made, request).request
    assert (found.headers if target == "header" else found.query) == expected
    assert (found.query if target == "header" else found.headers) == FIELDS
    assert request == Message(headers=FIELDS, query=FIELDS)


@pytest.mark.parametrize(
    ("action", "key", "value", "params", "path"),
    [
        ("SET", "id", "9", {"id": "9", "idx": "2"}, "/a/:id/:idx"),
        ("SET", "new", "9", {"id": "1", "idx": "2", "new": "9"}, "/a/:id/:idx/:new"),
        ("RPL", "id", "9", {"id": "9", "idx": "2"}, "/a/:id/:idx"),
        ("RPL", "new", "9", {"id": "1", "idx": "2"}, "/a/:id/:idx"),
        ("REN", "id", "key", {"idx": "2", "key": "1"}, "/a/:key/:idx"),
        ("REN", "new", "key", {"id": "1", "idx": "2"}, "/a/:id/:idx"),
        ("DEL", "id", None, {"idx": "2"}, "/a/:idx"),
        ("DEL", "new", None, {"id": "1", "idx": "2"}, "/a/:id/:idx"),
    ],
)
def test_params(action: str, key: str, value: str | None, params: Any, path: str) -> None:
    made = backend(param=[change(action, key, value)])
    found = called(made, Message(path="/a/:id/:idx", params={"id": "1", "idx": "2"})).request
    assert (found.params, found.path) == (params, path)


@pytest.mark.parametrize("name", ["x/y", "/", "..", "key?x", "key#y", "", "a b", "x%2fy", ":key"])
def test_no_name_of_a_parameter_makes_another_path(name: str) -> None:
    """A caller may give the name; what is called is what would be called with any other."""
    made = backend(param=[change("REN", "id", "#request.query.n.0")])
    request = Message(path="/a/:id/:idx", params={"id": "1", "idx": "2"}, query={"n": (name,)})
    found = called(made, request).request
    assert filler(found.path)(found.params) == "/a/1/2"
    assert found.params == {"id": "1", "idx": "2"}
    usual = called(made, replace(request, query={"n": ("new-ü_1",)})).request
    assert (usual.path, usual.params["new-ü_1"]) == ("/a/:new-ü_1/:idx", "1")
    assert filler(usual.path)(usual.params) == "/a/1/2"


def test_a_path_of_nothing_but_a_parameter_is_left() -> None:
    found = called(backend(param=[change("DEL", "id")]), Message(path="/:id", params={"id": "1"}))
    assert found.request.path == "/"


def test_a_parameter_may_have_any_name() -> None:
    request = Message(path="/:None/:id", params={"None": "0", "id": "1"})
    found = called(backend(param=[change("DEL", "id")]), request).request
    assert (found.path, found.params) == ("/:None", {"None": "0"})


JSON = '{"id":1,"user":{"name":"Ray"},"list":[1,2]}'


@pytest.mark.parametrize(
    ("action", "key", "value", "expected"),
    [
        ("ADD", "id", "2", '{"id":[1,2],"user":{"name":"Ray"},"list":[1,2]}'),
        ("ADD", "new", "t", '{"id":1,"user":{"name":"Ray"},"list":[1,2],"new":true}'),
        ("APD", "user.name", "x", '{"id":1,"user":{"name":["Ray","x"]},"list":[1,2]}'),
        ("APD", "new", "x", JSON),
        ("SET", "user.age", "30.50", '{"id":1,"user":{"name":"Ray","age":30.50},"list":[1,2]}'),
        ("SET", "list.-1", "3", '{"id":1,"user":{"name":"Ray"},"list":[1,2,3]}'),
        ("SET", "list.x", "3", JSON),
        ("SET", "list.500", "3", JSON),
        ("SET", "user", '{"a": [null]}', '{"id":1,"user":{"a":[null]},"list":[1,2]}'),
        ("SET", "list.#", "3", JSON),
        ("RPL", "id", '"1"', '{"id":"1","user":{"name":"Ray"},"list":[1,2]}'),
        ("RPL", "new", "1", JSON),
        ("RPL", "list.#(==2)", "9", '{"id":1,"user":{"name":"Ray"},"list":[1,9]}'),
        ("REN", "user.name", "name", '{"id":1,"user":{},"list":[1,2],"name":"Ray"}'),
        ("REN", "new", "name", JSON),
        ("DEL", "list.0", None, '{"id":1,"user":{"name":"Ray"},"list":[2]}'),
        ("DEL", "list.-1", None, '{"id":1,"user":{"name":"Ray"},"list":[1]}'),
        ("DEL", "new", None, JSON),
        ("SET", "", "1", JSON),
    ],
)
def test_bodies_of_json(action: str, key: str, value: str | None, expected: str) -> None:
    made = backend(body=[change(action, key, value)])
    found = called(made, Message(body=Body(JSON.encode()))).request
    assert found.body is not None
    assert found.body.text == expected
    assert found.body.media == "application/json"


@pytest.mark.parametrize(
    ("action", "key", "value", "expected"),
    [
        ("ADD", "", "!", "a cat, a dog!"),
        ("APD", "", "!", "a cat, a dog!"),
        ("SET", "a", "new 1", "new 1"),
        ("RPL", "a ", "the ", "the cat, the dog"),
        ("REN", "cat", "cow", "a cow, a dog"),
        ("DEL", "a ", None, "cat, dog"),
    ],
)
def test_bodies_of_text(action: str, key: str, value: str | None, expected: str) -> None:
    made = backend(body=[change(action, key, value)])
    found = called(made, Message(body=Body(b"a cat, a dog", "text/plain; charset=utf-8"))).request
    assert found.body is not None
    assert found.body.text == expected


@pytest.mark.parametrize("body", [None, Body(b"\x89PNG a", "image/png")])
def test_other_bodies_stay(body: Body | None) -> None:
    made = backend(body=[change("SET", "a", "1"), change("DEL", "a")])
    assert called(made, Message(body=body)).request.body is body


def test_the_order_before_a_call() -> None:
    """Header, param, query, body; each sees what those before it have made."""
    made = backend(
        body=[change("SET", "seen", "#request.query.q.0", propagate=True)],
        query=[change("SET", "q", "#request.params.id", propagate=True)],
        param=[change("SET", "id", "#request.header.H.0", propagate=True)],
        header=[change("SET", "H", "first", propagate=True), change("ADD", "H", "second")],
    )
    request = Message(path="/a/:id", body=Body(b"{}"), params={"id": "1"})
    found = called(made, request)
    assert found.request.headers == {"H": ("first", "second")}
    assert found.onward.headers == {"H": ("first",)}
    assert found.onward.body is not None
    assert found.onward.body.text == '{"seen":"first"}'


def test_what_is_not_propagated_stays_with_its_call() -> None:
    found = called(backend(header=[change("SET", "H", "1")]), Message(), Message({"A": ("a",)}))
    assert (found.request.headers, found.onward.headers) == ({"H": ("1",)}, {"A": ("a",)})


def test_behind_a_call() -> None:
    """The status comes first; scopes say whose message is changed."""
    response = {"context": "RESPONSE"}
    own = "#response.history.0."
    made = backend(
        **{"status-code": 500},
        header=[
            change("SET", "S", f"{own}statusCode", **response),
            change("SET", "R", f"{own}header.S.0", **response, scope="REQUEST", propagate=True),
        ],
        body=[change("SET", "b", f"{own}body.a", **response)],
        query=[change("SET", "q", f"{own}body.a", **response, propagate=True)],
    )
    exchange = Exchange(Message(), Message(), Message(body=Body(b'{"a":1}'), status=200))
    assert before(made.changes, exchange, Past()) is exchange
    found = after(made.changes, exchange, Past())
    assert found.response is not None
    assert found.response.status == 500
    assert found.response.headers == {"S": ("500",)}
    assert found.response.body is not None
    assert found.response.body.text == '{"a":1,"b":1}'
    assert found.onward == Message({"R": ("500",)}, query={"q": ("1",)})


def test_an_empty_context_is_both() -> None:
    made = backend(header=[change("ADD", "H", "x", context="")])
    exchange = called(made, Message())
    assert exchange.request.headers == {"H": ("x",)}
    answered = Exchange(exchange.request, exchange.onward, Message())
    found = after(made.changes, answered, Past())
    assert found.response == Message({"H": ("x",)})
    assert found.request is exchange.request


def test_calls_before_are_read() -> None:
    made = backend(
        header=[change("SET", "H", "#response.history.0.body.id #request.history.1.path")]
    )
    past = Past((Message(),), (Message(body=Body(b'{"id":"x"}')),))
    exchange = before(made.changes, Exchange(Message(), Message()), past)
    assert exchange.request.headers["H"] == ("x #request.history.1.path",)
    assert made.changes.reads == {Reads("response", 0, "body")}


def test_nothing_to_do_costs_nothing() -> None:
    made = backend(header=[])
    assert not made.changes
    exchange = Exchange(Message(), Message(), Message())
    assert after(made.changes, before(made.changes, exchange, Past()), Past()) is exchange
