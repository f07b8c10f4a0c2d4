"""What is written beside what is there: nothing is overwritten unasked, nothing is half there."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from apiql.importers import bring
from apiql.importers.imported import ImportRefused
from apiql.settings import SettingsError, load_settings

OWN = """# mine
[upstreams.default]
url = "https://own.example"
[upstreams.default.sources.a]
path = "/a"
"""


def document(*paths: str, name: str = "", secured: bool = False) -> bytes:
    calls = {path: {"get": {"operationId": name} if name else {}} for path in paths}
    found = {
        "openapi": "3.0.0", "info": {"title": "Shop"}, "servers": [{"url": "https://s.example"}],
        "paths": calls,
    }  # fmt: skip
    if secured:
        found["security"] = [{"k": []}]
        found["components"] = {"securitySchemes": {"k": {"type": "http", "scheme": "bearer"}}}
    return json.dumps(found).encode()


def bring_in(
    content: bytes, to: Path, as_: bring.As = "sources", name: str | None = None,
    force: bool = False,
) -> bring.Plan:  # fmt: skip
    plan = bring.plan(content, "auto", bring.Choice("f"), to, as_, name, force, {})
    bring.done(plan, dry_run=False)
    return plan


def sources(conf: Path) -> dict[str, list[str]]:
    upstreams = load_settings(conf, {}).upstreams
    return {name: sorted(each.sources) for name, each in upstreams.items()}


def test_an_import_stands_beside_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "apiql.toml"
    file.write_text(OWN)
    file.chmod(0o600)
    bring_in(document("/b"), tmp_path)
    assert file.read_text().startswith(OWN)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sources(tmp_path) == {"default": ["a"], "shop": ["get_b"]}
    assert [each.name for each in tmp_path.iterdir()] == ["apiql.toml"]


def test_a_second_import_needs_force_and_replaces_only_the_first(tmp_path: Path) -> None:
    file = tmp_path / "apiql.toml"
    file.write_text(OWN)
    bring_in(document("/b", "/c"), tmp_path)
    file.write_text(file.read_text() + '[upstreams.later]\nurl = "https://later.example"\n')
    before = file.read_text()
    with pytest.raises(ImportRefused, match="shop was imported before; --force"):
        bring_in(document("/d"), tmp_path)
    assert file.read_text() == before
    bring_in(document("/d"), tmp_path, force=True)
    assert sources(tmp_path) == {"default": ["a"], "shop": ["get_d"], "later": []}
    assert file.read_text().startswith(OWN)


def test_what_somebody_wrote_is_not_replaced_by_force(tmp_path: Path) -> None:
    (tmp_path / "apiql.toml").write_text(OWN)
    with pytest.raises(ImportRefused, match=r"\[upstreams.default\] is there already"):
        bring_in(document("/b"), tmp_path, name="default", force=True)
    assert (tmp_path / "apiql.toml").read_text() == OWN


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "apiql.toml").write_text(OWN)
    plan = bring_in(document("/x", name="a"), tmp_path)
    assert sources(tmp_path) == {"default": ["a"], "shop": ["a_2"]}
    assert "the name a is taken; it is called a_2" in bring.told(plan)
    assert "select * from a_2" in plan.shown


def test_settings_that_are_wrong_already_are_told_so(tmp_path: Path) -> None:
    (tmp_path / "apiql.toml").write_text("[server]\nport = true\n")
    with pytest.raises(SettingsError, match=r"server\.port"):
        bring_in(document("/b"), tmp_path)


def test_variables_of_the_environment_count(tmp_path: Path) -> None:
    (tmp_path / "apiql.toml").write_text("[upstreams.own]\nsources.a = { path = '/a' }\n")
    environ = {"APIQL_UPSTREAMS__OWN__URL": "https://own.example"}
    for force in (False, True):
        choice = bring.Choice("f")
        plan = bring.plan(document("/b"), "auto", choice, tmp_path, "sources", None, force, environ)
        bring.done(plan, dry_run=False)
    assert sorted(load_settings(tmp_path, environ).upstreams) == ["own", "shop"]


def test_the_ends_of_lines_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "apiql.toml"
    file.write_bytes(OWN.replace("\n", "\r\n").encode())
    bring_in(document("/b"), tmp_path)
    bring_in(document("/c"), tmp_path, force=True)
    written = file.read_bytes()
    assert written.startswith(OWN.replace("\n", "\r\n").encode())
    assert written.count(b"\n") == written.count(b"\r\n")
    assert sources(tmp_path) == {"default": ["a"], "shop": ["get_c"]}


def test_what_would_be_refused_is_not_written(tmp_path: Path) -> None:
    own = '[upstreams.mine]\nurl = "https://s.example"\nproxy = "http://proxy.example:3128"\n'
    (tmp_path / "apiql.toml").write_text(own)
    with pytest.raises(ImportRefused, match="with the import it would be refused"):
        bring_in(document("/b"), tmp_path)
    assert (tmp_path / "apiql.toml").read_text() == own


def test_a_name_for_the_upstream_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"--upstream a\.b: expected letters"):
        bring_in(document("/b"), tmp_path, name="a.b")


def test_definitions_are_files_and_their_privates_are_kept(tmp_path: Path) -> None:
    bring_in(document("/b", secured=True), tmp_path, "httpapi")
    secret, own = tmp_path / "privates" / "shop_keys.json", tmp_path / "httpapis" / "get_b.json"
    assert json.loads(own.read_text())["private"] == "shop_keys"
    assert json.loads(secret.read_text()) == {
        "privates": [{"name": "authorization", "value": "Bearer <token>"}]
    }
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.write_text("filled in")
    with pytest.raises(ImportRefused, match="the file is there already; --force overwrites it"):
        bring_in(document("/b"), tmp_path, "httpapi")
    plan = bring_in(document("/b", secured=True), tmp_path, "httpapi", force=True)
    assert secret.read_text() == "filled in"
    assert "it is never overwritten" in bring.told(plan)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "httpapis").write_text("in the way")
    with pytest.raises(ImportRefused, match="cannot be written"):
        bring_in(document("/b"), tmp_path, "httpapi")
    with pytest.raises(ImportRefused, match="this is no folder"):
        bring_in(document("/b"), tmp_path / "httpapis")


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apiql.toml").write_text(OWN)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ImportRefused, match="No space left"):
        bring_in(document("/b"), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["apiql.toml"]
    assert (tmp_path / "apiql.toml").read_text() == OWN


@pytest.mark.parametrize(
    ("host", "taken"),
    [("169.254.169.254", False), ("0.0.0.0", False), ("224.0.0.1", False),
     ("100.100.100.200", False), ("10.0.0.7", True), ("127.0.0.1:8080", True),
     ("1.example.com", True)],
)  # fmt: skip
@pytest.mark.parametrize("as_", ["sources", "httpapi"])
def test_no_description_leads_to_an_address_of_no_service(
    tmp_path: Path, host: str, taken: bool, as_: bring.As
) -> None:
    """What is configured is called wherever it leads; a description is somebody else's."""
    content = document("/latest").replace(b"https://s.example", f"http://{host}".encode())
    if taken:
        assert host in bring_in(content, tmp_path, as_).shown
        return
    with pytest.raises(ImportRefused, match="no description leads to this address; not taken"):
        bring_in(content, tmp_path, as_)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
