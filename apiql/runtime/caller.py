"""What a query may read of the request that carries it: `header()` and `cookie()`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apiql.errors import Code
from apiql.plugins import Function, Moment
from apiql.runtime.arguments import text
from apiql.runtime.json_values import Json
from apiql.runtime.outcome import unmet


class Caller(Moment, frozen=True):
    """The instant of a query and its request. Header names are in lower case; `cookies` are read
    from them where they are None.
    """

    headers: Mapping[str, str] = {}
    cookies: Mapping[str, str] | None = None


def cookies_of(header: str) -> dict[str, str]:
    """The cookies of a Cookie header by name; of one name the first, whose path is closest.

    What is no `name=value` is left out, so that one odd cookie hides no other.
    """
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, mark, value = part.partition("=")
        if mark:
            found.setdefault(name.strip(), value.strip().strip('"'))
    return found


def _header(caller: Caller, name: Json) -> Json:
    wanted = text("header", name)
    found = caller.headers.get(wanted.lower())
    if found is None:
        raise unmet(Code.MISSING_VARIABLE, f"the request has no header {wanted}")
    return found


def withholding(withheld: frozenset[str]) -> Function:
    """`header()` where these may not be read: what it yields would go to an upstream that does
    not list them.
    """

    def read(caller: Caller, name: Json) -> Json:
        wanted = text("header", name)
        if wanted.lower() in withheld:
            message = f"the header {wanted} of the request may not be sent there"
            raise unmet(Code.FORBIDDEN_UPSTREAM, message)
        return _header(caller, name)

    return replace(CALLER_FUNCTIONS[0], call=read)


def _cookie(caller: Caller, name: Json) -> Json:
    wanted = text("cookie", name)
    cookies = caller.cookies
    if cookies is None:
        cookies = cookies_of(caller.headers.get("cookie", ""))
    found = cookies.get(wanted)
    if found is None:
        raise unmet(Code.MISSING_VARIABLE, f"the request has no cookie {wanted}")
    return found


CALLER_FUNCTIONS: tuple[Function, ...] = (
    Function("header", _header, 1, 1, contextual=True, doc="A header of the caller's request."),
    Function("cookie", _cookie, 1, 1, contextual=True, doc="A cookie of the caller's request."),
)
