"""The bodies of a Postman request: raw, urlencoded, formdata, graphql."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from apiql.importers.documents import rows, shown, table, word
from apiql.importers.imported import FORM, JSON, MULTIPART, Tell

_LANGUAGES = {"json": JSON, "xml": "application/xml", "html": "text/html", "text": "text/plain",
              "javascript": "application/javascript"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """A text or the fields of a form, and the type if the body says it."""

    text: str | None = field(default=None, repr=False)
    fields: tuple[tuple[str, str | None], ...] | None = None
    content_type: str = ""


def body_parts(body: Any, at: str, tell: Tell) -> Parts:
    """What a request sends."""
    mode = word(body, "mode")
    if not isinstance(body, dict) or mode in ("", "none") or body.get("disabled") is True:
        return Parts()
    match mode:
        case "raw":
            language = word(table(table(body, "options"), "raw"), "language")
            text = word(body, "raw")
            return Parts(text, content_type=_LANGUAGES.get(language, "")) if text else Parts()
        case "urlencoded" | "formdata":
            fields = _fields(body, mode, f"{at}.body.{mode}", tell)
            kind = FORM if mode == "urlencoded" else MULTIPART
            return Parts(fields=fields, content_type=kind) if fields else Parts()
        case "graphql":
            return _graphql(table(body, "graphql"), f"{at}.body.graphql", tell)
    tell(f"{at}.body", f"a body of the mode {shown(mode)} is not taken")
    return Parts()


def _fields(body: Any, mode: str, at: str, tell: Tell) -> tuple[tuple[str, str | None], ...]:
    found: list[tuple[str, str | None]] = []
    for number, row in enumerate(rows(body, mode)):
        name = word(row, "key")
        if not name or row.get("disabled") is True:
            why = f"{shown(name)} is switched off" if name else "a field without a name"
            tell(f"{at}[{number}]", f"{why}; not taken")
        elif row.get("type") == "file":
            tell(f"{at}[{number}]", f"the file of {shown(name)} is given by a query")
            found.append((name, None))
        else:
            found.append((name, word(row, "value")))
    return tuple(found)


def _graphql(told: dict[str, Any], at: str, tell: Tell) -> Parts:
    members: dict[str, Any] = {"query": word(told, "query")}
    written = told.get("variables")
    if isinstance(written, str) and written.strip():
        try:
            members["variables"] = json.loads(written)
        except (ValueError, RecursionError):
            tell(f"{at}.variables", "these are no JSON; not taken")
    elif isinstance(written, dict):
        members["variables"] = written
    return Parts(json.dumps(members, ensure_ascii=False), content_type=JSON)
