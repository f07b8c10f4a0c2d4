"""A guard: a page may not ask in its visitor's name (CSRF).

A browser says from where a request comes, by `Sec-Fetch-Site` or at least by `Origin`, and no page
can change that. Of a page elsewhere only what its browser has asked about before is answered: what
carries a JSON body or a header of our own is never sent unasked. Cookies and remembered
passwords of such requests count as not sent. Who is no browser says nothing, and is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from apiql.errors import Code, RequestRefused
from apiql.server.around import Around
from apiql.server.media import media_type
from apiql.server.visit import Guard, Visit
from apiql.settings import Settings

SITE, ORIGIN, COOKIE, MEANT = b"sec-fetch-site", b"origin", b"cookie", b"x-apiql"
REMEMBERED = frozenset({COOKIE, b"authorization"})
"""What a browser may have sent along by itself."""
OURS = (b"same-origin", b"none")
"""`none`: its user made the request, by the address bar for instance."""
ANYBODY = {"*", "null"}
"""Origins that any page can have."""
ASKED_BEFORE = ("application/json", "application/apiql")
"""Bodies that no browser sends elsewhere without asking (not so text/plain and forms)."""
BY_THEMSELVES = (b"basic", b"digest", b"negotiate", b"ntlm")
"""Credentials that a browser remembers and sends along, as it does cookies."""
HEADER = "send the header X-APIQL with any value"
SIMPLE = f"a page of another site asks in a form that browsers send unasked: send JSON, or {HEADER}"
UNMEANT = f"a request that carries cookies must show that it is meant: {HEADER}"


def unforged(settings: Settings, _: Around) -> Guard | None:
    """The guard, unless it is off."""
    if not settings.forgery.check:
        return None
    named = set(settings.cors.origins) - ANYBODY
    listed = frozenset(name.encode() for name in named)
    cookies = settings.forgery.cookies

    def guard(visit: Visit) -> None:
        fields = visit.fields
        if cookies and COOKIE in fields and not is_meant(fields):
            raise RequestRefused(Code.FORBIDDEN, UNMEANT, guard="forgery")
        origin = fields.get(ORIGIN)
        if origin in listed or (origin is None and SITE not in fields):
            return
        if is_ours(fields, listed) or is_meant(fields):
            return
        if visit.scope["method"] == "POST" and not _asked_before(fields):
            raise RequestRefused(Code.FORBIDDEN, SIMPLE, guard="forgery")
        if not REMEMBERED.isdisjoint(fields):
            visit.hide(REMEMBERED)

    return guard


def is_ours(fields: Mapping[bytes, bytes], listed: frozenset[bytes]) -> bool:
    """Whether the page is one of our own origin, or of one that is listed."""
    origin, site = fields.get(ORIGIN), fields.get(SITE)
    if origin is not None and origin in listed:
        return True
    if site is not None:
        return site in OURS
    if origin is None:
        return False
    return origin.partition(b"://")[2].lower() == fields.get(b"host", b"").lower()


def is_meant(fields: Mapping[bytes, bytes]) -> bool:
    """Whether it has what no browser adds by itself."""
    if MEANT in fields:
        return True
    scheme = fields.get(b"authorization", b"").partition(b" ")[0].lower()
    return bool(scheme) and scheme not in BY_THEMSELVES


def _asked_before(fields: Mapping[bytes, bytes]) -> bool:
    return media_type(fields.get(b"content-type", b""))[0] in ASKED_BEFORE
