"""The course of an endpoint: what ends it, what is handed on, failures, several calls, selects."""

from __future__ import annotations

from typing import Any

import pytest

from apiql.errors import Code, Failure
from apiql.frontends.endpoints.gateway import Gateway
from apiql.frontends.endpoints.lower import RESERVED, lower_endpoint, names_of
from apiql.frontends.endpoints.lowered import Ended
from apiql.ir.explain import as_text
from apiql.runtime.prepare import MERGE_RESERVE
from tests.endpoints.reading import gateway
from tests.endpoints.running import GROUND, Backends, engine, lowered, request, run, selected
from tests.endpoints.writing import HOST, answers, backend, body, header, one

# -- abort --------------------------------------------------------------------------------------

THREE = (backend("/a"), backend("/b"), backend("/c"))


@pytest.mark.parametrize(
    ("abort", "status", "calls"),
    [(None, 399, 3), (None, 400, 2), ([], 500, 3), ([201], 201, 2), ([201], 500, 3)],
)  # fmt: skip
def test_a_status_ends_an_endpoint(abort, status, calls) -> None:
    members = {} if abort is None else {"abort_if_status_codes": abort}
    b = {"status": status, "body": {"b": 1}, "headers": {"X-B": "1"}}
    backends = answers(a={"body": {"a": 1}, "headers": {"X-A": "1"}}, b=b, c={"body": {"c": 1}})
    found = run(one(*THREE, **members), backends)
    told = dict(found.headers)
    assert len(backends.calls) == calls
    assert told["x-gopen-complete"] == ("true" if calls == 3 else "false")
    if calls == 2:
        assert (found.status, body(found)) == (status, {"b": 1})
        assert "x-a" not in told
        assert told["x-b"] == "1"
        assert told["x-gopen-success"] == ("true" if status == 201 else "false")
    else:
        assert [each["code"] for each in body(found)] == [200, status, 200]


def test_a_status_that_is_made_ends_an_endpoint_and_undoes_no_end() -> None:
    made = one(backend("/a", modifiers={"status-code": 500}), backend("/b"))
    backends = answers(a={"body": {}}, b={"body": {}})
    assert (run(made, backends).status, len(backends.calls)) == (500, 1)
    made = one(backend("/a", modifiers={"status-code": 200}), backend("/b"))
    backends = answers(a={"status": 500, "body": {}}, b={"body": {}})
    assert (run(made, backends).status, len(backends.calls)) == (200, 1)


def test_nothing_is_left_where_all_is_omitted() -> None:
    omitted: dict[str, Any] = {"extra_config": {"omit-response": True}}
    found = run(one(backend("/a", **omitted)), answers(a={"body": {}, "headers": {"X-A": "1"}}))
    assert (found.status, found.body, "x-a" in dict(found.headers)) == (204, b"", False)


def test_one_that_is_left_is_mirrored() -> None:
    omitted: dict[str, Any] = {"extra_config": {"omit-response": True}}
    raw = b'{"b":  2}'
    backends = answers(a={"body": {"a": 1}}, b={"status": 202, "raw": raw})
    found = run(one(backend("/a", **omitted), backend("/b")), backends)
    assert (found.status, found.body) == (202, raw)


def test_group_aggregate_and_notations() -> None:
    grouped: dict[str, Any] = {"extra_config": {"group-response": True}}
    assert body(run(one(backend(**grouped)), answers(a={"body": [1]}))) == {"backend-0": [1]}
    made = one(backend("/a", **grouped, name="x"), backend("/b"), aggregate_responses=True)
    assert body(run(made, answers(a={"body": {"q": 1}}, b={"body": {"q": 2}}))) == {
        "x": {"q": 1}, "q": 2,
    }  # fmt: skip
    said = {"a": {"body": {"a": 1}}}
    xml = run(one(backend(), response_encode="XML"), answers(**said))
    assert xml.body == b"<object>\n  <a>1</a>\n</object>"
    assert dict(xml.headers)["content-type"] == "application/xml"
    text = run(one(backend(), response_encode="JSON"), answers(a={"text": "hi"}))
    assert body(text) == {"text": "hi"}


