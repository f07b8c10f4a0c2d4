"""Values as TOML writes them, texts as one line of a comment. Knows nothing of what they mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else value(name)


def value(given: Any) -> str:
    """A text, number, boolean, list or table on one line."""
    if isinstance(given, Mapping):
        return (
            "{ "
            + ", ".join(f"{key(name)} = {value(inner)}" for name, inner in given.items())
            + " }"
        )
    if isinstance(given, list | tuple):
        return "[" + ", ".join(map(value, given)) + "]"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return repr(given)
    return json.dumps(str(given), ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """A comment of one line, whatever the text holds."""
    line = "".join(c if c.isprintable() or c == " " else " " for c in text)
    return f"# {line}".rstrip()
