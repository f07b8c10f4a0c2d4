"""A server whose conf folder holds configurations of gateways, in front of the upstream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.server.conf import Folder

PATH = "/ok"


def backend(path: str = PATH, **more: Any) -> dict[str, Any]:
    """A backend of the upstream."""
    return {"hosts": ["$UP"], "path": path, "method": "GET", **more}


def endpoint(path: str = "/a", method: str = "GET", **more: Any) -> dict[str, Any]:
    """An endpoint with a backend."""
    backends = more.pop("backends", [backend()])
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"path": path, "method": method, "backends": backends, **named}


def write(
    folder: Folder, *endpoints: Mapping[str, Any], env: str = "dev", file: str = ".json",
    **root: Any,
) -> Path:  # fmt: skip
    """Writes a configuration, and the settings where there are none yet."""
    place = folder.path / "endpoints" / env
    place.mkdir(parents=True, exist_ok=True)
    (place / ".env").write_text(f"UP=http://127.0.0.1:{folder.port}\n")
    named = {name.replace("_", "-"): value for name, value in root.items()}
    text = json.dumps({"port": 8080, **named, "endpoints": endpoints}, indent=2)
    new = place / f"{file}.new"
    new.write_text(text)
    new.rename(place / file)
    if not (folder.path / "apiql.toml").exists():
        folder.settings()
    return place / file
