"""The kinds of value a setting can have: durations, sizes, addresses, headers, words.

Each kind is a type for pydantic; what it refuses, it refuses with `wrong` (what is wrong) and
`expected` (what to write instead), which report.py prints.
"""

from __future__ import annotations

import math
import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, Strict
from pydantic_core import PydanticCustomError

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_DURATION = re.compile(r"(-?)([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h|d)")
_SIZE = re.compile(r"(-?)([0-9]+) ?(B|KiB|MiB|GiB)")
_HOST_RULE = re.compile(
    r"(?:https?://)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/:@\\?#\[\]*]+)(?::(?:[0-9]{1,5}|\*))?(?:/[^\s?#\\]*)?"
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAME = re.compile(r"[^\W\d]\w*")
_UPSTREAM_NAME = re.compile(r"[^\W_][\w-]*")
_MEMBER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
_PARAMETER_NAME = re.compile(r"[!-~]{1,128}")
_MEMBER_KINDS = ("integer", "number", "boolean", "text", "ordered text", "any")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADER_TEXT = re.compile(r"[\t\x20-\x7e]*")
_CONNECTION_HEADERS = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "upgrade"}
    | {"proxy-authenticate", "proxy-authorization", "proxy-connection", "transfer-encoding"}
)

DURATION_EXPECTED = 'a duration above 0: "500ms", "2s", "5m", "1h", or a number of seconds'
SIZE_EXPECTED = 'a size above 0: "512B", "64KiB", "8MiB", "1GiB", or a number of bytes'
URL_EXPECTED = '"http://host:port/prefix" or "https://…", without user, query or fragment'


def refusal(wrong: str, expected: str, *at: str) -> PydanticCustomError:
    """What a kind raises for a value it cannot take; a table says `at` which of its keys."""
    context = {"wrong": wrong, "expected": expected, "at": at}
    return PydanticCustomError("refused", "{wrong}; expected {expected}", context)


def shown(value: object) -> str:
    """A value as a reader of TOML knows it, cut to one short line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            text = f'"{value}"'
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            text = str(value)
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= 60 else f"{line[:59]}…"


def seconds(value: object) -> float:
    """A duration in seconds; numbers are seconds already."""
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            raise refusal(f"{shown(value)} is no duration", DURATION_EXPECTED)
        sign, digits, unit = found.groups()
        return _above_zero(float(sign + digits) * _SECONDS[unit], value, DURATION_EXPECTED)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal(f"{shown(value)} is no duration", DURATION_EXPECTED)
    return _above_zero(float(value), value, DURATION_EXPECTED)


def pause(value: object) -> float:
    """A duration in seconds that may be none at all."""
    none = value in (0, "0", "0s", "0ms") and not isinstance(value, bool)
    return 0.0 if none else seconds(value)


def octets(value: object) -> int:
    """A size in bytes; whole numbers are bytes already."""
    if isinstance(value, str):
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            raise refusal(f"{shown(value)} is no size", SIZE_EXPECTED)
        sign, digits, unit = found.groups()
        return int(_above_zero(int(sign + digits) * _BYTES[unit], value, SIZE_EXPECTED))
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal(f"{shown(value)} is no size", SIZE_EXPECTED)
    return int(_above_zero(value, value, SIZE_EXPECTED))


def _above_zero(number: float, written: object, expected: str) -> float:
    if number < 0:
        raise refusal(f"{shown(written)} is negative", expected)
    if number == 0 or not math.isfinite(number):
        raise refusal(f"{shown(written)} sets no limit", expected)
    return number


def web_address(value: object) -> str:
    """An http or https URL with an optional path prefix, without its last slash."""
    return _address(value, user_allowed=False).rstrip("/")


def proxy_address(value: object) -> str:
    """Where a proxy listens; it may name a user, so no message repeats it."""
    return _address(value, user_allowed=True)


def _address(value: object, user_allowed: bool) -> str:
    if not isinstance(value, str):
        raise refusal(f"{shown(value)} is no text", URL_EXPECTED)
    wrong = _address_fault(value, user_allowed)
    if wrong is not None:
        raise refusal(wrong, URL_EXPECTED)
    return value


def _address_fault(text: str, user_allowed: bool) -> str | None:
    if not text.isprintable() or any(c in text for c in " \\"):
        return "a space, a backslash or a control character in the URL"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the host or port of the URL cannot be read"
    segments = parts.path.split("/")[1:]
    faults = (
        (parts.scheme not in ("http", "https"), "the URL begins with neither http:// nor https://"),
        (not host, "the URL names no host"),
        (not _is_host(host or ""), "the URL's host is neither a name nor an address"),
        (port == 0 or parts.netloc.endswith(":"), "the URL has an empty or zero port"),
        ("@" in parts.netloc and not user_allowed, "the URL names a user or password"),
        ("?" in text or "#" in text, "the URL has a query or a fragment"),
        ("" in segments[:-1] or {".", ".."} & set(segments), "the URL's path has //, . or .."),
    )
    return next((wrong for found, wrong in faults if found), None)


def _is_host(host: str) -> bool:
    """Whether an ASCII host can only be read as what it is."""
    try:
        ip_address(host)
    except ValueError:
        labels = host.split(".")
        numeric = _NUMBER.fullmatch(labels[-1]) is not None
        plain = all(_LABEL.fullmatch(label) for label in labels) or not host.isascii()
        return plain and not numeric and len(host) <= 253
    return "%" not in host


def host_rule(value: str) -> str:
    """One entry of `security.allow_hosts`."""
    if _HOST_RULE.fullmatch(value) is None:
        expected = '"host", "host:port" or "host:*", with "https://" before or a path after it'
        raise refusal(f"{shown(value)} is no host", expected)
    return value


def source_name(value: str) -> str:
    """A name that can stand after `from`."""
    if _NAME.fullmatch(value) is None or len(value) > 128:
        raise refusal("the name cannot stand after `from`", "letters, digits and _, no digit first")
    return value


def upstream_name(value: str) -> str:
    """The name of an upstream, as errors call it."""
    if _UPSTREAM_NAME.fullmatch(value) is None or len(value) > 128:
        raise refusal("the name is no upstream's name", "letters, digits, _ and -")
    return value


def member_name(value: str) -> str:
    """The name of a member of a row, as an upstream's query string has it."""
    if _MEMBER_NAME.fullmatch(value) is None:
        raise refusal(f"{shown(value)} is no member's name", "letters, digits, _ and -")
    return value


