"""Folders of definitions as a server loads them: what is broken, sealed, strict, or elsewhere."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from apiql import cli
from apiql.commands.exits import conf_folder
from apiql.commands.run_once import Setup
from apiql.definition_files import KNOWN, read_definitions
from apiql.engine import Engine
from apiql.events import DefinitionsBroken, Notice
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.private import Private
from apiql.frontends.definitions.start import listening
from apiql.ir.plan import Plan
from apiql.ir.reach import Kind as Reached
from apiql.opened import OpenEngine
from apiql.runtime.compile import compile_plan
from apiql.runtime.step import Executable
from apiql.server import serve
from apiql.server.app import app_of
from apiql.server.configuration import Configuration, Place, read_configuration
from apiql.server.current import close_nothing
from apiql.server.reload import Outcome
from apiql.server.worker import worker
from apiql.settings import Settings, SettingsError, load_settings, sealed
from apiql.sources.call import Call, Reply
from tests.apihub.written import flow, respond, step, text
from tests.definitions.reading import write
from tests.server.conf import Folder as ConfFolder
from tests.server.conf import running

KEY = bytes(range(32))
WITH_KEY = {"APIQL_PRIVATES_KEY": base64.b64encode(KEY).decode()}
API = '{"id": "a", "url": "http://127.0.0.1:9/ok", "method": "GET"}'
"""One that can be served."""


def privates(value: str, name: str = "key") -> str:
    return json.dumps({"privates": [{"name": name, "value": value}]})


def read(conf: Path | None, environ: Mapping[str, str] = {}) -> Configuration:
    return read_configuration(Place(conf, environ, keep_going=True))


def opened(conf: Path) -> OpenEngine:
    found = read(conf)
    return OpenEngine.from_settings(found.settings, definitions=found.definitions)


# -- private values -------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "stem"), [("keys.json", "keys"), ("shop/keys.json", "shop/keys")])
@pytest.mark.parametrize("toml", [True, False])
def test_sealed_values_are_opened_for_definitions(
    tmp_path: Path, file: str, stem: str, toml: bool
) -> None:
    closed = sealed("S3CRET-7c", f"{stem}.key", KEY, b"\1" * 12)
    write(tmp_path, {"apis/a.json": API, f"privates/{file}": privates(closed)})
    if toml:
        (tmp_path / "apiql.toml").write_text("")
    files = read(tmp_path, WITH_KEY).definitions
    assert files.found is not None
    (document,) = files.found.documents[Kind.PRIVATE].values()
    assert isinstance(document.model, Private)
    assert [pair.value for pair in document.model.privates] == ["S3CRET-7c"]
    assert list(files.secrets()) == ["S3CRET-7c"]


@pytest.mark.parametrize(
    ("environ", "wrong", "expected"),
    [
        ({}, "the value is encrypted, and there is no key",
         "the key in APIQL_PRIVATES_KEY, or the name of its file in APIQL_PRIVATES_KEY_FILE"),
        (WITH_KEY, "the value cannot be decrypted: ",
         "the key and the name that it was encrypted with"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_never_sent_as_it_is(
    tmp_path: Path, environ: Mapping[str, str], wrong: str, expected: str
) -> None:
    closed = sealed("S3CRET-7c", "keys.other", KEY, b"\1" * 12)
    write(tmp_path, {"apis/a.json": API, "privates/keys.json": privates(closed)})
    found = read(tmp_path, environ).definitions.found
    assert found is not None
    assert not found.documents[Kind.PRIVATE]
    (problem,) = found.problems
    assert problem.place == "privates/keys.json:1:40"
    assert problem.path == "$.privates[0].value"
    assert problem.wrong.startswith(wrong)
    assert problem.expected == expected


def test_a_broken_file_of_private_values_breaks_itself_alone(tmp_path: Path) -> None:
    write(tmp_path, {"apis/a.json": API, "privates/a.json": "{", "privates/b.json": privates("x")})
    found = read(tmp_path).definitions.found
    assert found is not None
    assert set(found.documents[Kind.PRIVATE]) == {"b"}
    assert [problem.place for problem in found.problems] == ["privates/a.json:1:2"]
    (tmp_path / "apiql.toml").write_text("")
    with pytest.raises(SettingsError, match=r"privates/a\.json:1:2: this is no JSON"):
        load_settings(tmp_path, {})


# -- what is broken is told -----------------------------------------------------------------------


BROKEN = {"apis/a.json": API, "apis/broken.json": "{", "flows/wrong.json": '{"steps": 5}'}


async def test_what_is_left_out_is_told_at_the_start_and_at_each_reload(tmp_path: Path) -> None:
    write(tmp_path, BROKEN)
    told: list[Notice] = []
    _, reloader = worker(Place(tmp_path, {}, keep_going=True), told.append)
    [first] = told
    assert isinstance(first, DefinitionsBroken)
    broken, wrong = first.lines
    assert "apis/broken.json:1:2" in broken
    assert "this is no JSON" in broken
    assert "flows/wrong.json:1:11" in wrong
    assert "$.steps: found 5" in wrong
    told.clear()
    (tmp_path / "apis" / "broken.json").write_text(API)
    assert await reloader.reload() is Outcome.LOADED
    assert [each for each in told if isinstance(each, DefinitionsBroken)] == [
        DefinitionsBroken((wrong,))
    ]


async def test_those_of_buckets_are_told_and_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = {f"buckets/acme/{name}": text for name, text in BROKEN.items()}
    toml = "[buckets]\nenabled = true\n"
    write(tmp_path, {"apiql.toml": toml, "buckets/acme/apiql.toml": "", **inner})
    told: list[Notice] = []
    worker(Place(tmp_path, {}, keep_going=True), told.append)
    [found] = told
    assert isinstance(found, DefinitionsBroken)
    assert found.bucket == "acme"
    assert len(found.lines) == 2
    monkeypatch.setattr(sys, "argv", ["apiql", "check", "--conf", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert f"{tmp_path}/buckets/acme/apis/broken.json:1:2: error: $: " in capsys.readouterr().err


def test_names_that_cannot_be_are_told_where_there_are_no_others(tmp_path: Path) -> None:
    write(tmp_path, {"apis/a b.json": API})
    found = read(tmp_path).definitions.found
    assert found is not None
    assert '"a b" is no name' in found.problems[0].wrong


def served(conf: Path, **environ: str) -> httpx.AsyncClient:
    """A client of what a folder defines, broken things left out."""
    files = read(conf, environ).definitions
    engine = Engine(Settings(), unreached, definitions=files)
    transport = httpx.ASGITransport(app_of(engine, Settings(), close_nothing))
    return httpx.AsyncClient(transport=transport, base_url="http://t")


async def unreached(call: Call) -> Reply:
    raise AssertionError("nothing is called")


async def test_what_calls_something_broken_says_so(tmp_path: Path) -> None:
    steps = [{"api": {"id": "broken"}, "resultKey": "r"}]
    bad = {"url": "http://127.0.0.1:9/ok", "response": {"json": "{{.x"}}
    files = {"apis/broken.json": bad, "apis/a.json": {"url": "http://127.0.0.1:9/ok"},
             "flows/f.json": {"steps": steps},
             "flows/g.json": {"steps": [{"api": {"id": "nope"}, "resultKey": "r"}]},
             "schedules/s.json": {"tasks": [{"type": "flow", "name": "wrong"}]},
             "flows/wrong.json": "{"}  # fmt: skip
    write(tmp_path, {k: v if isinstance(v, str) else json.dumps(v) for k, v in files.items()})
    async with served(tmp_path) as client:
        told = {path: (await client.get(path)).json()["detail"]
                for path in ("/flow/f", "/flow/g", "/schedule/s")}  # fmt: skip
    assert told == {"/flow/f": "api broken is broken", "/flow/g": "there is no api nope",
                    "/schedule/s": "flow wrong is broken"}  # fmt: skip


@pytest.mark.parametrize(("main", "status"), [("{", 403), ('{"name": "m", "steps": []}', 200)])
async def test_nobody_comes_in_where_the_rule_of_who_may_is_broken(
    tmp_path: Path, main: str, status: int
) -> None:
    """main.json may say that nobody may, or what asks them."""
    write(tmp_path, {"main.json": main, "flows/f.json": '{"name": "f", "steps": []}'})
    async with served(tmp_path) as client:
        assert (await client.get("/flow/f")).status_code == status


async def test_what_is_too_deep_leaves_itself_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a name that only a run knows it may call all there are: that no check sees."""

    def compiled(plan: Plan, *more: Any) -> Executable:
        reach = more[3]
        if (Reached.SCHEDULE, "deep") in reach.names:
            raise RecursionError
        return compile_plan(plan, *more)

    monkeypatch.setattr("apiql.compiling.compile_plan", compiled)
    nothing = '{"name": "n", "steps": []}'
    write(tmp_path, {"schedules/deep.json": nothing, "flows/other.json": nothing})
    async with served(tmp_path) as client:
        assert (await client.get("/flow/other")).status_code == 200
        assert (await client.get("/schedule/deep")).status_code == 503


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("toml", "strict"), [("", False), ('[legacy]\ncompat = "strict"', True)])
async def test_definitions_escape_as_the_settings_say(
    tmp_path: Path, toml: str, strict: bool
) -> None:
    flow = {
        "steps": [
            {
                "resultKey": "r",
                "response": {
                    "type": "json",
                    "from": {"from": "JsonTemplate", "template": {"q": "{{.origin.q}}"}},
                },
            }
        ]
    }
    write(tmp_path, {"apiql.toml": toml, "flows/f.json": json.dumps(flow)})
    assert read(tmp_path).definitions.strict is strict
    async with opened(tmp_path) as engine:
        transport = httpx.ASGITransport(app_of(engine, engine.settings, close_nothing))
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            found = await client.post("/flow/f", json={"q": 'a"b'})
    assert found.json() == (None if strict else {"q": 'a"b'})


