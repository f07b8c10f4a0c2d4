"""The edge to code that is not ours: whatever a plug-in raises as it is loaded becomes a value.
Knows nothing of what plug-ins are for.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Broken:
    """What it raised, in words, and the line of its file where that was (None: elsewhere)."""

    why: str
    line: int | None


def outcome(call: Callable[[], Any], file: str) -> Any:
    """What the call gives, or how it is `Broken`: no end of the process either."""
    given, error = _tried(call)
    if error is None:
        return given
    if isinstance(error, SyntaxError):
        return Broken(f"SyntaxError: {error.msg}", error.lineno if error.filename == file else None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if frame.filename == file]  # fmt: skip
    return Broken(_words(error), lines[-1] if lines else None)


def _tried(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return call(), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the third edge: no plug-in takes the engine with it
        return None, error


def _words(error: BaseException) -> str:
    """Its kind and what it says of itself, which is a call of code that is not ours again."""
    told, silent = _tried(lambda: " ".join(str(error).split())[:200])
    kind = type(error).__name__
    return f"{kind}: {told}" if told and silent is None else kind
