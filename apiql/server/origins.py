"""A guard: what browsers are told of the pages that may ask (CORS, the Fetch standard). It keeps
nobody out: that a page may not read an answer is carried out by its browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apiql.errors import Code, RequestRefused
from apiql.server.around import Around
from apiql.server.visit import Answered, Guard, Pairs, Visit
from apiql.settings import Cors, Settings

ORIGIN, METHOD = b"origin", b"access-control-request-method"
VARY = (b"vary", b"Origin")
ANY = "*"
NOT_LISTED = "pages of this origin may not ask"


@dataclass(frozen=True, slots=True)
class Told:
    """The headers for one origin: of an answer, and of the answer to what may be sent."""

    answer: Pairs
    before: Pairs


def listed_origins(settings: Settings, _: Around) -> Guard | None:
    """The guard, where origins are listed."""
    cors = settings.cors
    if not cors.origins:
        return None
    known = {name.encode(): _told(cors, name) for name in cors.origins if name != ANY}
    anybody = _told(cors, ANY) if ANY in cors.origins else None

    def guard(visit: Visit) -> None:
        origin = visit.fields.get(ORIGIN)
        if origin is None:
            visit.told.append(VARY)
            return
        told = known.get(origin) or _anybodys(origin, anybody)
        if visit.scope["method"] == "OPTIONS" and METHOD in visit.fields:
            visit.told.append(VARY)
            if told is None:
                raise RequestRefused(Code.FORBIDDEN, NOT_LISTED, guard="origins")
            raise Answered(204, told.before)
        visit.told += (VARY,) if told is None else told.answer

    return guard


def _anybodys(origin: bytes, anybody: Told | None) -> Told | None:
    """A page in a sandbox has the origin `null`, which `*` does not mean."""
    return None if origin == b"null" else anybody


def _told(cors: Cors, name: str) -> Told:
    common = [(b"access-control-allow-origin", name.encode())]
    if cors.credentials:
        common.append((b"access-control-allow-credentials", b"true"))
    before = [
        *common,
        (b"access-control-allow-methods", _joined(cors.methods)),
        (b"access-control-allow-headers", _joined(cors.headers)),
        (b"access-control-max-age", b"%d" % cors.max_age),
    ]
    answer = [*common, (b"access-control-expose-headers", _joined(cors.expose))]
    return Told([VARY, *[p for p in answer if p[1]]], [p for p in before if p[1]])


def _joined(names: Sequence[str]) -> bytes:
    return ", ".join(names).encode()
