"""The folder of rights: whose right each file is, and every way in which it can be wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from apiql.access.principal import ANYONE, Principal
from apiql.access.rights import Right, Word
from apiql.cli import main
from apiql.ir.reach import Kind
from apiql.query_files import read_query_files
from apiql.rights_files import (
    NO_RIGHTS,
    RightsFiles,
    RightsRefused,
    read_rights,
    rights_of,
)
from apiql.settings import Settings, load_settings

TOML = """
[security]
allow_hosts = ["https://API.example/v1/", "127.0.0.1:8080", "other.example:*"]
[upstreams.default]
url = "http://127.0.0.1:9"
sources.users.path = "/users"
sources.orders.path = "/orders"
[upstreams.shop]
url = "http://127.0.0.1:8"
sources.carts.path = "/carts"
"""
PUBLIC = {"type": "", "right": "public"}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A conf folder with sources and stored queries, and no rights."""
    (tmp_path / "queries" / "shop").mkdir(parents=True)
    (tmp_path / "apiql.toml").write_text(TOML)
    for name in ("user", "shop/cart", "shop/cart@2"):
        (tmp_path / "queries" / f"{name}.apiql").write_text("select * from /x")
    return tmp_path


def write(conf: Path, name: str, right: object = None) -> None:
    path = conf / "rights" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = name.partition("/")[0]
    text = right if isinstance(right, str) else json.dumps(right or PUBLIC | {"type": kind})
    path.write_text(text)


def read(conf: Path, environ: Mapping[str, str] | None = None) -> tuple[RightsFiles, Settings]:
    settings = load_settings(conf, environ or {})
    return read_rights(conf, environ or {}, settings, read_query_files(conf)), settings


