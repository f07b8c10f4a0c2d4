"""What of the gateways a request is for: an endpoint, one of the gateway's own pages, or nothing
that is there for its caller.
"""

from __future__ import annotations

from functools import partial

from apiql.errors import Code, RequestRefused
from apiql.frontends.endpoints.json_value import encoded
from apiql.frontends.endpoints.routes import Found
from apiql.gateways import GatewayCatalog, Served
from apiql.ir.reach import Kind
from apiql.server.choosing import PREFIX, NoSuchRoute
from apiql.server.current import Held
from apiql.server.sight import Sight
from apiql.server.visit import Answered, Pairs, Scope, Visit

TEXT: Pairs = [(b"content-type", b"text/plain")]
JSON: Pairs = [(b"content-type", b"application/json")]


def path_of(visit: Visit, within: bool) -> str:
    """The path as it was sent, with its percent signs; `within`: that behind the name of a bucket.

    Raises:
        NoSuchRoute: it is no text, or names its bucket in another way than it is written.
    """
    path = _sent(visit.scope)
    if not within:
        return path
    before = f"{PREFIX}{visit.bucket}/"
    if not path.startswith(before):
        raise NoSuchRoute
    return f"/{path.removeprefix(before)}"


def way_of(catalog: GatewayCatalog, held: Held, visit: Visit, path: str) -> Found[Served]:
    """The endpoint that a request to a path is for, of those that are there for its caller. HEAD is
    GET without a body.

    Raises:
        Answered: the gateway itself answers.
        RequestRefused: there is no such method at the path, or nothing for who is not known.
        NoSuchRoute: there is nothing at the path.
    """
    sight = visit.sight
    asked: str = visit.scope["method"]
    method = "GET" if asked == "HEAD" else asked
    sees = None if sight is None else partial(_is_there, sight)
    found = catalog.routes.find(method, path, sees)
    if found is not None:
        return found
    if method == "GET":
        _own(catalog, held, path)
    there = [*catalog.routes.at(path, sees)]
    if there:
        raise _other(asked, there)
    if sight is not None:
        sight.miss()
    raise NoSuchRoute


def _sent(scope: Scope) -> str:
    try:
        found: bytes = scope.get("raw_path") or scope["path"].encode()
        return found.decode("utf-8")
    except UnicodeError:
        raise NoSuchRoute from None


def _is_there(sight: Sight, served: Served) -> bool:
    return sight.defined(Kind.ENDPOINT, served.name)


def _own(catalog: GatewayCatalog, held: Held, path: str) -> None:
    """The pages of the gateway. What is set is shown where all descriptions are."""
    if path == "/ping":
        raise Answered(200, TEXT, b"Pong!")
    if path == "/version" and catalog.version:
        raise Answered(200, TEXT, catalog.version.encode())
    if path == "/settings" and held.settings.server.docs:
        shown = [gateway.settings for gateway in catalog.gateways]
        raise Answered(200, JSON, encoded(shown[0] if len(shown) == 1 else shown))


def _other(asked: str, there: list[str]) -> Answered | RequestRefused:
    """The methods that there are at a path."""
    more = ("HEAD", "OPTIONS") if "GET" in there else ("OPTIONS",)
    allow = ", ".join(sorted((*there, *more)))
    if asked == "OPTIONS":
        return Answered(204, [(b"allow", allow.encode())])
    message = f"{asked} is no method of this path"
    return RequestRefused(Code.METHOD_NOT_ALLOWED, message, {"Allow": allow})
