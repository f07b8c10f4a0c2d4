"""Which endpoint a path is for; random ones are held against a plain look at each in turn."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.frontends.endpoints.routes import Routes

PATHS = (
    "/", "/users", "/users/:id", "/users/me", "/users/:id/orders", "/users/me/:what",
    "/users/:id/orders/:order", "/a%20b/x", "/:any/x", "/a.b/:p",
)  # fmt: skip
ROUTES = Routes([("GET", path, path) for path in PATHS] + [("POST", "/users/:who", "post")])


def found(path: str, method: str = "GET") -> tuple[str, Mapping[str, str]] | None:
    """The pattern of a path, and its parameters."""
    there = ROUTES.find(method, path)
    return None if there is None else (there.endpoint, there.params)


@pytest.mark.parametrize(
    ("path", "pattern", "params"),
    [
        ("/", "/", {}),
        ("/users", "/users", {}),
        ("/users/:id", "/users/:id", {"id": ":id"}),
        ("/users/7", "/users/:id", {"id": "7"}),
        ("/users/me", "/users/me", {}),
        ("/users/me/orders", "/users/me/:what", {"what": "orders"}),
        ("/users/me/orders/1", "/users/:id/orders/:order", {"id": "me", "order": "1"}),
        ("/users/a%2Fb", "/users/:id", {"id": "a/b"}),
        ("/users/%E4%BD%A0", "/users/:id", {"id": "你"}),
        ("/users/%2541", "/users/:id", {"id": "%41"}),
        ("/users/%zz", "/users/:id", {"id": "%zz"}),
        ("/a b/x", "/a%20b/x", {}),
        ("/a%20b/x", "/a%20b/x", {}),
        ("/users/x", "/users/:id", {"id": "x"}),
    ],
)
def test_the_endpoint_of_a_path(path: str, pattern: str, params: dict[str, str]) -> None:
    assert found(path) == (pattern, params)


@pytest.mark.parametrize(
    "path",
    [
        "", "users", "//", "/users/", "/users//orders", "/users/..", "/users/.", "/users/%2e%2E",
        "/users/%00", "/users/a%0d%0ab", "/users/%ff", "/USERS", "/nowhere", "/users/1/orders/2/3",
        "/" + "a/" * 10_000, "/a.b/%7f",
    ],
)  # fmt: skip
def test_paths_of_nobody(path: str) -> None:
    assert found(path) is None


def test_each_method_has_its_own() -> None:
    assert found("/users/7", "POST") == ("post", {"who": "7"})
    assert found("/users/me", "POST") == ("post", {"who": "me"})
    assert ROUTES.at("/users/me") == {"GET": "/users/me", "POST": "post"}
    assert ROUTES.at("/nowhere") == {}


def test_many_ways_to_go_are_looked_at_once_each() -> None:
    """A name and a parameter at each step: as many ways as the tree has, and no more."""
    names = ["/".join(["", *(("a", ":p")[number >> at & 1] for at in range(10))])
             for number in range(1024)]  # fmt: skip
    routes = Routes(("GET", path, path) for path in names)
    assert routes.find("GET", "/a" * 10) is not None
    assert routes.find("GET", "/a" * 9 + "/") is None
    assert len(list(routes._ends("/a" * 10))) == 1024


SEGMENTS = st.sampled_from(["a", "b", "me", ":x", ":y"])
PATTERNS = st.lists(st.lists(SEGMENTS, min_size=1, max_size=4), max_size=12)
ASKED = st.lists(st.sampled_from(["a", "b", "me", "c", "a/b", "ü"]), min_size=1, max_size=4)


def fits(pattern: list[str], path: list[str]) -> bool:
    pairs = zip(pattern, path, strict=False)
    return len(pattern) == len(path) and all(p[0] == ":" or p == a for p, a in pairs)


@given(PATTERNS, ASKED)
def test_as_a_plain_look_at_each(patterns: list[list[str]], path: list[str]) -> None:
    routes = Routes(("GET", "/" + "/".join(each), tuple(each)) for each in patterns)
    there = routes.find("GET", "".join("/" + quote(each, safe="") for each in path))
    fitting = [each for each in patterns if fits(each, path)]
    if not fitting:
        assert there is None
        return
    assert there is not None
    assert fits(list(there.endpoint), path)
    best = min(tuple(part[0] == ":" for part in each) for each in fitting)
    assert tuple(part[0] == ":" for part in there.endpoint) == best
    assert set(there.params.values()) <= set(path)