def problems(conf: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    found, _ = read(conf, environ)
    return [str(problem).replace(f"{conf}/", "") for problem in found.problems]


def test_the_file_says_whose_right_it_is(conf: Path) -> None:
    for name in ("query/user", "query/shop/cart", "source/users", "source/carts",
                 "upstream/default", "host/api.example", "host/127.0.0.1", "httpapi/amap_v1",
                 "flow/deep/in/folders/notify", "schedule/手机"):  # fmt: skip
        write(conf, f"{name}.json")
    found, settings = read(conf)
    assert not found.problems
    assert {f"{kind} {name}" for kind, name in found.named} == {
        "query user", "query shop/cart", "source users", "source carts", "upstream default",
        "host api.example", "host 127.0.0.1", "httpapi amap_v1", "flow notify", "schedule 手机",
    }  # fmt: skip
    assert set(found.named.values()) == {Right(Word.PUBLIC)}
    assert not rights_of(settings, found).restricts


def test_rights_of_the_older_notation_are_kept_for_it(conf: Path) -> None:
    write(conf, "httpapi/amap_district.json",
          '{"type": "httpapi", "right": "blacklist", "list": [{"user": "003"}]}')  # fmt: skip
    write(conf, "flow/_HTTPOK.json", '{"type": "flow", "right": "internal"}')
    found, settings = read(conf)
    rights = rights_of(settings, found)
    assert rights.may(Kind.HTTPAPI, "amap_district", Principal("001", "key"))
    assert not rights.may(Kind.HTTPAPI, "amap_district", Principal("003", "key"))
    assert not rights.may(Kind.FLOW, "_HTTPOK", ANYONE)
    assert rights.may(Kind.FLOW, "_HTTPOK", ANYONE, inside=True)


def test_a_folder_without_rights_has_none(conf: Path) -> None:
    assert read(conf)[0] == NO_RIGHTS
    assert read_rights(None, {}, Settings(), read_query_files(None)) == NO_RIGHTS
    write(conf, ".hidden/x.json", "nonsense")
    write(conf, "source/.users.json.swp", "nonsense")
    assert not problems(conf)


WRONG = {
    "users.json": "nothing says what kind of name this is\nput it into a folder: "
    "query, template, source",
    "sources/users.json": "there are no rights of the kind sources\ndid you mean source?",
    "private/users.json": "there are no rights of the kind private\n"
    "expected one of query, template, source",
    "source/user.json": "there is no source user\ndid you mean users?",
    "source/zzz.json": "there is no source zzz\ntake the file out, or give it another name",
    "source/shop/carts.json": "there is no source shop/carts\ndid you mean carts?",
    "source/users.jsn": "this is no rights file\nexpected a name that ends in .json",
    "source/users": "this is no rights file\nexpected a name that ends in .json",
    "query/cart.json": "there is no stored query cart",
    "query/shop/cart@2.json": "a right is for all revisions\nleave out the @ and the number",
    "query/shop/carts.json": "there is no stored query shop/carts\ndid you mean shop/cart?",
    "upstream/defaults.json": "there is no upstream defaults\ndid you mean default?",
    "host/API.example.json": "there is no host of [security] allow_hosts API.example",
    "host/evil.example.json": "there is no host of [security] allow_hosts evil.example",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_nothings_right(conf: Path, name: str) -> None:
    write(conf, name)
    (found,) = problems(conf)
    assert found.startswith(f"rights/{name}: VALIDATION: {WRONG[name]}")


def test_files_that_cannot_be_read(conf: Path) -> None:
    write(conf, "source/users.json", "x" * (1024 * 1024 + 1))
    write(conf, "source/orders.json", "")
    (conf / "rights/source/orders.json").write_bytes(b'{"type": "\xff"}')
    (conf / "rights/source/carts.json").symlink_to(conf / "nowhere")
    assert problems(conf) == [
        "rights/source/carts.json: VALIDATION: cannot be read: No such file or directory",
        "rights/source/orders.json: VALIDATION: is not UTF-8",
        "rights/source/users.json: VALIDATION: is longer than 1048576 bytes",
    ]


def test_two_files_of_one_name(conf: Path) -> None:
    write(conf, "flow/a/notify.json")
    write(conf, "flow/b/notify.json")
    (found,) = problems(conf)
    assert found.startswith("rights/flow/b/notify.json: VALIDATION: ")
    assert "notify.json is of this name too" in found


def test_folders_that_never_end(conf: Path) -> None:
    (conf / "rights" / "query").mkdir(parents=True)
    os.symlink("..", conf / "rights" / "query" / "again")
    assert any("folders go deeper than 8" in found for found in problems(conf))


def test_a_byte_order_mark_is_no_mistake(conf: Path) -> None:
    write(conf, "source/users.json", '\ufeff{"type": "source", "right": "internal"}')
    assert not problems(conf)


def test_nothing_is_put_in_force_by_halves(conf: Path) -> None:
    write(conf, "source/users.json")
    write(conf, "source/orders.json", "{")
    found, settings = read(conf)
    with pytest.raises(RightsRefused, match=r"orders\.json:1:2: VALIDATION: this is no JSON"):
        rights_of(settings, found)


# -- scopes ---------------------------------------------------------------------------------------

SCOPES = """
[rights.scopes.web]
sources = ["users", "order*", "*", "usres"]
queries = ["shop/*", "shop/crat", "nothing/*"]
upstreams = ["default", "shop"]
hosts = ["api.example", "*.example"]
"""


def test_a_scope_lists_what_there_is(conf: Path) -> None:
    (conf / "apiql.toml").write_text(TOML + SCOPES.replace(', "*.example"', ""))
    assert problems(conf) == [
        "apiql.toml:13:36: VALIDATION: rights.scopes.web.sources: no source is called usres\n"
        "did you mean users?",
        "apiql.toml:14:22: VALIDATION: rights.scopes.web.queries: no stored query is called "
        "shop/crat\ndid you mean shop/cart?",
        "apiql.toml:14:35: VALIDATION: rights.scopes.web.queries: no stored query is called "
        "nothing/*",
    ]
    environ = {"APIQL_RIGHTS__SCOPES__APP__SOURCES": "userz"}
    assert any(
        found.startswith("APIQL_RIGHTS__SCOPES__APP__SOURCES: VALIDATION: rights.scopes.app")
        for found in problems(conf, environ)
    )


# -- the command line -----------------------------------------------------------------------------


def check(conf: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["apiql", "check", "--conf", str(conf)])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_check_lists_the_problems_of_rights_and_queries_at_once(
    conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(conf, "source/users.json")
    assert check(conf, monkeypatch) == 0
    assert "settings are right; stored queries: 3; rights: 1" in capsys.readouterr().out
    write(conf, "source/user.json")
    write(conf, "query/user.json", '{"type": "query", "right": "opn"}')
    (conf / "queries" / "user.apiql").write_text("select * frm /x")
    assert check(conf, monkeypatch) == 1
    told = capsys.readouterr().err
    assert 'query/user.json:1:28: VALIDATION: $.right: "opn" is no right' in told
    assert "there is no source user\ndid you mean users?" in told
    assert "user.apiql:1:10: SYNTAX" in told
