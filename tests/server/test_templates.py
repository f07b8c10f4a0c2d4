"""Call templates over HTTP: /template/<name>, arguments, refusals, rights, buckets, reload."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiql.access.rights import Right, Word
from apiql.demo.serving import serving
from apiql.engine import Engine
from apiql.ir.reach import Kind
from apiql.rights_files import RightsFiles, rights_of
from apiql.server.app import app_around, create_app
from apiql.server.configuration import developing
from apiql.server.current import Current, Held, close_nothing
from apiql.server.reload import Outcome
from apiql.sources.call import Call, Reply
from apiql.template_files import TemplateFile, TemplateFiles
from tests.server.client import ANSWER, JSON, PROBLEM, Response, Site
from tests.server.conf import Folder, running
from tests.server.conftest import settings_for
from tests.server.test_rights import who_asks
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

USER = {
    "Output": {"name": "<<user.name>>", "asked": "<<id>>"},
    "Resources": {"user": {"Url": "/users/<<id>>", "Method": "GET"}},
}
PARTLY = {
    "Output": {"ok": "<<ok.ok>>", "lost": "<<lost.x>>"},
    "Resources": {
        "ok": {"Url": "/ok", "Method": "GET"}, "lost": {"Url": "/status/500", "Method": "GET"},
    },
}  # fmt: skip
LISTED = {"Arguments": ["id"], "Output": {"id": "<<id>>"}}


def files(**templates: Any) -> TemplateFiles:
    """These templates, as a file of several has them; `shop__cart` is `shop/cart`."""
    found = [
        TemplateFile(name.replace("__", "/"), f"templates/{name}.json", json.dumps(template))
        for name, template in templates.items()
    ]
    return TemplateFiles(tuple(found))


FILES = files(user=USER, shop__user=USER, partly=PARTLY, listed=LISTED)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def called(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """A server with templates, as `apiql serve` starts it."""
    async with serving(create_app(settings_for(shared_upstream), templates=FILES)) as url:
        yield Site(url)


async def post(site: Site, name: str, args: object, **headers: str) -> Response:
    """The answer to arguments."""
    fields = {"Content-Type": JSON} | {k.replace("_", "-"): v for k, v in headers.items()}
    return await site.send("POST", f"/template/{name}", json.dumps(args).encode(), fields)


def refused(response: Response, status: int, code: str) -> str:
    """The detail of a problem."""
    found = response.json()
    assert (response.status, response.media, found["code"]) == (status, PROBLEM, code)
    return str(found["detail"])


async def test_arguments_are_the_body(called: Site) -> None:
    for name in ("user", "shop/user"):
        answer = await post(called, name, {"id": 1, "more": 2})
        assert (answer.status, answer.media) == (200, JSON)
        assert answer.json() == {"data": {"name": "Ada", "asked": 1}}
    answer = await called.send("POST", "/template/partly")
    assert answer.json()["data"] == {"ok": True, "lost": None}


async def test_statuses_are_those_of_any_answer(called: Site) -> None:
    partly = await post(called, "partly", {}, Accept=ANSWER)
    assert (partly.status, partly.codes()) == (294, ["UPSTREAM_STATUS"])
    plain = await post(called, "partly", {})
    assert (plain.status, plain.headers["x-apiql-completed"]) == (200, "false")
    assert plain.headers["cache-control"] == "no-store"
    lost = await post(called, "user", {"id": 9})
    assert (lost.status, lost.json()["data"]) == (404, {"name": None, "asked": 9})
    missing = await post(called, "listed", {})
    assert (missing.status, missing.codes()) == (422, ["MISSING_VARIABLE"])
    assert "data" not in missing.json()


@pytest.mark.parametrize("name", ["nosuch", "", "User", "user/", "shop", "user.json", "../apiql"])
async def test_what_there_is_not(called: Site, name: str) -> None:
    for method in ("POST", "GET"):
        answer = await called.send(method, f"/template/{name}")
        assert refused(answer, 404, "QUERY_NOT_FOUND") == "there is no template of this name"


async def test_what_is_no_request(called: Site) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await called.send(method, "/template/user")
        refused(answer, 405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == "POST"
    body = b'{"id": 1}'
    other = await called.send("POST", "/template/user", body, {"Content-Type": "text/plain"})
    refused(other, 415, "UNSUPPORTED_MEDIA_TYPE")
    broken = await called.send("POST", "/template/user", b"{", {"Content-Type": JSON})
    refused(broken, 400, "BAD_REQUEST")
    no_object = await called.send("POST", "/template/user", b"[1]", {"Content-Type": JSON})
    refused(no_object, 422, "VALIDATION")


async def test_what_is_sent_cannot_leave_its_place(called: Site, up: Upstream) -> None:
    for bad in ("../x", "", "a\r\nb", {"a": 1}, [1]):
        answer = await post(called, "user", {"id": bad})
        assert (answer.status, answer.codes()) == (422, ["BAD_VALUE"]), bad
    assert not up.seen


async def test_it_is_described(called: Site, shared_upstream: Upstream) -> None:
    app = create_app(developing(settings_for(shared_upstream)), templates=FILES)
    async with serving(app) as url:
        site = Site(url)
        described = (await site.send("GET", "/openapi.json")).json()["paths"]
        near = refused(await post(site, "usr", {}), 404, "QUERY_NOT_FOUND")
    assert near.endswith("did you mean /template/user?")
    told = {path: list(found) for path, found in described.items() if "/template/" in path}
    names = ("listed", "partly", "shop/user", "user")
    assert told == {f"/template/{name}": ["post"] for name in names}
    body = described["/template/listed"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert schema == {"type": "object", "properties": {"id": {}}, "required": ["id"]}


# -- rights ---------------------------------------------------------------------------------------


async def answer_all(call: Call) -> Reply:
    """What every upstream of these tests answers."""
    return Reply(200, (("content-type", JSON),), b'{"name": "Ada"}')


async def test_a_template_has_rights_of_its_own(up: Upstream) -> None:
    settings = settings_for(up)
    engine = Engine(settings, answer_all, templates=FILES)
    web = Right(Word.WHITELIST, frozenset({"web"}))
    rights = rights_of(settings, RightsFiles({(Kind.TEMPLATE, "shop/user"): web}))
    held = Held(engine, close_nothing, guards=(who_asks,), rights=rights)
    text = "select name from template.shop.user as u where id = 1"
    async with serving(app_around(Current(held))) as url:
        site = Site(url)
        mine = await post(site, "shop/user", {"id": 1}, X_Who="web")
        assert mine.json()["data"]["name"] == "Ada"
        assert mine.headers["cache-control"] == "private"
        theirs = await post(site, "shop/user", {"id": 1}, X_Who="other")
        assert refused(theirs, 404, "QUERY_NOT_FOUND") == "there is no template of this name"
        assert (await post(site, "user", {"id": 1}, X_Who="other")).status == 200
        assert (await site.ask(text, X_Who="web")).status == 200
        unseen = await site.ask(text, X_Who="other")
        assert (unseen.status, unseen.codes()) == (422, ["UNKNOWN_SOURCE"])


# -- folders --------------------------------------------------------------------------------------


def write(conf: Path, name: str, template: Any) -> None:
    """Writes a template as editors do: whole, then put in the old one's place."""
    path = conf / "templates" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(template if isinstance(template, str) else json.dumps(template))
    new.rename(path)


