"""Names of elsewhere -> names that settings, placeholders and parameters can have."""

from __future__ import annotations

import re
from collections.abc import Collection

_NOT_WORD = re.compile(r"\W+")
_EDGE = re.compile(r"^_+|_+$")
_BRACES = re.compile(r"\{([^{}]*)\}")
TAKEN = frozenset({"query", "flow", "schedule", "httpapi", "api", "true", "false", "null", "not"})
"""Names that mean something else after `from`, or nothing."""
MOST_LETTERS, MOST_BYTES = 1_000, 120
"""Of a name as it is found; of one as it is written: it may become that of a file."""
SECRET = re.compile(
    r"auth(?!or)|token|secret|passw|pwd|credential|session|cookie|signature|^sig$|^key$|_key$"
    r"|(?:api|app|access|private|subscription|account)[-_]?key|^x-csrf|^sid$",
    re.IGNORECASE,
)
"""Names whose values are probably nobody else's business."""
_SEGMENT = re.compile(
    r"[0-9]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,64}",
    re.IGNORECASE,
)


def word_of(text: str, otherwise: str = "value") -> str:
    """Letters, digits and `_`, no digit first: a source, a placeholder, a `$name`."""
    whole = _EDGE.sub("", _NOT_WORD.sub("_", text[:MOST_LETTERS]))
    found = whole.encode()[:MOST_BYTES].decode(errors="ignore")
    if not found:
        return otherwise
    return found if not found[0].isnumeric() and found.isidentifier() else f"n_{found}"


def plain_word(text: str, otherwise: str = "value") -> str:
    """The same of ASCII letters alone."""
    return word_of(re.sub(r"[^A-Za-z0-9_]+", "_", text), otherwise)


def source_name(text: str) -> str:
    """A name for `from`."""
    found = word_of(text, "call")
    return f"{found}_" if found.lower() in TAKEN else found


def upstream_name(text: str, otherwise: str = "imported") -> str:
    """A name for `[upstreams.<name>]`."""
    return _EDGE.sub("", re.sub(r"[^a-z0-9]+", "_", text.lower()))[:60] or otherwise


def call_name(method: str, path: str) -> str:
    """`get_users_id_posts` for a call that has no name of its own."""
    return source_name(f"{method} {path}")


def unique(name: str, taken: Collection[str]) -> str:
    """The name, or with `_2`, `_3` … behind it."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def slots_of(path: str) -> dict[str, str]:
    """The placeholders of a path as written -> as they can be: `user-id` -> `user_id`."""
    found: dict[str, str] = {}
    for written in _BRACES.findall(path):
        if written not in found:
            found[written] = unique(plain_word(written), set(found.values()))
    return found


def with_slots(path: str, slots: dict[str, str]) -> str:
    """The path with its placeholders as they can be."""
    return _BRACES.sub(lambda found: "{" + slots.get(found[1], found[1]) + "}", path)


def path_pattern(path: str) -> str:
    """A path that was called as a template: numbers and ids become `{id}`, `{id_2}` …"""
    taken: list[str] = []
    parts: list[str] = []
    for segment in path.split("/"):
        if _SEGMENT.fullmatch(segment):
            taken.append(unique("id", taken))
            segment = "{" + taken[-1] + "}"
        parts.append(segment)
    return "/".join(parts)


def is_secret(name: str) -> bool:
    """Whether values of that name are not to be written."""
    return SECRET.search(name) is not None
