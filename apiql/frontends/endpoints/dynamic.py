"""Values with `#request…` and `#response…`: a text -> parts, once; parts -> a text, each time.

The tokens are those of the gateway, and beside them the steps of a path that it documents and could
not take: `#`, `#(…)`, `\\.`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from apiql.frontends.endpoints.json_find import Find, finder
from apiql.frontends.endpoints.json_path import NoPath, path_of
from apiql.frontends.endpoints.json_value import MISSING, Json, Missing, text_of
from apiql.frontends.endpoints.message import Body, Kind, Message

_TOKEN = re.compile(
    r"\B#(request|response|responses)(?![a-zA-Z0-9_\-])"
    r"((?:[a-zA-Z0-9_.\-]|\[\w*\]|\\\.|(?<=\.)\#(?:\((?:[^()\"]|\"[^\"]*\")*\)\#?)?)*)"
)
_ANY_TOKEN = re.compile(r"\B#[a-zA-Z0-9_.\-\[\]]+")
_PARTS = {
    "request": ("header", "params", "query", "body"),
    "response": ("statusCode", "header", "body"),
}
_STATUS_WORDS = ("statusCode", "status-code")


@dataclass(frozen=True, slots=True)
class Reads:
    """What a token reads: of the request or the answer, of which call (None: the endpoint's own),
    which part (`header`, `params`, `query`, `body`, `statusCode`).
    """

    side: str
    call: int | None
    part: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a value. `find` is over the plain part: maps, lists, JSON, a text."""

    text: str
    reads: Reads
    find: Find = field(compare=False)


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A value: texts and tokens in turn. `warnings` tell of tokens that never become anything."""

    text: str
    parts: tuple[str | Token, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether there is no token in it."""
        return not any(isinstance(part, Token) for part in self.parts)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Its tokens, in their order."""
        return tuple(part for part in self.parts if isinstance(part, Token))


@dataclass(frozen=True, slots=True)
class Values:
    """What tokens read. `request` is that of the endpoint, as propagated so far; `requests` and
    `responses` are those of the calls, in their order, the one under way last; `answer` makes the
    endpoint's answer of the responses so far, only if a token asks for it.
    """

    request: Message
    requests: tuple[Message, ...] = ()
    responses: tuple[Message, ...] = ()
    answer: Callable[[tuple[Message, ...]], Message | None] = field(
        default=lambda responses: responses[-1] if responses else None
    )


def dynamic_of(text: str) -> Dynamic:
    """The parts of a value; a token that can never be resolved stays text, with a warning."""
    parts: list[str | Token] = []
    warnings: list[str] = []
    at = 0
    for found in _TOKEN.finditer(text):
        token = _token(found[0], found[1], found[2])
        if isinstance(token, str):
            warnings.append(token)
            continue
        parts += (text[at : found.start()], token)
        at = found.end()
    parts.append(text[at:])
    warnings += _unknown(text)
    return Dynamic(text, tuple(part for part in parts if part != ""), tuple(warnings))


def evaluated(value: Dynamic, values: Values) -> str:
    """The text with all tokens resolved that can be; the others stay as they are."""
    return "".join(
        part if isinstance(part, str) else _resolved(part, values) for part in value.parts
    )


def _token(text: str, root: str, rest: str) -> Token | str:
    """A token, or why it is none."""
    side, call, path = _split(root, rest)
    if side is None:
        return f"{text} says no call: #responses.0.body.id"
    part, _, inner = path.partition(".")
    part = "statusCode" if part in _STATUS_WORDS else part
    if part not in _PARTS[side]:
        known = ", ".join(f"#{root}.{word}" for word in _PARTS[side])
        return f"{text} is never resolved: there are {known} and their history"
    if "[" in inner:
        return f"{text} is never resolved: an element is written .0, not [0]"
    try:
        find = finder(path_of(inner)) if inner else _itself
    except NoPath as refused:
        return f"{text} is never resolved: {refused.wrong}"
    return Token(text, Reads(side, call, part), find)


def _split(root: str, rest: str) -> tuple[str | None, int | None, str]:
    """The side, the call, and the path behind them."""
    side = "request" if root == "request" else "response"
    path = rest.removeprefix(".")
    if root == "responses":
        found = re.match(r"(?:\.(\d{1,4})|\[(\d{1,4})\])\.", rest)
        if found is None:
            return None, None, ""
        return side, int(found[1] or found[2]), rest[found.end() :]
    found = re.match(r"history\.(\d{1,4})\.", path)
    return (side, int(found[1]), path[found.end() :]) if found else (side, None, path)


def _unknown(text: str) -> Iterator[str]:
    """Words that look like tokens of roots that are nearly right."""
    for found in _ANY_TOKEN.finditer(text):
        root = re.split(r"[.\[]", found[0][1:])[0]
        if root.lower() in ("req", "res", "resp", "requests", "request", "response", "responses"):
            if root not in ("request", "response", "responses"):
                yield f"{found[0]} is never resolved: values begin with #request or #response"


def _resolved(token: Token, values: Values) -> str:
    message = _message(token.reads, values)
    if message is None:
        return token.text
    found = token.find(_part(message, token.reads.part))
    return token.text if found is MISSING else text_of(found)


def _message(reads: Reads, values: Values) -> Message | None:
    if reads.side == "request":
        if reads.call is None:
            return values.request
        return values.requests[reads.call] if reads.call < len(values.requests) else None
    if reads.call is None:
        return values.answer(values.responses)
    return values.responses[reads.call] if reads.call < len(values.responses) else None


def _part(message: Message, part: str) -> Json | Missing:
    match part:
        case "header":
            return {name: list(texts) for name, texts in message.headers.items()}
        case "query":
            return {name: list(texts) for name, texts in message.query.items()}
        case "params":
            return dict(message.params)
        case "statusCode":
            return message.status
        case _:
            return _plain(message.body)


def _plain(body: Body | None) -> Json | Missing:
    if body is None:
        return MISSING
    return body.value if body.kind is Kind.JSON else body.text


def _itself(value: Json | Missing) -> Json | Missing:
    return value