async def test_what_the_settings_name_is_read(tmp_path: Path) -> None:
    toml = f"[legacy]\napis = {json.dumps(str(tmp_path / 'there'))}\n"
    write(tmp_path, {"conf/apiql.toml": toml, "there/elsewhere.json": API})
    async with opened(tmp_path / "conf") as engine:
        assert [name for _, name in engine.definitions.found] == ["elsewhere"]


def test_folders_are_named_without_a_conf_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"there/a.json": API, "conf/flows/f.json": '{"steps": []}'})
    monkeypatch.chdir(tmp_path)
    assert read_definitions(None).found is None
    found = read(None, {"TGAH_API_DEF_PATH": "there"}).definitions.found
    assert found is not None
    assert (set(found.documents[Kind.API]), set(found.documents[Kind.FLOW])) == ({"a"}, {"f"})
    assert conf_folder(None) == Path("conf")
    (tmp_path / "conf" / "flows").rename(tmp_path / "conf" / "other")
    assert conf_folder(None) is None


@pytest.mark.parametrize(
    ("environ", "toml", "expected"),
    [
        ({}, "", {"host": "127.0.0.2", "port": 28080}),
        ({"TGAH_PORT": "1"}, "", {"host": "127.0.0.2"}),
        ({}, '[server]\nhost = "127.0.0.1"\n', {"port": 28080}),
        ({"APIQL_SERVER__HOST": "::1", "APIQL_SERVER__PORT": "1"}, "", {}),
    ],
)
def test_main_says_where_to_listen_unless_something_else_does(
    tmp_path: Path, environ: Mapping[str, str], toml: str, expected: object
) -> None:
    write(tmp_path, {"main.json": gateway(host="127.0.0.2", port="28080")})
    if toml:
        (tmp_path / "apiql.toml").write_text(toml)
    found = read(tmp_path, environ)
    assert Setup(found.settings, found.queries, definitions=found.definitions).listening == expected


