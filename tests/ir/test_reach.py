"""What a plan can reach: all of it, whatever a run does; of a stored query nothing inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiql.definition_files import read_definitions
from apiql.engine import Engine
from apiql.errors import QueryRefused
from apiql.ir.reach import Kind, Seen
from apiql.query_files import QueryFile, QueryFiles
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from apiql.template_files import TemplateFile, TemplateFiles

SETTINGS = load_settings(
    None,
    {
        "APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9/base",
        "APIQL_UPSTREAMS__DEFAULT__SOURCES__USERS__PATH": "/users/{id}",
        "APIQL_UPSTREAMS__DEFAULT__SOURCES__MAKE__PATH": "/make",
        "APIQL_UPSTREAMS__DEFAULT__SOURCES__MAKE__METHOD": "post",
        "APIQL_UPSTREAMS__OTHER__URL": "http://127.0.0.1:8",
        "APIQL_UPSTREAMS__OTHER__SOURCES__POSTS__PATH": "/posts",
        "APIQL_UPSTREAMS__OTHER__SOURCES__POSTS__BULK": '{param = "ids", key = "id"}',
        "APIQL_SECURITY__ALLOW_HOSTS": "api.example,other.example:*",
    },
)
QUERIES = QueryFiles(
    (
        QueryFile("inner", 1, "inner.apiql", "select * from users where id = $id"),
        QueryFile("shop/cart", 1, "cart.apiql", "select * from query.inner where id = 1"),
        QueryFile("shop/cart", 2, "cart@2.apiql", "select * from posts"),
    )
)


async def nowhere(call: Call) -> Reply:
    raise AssertionError(call)


CART = TemplateFile("shop/cart", "cart.json", '{"Output": {"a": "<<a>>"}}')
ENGINE = Engine(SETTINGS, nowhere, QUERIES, TemplateFiles((CART,)))

REACHED = """
select * from users where id = 1  | source users
select * from posts as p  | source posts
select * from make  | source make
select * from /users/7  | upstream default get
select * post from /users  | upstream default post
select * from https://api.example/x  | host api.example get
select * from https://OTHER.example:77/x  | host other.example get
set u as users; set v as u; select * from v where id = 1  | source users
set u as users; select * from /x  | upstream default get
select * from /x else select * from posts  | upstream default get, source posts
select * from /x else select * from /y else select * from make  | upstream default get, source make
select * from users where id in [1, 2]  | source users
select * from posts where id in [1, 2] batch 2  | source posts
select * from posts as p where id in $ids  | source posts
select * from users when $no where id = 1  | source users
select * from users hidden where id = 1  | source users
select * from query.shop.cart  | query shop/cart
select * from template.shop.cart as t where a = 1  | template shop/cart
select * from query.shop."cart@1"  | query shop/cart
select * from query.inner where id in [1, 2]  | query inner
select * from /x else select * from query.inner where id = 1  | upstream default get, query inner
select * from users as a where id = 1 join select * from /users/{id} as b where id = 1 \
 | source users, upstream default get
explain select * from users where id = 1  | source users
explain analyze select * from users where id = 1  | source users
select * head from /x as a join select * delete from /x as b  | upstream default head delete
"""


def shown(text: str) -> tuple[set[str], set[str]]:
    reach = ENGINE.executable(text).reach
    return {f"{kind} {name}" for kind, name in reach.names}, set(reach.methods)


@pytest.mark.parametrize("line", REACHED.replace("\\\n", "").strip("\n").splitlines())
def test_what_a_text_reaches(line: str) -> None:
    text, _, expected = line.rpartition("|")
    found = [part.split() for part in expected.split(",")]
    names = {f"{kind} {name}" for kind, name, *_ in found}
    methods = {method for _, _, *more in found for method in more}
    assert shown(text.strip()) == (names, methods)


def test_equal_reads_of_different_names_are_both_reached() -> None:
    text = "select * from users as a where id = 1 join select * from /users/{id} as b where id = 1"
    made = ENGINE.executable(text)
    assert len(made.plan.tasks) == 1
    assert len(made.reach.names) == 2


@pytest.mark.parametrize(
    ("text", "gone", "refused"),
    [
        (
            "select * from users where id = 1",
            "source users",
            "the source `users` is not known here",
        ),
        (
            "select * from userz where id = 1",
            "source users",
            "the source `userz` is not known here",
        ),
        (
            "select * from query.inner where id = 1",
            "query inner",
            "`query.inner` is not known here",
        ),
        ('select * from query.shop."cart@1"', "query shop/cart", "is not known here"),
        ("select * from /x else select * from posts", "source posts", "`posts` is not known here"),
        ("select * from http://api.example/x", "host api.example", "may not call api.example"),
        ("select * from /x", "upstream default", "this caller may write no paths"),
    ],
)
def test_what_is_not_seen_is_as_if_it_were_not_there(text: str, gone: str, refused: str) -> None:
    seen = Seen(lambda kind, name: f"{kind} {name}" != gone)
    with pytest.raises(QueryRefused, match=refused) as caught:
        ENGINE.refuse_unseen(text, seen)
    assert gone.split()[1] not in str(caught.value.problems[0].hint)
    everything = Seen(lambda kind, name: True)
    if "userz" not in text:
        ENGINE.refuse_unseen(text, everything)


def test_a_definition_whose_name_has_dots_is_reached_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "apis" / "shop").mkdir(parents=True)
    text = '{"name": "x", "url": "http://127.0.0.1:9/x", "method": "GET"}'
    for name in ("secret.api.json", "shop/cart.json"):
        (tmp_path / "apis" / name).write_text(text)
    engine = Engine(SETTINGS, nowhere, definitions=read_definitions(tmp_path))
    for source, name in (("secret.api", "secret.api"), ("shop.cart", "shop/cart")):
        text = f"select * from httpapi.{source}"
        assert engine.executable(text).reach.names == {(Kind.HTTPAPI, name)}
        seen = Seen(lambda kind, of, gone=name: of != gone)  # type: ignore[misc]
        with pytest.raises(QueryRefused, match="is not known here"):
            engine.refuse_unseen(text, seen)


@pytest.mark.parametrize(
    ("text", "gone", "hint"),
    [
        ("select * from nosuch", "", "a path begins with `/`"),
        ("select * from no.such", "", None),
        ("select * from nosuch", "upstream default", None),
    ],
)
def test_who_may_write_paths_is_told_how(text: str, gone: str, hint: str | None) -> None:
    seen = Seen(lambda kind, name: f"{kind} {name}" != gone)
    with pytest.raises(QueryRefused) as caught:
        ENGINE.refuse_unseen(text, seen)
    assert caught.value.problems[0].hint == hint


def test_methods_that_are_not_seen() -> None:
    seen = Seen(lambda kind, name: True, frozenset({"get"}))
    with pytest.raises(QueryRefused, match="queries may not call with post"):
        ENGINE.refuse_unseen("select * post from /x", seen)
    ENGINE.refuse_unseen("select * from make", seen)
    ENGINE.refuse_unseen("select * from /x", seen)


def test_kinds_are_those_of_the_folders() -> None:
    assert [kind.value for kind in Kind] == [
        "query", "template", "source", "upstream", "host", "httpapi", "flow", "schedule",
        "endpoint",
    ]  # fmt: skip
