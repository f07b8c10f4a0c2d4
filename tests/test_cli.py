"""The command line: what it prints where, and the exit code of every ending."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer

from apiql import __version__, cli
from apiql.commands.help import EXAMPLES, GROUPS
from apiql.server.listening import check_listens

QUERY = "select * from /ok"
PARTLY = "select * from /ok; select * from /status/500 as s"
NOTHING = "select * from /status/500 as s"
WRONG = "select * frm /ok"
COMMANDS: Any = typer.main.get_command(cli.cli)


class Shop(BaseHTTPRequestHandler):
    """A small upstream: /status/<n> answers n, all else tells what was asked."""

    def do_GET(self) -> None:
        """Answers a request."""
        status = int(self.path.rpartition("/")[2]) if self.path.startswith("/status/") else 200
        body = json.dumps({"ok": True, "asked": self.path}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A conf folder whose default upstream is the shop."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        folder = tmp_path_factory.mktemp("cli") / "conf"
        folder.mkdir()
        (folder / "queries").mkdir()
        (folder / "queries" / "asked.apiql").write_text("select asked from /ok where id = $id")
        url = f"http://127.0.0.1:{server.server_address[1]}"
        (folder / "apiql.toml").write_text(f'[upstreams.default]\nurl = "{url}"\n')
        yield folder
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Apiql = Callable[..., Ended]


@pytest.fixture
def apiql(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Apiql:
    """Runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args: object, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["apiql", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, out, err)

    return run


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that finds the package from any folder."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | more


