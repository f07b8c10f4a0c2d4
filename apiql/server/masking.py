"""Settings as they may be shown: without what may be a secret. Knows no section by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

HIDDEN = "***"
_SECRET = re.compile(r"headers|query|proxy|.*(?:password|secret|token)")
_USER = re.compile(r"(?<=//)[^/@\s]*@")


def masked(settings: BaseModel) -> dict[str, Any]:
    """The settings without secrets: what its field does not print (`repr=False`), what is of a
    secret type, headers, parameters and proxies, what is called a secret, and the user of any URL.
    Names stay, and how many there are.
    """
    return dict(_of_model(settings, settings.model_dump(mode="json")))


def _of_model(model: BaseModel, dumped: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, field in type(model).model_fields.items():
        hidden = field.repr is False or _SECRET.fullmatch(name) is not None
        value = getattr(model, name)
        yield name, _hidden(dumped[name]) if hidden else _masked(value, dumped[name], name)
    for name in model.model_extra or ():
        yield name, HIDDEN


def _masked(value: Any, dumped: Any, key: str) -> Any:
    """What is dumped of a value, without secrets."""
    if isinstance(value, SecretStr | SecretBytes):
        return HIDDEN
    if isinstance(value, BaseModel):
        return dict(_of_model(value, dumped))
    if isinstance(dumped, dict):
        values = value.values() if isinstance(value, Mapping) else dumped.values()
        pairs = zip(values, dumped.items(), strict=True)
        return {k: _named(inner, shown, k) for inner, (k, shown) in pairs}
    if isinstance(dumped, list):
        in_order = isinstance(value, list | tuple) and len(value) == len(dumped)
        inner = value if in_order else dumped
        return [_masked(each, shown, key) for each, shown in zip(inner, dumped, strict=True)]
    return _USER.sub(f"{HIDDEN}@", dumped) if isinstance(dumped, str) else dumped


def _named(value: Any, dumped: Any, key: str) -> Any:
    return _hidden(dumped) if _SECRET.fullmatch(key) else _masked(value, dumped, key)


def _hidden(dumped: Any) -> Any:
    """That there is something, and the names in it."""
    if isinstance(dumped, dict):
        return dict.fromkeys(dumped, HIDDEN)
    if isinstance(dumped, list):
        return [HIDDEN] * len(dumped)
    return None if dumped is None else HIDDEN
