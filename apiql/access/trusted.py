"""The issuers of the settings with their keys: fetched, read from a file, or a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from apiql.access.key_set import KeySet, Memory
from apiql.access.signatures import Keys, KeysRefused, key_of_secret, keys_in_file
from apiql.access.tokens import FixedKeys, KeySource, Trusted
from apiql.events import Told
from apiql.settings import Issuer
from apiql.sources.call import Layer

MOST_BYTES = 1024 * 1024
"""Of a file of keys."""


def trusted_in(
    tokens: Mapping[str, Issuer], layer: Layer, memory: Memory, clock: Callable[[], float],
    tell: Told | None = None,
) -> tuple[Trusted, ...]:  # fmt: skip
    """Every issuer; what was fetched from others is forgotten.

    Raises:
        KeysRefused: a file of keys cannot be used.
    """

    def source(name: str, issuer: Issuer) -> KeySource:
        if issuer.keys_url is not None:
            return KeySet(name, issuer.keys_url, issuer.algorithms, layer, memory, clock, tell)
        return FixedKeys(fixed_keys(name, issuer))

    urls = {issuer.keys_url for issuer in tokens.values()}
    for url in memory.keys() - urls:
        del memory[url]
    return tuple(Trusted(name, issuer, source(name, issuer)) for name, issuer in tokens.items())


def fixed_keys(name: str, issuer: Issuer) -> Keys:
    """The keys that are not fetched.

    Raises:
        KeysRefused: their file cannot be used.
    """
    if issuer.keys_file is None:
        return () if issuer.secret is None else key_of_secret(issuer.secret, issuer.algorithms)
    where = f"access.tokens.{name}.keys_file: {issuer.keys_file}"
    try:
        with Path(issuer.keys_file).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise KeysRefused(f"{where}: cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise KeysRefused(f"{where}: it is larger than {MOST_BYTES} bytes")
    try:
        return keys_in_file(content, issuer.algorithms)
    except KeysRefused as refused:
        raise KeysRefused(f"{where}: {refused}") from None
