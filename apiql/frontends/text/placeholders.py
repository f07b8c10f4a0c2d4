"""Placeholders of other languages in a path: sent as they are, they would ask for others."""

from __future__ import annotations

import re

NAME = r"(?P<name>[^\W\d]\w*)"
WHOLE = r"(?=[/?&]|\Z)"
FOREIGN = (
    re.compile(rf"\$\{{{NAME}[^{{}}]*\}}"),
    re.compile(rf"\{{\$?\{{?\s*\$?{NAME}\??\}}\}}"),
    re.compile(rf"\{{\${NAME}[^{{}}]*\}}"),
    re.compile(rf"(?<=[/=]):{NAME}{WHOLE}"),
    re.compile(rf"(?<=[/=])<{NAME}>{WHOLE}"),
    re.compile(rf"(?<=[/=])\${NAME}{WHOLE}"),
)
ODATA = frozenset({"all", "batch", "count", "crossjoin", "each", "entity", "filter", "links",
                   "metadata", "query", "ref", "root", "value"})  # fmt: skip
"""Segments that begin with `$` where OData is spoken."""


def foreign_placeholder(text: str) -> tuple[str, str] | None:
    """What is wrong with a path that holds `:id`, `$id` or `${id}`, and what to write; None where
    nothing is.
    """
    for pattern in FOREIGN:
        for found in pattern.finditer(text):
            shown, name = found[0], found["name"]
            if shown == f"${name}" and text[found.start() - 1] == "/" and name in ODATA:
                continue
            message = f"`{shown[:64]}` is no placeholder, and would be sent as it is"
            hint = f"write {{{name[:64]}}} there, and where {name[:64]} = ${name[:64]}"
            return message, hint
    return None
