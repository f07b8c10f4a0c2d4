"""What of the settings is never shown, wherever it stands. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, SecretStr

from apiql.settings.private_text import PrivateText
from apiql.settings.sections import Settings

_CREDENTIALS = frozenset({"authorization", "cookie", "x-api-key"})


def secret_texts(settings: Settings) -> frozenset[str]:
    """Private values, secrets of any section, and what the usual headers of credentials say."""
    found = set(settings.secrets.texts)
    found.update(_in(settings))
    return frozenset(text for text in found if text)


def _in(value: object, key: str = "") -> Iterator[str]:
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from _in(getattr(value, name), name)
        case Mapping():
            for name, inner in value.items():
                yield from _in(inner, str(name))
        case tuple() | list():
            for inner in value:
                yield from _in(inner, key)
        case SecretStr():
            yield value.get_secret_value()
        case PrivateText():
            yield str(value)
        case str() if key.lower() in _CREDENTIALS:
            yield value
            yield value.partition(" ")[2]
