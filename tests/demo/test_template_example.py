"""conf/templates: every call template of the example answers in front of the shop."""

from __future__ import annotations

from pathlib import Path

import httpx

from apiql.demo.together import together
from apiql.template_files import names_in, read_template_files
from tests.server.client import JSON

CONF = Path(__file__).resolve().parent.parent.parent / "conf"
ORDER = {
    "order": 7, "status": "cancelled", "customer": {"name": "Farah", "city": None},
    "pick": 15, "language": "de",
}  # fmt: skip


async def test_every_template_answers() -> None:
    files = read_template_files(CONF)
    assert not files.problems
    assert names_in(files) == {"shop/order"}
    async with together(delay=0, templates=files) as running:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
            args = {"id": 7, "language": "de"}
            answer = await client.post("/template/shop/order", json=args)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert answer.json() == {"data": ORDER}
