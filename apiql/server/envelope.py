"""The JSON of a request: strict, bounded, exact.

Refused are NaN, half surrogate pairs, members that stand twice, nesting and digits over the
limits. Numbers keep their digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from apiql.errors import Code, RequestRefused
from apiql.settings import Limits

SHORT = 10**18
FEW = 32
"""Brackets of a body that cannot be deep."""
BRACKETS = (dict, list)
DECODER = msgspec.json.Decoder(float_hook=Decimal)
MEMBER = re.compile(rb'"\s*:')
BARE = re.compile(rb"\s*(?:select|set|use|explain|return)\s", re.IGNORECASE)
"""How a text of the language begins, and no JSON."""
ID = re.compile(r"sha256:[0-9a-f]{64}")
PARAMS = frozenset({"params", "param", "variables", "vars", "parameters", "args", "arguments",
                    "bindings"})  # fmt: skip
"""What parameters are called elsewhere, in small letters."""
TEXTS = ("text", "sql", "q", "apiql", "Query", "QUERY", "statement")
"""What the text of a query is called elsewhere."""


class Envelope(msgspec.Struct, frozen=True):
    """`{"query": text, "id": "sha256:…", "params": {}, "extensions": {}}`; other members are
    ignored, but not parameters under another name. An empty text stands for none: then there is an
    id.
    """

    query: str
    params: Mapping[str, Any] = {}
    extensions: Mapping[str, Any] = {}
    id: str | None = None


def decode_json(body: bytes, limits: Limits) -> Any:
    """A JSON value from outside.

    Raises:
        RequestRefused: BAD_REQUEST for what is no JSON, LIMIT_EXCEEDED for what is too deep or
            has too long a number.
    """
    try:
        body.isascii() or body.decode()
        value = DECODER.decode(body)
    except UnicodeDecodeError:
        raise RequestRefused(Code.BAD_REQUEST, "the body is not UTF-8") from None
    except RecursionError:
        raise _limit("nesting", limits.nesting) from None
    except InvalidOperation:
        raise RequestRefused(Code.BAD_REQUEST, "a number is out of range") from None
    except msgspec.ValidationError:
        raise _limit("number_digits", limits.number_digits) from None
    except msgspec.DecodeError as error:
        reason = str(error).removeprefix("JSON is malformed: ")
        reason += "; a text alone is sent as text/plain" if BARE.match(body) else ""
        raise RequestRefused(Code.BAD_REQUEST, f"the body is no JSON: {reason}") from None
    brackets = body.count(b"{") + body.count(b"[")
    flat = brackets <= FEW and brackets <= limits.nesting
    members = _members(value, limits) if flat else _measure(value, limits)
    if members != body.count(b":") and members != len(MEMBER.findall(body)):
        _refuse_twins(body)
    return value


def read_envelope(body: bytes, limits: Limits) -> Envelope:
    """The request in a JSON body.

    Raises:
        RequestRefused: as `decode_json`, and VALIDATION for members of the wrong type.
    """
    value = decode_json(body, limits)
    if not isinstance(value, dict):
        raise RequestRefused(Code.VALIDATION, 'expected an object: {"query": "select …"}')
    query, known_as = value.get("query"), value.get("id")
    if known_as is not None:
        known_as = id_in(known_as)
        query = "" if query is None else query
    if not isinstance(query, str):
        raise RequestRefused(Code.VALIDATION, _no_query(value))
    params = members_of(value, "params")
    if len(value) > (2 if params else 1):
        refuse_misplaced(value)
    return Envelope(query, params, members_of(value, "extensions"), known_as)


def id_in(value: Any) -> str:
    """The id of a text.

    Raises:
        RequestRefused: VALIDATION, it is none.
    """
    if not isinstance(value, str) or ID.fullmatch(value) is None:
        message = "`id` must be the text's hash: sha256: and 64 digits from 0 to f"
        raise RequestRefused(Code.VALIDATION, message)
    return value


def members_of(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in an envelope; null and nothing are an empty one."""
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RequestRefused(Code.VALIDATION, f"`{name}` must be an object")
    return found


def refuse_misplaced(value: Mapping[str, Any]) -> None:
    """Refuses parameters under another name: ignored, defaults would be answered in their place.

    Raises:
        RequestRefused: VALIDATION.
    """
    for name, found in value.items():
        if found and name != "params" and name.lower() in PARAMS:
            message = f"parameters stand in `params`, not in `{name}`"
            raise RequestRefused(Code.VALIDATION, message)


def _no_query(value: Mapping[str, Any]) -> str:
    meant = next((name for name in TEXTS if isinstance(value.get(name), str)), None)
    more = f"; it stands in `query`, not in `{meant}`" if meant else ""
    return f"`query` must be a text: the APIQL query{more}"


def _members(value: Any, limits: Limits) -> int:
    """The number of members in all objects of what cannot be deep; refuses what is too long."""
    found = 0
    if type(value) is dict:
        found, value = len(value), value.values()
    elif type(value) is not list:
        value = (value,)
    for item in value:
        kind = type(item)
        if kind in BRACKETS:
            found += _members(item, limits)
        elif (kind is int and not -SHORT < item < SHORT) or kind is Decimal:
            _check_digits(item, limits.number_digits)
    return found


def _measure(value: Any, limits: Limits) -> int:
    """As `_members`, of what may be deep; refuses that too."""
    members = 0
    level = [value]
    for depth in range(limits.nesting + 1):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                members += len(item)
                below += item.values()
            elif kind is list:
                below += item
            elif (kind is int and not -SHORT < item < SHORT) or kind is Decimal:
                _check_digits(item, limits.number_digits)
        if not below:
            if depth == limits.nesting and any(type(item) in BRACKETS for item in level):
                break
            return members
        level = below
    raise _limit("nesting", limits.nesting)


def _check_digits(number: int | Decimal, most: int) -> None:
    if type(number) is int:
        bits = number.bit_length()
        if bits > most * 3.33 + 1 or (bits > most * 3.32 and abs(number) >= 10**most):
            raise _limit("number_digits", most)
    elif isinstance(number, Decimal) and len(number.as_tuple().digits) > most:
        raise _limit("number_digits", most)


def _limit(name: str, allowed: int) -> RequestRefused:
    return RequestRefused(Code.LIMIT_EXCEEDED, f"the JSON goes over the limit {name} = {allowed}")


def _refuse_twins(body: bytes) -> None:
    """The slow, sure look for members that stand twice (a text may hold `\":` too)."""

    def unique(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                message = f"the member {json.dumps(name[:64])} stands twice in one object"
                raise RequestRefused(Code.BAD_REQUEST, message)
            seen.add(name)

    json.loads(body, object_pairs_hook=unique, parse_int=len, parse_float=len)
