"""Who may do what over HTTP: a guard of the test says who asks, the rights what is there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apiql.access.principal import ANYONE, Principal
from apiql.access.rights import Right, Rights, Word
from apiql.demo.serving import serving
from apiql.engine import Engine
from apiql.errors import RequestRefused
from apiql.events import ConfRefused
from apiql.ir.reach import Kind, Name, Reach
from apiql.query_files import QueryFile, QueryFiles
from apiql.rights_files import RightsFiles, RightsRefused, rights_of
from apiql.server.app import app_around, app_of, create_app
from apiql.server.configuration import Place, developing
from apiql.server.current import Current, Held, close_nothing
from apiql.server.reload import Outcome
from apiql.server.sight import Sight
from apiql.server.visit import Visit
from apiql.server.worker import worker
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from tests.server.client import JSON, Response, Site
from tests.server.conf import Folder, running
from tests.server.upstream import Upstream

BASE = {
    "UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9",
    "UPSTREAMS__DEFAULT__SOURCES__USERS__PATH": "/users/{id}",
    "UPSTREAMS__DEFAULT__SOURCES__SECRETS__PATH": "/secrets",
    "UPSTREAMS__DEFAULT__SOURCES__ORDERS__PATH": "/orders",
    "SECURITY__ALLOW_HOSTS": "127.0.0.1:9",
    "SECURITY__ALLOW_PRIVATE_NETWORKS": "true",
    "ANSWER__TIMINGS": "true",
    "ANSWER__PLAN": "true",
}
TEXTS = {
    "open": "select id from /open as a",
    "closed": "select id from secrets as a",
    "folder/closed": "select id from /folder as a",
    "inner": "select id from secrets as a",
    "outer": "select * from query.inner as a",
    "write": "select id post from /write as a",
    "by": "set $id integer; select id from users as a where id = $id",
}
FILES = QueryFiles(tuple(QueryFile(n, 1, f"queries/{n}.apiql", t) for n, t in TEXTS.items()))
LEFT = QueryFiles(
    tuple(
        replace(file, text="select id from /x as a") if file.name == "outer" else file
        for file in FILES.files
        if file.name not in ("closed", "folder/closed", "inner")
    )
)
"""The same without what is hidden."""
WEB = Right(Word.WHITELIST, frozenset({"web"}))
INTERNAL, PUBLIC = Right(Word.INTERNAL), Right(Word.PUBLIC)
CLOSED: Mapping[Name, Right] = {
    (Kind.SOURCE, "secrets"): WEB,
    (Kind.QUERY, "closed"): WEB,
    (Kind.QUERY, "folder/closed"): WEB,
    (Kind.QUERY, "inner"): INTERNAL,
}


async def who_asks(visit: Visit) -> None:
    """Believes whom the test says."""
    visit.challenge = "Test"
    name = visit.fields.get(b"x-who", b"").decode()
    if name:
        scopes = visit.fields.get(b"x-scopes", b"").decode().split()
        visit.principal, visit.challenge = Principal(name, "test", frozenset(scopes)), ""


async def unasked(visit: Visit) -> None:
    """Nobody is asked who he is."""


@dataclass
class Server:
    """A server, and the paths that its upstream was asked for."""

    site: Site
    called: list[str] = field(default_factory=list)
    headers: tuple[tuple[str, str], ...] = ()

    async def layer(self, call: Call) -> Reply:
        self.called.append(call.target)
        return Reply(200, (("content-type", "application/json"), *self.headers), b'{"id": 1}')

    async def ask(self, text: str, who: str = "", scopes: str = "", **more: Any) -> Response:
        """The answer to a text."""
        accept = more.pop("accept", JSON)
        body = json.dumps({"query": text, **more}).encode()
        headers = {"Content-Type": JSON, "X-Who": who, "X-Scopes": scopes, "Accept": accept}
        return await self.site.send("POST", "/apiql", body, headers)

    async def get(self, path: str, who: str = "", scopes: str = "") -> Response:
        """The answer to a GET."""
        return await self.site.send("GET", path, headers={"X-Who": who, "X-Scopes": scopes})


@asynccontextmanager
async def served(
    named: Mapping[Name, Right] | None = None, guard: Any = who_asks, docs: bool = False,
    bare: bool = False, **more: str,
) -> AsyncIterator[Server]:  # fmt: skip
    """A server under these rights; `bare`: one that has nothing of what they hide."""
    given = {f"APIQL_{key}": value for key, value in (BASE | more).items()}
    if bare:
        del given["APIQL_UPSTREAMS__DEFAULT__SOURCES__SECRETS__PATH"]
    settings = load_settings(None, given)
    if docs:
        settings = developing(settings)
    server = Server(Site("http://127.0.0.1:9"))
    engine = Engine(settings, server.layer, LEFT if bare else FILES)
    rights = rights_of(settings, RightsFiles(CLOSED if named is None else named))
    held = Held(engine, close_nothing, guards=(guard,), rights=rights)
    async with serving(app_around(Current(held))) as url:
        server.site = Site(url)
        yield server


def test_what_is_made_up_is_looked_at_once_more() -> None:
    """Whatever a text was taken for before, what its plan reaches decides."""
    rights = Rights(Word.PUBLIC, CLOSED)
    reach = Reach(frozenset({(Kind.SOURCE, "secrets")}))

    class Blind:
        """An engine that sees nothing wrong in a text."""

        def kept(self, _: str) -> None: ...

        def refuse_unseen(self, *_: object) -> None: ...

        def executable(self, _: str) -> Any:
            return SimpleNamespace(reach=reach)

    engine: Any = Blind()
    assert Sight(rights, Principal("web", "test")).executable(engine, "x").reach is reach
    with pytest.raises(RequestRefused, match="may not send this query"):
        Sight(rights, ANYONE).executable(engine, "x")


def test_only_who_is_not_known_is_asked_who_it_is() -> None:
    rights = Rights(Word.KNOWN, CLOSED)
    with pytest.raises(RequestRefused) as asked:
        Sight(rights, ANYONE, "Test").miss()
    assert asked.value.headers == {"WWW-Authenticate": "Test"}
    Sight(rights, Principal("other", "test"), "Test").miss()
    Sight(rights, ANYONE).miss()
    Sight(Rights(Word.PUBLIC, CLOSED), ANYONE, "Test").miss()


def same(first: Response, second: Response, *but: str) -> None:
    """Both say the same, but for what was asked for."""

    def plain(found: Response) -> Any:
        body = found.json()
        body.pop("instance", None)
        text = json.dumps(body)
        for word in but:
            text = text.replace(word, "…")
        return text

    assert first.status == second.status
    assert plain(first) == plain(second)
    names = {name: value for name, value in first.headers.items() if name in second.headers}
    assert first.headers.keys() == second.headers.keys()
    assert names["content-type"] == second.headers["content-type"]


# -- stored queries -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        ("open", "", 200), ("open", "web", 200), ("closed", "", 404), ("closed", "other", 404),
        ("closed", "web", 200), ("closed/1", "", 404), ("closed/1", "web", 200),
        ("folder/closed", "other", 404), ("folder/closed", "web", 200), ("inner", "web", 404),
        ("outer", "", 200), ("nothing", "web", 404),
    ],
)  # fmt: skip
async def test_a_stored_query_by_its_name(path: str, who: str, status: int) -> None:
    async with served() as server:
        found = await server.get(f"/query/{path}", who)
        assert found.status == status
        assert bool(server.called) is (status == 200)
        if status == 404:
            same(found, await server.get("/query/not-there", who), f"/query/{path}")
            assert found.json()["code"] == "QUERY_NOT_FOUND"


async def test_nothing_of_a_hidden_query_is_told_by_other_mistakes() -> None:
    named = {(Kind.QUERY, name): WEB for name in ("write", "by")}
    async with served(named) as server:
        for method, path in (("GET", "write"), ("PUT", "by"), ("GET", "by?id=x"), ("GET", "by")):
            hidden = await server.site.send(method, f"/query/{path}")
            unknown = await server.site.send(method, "/query/not-there")
            same(hidden, unknown)
            assert hidden.status == 404
        body = await server.site.send("POST", "/query/by", b"{", {"Content-Type": "x/y"})
        assert body.status == 404


async def test_what_is_meant_is_only_what_is_there_for_the_caller() -> None:
    async with served(docs=True) as server:
        for who, meant in (("", False), ("web", True)):
            found = (await server.get("/query/folder/close", who)).json()["detail"]
            assert ("folder/closed" in found) is meant
            found = (await server.ask("select * from secretz as x", who)).json()["errors"][0]
            assert ("secrets" in found.get("hint", "")) is meant


async def test_only_what_is_public_is_described() -> None:
    async with served(docs=True) as server:
        paths = (await server.get("/openapi.json", "web")).json()["paths"]
        assert "/query/open" in paths
        assert not {"/query/closed", "/query/folder/closed", "/query/inner"} & paths.keys()


# -- texts ----------------------------------------------------------------------------------------

REFUSED = """
select * from secrets as x
set s as secrets; select * from s as x
select * from /a as x else select * from secrets
select * from /a as x; select * from secrets as y when false
select * from secrets as x where n in [1, 2]
select * from secrets as x where n in $list
select * from secrets as x hidden
select * from secrets as x optional
select * from secrets as x fallback 1
explain select * from secrets as x
explain analyze select * from secrets as x
select * from query.inner as x
select * from query.inner as x where n in [1]
select * from /a as x else select * from query.closed
explain select * from query.closed as x
"""


@pytest.mark.parametrize("accept", [JSON, "text/event-stream", "application/jsonl", "text/plain"])
async def test_a_text_that_names_what_is_not_there(accept: str) -> None:
    async with served() as server, served({}, bare=True) as bare:
        for text in REFUSED.strip().splitlines():
            for _ in range(2):
                found = await server.ask(text, "other", params={"list": [1]}, accept=accept)
                never = await bare.ask(text, "other", params={"list": [1]}, accept=accept)
                assert (found.status, found.codes()) == (422, ["UNKNOWN_SOURCE"]), text
                same(found, never)
                assert not server.called, text
                await server.ask(text, "web", params={"list": [1]})  # from now on it is kept
                server.called.clear()


async def test_a_text_is_answered_to_whom_it_is_there_for() -> None:
    async with served() as server:
        for text in REFUSED.strip().splitlines():
            found = await server.ask(text, "web", params={"list": [1]})
            assert (found.status < 300) is ("inner" not in text), text
        found = await server.ask("select * from query.outer as x", "")
        assert found.json()["data"] == {"x": {"a": {"a": {"id": 1}}}}


async def test_a_persisted_text_is_nobodys_way_around() -> None:
    async with served() as server:
        engine = Engine(load_settings(None, {f"APIQL_{k}": v for k, v in BASE.items()}),
                        server.layer, FILES)  # fmt: skip
        text = "select id from secrets as kept"
        known, stored = engine.id_of(text), engine.id_of(TEXTS["closed"])
        assert (await server.ask(text, "web", id=known)).status == 200
        assert (await server.ask("", "web", id=known)).status == 200
        assert (await server.ask("", "other", id=known)).codes() == ["UNKNOWN_SOURCE"]
        server.called.clear()
        assert (await server.ask("", "web", id=stored)).status == 200
        hidden = await server.ask("", "other", id=stored)
        same(hidden, await server.ask("", "other", id="sha256:" + "0" * 64))
        assert hidden.status == 404
        sent = await server.ask(TEXTS["closed"], "other", id=stored)
        assert sent.codes() == ["UNKNOWN_SOURCE"]
        assert server.called == ["/secrets"]


async def test_where_only_stored_queries_run_a_text_is_the_query_that_it_equals() -> None:
    async with served(QUERIES__MODE="stored-only") as server:
        assert (await server.ask(TEXTS["closed"], "web")).status == 200
        hidden = await server.ask(TEXTS["closed"], "other")
        same(hidden, await server.ask("select id from not_there as a", "other"))
        assert hidden.codes() == ["QUERY_NOT_ALLOWED"]
        assert (await server.ask(TEXTS["outer"], "other")).status == 200
        assert server.called == ["/secrets", "/secrets"]


# -- paths, hosts, the default, who is asked for a proof ------------------------------------------

PATHS = {(Kind.UPSTREAM, "default"): WEB, (Kind.HOST, "127.0.0.1"): WEB}


@pytest.mark.parametrize(
    ("text", "who", "status", "code"),
    [
        ("select * from /a", "web", 200, None),
        ("select * from /a", "other", 403, "FORBIDDEN"),
        ("select * from /a", "", 401, "UNAUTHENTICATED"),
        ("select * from http://127.0.0.1:9/a as x", "web", 200, None),
        ("select * from http://127.0.0.1:9/a as x", "other", 403, "FORBIDDEN_UPSTREAM"),
        ("select * from http://127.0.0.1:9/a as x", "", 403, "FORBIDDEN_UPSTREAM"),
        ("select * from http://127.0.0.2:9/a as x", "web", 403, "FORBIDDEN_UPSTREAM"),
        ("select * from orders", "", 200, None),
        ("select * from orders as o else select * from /b", "other", 403, "FORBIDDEN"),
    ],
)
async def test_paths_and_hosts(text: str, who: str, status: int, code: str | None) -> None:
    async with served(PATHS) as server:
        found = await server.ask(text, who)
        assert found.status == status, found.body
        assert found.codes() == ([] if code is None else [code])
        assert bool(server.called) is (status == 200)
        assert found.headers.get("www-authenticate") == ("Test" if status == 401 else None)


ASKS = ("select * from orders", "select * from not_there", "select * from /a")


async def test_by_default_known_callers_only() -> None:
    named = {(Kind.QUERY, "open"): PUBLIC, (Kind.SOURCE, "users"): PUBLIC}
    async with served(named, RIGHTS__DEFAULT="known") as server:
        asked = [await server.ask(text) for text in ASKS]
        asked += [await server.get(f"/query/{path}") for path in ("outer", "not-there", "write")]
        for found in asked:
            assert (found.status, found.codes()) == (401, ["UNAUTHENTICATED"])
            assert found.headers["www-authenticate"] == "Test"
            assert found.headers["cache-control"] == "no-store"
            same(found, asked[0])
        assert not server.called
        assert (await server.get("/query/open")).status == 200
        assert (await server.ask("select * from users where id = 1")).status == 200
        assert (await server.ask("select * frm x")).status == 400
        known = [(await server.ask(text, "any")).status for text in ASKS]
        assert known == [200, 422, 200]
        assert (await server.get("/query/outer", "any")).status == 200
        assert (await server.get("/query/not-there", "any")).status == 404


async def test_by_default_known_callers_only_and_stored_queries_only() -> None:
    async with served({}, RIGHTS__DEFAULT="known", QUERIES__MODE="stored-only") as server:
        for text in (TEXTS["open"], "select * from not_there"):
            assert (await server.ask(text)).codes() == ["UNAUTHENTICATED"]
        assert (await server.ask(TEXTS["open"], "any")).status == 200


async def test_the_settings_alone_are_rights_too() -> None:
    given = {f"APIQL_{key}": value for key, value in (BASE | SCOPES).items()}
    settings = load_settings(None, given)
    server = Server(Site("http://127.0.0.1:9"))
    engine = Engine(settings, server.layer, FILES)
    for app in (app_of(engine, settings, close_nothing), create_app(settings, FILES)):
        async with serving(app) as url:
            found = await Site(url).ask("select * from orders")
            assert found.codes() == ["UNKNOWN_SOURCE"]


async def test_where_nobody_can_prove_anything_nobody_is_asked_to() -> None:
    async with served({}, unasked, RIGHTS__DEFAULT="known") as server:
        assert [(await server.ask(text)).status for text in ASKS] == [422, 422, 403]
        assert (await server.get("/query/open")).status == 404


async def test_internal_by_default() -> None:
    async with served({}, RIGHTS__DEFAULT="internal") as server:
        for who in ("", "web"):
            assert [(await server.ask(text, who)).status for text in ASKS] == [422, 422, 403]
            assert (await server.get("/query/open", who)).status == 404
        assert not server.called


# -- scopes ---------------------------------------------------------------------------------------

SCOPES: dict[str, Any] = {
    "RIGHTS__DEFAULT": "internal",
    "RIGHTS__SCOPES": '{reader = {methods = ["get"], upstreams = ["*"], sources = ["or*"]}, '
    'front = {queries = ["open", "folder/*"], texts = false}, writer = {upstreams = ["default"]}}',
}


@pytest.mark.parametrize(
    ("ask", "scopes", "expected"),
    [
        ("select * from orders", "reader", 200),
        ("select * from users where id = 1", "reader", 422),
        ("select * from /a", "reader", 200),
        ("select * post from /a", "reader", 403),
        ("select * post from /a", "reader writer", 200),
        ("select * from /a", "front", 403),
        ("select * from /a", "front reader", 200),
        ("select * from /a", "unheard-of", 403),
        ("/query/open", "front", 200),
        ("/query/folder/closed", "front", 200),
        ("/query/outer", "front", 404),
        ("/query/open", "reader", 404),
        ("/query/open", "unheard-of", 404),
    ],
)
async def test_scopes(ask: str, scopes: str, expected: int) -> None:
    async with served({}, **SCOPES) as server:
        asked = server.get if ask.startswith("/") else server.ask
        found = await asked(ask, "any", scopes)
        assert found.status == expected, found.body
        assert bool(server.called) is (expected == 200)


async def test_a_caller_without_texts_is_told_nothing_of_them() -> None:
    async with served({}, **SCOPES) as server:
        for text in ("select * from secrets", "select * from not_there", "select"):
            found = await server.ask(text, "any", "front")
            assert (found.status, found.codes()) == (403, ["QUERY_NOT_ALLOWED"])
        engine = Engine(load_settings(None, {f"APIQL_{k}": v for k, v in BASE.items()}),
                        server.layer, FILES)  # fmt: skip
        text = "select id from orders as kept"
        assert (await server.ask(text, "any", "reader", id=engine.id_of(text))).status == 200
        kept = await server.ask("", "any", "front", id=engine.id_of(text))
        same(kept, await server.ask("", "any", "front", id="sha256:" + "0" * 64))
        assert kept.status == 404
        by_id = await server.ask("", "any", "front", id=engine.id_of(TEXTS["open"]))
        assert by_id.status == 200


# -- caching --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "path", "expected"),
    [
        ("public, max-age=60, s-maxage=90", "closed", "private, max-age=60"),
        ("public, max-age=60", "open", "max-age=60"),
        ("max-age=60, private", "closed", "private, max-age=60"),
        ("no-store", "closed", "no-store"),
        ("", "closed", "private"),
        ("", "open", None),
    ],
)
async def test_what_is_not_everybodys_is_kept_by_no_shared_cache(
    said: str, path: str, expected: str | None
) -> None:
    async with served() as server:
        server.headers = (("cache-control", said),) if said else ()
        found = await server.get(f"/query/{path}", "web")
        assert (found.status, found.headers.get("cache-control")) == (200, expected)
        text = TEXTS[path]
        found = await server.ask(text, "web")
        assert (found.status, found.headers.get("cache-control")) == (200, expected)


async def test_a_blacklist_makes_private_for_all() -> None:
    named = {(Kind.QUERY, "open"): Right(Word.BLACKLIST, frozenset({"bad"}))}
    async with served(named) as server:
        assert (await server.get("/query/open")).headers["cache-control"] == "private"
        assert (await server.get("/query/open", "bad")).status == 404


async def test_an_answer_that_is_kept_is_given_to_nobody_else() -> None:
    """The cache of answers stands behind the rights."""
    async with served() as server:
        server.headers = (("cache-control", "max-age=60"),)
        for _ in range(2):
            assert (await server.get("/query/closed", "web")).status == 200
            assert (await server.get("/query/closed", "other")).status == 404
            assert (await server.ask("select * from secrets as x", "other")).status == 422


async def test_without_rights_nothing_is_looked_at() -> None:
    async with served({}) as server:
        found = await server.ask("select id from secrets as x")
        assert found.status == 200
        assert "cache-control" not in found.headers


# -- the folder -----------------------------------------------------------------------------------

SOURCES = """
[upstreams.default.sources]
user = {path = "/users/1"}
"""


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    """A conf folder with a stored query, and a source that only `web` may use."""
    found = Folder(tmp_path / "conf", up.port)
    found.settings(SOURCES)
    found.query("select name from /users/1 as user")
    write(found, "source/user", {"type": "source", "right": "whitelist", "list": [{"user": "a"}]})
    return found


def write(folder: Folder, name: str, right: object) -> None:
    """Writes a rights file."""
    file = folder.path / "rights" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(right if isinstance(right, str) else json.dumps(right))


@pytest.mark.asyncio(loop_scope="session")
async def test_rights_follow_their_folder(folder: Folder) -> None:
    async with running(folder) as server:
        ask = "select name from user"
        assert (await server.site.ask(ask)).codes() == ["UNKNOWN_SOURCE"]
        assert (await server.site.ask("select * from /users/1")).status == 200
        write(folder, "source/user", {"type": "source", "right": "public"})
        assert await server.looked() is Outcome.LOADED
        assert (await server.site.ask(ask)).json()["data"]["user"]["name"] == "Ada"
        write(folder, "query/q", {"type": "query", "right": "internal"})
        assert await server.looked() is Outcome.LOADED
        assert (await server.site.send("GET", "/query/q")).status == 404
        folder.settings(SOURCES + "[rights]\ndefault = 'internal'")
        assert await server.looked() is Outcome.LOADED
        assert (await server.site.ask("select * from /users/1")).codes() == ["FORBIDDEN"]
        assert (await server.site.ask(ask)).status == 200


@pytest.mark.asyncio(loop_scope="session")
async def test_broken_rights_change_nothing_and_are_told(folder: Folder) -> None:
    async with running(folder) as server:
        await server.looked()
        write(folder, "source/user", '{"type": "source", "right": "pubic"}')
        write(folder, "source/usr", {"type": "source", "right": "public"})
        assert await server.looked() is Outcome.REFUSED
        assert (await server.site.ask("select name from user")).codes() == ["UNKNOWN_SOURCE"]
        assert server.told == [
            ConfRefused(
                (
                    'rights/source/user.json:1:29: VALIDATION: $.right: "pubic" is no right',
                    "rights/source/usr.json: VALIDATION: there is no source usr",
                )
            )
        ]
        (folder.path / "rights/source/usr.json").unlink()
        write(folder, "source/user", {"type": "source", "right": "public"})
        assert await server.looked() is Outcome.LOADED
        assert (await server.site.ask("select name from user")).status == 200


async def test_a_server_does_not_begin_with_broken_rights(folder: Folder) -> None:
    write(folder, "source/user", "{}")
    with pytest.raises(RightsRefused, match=r"user\.json:1:1: VALIDATION: \$: the member type"):
        worker(Place(folder.path, {}), print)
