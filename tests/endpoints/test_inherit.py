"""What endpoints inherit, and defaults."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apiql.frontends.endpoints.caching import SUCCESS, CacheRules
from apiql.frontends.endpoints.folder import read_gateway
from apiql.frontends.endpoints.gateway import Caching, Cors, Limits, Rate, Redis, Role
from tests.endpoints.reading import DATA, VALUES, endpoint, gateway

S = 10**9
MB = 1 << 20


def test_what_nobody_says() -> None:
    found = endpoint({})
    assert found.timeout == 30 * S
    assert found.limits == Limits(MB, 3 * MB, 5 * MB, None)
    assert found.caching is None
    assert found.abort_if is None
    assert found.shape.notation is None
    (call,) = found.calls
    assert (call.role, call.backend.concurrent, call.backend.status) == (Role.BACKEND, 1, 0)
    assert gateway({"port": 1}).cors == Cors()


@pytest.mark.parametrize(
    ("own", "root", "timeout"),
    [(None, None, 30 * S), (None, "5m", 300 * S), ("1h30m", "5m", 5400 * S)],
)
def test_timeouts(own: str | None, root: str | None, timeout: int) -> None:
    members = {} if own is None else {"timeout": own}
    found = endpoint(members, **({} if root is None else {"timeout": root}))
    assert found.timeout == timeout


def test_limits_member_by_member() -> None:
    root = {"max-header-size": "2MB", "max-body-size": "1.5GB", "rate": {"capacity": 9}}
    own = {"max-header-size": "1B", "rate": {"capacity": 2, "every": "1m"}}
    found = endpoint({"limiter": own}, limiter=root).limits
    assert found == Limits(1, 1536 * MB, 5 * MB, Rate(2, 60 * S))
    assert endpoint({}, limiter=root).limits.rate == Rate(9, S)


ROOT: dict[str, Any] = {"duration": "1m"}
ON: dict[str, Any] = {"enabled": True}
GET = frozenset({"GET"})


@pytest.mark.parametrize(
    ("own", "root", "caching"),
    [
        (None, ROOT, None),
        ({"enabled": False, "duration": "1s"}, ROOT, None),
        (ON, ROOT, Caching(60 * S, (), SUCCESS, GET)),
        (
            ON,
            {**ROOT, "strategy-headers": ["A"], "only-if-status-codes": [200],
             "only-if-methods": ["PUT"], "allow-cache-control": True},
            Caching(60 * S, ("A",), frozenset({200}), frozenset({"PUT"}), True),
        ),
        (
            {**ON, "duration": "1s", "strategy-headers": [], "only-if-status-codes": [],
             "allow-cache-control": False, "ignore-query": True},
            {**ROOT, "strategy-headers": ["A"], "only-if-status-codes": [200],
             "allow-cache-control": True},
            Caching(S, (), SUCCESS, GET, False, True),
        ),
        ({**ON, "duration": "1s"}, None, Caching(S, (), SUCCESS, GET)),
        (ON, {**ROOT, "only-if-status-codes": [], "only-if-methods": []},
         Caching(60 * S, (), None, None)),
    ],
)  # fmt: skip
def test_caches(own: Any, root: Any, caching: Caching | None) -> None:
    members = {} if own is None else {"cache": own}
    assert endpoint(members, **({} if root is None else {"cache": root})).caching == caching


@pytest.mark.parametrize(
    ("listed", "documented", "as_it_does"),
    [(None, (SUCCESS, GET), (None, None)), ([], (None, None), (SUCCESS, GET))],
)
def test_where_the_gateway_differs_from_its_documentation(
    listed: Any, documented: Any, as_it_does: Any
) -> None:
    empty: dict[str, Any] = {"only-if-status-codes": [], "only-if-methods": []}
    lists = {} if listed is None else empty
    backend = {"hosts": ["http://a.test"], "path": "/", "method": "GET"}
    one = {"path": "/a", "method": "GET", "cache": {"enabled": True}, "backends": [backend]}
    text = json.dumps({"port": 1, "cache": {"duration": "1s", **lists}, "endpoints": [one]})
    for rules, expected in (
        (CacheRules.DOCUMENTED, documented),
        (CacheRules.AS_IT_DOES, as_it_does),
    ):
        found, _ = read_gateway(text, "f", {}, rules)
        assert found is not None
        caching = found.endpoints[0].caching
        assert caching is not None
        assert (caching.statuses, caching.methods) == expected


@pytest.mark.parametrize("name", ["seed002_example.json", "readme_8efe98b_full_example.json"])
def test_the_whole_configuration(name: str) -> None:
    text = (DATA / "configs" / name).read_text("utf-8")
    found, problems = read_gateway(text, name, {**VALUES, "REDIS_PASSWORD": "hunter2"})
    assert found is not None
    assert problems == ()
    assert (found.port, found.version, found.hot_reload) == (8080, "v1.0.0", True)
    assert found.redis == Redis("redis.test:6379", "hunter2")
    (one,) = found.endpoints
    assert one.timeout == 10 * S
    assert one.caching == Caching(30 * S, (), SUCCESS, GET)
    assert one.limits == Limits(MB, MB, MB, Rate(10, S))
    assert one.abort_if == frozenset()
    before, backend = one.calls
    assert (before.role, before.middleware) == (Role.BEFORE, "save-device")
    assert backend.backend.hosts == ("http://user.test",)
    assert backend.backend.forward_headers == ("X-Device-Id", "X-Forwarded-For", "X-Trace-Id")
    assert backend.backend.status == 0
    assert one.shape.expected == 2
    assert [part.is_omitted for part in one.shape.parts] == [True, False]


def test_secrets_are_not_shown() -> None:
    values = {"PASSWORD": "hunter2", "KEY": "hunter2", "HOST": "http://a.test", "ALL": '"hunter2"'}
    modifiers = [
        {"context": "REQUEST", "action": "SET", "key": "X-Key", "value": "Bearer $KEY"},
        {"context": "REQUEST", "action": "SET", "key": "X-Other", "value": "plain"},
    ]
    backend = {"hosts": ["$HOST"], "path": "/", "method": "GET", "modifiers": {"header": modifiers}}
    config = {
        "port": 1,
        "store": {"redis": {"address": "r:1", "password": "$PASSWORD"}},
        "endpoints": [{"path": "/a", "method": "GET", "backends": [backend]}],
    }
    found = gateway(config, values)
    assert found.redis is not None
    assert found.redis.password == "hunter2"
    assert "hunter2" not in f"{found.settings}"
    assert "hunter2" not in repr(found.redis)
    shown: Any = found.settings
    assert shown["endpoints"][0]["backends"][0]["hosts"] == ["http://a.test"]
    told = shown["endpoints"][0]["backends"][0]["modifiers"]["header"]
    assert [each["value"] for each in told] == ["Bearer $KEY", "plain"]
    text = '{"port": 1, "store": {"redis": {"address": "r:1", "password": $ALL}}}'
    assert gateway(text, values).settings["store"] == {
        "redis": {"address": "r:1", "password": "********"}
    }


def test_parameters_that_calls_hand_on() -> None:
    """A parameter that one call sets and propagates, in either phase, may stand in later paths."""

    def call(path: str, **modifier: Any) -> dict[str, Any]:
        change = {"action": "SET", "value": "#response.history.0.body.id", **modifier}
        made = {"hosts": ["http://a.test"], "path": path, "method": "GET"}
        return {**made, "modifiers": {"param": [change]}} if modifier else made

    first = call("/", context="RESPONSE", key="id", propagate=True)
    second = call("/:id", context="REQUEST", key="own")
    backends = [first, second, call("/:id")]
    assert len(endpoint({"backends": backends}).calls) == 3
    config = {"port": 1, "endpoints": [{"path": "/a", "method": "GET", "backends": backends}]}
    for path, wrong in (("/:own", ":own is no parameter"), ("/:idx", ":idx is no parameter")):
        backends[2]["path"] = path
        found, (problem,) = read_gateway(json.dumps(config), "f", {})
        assert found is None
        assert wrong in problem.wrong


def test_concurrent_of_the_later_format() -> None:
    backend = {"hosts": ["http://a.test"], "path": "/", "method": "GET"}
    found = endpoint({"backends": [{**backend, "request": {"concurrent": 3}}]})
    assert found.calls[0].backend.concurrent == 3


def test_a_middleware_that_is_not_there_keeps_an_endpoint_from_being_complete() -> None:
    found = endpoint({"beforewares": ["x"], "afterware": ["y", "y"]})
    assert found.unknown == ("x", "y", "y")
    assert (len(found.calls), found.shape.expected) == (1, 4)
