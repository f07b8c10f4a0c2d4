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
    try:
        return call()
    except SyntaxError as error:
        here = error.filename == file
        return Broken(f"SyntaxError: {error.msg}", error.lineno if here else None)
    except (Exception, SystemExit) as error:  # the third edge: no plug-in takes the engine with it
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if frame.filename == file]  # fmt: skip
        return Broken(_words(error), lines[-1] if lines else None)


def _words(error: BaseException) -> str:
    told = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
