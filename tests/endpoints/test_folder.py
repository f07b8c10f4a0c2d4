"""Folders of environments: their files, and the values in them."""

from __future__ import annotations

from pathlib import Path

from apiql.frontends.endpoints.folder import environments, read_environment
from tests.endpoints.reading import DATA

BACKEND = '{"hosts": ["$HOST"], "path": "/", "method": "GET"}'


def config(path: str) -> str:
    endpoint = f'{{"path": "{path}", "method": "GET", "backends": [{BACKEND}]}}'
    return f'{{"port": $PORT, "endpoints": [{endpoint}]}}'


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_a_configuration_and_its_values(tmp_path: Path) -> None:
    folder = write(tmp_path / "dev", _json=config("/a"), _env="PORT=80\nHOST=http://file.test\n")
    found = read_environment(folder, {})
    assert found.problems == ()
    (gateway,) = found.gateways
    assert (gateway.file, gateway.port) == ("dev/.json", 80)
    assert gateway.endpoints[0].calls[0].backend.hosts == ("http://file.test",)


def test_the_environment_counts_before_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "dev", _json=config("/a"), _env="PORT=80\nHOST=http://file.test\n")
    (gateway,) = read_environment(folder, {"HOST": "http://own.test", "PORT": ""}).gateways
    assert gateway.endpoints[0].calls[0].backend.hosts == ("http://own.test",)
    assert gateway.port == 80


def test_other_names_have_their_own_values(tmp_path: Path) -> None:
    files = {
        "_env": "PORT=80\nHOST=http://all.test",
        "b_json": config("/b"),
        "b_env": "HOST=http://b.test",
        "_json": config("/a"),
        "notes_txt": "no configuration",
    }
    found = read_environment(write(tmp_path / "dev", **files), {})
    assert found.problems == ()
    hosts = {g.file: g.endpoints[0].calls[0].backend.hosts for g in found.gateways}
    assert hosts == {"dev/.json": ("http://all.test",), "dev/b.json": ("http://b.test",)}


def test_one_that_is_broken_does_not_keep_the_others_away(tmp_path: Path) -> None:
    folder = write(tmp_path / "dev", _json="{", b_json=config("/b"), c_json=config("/b"))
    (folder / "d.json").write_bytes(b"\xff")
    found = read_environment(folder, {"PORT": "80", "HOST": "http://a.test"})
    assert [gateway.file for gateway in found.gateways] == ["dev/b.json", "dev/c.json"]
    assert [str(problem).splitlines()[0] for problem in found.problems] == [
        "dev/.json:1:2: error: this is no JSON: found the end of the file",
        "dev/c.json: error: GET /b stands in dev/b.json too",
        "dev/d.json: error: is not UTF-8: byte 0",
    ]


def test_values_that_are_none_are_told_with_their_place(tmp_path: Path) -> None:
    folder = write(tmp_path / "dev", _json=config("/a"), _env="PORT=80\nno line\n")
    found = read_environment(folder, {"HOST": "http://a.test", "PORT": "80"})
    assert [problem.place for problem in found.problems] == ["dev/.env:2:4"]


def test_environments(tmp_path: Path) -> None:
    write(tmp_path / "prd", _json="{}")
    write(tmp_path / "dev", x_json="{}")
    write(tmp_path / "empty", _env="")
    assert environments(tmp_path) == ("dev", "prd")
    assert environments(tmp_path / "none") == ()


def test_other_formats_are_told_by_name() -> None:
    found = read_environment(DATA / "configs", {})
    told = {problem.file.split("/")[1]: problem.wrong for problem in found.problems}
    assert "GOPEN of March 2024" in told["history_2024-03-31_test.json"]
    assert "GOPEN of 28 March 2024" in told["history_2024-03-28_dev.json"]
    later = read_environment(DATA / "configs" / "playground-v1.0.0", {})
    assert "GOPEN v1.0.0 of September 2024" in later.problems[0].wrong
    assert len(later.problems) == 1
