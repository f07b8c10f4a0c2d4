"""An import from the file to the folder: what the command line calls, and what it prints."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from apiql.importers.conf_files import As, Plan, planned, write
from apiql.importers.documents import MOST_BYTES, text_of
from apiql.importers.formats import Format, read
from apiql.importers.imported import Choice, ImportRefused


def content_of(file: Path) -> bytes:
    """The bytes of a file, or of standard input for `-`; not much more than may be read.

    Raises:
        ImportRefused: it cannot be read.
    """
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise ImportRefused(f"{file}: {error.strerror}") from None


def plan(
    content: bytes, told: Format, choice: Choice, to: Path, as_: As, upstream: str | None,
    force: bool, environ: Mapping[str, str],
) -> Plan:  # fmt: skip
    """What an import would write.

    Raises:
        ImportRefused: the file cannot be taken, or something would be overwritten.
        SettingsError: the settings that are there are wrong themselves.
    """
    imported = read(text_of(content, choice.name), told, choice)
    return planned(imported, to, as_, upstream, force, environ)


def done(plan: Plan, dry_run: bool) -> str:
    """Writes it, if that is wanted; what was done, for people."""
    if dry_run:
        return plan.shown.rstrip()
    write(plan)
    where = "\n".join(map(str, plan.files))
    return f"{where}\n{plan.brings}" if len(plan.files) > 1 else f"{where}: {plan.brings}"


def told(plan: Plan) -> str:
    """What was not taken, or not as it stands."""
    if not plan.left_out:
        return ""
    listed = "".join(f"  {each}\n" for each in plan.left_out)
    return f"not taken as it stands ({len(plan.left_out)}):\n{listed}"


__all__ = ["As", "Choice", "Plan", "content_of", "done", "plan", "told"]
