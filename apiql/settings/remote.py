"""The section of the archive of definitions that is fetched from elsewhere. Knows no client and no
archive.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, PlainValidator, SecretStr

from apiql.settings.files import FilePath
from apiql.settings.section import Section
from apiql.settings.values import Duration, Size, Trust, proxy_address, refusal

_EXPECTED = '"https://host/conf.zip"; a user, a password and a query may be in it'
_SUM = re.compile(r"[0-9a-f]{64}")


def archive_address(value: object) -> str:
    """Where an archive is; it may name a password, so no message repeats it."""
    if not isinstance(value, str):
        raise refusal("the address is no text", _EXPECTED)
    rest, _, query = value.partition("?")
    if "#" in value:
        raise refusal("the URL has a fragment", _EXPECTED)
    if not query.isprintable() or " " in query or "\\" in query:
        raise refusal("a space, a backslash or a control character in the URL", _EXPECTED)
    proxy_address(rest)
    return value


def archive_sum(value: object) -> str:
    """A SHA-256 in hex."""
    if isinstance(value, str) and _SUM.fullmatch(value):
        return value
    raise refusal("this is no checksum", "64 digits from 0 to f: `sha256sum conf.zip`")


class Remote(Section):
    """A zip archive of definitions that is fetched at the start and when a reload is asked for."""

    url: Annotated[str, PlainValidator(archive_address)] | None = Field(default=None, repr=False)
    """Unset: nothing is fetched."""
    folder: FilePath | None = None
    """Where its folder `remote` stands; unset: in the conf folder."""
    password: SecretStr | None = None
    """Of an archive that is encrypted (ZipCrypto, or AES of WinZip)."""
    sha256: Annotated[str, PlainValidator(archive_sum)] | None = None
    """What the archive must be; unset: whatever is there."""
    every: Duration | None = None
    """How often it is looked at by itself; unset: never."""
    timeout: Duration = 30.0
    """The most that fetching may take."""
    archive_bytes: Size = 16 * 1024 * 1024
    """The most that it may be."""
    verify: Trust = True
    """Whether the certificate of the server is checked, or the file of its authorities."""
