"""T29: what an operator sees and does is on a listener of its own, and nobody else gets there."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from apiql.errors import Code, RequestRefused
from apiql.server.admin_keys import check_caller, is_known
from apiql.settings import Admin, SettingsError, load_settings
from tests.server.client import PROBLEM, Response, Site
from tests.server.conf import USER, Folder, Running, running
from tests.server.upstream import Upstream as Up
from tests.server.upstream import upstream

loop = pytest.mark.asyncio(loop_scope="session")
KEY, OTHER = "3f" * 32, "77" * 32
PATHS = [
    ("GET", "/metrics"), ("GET", "/admin/state"), ("GET", "/admin/queries"),
    ("GET", "/admin/circuits"), ("POST", "/admin/circuits"), ("POST", "/admin/log"),
    ("POST", "/admin/purge"), ("POST", "/admin/reload"),
]  # fmt: skip
HIDDEN = ["/docs", "/redoc", "/openapi.json", "/", "/admin", "/admin/", "/debug/pprof"]


@pytest_asyncio.fixture(loop_scope="session")
async def up() -> AsyncIterator[Up]:
    """The upstream."""
    async with upstream() as found:
        yield found


def hash_of(key: str) -> str:
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path, up: Up) -> AsyncIterator[Running]:
    """A server whose operators have keys."""
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings(settings(f"'{hash_of(KEY)}', '{hash_of(OTHER)}'"))
    folder.query(USER.format(1))
    async with running(folder) as found:
        yield found


def settings(keys: str, host: str = "0.0.0.0") -> str:
    return f"[admin]\nport = 0\nhost = '{host}'\nkeys = [{keys}]"


async def ask(server: Running, method: str, path: str, key: str | None, **more: str) -> Response:
    """The answer of the admin listener."""
    assert server.admin is not None
    port = server.admin.rpartition(":")[2]
    headers = {"Host": "admin.example", "Content-Type": "application/json"} | more
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return await Site(f"http://127.0.0.1:{port}").send(method, path, b"{}", headers)


@pytest.mark.parametrize(("method", "path"), PATHS)
@loop
async def test_nothing_of_it_is_on_the_main_port(server: Running, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    assert (await server.site.send(method, path, b"{}", headers)).status == 404


@pytest.mark.parametrize("path", HIDDEN)
@loop
async def test_pages_are_hidden_unless_they_are_wanted(server: Running, path: str) -> None:
    assert (await server.site.send("GET", path)).status == 404


@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/nothing"), ("PUT", "/metrics")])
@loop
async def test_without_a_right_key_there_is_nothing_to_see(
    server: Running, method: str, path: str
) -> None:
    answers = [
        await ask(server, method, path, key)
        for key in (None, "", "wrong", KEY.upper(), KEY[:-1], hash_of(KEY), f"{KEY}, {OTHER}")
    ]
    assert {(found.status, found.media) for found in answers} == {(401, PROBLEM)}
    assert {found.headers["www-authenticate"] for found in answers} == {"Bearer"}
    assert len({found.body for found in answers}) == 1, "no hint at what is wrong"


@pytest.mark.parametrize("key", [KEY, OTHER])
@loop
async def test_each_key_opens(server: Running, key: str) -> None:
    assert (await ask(server, "GET", "/metrics", key)).status == 200
    assert (await ask(server, "GET", "/admin/state", key)).status == 200
    assert (await ask(server, "POST", "/admin/reload", key)).status == 200


@loop
async def test_keys_are_not_shown(server: Running) -> None:
    found = await ask(server, "GET", "/admin/state", KEY)
    assert found.json()["settings"]["admin"]["keys"] == ["***", "***"]
    assert hash_of(KEY).encode() not in found.body


@loop
async def test_keys_follow_a_reload(server: Running) -> None:
    server.folder.settings(settings(f"'{hash_of('new')}'"))
    await server.reloader.reload()
    assert (await ask(server, "GET", "/metrics", KEY)).status == 401
    assert (await ask(server, "GET", "/metrics", "new")).status == 200


@loop
async def test_a_reload_that_takes_the_keys_away_opens_nothing(server: Running) -> None:
    """The listener stays where it is until a restart: others still reach it."""
    server.folder.settings(settings("", "127.0.0.1"))
    await server.reloader.reload()
    for key in (None, KEY):
        assert (await ask(server, "GET", "/metrics", key)).status == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "169.254.1.1", "localhost", ""])
def test_without_keys_only_this_machine_is_listened_to(tmp_path: Path, host: str) -> None:
    (tmp_path / "apiql.toml").write_text(f'[admin]\nhost = "{host}"\n')
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path, {})
    (problem,) = refused.value.problems
    assert (problem.setting, problem.line) == ("admin.host", 2)


@pytest.mark.parametrize("key", ["", "abc", KEY, f"sha256:{KEY[:-1]}", f"SHA256:{KEY}"])
def test_a_key_itself_is_no_setting_and_is_not_repeated(tmp_path: Path, key: str) -> None:
    (tmp_path / "apiql.toml").write_text(f'[admin]\nkeys = ["{key}"]\n')
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path, {})
    assert not key or key not in str(refused.value)


def test_keys_are_not_printed() -> None:
    assert hash_of(KEY) not in repr(Admin(keys=(hash_of(KEY),)))


def test_all_keys_are_looked_at_and_only_bearers_count() -> None:
    keys = (hash_of(KEY), hash_of(OTHER))
    assert is_known(f"bearer {OTHER}".encode(), keys)
    for given in (f"Basic {KEY}", KEY, "", "Bearer", f"Bearer  x{KEY}"):
        assert not is_known(given.encode(), keys)
    assert not is_known(b"Bearer ", (hash_of("x"),))
    assert not is_known(b"", (hash_of(""),)), "no key is not the empty key"


def test_a_listener_that_others_reach_is_shut_without_keys() -> None:
    with pytest.raises(RequestRefused) as refused:
        check_caller({b"host": b"a"}, frozenset({"a"}), (), is_local=False)
    assert refused.value.code is Code.FORBIDDEN
