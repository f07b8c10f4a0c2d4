"""What is installed: the wheel, the grammars inside it, the lock file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from apiql.grammar_files import grammar_text

ROOT = Path(__file__).resolve().parent.parent
GRAMMARS = sorted(file.name for file in (ROOT / "grammar").glob("*.lark"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_its_grammars_and_its_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"apiql/grammar/{name}" for name in GRAMMARS} <= names
    assert {"apiql/errors.py", "apiql/py.typed"} <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "conf/", "benchmarks/"))]


@pytest.mark.parametrize("name", GRAMMARS)
def test_an_unpacked_wheel_finds_its_own_grammars(wheel: Path, tmp_path: Path, name: str) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = f"from apiql.grammar_files import grammar_text; print(grammar_text({name!r}), end='')"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, check=True
    )
    assert done.stdout.decode() == (ROOT / "grammar" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_checkout_finds_its_grammars(name: str) -> None:
    assert grammar_text(name) == (ROOT / "grammar" / name).read_text(encoding="utf-8")


def test_a_grammar_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError, match=r"APIQL has no grammar 'other\.lark'"):
        grammar_text("other.lark")


def locked() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_lock_holds_versions_and_hashes_and_no_addresses() -> None:
    text = locked()
    assert not re.search(r"://|\bfile:|--(?:extra-)?index|--find-links|--trusted", text)
    blocks = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)


def test_the_lock_names_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    extras = [optional[name] for name in optional if name != "fuzz"]  # not for everyone
    wanted = [*project["dependencies"], *(item for extra in extras for item in extra)]
    names = {name_of(item) for item in (*wanted, "hatchling")} - {"apiql"}
    assert names <= {name_of(line) for line in locked().splitlines() if "==" in line}


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-")


def test_the_ci_script_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)
