"""Texts of the settings that nobody is to see: those that hold private values. Knows no file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b


class PrivateText(str):
    """A text that holds a private value or one of the environment. It is a text like any other to
    who sends it; its repr shows nothing.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is never shown: the private values of a configuration, and a key that only those have
    who have them too. Two of them are the same to who compares settings.
    """

    texts: tuple[str, ...] = field(default=(), repr=False, compare=False)
    key: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def of(cls, texts: Iterable[str], key: bytes) -> Secrets:
        """Each text once, the longest first."""
        return cls(tuple(sorted(set(texts), key=lambda text: (-len(text), text))), key)

    @property
    def of_keys(self) -> bytes:
        """What keys of stores that others share are made with: the same for all that have the same
        key of private values, or, without one, the same private values; empty where there are none.
        """
        if self.key:
            return blake2b(b"keys of stores", digest_size=32, key=self.key).digest()
        whole = blake2b(digest_size=32, person=b"keys of stores")
        for text in self.texts:
            found = text.encode("utf-8", "surrogatepass")
            whole.update(len(found).to_bytes(8, "big") + found)
        return whole.digest() if self.texts else b""


NO_SECRETS = Secrets()
