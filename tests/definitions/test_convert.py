"""Definitions as texts: which are whole, what each says it lacks, and that the whole ones do what
the originals were recorded to do.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from msgspec import structs

from apiql import cli
from apiql.commands.conversions import NotConverted, conversion
from apiql.engine import Engine, Query
from apiql.errors import QueryRefused
from apiql.frontends.definitions.convert.convert import Converted, convert
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.text.format import format_text
from apiql.frontends.text.grammar import TextLimits
from apiql.frontends.text.parse import TextParser
from apiql.query_files import read_query_files
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from tests.apihub.comparing import Comparison
from tests.apihub.traces import BEGAN, Got, Trace, traces_of
from tests.apihub.upstream import Upstream
from tests.definitions.reading import DATA, FOLDERS

KINDS = {"api": Kind.API, "httpapi": Kind.API, "flow": Kind.FLOW, "schedule": Kind.SCHEDULE}
Run = Callable[..., tuple[int, str, str]]
PARSER = TextParser(TextLimits())
FORM = "application/x-www-form-urlencoded"
BROKEN = {"t_nourl", "t_unknownfrom", "s_badtype"}
MISSING = "a value that is missing or null is not sent: its call is skipped"
STATUS = "an answer of an upstream that is no 2xx is a failure, and one that is counts"
DIGITS = "numbers keep their digits, and what is missing is no text `<no value>`"
EQUAL = "equal reads are one call"
ALONE = "each is replayed alone: nothing is kept of an earlier one"
UNLIKE = {
    ("v1_conf", 3): MISSING,
    ("v1_conf", 9): STATUS,
    ("v1_conf", 10): STATUS,
    ("v1_conf", 11): "no text is made of lists and objects as Go prints them",
    ("v1_conf", 14): DIGITS,
    ("v1_conf", 16): DIGITS,
    ("v1_conf", 17): DIGITS,
    ("v1_conf", 26): MISSING,
    ("v1_conf", 33): ALONE,
    ("v1_conf", 39): ALONE,
    ("v1_conf", 69): EQUAL,
    ("v2_conf", 21): STATUS,
    ("v2_conf", 28): "a post without a body has no Content-Type",
    ("v2_conf", 52): "what answers nothing by itself is converted to what others get of it",
    ("v2_conf", 62): EQUAL,
    ("v2_conf", 64): "one call after the other: the recorded two were never at once",
}  # fmt: skip
"""Recordings that a text answers in another way, and why."""


def every(folder: str) -> Iterator[tuple[str, Converted]]:
    """All definitions of a folder that are not broken."""
    definitions = read_folder(DATA / folder)
    for kind in (Kind.API, Kind.FLOW, Kind.SCHEDULE):
        for name in sorted(definitions.documents[kind]):
            if name not in BROKEN:
                yield f"{kind.value}/{name}", convert(definitions, kind, name)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_definition_is_whole_or_says_what_it_lacks(
    folder: str, request: pytest.FixtureRequest
) -> None:
    lines = []
    for name, found in every(folder):
        lines.append(f"{name}: {'whole' if found.whole else 'partial'}\n")
        lines += [f"    {gap}\n" for gap in found.gaps]
    golden = Path(__file__).with_name(f"converted_{folder.replace('/', '_')}.txt")
    if request.config.getoption("--update"):
        golden.write_text("".join(lines), "utf-8")
    assert "".join(lines) == golden.read_text("utf-8")


@pytest.mark.parametrize("folder", ["real/v1", "real/v2"])
def test_the_texts_of_what_was_published(folder: str, request: pytest.FixtureRequest) -> None:
    found = "".join(f"{format_text(str(each), PARSER)}\n" for _, each in every(folder) if each.text)
    golden = Path(__file__).with_name(f"converted_{folder.replace('/', '_')}.apiql")
    if request.config.getoption("--update"):
        golden.write_text(found, "utf-8")
    assert found == golden.read_text("utf-8")


def conf_of(found: Converted, folder: str, tmp_path: Path) -> Path:
    """A conf folder with what a definition was turned into."""
    (tmp_path / "queries").mkdir()
    (tmp_path / "apiql.toml").write_text(found.settings, "utf-8")
    (tmp_path / "queries" / "converted.apiql").write_text(str(found), "utf-8")
    shutil.copytree(DATA / folder / "privates", tmp_path / "privates")
    return tmp_path


@pytest.mark.parametrize("folder", ["v1_conf", "v2_conf"])
def test_every_text_can_be_stored(folder: str, tmp_path: Path) -> None:
    stored = 0
    for at, (name, found) in enumerate(every(folder)):
        if found.text:
            place = tmp_path / str(at)
            place.mkdir()
            conf = conf_of(found, folder, place)
            queries = read_query_files(conf)
            engine = Engine(load_settings(conf, {}), Upstream(lambda: BEGAN), queries)
            assert engine.stored("converted") is not None, name
            stored += 1
    assert stored > 20


def recorded(folder: str) -> list[tuple[str, Trace]]:
    """What was recorded of definitions that can be converted whole."""
    whole = {name for name, found in every(folder) if found.whole}
    listed = []
    for trace in traces_of(folder[:2]):
        kind, *names = trace.asked.path.partition("?")[0].strip("/").split("/")
        name = f"{KINDS[kind].value}/{'_'.join(names)}" if kind in KINDS else ""
        if name in whole and trace.expected[0].status < 400:
            listed.append((name, trace))
    return listed


def members(body: bytes) -> dict[str, object]:
    """The members of a request's body, as far as it is an object."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Sorted:
    """The upstream of the recordings, to which parameters come in the order that Go has them."""

    def __init__(self, sorts_forms: bool) -> None:
        self.sorts_forms = sorts_forms  # the first generation's are
        self.upstream = Upstream(lambda: BEGAN)

    async def __call__(self, call: Call) -> Reply:
        """Makes the call."""
        path, mark, query = call.target.partition("?")
        body = call.body
        if body and self.sorts_forms and any(value.startswith(FORM) for _, value in call.headers):
            body = _ordered(body.decode()).encode()
        return await self.upstream(
            structs.replace(call, target=path + mark + _ordered(query), body=body)
        )