# -- middlewares, history, propagation ----------------------------------------------------------

MIDDLEWARES = {
    "first": backend("/first", "PUT", name="auth", modifiers={
        "header": [{"context": "RESPONSE", "scope": "REQUEST", "propagate": True, "action": "SET",
                    "key": "X-Id", "value": "#response.body.id"}],
    }),
    "last": backend("/last", "POST"),
}  # fmt: skip


def test_middlewares_go_before_and_behind_and_hand_on() -> None:
    made = one(backend(), root={"middlewares": MIDDLEWARES}, beforewares=["first"],
               afterwares=["last"])  # fmt: skip
    backends = Backends({
        f"PUT {HOST}/first": {"body": {"id": 7}}, f"GET {HOST}/a": {"body": {"a": 1}},
        f"POST {HOST}/last": {"status": 201},
    })  # fmt: skip
    found = run(made, backends)
    assert backends.urls == [f"PUT {HOST}/first", f"GET {HOST}/a", f"POST {HOST}/last"]
    assert [dict(call.headers).get("X-Id") for call in backends.calls] == [None, "7", "7"]
    assert (found.status, body(found)) == (200, {"a": 1})


def test_what_is_not_propagated_is_not_handed_on() -> None:
    made = one(backend("/a", modifiers=header("X-Id", "SET", "1")), backend("/b"))
    backends = answers(a={"body": {}}, b={"body": {}})
    run(made, backends)
    assert [dict(call.headers).get("X-Id") for call in backends.calls] == ["1", None]


def test_history_reads_every_call() -> None:
    query = [
        {"context": "REQUEST", "action": "SET", "key": key, "value": value}
        for key, value in (
            ("s", "#response.history.0.statusCode"), ("n", "#response.history.0.body.list.#.n"),
            ("h", "#response.history.0.header.X-A.0"), ("q", "#request.history.0.query.s.0"),
            ("m", "#request.body.name"),
        )
    ]  # fmt: skip
    first = backend("/a", modifiers={"query": [{**query[0], "value": "sent"}]})
    made = one(first, backend("/b", modifiers={"query": query}))
    backends = answers(
        a={"status": 202, "body": {"list": [{"n": 1}, {"n": 2.50}]}, "headers": {"X-A": "x"}},
        b={"body": {}},
    )
    run(made, backends, request({}, {"name": "Ray"}))
    assert backends.calls[1].target == "/b?h=x&m=Ray&n=1&n=2.5&q=sent&s=202"


@pytest.mark.parametrize("notation", ["XML", "TEXT"])
def test_what_is_read_of_the_answer_so_far_is_in_no_notation(notation) -> None:
    value = {"context": "REQUEST", "action": "SET", "key": "q", "value": "#response.body.id"}
    second = backend("/b", modifiers={"query": [value]})
    backends = answers(a={"body": {"id": 7}}, b={"body": {}})
    run(one(backend("/a"), second, response_encode=notation), backends)
    assert backends.calls[1].target == "/b?q=7"


# -- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"modifiers": header("X-A", "SET", "1")}])
def test_a_backend_that_is_not_reached_is_a_502_that_ends_the_endpoint(more) -> None:
    backends = answers(a={"fails": "connection refused"}, b={"body": {}})
    found = run(one(backend("/a", **more), backend("/b"), path="/x"), backends)
    made = body(found)
    assert (found.status, len(backends.calls)) == (502, 1)
    assert made.pop("timestamp").endswith("Z")
    assert made == {
        "file": "dev/.json", "line": 1, "endpoint": "/x",
        "message": "bad gateway error: connection refused",
    }  # fmt: skip
    told = dict(found.headers)
    assert {told[f"x-gopen-{name}"] for name in ("cache", "complete", "success")} == {"false"}


