"""The commands that make keys and hashes: what they print fits the settings."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apiql import cli
from apiql.access.minting import key_hash
from apiql.access.passwords import matches
from apiql.settings import load_settings, scrypt_of

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def apiql(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process: exit code, what it printed where."""

    def run(*args: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["apiql", *args])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_a_new_key_comes_with_its_table(apiql: Run, tmp_path: Path) -> None:
    code, out, err = apiql("key", "new", "shop")
    assert (code, err) == (0, "")
    key, _, table = out.partition("\n")
    (tmp_path / "apiql.toml").write_text(table)
    assert load_settings(tmp_path, {}).access.keys["shop"].hashes == (key_hash(key),)
    assert key not in table
    assert apiql("key", "new", "shop")[1] != out


def test_the_hash_of_a_key(apiql: Run) -> None:
    key = "k" * 22
    assert apiql("key", "hash", stdin=f"{key}\n") == (0, f"{key_hash(key)}\n", "")
    assert apiql("key", "hash", stdin=f"{key}\r\n") == (0, f"{key_hash(key)}\n", "")


def test_the_hash_of_a_password(apiql: Run, tmp_path: Path) -> None:
    code, out, err = apiql("key", "hash", "--password", stdin="grüß mich\n")
    assert (code, err) == (0, "")
    (tmp_path / "apiql.toml").write_text(f'[access.users.ada]\nhash = "{out.strip()}"')
    kept = load_settings(tmp_path, {}).access.users["ada"].hash
    assert matches("grüß mich".encode(), scrypt_of(kept))


@pytest.mark.parametrize(("args", "shown", "told"), [
    (("key", "hash"), "", "the key is too short"),
    (("key", "hash"), "password\n", "22 random characters or more"),
    (("key", "hash", "--password"), "1234567\n", "8 characters or more"),
    (("key", "hash", "s3cret-in-the-arguments"), "", "unexpected"),
    (("key", "new", "a b"), "", "1 to 64 letters"),
])  # fmt: skip
def test_what_is_refused(apiql: Run, args: tuple[str, ...], shown: str, told: str) -> None:
    code, out, err = apiql(*args, stdin=shown)
    assert (code, out) == (2, "")
    assert told in err
    assert not shown.strip() or shown.strip() not in err


def test_a_file_of_keys_is_checked(
    apiql: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = '[access.tokens.main]\nissuer = "i"\naudience = "a"\nalgorithms = ["RS256"]\n'
    (tmp_path / "apiql.toml").write_text(table + 'keys_file = "nowhere.pem"')
    code, _, err = apiql("check", "--conf", str(tmp_path))
    assert code == 1
    told = "access.tokens.main.keys_file: nowhere.pem: cannot be read: No such file or directory"
    assert err.strip() == told
