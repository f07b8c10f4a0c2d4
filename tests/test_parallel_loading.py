"""Texts are compiled in a thread while others are compiled on the loop: neither minds the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apiql.engine import Engine
from apiql.errors import QueryRefused
from apiql.ir import explain
from apiql.settings import Settings, Upstream
from apiql.sources.call import Call, Reply

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = Settings(upstreams={"default": Upstream(url="http://127.0.0.1:9")})


async def nowhere(call: Call) -> Reply:
    raise AssertionError


def plan_of(engine: Engine, text: str) -> str:
    """The plan as JSON, or what is wrong."""
    try:
        return str(explain.as_json(engine.local(text).plan))
    except QueryRefused as refused:
        return str(refused)


def texts() -> list[str]:
    """Of many kinds, right and wrong ones."""
    found = [file.read_text() for file in sorted((ROOT / "conf" / "queries").rglob("*.apiql"))]
    for number in range(12):
        found.append(
            f"select id, name[{number}] as n from /users/{number} as u where id in [1, {number}] "
            f"and q = 'it''s {number}'; select sum(u.n) + {number} as s from /s as s after u"
        )
        found.append(f"select a, from /x as y where = {number}; select frm /{number}")
    return found


def test_engines_of_one_grammar_in_several_threads() -> None:
    asked = texts()
    alone = [plan_of(Engine(DEFAULT, nowhere), text) for text in asked]
    with ThreadPoolExecutor(4) as threads:
        engines = [Engine(DEFAULT, nowhere) for _ in range(4)]
        done = [threads.submit(lambda e: [plan_of(e, t) for t in asked], e) for e in engines]
        assert all(each.result() == alone for each in done)
