"""The section of the listener for operators, and the kind of its keys. Knows no socket."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import Field, PlainValidator, Strict, model_validator

from apiql.settings.section import Section
from apiql.settings.values import refusal, shown

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_HOSTS = '"127.0.0.1" or "::1", or any other address with `keys` of those who may ask'
_MADE_BY = '"sha256:" and the hash of a random key: printf %s "$KEY" | sha256sum'


def key_hash(value: object) -> str:
    """The hash of a key; no message repeats it: what was meant may be the key itself."""
    if not isinstance(value, str) or _HASH.fullmatch(value) is None:
        raise refusal("this is no hash of a key", _MADE_BY)
    return value


def address(value: object) -> str:
    """An address of this machine."""
    try:
        if isinstance(value, str):
            return str(ip_address(value))
    except ValueError:
        pass
    raise refusal(f"{shown(value)} is no loopback address, nor any other", _HOSTS)


KeyHashes = Annotated[tuple[Annotated[str, PlainValidator(key_hash)], ...], Strict(False)]


class Admin(Section):
    """Where an operator looks and steps in: figures, purging, reloading. Off unless a port is
    named; without keys this machine's alone.
    """

    host: Annotated[str, PlainValidator(address)] = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)
    """Of the first worker, the next one of the second; 0 takes any free ones."""
    keys: KeyHashes = Field(default=(), repr=False)
    """Hashes of the keys of which each request must bring one."""

    @model_validator(mode="after")
    def _others_need_keys(self) -> Self:
        if not self.keys and not ip_address(self.host).is_loopback:
            wrong = f'"{self.host}" is no loopback address, and there are no keys'
            raise refusal(wrong, _HOSTS, "host")
        return self
