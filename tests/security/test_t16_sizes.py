"""T16: a request that is large in some way (bytes, words, tasks, depth, names) takes the service's
time or memory, or makes calls before it is refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from apiql.errors import QueryRefused, RequestRefused
from apiql.server.envelope import decode_json
from apiql.settings import Limits
from tests.properties.engines import ENGINE
from tests.server.client import JSON, Site
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

SELECT = "select * from /ok as a where x = "
Sent = tuple[str, str, str]
OVER: dict[str, str] = {
    "text_bytes": "select * from /ok" + " " * 70_000,
    "tokens": "select " + "a, " * 3000 + "a from /ok",
    "nesting": SELECT + "(" * 100 + "1" + ")" * 100,
    "name_length": f"select * from /ok as {'a' * 200}",
    "number_digits": SELECT + "9" * 500,
    "literal_bytes": SELECT + "'" + "x" * 20_000 + "'",
    "url_bytes": f"select * from /{'x' * 3000}",
    "path_segments": "select * from " + "/x" * 20,
    "fields": f"select {', '.join(f'f{n}' for n in range(300))} from /ok",
    "params_per_task": "select * from /ok where " + " and ".join(f"p{n} = 1" for n in range(150)),
    "tasks": "; ".join(f"select * from /ok as t{n} where n = {n}" for n in range(30)),
    "calls": "; ".join(
        f"select * from /ok/{{id}} as t{m} where id in {list(range(99))} and m = {m}"
        for m in range(3)
    ),
    "depth": "select * from /ok as t0; " + "; ".join(
        f"select * from /ok as t{n} where x = t{n - 1}.ok" for n in range(1, 12)
    ),
    "aliases_depth": "set a0 as /a; " + "".join(f"set a{n + 1} as a{n}; " for n in range(12))
    + "select * from a12",
}  # fmt: skip


def posted(params: object, extra: str = "") -> bytes:
    return json.dumps({"query": "select * from /ok where v = $v", "params": params}).encode()


BODIES: dict[str, tuple[bytes, int, str]] = {
    "body_bytes": (posted({"v": "x" * 2_000_000}), 413, "BODY_TOO_LARGE"),
    "nesting": (posted({"v": json.loads("[" * 90 + "]" * 90)}), 422, "LIMIT_EXCEEDED"),
    "number_digits": (posted({"v": 1}).replace(b": 1", b": " + b"1" * 401), 422, "LIMIT_EXCEEDED"),
}


@pytest.mark.parametrize("name", OVER)
async def test_each_limit_of_a_text_refuses_by_its_name(
    site: Site, up: Upstream, name: str
) -> None:
    response = await site.ask(OVER[name])
    assert response.status in (400, 422), response.body[:300]
    messages = [error["message"] for error in response.json()["errors"]]
    assert any(f"over the limit {name} =" in message for message in messages), messages[:3]
    assert not up.seen


@pytest.mark.parametrize("empty", [True, False], ids=["nothing in them", "a number in them"])
@pytest.mark.parametrize(
    ("begin", "inside", "end"), [("[", "1", "]"), ('{"a": ', "1", "}")], ids=["lists", "objects"]
)
async def test_brackets_of_a_body_nest_as_deep_as_the_limit_says(
    begin: str, inside: str, end: str, empty: bool
) -> None:
    def nested(depth: int) -> bytes:
        innermost = (begin[0] + end) if empty else begin + inside + end
        return (begin * (depth - 1) + innermost + end * (depth - 1)).encode()

    limits = Limits()
    found = decode_json(nested(limits.nesting), limits)
    assert json.dumps(found) == nested(limits.nesting).decode()
    with pytest.raises(RequestRefused, match=f"nesting = {limits.nesting}"):
        decode_json(nested(limits.nesting + 1), limits)


@pytest.mark.parametrize("inside", ["", "1"], ids=["nothing in them", "a number in them"])
async def test_brackets_of_a_text_nest_as_deep_as_the_limit_says(
    site: Site, up: Upstream, inside: str
) -> None:
    def text(depth: int) -> str:
        return f"select * post from /ok body {'[' * depth}{inside}{']' * depth}"

    limit = Limits().nesting
    assert (await site.ask(text(limit))).status == 200
    called = len(up.seen)
    response = await site.ask(text(limit + 1))
    assert (response.status, response.codes()) == (422, ["LIMIT_EXCEEDED"])
    assert len(up.seen) == called


@pytest.mark.parametrize("name", BODIES)
async def test_each_limit_of_a_body(site: Site, up: Upstream, name: str) -> None:
    body, status, code = BODIES[name]
    response = await site.send("POST", "/apiql", body, {"Content-Type": JSON})
    assert (response.status, response.codes()) == (status, [code])
    assert not up.seen


async def test_headers(site: Site, up: Upstream) -> None:
    response = await site.ask("select * from /ok", None, None, **{"X_Big": "x" * 70_000})
    assert response.status == 431
    assert not up.seen


# -- what it costs --------------------------------------------------------------------------------


def took(text: str) -> float:
    begun = time.thread_time()
    try:
        ENGINE.plan(text)
    except QueryRefused:
        pass
    return time.thread_time() - begun


GROWING: dict[str, Callable[[int], str]] = {
    "one literal": lambda n: SELECT + "'" + "x" * n * 10 + "'",
    "fields": lambda n: f"select {', '.join(f'f{m}' for m in range(n // 10))} from /ok",
    "parameters": lambda n: "select * from /a where " + " and ".join(
        f"p{m} = {m}" for m in range(n // 20)
    ),
    "selects": lambda n: "; ".join(
        f"select * from /a as t{m} where n = {m}" for m in range(n // 80)
    ),
    "comments": lambda n: "/* x */" * n + "select * from /ok",
    "blanks": lambda n: " " * (n * 20) + "select * from /ok",
    "brackets": lambda n: SELECT + "[" + "[1]," * (n // 2) + "1]",
}  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
async def test_twice_as_much_costs_about_twice(name: str) -> None:
    """Quadratic would be four times; thread time, the least of several, and a floor for noise."""
    text = GROWING[name]
    single, double = (min(took(text(n)) for _ in range(5)) for n in (1000, 2000))
    assert double < 3.3 * single + 0.01