async def test_a_change_is_put_in_force_as_it_comes(tmp_path: Path, up: Upstream) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings()
    write(folder.path, "t", {"Output": {"v": 1}})
    folder.query("select v from template.t as t")
    async with running(folder) as server:
        answer = await post(server.site, "t", {})
        assert answer.json() == {"data": {"v": 1}}
        write(folder.path, "t", {"Output": {"v": 2}})
        assert await server.looked() is Outcome.LOADED
        assert (await post(server.site, "t", {})).json() == {"data": {"v": 2}}
        assert await server.asked() == {"t": {"v": 2}}
        write(folder.path, "t", '{"Output": {"v": 3}, "Resources": {"a": {"Url": 1}}}')
        assert await server.looked() is Outcome.REFUSED
        assert (await post(server.site, "t", {})).json() == {"data": {"v": 2}}
        assert server.reloader.state.refused is not None
        (told,) = server.reloader.state.refused.lines
        assert told.startswith("templates/t.json:1:49: VALIDATION: $.Resources.a.Url: found 1")


async def test_buckets_have_their_own_and_those_of_the_main_folder(
    tmp_path: Path, up: Upstream
) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings("[buckets]\nenabled = true\ninherit = true\nby = 'path'\n")
    write(folder.path, "both", {"Output": {"v": "main"}})
    write(folder.path, "main", {"Output": {"v": "main"}})
    acme = folder.path / "buckets" / "acme"
    write(acme, "several", {"both": {"Output": {"v": "acme"}}, "own": {"Output": {"v": "acme"}}})
    (acme / "apiql.toml").write_text(f'[upstreams.default]\nurl = "http://127.0.0.1:{up.port}"\n')
    async with running(folder) as server:
        for name, where, value in (
            ("both", "/b/acme", "acme"), ("own", "/b/acme", "acme"), ("main", "/b/acme", "main"),
            ("both", "", "main"),
        ):  # fmt: skip
            answer = await server.site.send("POST", f"{where}/template/{name}")
            assert answer.json() == {"data": {"v": value}}, (where, name)
        refused(await server.site.send("POST", "/template/own"), 404, "QUERY_NOT_FOUND")


async def test_rights_of_templates_are_files_too(tmp_path: Path, up: Upstream) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    scope = '[rights.scopes.web]\ntemplates = ["op*", "nosuch"]\n'
    folder.settings(scope)
    write(folder.path, "open", {"Output": {"v": 1}})
    write(folder.path, "shut", {"Output": {"v": 1}})
    rights = folder.path / "rights" / "template"
    rights.mkdir(parents=True)
    (rights / "shut.json").write_text('{"type": "template", "right": "internal"}')
    (rights / "shot.json").write_text('{"type": "template", "right": "internal"}')
    with pytest.raises(Exception, match="no call template is called nosuch") as caught:
        async with running(folder):
            pass
    assert "there is no call template shot\ndid you mean shut?" in str(caught.value)
    folder.settings(scope.replace(', "nosuch"', ""))
    (rights / "shot.json").unlink()
    async with running(folder) as server:
        refused(await post(server.site, "shut", {}), 404, "QUERY_NOT_FOUND")
        assert (await post(server.site, "open", {})).status == 200
