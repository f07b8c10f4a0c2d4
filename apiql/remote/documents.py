"""Whether the bytes of a definition from elsewhere may be looked at further: JSON, bounded, and
naming others by their names only. Knows nothing of what a definition means.
"""

from __future__ import annotations

import json
import re
from typing import Any

_PART = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.S)
"""A bracket, or a text; one that does not end goes to the end, so that nothing is read twice."""
_NAME = re.compile(r"[\w.-]{0,128}")
REFERENCE = "private"
"""The member by which definitions name a file of private values, in any case of letters."""


def definition_problem(content: bytes, nesting: int) -> str | None:
    """What is wrong with a document, if anything: no value of it is repeated."""
    if _is_deeper(content, nesting):
        return f"its brackets nest deeper than {nesting}"
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except _Twice:
        return "a member of an object stands twice"
    except json.JSONDecodeError as error:
        return f"it is no JSON: line {error.lineno}, column {error.colno}"
    except ValueError:
        return "a number in it is too long"
    return None if _names_only(found) else f"`{REFERENCE}` names no file by its name alone"


class _Twice(ValueError):
    """Two members of one name."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


def _is_deeper(content: bytes, most: int) -> bool:
    """Whether brackets nest deeper than that, texts left out; counted before anything recurses."""
    depth = 0
    for found in _PART.finditer(content):
        if found[0] in (b"[", b"{"):
            depth += 1
            if depth > most:
                return True
        elif found[0] in (b"]", b"}"):
            depth -= 1
    return False


def _names_only(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_names_only, value))
    if not isinstance(value, dict):
        return True
    named = (text for name, text in value.items() if name.lower() == REFERENCE)
    if not all(_is_name(text) for text in named if isinstance(text, str)):
        return False
    return all(map(_names_only, value.values()))


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and (not text or bool(text.strip(".")))
