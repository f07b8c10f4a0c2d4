"""The quick way to what most templates consist of: a path, and at most one index. Knows no data."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = r"\.((?:[^\W\d]\w*)(?:\.[^\W\d]\w*)*)"
_PATH: Final = re.compile(
    rf"\{{\{{\s*(?:{_NAMES}|\(index {_NAMES} (\d{{1,9}})\)((?:\.[^\W\d]\w*)*))\s*\}}\}}"
)


def quick_path(text: str) -> tuple[str | int, ...]:
    """The way to what a template consists of, if that is a path and at most one index; or none."""
    found = _PATH.fullmatch(text)
    if found is None:
        return ()
    before, index, behind = found[1] or found[2], found[3], found[4] or ""
    names = (*before.split("."), *((int(index),) if index else ()), *behind.split("."))
    return tuple(name for name in names if name != "")
