"""Which plans write: a GET may not carry them out, and what they answer is not used again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apiql.engine import Engine
from apiql.ir.works import Act, Aside, Choose, Compute, Loop, Nested, Send, Work
from apiql.query_files import QueryFile, QueryFiles
from apiql.settings import load_settings
from tests.runtime.test_stated import NOTHING, Upstream, engine, plan, send, task


def called(method: str) -> Send:
    return replace(send("/x"), method=method)


READ = Nested("in", plan(task("x", send("/x"))))
WRITE = Nested("in", plan(task("x", called("post"))))
DEEP = Nested("in", plan(task("x", send("/x")), task("y", WRITE)))
STORED = {
    "reads": "select * from /a as a",
    "writes": "select * from /a as a; select * delete from /b as b when a.x",
    "deep": "select * from query.writes as w",
    "bare": "select * post from /a as a hidden; return 1",
}
FILES = QueryFiles(tuple(QueryFile(n, 1, f"{n}.apiql", text) for n, text in STORED.items()))


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("select * from /a as a", False),
        ("select * head from /a as a", False),
        ("select * from /a as a where id in [1, 2]", False),
        ("select * post from /a as a", True),
        ("select * from /b as b; select * put from /a as a after b", True),
        ("select * patch from /a as a where id in []", True),
        ("select * from /a as a else select * delete from /b", True),
        ("select * from /a as a else select * from /b else select * post from /c", True),
        ("select * post from /a as a when false hidden; return 1", True),
        ("select * from query.reads as q", False),
        ("select * from query.writes as q", True),
        ("select * from query.deep as q", True),
        ("select * from /a as a else select * from query.bare", True),
    ],
)
def test_texts(text: str, writes: bool) -> None:
    environ = {
        "APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9",
        "APIQL_SECURITY__ALLOW_METHODS": "get,head,post,put,patch,delete",
    }
    made = Engine(load_settings(None, environ), Upstream(), FILES)
    assert made.executable(text).writes is writes


@pytest.mark.parametrize(
    ("work", "writes"),
    [
        (send("/x"), False), (called("head"), False), (called("put"), True),
        (Compute(NOTHING), False), (Act("x"), True),
        (READ, False), (WRITE, True), (DEEP, True),
        (Choose(NOTHING, (("a", READ),), READ), False), (Choose(NOTHING, (("a", READ),)), False),
        (Choose(NOTHING, (("a", READ), ("b", DEEP))), True),
        (Choose(NOTHING, (("a", READ),), WRITE), True),
        (Loop(NOTHING, NOTHING, READ, "s"), False), (Loop(NOTHING, NOTHING, DEEP, "s"), True),
        (Aside(READ), True),
    ],
)  # fmt: skip
def test_works_of_definitions(work: Work, writes: bool) -> None:
    """Beside them stands a task that reads."""
    made = engine(Upstream()).defined(plan(task("a", send("/y")), task("b", work)))
    assert made.writes is writes
