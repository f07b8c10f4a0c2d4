"""Which bucket a request is for: that of its caller, else the one that it names where the settings
say how. Knows no bucket, only names.

A caller who has proved to belong to a bucket has no other. What is not there and what is not the
caller's are refused alike, as a path that nothing is at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from apiql.errors import ApiqlError
from apiql.server.visit import Visit
from apiql.settings import Settings

PREFIX = "/b/"
"""Before a bucket's name in a path."""
_PATH = re.compile(r"/b/([^/]+)/(?:apiql\Z|(?:query|template|api|httpapi|flow|schedule)/)")

Said = Callable[[Visit], str]
"""The name that a request says; empty where it says none."""


class NoSuchRoute(ApiqlError):
    """There is nothing at the path for who asks."""


def said_by(settings: Settings, names: Iterable[str]) -> Said | None:
    """How requests name their buckets by these settings; None where there are no buckets."""
    if not settings.buckets.enabled:
        return None
    kind, _, name = (settings.buckets.by or "").partition(":")
    match kind:
        case "path":
            return in_path
        case "header":
            return _in_header(name.encode())
        case "host":
            return _in_host(f".{name}", names)
        case _:
            return lambda visit: ""


def chosen(visit: Visit, said: Said | None) -> str:
    """The name of the bucket; empty for the main one.

    Raises:
        NoSuchRoute: the caller's is another than the one it names.
    """
    own = visit.principal.bucket
    named = said(visit) if said is not None else ""
    if own and named and own != named:
        raise NoSuchRoute
    return own or named


def in_path(visit: Visit) -> str:
    """`acme` of `/b/acme/apiql`."""
    path: str = visit.scope["path"]
    return path.split("/", 3)[2] if path.startswith(PREFIX) else ""


def is_of_a_bucket(path: str) -> bool:
    """Whether queries of a bucket may be at a path, whatever its name."""
    return _PATH.match(path) is not None


def is_in_a_bucket(path: str) -> bool:
    """Whether anything of a bucket may be at a path, whatever its name."""
    return path.count("/") > 2


def inner(path: str) -> str:
    """The path within the bucket: `/apiql` of `/b/acme/apiql`."""
    return "/" + path.split("/", 3)[3]


def _in_header(name: bytes) -> Said:
    return lambda visit: _only(visit, name)


def _in_host(domain: str, names: Iterable[str]) -> Said:
    """What stands before the domain in the Host; any other host names none."""
    known = {name.lower(): name for name in names}

    def said(visit: Visit) -> str:
        host = _only(visit, b"host").lower().partition(":")[0].removesuffix(".")
        if not host.endswith(domain):
            return ""
        label = host.removesuffix(domain)
        return known.get(label, label)

    return said


def _only(visit: Visit, name: bytes) -> str:
    """The value of a header; one that stands there twice says nothing that can be relied on.

    Raises:
        NoSuchRoute: its values differ.
    """
    found = {value for field, value in visit.scope["headers"] if field == name}
    if len(found) > 1:
        raise NoSuchRoute
    return found.pop().decode("latin-1") if found else ""
