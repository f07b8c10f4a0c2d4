"""The commands of the second generation, and the arguments they cannot do without."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COMMANDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "httpApi": ("name",),
        "flowApi": ("name",),
        "scheduleApi": ("name",),
        "httpResponse": ("type", "key"),
        "createJson": ("key",),
        "createHtml": ("type", "content"),
        "checkStringsEqual": (),
        "checkStringsNotEqual": (),
        "storageStore": ("index", "content"),
        "storageLoad": ("index", "content"),
        "storageClear": ("index",),
        "setDefaultAccessRight": ("default",),
        "checkRight": ("name", "type"),
        "fillBaseInfo": (),
        "loadConf": (),
        "downloadConf": ("url",),
        "decompressZip": ("file",),
        "confValidator": ("schema",),
        "dump": (),
        "promStart": (),
        "promHttpCounterInc": (),
        "logOutput": (),
        "apiSleep": (),
        "welcome": (),
        "apiGateway": (),
    }
)
"""Each command with the arguments it needs."""

RENAMED: Mapping[str, str] = MappingProxyType({"pressureSleep": "apiSleep"})
"""Names of earlier versions: what is named so is not found, as it was."""

PROCESS = frozenset(
    "setDefaultAccessRight loadConf downloadConf decompressZip confValidator promStart"
    " apiGateway".split()
)
"""The commands that belong to the process: a request does nothing of them."""

SILENT = frozenset({"dump", "logOutput", "welcome"})
"""The commands that only tell something: nothing is missed where they do not."""

GATEWAY = ("pre", "httpApi", "postOK", "postNOK")
"""The arguments of apiGateway that name flows."""
