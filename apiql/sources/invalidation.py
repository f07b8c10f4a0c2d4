"""Which URLs a write has made void (RFC 9111, section 4.4). Pure."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from apiql.sources.call import Call, Reply

_PLACES = ("location", "content-location")


def void_targets(call: Call, reply: Reply) -> tuple[str, ...]:
    """The written URL, and those of the same origin that the answer names, as targets."""
    found = [call.target]
    for name, value in reply.headers:
        if name in _PLACES:
            target = _same_origin(call, value)
            if target is not None and target not in found:
                found.append(target)
    return tuple(found)


def _same_origin(call: Call, location: str) -> str | None:
    base = f"{call.origin}{call.target}"
    try:
        joined = urljoin(base, location)
        parts, home = urlsplit(joined), urlsplit(str(call.origin))
        same = (parts.scheme, parts.netloc.lower()) == (home.scheme, home.netloc)
    except ValueError:
        return None
    if not same:
        return None
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path
