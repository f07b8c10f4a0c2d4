"""The descriptions of the golden tests, and what an import of them would write."""

from __future__ import annotations

import re
from pathlib import Path

from apiql.importers import bring
from apiql.importers.conf_files import As

DATA = Path(__file__).resolve().parent / "data"
INPUTS = sorted(file for file in DATA.iterdir() if file.suffix != ".expected")
SECRET = "PLANTED-SECRET"
HOSTS = {"page.har": ("app.example",)}

_SAMPLE = re.compile(r"^#     (.*)$")


def plan_of(file: Path, to: Path, as_: As = "sources") -> bring.Plan:
    """What an import of a file would write."""
    choice = bring.Choice(file.name, hosts=HOSTS.get(file.name, ()))
    return bring.plan(file.read_bytes(), "auto", choice, to, as_, None, False, {})


def samples_of(toml: str) -> list[str]:
    """The queries in the comments of what was written."""
    found: list[list[str]] = [[]]
    for line in toml.splitlines():
        inside = _SAMPLE.match(line)
        if inside:
            found[-1].append(inside[1])
        elif found[-1]:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]
