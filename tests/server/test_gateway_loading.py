"""Configurations of gateways: which are read, what is told of those that are wrong, and how changes
come into force.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from apiql.errors import ApiqlError
from apiql.events import ConfLoaded, ConfRefused, DefinitionsBroken, Notice
from apiql.gateways import OWN, OWN_FOLDERS
from apiql.query_files import FilesRefused
from apiql.server.app import App
from apiql.server.configuration import Place
from apiql.server.current import Current
from apiql.server.reload import Outcome
from apiql.server.worker import worker
from tests.server.client import Site
from tests.server.conf import Folder, running
from tests.server.gateways import backend, endpoint, write
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


RIGHT = '{"type": "endpoint", "right": "whitelist", "list": [{"user": "web"}]}'


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    return Folder(tmp_path / "conf", up.port)


def ignored(notice: Notice) -> None:
    """Is told of the store, of files: nothing that matters here."""


def refused(folder: Folder) -> str:
    """Why a server does not begin."""
    with pytest.raises(ApiqlError) as found:
        worker(Place(folder.path, {}), ignored)
    return str(found.value)


# -- environments ---------------------------------------------------------------------------------


async def test_the_environment_that_the_settings_name(folder: Folder) -> None:
    write(folder, endpoint("/dev"), env="dev")
    write(folder, endpoint("/prd"), env="prd")
    told = refused(folder)
    assert "there are several environments (dev, prd)" in told
    assert 'expected environment = "dev" in [endpoints]' in told
    folder.settings('[endpoints]\nenvironment = "prod"')
    told = refused(folder)
    assert "there is no environment prod with a configuration" in told
    assert "did you mean prd?" in told
    folder.settings('[endpoints]\nenvironment = "prd"')
    async with running(folder) as server:
        assert (await server.site.send("GET", "/prd")).status == 200
        assert (await server.site.send("GET", "/dev")).status == 404


async def test_all_files_of_an_environment_are_served(folder: Folder) -> None:
    write(folder, endpoint("/a"))
    write(folder, endpoint("/b"), file="more.json", version="v7")
    async with running(folder) as server:
        for path in ("/a", "/b"):
            assert (await server.site.send("GET", path)).status == 200
        assert (await server.site.send("GET", "/version")).body == b"v7"


async def test_without_endpoints_nothing_is_there(folder: Folder) -> None:
    folder.settings()
    async with running(folder) as server:
        for path in ("/ping", "/version", "/settings"):
            assert (await server.site.send("GET", path)).codes() == ["NOT_FOUND"]
        assert App.others is None


# -- what is wrong --------------------------------------------------------------------------------


async def test_every_mistake_is_told_at_once(folder: Folder) -> None:
    write(folder, endpoint("/a", timeout="soon"), endpoint("b"), endpoint("/c", cach={}))
    told = refused(folder)
    assert f"{folder.path}/endpoints/dev/.json:" in told
    for wrong in ("$.endpoints[0].timeout", "$.endpoints[1].path", "cach"):
        assert wrong in told
    assert "did you mean" in told


async def test_an_endpoint_stands_once(folder: Folder) -> None:
    write(folder, endpoint("/users/:id"))
    write(folder, endpoint("/users/:key"), file="more.json")
    assert "GET /users/:key stands in dev/.json too" in refused(folder)


async def test_what_is_whole_is_served_where_that_is_asked_for(folder: Folder) -> None:
    write(folder, endpoint("/a"))
    write(folder, endpoint("/b", timeout="soon"), file="more.json")
    with pytest.raises(FilesRefused):
        worker(Place(folder.path, {}), ignored)
    told: list[Notice] = []
    app, _ = worker(Place(folder.path, {}, keep_going=True), told.append)
    current: Current = app.hot["/apiql"].current  # type: ignore[attr-defined]
    served = current.engine.definitions.gateways.served
    assert [found.pattern for found in served] == ["GET /a"]
    (broken,) = told
    assert isinstance(broken, DefinitionsBroken)
    assert broken.bucket == ""
    (line,) = broken.lines
    assert line.startswith("endpoints/dev/more.json:")
    assert "$.endpoints[0].timeout" in line
    for mind in current.minded:
        mind(current.held.settings)
    assert told == [broken, broken], "a reload tells it too"


async def test_the_paths_of_the_server_are_those_that_are_told(folder: Folder) -> None:
    folder.settings()
    app, _ = worker(Place(folder.path, {}), ignored)
    definitions = {"/api/", "/httpapi/", "/flow/", "/schedule/"}
    assert {*app.own, *app.hot} == set(OWN)
    assert set(app.below) - definitions == set(OWN_FOLDERS)


# -- changes --------------------------------------------------------------------------------------


async def test_a_change_is_in_force_where_the_file_says_so(folder: Folder) -> None:
    write(folder, endpoint("/a"), hot_reload=True)
    async with running(folder) as server:
        await server.looked()
        write(folder, endpoint("/b"), hot_reload=True)
        assert await server.looked() is Outcome.LOADED
        assert (await server.site.send("GET", "/b")).status == 200
        assert (await server.site.send("GET", "/a")).status == 404
        (folder.path / "endpoints/dev/.env").write_text("UP=http://127.0.0.1:1\n")
        assert await server.looked() is Outcome.LOADED
        assert (await server.site.send("GET", "/b")).status == 502


async def test_a_file_that_does_not_say_so_waits_until_it_is_asked_for(folder: Folder) -> None:
    write(folder, endpoint("/a"))
    async with running(folder) as server:
        await server.looked()
        write(folder, endpoint("/b"))
        assert await server.looked() is None
        assert (await server.site.send("GET", "/a")).status == 200
        assert await server.reloader.reload() is Outcome.LOADED
        assert (await server.site.send("GET", "/b")).status == 200
        write(folder, endpoint("/c"), file="new.json")
        assert await server.looked() is Outcome.LOADED
        assert (await server.site.send("GET", "/c")).status == 200


async def test_the_last_good_one_stays(folder: Folder) -> None:
    file = write(folder, endpoint("/a"), hot_reload=True)
    async with running(folder) as server:
        await server.looked()
        file.write_text('{"port": 8080, "hot-reload": true, "endpoints": [{}]}')
        assert await server.looked() is Outcome.REFUSED
        assert (await server.site.send("GET", "/a")).status == 200
        (told,) = server.told
        assert isinstance(told, ConfRefused)
        assert any(line.startswith("endpoints/dev/.json:1:") for line in told.lines)
        write(folder, endpoint("/b"), hot_reload=True)
        assert await server.looked() is Outcome.LOADED
        assert isinstance(server.told[-1], ConfLoaded)


async def test_endpoints_come_and_go(folder: Folder) -> None:
    folder.settings()
    async with running(folder) as server:
        assert (await server.site.send("GET", "/a")).status == 404
        file = write(folder, endpoint("/a"), endpoint("/api/users"))
        await server.reloader.reload()
        for path in ("/a", "/api/users"):
            assert (await server.site.send("GET", path)).status == 200
        file.unlink()
        await server.reloader.reload()
        for path in ("/a", "/ping"):
            assert (await server.site.send("GET", path)).status == 404


# -- rights, figures, texts -----------------------------------------------------------------------


async def test_what_a_caller_may_not_use_is_not_there(folder: Folder) -> None:
    write(folder, endpoint("/open"), endpoint("/closed"), endpoint("/closed", "POST"))
    rights = folder.path / "rights" / "endpoint"
    rights.mkdir(parents=True)
    for name in ("get_closed", "post_closed"):
        (rights / f"{name}.json").write_text(RIGHT)
    async with running(folder) as server:
        assert (await server.site.send("GET", "/open")).status == 200
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            found = await server.site.send(method, "/closed")
            assert (found.status, found.codes()) == (404, ["NOT_FOUND"])
        found = await server.site.ask("select * from endpoint.get_closed as x")
        assert found.codes() == ["UNKNOWN_SOURCE"]
    (rights / "get_closd.json").write_text(RIGHT)
    assert "there is no endpoint get_closd" in refused(folder)


async def test_what_stands_behind_what_is_not_there_answers(folder: Folder, up: Upstream) -> None:
    """A path that a caller may not use is as if it were not there: others may be at it."""
    write(folder, endpoint("/users/me"), endpoint("/users/me", "PUT"),
          endpoint("/users/:id", backends=[backend("/users/:id")]))  # fmt: skip
    rights = folder.path / "rights" / "endpoint"
    rights.mkdir(parents=True)
    for name in ("get_users_me", "put_users_me"):
        (rights / f"{name}.json").write_text(RIGHT)
    async with running(folder) as server:
        assert (await server.site.send("GET", "/users/me")).status == 404  # of the backend
        assert (await server.site.send("OPTIONS", "/users/me")).headers["allow"] == (
            "GET, HEAD, OPTIONS"
        )
    assert up.hits["/users/me"] == 1


async def test_texts_select_from_endpoints(folder: Folder) -> None:
    write(
        folder,
        endpoint("/users/:id", backends=[backend("/users/:id")]),
        endpoint("/broken", backends=[backend("/status/500")]),
        endpoint("/moved", backends=[backend("/status/302")]),
    )
    async with running(folder) as server:
        found = await server.site.ask(
            "select name from endpoint.get_users_id as user where id = $id", {"id": 2}
        )
        assert found.json() == {"data": {"user": {"name": "Bo"}}}
        for name in ("broken", "moved"):
            found = await server.site.ask(f"select * from endpoint.get_{name} as it")
            assert found.codes() == ["UPSTREAM_STATUS"]


async def test_figures_have_the_pattern(folder: Folder) -> None:
    write(folder, endpoint("/users/:id", backends=[backend("/users/:id")]))
    folder.settings("[admin]\nport = 0")
    async with running(folder) as server:
        for number in range(3):
            await server.site.send("GET", f"/users/{number}")
        await server.site.send("GET", "/nowhere")
        assert server.admin is not None
        host = server.admin.removeprefix("http://")
        raw = f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        text = (await Site(server.admin).raw(raw.encode())).body.decode()
        assert 'route="GET /users/:id"' in text
        assert "/users/2" not in text
        assert "/nowhere" not in text
