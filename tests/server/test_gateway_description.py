"""Endpoints of gateways in the OpenAPI description: what their configuration tells of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.conf import Folder, running
from tests.server.gateways import backend, endpoint, write
from tests.server.test_gateway_loading import RIGHT
from tests.server.upstream import Upstream

loop = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    return Folder(tmp_path / "conf", up.port)


async def described(folder: Folder) -> dict[str, Any]:
    """The operations of endpoints, by method and path."""
    async with running(folder) as server:
        found = (await server.site.send("GET", "/openapi.json")).json()
    assert "GatewayError" in found["components"]["schemas"]
    return {
        f"{method.upper()} {path}": operation
        for path, operations in found["paths"].items()
        for method, operation in operations.items()
        if operation.get("tags") == ["endpoints"]
    }


@loop
async def test_an_operation_for_each_endpoint(folder: Folder) -> None:
    folder.settings(server="docs = true")
    omits: dict[str, Any] = {"extra-config": {"omit-request-body": True}}
    alone = backend(method="POST", **omits)
    lists: dict[str, Any] = {"forward-queries": ["q"], "forward-headers": ["X-A", "Accept"]}
    listed = backend(**lists)
    write(
        folder,
        endpoint("/users/:id/:x-y", **{"@comment": "A user.\n  By id."}),
        endpoint("/users/:who/:what", "PUT", backends=[backend(method="PUT")]),
        endpoint("/users/:who/:what", "POST", backends=[alone]),
        endpoint("/list", backends=[listed], response_encode="XML",
                 limiter={"rate": {"capacity": 1}}),
        endpoint("/apiql"),
        endpoint("/query/own"),
        security_cors={"allow-methods": ["GET"]},
    )  # fmt: skip
    told = await described(folder)
    path = "/users/{id}/{x-y}"
    assert told.keys() == {f"GET {path}", f"PUT {path}", f"POST {path}", "GET /list"}
    for method in ("GET", "PUT", "POST"):
        names = [(each["name"], each["in"]) for each in told[f"{method} {path}"]["parameters"]]
        assert names == [("id", "path"), ("x-y", "path")]
    user, listing = told[f"GET {path}"], told["GET /list"]
    assert (user["summary"], user["operationId"]) == ("A user. By id.", "endpoint.get_users_id_x_y")
    assert [key for key in told if "requestBody" in told[key]] == [f"PUT {path}"]
    names = [(each["name"], each["in"]) for each in listing["parameters"]]
    assert names == [("q", "query"), ("X-A", "header")]
    assert [*listing["responses"]] == ["default", "403", "413", "429", "431", "502", "504"]
    assert [*user["responses"]["default"]["content"]] == ["application/json", "text/plain"]
    assert [*listing["responses"]["default"]["content"]] == ["application/xml"]
    assert "429" not in user["responses"]


@loop
async def test_what_not_everybody_may_use_is_not_described(folder: Folder) -> None:
    folder.settings(server="docs = true")
    write(folder, endpoint("/open"), endpoint("/closed"))
    right = folder.path / "rights" / "endpoint" / "get_closed.json"
    right.parent.mkdir(parents=True)
    right.write_text(RIGHT)
    assert (await described(folder)).keys() == {"GET /open"}
