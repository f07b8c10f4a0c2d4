"""A conf folder that changes while queries are answered: none is lost, the last good one stays."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from apiql.engine import Engine
from apiql.events import ConfLoaded, ConfRefused
from apiql.server import current as current_module
from apiql.server import reload
from apiql.server.configuration import MOST_LINES
from apiql.server.current import Current, Held
from apiql.server.reload import Outcome
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from tests.server.client import read_response
from tests.server.conf import USER, Folder, Running, running
from tests.server.upstream import Exchange, Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKEN = (
    "select * frm /users/1",
    "select * from query.nowhere as x",
    "select * from /users/1 as user where id = users.id",
    'select "',
    "",
)
ASK = b"GET /query/q HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    """A conf folder with one stored query: the user 1."""
    found = Folder(tmp_path / "conf", up.port)
    found.settings()
    found.query(USER.format(1))
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def server(folder: Folder) -> AsyncIterator[Running]:
    """A server on it that looks only when it is told to."""
    async with running(folder) as found:
        yield found


# -- what is loaded -------------------------------------------------------------------------------


async def test_a_change_is_in_force_once_it_has_settled(server: Running) -> None:
    assert (await server.asked())["user"]["name"] == "Ada"
    assert await server.looked() is None or not server.told
    server.folder.query(USER.format(2))
    assert await server.reloader.look() is None
    assert await server.reloader.look() is Outcome.LOADED
    assert (await server.asked())["user"]["name"] == "Bo"
    assert server.told == [ConfLoaded(server.reloader.state.revision)]
    assert await server.looked() is None


async def test_a_file_that_is_still_being_written_waits(server: Running) -> None:
    await server.looked()
    file = server.folder.path / "queries" / "q.apiql"
    for length in (5, 12, 20):
        file.write_text(USER.format(2)[:length])
        assert await server.reloader.look() is None
    file.write_text(USER.format(2))
    assert await server.reloader.look() is None
    assert await server.reloader.look() is Outcome.LOADED
    assert not [notice for notice in server.told if isinstance(notice, ConfRefused)]


async def test_what_changes_while_it_is_loaded_is_not_put_in_force(server: Running) -> None:
    make = server.reloader._make

    async def slow(configuration):
        held = await make(configuration)
        server.folder.query(USER.format(1), "other")
        return held

    server.reloader._make = slow
    server.folder.query(USER.format(2))
    assert await server.reloader.reload() is Outcome.UNSETTLED
    assert (await server.asked())["user"]["name"] == "Ada"
    server.reloader._make = make
    assert await server.looked() is Outcome.LOADED
    assert (await server.asked())["user"]["name"] == "Bo"


async def test_touching_a_file_changes_nothing(server: Running) -> None:
    await server.looked()
    os.utime(server.folder.path / "apiql.toml")
    engine = server.current.engine
    assert await server.looked() is Outcome.UNCHANGED
    assert server.current.engine is engine
    assert not server.told


async def test_a_link_put_in_anothers_place(tmp_path: Path, up: Upstream) -> None:
    """As containers are given their configuration: `..data` leads to a folder of its own."""
    for number in (1, 2):
        inner = Folder(tmp_path / f"..{number}", up.port)
        inner.settings()
        inner.query(USER.format(number))
    place = tmp_path / "conf"
    place.mkdir()
    (place / "..data").symlink_to(tmp_path / "..1")
    for name in ("apiql.toml", "queries", "privates"):
        (place / name).symlink_to(Path("..data") / name)
    async with running(inner, place) as server:
        assert (await server.asked())["user"]["name"] == "Ada"
        (place / "..new").symlink_to(tmp_path / "..2")
        (place / "..new").rename(place / "..data")
        assert await server.looked() is Outcome.LOADED
        assert (await server.asked())["user"]["name"] == "Bo"


async def test_what_a_linked_file_leads_to(tmp_path: Path, server: Running) -> None:
    other = tmp_path / "other.apiql"
    other.write_text(USER.format(1))
    file = server.folder.path / "queries" / "q.apiql"
    file.unlink()
    file.symlink_to(other)
    assert await server.looked() is Outcome.UNCHANGED
    other.write_text(USER.format(2))
    assert await server.looked() is Outcome.LOADED
    assert (await server.asked())["user"]["name"] == "Bo"


async def test_a_folder_that_is_a_link_itself(tmp_path: Path, up: Upstream) -> None:
    for number in (1, 2):
        inner = Folder(tmp_path / f"release{number}", up.port)
        inner.settings()
        inner.query(USER.format(number))
    link = tmp_path / "conf"
    link.symlink_to("release1")
    async with running(inner, link) as server:
        await server.looked()
        (tmp_path / "new").symlink_to("release2")
        (tmp_path / "new").rename(link)
        assert await server.looked() is Outcome.LOADED
        assert (await server.asked())["user"]["name"] == "Bo"


async def test_the_watcher_sees_to_it_alone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "PAUSE", 0.1)
    folder.reload = "true"
    folder.settings()
    async with running(folder) as server:
        server.folder.query(USER.format(2))
        async with asyncio.timeout(15):
            while not server.told:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await server.asked())["user"]["name"] == "Bo"
        server.folder.query(USER.format(1))
        server.reloader.now()
        async with asyncio.timeout(15):
            while len(server.told) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await server.asked())["user"]["name"] == "Ada"


async def test_the_watcher_outlives_what_goes_wrong_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "PAUSE", 0.1)
    folder.reload = "true"
    folder.settings()
    async with running(folder) as server:
        look, failed = server.reloader.look, asyncio.Event()

        async def broken() -> Outcome | None:
            if failed.is_set():
                return await look()
            failed.set()
            raise RuntimeError("no more threads")

        monkeypatch.setattr(server.reloader, "look", broken)
        await asyncio.wait_for(failed.wait(), 15)
        server.folder.query(USER.format(2))
        await _until(lambda: bool(server.told))
        assert (await server.asked())["user"]["name"] == "Bo"


# -- what reads the settings ----------------------------------------------------------------------


async def test_all_that_reads_settings_reads_the_new_ones(server: Running) -> None:
    assert (await server.site.send("GET", "/openapi.json")).status == 404
    assert (await server.site.ask("explain " + USER.format(1))).status == 403
    more = '[answer]\nplan = true\ntimings = true\n[queries]\nmode = "stored-only"'
    server.folder.settings(more, "docs = true")
    assert await server.looked() is Outcome.LOADED
    described = await server.site.send("GET", "/openapi.json")
    assert "/query/q" in described.json()["paths"]
    found = await server.site.send("GET", "/query/q")
    assert "server-timing" in found.headers
    assert (await server.site.ask(USER.format(2))).codes() == ["QUERY_NOT_ALLOWED"]


async def test_what_needs_a_restart_is_told_and_the_rest_is_in_force(server: Running) -> None:
    server.folder.settings("[limits]\ncache_entries = 5\ntokens = 9", "port = 8123\nworkers = 3")
    assert await server.looked() is Outcome.LOADED
    needed = ("server.port", "server.workers", "limits.cache_entries")
    assert server.told == [ConfLoaded(server.reloader.state.revision, needed)]
    assert (await server.ready())["configuration"]["restart_needed"] == list(needed)
    assert (
        await server.site.ask("select * from /users/1 as a; select * from /users/2 as b")
    ).status == 422
    server.folder.settings()
    assert await server.looked() is Outcome.LOADED
    assert "restart_needed" not in (await server.ready())["configuration"]


async def test_what_minds_settings_of_its_own_is_told(server: Running) -> None:
    minded: list[Settings] = []
    server.current.minded.append(minded.append)
    server.folder.settings("[limits]\ntokens = 100")
    assert await server.looked() is Outcome.LOADED
    assert minded == [server.current.held.settings]
    assert minded[0].limits.tokens == 100


async def test_answers_that_are_kept_outlive_a_reload(server: Running, up: Upstream) -> None:
    server.folder.query("select * from /users/1 as user cache 60s")
    await server.looked()
    await server.asked()
    server.folder.query("select * from /users/1 as user cache 61s")
    assert await server.looked() is Outcome.LOADED
    assert (await server.asked())["user"]["name"] == "Ada"
    assert up.hits["/users/1"] == 1


# -- what is refused ------------------------------------------------------------------------------


async def test_the_last_good_one_stays(server: Running) -> None:
    before = (await server.ready())["configuration"]
    server.folder.query("select name\nfrom /users/1 as user rows oops oops")
    assert await server.looked() is Outcome.REFUSED
    assert (await server.asked())["user"]["name"] == "Ada"
    ready = (await server.ready())["configuration"]
    assert (ready["revision"], ready["since"]) == (before["revision"], before["since"])
    (line,) = ready["refused"]["problems"]
    assert line.startswith("queries/q.apiql:2:")
    assert "SYNTAX" in line
    assert server.told == [ConfRefused((line,))]
    assert await server.looked() is None
    os.utime(server.folder.path / "apiql.toml")
    assert await server.looked() is Outcome.REFUSED
    assert len(server.told) == 1, "the same failure is told once"
    server.folder.query("select 2 3")
    assert await server.looked() is Outcome.REFUSED
    assert len(server.told) == 2
    server.folder.query(USER.format(1))
    assert await server.looked() is Outcome.UNCHANGED
    assert server.told[2:] == [ConfLoaded(before["revision"])]
    assert (await server.ready())["configuration"] == before


@pytest.mark.parametrize("text", BROKEN)
async def test_broken_queries(server: Running, text: str) -> None:
    server.folder.query(text)
    assert await server.looked() is Outcome.REFUSED
    assert (await server.asked())["user"]["name"] == "Ada"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("[limits\n", "apiql.toml:7:8: this is no TOML"),
        ("[limits]\ntokens = -1", "apiql.toml:8:10: limits.tokens"),
        ("[limit]\ntokens = 1", "limits"),
        ('verify = "/nowhere.pem"', "No such file"),
        ("http2 = 5", "upstreams.default.http2"),
    ],
)
async def test_broken_settings(server: Running, more: str, problem: str) -> None:
    server.folder.settings(more)
    assert await server.looked() is Outcome.REFUSED
    assert problem in str((await server.ready())["configuration"]["refused"]["problems"])
    assert (await server.asked())["user"]["name"] == "Ada"


async def test_a_folder_that_is_gone_and_comes_back(server: Running) -> None:
    away = server.folder.path.with_name("away")
    server.folder.path.rename(away)
    assert await server.looked() is Outcome.REFUSED
    assert (await server.asked())["user"]["name"] == "Ada"
    away.rename(server.folder.path)
    assert await server.looked() is Outcome.UNCHANGED
    assert "refused" not in (await server.ready())["configuration"]
    shutil.rmtree(server.folder.path)
    assert await server.looked() is Outcome.REFUSED
    server.folder.settings()
    server.folder.query(USER.format(2))
    assert await server.looked() is Outcome.LOADED
    assert (await server.asked())["user"]["name"] == "Bo"


async def test_settings_that_are_gone_do_not_become_defaults(server: Running) -> None:
    shutil.rmtree(server.folder.path / "queries")  # no query misses its upstream
    assert await server.looked() is Outcome.LOADED
    (server.folder.path / "apiql.toml").unlink()
    assert await server.looked() is Outcome.REFUSED
    assert (await server.site.ask(USER.format(1))).status == 200


async def test_what_is_told_holds_no_secret_and_no_line_of_a_file(server: Running) -> None:
    server.folder.settings('proxy = "ftp://me:s3cret@p"\nheaders = { A = "s3cret\\u0007" }')
    server.folder.query("select * from /users?key=s3cret as user where where")
    assert await server.looked() is Outcome.REFUSED
    server.folder.settings()
    assert await server.looked() is Outcome.REFUSED
    found = str([*server.told, await server.ready()])
    assert "s3cret" not in found
    assert str(server.folder.path) not in found


async def test_a_flood_of_problems_is_cut(server: Running) -> None:
    for number in range(100):
        server.folder.query("select frm", f"q{number}")
    assert await server.looked() is Outcome.REFUSED
    problems = (await server.ready())["configuration"]["refused"]["problems"]
    assert len(problems) == MOST_LINES + 1
    assert problems[-1] == f"and {100 - MOST_LINES} more"


async def test_a_bug_in_loading_changes_nothing(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_):
        raise ZeroDivisionError

    server.reloader._make = broken
    server.folder.query(USER.format(2))
    assert await server.looked() is Outcome.REFUSED
    assert (await server.asked())["user"]["name"] == "Ada"
    assert "ZeroDivisionError" in str((await server.ready())["configuration"]["refused"])
    assert "ZeroDivisionError" in caplog.text


# -- requests under way ---------------------------------------------------------------------------


async def test_fifty_reloads_under_load_lose_nothing(folder: Folder, up: Upstream) -> None:
    """Ten of them are broken; afterwards no connection or descriptor of an old engine is left."""
    seen: Counter[str] = Counter()
    async with running(folder) as server:
        await _reloads(server, 3)
        connections, descriptors = len(up.tasks), descriptors_open()
        over = asyncio.Event()
        clients = [
            asyncio.create_task(_client(server, over.is_set, seen, keep=n % 2 == 0))
            for n in range(8)
        ]
        outcomes = await _reloads(server, 50)
        over.set()
        await asyncio.gather(*clients)
        assert outcomes == {Outcome.LOADED: 40, Outcome.REFUSED: 10}
        assert seen.keys() <= {"200 Ada", "200 Bo"}, seen
        assert sum(seen.values()) > 200
        await server.left_alone()
        await _until(lambda: len(up.tasks) <= connections + 8)
        await _until(lambda: descriptors_open() <= descriptors + 12)
        assert (await server.asked())["user"]["name"] == "Bo"
    await _until(lambda: not up.tasks)


def descriptors_open() -> int:
    """Those of this process."""
    return len(os.listdir("/proc/self/fd"))


async def _reloads(server: Running, count: int) -> Counter[Outcome]:
    """Reloads, every fifth of them with a broken query; the last one is of the user 2."""
    outcomes: Counter[Outcome] = Counter()
    for number in range(count):
        broken = number % 5 == 2
        text = "select * frm" if broken else f"{USER.format(1 + number % 2)} -- {number} {count}"
        server.folder.query(text)
        outcomes[await server.reloader.reload()] += 1
    return outcomes


async def _client(
    server: Running, over: Callable[[], bool], seen: Counter[str], keep: bool
) -> None:
    """Asks on one connection, or each time on a new one, and notes what it hears."""
    reader, writer = await server.site.connect()
    while not over():
        if not keep:
            writer.close()
            reader, writer = await server.site.connect()
        writer.write(ASK)
        response = await read_response(reader)
        seen[f"{response.status} {response.json()['data']['user']['name']}"] += 1
    writer.close()


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # what is waited for is at the other end of a socket
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("accept", "last"),
    [("application/json", '"c":{"ok":true}}'), ("application/x-ndjson", '"end":true')],
)
async def test_a_request_ends_on_the_engine_it_began_with(
    tmp_path: Path, accept: str, last: str
) -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    async def held(exchange: Exchange) -> None:
        asked.set()
        await gate.wait()
        await exchange.answer(200, b'"late"', "Content-Type: application/json")

    async with upstream({"/held": held}) as up:
        folder = Folder(tmp_path / "conf", up.port)
        folder.settings()
        folder.query("select * from /held as b; select * from /ok as c after b")
        async with running(folder) as server:
            reader, writer = await server.site.connect()
            writer.write(ASK.replace(b"\r\n\r\n", f"\r\nAccept: {accept}\r\n\r\n".encode()))
            await asked.wait()
            old = server.current.held
            folder.query("select * from /null as other")
            assert await server.reloader.reload() is Outcome.LOADED
            assert await server.asked() == {"other": None}
            assert (server.current.retired, old.requests) == (1, 1)
            gate.set()
            whole = await reader.readuntil(last.encode())
            assert b'"late"' in whole
            assert b'"errors"' not in whole
            writer.close()
            await server.left_alone()
            await _until(lambda: len(up.tasks) == 1)


async def test_an_old_engine_is_closed_behind_its_last_request_only() -> None:
    closed: list[str] = []
    engine = Engine(Settings(), _nowhere)

    async def close() -> None:
        closed.append("old")

    async def keep() -> None:
        pass

    old = Held(engine, close)
    current = Current(old)
    old.requests = 2
    current.swap(Held(engine, keep))
    for _ in range(3):
        await asyncio.sleep(0)
    for left in (1, 0):
        assert not closed
        old.requests = left
        assert old.left is not None
        old.left()
        await asyncio.sleep(0)
    await _until(lambda: closed == ["old"])
    await _until(lambda: current.retired == 0)


async def test_a_request_that_never_ends_keeps_no_engine_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current_module, "PATIENCE", 0.0)
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    limits = Settings().limits.model_copy(update={"query_timeout": 0.02})
    engine = Engine(Settings(limits=limits), _nowhere)
    old = Held(engine, close)
    old.requests = 1
    current = Current(old)
    current.swap(Held(engine, current_module.close_nothing))
    async with asyncio.timeout(5):
        await closed.wait()


async def test_old_engines_are_forgotten(server: Running) -> None:
    await _reloads(server, 10)
    await server.left_alone()
    gc.collect()
    engines = [each for each in gc.get_objects() if type(each) is Engine]
    assert server.current.engine in engines
    mine = [e for e in engines if e.settings.upstreams == server.current.engine.settings.upstreams]
    assert len(mine) <= 2, "the first one may stay: it was frozen when the server began"


async def _nowhere(call: Call) -> Reply:
    raise AssertionError


async def test_a_private_value_follows_and_a_broken_one_changes_nothing(
    folder: Folder, up: Upstream
) -> None:
    private = folder.path / "privates" / "map.json"
    folder.settings('headers = { X-Key = "${private:map.key}" }')
    private.parent.mkdir(exist_ok=True)

    def write(value: str) -> None:
        private.write_text(f'{{"privates": [{{"name": "key", "value": "{value}"}}]}}')

    async def sent(server: Running) -> str:
        up.forget()
        await server.site.ask("select * from /ok")
        return dict(up.seen[0].headers)["X-Key"]

    write("first-key")
    async with running(folder) as server:
        assert await sent(server) == "first-key"
        write("second-key")
        assert await server.looked() is Outcome.LOADED
        assert await sent(server) == "second-key"
        for wrong in ('x"', "enc:v1:AAAA"):
            write(wrong)
            assert await server.looked() is Outcome.REFUSED
            assert await sent(server) == "second-key"
        assert "AAAA" not in str(server.told)
        private.unlink()
        assert await server.looked() is Outcome.REFUSED
        assert await sent(server) == "second-key"
