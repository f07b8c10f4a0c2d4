"""Takes secrets out of what is told: texts that quote what an upstream has said or was asked.

A secret is found as it is, and with any of its characters written as JSON, a URL or HTML writes
them, and within base64 at any offset. Most texts hold none: these cost a search or two for each.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

LEAST = 6
"""Letters of a secret that is looked for: shorter ones stand in any text by chance."""
HIDDEN = "***"
_ESCAPED = re.compile(r"\\(u([0-9a-fA-F]{4})|.)", re.DOTALL)
_NUMBERED = re.compile(r"&#(?:([0-9]{1,9})|[xX]([0-9a-fA-F]{1,8}));")
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_CUT = 3000
"""Texts longer than this may have been cut within a secret."""


class Redaction:
    """Hides these secrets; `Redaction(())` is false, and hides none."""

    __slots__ = ("_cores", "_needles", "_patterns", "_secrets")

    def __init__(self, secrets: Iterable[str]) -> None:
        long = {text for text in secrets if len(text) >= LEAST}
        chosen = sorted(long, key=lambda text: (-len(text), text))
        self._secrets = tuple(chosen)
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._cores = tuple((secret, tuple(_cores(secret))) for secret in chosen)
        self._needles = tuple(each for secret, cores in self._cores for each in (secret, *cores))

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def __repr__(self) -> str:
        return f"<redaction of {len(self._secrets)}>"

    def __call__(self, text: str) -> str:
        """The text with each secret as `***`."""
        variants = _variants(text)
        whole = "\n".join(variants) if len(variants) > 1 else text
        for needle in self._needles:
            if needle in whole:
                return self._hidden(text, variants)
        return self._without_cut_end(text) if len(text) > _CUT else text

    def _hidden(self, text: str, variants: list[str]) -> str:
        for secret, cores in self._cores:
            if any(secret in variant for variant in variants):
                text = self._pattern(secret).sub(HIDDEN, text)
            for core in cores:
                if core in text:
                    text = re.sub(f"[A-Za-z0-9+/_-]*{re.escape(core)}[A-Za-z0-9+/_=-]*",
                                  HIDDEN, text)  # fmt: skip
        return self._without_cut_end(text) if len(text) > _CUT else text

    def data(self, value: Any) -> Any:
        """The same of all texts in JSON data, names of members included."""
        if not self:
            return value
        match value:
            case str():
                return self(value)
            case dict():
                return {self.data(key): self.data(inner) for key, inner in value.items()}
            case list() | tuple():
                return [self.data(inner) for inner in value]
        return value

    def _pattern(self, secret: str) -> re.Pattern[str]:
        """Made when a text first holds the secret, for the next ones."""
        found = self._patterns.get(secret)
        if found is None:
            found = self._patterns[secret] = _pattern(secret)
        return found

    def _without_cut_end(self, text: str) -> str:
        for secret in self._secrets:
            for length in range(len(secret) - 1, LEAST - 1, -1):
                if text.endswith(secret[:length]):
                    return text[:-length] + HIDDEN
        return text


def _variants(text: str) -> list[str]:
    """What a text may mean to who reads it."""
    found = [text]
    if "%" in text or "+" in text:
        found += [unquote(text), unquote(text.replace("+", " "))]
    if "\\" in text:
        found += [_unescaped(variant) for variant in found]
    if "&" in text:
        found += [html.unescape(_NUMBERED.sub(_character, variant)) for variant in found]
    return found


def _character(named: re.Match[str]) -> str:
    code = int(named[2], 16) if named[2] else int(named[1])
    return chr(code) if code <= 0x10FFFF else named[0]


def _unescaped(text: str) -> str:
    whole = _ESCAPED.sub(_meant, text)
    with contextlib.suppress(UnicodeDecodeError):
        whole = whole.encode("utf-16", "surrogatepass").decode("utf-16")
    return whole


def _meant(escape: re.Match[str]) -> str:
    return chr(int(escape[2], 16)) if escape[2] else _SHORT.get(escape[1], escape[1])


def _pattern(secret: str) -> re.Pattern[str]:
    return re.compile("".join(f"(?:{'|'.join(_forms(c))})" for c in secret))


def _forms(character: str) -> Iterator[str]:
    """A character as it may be written, each a regular expression; the longer ones first."""
    units = character.encode("utf-16-be", "surrogatepass")
    yield "".join(rf"\\u(?i:{units[i : i + 2].hex()})" for i in range(0, len(units), 2))
    yield "".join(f"%(?i:{byte:02x})" for byte in character.encode("utf-8", "surrogatepass"))
    if character == " ":
        yield r"\+"
    short = json.dumps(character, ensure_ascii=False)[1:-1]
    if short != character:
        yield re.escape(short)
    yield re.escape(f"\\{character}")
    named = html.escape(character)
    if named != character:
        yield re.escape(named)
    yield f"&#0*{ord(character)};"
    yield f"&#[xX]0*(?i:{ord(character):x});"
    yield re.escape(character)


def _cores(secret: str) -> Iterator[str]:
    """What base64 has of the secret wherever it begins: without the letters that its neighbours
    have part in.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        first = (0, 2, 3)[offset]
        last = len(whole) - (1 if (offset + len(raw)) % 3 else 0)
        core = whole[first:last]
        if len(core) >= LEAST:
            yield core
            if "+" in core or "/" in core:
                yield core.replace("+", "-").replace("/", "_")