def test_help_as_a_process(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "apiql", "--help"],
        cwd=tmp_path, env=environment(COLUMNS="80"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown = re.findall(r"^  ([a-z]+)  ", found.stdout, re.MULTILINE)
    assert sorted(shown) == sorted(COMMANDS.commands)
    assert "..." not in found.stdout.split("COMMAND [ARGS]...")[1], "a text is cut off"
    assert not found.stderr


def every_command(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The names of all commands, those of groups too."""
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from every_command(command, *path, name)


def test_every_command_stands_under_one_heading_and_has_examples() -> None:
    headings = [name for names in GROUPS.values() for name in names]
    assert sorted(headings) == sorted(COMMANDS.commands)
    assert {"", *(" ".join(path) for path in every_command(COMMANDS))} == set(EXAMPLES)


@pytest.mark.parametrize("path", [*every_command(COMMANDS)], ids=" ".join)
def test_help_ends_with_examples(apiql: Apiql, path: tuple[str, ...]) -> None:
    found = apiql(*path, "--help")
    *_, examples = found.out.partition("\n  Examples:\n")
    told = EXAMPLES[" ".join(path)]
    assert (found.code, examples) == (0, "".join(f"    {line}\n" for line in told))
    assert all(f"apiql {' '.join(path)}" in line for line in told)
    assert "<list[str]>" not in found.out


def test_help_loads_no_engine(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['apiql', '--help']\n"
        "from apiql.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'fastapi', 'httpx', 'lark', 'pydantic', 'uvicorn'} & "
        "sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.endswith("[]\n")


def test_version(apiql: Apiql) -> None:
    assert apiql("--version") == Ended(0, f"apiql {__version__}\n", "")


@pytest.mark.parametrize("args", [(), ("nosuch",), ("run", "--nosuch"), ("serve", "--port", "x")])
def test_wrong_usage(apiql: Apiql, args: tuple[str, ...]) -> None:
    found = apiql(*args)
    assert found.code == 2
    assert "Usage: " in found.out + found.err


def test_run_expression(apiql: Apiql, conf: Path) -> None:
    found = apiql("run", "--conf", conf, "-e", QUERY)
    assert (found.code, found.err) == (0, "")
    assert json.loads(found.out) == {"data": {"ok": {"ok": True, "asked": "/ok"}}}
    assert found.out.startswith('{\n  "data"')


def test_run_file_and_standard_input(apiql: Apiql, conf: Path, tmp_path: Path) -> None:
    (tmp_path / "q.apiql").write_text(QUERY)
    for found in (apiql("run", "--conf", conf, "q.apiql"),
                  apiql("run", "--conf", conf, "-", stdin=QUERY)):  # fmt: skip
        assert found.code == 0
        assert json.loads(found.out)["data"]["ok"]["ok"] is True


def test_conf_of_the_folder_is_taken_unasked(apiql: Apiql, conf: Path, tmp_path: Path) -> None:
    (tmp_path / "conf").symlink_to(conf)
    assert apiql("run", "-e", QUERY).code == 0


def test_environment_is_taken(apiql: Apiql, monkeypatch: pytest.MonkeyPatch, conf: Path) -> None:
    url = (conf / "apiql.toml").read_text().split('"')[1]
    monkeypatch.setenv("APIQL_UPSTREAMS__DEFAULT__URL", url)
    assert apiql("run", "-e", QUERY).code == 0


def test_parameters(apiql: Apiql, conf: Path) -> None:
    query = "select asked from /ok where a = $a and b = $b and c = $c"
    found = apiql(
        "run", "--conf", conf, "-e", query, "--params", '{"a": 1.50, "b": 1}',
        "--param", "b=x=y z", "--param", "c=[1, 20000000000000000000]",
    )  # fmt: skip
    asked = json.loads(found.out)["data"]["ok"]["asked"]
    assert asked == "/ok?a=1.50&b=x%3Dy%20z&c=1&c=20000000000000000000"


def test_partial_answer(apiql: Apiql, conf: Path) -> None:
    found = apiql("run", "--conf", conf, "-e", PARTLY)
    answer = json.loads(found.out)
    assert found.code == 3
    assert answer["data"]["s"] is None
    assert answer["errors"][0]["message"] == "s: GET /status/500 answered 500"


@pytest.mark.parametrize("query", [NOTHING, f"{QUERY}; {NOTHING} required"])
def test_no_answer(apiql: Apiql, conf: Path, query: str) -> None:
    found = apiql("run", "--conf", conf, "-e", query)
    assert found.code == 4
    assert json.loads(found.out)["errors"][0]["code"] == "UPSTREAM_STATUS"


@pytest.mark.parametrize(
    "args",
    [("run", "-e", f"explain analyze {PARTLY}"), ("explain", "-e", f"explain analyze {PARTLY}"),
     ("explain", "--analyze", "-e", PARTLY), ("explain", "--analyze", "-e", f"explain {PARTLY}")],
)  # fmt: skip
def test_analyze(apiql: Apiql, conf: Path, args: tuple[str, ...]) -> None:
    found = apiql(*args, "--conf", conf)
    assert (found.code, found.err) == (0, "")
    first, *lines = found.out.splitlines()
    assert re.fullmatch(
        r"analysis: [\d.]+ ms, 2 tasks, 2 upstream calls, \d+ bytes; status 294", first
    )
    assert [line.split()[0] for line in lines[3:5]] == ["ok", "s"]
    assert lines[-1] == "UPSTREAM_STATUS: s: GET /status/500 answered 500"


def test_analyze_in_other_forms(apiql: Apiql, conf: Path) -> None:
    args = ("explain", "--analyze", "--conf", conf, "--param", "a=1")
    query = f"{QUERY} where a = $a; {NOTHING}"
    found = json.loads(apiql(*args, "--format", "json", "-e", query).out)
    assert [task["name"] for task in found["tasks"]] == ["ok", "s"]
    assert found["errors"][0]["code"] == "UPSTREAM_STATUS"
    assert apiql(*args, "--format", "mermaid", "-e", query).out.startswith("gantt\n")
    refused = apiql(*args, "--format", "tree", "-e", query)
    assert (refused.code, refused.out) == (2, "")
    assert "--format tree" in refused.err


def test_explain_alone_calls_nothing(apiql: Apiql, conf: Path) -> None:
    found = apiql("explain", "--conf", conf, "-e", f"{NOTHING} where a = $a")
    assert found.out.startswith("plan: 1 task")


@pytest.mark.parametrize("command", ["run", "explain"])
def test_refused_query(apiql: Apiql, conf: Path, command: str) -> None:
    found = apiql(command, "--conf", conf, "-e", f"{QUERY} as a;\n{WRONG}")
    assert (found.code, found.out) == (1, "")
    assert found.err.startswith("2:10: SYNTAX: ")
    assert f"\n{WRONG}\n         ^^^\n" in found.err


def test_missing_parameter_is_a_refusal(apiql: Apiql, conf: Path) -> None:
    found = apiql("run", "--conf", conf, "-e", "select * from /ok where a = $a")
    assert found.code == 1
    assert "MISSING_VARIABLE" in found.err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("run",), "give a query"),
        (("run", "-e", QUERY, "file"), "give a query"),
        (("run", "nosuch.apiql"), "nosuch.apiql: No such file"),
        (("run", "-e", QUERY, "--conf", "nosuch"), "nosuch: there is no such folder"),
        (("run", "-e", QUERY, "--params", "[1]"), "expected a JSON object"),
        (("run", "-e", QUERY, "--params", "{"), "--params: the JSON is broken"),
        (("run", "-e", QUERY, "--param", "a"), "expected name=value"),
        (("explain", "-e", QUERY, "--format", "xml"), "'xml' is not one of"),
    ],
)
def test_what_cannot_be_read(apiql: Apiql, args: tuple[str, ...], words: str) -> None:
    found = apiql(*args)
    assert (found.code, found.out) == (2, "")
    assert words in found.err


def test_wrong_settings(apiql: Apiql, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "apiql.toml").write_text("[limits]\ntaks = 3\n")
    for command in (("check",), ("run", "-e", QUERY), ("serve",)):
        found = apiql(*command)
        assert found.code == 2
        assert "taks" in found.err
        assert "tasks" in found.err


def test_file_that_is_not_utf8(apiql: Apiql, conf: Path, tmp_path: Path) -> None:
    (tmp_path / "q.apiql").write_bytes(b"select \xff")
    assert apiql("run", "--conf", conf, "q.apiql").err == "q.apiql: is not UTF-8\n"


@pytest.mark.parametrize(
    ("form", "begins"),
    [("text", "plan: "), ("tree", "plan: "), ("json", '{\n  "'), ("mermaid", "flowchart")],
)
def test_explain(apiql: Apiql, conf: Path, form: str, begins: str) -> None:
    query = "select * from /ok as a; select * from /users/{id} as b where id = a.asked"
    found = apiql("explain", "--conf", conf, "-e", query, "--format", form)
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(begins)
    assert "/users/{id}" in found.out
    assert found.out.endswith("\n")
    if form == "json":
        assert [task["needs"] for task in json.loads(found.out)["tasks"]] == [[], ["a"]]


def test_explain_inside_the_query(apiql: Apiql, conf: Path) -> None:
    assert apiql("run", "--conf", conf, "-e", f"explain {QUERY}").out.startswith("plan: ")


def test_explain_of_a_definition_that_is_broken_or_not_there(apiql: Apiql, tmp_path: Path) -> None:
    (tmp_path / "conf" / "apis").mkdir(parents=True)
    (tmp_path / "conf" / "apis" / "weather.json").write_text('{"url": "http://a.example/w"}')
    (tmp_path / "conf" / "apis" / "city.json").write_text(
        '{"url": "http://a.example/", "response": 1}'
    )
    for path, told in (
        ("api/city", "api/city is there, and broken: `apiql check` tells what is wrong"),
        ("api/wether", "there is no definition api/wether: did you mean httpapi/weather?"),
        ("x", "there is no definition x: expected its kind and name, as in flow/weather"),
    ):
        found = apiql("explain", "--of", path, "--conf", "conf")
        assert (found.code, found.out, found.err) == (2, "", f"--of: {told}\n")
    assert apiql("explain", "--of", "api/weather", "--conf", "conf").code == 0


def test_check(apiql: Apiql, conf: Path, tmp_path: Path) -> None:
    assert apiql("check", "--conf", conf).code == 0
    (tmp_path / "good.apiql").write_text(QUERY)
    (tmp_path / "one.apiql").write_text(WRONG)
    (tmp_path / "two.apiql").write_text("select * from nosuch")
    found = apiql("check", "--conf", conf, "good.apiql", "one.apiql", "two.apiql")
    assert (found.code, found.out) == (1, "")
    assert "one.apiql:1:10: SYNTAX" in found.err
    assert "two.apiql:1:15: UNKNOWN_SOURCE" in found.err
    assert "good" not in found.err


def test_a_conf_folder_that_is_passed_by_is_told(apiql: Apiql, tmp_path: Path) -> None:
    assert apiql("check").out == "the defaults: settings are right\n"
    (tmp_path / "conf" / "queries").mkdir(parents=True)
    (tmp_path / "conf" / "queries" / "a.apiql").write_text(WRONG)
    found = apiql("check")
    assert found.code == 0
    assert found.out.startswith("the defaults (conf has no apiql.toml: `--conf conf` reads")
    assert apiql("check", "--conf", "conf").code == 1


@pytest.fixture
def stored(conf: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a conf folder with stored queries in front of the shop."""

    def folder(**texts: str) -> Path:
        made = tmp_path / "stored"
        (made / "queries" / "shop").mkdir(parents=True)
        (made / "apiql.toml").write_text((conf / "apiql.toml").read_text())
        for name, text in texts.items():
            (made / "queries" / f"{name}.apiql").write_text(text)
        return made

    return folder


def test_stored_queries_are_sources_of_the_command_line(
    apiql: Apiql, stored: Callable[..., Path]
) -> None:
    conf = stored(**{"shop/bare": "use envelope none; select ok from /ok as a; return a"})
    found = apiql("run", "--conf", conf, "-e", "select * from query.shop.bare as b")
    assert (found.code, json.loads(found.out)) == (0, {"data": {"b": {"ok": True}}})
    found = apiql("run", "--conf", conf, conf / "queries/shop/bare.apiql")
    assert (found.code, json.loads(found.out)) == (0, {"data": {"ok": True}})
    assert "query.shop.bare" in apiql(
        "explain", "--conf", conf, "-e", "select * from query.shop.bare"
    ).out  # fmt: skip
    found = apiql("check", "--conf", conf)
    assert (found.code, found.out) == (0, f"{conf}: settings are right; stored queries: 1\n")


def test_id(apiql: Apiql, tmp_path: Path) -> None:
    (tmp_path / "q.apiql").write_text("SELECT *\n  FROM /ok  -- all of it")
    found = apiql("id", "q.apiql")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", found.out)
    assert apiql("id", "-e", QUERY) == found
    assert apiql("id", "-e", WRONG).code == 1


def test_the_mode_is_the_servers(
    apiql: Apiql, stored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIQL_QUERIES__MODE", "stored-only")
    assert apiql("run", "--conf", stored(), "-e", QUERY).code == 0


def test_broken_stored_queries_are_refused_by_every_command(
    apiql: Apiql, stored: Callable[..., Path], tmp_path: Path
) -> None:
    conf = stored(**{"one": WRONG, "shop/two": "select * from nosuch", "good": QUERY})
    commands = [
        ("check",), ("serve", "--port", "0"), ("run", "-e", QUERY), ("explain", "-e", QUERY),
    ]  # fmt: skip
    for command in commands:
        found = apiql(*command, "--conf", conf)
        assert (found.code, found.out) == (1, "")
        assert f"{conf}/queries/one.apiql:1:10: SYNTAX: " in found.err
        assert f"\n{WRONG}\n         ^^^\n" in found.err
        assert f"{conf}/queries/shop/two.apiql:1:15: UNKNOWN_SOURCE: " in found.err
        assert "good" not in found.err


def test_files_are_checked_beside_broken_stored_queries(
    apiql: Apiql, stored: Callable[..., Path], tmp_path: Path
) -> None:
    conf = stored(one=WRONG)
    (tmp_path / "a.apiql").write_text("select * from query.one; select * from nosuch")
    (tmp_path / "b.apiql").write_text("select * from query.one")
    found = apiql("check", "--conf", conf, "a.apiql", "b.apiql", "c.apiql")
    assert [line.split(": ")[:2] for line in found.err.splitlines() if ".apiql" in line] == [
        [f"{conf}/queries/one.apiql:1:10", "SYNTAX"], ["a.apiql:1:40", "UNKNOWN_SOURCE"],
        ["c.apiql", "VALIDATION"],
    ]  # fmt: skip


def test_a_port_that_is_taken(apiql: Apiql, conf: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for workers in (1, 2):
            found = apiql("serve", "--conf", conf, "--port", port, "--workers", workers)
            assert (found.code, found.out) == (2, "")
            assert found.err == (
                f"server.port: {port} on 127.0.0.1: Address already in use; name another with "
                "--port (0 takes a free one), or end what listens there\n"
            )


@pytest.mark.parametrize("host", ["no such host", "nosuch.invalid", "192.0.2.1", "\u2026" * 70])
def test_a_host_that_is_none_of_the_machines(
    apiql: Apiql, conf: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(name: str, port: int, **_: int) -> list[tuple[Any, ...]]:
        name.encode("idna")
        if name != "192.0.2.1":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = apiql("serve", "--conf", conf, "--port", 0, "--host", host)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"server.host: {host}: ")
    assert found.err.endswith("; 127.0.0.1 is this machine alone, 0.0.0.0 all its addresses\n")


def test_a_name_may_have_addresses_that_the_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("192.0.2.1", 0)), (*kind, ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    check_listens("localhost", 0)


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none_is_told_as_what_was_given(apiql: Apiql, port: str) -> None:
    found = apiql("serve", "--port", port)
    assert found.code == 2
    assert "Invalid value for '--port'" in found.err


def test_serve(conf: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "apiql", "serve", "--conf", str(conf), "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(APIQL_SERVER__DRAIN_DELAY="0"),
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        line = next(line for line in process.stderr if "running on" in line)
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)", line)[1])  # type: ignore[index]
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/apiql", QUERY, {"Content-Type": "text/plain"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["data"]["ok"]["ok"]) == (200, True)
        connection.request("GET", "/query/asked?id=7")
        told = json.loads(connection.getresponse().read())
        assert told == {"data": {"ok": {"asked": "/ok?id=7"}}}
        connection.close()
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(10) == 0
        assert time.monotonic() - start < 5
