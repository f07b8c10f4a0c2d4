"""Writes times by Go's layouts. Unix time in seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from apiql.gotemplate.layout_tokens import DAYS, MONTHS, TOKEN


def written(layout: str, unix: float, offset: int = 0) -> str:
    """A Unix time as the layout writes it, at an offset from UTC in seconds."""
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=unix + offset)
    return TOKEN.sub(lambda token: _written(token.group(), local, offset), layout)


def _written(token: str, local: datetime, offset: int) -> str:
    if token[0] in "-Z" and token[1:].startswith("07"):
        return _offset(token, offset)
    if token[0] in ".,":
        digits = f"{local.microsecond:06d}000"[: len(token) - 1].ljust(len(token) - 1, "0")
        short = digits.rstrip("0") if token[1] == "9" else digits
        return token[0] + short if short else ""
    if token == "MST":
        return _offset("-07:00" if offset % 3600 else "-07", offset) if offset else "UTC"
    if token in ("PM", "pm"):
        return token if local.hour >= 12 else {"PM": "AM", "pm": "am"}[token]
    if token[0] in "JM":
        name = MONTHS[local.month - 1] if token[0] == "J" else DAYS[local.weekday()]
        return name if len(token) > 3 else name[:3]
    return _number(token, local)


def _number(token: str, local: datetime) -> str:
    """Filled up with zeros where the token begins with one, with blanks where with _."""
    if token == "2006":
        return f"{local.year:04d}"
    if token == "06":
        return f"{local.year % 100:02d}"
    if token in ("002", "__2"):
        number = local.timetuple().tm_yday
    elif token == "15":
        return f"{local.hour:02d}"
    else:
        hour = local.hour % 12 or 12
        parts = {"1": local.month, "2": local.day, "3": hour, "4": local.minute}
        number = parts.get(token[-1], local.second)
    fill = {"0": "0", "_": " "}.get(token[0], "")
    return str(number).rjust(len(token) if fill else 0, fill or " ")


def _offset(token: str, offset: int) -> str:
    if token[0] == "Z" and not offset:
        return "Z"
    hours, seconds = divmod(abs(offset), 3600)
    parts = [f"{hours:02d}", f"{seconds // 60:02d}", f"{seconds % 60:02d}"]
    count = len(re.findall("[0-9]{2}", token))
    return ("-" if offset < 0 else "+") + (":" if ":" in token else "").join(parts[:count])
