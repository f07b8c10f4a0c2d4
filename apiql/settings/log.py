"""The section of what is written while the server runs. Knows no line and no stream."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import PlainValidator

from apiql.settings.section import Section
from apiql.settings.values import Duration, refusal, shown

Access = bool | Literal["errors"]


def which_requests(value: object) -> Access:
    """Which requests get a line."""
    if isinstance(value, bool):
        return value
    if value == "errors":
        return "errors"
    raise refusal(f"{shown(value)} says not which requests", 'true, false, or "errors"')


class Log(Section):
    """Lines that tell what happens: to standard error, and of requests to standard output."""

    format: Literal["auto", "text", "json"] = "auto"
    """`auto`: text on a terminal, else a JSON object on each line."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """`debug` tells of each query where its time went."""
    access: Annotated[Access, PlainValidator(which_requests)] = False
    """A line for each request, or for those that were answered 400 and above, or not at all."""
    client: Literal["full", "network", "none"] = "full"
    """What such a line shows of the client's address; `network`: its /24, or /64 of IPv6."""
    slow: Duration | None = None
    """Queries that take longer are told with their plan and where their time went."""
