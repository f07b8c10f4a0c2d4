"""Inputs to begin with: the product's own cases, examples and hostile rows."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from tests.harness.case_file import read_cases
from tests.security.json_suite import json_cases
from tests.sources import wire_cases

ROOT = Path(__file__).resolve().parents[2]
SHORT = 4096


@cache
def queries() -> list[bytes]:
    """Texts of the golden cases and of the hostile rows."""
    found = [
        case.text("apiql") or ""
        for path in sorted((ROOT / "tests" / "cases").rglob("*.md"))
        for case in read_cases(path.read_text("utf-8"))
    ]
    rows = (ROOT / "tests" / "data" / "bad_queries.jsonl").read_text("utf-8")
    for line in filter(None, rows.split("\n")):
        found.append(json.loads(line).get("text", ""))
    return sorted({text.encode("utf-8", "replace")[:SHORT] for text in found if text})


@cache
def documents() -> list[bytes]:
    """JSON, good and bad."""
    return [case.body[:SHORT] for case in json_cases()]


@cache
def envelopes() -> list[bytes]:
    """Requests in JSON."""
    texts = [query.decode() for query in queries()[::7]]
    found = [json.dumps({"query": text, "params": {"id": 7}}).encode() for text in texts]
    return [*found, *documents()[::3], b'{"id":"sha256:' + b"0" * 64 + b'"}',
            b'{"query":"select * from /a","extensions":{"trace":true},"params":null}']  # fmt: skip


@cache
def answers() -> list[bytes]:
    """Bytes that upstreams send."""
    found = [case.wire[:SHORT] for name in ("CASES",) for case in getattr(wire_cases, name)]
    return [wire for wire in found if wire] or [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]


@cache
def settings() -> list[bytes]:
    """Settings documents: the example, and the parts of it."""
    whole = (ROOT / "conf" / "apiql.toml").read_text("utf-8")
    shown = "\n".join(line.removeprefix("# ") for line in whole.splitlines())
    parts = [part for text in (whole, shown) for part in text.split("\n\n")]
    return [part.encode() for part in parts if part.strip()] + [whole.encode()]
