"""The section of a further certificate of the server. It knows no files."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from apiql.settings.files import FilePath
from apiql.settings.section import Section
from apiql.settings.values import refusal, shown

_NAME = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def _host_name(value: str) -> str:
    if _NAME.fullmatch(value.lower()) is None or ".." in value:
        raise refusal(f"{shown(value)} is no host name", '"api.example.com" or "*.example.com"')
    return value.lower()


HostNames = Annotated[tuple[Annotated[str, AfterValidator(_host_name)], ...], Strict(False)]


class Certificate(Section):
    """What is shown to clients that ask for one of these names (SNI)."""

    names: Annotated[HostNames, Field(min_length=1)]
    certificate: FilePath
    private_key: FilePath | None = None


Certificates = Annotated[tuple[Certificate, ...], Strict(False)]
