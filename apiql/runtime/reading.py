"""The reply of an upstream -> what is read and shaped of it, or why it cannot be used."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Raw

from apiql.errors import Code, Failure, ValueRefused
from apiql.runtime.decode import Undecodable, as_raw, checked, to_json
from apiql.runtime.outcome import Done, Failed
from apiql.runtime.row_list import NotRows
from apiql.runtime.scope import Scope
from apiql.runtime.shape import Shape
from apiql.runtime.step import Step
from apiql.sources.call import Call, Reply

MOST_OF_AN_ERROR = 4096
BOM = b"\xef\xbb\xbf"
PLAIN = (b"{", b"[")

Shaped: TypeAlias = tuple[bytes | Failure, ...]


def read_reply(step: Step, call: Call, reply: Reply, scope: Scope) -> Done | Failed:
    """The result of a call as far as anybody wants it."""
    if not 200 <= reply.status < 300:
        return Failed(status_failure(step, call, reply), reply.status, reply.headers)
    try:
        body = json_of(call.method, reply)
        if step.rows is not None:
            body = step.rows(body, scope)
        shaped = _shaped(step, body, scope)
        if not shaped:
            checked(bytes(as_raw(body)))
        return Done(reply.status, reply.headers, step.read(body), shaped)
    except Undecodable as error:
        return unreadable(step, call, reply, str(error))
    except NotRows as error:
        return unreadable(step, call, reply, error.message, error.hint)
    except RecursionError:
        return unreadable(step, call, reply, "it is nested too deeply")
    except ValueRefused as refused:
        return refused_value(refused, reply)


def read_value(step: Step, body: bytes, scope: Scope) -> tuple[tuple[Any, ...], Shaped]:
    """What is read and shaped of JSON that came another way: a substitute, a row of a batch.

    Raises:
        Undecodable, NotRows, ValueRefused: it is not what the clauses want.
    """
    body = body if step.rows is None else step.rows(body, scope)
    return step.read(body), _shaped(step, body, scope)


def unreadable(step: Step, call: Call, reply: Reply, why: str, hint: str | None = None) -> Failed:
    """The failure of a 2xx answer whose body is not what it should be."""
    found = {"service": step.service, "status": reply.status, "body": _excerpt(reply)}
    failure = Failure(
        Code.BAD_PAYLOAD, f"answered {reply.status} with no usable body: {why}",
        status=reply.status, upstream=found, request=request_text(call), hint=hint,
    )  # fmt: skip
    return Failed(failure, reply.status, reply.headers)


def refused_value(refused: ValueRefused, reply: Reply) -> Failed:
    """The failure of a result in which a clause finds what it cannot take."""
    message = f"could not be shaped: {refused.message}"
    failure = Failure(Code.BAD_VALUE, message, hint=refused.hint)
    return Failed(failure, reply.status, reply.headers)


def _shaped(step: Step, body: bytes, scope: Scope) -> Shaped:
    try:
        return tuple([shape(body, scope) for shape in step.shapes])
    except ValueRefused:
        return tuple([_shaped_or_why_not(shape, body, scope) for shape in step.shapes])


def _shaped_or_why_not(shape: Shape, body: bytes, scope: Scope) -> bytes | Failure:
    try:
        return shape(body, scope)
    except ValueRefused as refused:
        message = f"could not be shaped: {refused.message}"
        return Failure(Code.BAD_VALUE, message, hint=refused.hint)


def json_of(method: str, reply: Reply) -> bytes:
    """The result of an answer as JSON: null for nothing, a text for text/plain, else the body."""
    body = reply.body
    media = reply.header("content-type") or ""
    if media == "application/json" and body[:1] in PLAIN and method != "HEAD":
        return body
    media = media.lower()
    if method == "HEAD" or reply.status in (204, 205):
        return b"null"
    if not body and "json" not in media:
        return b"null"
    if media.startswith("text/plain"):
        return to_json(text_of(body, media))
    if media.startswith(("text/html", "application/xhtml")):
        raise Undecodable(f"it is {media.partition(';')[0]}, not JSON")
    return body.removeprefix(BOM)


def text_of(body: bytes, media: str) -> str:
    """The text of a body, in the charset that its media type (lower case) names.

    Raises:
        Undecodable: it is not in that charset, or nobody knows that.
    """
    charset = media.partition("charset=")[2].split(";")[0].strip(" \"'") or "utf-8"
    names = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii",
             "iso-8859-1": "latin-1", "latin1": "latin-1", "windows-1252": "cp1252",
             "utf-16": "utf-16", "gbk": "gbk", "gb2312": "gb2312", "gb18030": "gb18030",
             "big5": "big5", "shift_jis": "shift_jis", "euc-kr": "euc_kr"}  # fmt: skip
    if charset not in names:
        raise Undecodable("its charset is not known")
    try:
        return body.decode(names[charset])
    except UnicodeDecodeError:
        raise Undecodable(f"it is not {charset}") from None


def status_failure(step: Step, call: Call, reply: Reply) -> Failure:
    """The failure of an answer that is not 2xx, with what the upstream said."""
    found = {"service": step.service, "status": reply.status, "body": _excerpt(reply)}
    retryable = reply.status in (408, 425, 429, 500, 502, 503, 504)
    hint = reply.hint or ("redirects are not followed" if 300 <= reply.status < 400 else None)
    return Failure(
        Code.UPSTREAM_STATUS, f"answered {reply.status}", status=reply.status, hint=hint,
        retryable=retryable, upstream=found, request=request_text(call),
    )  # fmt: skip


def _excerpt(reply: Reply) -> Any:
    """The upstream's own error body: JSON as JSON, else text, up to 4 KiB."""
    if not reply.body:
        return None
    if len(reply.body) <= MOST_OF_AN_ERROR:
        try:
            return Raw(checked(bytes(as_raw(reply.body))))
        except Undecodable:
            pass
    return reply.body[:MOST_OF_AN_ERROR].decode("utf-8", "replace")


def request_text(call: Call) -> str:
    """The request for people: `GET /users/9`."""
    return f"{call.method} {call.target}"
