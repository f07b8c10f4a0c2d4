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
    hour = local.hour % 12 or 12
    names = {"January": MONTHS[local.month - 1], "Monday": DAYS[local.weekday()]}
    year_day = local.timetuple().tm_yday
    shown: dict[str, str | int] = {
        **names,
        "Jan": names["January"][:3],
        "Mon": names["Monday"][:3],
        "MST": "UTC" if not offset else _offset("-07:00" if offset % 3600 else "-07", offset),
        "2006": f"{local.year:04d}",
        "06": f"{local.year % 100:02d}",
        "01": f"{local.month:02d}",
        "1": local.month,
        "02": f"{local.day:02d}",
        "2": local.day,
        "_2": f"{local.day:2d}",
        "002": f"{year_day:03d}",
        "__2": f"{year_day:3d}",
        "15": f"{local.hour:02d}",
        "03": f"{hour:02d}",
        "3": hour,
        "04": f"{local.minute:02d}",
        "4": local.minute,
        "05": f"{local.second:02d}",
        "5": local.second,
        "PM": "PM" if local.hour >= 12 else "AM",
        "pm": "pm" if local.hour >= 12 else "am",
    }
    return str(shown[token])


def _offset(token: str, offset: int) -> str:
    if token[0] == "Z" and not offset:
        return "Z"
    hours, seconds = divmod(abs(offset), 3600)
    parts = [f"{hours:02d}", f"{seconds // 60:02d}", f"{seconds % 60:02d}"]
    count = len(re.findall("[0-9]{2}", token))
    return ("-" if offset < 0 else "+") + (":" if ":" in token else "").join(parts[:count])