@pytest.mark.parametrize("port", ["", "99999", "1e3", "-1", "\u0661", "9" * 5000])
def test_what_is_no_port_is_none(tmp_path: Path, port: str) -> None:
    write(tmp_path, {"main.json": gateway(port=port)})
    assert listening(read_folder(tmp_path)) == {}


def gateway(**said: str) -> str:
    args = [{"name": name, "value": {"from": "literal", "content": text}}
            for name, text in said.items()]  # fmt: skip
    steps = [{"name": "g", "command": "apiGateway", "args": args}]
    return json.dumps({"name": "main", "steps": steps})


def test_the_command_line_wins_over_main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `apiql serve` would listen at."""
    write(tmp_path, {"main.json": gateway(host="127.0.0.2", port="28080")})
    listened: list[tuple[str, int]] = []

    def serving(settings: Settings, *more: object) -> None:
        listened.append((settings.server.host, settings.server.port))

    monkeypatch.setattr(serve, "serve_forever", serving)
    for more in ((), ("--port", "3"), ("--host", "::1")):
        monkeypatch.setattr(sys, "argv", ["apiql", "serve", "--conf", str(tmp_path), *more])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
    assert listened == [("127.0.0.2", 28080), ("127.0.0.2", 3), ("::1", 28080)]


# -- templates ------------------------------------------------------------------------------------


PAGE = "<p>{{.origin.name}}</p>"
CARDS = '{"Output": {"a": 1}, "Resources": {}}'


def paging(file: str) -> str:
    """A flow that makes a page of a file."""

    def step(command: str, result: str, /, **said: str) -> object:
        args = [{"name": n, "value": {"from": "literal", "content": t}} for n, t in said.items()]
        return {"name": "s", "command": command, "resultKey": result, "args": args}

    steps = [step("createHtml", "page", type="resource", content=file),
             step("httpResponse", "", type="html", key="page")]  # fmt: skip
    return json.dumps({"name": "f", "steps": steps})


async def test_what_a_step_makes_a_page_of_is_no_call_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"main.json": gateway(), "flows/f.json": paging("page.json"),
             "templates/page.json": PAGE, "templates/other.tmpl": "x",
             "templates/two.json": f'{{"a": {CARDS}, "b": {CARDS}}}'}  # fmt: skip
    write(tmp_path, files)
    monkeypatch.setattr(sys, "argv", ["apiql", "check", "--conf", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert (ended.value.code or 0, err) == (0, "")
    assert out.endswith(
        ": settings are right; call templates: 2; flows: 1; templates of pages: 2\n"
    )
    async with served(tmp_path) as client:
        found = await client.post("/flow/f", json={"name": "<Ray>"})
    assert found.text == "<p>&lt;Ray&gt;</p>"
    (tmp_path / "templates" / "page.json").write_text("{{if}}")
    wrong = "the template does not parse: missing value for if"
    assert [p.wrong for p in check(read_folder(tmp_path), KNOWN)] == [wrong]


def test_call_templates_that_were_fetched_stand_in_place_of_the_local_ones(tmp_path: Path) -> None:
    toml = '[remote]\nurl = "http://127.0.0.1:9/conf.zip"\n'
    files = {"apiql.toml": toml, "templates/here.json": CARDS, "remote/templates/there.json": CARDS}
    found = read(write(tmp_path, files)).templates
    assert [file.name for file in found.files] == ["there"]


# -- what the log has -----------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="session")
async def test_lines_say_why_a_definition_failed(tmp_path: Path) -> None:
    """The answer of the second generation does not."""
    answer = respond("r")
    files = {"main.json": gateway(), "apis.json": "{}",
             "flows/gone.json": json.dumps(flow(step("httpApi", name=text("nope")))),
             "flows/odd.json": json.dumps(flow(answer)),
             "flows/fine.json": json.dumps(flow(step("welcome"))),
             "apiql.toml": '[log]\naccess = true\nformat = "json"\n'}  # fmt: skip
    written = bytearray()
    write(tmp_path, files)
    async with running(ConfFolder(tmp_path, 1), written=written) as server:
        for name in ("gone", "odd", "fine"):
            await server.site.send("GET", f"/flow/{name}")
    lines = [json.loads(line) for line in written.splitlines()]
    told = [(line["status"], line.get("codes")) for line in lines]
    assert told == [(403, ["FORBIDDEN"]), (400, ["BAD_VALUE"]), (200, None)]
