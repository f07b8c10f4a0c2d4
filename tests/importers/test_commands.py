"""`apiql import` and `apiql export`: what they print where, and how they end."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from apiql import cli
from tests.importers.describing import DATA, samples_of

ROOT = Path(__file__).resolve().parents[2]


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

    def run(*args: object, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "argv", ["apiql", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, out, err)

    return run


def test_an_import_makes_a_folder_that_is_right(apiql: Apiql) -> None:
    done = apiql("import", "auto", DATA / "pets_2.json", "--to", "conf", "--upstream", "zoo")
    assert done.code == 0
    assert done.out == "conf/apiql.toml: [upstreams.zoo], 3 sources\n"
    assert done.err.startswith("not taken as it stands (")
    checked = apiql("check", "--conf", "conf")
    assert (checked.code, checked.err) == (0, "")
    explained = apiql("explain", "--conf", "conf", "-e", "select * from listPets where tags = [1]")
    assert "GET zoo /api/pets?{limit?}&{tags?}&{kinds?}&{x?}" in explained.out
    again = apiql("import", "swagger", DATA / "pets_2.json", "--to", "conf", "--upstream", "zoo")
    assert (again.code, again.out) == (2, "")
    assert "--force writes it anew" in again.err


def test_a_dry_run_writes_nothing(apiql: Apiql, tmp_path: Path) -> None:
    line = b"curl 'https://x.example/a?b=1'"
    done = apiql("import", "curl", "-", "--to", "conf", "--dry-run", stdin=line)
    assert done.code == 0
    assert 'path = "/a"\nquery = { b = "1" }\n' in done.out
    assert done.err == ""
    assert not list(tmp_path.iterdir())


def test_definitions_of_the_other_kind(apiql: Apiql) -> None:
    args = ("--to", "conf", "--as", "httpapi", "--host", "app.example")
    done = apiql("import", "har", DATA / "page.har", *args)
    assert done.code == 0
    assert done.out.splitlines()[-2:] == ["conf/privates/app_example_keys.json", "4 definitions"]
    assert "ads.example: it was not chosen; not taken" in done.err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("import", "auto", "missing.yaml", "--to", "conf"), "missing.yaml: No such file"),
        (("import", "auto", ".", "--to", "conf"), ".: Is a directory"),
        (("import", "wsdl", "-", "--to", "conf"), "'wsdl' is not one of"),
        (("import", "auto", "-"), "--to"),
        (("import", "auto", "-", "--to", "conf"), "-: of no format that is known"),
        (("export", "openapi", "--conf", "none"), "none: there is no such folder"),
    ],
)
def test_what_is_wrong_is_told(apiql: Apiql, args: tuple[str, ...], told: str) -> None:
    done = apiql(*args)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "Traceback" not in done.err


def test_yaml_needs_its_extra(apiql: Apiql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "apiql.importers.yaml_documents", raising=False)
    done = apiql("import", "auto", DATA / "shop_31.yaml", "--to", "conf")
    assert done.code == 2
    assert "pip install 'apiql[import]'" in done.err


def test_other_commands_load_nothing_of_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['apiql', 'explain', '-e', 'select 1 as x from /a']\n"
        "from apiql.cli import main\n"
        "try: main()\n"
        "finally: print([name for name in sys.modules if 'importers' in name or name == 'yaml'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert found.stdout.splitlines()[-1:] == ["[]"]


def test_stored_queries_are_described(apiql: Apiql, tmp_path: Path) -> None:
    done = apiql("export", "openapi", "--conf", ROOT / "conf")
    found = json.loads(done.out)
    assert found["openapi"] == "3.1.0"
    assert set(found["paths"]) == {
        "/query/user", "/query/shop/cart", "/query/shop/cart/1", "/query/shop/cart/2",
        "/query/shop/home", "/template/shop/order",
        "/query/legacy/weather", "/query/legacy/city", "/query/legacy/cities",
        "/query/legacy/customer", "/api/weather", "/api/person", "/httpapi/orders", "/flow/city",
        "/flow/customer", "/schedule/cities", "/shop/users/{id}", "/shop/orders/{id}",
    }  # fmt: skip
    get = found["paths"]["/query/user"]["get"]
    assert [(each["name"], each["schema"]["type"]) for each in get["parameters"]]
    assert "application/problem+json" in json.dumps(get["responses"])
    for reference in ("ApiqlError", "ApiqlAnswer", "Problem"):
        assert reference in found["components"]["schemas"]
    written = apiql("export", "openapi", "--conf", ROOT / "conf", "--out", tmp_path / "api.json")
    assert (written.code, written.out) == (0, "")
    assert json.loads((tmp_path / "api.json").read_text("utf-8")) == found
    failed = apiql("export", "openapi", "--conf", ROOT / "conf", "--out", tmp_path / "no" / "x")
    assert (failed.code, failed.out) == (2, "")


def test_what_is_exported_can_be_imported(apiql: Apiql, tmp_path: Path) -> None:
    apiql("export", "openapi", "--conf", ROOT / "conf", "--out", "api.json")
    done = apiql("import", "openapi", "api.json", "--to", "made", "--url", "https://bff.example")
    assert (done.code, done.err.count("\n")) == (0, 0)
    samples = samples_of((tmp_path / "made" / "apiql.toml").read_text("utf-8"))
    assert "set $user integer;\nselect * from get_shop_cart\n  where user = $user" in samples
    assert apiql("check", "--conf", "made").code == 0


def test_queries_that_are_wrong_are_not_described(apiql: Apiql, tmp_path: Path) -> None:
    (tmp_path / "conf" / "queries").mkdir(parents=True)
    (tmp_path / "conf" / "queries" / "bad.apiql").write_text("select frm")
    done = apiql("export", "openapi", "--conf", "conf")
    assert (done.code, done.out) == (1, "")
    assert "bad.apiql:1" in done.err
