"""A site that holds an archive, byte by byte, and encrypted archives to put there."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import io
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PASSWORD = "pass wörd"


@dataclass
class Archives:
    """What the site answers, and what it was asked: `head` is sent as it is, then `body`."""

    port: int = 0
    body: bytes = b""
    etag: str | None = '"1"'
    status: str = "200 OK"
    more: str = ""
    chunked: bool = False
    cut: int = 0
    """Bytes that are promised and not sent."""
    hangs: bool = False
    endless: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the archive is."""
        return f"http://127.0.0.1:{self.port}/conf.zip"

    def head(self, asked: str) -> bytes:
        """The answer's beginning; 304 to who has it already."""
        status, length = self.status, f"Content-Length: {len(self.body) + self.cut}\r\n"
        if self.etag is not None and f"if-none-match: {self.etag}" in asked.lower():
            return f"HTTP/1.1 304 Not Modified\r\nETag: {self.etag}\r\n\r\n".encode()
        if self.chunked or self.endless:
            length = "Transfer-Encoding: chunked\r\n"
        tag = f"ETag: {self.etag}\r\n" if self.etag else ""
        return f"HTTP/1.1 {status}\r\n{length}{tag}{self.more}\r\n".encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            asked = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(asked)
            if self.hangs:
                await reader.read()
            head = self.head(asked)
            writer.write(head)
            while self.endless:
                writer.write(b"4000\r\n" + b"P" * 0x4000 + b"\r\n")
                await writer.drain()
            if b" 304 " not in head:
                chunk = f"{len(self.body):x}\r\n".encode() + self.body + b"\r\n0\r\n\r\n"
                writer.write(chunk if self.chunked else self.body)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def archives(body: bytes) -> AsyncIterator[Archives]:
    """A site that holds this, over a real socket."""
    found = Archives(body=body)
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    async with server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


def plain(files: Mapping[str, str]) -> bytes:
    """A zip archive."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def aes(
    files: Mapping[str, str], password: str = PASSWORD, strength: int = 3, version: int = 2,
    says: int | None = None, changed: bool = False,
) -> bytes:  # fmt: skip
    """An archive whose members are encrypted as WinZip does it. `says` is how large a member
    claims to be, `changed` turns a bit of its bytes.
    """
    salt_size, key_size = {1: (8, 16), 2: (12, 24), 3: (16, 32)}[strength]
    members, directory = b"", b""
    for name, content in files.items():
        deflating = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = deflating.compress(content.encode()) + deflating.flush()
        salt = bytes(range(salt_size))
        made = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 1000, 2 * key_size + 2)
        cipher = _counted(packed, made[:key_size])
        mac = hmac.digest(made[key_size : 2 * key_size], cipher, "sha1")[:10]
        if changed:
            cipher = bytes([cipher[0] ^ 1]) + cipher[1:]
        data = salt + made[-2:] + cipher + mac
        extra = struct.pack("<2HH2sBH", 0x9901, 7, version, b"AE", strength, 8)
        crc = zlib.crc32(content.encode()) if version == 1 else 0
        size = len(content.encode()) if says is None else says
        rest = struct.pack("<5H3L", 51, 1, 99, 0, 33, crc, len(data), size)
        sizes = struct.pack("<2H", len(name), len(extra))
        offset = len(members)
        members += b"PK\3\4" + rest + sizes + name.encode() + extra + data
        directory += (
            b"PK\1\2" + struct.pack("<H", 51) + rest + sizes
            + struct.pack("<3H2L", 0, 0, 0, 0, offset) + name.encode() + extra
        )  # fmt: skip
    end = struct.pack("<4H2LH", 0, 0, len(files), len(files), len(directory), len(members), 0)
    return members + directory + b"PK\5\6" + end


def _counted(data: bytes, key: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    count = (len(data) + 15) // 16
    stream = encryptor.update(b"".join(n.to_bytes(16, "little") for n in range(1, count + 1)))
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))