def member_kind(value: object) -> str:
    """What a member is; with `?` it may be null or missing."""
    if isinstance(value, str) and value.removesuffix("?") in _MEMBER_KINDS:
        return value
    expected = ", ".join(f'"{kind}"' for kind in _MEMBER_KINDS)
    raise refusal(f"{shown(value)} is no kind", f"{expected}; with ? behind it: or null")


def parameter_name(value: str) -> str:
    """The name of a parameter of the query string, not yet encoded."""
    if _PARAMETER_NAME.fullmatch(value) is None:
        raise refusal(f"{shown(value)} is no parameter's name", "printable ASCII without spaces")
    return value


def path_template(value: str) -> str:
    """The path of a source; its placeholders are read by whoever lowers it."""
    if not value.startswith("/") or value.startswith("//"):
        raise refusal(f"{shown(value)} is no path", 'a path from the root: "/users/{id}"')
    if any(c.isspace() or not c.isprintable() or c in ";\\#" for c in value):
        wrong = f"{shown(value)} holds a space, ;, #, backslash or control character"
        raise refusal(wrong, 'a path from the root: "/users/{id}"')
    return value


def header_name(value: str) -> str:
    """The name of a header that settings may send."""
    if _HEADER_NAME.fullmatch(value) is None:
        raise refusal("the name is no header's name", "letters, digits, - and _")
    if value.lower() in _CONNECTION_HEADERS:
        raise refusal("this header belongs to the connection", "a header of the upstream's own")
    return value


def header_text(value: object) -> str:
    """The text of a header; never repeated in a message, it may be a secret."""
    if not isinstance(value, str):
        raise refusal("the value is no text", "a text in quotes")
    if _HEADER_TEXT.fullmatch(value) is None:
        raise refusal("the value has a character that no header takes", "printable ASCII")
    return value


def query_value(value: object) -> Any:
    """What a parameter of the query string can be by default: a scalar, or a list of them."""
    match value:
        case str() | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple() if not any(isinstance(v, list | tuple | dict) for v in value):
            return tuple(query_value(v) for v in value)
    raise refusal(f"{shown(value)} is no parameter", "a text, a number, true, false, or a list")


def trust(value: object) -> bool | str:
    """Whether certificates are checked, or the file of the authorities to trust."""
    if isinstance(value, bool) or (isinstance(value, str) and value):
        return value
    raise refusal(f"{shown(value)} is neither", "true, false, or the path of a CA file")


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Duration = Annotated[float, PlainValidator(seconds)]
Pause = Annotated[float, PlainValidator(pause)]
Size = Annotated[int, PlainValidator(octets)]
Count = Annotated[int, Field(ge=1)]
WebAddress = Annotated[str, PlainValidator(web_address)]
ProxyAddress = Annotated[str, PlainValidator(proxy_address)]
HostRule = Annotated[str, AfterValidator(host_rule)]
HostRules = Annotated[tuple[HostRule, ...], Strict(False)]
Method = Annotated[
    Literal["get", "post", "put", "patch", "delete", "head"], BeforeValidator(_lower)
]
Methods = Annotated[tuple[Method, ...], Strict(False)]
ListStyle = Literal["repeat", "csv", "brackets", "json"]
SourceName = Annotated[str, AfterValidator(source_name)]
UpstreamName = Annotated[str, AfterValidator(upstream_name)]
PushStyle = Literal["postgrest", "odata", "jsonapi", "google", "param"]
Ability = Literal["limit", "offset", "order", "filter", "fields"]
Renamed = Literal["limit", "offset", "order", "fields"]
Abilities = Annotated[tuple[Ability, ...], Strict(False)]
MemberName = Annotated[str, AfterValidator(member_name)]
MemberKind = Annotated[str, PlainValidator(member_kind)]
ParameterName = Annotated[str, AfterValidator(parameter_name)]
ParameterNames = Annotated[tuple[ParameterName, ...], Strict(False)]
PathTemplate = Annotated[str, AfterValidator(path_template)]
HeaderName = Annotated[str, AfterValidator(header_name)]
HeaderText = Annotated[str, PlainValidator(header_text)]
QueryValue = Annotated[Any, PlainValidator(query_value)]
Trust = Annotated[bool | str, PlainValidator(trust)]
