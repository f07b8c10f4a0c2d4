"""The kind of a setting that names a file. Whether it can be used is found out where it is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator

from apiql.settings.values import refusal, shown


def file_path(value: object) -> str:
    """The path of a file."""
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise refusal(f"{shown(value)} is no path", "the path of a file")


FilePath = Annotated[str, PlainValidator(file_path)]
