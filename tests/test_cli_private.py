"""`apiql private`: values encrypted, decrypted and encrypted anew in their files."""

from __future__ import annotations

import base64
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from apiql.cli import main
from apiql.commands.private_files import PrivateRefused, rewrite_privates
from apiql.settings import read_privates

OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.b64encode(b"n" * 32).decode()
VALUES = {"a.key": "S3CRET-0f9d", "a.empty": "", "b/c.key": "S3CRET-0f9d", "b/c.odd": 'ü "\\\n'}


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files of private values, and the old key."""
    (tmp_path / "apiql.toml").write_text("")
    for name, value in VALUES.items():
        stem, _, key = name.rpartition(".")
        file = tmp_path / "privates" / f"{stem}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        known: dict[str, Any] = {"privates": [], "more": 1}
        known = json.loads(file.read_text()) if file.exists() else known
        known["privates"].append({"Name": key, "value": value})
        file.write_text(json.dumps(known))
        file.chmod(0o640)
    monkeypatch.setenv("APIQL_PRIVATES_KEY", OLD)
    return tmp_path


def run(*words: str, code: int = 0) -> None:
    """`apiql private …` with its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["apiql", "private", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code or 0) == code


def kept(conf: Path) -> str:
    """All that lies in the folder."""
    files = sorted(file for file in (conf / "privates").rglob("*") if file.is_file())
    return "\n".join(f"{file.name}\n{file.read_text()}" for file in files)


def test_values_are_encrypted_and_come_back(
    conf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(conf)
    run("encrypt", "--conf", str(conf))
    assert capsys.readouterr().out.splitlines() == [
        f"{conf}/privates/a.json", f"{conf}/privates/b/c.json"
    ]  # fmt: skip
    once = kept(conf)
    assert "S3CRET" not in once
    assert once.count("enc:v1:") == 4
    assert '"more": 1' in once
    assert len({line for line in once.splitlines() if "enc:v1:" in line}) == 4
    assert dict(read_privates(conf, {"APIQL_PRIVATES_KEY": OLD}).values) == VALUES
    assert stat.S_IMODE((conf / "privates/a.json").stat().st_mode) == 0o640
    run("encrypt", "--conf", str(conf))
    assert kept(conf) == once
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("APIQL_PRIVATES_KEY_NEW", NEW)
    run("rotate", "--conf", str(conf))
    assert dict(read_privates(conf, {"APIQL_PRIVATES_KEY": NEW}).values) == VALUES
    monkeypatch.setenv("APIQL_PRIVATES_KEY", NEW)
    run("decrypt", "--conf", str(conf), str(conf / "privates/a.json"))
    assert json.loads((conf / "privates/a.json").read_text()) == json.loads(before.split("\n")[1])
    assert kept(conf).count("enc:v1:") == 2


def test_one_value_goes_from_input_to_output(
    conf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("S3CRET-0f9d\n"))
    run("encrypt", "--value", "a.key")
    told = capsys.readouterr().out
    assert told.startswith("enc:v1:")
    monkeypatch.setattr("sys.stdin", io.StringIO(told))
    run("decrypt", "--value", "a.key")
    assert capsys.readouterr().out == "S3CRET-0f9d\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(told))
    run("decrypt", "--value", "a.other", code=2)
    assert "a.other: the value cannot be decrypted" in capsys.readouterr().err
    run("encrypt", "--value", "a.key", str(conf / "privates/a.json"), code=2)
    capsys.readouterr()
    for name in ("S3CRET-0f9d", "", ".S3CRET-0f9d", "S3CRET-0f9d."):
        run("encrypt", "--value", name, code=2)
        said = capsys.readouterr()
        assert "--value takes a full name" in said.err
        assert "S3CRET" not in said.err + said.out, "it may be the value itself"


def test_what_cannot_be_done_changes_nothing(
    conf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("encrypt", "--conf", str(conf), str(conf / "privates/b/c.json"))
    before = kept(conf)
    capsys.readouterr()
    run("encrypt", "--conf", str(conf), str(conf / "apiql.toml"), code=2)
    assert "is no file of private values" in capsys.readouterr().err
    run("rotate", "--conf", str(conf), code=2)
    assert "APIQL_PRIVATES_KEY_NEW or APIQL_PRIVATES_KEY_FILE_NEW" in capsys.readouterr().err
    monkeypatch.setenv("APIQL_PRIVATES_KEY_NEW", "short")
    run("rotate", "--conf", str(conf), code=2)
    monkeypatch.setenv("APIQL_PRIVATES_KEY", NEW)
    monkeypatch.setenv("APIQL_PRIVATES_KEY_NEW", OLD)
    for command in ("decrypt", "rotate"):  # a.json could be changed, b/c.json cannot
        run(command, "--conf", str(conf), code=2)
        told = capsys.readouterr().err
        assert "b/c.key: the value cannot be decrypted" in told
        assert "S3CRET" not in told
    monkeypatch.delenv("APIQL_PRIVATES_KEY")
    run("encrypt", "--conf", str(conf), code=2)
    assert kept(conf) == before


def test_a_file_is_replaced_whole_or_not_at_all(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(conf)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(PrivateRefused, match=r"a\.json: cannot be written: No space left"):
        rewrite_privates(conf, lambda name, value: "another")
    assert kept(conf) == before


def test_a_link_stays_one(conf: Path) -> None:
    target = conf / "kept.json"
    file = conf / "privates" / "a.json"
    file.rename(target)
    file.symlink_to(target)
    run("encrypt", "--conf", str(conf))
    assert file.is_symlink()
    assert target.read_text().count("enc:v1:") == 2
