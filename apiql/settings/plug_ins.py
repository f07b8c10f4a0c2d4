"""The section of plug-ins: code is loaded because it is named here. Loads none."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, Strict

from apiql.settings.files import FilePath
from apiql.settings.section import Section
from apiql.settings.values import refusal, shown

_FILE = re.compile(r"[A-Za-z_]\w{0,63}(?:/[A-Za-z_]\w{0,63}){0,3}", re.ASCII)
_ENTRY = re.compile(r"[\w.-]{1,128}", re.ASCII)


def plug_in_file(value: object) -> str:
    """The name of a file without its ending."""
    if isinstance(value, str) and _FILE.fullmatch(value):
        return value
    expected = 'the name of a file of the folder without ".py": letters, digits, _ and /'
    raise refusal(f"{shown(value)} names no plug-in", expected)


def entry_point(value: object) -> str:
    """The name of an entry point."""
    if isinstance(value, str) and _ENTRY.fullmatch(value):
        return value
    raise refusal(f"{shown(value)} names no plug-in", "an entry point of the group apiql.plugins")


class PlugIns(Section):
    """Which plug-ins are loaded."""

    files: Annotated[tuple[Annotated[str, PlainValidator(plug_in_file)], ...], Strict(False)] = ()
    """Of the folder, without `.py`."""
    entry_points: Annotated[
        tuple[Annotated[str, PlainValidator(entry_point)], ...], Strict(False)
    ] = ()
    """Of installed packages, by their names in the group `apiql.plugins`."""
    folder: FilePath | None = None
    """Unset: `plugins` of the conf folder."""
