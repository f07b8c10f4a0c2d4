"""Whether the body of an answer is what its Content-Type says: what nobody could read is not worth
keeping. Knows no cache and no query.
"""

from __future__ import annotations

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from apiql.sources.call import Reply

_BOM = b"\xef\xbb\xbf"
_PAGES = ("text/html", "application/xhtml")
_WITHOUT_BODY = frozenset((204, 205))
_checked = Decoder(Raw).decode


def is_readable(method: str, reply: Reply) -> bool:
    """Whether an answer 2xx can be read: JSON that is JSON, and no page for people. Of what says no
    type, or another one, nothing is known here.
    """
    media = (reply.header("content-type") or "").lower()
    if method == "HEAD" or reply.status in _WITHOUT_BODY:
        return True
    if "json" not in media:
        return not (reply.body and media.startswith(_PAGES))
    body = reply.body.removeprefix(_BOM)
    try:
        _checked(body)
        return body.isascii() or bool(body.decode())
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
