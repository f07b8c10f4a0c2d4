"""Members of a zip archive that are encrypted with AES, as WinZip does it: their bytes before they
were encrypted, or a refusal. Knows nothing of names and of what members mean.

The format is that of WinZip's "AES Encryption Information", versions AE-1 and AE-2: behind a salt
and two bytes that tell most wrong passwords come the bytes themselves, AES in counter mode (a
little-endian counter from 1), and ten bytes of an HMAC-SHA1 over them. The keys are made of the
password by PBKDF2. ZipCrypto, the older way, is zipfile's own.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipInfo

AES = 99
"""What stands in place of the compression of such a member."""
_FIELD = 0x9901
_LOCAL = struct.Struct("<4s5H3L2H")
"""The head of a member."""
_KEYS = {1: (8, 16), 2: (12, 24), 3: (16, 32)}
"""By strength: the bytes of the salt and of a key."""
_ROUNDS, _CHECK, _MAC = 1000, 2, 10
_PIECE = 64 * 1024

Encrypt = Callable[[bytes], bytes]
"""Whole blocks, each by itself."""


class WrongPassword(Exception):
    """The password is not the one that a member was encrypted with, or its bytes were changed."""


class NoCipher(Exception):
    """There is nothing installed that can decrypt."""


def decrypted(data: bytes, member: ZipInfo, password: bytes, most: int) -> bytes:
    """The content of a member of an archive, unpacked, its checksums looked at.

    Raises:
        WrongPassword: see there.
        NoCipher: see there.
        BadZipFile: it is damaged, or unpacks to more than it says, or than `most`.
    """
    version, strength, method = _parameters(member)
    salt_size, key_size = _KEYS[strength]
    raw = _raw(data, member)
    start, end = salt_size + _CHECK, len(raw) - _MAC
    if end < start:
        raise BadZipFile
    made = hashlib.pbkdf2_hmac("sha1", password, raw[:salt_size], _ROUNDS, 2 * key_size + _CHECK)
    key, mac_key, check = made[:key_size], made[key_size : 2 * key_size], made[2 * key_size :]
    if not hmac.compare_digest(check, raw[salt_size:start]):
        raise WrongPassword
    if not hmac.compare_digest(hmac.digest(mac_key, raw[start:end], "sha1")[:_MAC], raw[end:]):
        raise WrongPassword
    packed = b"".join(_in_counter_mode(raw[start:end], _blocks(key)))
    content = _unpacked(packed, method, min(member.file_size, most))
    if len(content) != member.file_size or (version == 1 and zlib.crc32(content) != member.CRC):
        raise BadZipFile
    return content


def _parameters(member: ZipInfo) -> tuple[int, int, int]:
    """Version, strength and compression."""
    extra, at = member.extra, 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == _FIELD and size == 7 and at + 11 <= len(extra):
            version, vendor, strength, method = struct.unpack_from("<H2sBH", extra, at + 4)
            if vendor == b"AE" and version in (1, 2) and strength in _KEYS:
                return version, strength, method
            break
        at += 4 + size
    raise BadZipFile


def _raw(data: bytes, member: ZipInfo) -> bytes:
    """What is between the head of a member and the next one."""
    if member.header_offset + _LOCAL.size > len(data):
        raise BadZipFile
    signature, *_, name, extra = _LOCAL.unpack_from(data, member.header_offset)
    name_at = member.header_offset + _LOCAL.size
    written = data[name_at : name_at + name]
    start = name_at + name + extra
    encoding = "utf-8" if member.flag_bits & 0x800 else "cp437"
    if signature != b"PK\x03\x04" or written.decode(encoding) != member.orig_filename:
        raise BadZipFile
    if start + member.compress_size > len(data):
        raise BadZipFile
    return data[start : start + member.compress_size]


def _blocks(key: bytes) -> Encrypt:
    if find_spec("cryptography") is None:
        raise NoCipher
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # an extra

    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update


def _in_counter_mode(encrypted: bytes, encrypt: Encrypt) -> Iterator[bytes]:
    """The counter is little-endian, as that of no library."""
    for start in range(0, len(encrypted), _PIECE):
        piece = encrypted[start : start + _PIECE]
        first = start // 16 + 1
        counters = range(first, first + (len(piece) + 15) // 16)
        stream = encrypt(b"".join(count.to_bytes(16, "little") for count in counters))
        mixed = int.from_bytes(piece) ^ int.from_bytes(stream[: len(piece)])
        yield mixed.to_bytes(len(piece))


def _unpacked(packed: bytes, method: int, most: int) -> bytes:
    if method == ZIP_STORED:
        return packed
    if method != ZIP_DEFLATED:
        raise BadZipFile
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflating.decompress(packed, most + 1)
    if not inflating.eof or inflating.unused_data:
        raise BadZipFile
    return content
