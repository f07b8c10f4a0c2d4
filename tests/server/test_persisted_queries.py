"""Texts called by their ids, and the modes in which only stored texts are run."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.engine import Engine, Query
from apiql.errors import Code, RequestRefused
from apiql.events import UnknownQuery
from apiql.runtime.step import Executable
from apiql.server.app import create_app
from apiql.server.media import Wanted
from apiql.server.notices import MOST_IDS, MOST_SHOWN, NoticeLog
from apiql.server.persisted import Persisted
from apiql.server.read import Asked
from apiql.settings import Settings
from tests.server.client import JSON, PROBLEM, Response, Site
from tests.server.conftest import settings_for
from tests.server.test_stored_queries import files
from tests.server.upstream import Upstream
from tests.test_engine import engine

loop = pytest.mark.asyncio(loop_scope="session")

TEXT = "select name from /users/{id} as user where id = $id"
OTHER = "select ok from /ok as other"
STORED = {
    "user": "set $id integer; select name from /users/{id} as user where id = $id",
    "bare": "use envelope none; select ok from /ok as ok; return ok",
}
id_of = engine().id_of
IDS = {name: id_of(text) for name, text in STORED.items()}
ID, OTHER_ID = id_of(TEXT), id_of(OTHER)
NOBODY = "sha256:" + "0" * 64


async def ask(site: Site, **members: Any) -> Response:
    """The answer to an envelope."""
    return await site.send("POST", "/apiql", json.dumps(members).encode(), {"Content-Type": JSON})


def code(response: Response) -> tuple[int, list[str]]:
    """The status and the codes of all errors."""
    return response.status, response.codes()


@asynccontextmanager
async def server(up: Upstream, **more: str) -> AsyncIterator[Site]:
    """A server of its own, with stored queries."""
    async with serving(create_app(settings_for(up, **more), files(STORED))) as url:
        yield Site(url)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def strict(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """A server that runs stored queries only."""
    async with server(shared_upstream, QUERIES__MODE="stored-only") as found:
        yield found


# -- ids ----------------------------------------------------------------------------------------


@loop
async def test_a_text_is_sent_once_and_then_called_by_its_id(up: Upstream) -> None:
    async with server(up) as site:
        unknown = await ask(site, id=ID, params={"id": 1})
        assert (unknown.media, code(unknown)) == (PROBLEM, (404, ["QUERY_NOT_FOUND"]))
        assert not up.seen
        told = await ask(site, id=ID, query=TEXT, params={"id": 1})
        again = await ask(site, id=ID, params={"id": 2})
        in_url = await site.send("GET", f"/apiql?id={ID}&params=" + quote(json.dumps({"id": 1})))
        found = [response.json() for response in (told, again, in_url)]
    names = [answer["data"]["user"]["name"] for answer in found]
    assert names == ["Ada", "Bo", "Ada"]


@loop
async def test_a_text_may_be_written_otherwise_than_the_one_its_id_is_made_of(site: Site) -> None:
    spaced = TEXT.replace(" ", "\n  ").replace("select", "SELECT") + " -- a comment"
    response = await ask(site, id=ID, query=spaced, params={"id": 1})
    assert response.json() == {"data": {"user": {"name": "Ada"}}}


@loop
@pytest.mark.parametrize("query", [OTHER, TEXT.replace("$id", "1"), TEXT.replace("name", "id")])
async def test_an_id_of_another_text_is_refused_and_nothing_kept(up: Upstream, query: str) -> None:
    async with server(up) as site:
        for _ in range(2):
            response = await ask(site, id=NOBODY, query=query, params={"id": 1})
            assert (response.media, code(response)) == (PROBLEM, (422, ["VALIDATION"]))
            assert id_of(query) in response.json()["detail"]
        assert code(await ask(site, id=NOBODY)) == (404, ["QUERY_NOT_FOUND"])
        assert (await ask(site, id=ID, query=TEXT, params={"id": 1})).status == 200
        wrong = await ask(site, id=ID, query=query, params={"id": 1})
        assert code(wrong) == (422, ["VALIDATION"])
        assert (await ask(site, id=ID, params={"id": 1})).json() == {
            "data": {"user": {"name": "Ada"}}
        }


@loop
async def test_a_text_that_cannot_be_run_is_not_kept(site: Site) -> None:
    wrong = "select * from nosuch as n"
    known_as = id_of(wrong)
    assert code(await ask(site, id=known_as, query=wrong)) == (422, ["UNKNOWN_SOURCE"])
    assert code(await ask(site, id=known_as)) == (404, ["QUERY_NOT_FOUND"])
    assert code(await ask(site, id=known_as, query="select")) == (400, ["SYNTAX"])


@loop
@pytest.mark.parametrize(
    "known_as", [5, "", "sha256:", ID.upper(), ID[:-1], ID + "0", "md5:" + "0" * 64, ["x"]]
)
async def test_what_is_no_id(site: Site, known_as: object) -> None:
    assert code(await ask(site, id=known_as, query=TEXT)) == (422, ["VALIDATION"])
    assert code(await ask(site, id=known_as)) == (422, ["VALIDATION"])


@loop
async def test_an_id_of_null_is_none(site: Site) -> None:
    assert (await ask(site, id=None, query=OTHER)).status == 200
    assert code(await ask(site, id=None)) == (422, ["VALIDATION"])
    assert code(await ask(site, id=ID, query=5)) == (422, ["VALIDATION"])


@loop
async def test_an_id_in_the_url(site: Site) -> None:
    assert code(await site.send("GET", f"/apiql?id={ID}&id={ID}")) == (400, ["BAD_REQUEST"])
    assert code(await site.send("GET", "/apiql?id=x")) == (422, ["VALIDATION"])
    assert code(await site.send("GET", f"/apiql?id={NOBODY}")) == (404, ["QUERY_NOT_FOUND"])


@loop
async def test_a_persisted_text_that_writes_is_posted(up: Upstream) -> None:
    text = "select * post from /ok as made"
    known_as = id_of(text)
    async with server(up) as site:
        assert (await ask(site, id=known_as, query=text)).status == 200
        response = await site.send("GET", f"/apiql?id={known_as}")
        assert (response.status, response.headers["allow"]) == (405, "POST")


@loop
async def test_a_stored_query_is_known_by_its_id(up: Upstream) -> None:
    async with server(up) as site:
        response = await ask(site, id=IDS["user"], params={"id": 1})
        assert response.json() == {"data": {"user": {"name": "Ada"}}}
        assert (await ask(site, id=IDS["bare"])).json() == {"ok": True}
        refused = (await ask(site, id=IDS["user"], params={"id": "x"})).json()["errors"]
    assert [error["code"] for error in refused] == ["VARIABLE_TYPE"]
    assert "excerpt" not in refused[0]


# -- the store ----------------------------------------------------------------------------------


async def kept(store: Persisted, made: Engine, number: int, size: int = 0) -> tuple[str, Asked]:
    """Sends a text with its id."""
    text = f"select * from /a as a{number} --" + "x" * size
    known_as = made.id_of(text)
    asked = Asked(Query(text), Wanted.JSON, False, False, known_as)
    return known_as, await store.resolved(asked, known_as, made)


def with_limits(**queries: object) -> Engine:
    """An engine whose store has these limits."""
    settings = engine().settings.model_dump()
    made = engine()
    made.settings = Settings.model_validate({**settings, "queries": queries})
    return made


async def is_known(store: Persisted, made: Engine, known_as: str) -> bool:
    """Whether the id alone is enough."""
    try:
        found = await store.resolved(Asked(Query(""), Wanted.JSON, False, False), known_as, made)
    except RequestRefused as refused:
        if refused.code is Code.QUERY_NOT_FOUND:
            return False
        raise
    assert isinstance(found.executable, Executable)
    return True


async def test_those_used_longest_ago_give_way() -> None:
    store, made = Persisted(), with_limits(persisted=2)
    first, second = [(await kept(store, made, number))[0] for number in (1, 2)]
    assert await is_known(store, made, first)
    third = (await kept(store, made, 3))[0]
    assert [await is_known(store, made, found) for found in (first, second, third)] == [
        True, False, True,
    ]  # fmt: skip
    assert len(store) == 2


async def test_all_texts_together_are_bounded() -> None:
    store, made = Persisted(), with_limits(persisted_bytes="100KiB")
    for number in range(5):
        await kept(store, made, number, size=40_000)
    assert len(store) == 2
    assert 80_000 < store.size <= 100 * 1024
    await kept(store, made, 4, size=40_000)
    await kept(store, made, 4, size=100)
    assert len(store) == 2
    assert store.size < 50_000


async def test_a_text_larger_than_the_store_is_run_and_not_kept() -> None:
    store, made = Persisted(), with_limits(persisted_bytes=10)
    known_as, asked = await kept(store, made, 1)
    assert asked.executable is not None
    assert not await is_known(store, made, known_as)
    assert (len(store), store.size) == (0, 0)


async def test_a_store_of_nothing() -> None:
    store, made = Persisted(), with_limits(persisted=0)
    assert not await is_known(store, made, (await kept(store, made, 1))[0])


# -- modes --------------------------------------------------------------------------------------


@loop
async def test_only_stored_texts_are_run(strict: Site, up: Upstream) -> None:
    for sent in ({"query": OTHER}, {"query": OTHER, "id": OTHER_ID}):
        response = await ask(strict, **sent)
        assert (response.media, code(response)) == (JSON, (403, ["QUERY_NOT_ALLOWED"]))
    for target in (f"/apiql?query={quote(OTHER)}", f"/apiql?query={quote('explain ' + OTHER)}"):
        assert code(await strict.send("GET", target)) == (403, ["QUERY_NOT_ALLOWED"])
    nested = await ask(strict, query="select * from query.user where id = 1")
    assert code(nested) == (403, ["QUERY_NOT_ALLOWED"])
    assert code(await ask(strict, id=OTHER_ID)) == (404, ["QUERY_NOT_FOUND"])
    assert not up.seen


@loop
async def test_stored_texts_are_run_by_name_id_and_text(strict: Site) -> None:
    known: Mapping[str, Any] = {"params": {"id": 1}}
    text = STORED["user"].upper().replace("NAME", "name").replace("/USERS/{ID}", "/users/{id}")
    text = text.replace("USER", "user").replace("ID", "id")
    assert id_of(text) == IDS["user"]
    for sent in ({"id": IDS["user"]}, {"query": text}, {"query": text, "id": IDS["user"]}):
        response = await ask(strict, **sent, **known)
        assert response.json() == {"data": {"user": {"name": "Ada"}}}
    assert (await strict.send("GET", "/query/user?id=1")).status == 200


@loop
async def test_a_text_that_does_not_parse_says_so_in_every_mode(strict: Site) -> None:
    assert code(await ask(strict, query="select")) == (400, ["SYNTAX"])


@loop
async def test_unknown_texts_are_told_once(up: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "apiql"):
        async with server(up, QUERIES__MODE="log-unknown", LIMITS__PLANS_CACHED="0") as site:
            for query in (OTHER, OTHER + " -- again", OTHER):
                assert (await ask(site, query=query)).status == 200
            assert (await ask(site, query=STORED["user"], params={"id": 1})).status == 200
            assert (await site.send("GET", "/query/user?id=1")).status == 200
    told = [record.getMessage() for record in caplog.records if record.name == "apiql"]
    assert told == [f'a query that is not stored: {OTHER_ID} "{OTHER}"']


def test_what_is_told_is_one_bounded_line(caplog: pytest.LogCaptureFixture) -> None:
    tell = NoticeLog()
    with caplog.at_level(logging.WARNING, "apiql"):
        tell(UnknownQuery("a", "select\n\x1b[31m" + "x" * 100_000))
    (record,) = caplog.records
    message = record.getMessage()
    assert len(message) < MOST_SHOWN + 100
    assert message.isprintable()


def test_ids_that_were_told_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    minutes = itertools.count(step=60)
    tell = NoticeLog(lambda: float(next(minutes)))
    with caplog.at_level(logging.CRITICAL, "apiql"):
        for number in range(MOST_IDS + 10):
            tell(UnknownQuery(str(number), "x"))
    assert len(tell._known) == MOST_IDS
