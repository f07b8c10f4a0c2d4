"""Functions over texts: letters, white space, pieces, digests and encodings.

Digests and encodings take the UTF-8 of a text, or a number or boolean as plain text.
"""

from __future__ import annotations

import base64 as base64_codec
import binascii
import hashlib
import hmac
from urllib.parse import quote

from apiql.errors import ValueRefused
from apiql.plugins import Function
from apiql.runtime.arguments import (
    MOST_CHARACTERS,
    MOST_ITEMS,
    bounded,
    items,
    refuse_above,
    scalar_text,
    text,
    total,
    utf8,
)
from apiql.runtime.json_values import Json

_URL_SAFE = str.maketrans("-_", "+/")


def _md5(value: Json) -> str:
    return hashlib.md5(utf8("md5", value), usedforsecurity=False).hexdigest()


def _sha256(value: Json) -> str:
    return hashlib.sha256(utf8("sha256", value)).hexdigest()


def _hmac_sha256(value: Json, key: Json) -> str:
    name = "hmac_sha256"
    return hmac.digest(utf8(name, key), utf8(name, value), "sha256").hex()


def _base64(value: Json) -> str:
    data = utf8("base64", value)
    refuse_above("base64", 4 * ((len(data) + 2) // 3), MOST_CHARACTERS, "characters")
    return base64_codec.b64encode(data).decode("ascii")


def _base64_decode(value: Json) -> str:
    written = text("base64_decode", value).translate(_URL_SAFE)
    padded = written if written.endswith("=") else written + "=" * (-len(written) % 4)
    try:
        decoded = base64_codec.b64decode(padded, validate=True).decode()
    except UnicodeDecodeError:
        raise ValueRefused("base64_decode(): what is encoded is not UTF-8 text") from None
    except (binascii.Error, ValueError):
        raise ValueRefused("base64_decode() wants Base64, got another text") from None
    return bounded("base64_decode", decoded)


def _url_encode(value: Json) -> str:
    data = utf8("url_encode", value)
    refuse_above("url_encode", len(data), MOST_CHARACTERS, "characters")
    return bounded("url_encode", quote(data, safe=""))


def _upper(value: Json) -> str:
    return bounded("upper", text("upper", value).upper())


def _lower(value: Json) -> str:
    return bounded("lower", text("lower", value).lower())


def _trim(value: Json) -> str:
    return text("trim", value).strip()


def _replace(value: Json, old: Json, new: Json) -> str:
    source, gone, put = (text("replace", given) for given in (value, old, new))
    if not gone:
        return source
    size = len(source) + source.count(gone) * (len(put) - len(gone))
    refuse_above("replace", size, MOST_CHARACTERS, "characters")
    return source.replace(gone, put)


def _concat(*values: Json) -> str:
    texts = [scalar_text("concat", value) for value in values if value is not None]
    refuse_above("concat", total(texts), MOST_CHARACTERS, "characters")
    return "".join(texts)


def _split(value: Json, separator: Json) -> list[Json]:
    source, between = text("split", value), text("split", separator)
    if not between:
        raise ValueRefused("split() wants a separator, got an empty text")
    refuse_above("split", source.count(between) + 1, MOST_ITEMS, "elements")
    return list(source.split(between))


def _join(value: Json, separator: Json) -> str:
    between = text("join", separator)
    texts = [scalar_text("join", item) for item in items("join", value) if item is not None]
    refuse_above("join", total(texts, between), MOST_CHARACTERS, "characters")
    return between.join(texts)


TEXT_FUNCTIONS: tuple[Function, ...] = (
    Function("md5", _md5, 1, 1, doc="The MD5 of a text, 32 hexadecimal digits."),
    Function("sha256", _sha256, 1, 1, doc="The SHA-256 of a text, 64 hexadecimal digits."),
    Function(
        "hmac_sha256",
        _hmac_sha256,
        2,
        2,
        doc="The HMAC-SHA-256 of a text under a key, 64 hexadecimal digits: (text, key).",
    ),
    Function("base64", _base64, 1, 1, doc="A text as Base64, padded."),
    Function(
        "base64_decode",
        _base64_decode,
        1,
        1,
        doc="The text in Base64 or its URL-safe form, padded or not.",
    ),
    Function("url_encode", _url_encode, 1, 1, doc="Everything but A-Z a-z 0-9 - . _ ~ as %XX."),
    Function("upper", _upper, 1, 1, doc="A text in capital letters."),
    Function("lower", _lower, 1, 1, doc="A text in small letters."),
    Function("trim", _trim, 1, 1, doc="A text without white space at its ends."),
    Function(
        "replace", _replace, 3, 3, doc="A text with each occurrence replaced: (text, old, new)."
    ),
    Function(
        "concat",
        _concat,
        1,
        None,
        null_passes=False,
        doc="Texts, numbers and booleans joined; null is the empty text.",
    ),
    Function("split", _split, 2, 2, doc="The pieces of a text between separators, as a list."),
    Function("join", _join, 2, 2, doc="The scalars of a list as one text; nulls left out."),
)
"""Every function defined here, with its arity and the line the docs show."""
