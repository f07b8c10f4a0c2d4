"""What is closed by its right and open by another: warnings of `apiql check`, with their places."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from apiql.cli import main
from apiql.commands.open_ways import open_ways
from apiql.query_files import read_query_files
from apiql.rights_files import read_rights
from apiql.settings import load_settings

TOML = """
[upstreams.default]
url = "http://127.0.0.1:9/api"
[upstreams.default.sources.users]
path = "/users/{id}"
[upstreams.default.sources.me]
path = "/users/me"
[upstreams.default.sources.people]
path = "/users/{name}?full=1"
[upstreams.default.sources.adding]
path = "/users/{id}"
method = "post"
[upstreams.shop]
url = "http://127.0.0.2:9/shop"
[upstreams.shop.sources.carts]
path = "/carts"
"""
KNOWN = {"right": "known"}
NOBODY = {"right": "internal"}
WEB = {"right": "whitelist", "list": [{"user": "web"}]}
NOT_WEB = {"right": "blacklist", "list": [{"user": "web"}]}
REPORTS = {"right": "whitelist", "list": [{"scope": "reports"}]}
PUBLIC = {"right": "public"}
MINE = '[upstreams.shop.sources.mine]\npath = "/carts"\n'
PATHS = "paths of the upstream default"
NOTHING, NAMED = "callers who prove nothing", "callers who prove a name"
SCOPED = '[rights]\ndefault = "internal"\n[rights.scopes.reports]\n'


def write(conf: Path, rights: Mapping[str, Mapping[str, Any]], toml: str = "") -> None:
    (conf / "apiql.toml").write_text(TOML + toml)
    for name, right in rights.items():
        path = conf / "rights" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"type": name.partition("/")[0], **right}))


CASES: dict[str, tuple[Mapping[str, Mapping[str, Any]], str, list[tuple[str, str, str]]]] = {
    "nothing is closed": ({}, "", []),
    "a closed source, open paths": ({"source/me": KNOWN}, "", [("me", NOTHING, PATHS), *[
        ("me", NOTHING, f"the source {name}") for name in ("users", "people")]]),
    "both are closed alike": ({"source/me": KNOWN, "source/users": KNOWN, "source/people": KNOWN,
                               "upstream/default": KNOWN}, "", []),
    "the way is closed further": ({"source/me": KNOWN, "source/users": NOBODY,
                                   "source/people": NOBODY, "upstream/default": NOBODY}, "", []),
    "one caller is kept out": (
        {"source/carts": NOT_WEB}, MINE, [("carts", "the user web", "the source mine")]),
    "one caller is let in": (
        {"source/carts": WEB}, MINE,
        [("carts", NOTHING, "the source mine")]),
    "of a scope": (
        {"source/carts": WEB, "source/mine": REPORTS}, MINE,
        [("carts", "callers of the scope reports", "the source mine"),
         ("mine", "the user web", "the source carts")]),
    "a method of its own": ({"source/adding": NOBODY, "upstream/default": NOBODY}, "", []),
    "a method that texts may not choose": (
        {"source/adding": NOBODY}, '[security]\nallow_methods = ["get"]', []),
    "a placeholder is not covered by one name": (
        {"source/users": NOBODY, "source/people": NOBODY, "upstream/default": NOBODY}, "", []),
    "texts are stored": (
        {"source/users": NOBODY}, '[queries]\nmode = "stored-only"', []),
    "a URL": ({"source/carts": NOBODY}, '[security]\nallow_hosts = ["127.0.0.2:9"]',
              [("carts", NOTHING, "URLs of the host 127.0.0.2")]),
    "a URL elsewhere": ({"source/carts": NOBODY}, '[security]\nallow_hosts = ["127.0.0.2:9/x/"]',
                        []),
    "a closed host": ({"source/carts": NOBODY, "host/127.0.0.2": NOBODY},
                      '[security]\nallow_hosts = ["127.0.0.2:9"]', []),
    "closed paths, open URLs": (
        {"upstream/default": NOBODY}, '[security]\nallow_hosts = ["127.0.0.1:9/api/v1/"]',
        [("default", NOTHING, "URLs of the host 127.0.0.1")]),
    "closed by default": (
        {"upstream/default": PUBLIC}, '[rights]\ndefault = "known"',
        [(name, NOTHING, PATHS) for name in ("users", "me", "people", "adding")]),
    "a scope opens paths": (
        {}, SCOPED + 'upstreams = ["default"]\nmethods = ["get"]',
        [(name, "callers of the scope reports", PATHS) for name in ("users", "me", "people")]),
    "a scope without texts": ({}, SCOPED + 'upstreams = ["default"]\ntexts = false', []),
    "another upstream at the same place": (
        {"source/also": NOBODY},
        '[upstreams.other]\nurl = "http://127.0.0.1:9"\nsources.also.path = "/api/x"',
        [("also", NOTHING, PATHS)]),
    "another upstream beside": (
        {"source/also": NOBODY},
        '[upstreams.other]\nurl = "http://127.0.0.1:9"\nsources.also.path = "/apis/x"', []),
    "another upstream elsewhere": (
        {"source/also": NOBODY},
        '[upstreams.other]\nurl = "http://127.0.0.3:9"\nsources.also.path = "/api/x"', []),
    "a host of it": (
        {"source/also": NOBODY},
        '[upstreams.other]\nurl = "http://other.example"\nhosts = ["http://127.0.0.1:9"]\n'
        'sources.also.path = "/api/x"', [("also", NOTHING, PATHS)]),
    "where it answers for many": (
        {"source/also": NOBODY},
        '[upstreams.other]\nurl = "http://127.0.0.1:9"\n[upstreams.other.sources.also]\n'
        'path = "/one/{id}"\nbulk = { path = "/api/many", param = "ids", key = "id" }',
        [("also", NOTHING, PATHS)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_closed_and_open(tmp_path: Path, name: str) -> None:
    rights, toml, expected = CASES[name]
    write(tmp_path, rights, toml)
    settings = load_settings(tmp_path, {})
    files = read_rights(tmp_path, {}, settings, read_query_files(None))
    assert not files.problems
    found = [(each.name[1], each.who, each.way) for each in open_ways(settings, files)]
    assert sorted(found) == sorted(expected)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`apiql check`: how it ended, and what it wrote."""

    def check(*options: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["apiql", "check", *map(str, options)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return check


def test_the_command_warns_with_file_and_place(tmp_path: Path, run: Run) -> None:
    write(tmp_path, {"source/carts": KNOWN}, MINE)
    code, out, err = run("--conf", tmp_path)
    place = f"{tmp_path}/rights/source/carts.json:1:29"
    closed = f"closed to {NOTHING}, who reach the same address by the source mine"
    assert err.startswith(f"{place}: warning: source carts: {closed}\n    expected: rights")
    assert (code, err.count("warning")) == (0, 1)
    assert "settings are right" in out
    code, out, err = run("--strict", "--conf", tmp_path)
    assert code != 0
    assert err.startswith(f"{place}: error: source carts: ")
    assert not out


def test_what_the_default_closes_is_one_warning(tmp_path: Path, run: Run) -> None:
    toml = "".join(f'sources.s{n}.path = "/{n}"\n' for n in range(9))
    table = '[upstreams.other]\nurl = "http://127.0.0.1:9/api"\n' + toml
    write(tmp_path, {"upstream/default": PUBLIC}, table + '[rights]\ndefault = "known"')
    _, _, err = run("--conf", tmp_path)
    line = (tmp_path / "apiql.toml").read_text().count("\n") + 1
    assert err.startswith(f"{tmp_path}/apiql.toml:{line}:11: warning: source users, source me, ")
    assert "source s0 and 8 more: closed to" in err
    assert err.count("warning") == 1


def test_buckets_have_places_of_their_own(tmp_path: Path, run: Run) -> None:
    write(tmp_path, {"upstream/default": KNOWN, "source/carts": KNOWN}, "[buckets]\nenabled = true")
    bucket = tmp_path / "buckets" / "acme" / "rights" / "source" / "me.json"
    bucket.parent.mkdir(parents=True)
    (tmp_path / "buckets" / "acme" / "apiql.toml").write_text(TOML)
    bucket.write_text('{"type": "source", "right": "internal"}')
    _, _, err = run("--conf", tmp_path)
    assert f"{bucket}:1:29: warning: source me: closed to {NOTHING}" in err
