"""The section of folders of older definitions, and the variables that APIHUB was set by. Knows no
file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from apiql.settings.files import FilePath
from apiql.settings.section import Section

_ENABLED = re.compile(r"(?i)yes|true")
PATHS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "TGAH_API_DEF_PATH": ("legacy", "apis"),
        "TGAH_FLOW_DEF_PATH": ("legacy", "flows"),
        "TGAH_SCHEDULE_DEF_PATH": ("legacy", "schedules"),
        "TGAH_PRIVATE_DEF_PATH": ("legacy", "privates"),
        "TGAH_PLUGIN_DEF_PATH": ("plugins", "folder"),
    }
)
"""Variables that name folders."""
TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **PATHS,
        "TGAH_HOST": ("server", "host"),
        "TGAH_REMOTE_CONF_URL": ("remote", "url"),
        "TGAH_REMOTE_CONF_STORE_FOLDER": ("remote", "folder"),
        "TGAH_REMOTE_CONF_UNZIP_PWD": ("remote", "password"),
    }
)
PORT, BUCKETS = "TGAH_PORT", "TGAH_BUCKET_ENABLE"


class Legacy(Section):
    """Definitions of APIHUB that stand elsewhere than in the conf folder."""

    apis: FilePath | None = None
    flows: FilePath | None = None
    schedules: FilePath | None = None
    privates: FilePath | None = None
    buckets: bool = False
    """Whether the first part of a path below /api, /flow and /schedule names a bucket."""
    compat: Literal["usual", "strict"] = "usual"
    """strict: texts are escaped, JSON breaks and answers are kept as the original did it."""

    @property
    def folders(self) -> Mapping[str, Path]:
        """Those that are named, by what stands in them."""
        named = ((kind, getattr(self, kind)) for kind in ("apis", "flows", "schedules", "privates"))
        return {kind: Path(folder) for kind, folder in named if folder is not None}


def older_setting(name: str, text: str) -> tuple[tuple[str, str], Any] | None:
    """The keys of the setting that a variable of APIHUB sets, and the value; None where it sets
    none, as an empty one never did.
    """
    if not text:
        return None
    if name == PORT:
        digits = text.strip()
        is_number = digits.isascii() and digits.isdigit() and len(digits) < 10
        return ("server", "port"), int(digits) if is_number else text
    if name == BUCKETS:
        return ("legacy", "buckets"), _ENABLED.search(text) is not None
    keys = TEXTS.get(name)
    return None if keys is None else (keys, text)
