"""The listener of an operator: what it shows, what it does, and whom it refuses."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from apiql.access.minting import password_hash
from apiql.events import CircuitMoved, Figure
from apiql.server.admin import masked
from apiql.server.admin_listener import bound, check_free
from apiql.server.exposition import exposed
from apiql.server.listening import NoPort
from apiql.server.reload import Outcome
from apiql.settings import (
    Access,
    Admin,
    ApiKey,
    Issuer,
    Settings,
    SettingsError,
    Source,
    Upstream,
    User,
    load_settings,
)
from apiql.settings import Server as ServerSettings
from tests.ports import free_port
from tests.server.client import JSON, PROBLEM, Response, Site
from tests.server.conf import USER, Folder, Running, running
from tests.server.upstream import Upstream as Up

loop = pytest.mark.asyncio(loop_scope="session")

SAMPLE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)'
)
PAGE = "http://evil.example"


@pytest.fixture
def port() -> int:
    """A port that nobody has, nor the two behind it."""
    return free_port(3)


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path, up: Up, port: int) -> AsyncIterator[Running]:
    """A server with an admin listener."""
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings(f"headers = {{ X-Key = 's3cret' }}\n[admin]\nport = {port}")
    folder.query(USER.format(1))
    async with running(folder) as found:
        yield found


@pytest.fixture
def admin(server: Running, port: int) -> Admins:
    """The way to it."""
    return Admins(Site(f"http://127.0.0.1:{port}"), f"127.0.0.1:{port}")


class Admins:
    """Asks the admin listener."""

    def __init__(self, site: Site, host: str) -> None:
        self.site, self.host = site, host

    async def get(self, path: str, **more: str) -> Response:
        """A GET by the listener's own name."""
        return await self.send("GET", path, b"", {"Host": self.host} | more)

    async def post(self, path: str, body: Any = None, **more: str) -> Response:
        """A POST of JSON."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Host": self.host, "Content-Type": JSON} | more
        return await self.send("POST", path, data, headers)

    async def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Response:
        """A request with these headers and no others."""
        lines = [f"{method} {path} HTTP/1.1", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}")
        return await self.site.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def samples(text: str) -> dict[str, float]:
    """The samples of an exposition by name and labels; each family is one block with its type."""
    found: dict[str, float] = {}
    seen: list[str] = []
    kind = ""
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in seen, "a family stands once"
            seen.append(name)
        elif line.startswith("# TYPE "):
            kind = line.removeprefix(f"# TYPE {seen[-1]} ")
            assert kind in ("counter", "gauge", "histogram")
        else:
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            tails = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert match[1] in [seen[-1] + tail for tail in tails]
            found[line.rpartition(" ")[0]] = float(match[3])
    return found


# -- figures --------------------------------------------------------------------------------------


@loop
async def test_metrics(server: Running, admin: Admins) -> None:
    await server.asked()
    await server.site.send("GET", "/query/nothing")
    await server.site.ask("select * from /status/500 as a")
    response = await admin.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(response.body.decode())
    assert found['apiql_queries_total{status="2xx"}'] == 1
    assert found['apiql_queries_total{status="4xx"}'] == 1
    assert found['apiql_queries_total{status="5xx"}'] == 1
    assert found["apiql_query_seconds_total"] > 0
    assert found["apiql_requests_running"] == 0
    assert found["apiql_config_reloads_total"] == 0
    assert found["process_resident_memory_bytes"] > 2**20
    assert found["process_open_fds"] > 3
    assert 1.7e9 < found["apiql_config_loaded_timestamp_seconds"]
    assert [name for name in found if name.startswith("apiql_build_info{version=")]


@loop
async def test_reloads_are_counted(server: Running, admin: Admins) -> None:
    for text in (USER.format(2), "select frm", "select 1 1", USER.format(1)):
        server.folder.query(text)
        await server.reloader.reload()
    found = samples((await admin.get("/metrics")).body.decode())
    assert found["apiql_config_reloads_total"] == 2
    assert found["apiql_config_reload_failures_total"] == 2
    assert found["apiql_config_refused"] == 0


@loop
async def test_figures_of_the_stack_are_those_in_force(server: Running, admin: Admins) -> None:
    def figures() -> Iterator[Figure]:
        yield Figure("apiql_x_total", "X", 3, {"upstream": "default"}, counter=True)

    server.current.held.figures = (figures,)
    found = samples((await admin.get("/metrics")).body.decode())
    assert found['apiql_x_total{upstream="default"}'] == 3
    state = (await admin.get("/admin/state")).json()
    assert state["figures"] == [{"name": "apiql_x_total", "upstream": "default", "value": 3}]


def test_exposition_escapes_and_groups() -> None:
    figures = [
        Figure("a", "one\ntwo \\", 1.5, {"l": 'q" b\\ n\n'}),
        Figure("b_total", "b", 1e18, counter=True),
        Figure("a", "again", float("inf")),
        Figure("c", "c", float("nan")),
        Figure("c", "c", float("-inf"), {"z": "1", "y": ""}),
    ]
    assert exposed(figures).decode() == (
        "# HELP a one\\ntwo \\\\\n# TYPE a gauge\n"
        'a{l="q\\" b\\\\ n\\n"} 1.5\na +Inf\n'
        "# HELP b_total b\n# TYPE b_total counter\nb_total 1e+18\n"
        '# HELP c c\n# TYPE c gauge\nc NaN\nc{y="",z="1"} -Inf\n'
    )
    assert len(samples(exposed(figures).decode())) == 5


# -- state ----------------------------------------------------------------------------------------


@loop
async def test_state_shows_what_is_in_force_without_secrets(server: Running, admin: Admins) -> None:
    server.folder.query("select frm", "other")
    await server.reloader.reload()
    response = await admin.get("/admin/state")
    found = response.json()
    assert found["stored"] == ["q@1"]
    assert found["queries"] == {"running": 0, "retired": 0}
    (problem,) = found["configuration"]["refused"]["problems"]
    assert problem.startswith("queries/other.apiql:1:")
    default = found["settings"]["upstreams"]["default"]
    assert default["headers"] == {"X-Key": "***"}
    assert b"s3cret" not in response.body


def test_what_is_masked() -> None:
    source = Source(path="/a", query={"key": "s3cret"}, headers={"A": "s3cret"})
    upstream = Upstream(
        url="http://a.example", proxy="http://me:s3cret@proxy:1", headers={"A": "s3cret"},
        sources={"a": source},
    )  # fmt: skip
    found = masked(Settings(upstreams={"default": upstream}))
    assert "s3cret" not in str(found)
    assert found["upstreams"]["default"]["sources"]["a"]["query"] == {"key": "***"}
    assert found["upstreams"]["default"]["url"] == "http://a.example"


def test_what_proves_callers_is_masked() -> None:
    secret, digest, hashed = "s3cret" * 6, "sha256:" + 64 * "a", password_hash("s3cret s3cret")
    issuer = Issuer(issuer="i", audience=("a",), algorithms=("HS256",), secret=secret)
    end = datetime(2027, 12, 31, tzinfo=UTC)
    settings = Settings(
        access=Access(
            keys={"shop": ApiKey(hashes=(digest,), scopes=("a",), expires=end)},
            users={"ada": User(hash=hashed)}, tokens={"main": issuer},
        )
    )  # fmt: skip
    found = masked(settings)["access"]
    assert found["keys"] == {"shop": "***"}
    assert found["users"] == {"ada": "***"}
    assert found["tokens"] == {"main": "***"}
    for text in (str(found), repr(settings), repr(settings.access), repr(issuer)):
        assert not any(each in text for each in (secret, digest, hashed))


class Inner(BaseModel):
    """A section within a section."""

    name: str = "shown"
    salt: str = Field(default="s3cret", repr=False)


class Vault(BaseModel):
    """A section that no code knows."""

    shown: str = "shown"
    typed: SecretStr = SecretStr("s3cret")
    octets: SecretBytes = SecretBytes(b"s3cret")
    unprinted: str = Field(default="s3cret", repr=False)
    nothing: str | None = Field(default=None, repr=False)
    several: tuple[str, ...] = Field(default=("s3cret", "s3cret"), repr=False)
    named: Mapping[str, str] = Field(default={"a": "s3cret"}, repr=False)
    typed_by_name: Mapping[str, SecretStr] = {"app": SecretStr("s3cret")}
    typed_in_order: tuple[SecretStr, ...] = (SecretStr("s3cret"),)
    inner: Inner = Inner()
    inners: Mapping[str, tuple[Inner, ...]] = {"x": (Inner(), Inner())}
    api_token: str = "s3cret"
    url: str = "https://me:s3cret@a.example/x"


class WithVault(Settings):
    """The settings with such a section."""

    vault: Vault = Vault()


def test_secrets_of_any_section_are_masked_by_their_kind() -> None:
    found = masked(WithVault())
    assert "s3cret" not in str(found)
    assert found["vault"] == {
        "shown": "shown", "typed": "***", "octets": "***", "unprinted": "***", "nothing": None,
        "several": ["***", "***"], "named": {"a": "***"}, "typed_by_name": {"app": "***"},
        "typed_in_order": ["***"], "inner": {"name": "shown", "salt": "***"},
        "inners": {"x": [{"name": "shown", "salt": "***"}] * 2}, "api_token": "***",
        "url": "https://***@a.example/x",
    }  # fmt: skip
    assert found["limits"] == Settings().limits.model_dump(mode="json")


def test_what_a_section_does_not_know_is_masked() -> None:
    class Open(BaseModel, extra="allow"):
        """A section that takes anything."""

        shown: str = "shown"

    found = masked(Open.model_validate({"what": "s3cret", "this": {"is": "s3cret"}}))
    assert found == {"shown": "shown", "what": "***", "this": "***"}


# -- purging and reloading ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "tag"),
    [
        ({"tag": "users"}, "users"),
        ({"source": "users"}, "source:users"),
        ({"upstream": "default"}, "upstream:default"),
        ({"url": "http://a.example/x?y"}, "url:http://a.example/x?y"),
    ],
)
@loop
async def test_purge(server: Running, admin: Admins, asked: dict[str, str], tag: str) -> None:
    purged: list[str] = []

    async def purge(named: str) -> int:
        purged.append(named)
        return 7

    server.current.held.purge = purge
    response = await admin.post("/admin/purge", asked)
    assert (response.status, response.json()) == (200, {"tag": tag, "purged": 7})
    assert purged == [tag]


@pytest.mark.parametrize(
    "asked", [None, {}, {"tag": 1}, {"tag": "a", "url": "b"}, {"all": "a"}, [], "tag"]
)
@loop
async def test_purge_wants_one_name(admin: Admins, asked: Any) -> None:
    response = await admin.post("/admin/purge", asked)
    assert (response.status, response.media) == (422, PROBLEM)


@loop
async def test_reload(server: Running, admin: Admins) -> None:
    server.folder.query(USER.format(2))
    response = await admin.post("/admin/reload")
    assert (response.status, response.json()["status"]) == (200, "loaded")
    assert (await server.asked())["user"]["name"] == "Bo"
    assert (await admin.post("/admin/reload", {})).json()["status"] == "unchanged"
    server.folder.query("select frm")
    response = await admin.post("/admin/reload")
    assert (response.status, response.json()["status"]) == (409, "refused")
    assert response.json()["configuration"]["refused"]["problems"]
    assert (await admin.post("/admin/reload", {"now": True})).status == 422


@loop
async def test_a_folder_that_goes_on_changing_is_no_success(
    server: Running, admin: Admins, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unsettled() -> Outcome:
        return Outcome.UNSETTLED

    monkeypatch.setattr(server.reloader, "renew", unsettled)
    response = await admin.post("/admin/reload")
    assert (response.status, response.json()["status"]) == (409, "unsettled")


@loop
async def test_no_browser_guesses_what_an_answer_is(admin: Admins) -> None:
    for path in ("/metrics", "/admin/state", "/nothing"):
        assert (await admin.get(path)).headers["x-content-type-options"] == "nosniff"


# -- circuits, the log, queries ------------------------------------------------------------------


@loop
async def test_circuits_are_shown_and_closed_by_hand(server: Running, admin: Admins) -> None:
    for _ in range(6):
        await server.site.ask("select * from /status/500 as a retry 0")
    (circuit,) = (await admin.get("/admin/circuits")).json()["circuits"]
    origin = f"http://127.0.0.1:{server.folder.port}"
    assert (circuit["origin"], circuit["state"], circuit["opened"]) == (origin, "open", 1)
    assert circuit["why"] == "5 calls in a row failed"
    assert circuit["left"] > 0
    response = await admin.post("/admin/circuits", {"origin": origin, "state": "closed"})
    assert (response.status, response.json()) == (200, {"origin": origin, "state": "closed"})
    (circuit,) = (await admin.get("/admin/circuits")).json()["circuits"]
    assert (circuit["state"], circuit["left"]) == ("closed", 0)
    assert (await server.asked())["user"]["name"] == "Ada"
    moved = [notice.state for notice in server.told if isinstance(notice, CircuitMoved)]
    assert moved == ["open", "closed"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"origin": "http://nobody.example", "state": "closed"}, 404),
        ({"origin": "http://a", "state": "open"}, 422),
        ({"origin": "http://a"}, 422),
        ({"origin": 1, "state": "closed"}, 422),
        ({"origin": "http://a", "state": "closed", "more": 1}, 422),
    ],
)
@loop
async def test_circuits_that_are_not_there(admin: Admins, asked: Any, status: int) -> None:
    response = await admin.post("/admin/circuits", asked)
    assert (response.status, response.media) == (status, PROBLEM)


@loop
async def test_the_level_of_the_log_for_a_while(server: Running, admin: Admins) -> None:
    assert (await admin.get("/admin/state")).json()["log"] == {"level": "info"}
    response = await admin.post("/admin/log", {"level": "debug", "for": "10m"})
    assert (response.status, response.json()) == (200, {"level": "debug", "for": 600})
    assert (await admin.get("/admin/state")).json()["log"] == {"level": "debug"}
    assert logging.getLogger("apiql").level == logging.DEBUG
    response = await admin.post("/admin/log", {"level": "warning", "for": "50ms"})
    async with asyncio.timeout(20):
        while (await admin.get("/admin/state")).json()["log"]["level"] != "info":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert logging.getLogger("apiql").level == logging.INFO


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"level": "loud"}, {"level": "debug", "for": "2d"}, {"level": "debug", "for": 0},
        {"level": "debug", "for": None}, {"level": "debug", "more": 1}, {"for": "10m"},
    ],
)  # fmt: skip
@loop
async def test_levels_that_are_none(admin: Admins, asked: Any) -> None:
    response = await admin.post("/admin/log", asked)
    assert (response.status, response.media) == (422, PROBLEM)


@loop
async def test_what_runs_now_is_shown_without_values(server: Running, admin: Admins) -> None:
    text = "select * from /hang as slow where k = 's3cret'; select * from /users/1 as quick;"
    text += "select * from /users/s3cret where x = slow.id"
    asking = asyncio.ensure_future(server.site.ask(text))
    try:
        async with asyncio.timeout(20):
            found: list[Any] = []
            while not found or found[0].get("ended") != 1:
                found = (await admin.get("/admin/queries")).json()["queries"]
                await asyncio.sleep(0.01)
    finally:
        asking.cancel()
    (query,) = found
    assert query["under_way"] == ["slow"]
    assert query["waiting"] == ["*3"], "a name that a path gave may be a value"
    assert (query["kind"], query["route"], query["calls"]) == ("text", "/apiql", 2)
    assert query["fingerprint"].startswith("sha256:")
    assert query["seconds"] > 0
    assert "s3cret" not in str(found)
    async with asyncio.timeout(20):
        while (await admin.get("/admin/queries")).json()["queries"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# -- whom it refuses ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/metrics", "/admin/state", "/admin/purge", "/nothing"])
@loop
async def test_a_name_that_was_made_to_mean_this_machine(admin: Admins, path: str) -> None:
    port = admin.host.rpartition(":")[2]
    for host in (f"evil.example:{port}", "127.0.0.1", f"127.0.0.1.evil.example:{port}", ""):
        found = await admin.get(path, Host=host)
        assert (found.status, found.media) == (403, PROBLEM), host
    found = await admin.post("/admin/reload", Host=f"evil.example:{port}")
    assert found.status == 403


@loop
async def test_other_names_of_this_machine(admin: Admins) -> None:
    port = admin.host.rpartition(":")[2]
    assert (await admin.get("/metrics", Host=f"LOCALHOST:{port}")).status == 200


@pytest.mark.parametrize("path", ["/admin/purge", "/admin/reload"])
@loop
async def test_a_page_in_a_browser_changes_nothing(
    server: Running, admin: Admins, path: str
) -> None:
    """What a page may send elsewhere without asking first: forms and plain texts."""
    server.folder.query(USER.format(2))
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        found = await admin.post(path, {"tag": "a"}, Origin=PAGE, **{"Content-Type": media})
        assert found.status == 415
    asked = await admin.send("OPTIONS", path, b"", {"Host": admin.host, "Origin": PAGE})
    assert asked.status == 405
    assert not [name for name in asked.headers if name.startswith("access-control")]
    assert (await server.asked())["user"]["name"] == "Ada"


@loop
async def test_methods_paths_and_bodies(admin: Admins) -> None:
    found = await admin.get("/admin/reload")
    assert (found.status, found.headers["allow"]) == (405, "POST")
    assert (await admin.post("/metrics")).status == 405
    assert (await admin.get("/admin")).status == 404
    assert (await admin.get("/apiql?query=select")).status == 404
    assert (await admin.post("/admin/purge", {"tag": "x" * 20_000})).status == 413
    body = b"{"
    headers = {"Host": admin.host, "Content-Type": JSON}
    assert (await admin.send("POST", "/admin/purge", body, headers)).status == 400


@loop
async def test_nothing_of_it_is_on_the_main_port(server: Running) -> None:
    for path in ("/metrics", "/admin/state", "/admin/purge", "/admin/reload"):
        assert (await server.site.send("GET", path)).status == 404
        assert (await server.site.send("POST", path)).status == 404


# -- where it listens -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "localhost", "127.0.0.1.example", ""]
)
def test_only_this_machine(tmp_path: Path, host: str) -> None:
    (tmp_path / "apiql.toml").write_text(f'[admin]\nhost = "{host}"\n')
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path, {})
    (problem,) = refused.value.problems
    assert (problem.setting, problem.line, problem.column) == ("admin.host", 2, 8)
    assert "loopback" in problem.wrong


def of(port: int | None, workers: int = 1, host: str = "127.0.0.1") -> Settings:
    return Settings(admin=Admin(host=host, port=port), server=ServerSettings(workers=workers))


def test_it_is_off_by_default() -> None:
    assert bound(Settings()) is None


def test_each_worker_has_the_next_port(port: int) -> None:
    settings = of(port, 3)
    check_free(settings)
    first, second = bound(settings), bound(settings)
    assert first is not None
    assert second is not None
    try:
        assert first.getsockname()[1] < second.getsockname()[1] <= port + 2
    finally:
        first.close()
        second.close()


def test_a_port_that_is_taken(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(NoPort, match=f"admin.port: port {port} is taken on 127.0.0.1"):
            bound(of(port))
        with pytest.raises(NoPort, match="not each worker's is free"):
            check_free(of(port, 2))


def test_any_free_ports() -> None:
    check_free(of(0, 3))
