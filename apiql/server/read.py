"""An HTTP request -> a query: body, media type, parameters, limits. Nothing is run here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct

from apiql.defined import Defined
from apiql.engine import Engine, Query
from apiql.errors import Code, RequestRefused
from apiql.ir.reach import Kind
from apiql.runtime.step import Executable
from apiql.server.body import read_body, take_body
from apiql.server.envelope import Envelope, decode_json, id_in, read_envelope, refuse_misplaced
from apiql.server.media import JSON, TEXTS, Wanted, media_type, wanted
from apiql.server.visit import Fields, Scope, Visit
from apiql.settings import Limits

WAIT = re.compile(rb"(?:^|[,;\s])wait=(\d{1,9})(?:$|[,;\s])")


class Asked(Struct, frozen=True):
    """A request that was read: the query, the form its answer shall have, `trace` if asked; the
    `id` of its text, or its plan already and its `name`, where the client calls it by one, which
    is one of this `kind`; the definition that it asks for instead of a query, or what makes its
    answer by itself.
    """

    query: Query
    wanted: Wanted
    trace: bool
    reads_only: bool
    id: str | None = None
    executable: Executable | None = None
    name: str = ""
    kind: Kind = Kind.QUERY
    defined: Defined | None = None
    own: Callable[[], Awaitable[Any]] | None = None


class Headers(Mapping[str, str]):
    """The request's headers by lower-case name, decoded when first looked at; `fields` are the
    same by name.
    """

    def __init__(self, raw: list[tuple[bytes, bytes]], fields: Fields) -> None:
        self._raw, self._fields = raw, fields
        self._found: dict[str, str] | None = None

    def _read(self) -> dict[str, str]:
        if self._found is None:
            self._found = {}
            for name, value in self._raw:
                key, text = name.decode("latin-1"), value.decode("latin-1")
                known = self._found.get(key)
                mark = "; " if key == "cookie" else ", "
                self._found[key] = text if known is None else f"{known}{mark}{text}"
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._read()[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name; one that is not there is not looked for."""
        return self[name] if name in self else default

    def __contains__(self, name: object) -> bool:
        if self._found is not None or not isinstance(name, str) or not name.isascii():
            return name in self._read()
        return name.encode() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


async def read_request(visit: Visit, engine: Engine) -> Asked:
    """The query in a request to /apiql, whoever sends it.

    Raises:
        RequestRefused: it cannot be read as one.
    """
    scope, fields, limits = visit.scope, visit.fields, engine.settings.limits
    method, raw = scope["method"], scope["headers"]
    check_head(raw, limits.header_bytes)
    if method == "POST":
        body = take_body(visit, limits.body_bytes)
        if body is None:
            body = await read_body(visit.receive, fields, limits.body_bytes)
        envelope = _posted(body, fields, scope, limits)
    elif method == "GET":
        envelope = _in_url(scope, limits)
    else:
        message = f"{method} is no way to ask: POST a query, or GET one that only reads"
        raise RequestRefused(Code.METHOD_NOT_ALLOWED, message, {"Allow": "GET, POST"})
    query = Query(envelope.query, envelope.params, Headers(raw, fields), None, patience_in(fields))
    trace = envelope.extensions.get("trace") is True
    return Asked(query, form_in(fields), trace, method == "GET", envelope.id)


def form_in(fields: Mapping[bytes, bytes]) -> Wanted:
    """The form that the client asks for."""
    return wanted(fields[b"accept"]) if b"accept" in fields else Wanted.JSON


def patience_in(fields: Mapping[bytes, bytes]) -> float | None:
    """The seconds that the client waits at most, where it says so."""
    return _wait(fields[b"prefer"]) if b"prefer" in fields else None


def check_head(raw: list[tuple[bytes, bytes]], most: int) -> None:
    """Refuses headers that take more room together."""
    if head_size(raw) > most:
        message = f"the headers go over the limit header_bytes = {most}"
        raise RequestRefused(Code.HEADERS_TOO_LARGE, message, {"Connection": "close"})


def head_size(raw: list[tuple[bytes, bytes]]) -> int:
    """The room that headers take together."""
    return len(b"".join(map(b"".join, raw)))  # quicker than a sum of their lengths


def _posted(body: bytes, fields: Mapping[bytes, bytes], scope: Scope, limits: Limits) -> Envelope:
    content_type = fields.get(b"content-type", b"")
    if content_type == JSON:
        return read_envelope(body, limits)
    media, charset = media_type(content_type)
    if charset not in ("utf-8", "utf8") or media not in (*TEXTS, "application/json"):
        message = "send a query as application/json, text/plain or application/apiql, in UTF-8"
        accepts = {"Accept-Post": "application/json, text/plain, application/apiql"}
        raise RequestRefused(Code.UNSUPPORTED_MEDIA_TYPE, message, accepts)
    if media == "application/json":
        return read_envelope(body, limits)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise RequestRefused(Code.BAD_REQUEST, "the body is not UTF-8") from None
    return Envelope(text, _params(_url_values(scope), limits))


def _in_url(scope: Scope, limits: Limits) -> Envelope:
    values = _url_values(scope)
    if "query" not in values and "id" not in values:
        message = "GET /apiql wants ?query=…"
        raise RequestRefused(Code.VALIDATION, message)
    known_as = id_in(values["id"]) if "id" in values else None
    return Envelope(values.get("query", ""), _params(values, limits), id=known_as)


def _url_values(scope: Scope) -> dict[str, str]:
    found = url_pairs(scope, 100)
    for name in ("query", "params", "id"):
        if len(found.get(name, ())) > 1:
            raise RequestRefused(Code.BAD_REQUEST, f"`{name}` stands twice in the query string")
    values = {name: texts[0] for name, texts in found.items()}
    refuse_misplaced(values)
    return values


def url_pairs(scope: Scope, most: int) -> dict[str, list[str]]:
    """The query string: all values of each name, in their order.

    Raises:
        RequestRefused: it cannot be read, or has more than `most` pairs.
    """
    raw = scope["query_string"]
    if not raw:
        return {}
    try:
        return parse_qs(raw.decode("ascii"), keep_blank_values=True, errors="strict",
                        max_num_fields=most)  # fmt: skip
    except (UnicodeDecodeError, ValueError):
        raise RequestRefused(Code.BAD_REQUEST, "the query string is broken") from None


def _params(values: Mapping[str, str], limits: Limits) -> Mapping[str, Any]:
    text = values.get("params")
    if not text:
        return {}
    if len(text) > limits.params_bytes:
        message = f"params go over the limit params_bytes = {limits.params_bytes}"
        raise RequestRefused(Code.LIMIT_EXCEEDED, message)
    found = decode_json(text.encode(), limits)
    if not isinstance(found, dict):
        raise RequestRefused(Code.VALIDATION, "`params` must be an object")
    return found


def _wait(prefer: bytes) -> float | None:
    """The seconds of `Prefer: wait=2` (RFC 7240)."""
    match = WAIT.search(prefer)
    return max(0.001, float(match[1])) if match else None
