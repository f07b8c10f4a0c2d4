"""What the gateway answers where it speaks itself: too much, too late, not allowed, not reached.

The server's own refusals (413, 429, 431, 403, 500) are written here too, so all of them are alike.
"""

from __future__ import annotations

from datetime import UTC, datetime

from apiql.frontends.endpoints.json_value import encoded
from apiql.frontends.endpoints.lowered import GatewayAnswer

HEADERS = (
    ("content-type", "application/json"),
    ("x-gopen-cache", "false"),
    ("x-gopen-complete", "false"),
    ("x-gopen-success", "false"),
)


def refused(
    status: int, message: str, endpoint: str, file: str, now: float, line: int = 1
) -> GatewayAnswer:
    """An answer of the gateway's own. `endpoint` is the path as it is configured, `file` and `line`
    say where; `now` is Unix time in seconds.
    """
    body = {
        "file": file,
        "line": line,
        "endpoint": endpoint,
        "message": message,
        "timestamp": timestamp(now),
    }
    return GatewayAnswer(status, HEADERS, encoded(body))


def timestamp(now: float) -> str:
    """Unix time as RFC 3339 has it, in UTC."""
    shown = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    return shown.replace("+00:00", "Z")
