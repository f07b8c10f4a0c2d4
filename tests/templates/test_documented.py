"""docs/call-templates.md: its templates answer in front of the shop as it is told there."""

from __future__ import annotations

import httpx

from apiql.demo.together import together
from apiql.engine import Engine
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from apiql.template_files import TemplateFile, TemplateFiles
from tests.doc_blocks import Block, blocks_of
from tests.harness.exact_json import parse, same
from tests.templates.recorded import CASES

ROOT = CASES.parents[3]
BLOCKS = [b for b in blocks_of(ROOT / "docs" / "call-templates.md") if b.kind == "json"]


def of(word: str) -> list[Block]:
    """The blocks that are marked with a word."""
    return [block for block in BLOCKS if block.words[1:2] == (word,)]


async def test_every_template_answers_as_it_is_told() -> None:
    files = [TemplateFile(b.words[2], f"{b.words[2]}.json", b.body) for b in of("template")]
    calls, answers = of("call"), of("answer")
    assert [c.words[2] for c in calls] == [file.name for file in files]
    async with together(delay=0, templates=TemplateFiles(tuple(files))) as running:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
            for call, told in zip(calls, answers, strict=True):
                headers = {"Content-Type": "application/json"}
                path = f"/template/{call.words[2]}"
                found = await client.post(path, content=call.body, headers=headers)
                body = parse(found.content)
                for error in body.get("errors", ()):
                    for told_by_details in ("body", "request"):
                        error.get("upstream", {}).pop(told_by_details, None)
                assert same(parse(told.body), body, ordered=False), found.text


async def nowhere(call: Call) -> Reply:
    raise AssertionError(call)


async def test_from_python() -> None:
    engine = Engine(Settings(), nowhere)
    engine.load({"hello": {"Output": {"hello": "<<name>>"}}})
    answer = await engine.call_template("hello", {"name": "Ada"})
    assert (answer.data, answer.errors, answer.status) == (b'{"hello":"Ada"}', (), 200)