def test_the_time_of_the_endpoint_is_over_for_all_its_calls() -> None:
    for calls in ({"a": {"fails": "timeout"}}, {"a": {"body": {}}, "b": {"fails": "timeout"}}):
        backends = answers(**calls)
        found = run(one(backend("/a"), backend("/b"), timeout="90s"), backends)
        assert (found.status, body(found)["message"]) == (504, "gateway timeout: 1m30s")
        assert backends.calls[0].deadline == pytest.approx(1090.0)
    assert RESERVED == MERGE_RESERVE


def test_a_run_that_cannot_be_is_answered_too() -> None:
    low = lowered(one(backend()))
    late = low.answer(Ended(failure=Failure(Code.QUERY_TIMEOUT, "over")))
    assert (late.status, low.answer(Ended()).status) == (504, 500)


# -- at once ------------------------------------------------------------------------------------


def concurrent(times: int, *more: Any) -> Gateway:
    return one(backend("/a", request={"concurrent": times}), *more)


def test_a_backend_is_called_several_times_at_once() -> None:
    backends = Backends({f"GET {HOST}/a": [{"body": n} for n in range(3)], "*": {"body": 9}})
    found = run(concurrent(3, backend("/b")), backends)
    assert (backends.most, len(backends.calls)) == (3, 4)
    assert [each["backend-0"] for each in body(found)[:1]] == [0]
    assert dict(found.headers)["x-gopen-complete"] == "true"


def test_of_calls_at_once_the_first_that_ends_the_endpoint_counts() -> None:
    said = [{"body": {}}, {"status": 404, "body": {"n": 1}}, {"status": 500, "body": {}}]
    found = run(concurrent(3, backend("/b")), Backends({f"GET {HOST}/a": said}))
    assert (found.status, body(found)) == (404, {"n": 1})


# -- select and explain -------------------------------------------------------------------------


def test_who_selects_says_parameters_and_query() -> None:
    backends = Backends({"*": {"raw": b'{"n": 1.50}'}})
    made = one(backend("/u/:id"), path="/:id")
    found = selected(made, backends, {"id": 7, "q": ["a", 2], "no": None})
    assert backends.calls[0].target == "/u/7?q=a&q=2"
    assert str(found["n"]) == "1.50"
    assert selected(one(backend()), answers(a={"status": 204})) is None
    assert selected(one(backend(), response_encode="XML"), answers(a={"body": [1]})) == [1]


@pytest.mark.parametrize(
    ("said", "code", "status"),
    [
        ({"status": 404, "body": {}}, Code.UPSTREAM_STATUS, 404),
        ({"fails": "refused"}, Code.UPSTREAM_STATUS, 502),
        ({"fails": "timeout"}, Code.QUERY_TIMEOUT, 504),
    ],
)  # fmt: skip
def test_no_success_is_a_failure_of_the_select(said, code, status) -> None:
    failure = selected(one(backend()), answers(a=said))
    assert (failure.code, failure.status) == (code, status)


def test_names_are_those_of_methods_and_paths() -> None:
    paths = ("/users/:id", "/users/id", "/")
    endpoints = [{"path": path, "method": "GET", "backends": [backend()]} for path in paths]
    found = gateway({"port": 1, "endpoints": endpoints})
    assert names_of(found) == ("get_users_id", "get_users_id_2", "get")
    assert lower_endpoint(found.endpoints[1], found, GROUND).name == "get_users_id_2"


def explained(made: Gateway) -> str:
    return as_text(engine(Backends()).defined(lowered(made).plan).plan)


def test_plans_read_well() -> None:
    made = one(backend("/a", name="user"), backend("/b/:id"), backend("/c"), path="/:id",
               root={"middlewares": MIDDLEWARES}, beforewares=["first"])  # fmt: skip
    lines = [line for line in explained(made).splitlines() if line and line[0] != " "]
    assert lines == [
        "plan: 4 tasks, at most 4 upstream calls, depth 4",
        "parameters: $request any",
        f"first: PUT {HOST}/first",
        f"user: GET {HOST}/a",
        f"backend-2: GET {HOST}/b/:id",
        f"backend-3: GET {HOST}/c",
    ]
