"""conf/: each definition answers what the stored query beside it does, of the same shop."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from apiql.definition_files import read_definitions
from apiql.demo.together import SHOP_PORT, together
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.query_files import read_query_files

CONF = Path(__file__).resolve().parent.parent.parent / "conf"
PAIRS = [
    ("api/weather", "weather", {"city": "Lyon"}),
    ("flow/city", "city", {"name": "Ray"}),
    ("flow/customer", "customer", {"user": 3}),
    ("schedule/cities", "cities", {"cities": ["Lyon", "Lagos"]}),
]


def test_there_is_one_of_each_kind_and_generation_and_nothing_is_wrong_with_them() -> None:
    found = read_folder(CONF)
    kinds = {
        (d.origin.generation, kind) for kind, of in found.documents.items() for d in of.values()
    }
    assert kinds >= {
        (Generation.V1, Kind.API), (Generation.V1, Kind.FLOW), (Generation.V1, Kind.SCHEDULE),
        (Generation.V2, Kind.API), (Generation.V2, Kind.FLOW),
    }  # fmt: skip
    assert check(found) == ()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture
def conf(tmp_path: Path) -> tuple[Path, int]:
    """A copy of conf/ whose shop is at a port that is free, and that port."""
    port = free_port()
    shutil.copytree(CONF, tmp_path / "conf")
    for file in (tmp_path / "conf").rglob("*.json"):
        text = file.read_text("utf-8")
        file.write_text(text.replace(f":{SHOP_PORT}", f":{port}"), "utf-8")
    return tmp_path / "conf", port


@pytest.mark.parametrize(("path", "query", "body"), PAIRS)
async def test_a_definition_and_its_query_answer_the_same(
    conf: tuple[Path, int], path: str, query: str, body: dict[str, Any]
) -> None:
    folder, port = conf
    queries, definitions = read_query_files(folder), read_definitions(folder)
    async with together(0, 0, queries, definitions=definitions, shop_port=port) as running:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
            first = await client.post(f"/{path}", json=body)
            second = await client.post(f"/query/legacy/{query}", json=body)
    assert (first.status_code, second.status_code) == (200, 200), (first.text, second.text)
    assert first.json() == second.json()
    assert first.json()
