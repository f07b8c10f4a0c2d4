"""A server of all notations under attack: definitions of both generations, call templates, gateway
endpoints, beside texts; before an upstream, with the recorder in place of the network.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from apiql.demo.serving import serving
from apiql.events import Notice
from apiql.server.configuration import Place
from apiql.server.line_writer import Out
from apiql.server.worker import worker
from apiql.sources.stack import build_stack
from apiql.sources.transports import Network
from tests.security.recorder import Recorder
from tests.server.client import Response, Site
from tests.server.upstream import Exchange, Fault, Upstream, upstream

JSON = {"Content-Type": "application/json"}
Files = Mapping[str, Any]
"""Below the conf folder: what is no text is written as JSON; `{P}` is the upstream's port."""


@dataclass
class Field:
    """The server, its upstream, what it tried to reach, and what it keeps."""

    site: Site
    up: Upstream
    recorder: Recorder
    told: list[Notice] = dataclass_field(default_factory=list)
    lines: bytearray = dataclass_field(default_factory=bytearray)
    """Those of requests in the log."""
    admin: str | None = None

    def forget(self) -> None:
        """Notes anew."""
        self.up.forget()
        self.recorder.connected.clear()
        self.recorder.looked_up.clear()

    async def get(self, path: str, **headers: str) -> Response:
        """The answer to a GET; nothing is noted from before."""
        return await self.send("GET", path, b"", **headers)

    async def post(self, path: str, body: Any, **headers: str) -> Response:
        """The answer to a POST of JSON."""
        return await self.send("POST", path, body, **headers)

    async def send(self, method: str, path: str, body: Any, **headers: str) -> Response:
        """The answer to a request; `{P}` in its body is the upstream's port."""
        self.forget()
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.site.send(
            method, path, text.replace(b"{P}", str(self.up.port).encode()), sent
        )

    @property
    def sent(self) -> Exchange:
        """The one call that went out."""
        assert len(self.up.seen) == 1, [each.target for each in self.up.seen]
        return self.up.seen[0]

    def untouched(self) -> None:
        """Nothing was looked up, nobody was connected to."""
        assert not self.recorder.looked_up
        assert not self.recorder.connected
        assert not self.up.seen

    def nobody_else(self) -> None:
        """Nobody but the upstream was connected to."""
        assert set(self.recorder.connected) <= {("127.0.0.1", self.up.port)}


def written(folder: Path, files: Files, port: int) -> Path:
    """The conf folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_text(text.replace("{P}", str(port)), "utf-8")
    return folder


@asynccontextmanager
async def field(
    folder: Path, files: Files, faults: Mapping[str, Fault] | None = None, **more: str
) -> AsyncIterator[Field]:
    """A server as `apiql serve` puts it together, on a conf folder of these files, with settings
    (`SECTION__KEY=text`) in its environment; other names of the environment have no `__`.
    """
    async with upstream(faults) as up:
        conf = written(folder / "conf", files, up.port)
        given = {"UPSTREAMS__DEFAULT__URL": HERE, "UPSTREAMS__DEFAULT__BREAKER": "false"} | more
        environ = {f"APIQL_{name}" if "__" in name else name: text.replace("{P}", str(up.port))
                   for name, text in given.items()}  # fmt: skip
        recorder = Recorder(up.port)
        made = partial(build_stack, network=Network(recorder.lookup, recorder.connect))
        found = Field(Site(""), up, recorder)

        def write(data: bytes) -> int:
            found.lines.extend(data)
            return len(data)

        with (
            patch("apiql.opened.build_stack", made),
            patch("apiql.server.making.build_stack", made),
        ):
            app, _ = worker(Place(conf, environ), found.told.append, out=Out(write))
        found.admin = app.admin
        async with serving(app) as url:
            found.site = Site(url)
            yield found


# -- what stands in the folder --------------------------------------------------------------------

HERE = "http://127.0.0.1:{P}"


def v1_api(url: str = f"{HERE}/echo", **more: Any) -> dict[str, Any]:
    """An api of the first generation; `dynamic` is the template of its URL."""
    dynamic = more.pop("dynamic", None)
    placed = {"url": url} if dynamic is None else {
        "dynamicUrl": {"from": "template", "name": dynamic}
    }  # fmt: skip
    return {"id": "x", "method": "GET", **placed, **more}


def v2_api(url: str = f"{HERE}/echo", **more: Any) -> dict[str, Any]:
    """An httpapi of the second generation."""
    dynamic = more.pop("dynamic", None)
    placed = {"url": url} if dynamic is None else {
        "dynamicUrl": {"from": "template", "content": dynamic}
    }  # fmt: skip
    return {"id": "x", "method": "GET", "requestContentType": "none", **placed, **more}


def backend(path: str = "/echo", **more: Any) -> dict[str, Any]:
    """A backend of an endpoint."""
    return {"hosts": [HERE], "path": path, "method": "GET", **more}


def endpoint(path: str, *backends: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A gateway endpoint."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"path": path, "method": "GET", "backends": backends or [backend()], **named}


def gateway(*endpoints: Mapping[str, Any], **root: Any) -> dict[str, Any]:
    """The configuration of a gateway."""
    named = {name.replace("_", "-"): value for name, value in root.items()}
    return {"port": 8080, **named, "endpoints": endpoints}