def _ordered(query: str) -> str:
    return urlencode(sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0]))


async def answered(found: Converted, folder: str, trace: Trace, tmp_path: Path) -> list[str]:
    """What differs from a recording."""
    upstream = Sorted(folder == "v1_conf")
    conf = conf_of(found, folder, tmp_path)
    settings = load_settings(conf, {})
    engine = Engine(settings, upstream, read_query_files(conf), wall=lambda: BEGAN)
    asked = members(trace.asked.body) | dict(parse_qsl(trace.asked.path.partition("?")[2]))
    query = engine.stored("converted")
    assert query is not None
    known = {parameter.name for parameter in query.executable.plan.parameters}
    params = {name: value for name, value in asked.items() if name in known}
    try:
        answer = await engine.carry_out(query.executable, Query("", params))
    except QueryRefused as refused:
        return [str(refused)]
    calls, most = upstream.upstream.drained()
    got = Got(answer.status, trace.expected[0].media or "", answer.data or b"null")
    return Comparison().differences(trace, got, calls, most)


CASES = [(folder, *case) for folder in ("v1_conf", "v2_conf") for case in recorded(folder)]


@pytest.mark.parametrize(
    ("folder", "name", "trace"), CASES, ids=[f"{f}-{n}-{t.number}" for f, n, t in CASES]
)
def test_what_is_whole_does_what_was_recorded(
    folder: str, name: str, trace: Trace, tmp_path: Path
) -> None:
    found = dict(every(folder))[name]
    differences = asyncio.run(answered(found, folder, trace, tmp_path))
    meant = UNLIKE.get((folder, trace.number))
    assert bool(differences) == (meant is not None), differences


def test_every_difference_that_is_meant_is_of_a_recording_that_is_replayed() -> None:
    assert UNLIKE.keys() <= {(folder, trace.number) for folder, _, trace in CASES}


