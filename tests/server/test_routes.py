"""Health, and the description of the interface, which is there only where it is switched on."""

from __future__ import annotations

import pytest

from tests.server.client import PROBLEM, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_health(site: Site, path: str) -> None:
    response = await site.send("GET", path)
    assert (response.status, response.json()) == (200, {"status": "ok"})


async def test_health_only_reads(site: Site) -> None:
    response = await site.send("POST", "/livez")
    assert (response.status, response.media) == (405, PROBLEM)
    assert response.json()["code"] == "METHOD_NOT_ALLOWED"
    assert "GET" in response.headers["allow"]


async def test_description_only_when_on(site: Site, dev: Site) -> None:
    off = await site.send("GET", "/openapi.json")
    assert (off.status, off.media, off.json()["code"]) == (404, PROBLEM, "NOT_FOUND")
    on = (await dev.send("GET", "/openapi.json")).json()
    assert set(on["paths"]) >= {"/apiql", "/livez", "/readyz"}
    assert set(on["paths"]["/apiql"]) == {"get", "post"}
    content = on["paths"]["/apiql"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "text/plain", "application/apiql"}
    responses = on["paths"]["/apiql"]["post"]["responses"]
    assert set(responses) >= {"200", "204", "294", "400", "422", "502", "504"}


async def test_description_names_every_status(dev: Site) -> None:
    on = (await dev.send("GET", "/openapi.json")).json()
    post, get = (on["paths"]["/apiql"][word]["responses"] for word in ("post", "get"))
    assert set(post) >= {"403", "408", "413", "415", "431"}
    assert set(get) >= {"403", "405"}


@pytest.mark.parametrize("target", ["/apiql/../apiql", "//apiql", "/apiql;x", "/%61piql%00"])
async def test_strange_paths_are_not_the_route(site: Site, target: str) -> None:
    response = await site.send("GET", target)
    assert response.status == 404
    assert "Traceback" not in response.body.decode()


@pytest.mark.parametrize(
    "request_line", [b"CONNECT 127.0.0.1:22 HTTP/1.1", b"GET http://10.0.0.1/x HTTP/1.1"]
)
async def test_no_open_proxy(site: Site, request_line: bytes) -> None:
    response = await site.raw(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert response.status in (400, 404, 405)
