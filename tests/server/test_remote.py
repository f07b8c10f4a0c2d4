"""An archive of definitions that stands elsewhere: taken whole, or nothing has changed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiql.events import ArchiveMoved, ConfLoaded
from apiql.remote import fetched
from apiql.remote.fetched import RemoteRefused, Taken, fetch
from apiql.remote.state import Lock, State, state_of, write_state
from apiql.server.configuration import Place
from apiql.server.fetching import Fetching
from apiql.server.masking import masked
from apiql.server.reload import Outcome
from apiql.settings import Settings, load_settings
from apiql.sources.transports import Network
from tests.security.recorder import Recorder
from tests.server.archive_site import PASSWORD, Archives, aes, archives, plain
from tests.server.conf import USER, Folder, running
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE = {"apis/a.json": '{"id": "a", "url": "http://127.0.0.1:9/1"}'}
TWO = {"flows/b.json": "{}", "templates/page.tmpl": "<p>{{.x}}</p>"}
ROOT = Path(__file__).resolve().parents[2]


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[Archives]:
    """A site that holds one archive."""
    async with archives(plain(ONE)) as found:
        yield found


def settings_of(there: Archives, **more: str) -> Settings:
    given = {"URL": there.url, "TIMEOUT": "20s"} | more
    return load_settings(None, {f"APIQL_REMOTE__{key}": text for key, text in given.items()})


def files_of(conf: Path) -> dict[str, str]:
    """What was fetched, by path."""
    top = conf / "remote"
    files = (path for path in sorted(top.rglob("*")) if path.is_file())
    return {path.relative_to(top).as_posix(): path.read_text() for path in files}


def beside(conf: Path) -> set[str]:
    """What stands beside it."""
    return set(os.listdir(conf)) - {"remote"}


# -- what is taken --------------------------------------------------------------------------------


async def test_it_is_taken_once_and_asked_for_by_its_tag(there: Archives, tmp_path: Path) -> None:
    settings = settings_of(there)
    first = await fetch(settings, tmp_path)
    assert files_of(tmp_path) == ONE
    revision = hashlib.sha256(there.body).hexdigest()[:12]
    assert first == Taken(there.url, tmp_path / "remote", 1, revision, changed=True)
    again = await fetch(settings, tmp_path)
    assert again == Taken(there.url, tmp_path / "remote", 1, revision, changed=False)
    assert [("if-none-match" in asked.lower()) for asked in there.asked] == [False, True]
    there.body, there.etag = plain(TWO), '"2"'
    changed = await fetch(settings, tmp_path)
    assert changed is not None
    assert (changed.files, changed.changed) == (2, True)
    assert files_of(tmp_path) == TWO
    assert beside(tmp_path) == {".remote.json", ".remote.lock"}


async def test_nothing_is_fetched_where_nothing_is_named(tmp_path: Path) -> None:
    assert await fetch(Settings(), tmp_path) is None
    assert not os.listdir(tmp_path)


async def test_no_length_and_no_tag(there: Archives, tmp_path: Path) -> None:
    there.etag, there.chunked = None, True
    for changed in (True, False):
        found = await fetch(settings_of(there), tmp_path)
        assert found is not None
        assert found.changed is changed
    assert files_of(tmp_path) == ONE


async def test_the_same_bytes_under_another_tag_are_not_written_again(
    there: Archives, tmp_path: Path
) -> None:
    await fetch(settings_of(there), tmp_path)
    before = (tmp_path / "remote").stat().st_ino
    there.etag = '"2"'
    found = await fetch(settings_of(there), tmp_path)
    assert found is not None
    assert not found.changed
    assert (tmp_path / "remote").stat().st_ino == before
    await fetch(settings_of(there), tmp_path)
    assert 'if-none-match: "2"' in there.asked[-1].lower()


@pytest.mark.parametrize("lost", ["remote", ".remote.json"])
async def test_what_is_lost_is_fetched_anew(there: Archives, tmp_path: Path, lost: str) -> None:
    await fetch(settings_of(there), tmp_path)
    (tmp_path / lost).rename(tmp_path / "elsewhere")
    await fetch(settings_of(there), tmp_path)
    assert files_of(tmp_path) == ONE
    assert "if-none-match" not in there.asked[-1].lower()


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"url": 1}', "[" * 5000, '"x"'])
async def test_a_broken_state_is_no_state(there: Archives, tmp_path: Path, state: str) -> None:
    await fetch(settings_of(there), tmp_path)
    (tmp_path / ".remote.json").write_text(state)
    await fetch(settings_of(there), tmp_path)
    assert "if-none-match" not in there.asked[-1].lower()


async def test_a_hash_that_is_none_is_no_state(there: Archives, tmp_path: Path) -> None:
    await fetch(settings_of(there), tmp_path)
    file = tmp_path / ".remote.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sha256": "../../x"}))
    found = await fetch(settings_of(there), tmp_path)
    assert found is not None
    assert found.changed
    assert "if-none-match" not in there.asked[-1].lower()


async def test_a_folder_of_its_own(there: Archives, tmp_path: Path) -> None:
    found = await fetch(settings_of(there, FOLDER=str(tmp_path / "x" / "y")), tmp_path / "conf")
    assert found is not None
    assert found.folder == tmp_path / "x" / "y" / "remote"
    assert files_of(tmp_path / "x" / "y") == ONE


async def test_a_user_and_a_query_of_the_url(there: Archives, tmp_path: Path) -> None:
    url = there.url.replace("//", "//me:S3%20CRET@") + "?sig=S3CRET"
    found = await fetch(settings_of(there, URL=url), tmp_path)
    assert found is not None
    assert found.url == there.url
    basic = base64.b64encode(b"me:S3 CRET").decode()
    assert f"authorization: basic {basic}".lower() in there.asked[0].lower()
    assert there.asked[0].startswith("GET /conf.zip?sig=S3CRET HTTP/1.1\r\n")


@pytest.mark.parametrize("strength", [1, 2, 3])
@pytest.mark.parametrize("version", [1, 2])
async def test_with_aes(there: Archives, tmp_path: Path, strength: int, version: int) -> None:
    files = ONE | {"privates/p.json": '{"privates": [' + " " * 100_000 + "]}"}
    there.body = aes(files, strength=strength, version=version)
    await fetch(settings_of(there, PASSWORD=PASSWORD), tmp_path)
    assert files_of(tmp_path) == files


async def test_a_pinned_archive(there: Archives, tmp_path: Path) -> None:
    right = hashlib.sha256(there.body).hexdigest()
    await fetch(settings_of(there, SHA256=right), tmp_path)
    with pytest.raises(RemoteRefused, match="checksum"):
        await fetch(settings_of(there, SHA256="0" * 64), tmp_path)
    assert "if-none-match" not in there.asked[-1].lower()
    assert files_of(tmp_path) == ONE


# -- what is refused ------------------------------------------------------------------------------

Spoil = Callable[[Archives], None]


def spoiled(**changes: Any) -> Spoil:
    def spoil(there: Archives) -> None:
        there.etag = '"2"'
        for name, value in changes.items():
            setattr(there, name, value)

    return spoil


BAD: dict[str, tuple[Spoil, dict[str, str], str]] = {
    "404": (spoiled(status="404 Not Found"), {}, "it answers 404"),
    "500": (spoiled(status="500 Oops", body=b""), {}, "it answers 500"),
    "a redirect": (
        spoiled(status="302 Found", body=b"", more="Location: http://169.254.169.254/x.zip\r\n"),
        {}, "it answers 302; redirects are not followed",
    ),
    "unchanged, unasked": (spoiled(status="304 Not Modified", body=b""), {}, "it answers 304"),
    "endless": (spoiled(endless=True), {"ARCHIVE_BYTES": "1MiB"}, "larger than 1048576 bytes"),
    "cut off": (spoiled(body=plain(TWO), cut=100), {}, "355 bytes, 255 came"),
    "cut off within": (spoiled(body=plain(TWO)[:-30]), {}, "cut off, or followed by more"),
    "silent": (spoiled(hangs=True), {"TIMEOUT": "300ms"}, "no answer came in time"),
    "a page": (spoiled(body=b"<html>"), {}, "does not begin as a zip archive does"),
    "too large": (spoiled(body=plain(TWO)), {"ARCHIVE_BYTES": "100B"}, "larger than 100 bytes"),
    "outside": (spoiled(body=plain({"../x.json": "{}"})), {}, "its name is no path"),
    "code": (spoiled(body=plain({"plugins/x.py": ""})), {}, "can be in an archive"),
    "no password": (spoiled(body=aes(TWO)), {}, "it is encrypted, and there is no password"),
    "another password": (
        spoiled(body=aes(TWO)), {"PASSWORD": "S3CRET"}, "the password does not fit"
    ),
    "a changed bit": (
        spoiled(body=aes(ONE, changed=True)), {"PASSWORD": PASSWORD}, "the password does not fit"
    ),
    "an encrypted bomb": (
        spoiled(body=aes({"apis/a.json": "0" * (1 << 24)}, says=10)),
        {"PASSWORD": PASSWORD}, "or it is damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
async def test_what_is_bad_changes_nothing(what: str, there: Archives, tmp_path: Path) -> None:
    await fetch(settings_of(there), tmp_path)
    spoil, more, wrong = BAD[what]
    spoil(there)
    url = there.url.replace("//", "//me:S3CRET@") + "?sig=S3CRET"
    with pytest.raises(RemoteRefused) as refused:
        await fetch(settings_of(there, URL=url, **more), tmp_path)
    assert wrong in str(refused.value)
    assert str(refused.value).startswith(f"{there.url}: ")
    assert "S3CRET" not in str(refused.value)
    assert files_of(tmp_path) == ONE
    assert beside(tmp_path) == {".remote.json", ".remote.lock"}


async def test_no_other_address_is_connected_to(there: Archives, tmp_path: Path) -> None:
    recorder = Recorder(there.port)
    spoil, _, _ = BAD["a redirect"]
    spoil(there)
    network = Network(recorder.lookup, recorder.connect)
    with pytest.raises(RemoteRefused):
        await fetch(settings_of(there), tmp_path, network)
    assert recorder.connected == [("127.0.0.1", there.port)]
    assert not recorder.looked_up


async def test_nobody_there(tmp_path: Path) -> None:
    settings = load_settings(None, {"APIQL_REMOTE__URL": "http://127.0.0.1:1/x.zip"})
    with pytest.raises(RemoteRefused, match="connection refused"):
        await fetch(settings, tmp_path)
    assert not (tmp_path / "remote").exists()


async def test_a_full_disk_changes_nothing(
    there: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fetch(settings_of(there), tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(fetched, "write_files", full)
    there.body, there.etag = plain(TWO), '"2"'
    with pytest.raises(RemoteRefused, match="cannot be written: no space left"):
        await fetch(settings_of(there), tmp_path)
    assert files_of(tmp_path) == ONE


async def test_what_a_crash_left_is_mended(there: Archives, tmp_path: Path) -> None:
    """The process ended between the two renames: the old folder is beside its place."""
    await fetch(settings_of(there), tmp_path)
    (tmp_path / "remote").rename(tmp_path / ".remote-abc-old")
    (tmp_path / ".remote-abc").mkdir()
    (tmp_path / ".remote-abc" / "half.json").write_text("{")
    there.status = "500 Oops"
    there.etag = '"2"'
    with pytest.raises(RemoteRefused):
        await fetch(settings_of(there), tmp_path)
    assert files_of(tmp_path) == ONE
    assert beside(tmp_path) == {".remote.json", ".remote.lock"}


async def test_of_several_processes_one_fetches_at_a_time(there: Archives, tmp_path: Path) -> None:
    lock = Lock(tmp_path / "remote")
    assert lock.taken()
    fetching = asyncio.create_task(fetch(settings_of(there), tmp_path))
    with pytest.raises(RemoteRefused, match="another process is at it"):
        await fetch(settings_of(there, TIMEOUT="100ms"), tmp_path)
    assert not there.asked
    lock.close()
    found = await fetching
    assert found is not None
    assert found.changed


# -- a server that keeps up with it ---------------------------------------------------------------


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_failure_is_told_once_and_its_end(there: Archives, tmp_path: Path) -> None:
    told: list[Any] = []
    fetching = Fetching(Place(tmp_path, {"APIQL_REMOTE__URL": there.url}), told.append)
    await fetching()
    await fetching()
    assert [(notice.url, notice.usable) for notice in told] == [(there.url, True)]
    there.status, there.etag = "404 Not Found", None
    await fetching()
    await fetching()
    assert told[1:] == [ArchiveMoved(there.url, False, "it answers 404")]
    there.status, there.etag = "200 OK", '"1"'
    await fetching()
    assert [notice.usable for notice in told] == [True, False, True]


async def test_it_is_looked_at_as_often_as_is_said(there: Archives, tmp_path: Path) -> None:
    clock = Clock()
    fetching = Fetching(Place(tmp_path, {}), lambda _: None, clock)
    clock.now = 1e9
    assert not fetching.is_due(settings_of(there))
    clock.now = 59.0
    every = settings_of(there, EVERY="1m")
    assert not fetching.is_due(every)
    clock.now = 60.0
    assert fetching.is_due(every)
    await fetching()
    assert not fetching.is_due(every)


async def test_a_reload_fetches_and_puts_in_force(
    there: Archives, tmp_path: Path, up: Upstream
) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings(more=f'[remote]\nurl = "{there.url}"')
    folder.query(USER.format(1))
    async with running(folder) as server:
        await server.looked()
        assert not there.asked, "a look alone fetches nothing"
        assert await server.reloader.renew() is Outcome.LOADED
        assert files_of(folder.path) == ONE
        first = server.reloader.state.revision
        assert [type(notice) for notice in server.told] == [ArchiveMoved, ConfLoaded]
        assert await server.reloader.renew() is Outcome.UNCHANGED
        there.etag, there.status = None, "404 Not Found"
        assert await server.reloader.renew() is Outcome.UNCHANGED
        assert server.told[-1] == ArchiveMoved(there.url, False, "it answers 404")
        assert (await server.asked())["user"]["name"] == "Ada"
        there.status, there.body = "200 OK", plain(TWO)
        assert await server.reloader.renew() is Outcome.LOADED
        assert server.reloader.state.revision != first


async def test_secrets_are_hidden_from_operators(there: Archives) -> None:
    url = there.url.replace("//", "//me:S3CRET@") + "?sig=S3CRET"
    settings = settings_of(there, URL=url, PASSWORD="S3CRET")
    assert "S3CRET" not in repr(settings)
    assert "S3CRET" not in str(masked(settings))
    assert masked(settings)["remote"]["password"] == "***"
    assert masked(settings)["remote"]["url"] == "***"


# -- the command line -----------------------------------------------------------------------------


async def command(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "apiql", *words],
        cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


async def test_the_command_fetches_by_the_variables_of_old(there: Archives, tmp_path: Path) -> None:
    there.body = aes(ONE)
    (tmp_path / ".env").write_text(
        f"TGAH_REMOTE_CONF_URL={there.url}\nTGAH_REMOTE_CONF_STORE_FOLDER=./store\n"
        f"TGAH_REMOTE_CONF_UNZIP_PWD='{PASSWORD}' # as it was\n"
    )
    done = await command("fetch", "--env", ".env", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("store/remote: put in place; files: 1; revision: ")
    assert files_of(tmp_path / "store") == ONE
    over = await command(
        "fetch", "--env", ".env", cwd=tmp_path, TGAH_REMOTE_CONF_UNZIP_PWD="S3CRET"
    )
    assert over.stdout.startswith("store/remote: unchanged; ")
    there.etag, there.body = None, aes(TWO)
    wrong = await command(
        "fetch", "--env", ".env", cwd=tmp_path, TGAH_REMOTE_CONF_UNZIP_PWD="S3CRET"
    )
    assert wrong.returncode == 1
    assert "the password does not fit\nnothing has changed" in wrong.stderr
    assert "S3CRET" not in wrong.stderr
    assert "Traceback" not in wrong.stderr
    none = await command("fetch", cwd=tmp_path)
    assert (none.returncode, none.stdout) == (2, "")
    assert "remote.url is not set" in none.stderr


async def test_a_tag_that_is_none_is_forgotten_and_the_rest_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "remote"
    folder.mkdir()
    for etag, kept in (
        ('"a"', '"a"'),
        ('W/"a"', 'W/"a"'),
        ("a", None),
        ('"a b"', None),
        (None,) * 2,
    ):
        write_state(folder, State("u", "0" * 64, etag, 3))
        assert state_of(folder, "u", None) == State("u", "0" * 64, kept, 3)