def test_a_source_keeps_answers_as_long_as_they_say() -> None:
    found = dict(every("v1_conf"))
    assert 'cache = { expires = "body.expires_in" }' in found["api/qywx_gettoken"].settings
    assert 'cache = { expires = "header.X-Exp" }' in found["api/t_cachehdr"].settings
    assert found["api/qywx_gettoken"].whole
    assert not found["api/t_cachedate"].whole  # a layout


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`apiql convert` in this process: exit code, output, errors."""

    def convert(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["apiql", "convert", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return convert


def test_the_command_prints_what_is_whole_and_ends_with_0(run: Run) -> None:
    code, out, err = run("flow/amap_city_weather", "--conf", DATA / "real/v1")
    assert (code, err) == (0, "")
    assert out == conversion(DATA / "real/v1", "flow/amap_city_weather", {}).text
    assert 'private = "amap_keys.key1"' in out


def test_the_command_says_what_is_missing_and_ends_with_3(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "x.apiql"
    code, out, err = run("schedule/amap_qywx", "--conf", DATA / "real/v1", "--to", target)
    assert (code, out) == (3, "")
    assert "schedules/amap_qywx.json:6:9: $.tasks[0]: a loop\n" in err
    text = target.read_text("utf-8")
    assert (
        "-- What has no equivalent:\n--   schedules/amap_qywx.json:6:9: $.tasks[0]: a loop" in text
    )
    assert format_text(text, PARSER) == text


def test_no_private_value_is_in_a_text() -> None:
    for folder in ("v1_conf", "v2_conf"):
        files = (DATA / folder / "privates").rglob("*.json")
        secrets = {
            pair["value"]
            for file in files
            for pair in json.loads(file.read_text("utf-8"))["privates"]
        }
        assert secrets
        for name, found in every(folder):
            told = str(found)
            assert not [s for s in secrets if len(s) > 4 and f'"{s}"' in told], name


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/a", "http://a\u2100b.test/", "http://a.test:99999/", "http://a.test:0/",
        "http:///a", "https://u:S3CRET@a.test/", "http://{{.origin.h}}/",
    ],
)  # fmt: skip
def test_an_address_that_no_source_can_have_is_told(url: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "x.json").write_text(json.dumps({"url": url}), "utf-8")
    code, out, err = run("api/x", "--conf", tmp_path)
    assert code == 3
    assert "$.url: no address that a source can have" in err
    assert "S3CRET" not in out + err


@pytest.mark.parametrize(
    ("named", "code", "told"),
    [
        ("flow/amap_city_weathr", 2, "there is no definition flow/amap_city_weathr: did you mean"),
        ("zzzzzzzzzz", 2, "expected its kind and name, as in flow/weather"),
        ("api/t_nourl", 2, "t_nourl.json:1:1: error: $:"),
    ],
)
def test_what_is_not_there_or_broken_is_refused(run: Run, named: str, code: int, told: str) -> None:
    found, out, err = run(named, "--conf", DATA / "v1_conf")
    assert (found, out) == (code, "")
    assert told in err


def test_a_folder_without_definitions_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotConverted, match="there is no definition flow/x"):
        conversion(tmp_path, "flow/x", {})


def test_definitions_stand_where_a_server_looks_for_them(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    elsewhere, conf = tmp_path / "elsewhere", tmp_path / "conf"
    elsewhere.mkdir()
    (elsewhere / "x.json").write_text('{"url": "http://a.test/x"}')
    conf.mkdir()
    variables = tmp_path / ".env"
    variables.write_text(f"APIQL_LEGACY__APIS={elsewhere}\n")
    code, out, _ = run("api/x", "--conf", conf, "--env", variables)
    assert (code, 'url = "http://a.test"' in out) == (0, True)


def test_functions_of_plug_ins_break_no_definition(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir(mode=0o755)
    (tmp_path / "plugins" / "mine.py").write_text(
        "from apiql.plugins import PlugIn\n\n\n"
        "def register() -> PlugIn:\n    return PlugIn(templates={'initials': str})\n"
    )
    (tmp_path / "apiql.toml").write_text('[plugins]\nfiles = ["mine"]\n')
    (tmp_path / "apis").mkdir()
    source = {"from": "template", "name": "{{initials .origin.n}}"}
    name = {"in": "query", "name": "n", "from": source}
    api = {"url": "http://a.test/x", "parameters": [name]}
    (tmp_path / "apis" / "x.json").write_text(json.dumps(api))
    code, out, err = run("api/x", "--conf", tmp_path)
    assert (code, 'url = "http://a.test"' in out) == (3, True)
    assert "there is no function" not in err
