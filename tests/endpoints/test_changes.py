"""Every action of every modifier in a real plan, and that nothing which is handed on is changed."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.frontends.endpoints.answering import answerer
from apiql.frontends.endpoints.calling import Sent, begun, concluder, preparer
from apiql.frontends.endpoints.gateway import Endpoint
from apiql.frontends.endpoints.lone import is_lone, lone_answer, lone_request
from apiql.frontends.endpoints.lowered import Ended
from apiql.frontends.endpoints.message import Message
from apiql.frontends.endpoints.state import State
from apiql.plugins import Moment
from apiql.runtime.stated import Found
from tests.endpoints.reading import gateway
from tests.endpoints.running import GROUND, Backends, request, run

HOST = "http://a.test"
MOMENT = Moment(0, lambda count: 0)


def changed(target: str, action: str, key: str, value: str | None, context: str) -> Any:
    found = {"context": context, "action": action, "key": key}
    modifier = found if value is None else {**found, "value": value}
    backend = {"hosts": [HOST], "path": "/p/:id", "method": "POST"}
    endpoint = {
        "path": "/:id/:x", "method": "POST",
        "backends": [{**backend, "modifiers": {target: [modifier]}}],
    }  # fmt: skip
    return gateway({"port": 1, "endpoints": [endpoint]})


def carried_out(target: str, action: str, key: str, value: str | None, context: str) -> Any:
    said = {"headers": {"X-A": "1"}, "body": {"a": 1, "b": {"c": "x"}}}
    backends = Backends({"*": said})
    asked = request({"X-A": "1"}, {"a": 1, "b": {"c": "x"}}, params={"id": "7", "x": "8"}, q="1")
    answer = run(changed(target, action, key, value, context), backends, asked)
    assert answer.status == 200
    return backends.calls[0], answer


@pytest.mark.parametrize(
    ("action", "key", "value", "expected"),
    [
        ("ADD", "X-A", "2", ["1", "2"]), ("ADD", "X-B", "2", ["2"]),
        ("APD", "X-A", "2", ["1", "2"]), ("APD", "X-B", "2", []),
        ("SET", "X-A", "2", ["2"]), ("SET", "X-B", '["3","4"]', ["3", "4"]),
        ("RPL", "X-A", "2", ["2"]), ("RPL", "X-B", "2", []), ("REN", "X-A", "X-B", []),
        ("DEL", "X-A", None, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("context", ["REQUEST", "RESPONSE"])
def test_header_fields(action, key, value, expected, context) -> None:
    call, answer = carried_out("header", action, key, value, context)
    if context == "REQUEST":
        assert [text for name, text in call.headers if name == key] == expected
    else:
        joined = [", ".join(expected)] if expected else []
        assert [text for name, text in answer.headers if name == key.lower()] == joined
    if action == "REN":
        fields = call.headers if context == "REQUEST" else answer.headers
        assert ("X-B" if context == "REQUEST" else "x-b", "1") in fields


@pytest.mark.parametrize(
    ("target", "action", "key", "value", "expected"),
    [
        ("query", "ADD", "q", "2", "/p/7?q=1&q=2"), ("query", "APD", "z", "2", "/p/7?q=1"),
        ("query", "SET", "q", "a b", "/p/7?q=a+b"), ("query", "RPL", "q", "3", "/p/7?q=3"),
        ("query", "REN", "q", "z", "/p/7?z=1"), ("query", "DEL", "q", None, "/p/7"),
        ("query", "SET", "q", "#request.params.x", "/p/7?q=8"),
        ("param", "SET", "id", "é", "/p/%C3%A9?q=1"), ("param", "SET", "new", "n", "/p/7/n?q=1"),
        ("param", "RPL", "id", "9", "/p/9?q=1"), ("param", "REN", "id", "y", "/p/7?q=1"),
        ("param", "DEL", "id", None, "/p?q=1"),
    ],
)  # fmt: skip
def test_urls(target, action, key, value, expected) -> None:
    assert carried_out(target, action, key, value, "REQUEST")[0].target == expected


@pytest.mark.parametrize(
    ("action", "key", "value", "expected"),
    [
        ("ADD", "a", "2", {"a": [1, 2], "b": {"c": "x"}}), ("APD", "z", "2", None),
        ("APD", "b.c", "y", {"a": 1, "b": {"c": ["x", "y"]}}), ("RPL", "z", "2", None),
        ("SET", "b.d.0", "true", {"a": 1, "b": {"c": "x", "d": [True]}}),
        ("RPL", "a", "2.50", {"a": 2.5, "b": {"c": "x"}}),
        ("REN", "b.c", "e.f", {"a": 1, "b": {}, "e": {"f": "x"}}),
        ("DEL", "b", None, {"a": 1}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("context", ["REQUEST", "RESPONSE"])
def test_bodies(action, key, value, expected, context) -> None:
    call, answer = carried_out("body", action, key, value, context)
    raw = call.body if context == "REQUEST" else answer.body
    assert raw is not None
    assert json.loads(raw) == (expected or {"a": 1, "b": {"c": "x"}})
    if expected is None:
        assert raw == b'{"a": 1, "b": {"c": "x"}}'


# -- nothing is changed in place ----------------------------------------------------------------

TEXTS = st.sampled_from(
    ["1", "x", "#request.body.a", "#response.body.b", "#request.history.0.body.a",
     "#response.history.1.body.c", "[1,2]", '{"q": [1]}']
)  # fmt: skip
KEYS = st.sampled_from(["X-A", "a", "b.c", "a.0", "id"])
ACTIONS = {
    "header": ("ADD", "APD", "SET", "RPL", "REN", "DEL"),
    "query": ("ADD", "APD", "SET", "RPL", "REN", "DEL"),
    "body": ("ADD", "APD", "SET", "RPL", "REN", "DEL"),
}


@st.composite
def modifiers(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for target in draw(st.lists(st.sampled_from([*ACTIONS]), unique=True)):
        context = draw(st.sampled_from(["REQUEST", "RESPONSE"]))
        modifier: dict[str, Any] = {
            "context": context, "action": draw(st.sampled_from(ACTIONS[target])),
            "key": draw(KEYS), "value": draw(TEXTS),
        }  # fmt: skip
        if context == "REQUEST":
            modifier["propagate"] = draw(st.booleans())
        if modifier["action"] == "REN":
            modifier["value"] = draw(st.sampled_from(["X-B", "z"]))
        if modifier["action"] == "DEL":
            del modifier["value"]
        found[target] = [modifier]
    return found


def endpoint_of(changes: list[dict[str, Any]], **members: Any) -> Endpoint:
    backends = [
        {"hosts": [HOST], "path": f"/{at}", "method": "GET", "modifiers": each}
        for at, each in enumerate(changes)
    ]
    endpoint = {"path": "/x", "method": "GET", "backends": backends, **members}
    return gateway({"port": 1, "endpoints": [endpoint]}).endpoints[0]


JSON = st.sampled_from([b'{"a":[1,{"b":2}],"b":{"c":1.50}}', b"[1,2]", b"text", b""])
REPLIES = st.builds(
    lambda status, data, pairs: Found(data, b"", status, tuple(pairs)),
    st.sampled_from([200, 204, 301, 404, 500]),
    JSON,
    st.lists(
        st.sampled_from([
            ("content-type", "application/json"), ("content-type", "text/plain"), ("x-a", "1"),
            ("x-a", "2"), ("set-cookie", "a"), ("set-cookie", "b"), ("date", "d"), ("etag", "e"),
            ("connection", "close"), ("x-gopen-cache", "true"),
        ]),
        max_size=6,
    ),
)  # fmt: skip


TRACED = {"X-Forwarded-For": "1.1.1.1, 9.9.9.9", "X-Trace-Id": "t"}


@given(st.lists(modifiers(), min_size=1, max_size=3), st.lists(REPLIES, min_size=3, max_size=3))
def test_states_are_never_changed(changes, replies) -> None:
    endpoint = endpoint_of(changes, **{"abort-if-status-codes": [500]})
    state = begun(None, request({"X-A": "1", **TRACED}, {"a": [1], "b": {"c": 2}}, a="1"))
    known: list[tuple[State, str]] = [(state, repr(state))]
    for call, reply in zip(endpoint.calls, replies, strict=False):
        sent = preparer(endpoint, call.backend)(MOMENT, state)
        if isinstance(sent, Sent):
            state = concluder(endpoint, call.backend)(sent, reply)
            known.append((state, repr(state)))
    first = answerer(endpoint, "f", GROUND)(Ended(state))
    assert answerer(endpoint, "f", GROUND)(Ended(state)) == first
    for found, before in known:
        assert repr(found) == before


@given(REPLIES, st.booleans(), st.booleans(), st.booleans())
def test_a_lone_backend_comes_to_what_states_come_to(reply, lists, traced, has_body) -> None:
    listed = {"forward-headers": ["x-b"], "forward-queries": ["q"]} if lists else {}
    backend = {"hosts": [HOST], "path": "/p/:id", "method": "GET", **listed}
    config = {"path": "/:id/:x", "method": "GET", "backends": [backend]}
    (endpoint,) = gateway({"port": 1, "endpoints": [config]}).endpoints
    assert is_lone(endpoint)
    fields = {"X-A": "1", "X-B": "2", "Host": "h", **(TRACED if traced else {})}
    asked: Message = request(
        fields, {"a": 1} if has_body else None, params={"id": "7"}, q="1", z="2"
    )
    own = endpoint.calls[0].backend
    sent = preparer(endpoint, own)(MOMENT, begun(None, asked))
    assert isinstance(sent, Sent)
    assert lone_request(own)(MOMENT, asked) == sent.outgoing
    state = concluder(endpoint, own)(sent, reply)
    ours, theirs = lone_answer(reply), answerer(endpoint, "f", GROUND)(Ended(state))
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert sorted(ours.headers, key=itemgetter(0)) == sorted(theirs.headers, key=itemgetter(0))
