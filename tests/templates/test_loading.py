"""Templates from Python and from folders: what is taken, what is refused as a whole, what a check
tells of them; where they may call, and what they take along.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from apiql import cli
from apiql.definition_files import read_definitions
from apiql.engine import Engine, Query
from apiql.errors import QueryRefused
from apiql.ir.explain import as_text
from apiql.ir.works import Fetch
from apiql.query_files import StoredRefused
from apiql.settings import Settings, load_settings
from apiql.sources.call import Call, Reply
from apiql.template_files import names_in, read_template_files
from tests.templates.loading import load_text

SECRET = "k3y-of-the-upstream"


class Upstream:
    """Notes the calls and answers each with an object."""

    body = b'{"x": 1}'

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply(200, (("content-type", "application/json"),), self.body)


def made(upstream: Upstream, **more: str) -> Engine:
    """An engine before it."""
    given = {"UPSTREAMS__DEFAULT__URL": "http://upstream.test/v1"} | more
    environ = {f"APIQL_{key}": value for key, value in given.items()}
    return Engine(load_settings(None, environ | {"KEY": SECRET}), upstream)


ONE = {"Output": {"x": "<<r.x>>"}, "Resources": {"r": {"Url": "/r/<<id>>", "Method": "GET"}}}


# -- from Python ----------------------------------------------------------------------------------


async def test_every_call_starts_anew() -> None:
    upstream = Upstream()
    engine = made(upstream)
    engine.load({"one": ONE})
    for id in (1, 2, 1):
        answer = await engine.call_template("one", {"id": id})
        assert answer.data == b'{"x":1}'
    assert [call.target for call in upstream.calls] == ["/v1/r/1", "/v1/r/2", "/v1/r/1"]


async def test_a_whole_answer_is_whole_beside_a_part_of_it() -> None:
    upstream = Upstream()
    upstream.body = b'{"x": 1, "y": [2, {"z": 3}]}'
    engine = made(upstream)
    output = {"all": "<<r>>", "part": "<<r.x>>", "list": "<<r.y[1].z>>"}
    engine.load({"one": {**ONE, "Output": output}, "two": {**ONE, "Output": {"l": "<<r.y[1].z>>"}}})
    answers = [await engine.call_template(name, {"id": 1}) for name in ("one", "two")]
    found = [json.loads(answer.data or b"") for answer in answers]
    whole = {"x": 1, "y": [2, {"z": 3}]}
    assert found == [{"all": whole, "part": 1, "list": 3}, {"l": 3}]


@pytest.mark.parametrize(
    ("timeout", "limit", "seconds"),
    [(0, 10, 5.0), (0, 2, 2.0), (700, 10, 0.7), (9000, 10, 9.0), (9000, 2, 2.0)],
)
def test_how_long_a_call_may_take(timeout: int, limit: int, seconds: float) -> None:
    """What it says, or five seconds, and no more than the limit of all."""
    engine = made(Upstream(), LIMITS__CALL_TIMEOUT=f"{limit}s")
    one = {"Url": "/r", "Method": "GET", **({"Timeout": timeout} if timeout else {})}
    engine.load({"one": {"Output": {"x": "<<r.x>>"}, "Resources": {"r": one}}})
    (task,) = engine.catalog.templates.found["one"].executable.plan.tasks
    assert task.policy.timeout == seconds


async def test_what_is_loaded_stands_beside_what_is_there() -> None:
    upstream = Upstream()
    engine = made(upstream)
    text = "select v from template.b as b"
    engine.load({"a": {"Output": {"v": 1}}, "b": {"Output": {"v": 1}}})
    assert (await engine.answer(Query(text))).data == b'{"b":{"v":1}}'
    engine.load({"b": {"Output": {"v": 2}}, "c": {"Output": {"v": 2}}})
    found = {name: (await engine.call_template(name, {})).data for name in ("a", "b", "c")}
    assert found == {"a": b'{"v":1}', "b": b'{"v":2}', "c": b'{"v":2}'}
    assert (await engine.answer(Query(text))).data == b'{"b":{"v":2}}', "the plan was kept"


async def test_what_is_loaded_leaves_definitions_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "apis").mkdir()
    api = {"url": "http://upstream.test/r/1", "method": "GET"}
    (tmp_path / "apis" / "one.json").write_text(json.dumps(api))
    upstream = Upstream()
    engine = Engine(Settings(), upstream, definitions=read_definitions(tmp_path))
    engine.load({"a": {"Output": {"v": 1}}})
    await engine.answer(Query("select x from httpapi.one as o"))
    assert [call.target for call in upstream.calls] == ["/r/1"]


async def test_nothing_is_loaded_by_halves() -> None:
    engine = made(Upstream())
    engine.load({"a": {"Output": {"v": 1}}})
    with pytest.raises(StoredRefused) as caught:
        engine.load(
            {"a": {"Output": {"v": 2}}, "b": {"Output": 1}, "c": {"Output": {"d": "<<.>>"}}}
        )
    told = [str(problem.problem.message) for problem in caught.value.problems]
    assert told == ["$.b.Output: found 1", "$.c.Output.d: this is no path: found '.'"]
    assert (await engine.call_template("a", {})).data == b'{"v":1}'
    with pytest.raises(QueryRefused, match="there is no template b"):
        await engine.call_template("b", {})


# -- where they call, and what they take along ----------------------------------------------------


def endpoint_of(url: str, settings: str) -> Any:
    """The endpoint of a resource with this address."""
    text = json.dumps({"Output": {"x": "<<r.x>>"}, "Resources": {"r": {"Url": url}}})
    found = load_text(text, settings=settings)
    assert not found.problems, found.problems
    work = found.found["t"].executable.plan.tasks[0].work
    assert isinstance(work, Fetch)
    return work.endpoint


UPSTREAMS = """
[upstreams.api]
url = "https://api.test/v1"
[upstreams.deep]
url = "https://api.test/v1/deep"
[security]
allow_hosts = ["open.test", "https://narrow.test/only"]
"""


@pytest.mark.parametrize(
    ("url", "service", "target", "pinned"),
    [
        ("/r", "default", "/r", True),
        ("r?a=1", "default", "/r?a=1", True),
        ("http://upstream.test/r", "default", "/r", True),
        ("http://UPSTREAM.test:80/r", "default", "/r", True),
        ("https://api.test/v1/r", "api", "/v1/r", True),
        ("https://api.test:443/v1/deep/r", "deep", "/v1/deep/r", True),
        ("http://open.test/r", "open.test", "/r", False),
        ("https://narrow.test/only/r", "narrow.test", "/only/r", False),
    ],
)
def test_where_an_address_leads(url: str, service: str, target: str, pinned: bool) -> None:
    found = endpoint_of(url, UPSTREAMS)
    assert (found.service, found.template, found.pinned) == (service, target, pinned)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.test/v2/r", "https://api.test/v1x/r", "http://api.test/v1/r",
        "https://api.test:444/v1/r", "https://narrow.test/other", "https://narrow.test/<<x>>",
        "http://127.0.0.1:8000/r", "http://169.254.169.254/latest", "https://api.test/v1/../r",
        "https://api.test@evil.test/v1", "//evil.test/x", "https://api.test/v1/%2e%2e/r",
        "file:///etc/passwd", "https:/api.test/v1",
    ],
)  # fmt: skip
def test_where_no_address_leads(url: str) -> None:
    text = json.dumps({"Output": {"x": "<<r.x>>"}, "Resources": {"r": {"Url": url}}})
    (problem,) = load_text(text, settings=UPSTREAMS).problems
    assert problem.problem.code == "FORBIDDEN_UPSTREAM", problem


async def test_the_upstreams_rules_hold() -> None:
    """Its headers, its secret, what of the caller's request is passed on, its time."""
    upstream = Upstream()
    engine = made(
        upstream,
        UPSTREAMS__DEFAULT__HEADERS__X_KEY="${env:KEY}",
        UPSTREAMS__DEFAULT__FORWARD="authorization",
        UPSTREAMS__DEFAULT__TIMEOUT="700ms",
    )
    engine.load({"one": ONE})
    executable = engine.catalog.templates.named("one").executable
    asked = {"authorization": "Bearer caller", "cookie": "sid=1"}
    await engine.carry_out(executable, Query("", {"id": 1}, asked))
    headers = {name.lower(): value for name, value in upstream.calls[0].headers}
    assert (headers["x_key"], headers["authorization"]) == (SECRET, "Bearer caller")
    assert "cookie" not in headers
    assert SECRET not in as_text(executable.plan)
    assert executable.steps[0].timeout == pytest.approx(0.7)
    assert executable.varies == {"authorization"}


