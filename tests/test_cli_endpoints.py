"""The commands, where there are endpoints of gateways: what is wrong is told, plans are printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.conf import Folder
from tests.server.gateways import backend, endpoint, write
from tests.test_cli import Apiql, apiql

__all__ = ["apiql"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "conf", 9)


def test_check_tells_how_many_there_are(apiql: Apiql, folder: Folder) -> None:
    write(folder, endpoint("/a"), endpoint("/b"))
    found = apiql("check", "--conf", folder.path)
    assert (found.code, found.err) == (0, "")
    assert "endpoints: 2" in found.out


def test_check_tells_every_mistake_once(apiql: Apiql, folder: Folder) -> None:
    file = write(folder, endpoint("/a", timeout="soon"), endpoint("/b", cach=1))
    found = apiql("check", "--conf", folder.path)
    assert found.code == 1
    assert found.err.count("$.endpoints[0].timeout") == 1
    assert found.err.count(f"{file}:") == 2
    assert 'did you mean "cache"?' in found.err


def test_check_tells_what_is_odd(apiql: Apiql, folder: Folder) -> None:
    write(folder, endpoint("/a", beforewares=["nobody"]), endpoint("/query/x"))
    found = apiql("check", "--conf", folder.path)
    assert found.code == 0
    assert 'there is no middleware "nobody"' in found.err
    assert "GET /query/x is never asked" in found.err
    assert apiql("check", "--conf", folder.path, "--strict").code == 1


def test_serve_does_not_begin_with_mistakes(apiql: Apiql, folder: Folder) -> None:
    file = write(folder, endpoint("/a", timeout="soon"))
    found = apiql("serve", "--conf", folder.path)
    assert found.code == 1
    assert f"{file}:" in found.err


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "tree"])
def test_an_endpoint_is_explained(apiql: Apiql, folder: Folder, form: str) -> None:
    write(folder, endpoint("/users/:id", backends=[backend("/users/:id"), backend("/orders")]))
    args = ("explain", "--of", "endpoint/GET /users/:id", "--conf", folder.path, "--format", form)
    found = apiql(*args)
    assert (found.code, found.err) == (0, "")
    assert "orders" in found.out
    found = apiql("explain", "--of", "endpoint/GET /user/:id", "--conf", folder.path)
    assert "did you mean endpoint/GET /users/:id?" in found.err
