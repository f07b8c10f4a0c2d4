"""T28: the name of a stored query, sent by a client, is taken for the name of a file."""

from __future__ import annotations

import builtins
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.query_files import read_query_files
from apiql.server.app import create_app
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "select * from /secret as s"
HOSTILE = [
    "..%2f..%2fsecret", "../../secret", "..%5c..%5csecret", "%2e%2e/%2e%2e/secret", "%252e%252e/x",
    "%2fetc%2fpasswd", "/etc/passwd", "%00", "good%00", "good%00.apiql", "good.apiql", "./good",
    "good/", "good//1", "GOOD", "good%20", "good/1/..", "good/0", "good/-1", "good/01", "good/1e0",
    "good/99999999999999999999", "good@1", "good%401", ".hidden", "_", "con", "nul", "aux.txt",
    quote("g\u043e\u043ed"), quote("good\u202e"), quote("\ufeffgood"), quote("ｇｏｏｄ"), "%ff%fe",
    "%ed%a0%80", "x" * 5000, "%2e" * 500, "*", "?x=1", "%3f", "good%0d%0aX-Y:1", "{id}", "$(id)",
    "..;/good", "queries/good", "file:///etc/passwd", "a/" * 200, "secret", "linked",
    "shop/../good",
]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A server with one stored query, and what it may not read around its folder."""
    conf = tmp_path_factory.mktemp("conf")
    (conf / "queries" / "shop").mkdir(parents=True)
    (conf / "queries" / "good.apiql").write_text("select * from /ok as o")
    (conf / "queries" / ".hidden.apiql").write_text(SECRET)
    (conf / "secret.apiql").write_text(SECRET)
    (conf.parent / "secret.apiql").write_text(SECRET)
    queries = read_query_files(conf)
    async with upstream() as up, serving(create_app(settings_for(up), queries)) as url:
        yield Site(url)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every file that is looked at while a test runs."""
    found: list[str] = []

    def noting(name: str, real: Any) -> Any:
        def note(path: Any, *rest: Any, **more: Any) -> Any:
            if isinstance(path, str | bytes | os.PathLike):
                found.append(f"{name} {os.fspath(path)!r}")
            return real(path, *rest, **more)

        return note

    for owner, names in ((builtins, ["open"]), (os, ["open", "stat", "listdir", "scandir"])):
        for name in names:
            monkeypatch.setattr(owner, name, noting(name, getattr(owner, name)))
    return found


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:30])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_is_looked_up_among_names(
    site: Site, opened: list[str], method: str, name: str
) -> None:
    response = await site.send(method, f"/query/{name}")
    assert not opened
    assert response.status in (400, 404), response.body
    text = response.body.decode()
    assert "secret" not in text.replace(name, "").replace("secret", "", name.count("secret"))
    for word in ("good", "shop", str(Path.home()), "conf", "Traceback", "root:"):
        if word not in name:
            assert word not in text


async def test_names_are_not_listed(site: Site) -> None:
    for path in ("/query", "/query/", "/query/shop", "/query/shop/", "/queries", "/query/godo",
                 "/query/gooood", "/query/Good"):  # fmt: skip
        response = await site.send("GET", path)
        assert response.status == 404
        assert "good" not in response.body.decode().replace(path, "")


async def test_the_one_that_is_there_answers(site: Site) -> None:
    response = await site.send("GET", "/query/good")
    assert response.json() == {"data": {"o": {"ok": True}}}


@pytest.mark.parametrize(
    "id", ["../../x", "sha256:" + "0" * 63, "sha256:../../" + "a" * 57, "\x00"]
)
async def test_an_id_is_a_hash_and_nothing_else(site: Site, id: str, opened: list[str]) -> None:
    response = await site.send("GET", f"/apiql?id={quote(id)}")
    assert (response.status, response.codes()) == (422, ["VALIDATION"])
    assert not opened
