"""The cases of a public JSON parsing suite, as tests/data/json_suite.jsonl has them; no product.

Names and bytes are those of JSONTestSuite by Nicolas Seriot (https://github.com/nst/JSONTestSuite,
folder test_parsing, MIT): `y_` must be accepted, `n_` refused, `i_` may be either. A line is a
list: the name, the bytes as characters from U+0000 to U+00FF, and how often they
stand, if not once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

LINES = Path(__file__).parents[1] / "data" / "json_suite.jsonl"


@dataclass(frozen=True)
class JsonCase:
    """One document and what a strict parser does with it."""

    name: str
    body: bytes

    @property
    def kind(self) -> str:
        """`y`, `n` or `i`."""
        return self.name[0]


def json_cases() -> list[JsonCase]:
    """All of them, in the order of the file."""
    found = []
    for line in LINES.read_text("utf-8").splitlines():
        name, text, *times = json.loads(line)
        found.append(JsonCase(name, text.encode("latin-1") * (times[0] if times else 1)))
    return found
