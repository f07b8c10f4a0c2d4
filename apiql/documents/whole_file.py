"""A file written as a whole: whoever reads it sees the old one or the new one, whatever happens
meanwhile. Knows nothing of what stands in it.
"""

from __future__ import annotations

import os
import stat
from glob import escape
from pathlib import Path


def put_in_place(file: Path, data: bytes, mode: int = 0o644) -> None:
    """Writes a file. One that is there keeps its permissions, and a link stays one; another gets
    `mode`.

    Raises:
        OSError: it cannot be written; then nothing has changed.
    """
    target = Path(os.path.realpath(file))
    if target.exists():
        mode = stat.S_IMODE(target.stat().st_mode)
    _tidy(target)
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fchmod(opened.fileno(), mode)
            os.fsync(opened.fileno())
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    _sync(target.parent)


def _tidy(target: Path) -> None:
    """Takes away what writers have left behind that were killed."""
    for left in target.parent.glob(f".{escape(target.name)}.*.new"):
        writer = left.name.rsplit(".", 2)[1]
        if writer.isdecimal() and not _is_running(int(writer)):
            left.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return process != os.getpid()


def _sync(folder: Path) -> None:
    """Has the new name of a file outlive a machine that goes down."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
