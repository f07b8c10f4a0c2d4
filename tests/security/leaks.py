"""Looks for secrets in what came out, in its own way; an upstream that tells all it was sent."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote, unquote_plus

from tests.server.upstream import Exchange, Fault

PLAIN = "S3CRET-5f0c8f0e-6f0b-4b8e-9a39-3f1d7f1f6b51"
ODD = 'S3 CRET/+"<&%41\\7d2c1f0a'
"""One that JSON, URLs and HTML all write otherwise."""
VALUES = (PLAIN, ODD)
PIECE = 12
"""Letters of a value that are a leak by themselves."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def leaks(data: bytes, values: Iterable[str] = VALUES) -> list[str]:
    """What of the values is in it, however it is written."""
    readings = [*_readings(data.decode("utf-8", "replace"), 3)]
    pieces = [value[at : at + PIECE] for value in values for at in range(len(value) - PIECE + 1)]
    return sorted({piece for piece in pieces for text in readings if piece in text})


def _readings(text: str, depth: int) -> Iterator[str]:
    yield text
    if depth == 0:
        return
    escaped = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    for other in (unquote_plus(text), escaped.replace('\\"', '"').replace("\\/", "/"),
                  escaped.replace("\\\\", "\\"), html.unescape(text)):  # fmt: skip
        if other != text:
            yield from _readings(other, depth - 1)
    for run in _BASE64.findall(text):
        for at in range(4):
            piece = run[at:].replace("-", "+").replace("_", "/")
            try:
                yield base64.b64decode(piece[: len(piece) // 4 * 4]).decode("latin-1")
            except binascii.Error:
                continue


WAYS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "object": lambda text: json.dumps({"you sent": {"all": [text]}, text[:60]: 1}),
    "percent": lambda text: quote(text, safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "html": html.escape,
    "escaped": lambda text: '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"',
    "long": lambda text: "x" * 4000 + text,
}
KINDS = ("500", "401", "200", "302", "head", "cut", "close", "late")


def telling() -> Mapping[str, Fault]:
    """An answer for each kind of failure and each way to write what was sent."""
    return {f"/tell/{kind}/{way}": _tells(kind, write) for kind in KINDS
            for way, write in WAYS.items()}  # fmt: skip


def _tells(kind: str, write: Callable[[str], str]) -> Fault:
    async def fault(exchange: Exchange) -> None:
        headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers)
        sent = f"{exchange.method} {unquote_plus(exchange.target)}\n{headers}\n"
        told = write(sent + exchange.body.decode("utf-8", "replace"))
        line = told.replace("\n", " ").replace("\r", " ")
        if kind == "head":
            await exchange.send(f"HTTP/1.1 200 {line}\0\r\n{line}\r\n\r\n".encode())
        elif kind == "cut":
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + told.encode())
        elif kind == "late":
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + told.encode())
            await exchange.gone()
        elif kind == "close":
            exchange.reset()
        elif kind == "302":
            location = f"Location: http://127.0.0.1:1/{line[:2000].encode('ascii', 'replace')!r}"
            await exchange.answer(302, told.encode(), location)
        elif kind == "200":
            broken = told.encode() + b"]"
            await exchange.answer(200, broken, "Content-Type: application/json")
        else:
            await exchange.answer(int(kind), told.encode(), "Content-Type: application/json")

    return fault
