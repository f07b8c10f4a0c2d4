"""How a record of the log becomes one line: JSON or text, bounded, nothing in it that could end or
colour a line. Knows nothing of what is told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from apiql.server.visit import REQUEST

MOST = 2048
"""Characters of one field; what is longer is cut."""
MOST_TRACE = 8192
"""Characters of a traceback, of which the end tells most."""
FIELDS = "fields"
"""The attribute of a record that holds more fields."""
CUT = "…"

Fields = Mapping[str, Any]


class LogLines(logging.Formatter):
    """Formats each record as one line in a form: `json` or `text`."""

    def __init__(self, form: str = "text") -> None:
        super().__init__()
        self._write = written_as(form)

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, without its end."""
        found: dict[str, Any] = {
            "time": moment(record.created), "level": record.levelname.lower(),
            "logger": record.name, "message": _message(record),
        }  # fmt: skip
        found |= getattr(record, FIELDS, {})
        mark = REQUEST.get(None)
        if mark is not None:
            found.setdefault("request_id", mark.id.decode("latin-1"))
        if record.exc_info and record.exc_info[0] is not None:
            found["exception"] = self.formatException(record.exc_info)[-MOST_TRACE:]
        return self._write(bounded(found)).decode()


def _message(record: logging.LogRecord) -> str:
    """What a record says; one whose arguments do not fit says at least what it can."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return str(record.msg)


def written_as(form: str) -> Callable[[Fields], bytes]:
    """How the fields of a line are written; they are bounded already."""
    return json_line if form == "json" else text_line


def json_line(fields: Fields) -> bytes:
    """A JSON object in printable ASCII: nothing in it ends a line, for whatever reads it."""
    return as_ascii(msgspec.json.encode(fields))


def as_ascii(line: bytes) -> bytes:
    """The same JSON in printable ASCII."""
    if line.isascii() and b"\x7f" not in line:
        return line
    found = json.dumps(msgspec.json.decode(line), separators=(",", ":"))
    return found.replace("\x7f", "\\u007f").encode()


def text_line(fields: Fields) -> bytes:
    """`time LEVEL message name=value …`; values with spaces and the like stand in quotes."""
    found = dict(fields)
    head = [found.pop("time"), found.pop("level").upper(), escaped(found.pop("message"))]
    head += [f"{name}={text_value(value)}" for name, value in found.items()]
    return escaped(" ".join(head)).encode("utf-8", "backslashreplace")


def text_value(value: Any) -> str:
    """A value as it stands behind its name: nothing, a word, or JSON."""
    if value == "":
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text and text.isprintable() and not any(c in ' "=\\' for c in text):
        return text
    return escaped(json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text)


def bounded(value: Any, name: str = "") -> Any:
    """The same with every text cut to what a field may take."""
    if isinstance(value, str):
        most = MOST_TRACE if name == "exception" else MOST
        text = value if len(value) <= most else value[: most - 1] + CUT
        return text if text.isascii() else text.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {bounded(str(name)): bounded(each, name) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [bounded(each) for each in value]
    return value


def escaped(text: str) -> str:
    """The text with every character that could end or colour a line written as its escape."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def moment(seconds: float) -> str:
    """A time of the wall clock, to the millisecond, in UTC."""
    found = datetime.fromtimestamp(seconds, UTC).isoformat("T", "milliseconds")
    return found.replace("+00:00", "Z")
