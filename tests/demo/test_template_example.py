"""conf/templates: every call template of the example answers in front of the shop."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from apiql.demo.together import together
from apiql.template_files import names_in, read_template_files
from tests.doc_blocks import blocks_of
from tests.server.client import JSON

CONF = Path(__file__).resolve().parent.parent.parent / "conf"
ORDER = {"order": 7, "customer": {"name": "Farah", "id": 8}, "pick": 15}


async def test_every_template_answers() -> None:
    files = read_template_files(CONF)
    assert not files.problems
    assert names_in(files) == {"shop/order"}
    async with together(delay=0, templates=files) as running:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
            answer = await client.post("/template/shop/order", json={"id": 7})
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert answer.json() == {"data": ORDER}


def test_the_pages_show_the_very_file() -> None:
    blocks = blocks_of(CONF.parent / "docs" / "call-templates.md")
    told = next(block for block in blocks if block.words == ("json", "template", "shop/order"))
    file = json.loads((CONF / "templates" / "shop" / "order.json").read_text("utf-8"))
    assert file.pop("$schema").endswith("call-templates.schema.json")
    assert json.loads(told.body) == file
