"""The recorded cases of call templates, run over real sockets: `python -m tests.templates.recorded`
prints a line for each, with the reason wherever we answer otherwise on purpose.

Of each recording the first call counts: the original's later ones show a mistake of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from apiql.demo.serving import serving
from apiql.server.app import create_app
from apiql.settings import load_settings
from apiql.template_files import TemplateFile, TemplateFiles
from tests.templates.mock_upstream import mocked

CASES = Path(__file__).resolve().parents[1] / "data" / "apiroper" / "cases.json"
RECORDED_AT = "http://127.0.0.1:16060"


@dataclass(frozen=True)
class Ours:
    """What we answer instead, or beside it, and why."""

    why: str
    data: Any = None
    codes: tuple[str, ...] = ()
    called: tuple[str, ...] | None = None


BESIDE = "the same values; what failed is told in errors too"
DEVIATIONS: Mapping[str, Ours] = {
    "chain": Ours(
        "a number in a URL is written without an exponent",
        {"a": '{"deep":{"l":["136",1,2592000]},"tok":"24.abc"}', "lit": 2, "plain": "x",
         "q": "tok=24.abc&n=2592000"},
    ),
    "oob": Ours("an index out of range gives null, and ends no process", {"d": None}),
    "partial": Ours(
        "arguments may be used in Output", {"arg": "A", "nested": 7, "v": "<<d.status>>hello"},
        called=(),
    ),
    "err500": Ours(BESIDE, codes=("UPSTREAM_STATUS",)),
    "timeout": Ours(BESIDE, codes=("UPSTREAM_TIMEOUT",)),
    "missdep": Ours(
        "what stands in a URL is percent-encoded", {"a": "t=%3C%3Cnope.x%3E%3E"}
    ),
    "nondict": Ours(BESIDE, codes=("BAD_PAYLOAD",)),
    "method": Ours("Method is honoured", {"a": "GET"}),
}  # fmt: skip
REFUSALS = {"unsup": "MISSING_VARIABLE"}
"""What the original refuses, and our code for it."""


@dataclass(frozen=True)
class Row:
    """A case as it ended."""

    name: str
    outcome: str
    note: str
    right: bool


async def rows() -> list[Row]:
    """All cases."""
    async with mocked() as (url, mock):
        text = CASES.read_text("utf-8").replace(RECORDED_AT, url)
        cases = json.loads(text)
        templates = json.dumps({case["name"]: case["template"] for case in cases})
        files = TemplateFiles((TemplateFile("all", "templates/all.json", templates),))
        settings = load_settings(None, {"APIQL_UPSTREAMS__MOCK__URL": url})
        async with serving(create_app(settings, templates=files)) as engine:
            async with httpx.AsyncClient(base_url=engine, trust_env=False) as client:
                found = []
                for case in cases:
                    mock.seen.clear()
                    answer = await client.post(f"/template/{case['name']}", json=case["args"])
                    found.append(_row(case, answer, tuple(mock.seen)))
                return found


def _row(case: dict[str, Any], answer: httpx.Response, called: tuple[str, ...]) -> Row:
    name, recorded, body = case["name"], case["calls"][0], answer.json()
    codes = tuple(error["code"] for error in body.get("errors", ()))
    if name in REFUSALS:
        right = answer.status_code == 422 and codes == (REFUSALS[name],) and not called
        return Row(name, "refused", recorded["err"], right and "data" not in body)
    ours = DEVIATIONS.get(name)
    wanted = recorded["out"] if ours is None or ours.data is None else ours.data
    right = body.get("data") == wanted and codes == (() if ours is None else ours.codes)
    if ours is not None and ours.called is not None:
        right = right and called == ours.called
    if ours is None:
        return Row(name, "as recorded", "", right)
    return Row(name, "as recorded" if ours.data is None else "otherwise", ours.why, right)


def table(found: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| case | | outcome | |", "|---|---|---|---|"]
    lines += [
        f"| {row.name} | {'ok' if row.right else 'WRONG'} | {row.outcome} | {row.note} |"
        for row in found
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(asyncio.run(rows())))
