"""The names that definitions have by their files, and which ones are safe."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath

from apiql.frontends.definitions.kinds import Generation

MOST_LETTERS = 128
SUFFIX = ".json"
SAFE = f"letters and digits of any script, _ - and ., up to {MOST_LETTERS}"


def key_of(inside: PurePath, generation: Generation, buckets: bool = False) -> str:
    """The name of a definition by its path inside the folder of its kind.

    V1: the file's name up to `.json`, behind the name of the folder it stands in, if there is one;
    V2: the file's name, with `buckets` behind that of the outermost folder, unless this begins with
    an underscore. Composed letters, however the file system writes them.
    """
    name = unicodedata.normalize("NFC", inside.name)
    if generation is Generation.V2:
        name = name.removesuffix(SUFFIX)
        bucket = unicodedata.normalize("NFC", inside.parts[0]) if len(inside.parts) > 1 else "_"
        return f"{bucket}/{name}" if buckets and not bucket.startswith("_") else name
    name = name.partition(SUFFIX)[0]
    parent = unicodedata.normalize("NFC", inside.parent.name)
    return f"{parent}/{name}" if parent else name


def is_safe(key: str) -> bool:
    """Whether a key, or each part of it, can be a name."""
    return all(map(_is_name, key.split("/")))


def _is_name(part: str) -> bool:
    return 0 < len(part) <= MOST_LETTERS and bool(part.strip(".")) and all(map(_is_letter, part))


def _is_letter(letter: str) -> bool:
    return letter.isalnum() or letter in "_-." or unicodedata.category(letter).startswith("M")