# -- folders --------------------------------------------------------------------------------------


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    (folder / "shop").mkdir(parents=True)
    (folder / "one.json").write_text(json.dumps(ONE))
    (folder / "shop" / "all.json").write_text(json.dumps({"a": ONE, "b": ONE}))
    (folder / ".hidden.json").write_text("{")
    (folder / "page.tmpl").write_text("{{.a}}")
    assert names_in(read_template_files(tmp_path)) == {"one", "shop/a", "shop/b"}
    (folder / "no name.json").write_text("{}")
    (folder / "latin.json").write_bytes(b'{"\xe4": 1}')
    problems = [str(each) for each in read_template_files(tmp_path).problems]
    assert [p.removeprefix(f"{folder}/").split("\n")[0] for p in problems] == [
        "latin.json:1:3: VALIDATION: the file is not UTF-8",
        "no name.json: VALIDATION: this is no name of a template",
    ]
    assert not read_template_files(None).files
    assert not read_template_files(tmp_path / "templates").files


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A conf folder with a template that is odd."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "apiql.toml").write_text('[upstreams.default]\nurl = "http://127.0.0.1:9"\n')
    odd = {**ONE, "Resources": {"r": {**ONE["Resources"]["r"], "Timeout": 5}}}  # type: ignore[index]
    (tmp_path / "templates" / "odd.json").write_text(json.dumps(odd))
    return tmp_path


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    """A command in this process: exit code, output, errors."""
    monkeypatch.setattr(sys, "argv", ["apiql", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0), *capsys.readouterr()


def test_a_check_tells_all(
    conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, "check", "--conf", conf)
    assert (code, out) == (0, f"{conf}: settings are right; call templates: 1\n")
    odd = f"{conf}/templates/odd.json:1:98: VALIDATION: $.Resources.r.Timeout: 5 milliseconds"
    assert err.startswith(odd)
    code, out, err = run(monkeypatch, capsys, "check", "--strict", "--conf", conf)
    assert (code, out, err[: len(odd)]) == (1, "", odd)
    (conf / "queries").mkdir()
    (conf / "queries" / "q.apiql").write_text("select * from template.wrong; select frm x")
    for name in ("wrong", "wrong2"):
        (conf / "templates" / f"{name}.json").write_text('{"Output": {"a": "<<a..b>>"}}')
    code, out, err = run(monkeypatch, capsys, "check", "--conf", conf)
    assert (code, out, err.count("this is no path")) == (1, "", 2)
    assert "q.apiql:1:42: SYNTAX" in err
    assert "UNKNOWN_SOURCE" not in err


def test_a_template_is_no_template_of_the_other_language(
    conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both stand in the same folder."""
    (conf / "templates" / "odd.json").write_text('{"Output": {"a": "{{ nope"}}')
    (conf / "templates" / "page.tmpl").write_text("{{ .ok }}")
    code, out, err = run(monkeypatch, capsys, "check", "--conf", conf)
    assert (code, out, err) == (0, f"{conf}: settings are right; call templates: 1\n", "")


def test_a_template_is_explained_and_run(
    conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(monkeypatch, capsys, "explain", "--conf", conf, "--template", "odd")
    assert (code, out.split("\n")[0]) == (0, "plan: 1 task, at most 1 upstream call, depth 1")
    assert "r: GET default /r/{id}" in out
    (conf / "templates" / "const.json").write_text('{"Output": {"a": "<<a>>"}}')
    code, out, _ = run(
        monkeypatch, capsys, "run", "--conf", conf, "--template", "const", "--param", "a=1"
    )
    assert (code, json.loads(out)) == (0, {"data": {"a": 1}})
    code, _, err = run(monkeypatch, capsys, "run", "--conf", conf, "--template", "cons")
    assert (code, "did you mean const?" in err) == (1, True)
    code, _, err = run(monkeypatch, capsys, "run", "--conf", conf, "--template", "a", "-e", "x")
    assert (code, "give a query" in err) == (2, True)
