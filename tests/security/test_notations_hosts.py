"""T7 and T11 in the other notations: circles of servers, and what is for one host alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.security.notations import HERE, Field, field
from tests.security.test_notations_calls import FILES, INNER, failed

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Field]:
    """A server of all notations."""
    async with field(tmp_path_factory.mktemp("hosts"), FILES) as found:
        yield found


@pytest.mark.parametrize("path", ["/api/query1", "/httpapi/query2", "/template/query", "/echo"])
async def test_t07_a_request_knows_how_deep_it_is(ground: Field, path: str) -> None:
    method = "GET" if path == "/echo" else "POST"
    response = await ground.send(method, path, {"v": 1}, X_APIQL_Depth="4")
    assert response.status == 508
    ground.untouched()
    await ground.send(method, path, {"v": 1}, X_APIQL_Depth="2")
    assert [v for n, v in ground.sent.headers if n.lower() == "x-apiql-depth"] == ["3"]


@pytest.mark.parametrize("path", ["/api/key1", "/httpapi/key2"])
async def test_t11_private_values_go_only_where_their_definition_leads(
    ground: Field, path: str
) -> None:
    """The caller says where, the definition has a key: neither a host of another definition nor
    that of the default upstream is meant.
    """
    for url in (f"{INNER}/x", f"{HERE}/echo"):
        assert failed(await ground.post(path, {"url": url}))
        ground.untouched()
    await ground.post("/api/key3", {"v": "echo"})
    assert ("X-Key", "S3CRET-OF-K") in ground.sent.headers


async def test_t11_a_private_address_may_see_its_own_values(tmp_path: Any) -> None:
    base = [{"name": "key", "value": "S3CRET-OF-K"}, {"name": "base", "value": HERE}]
    files = {name: FILES[name] for name in ("apiql.toml", "apis/key1.json", "httpapis/key2.json")}
    async with field(tmp_path, files | {"privates/k.json": {"privates": base}}) as found:
        for path in ("/api/key1", "/httpapi/key2"):
            assert (await found.post(path, {"url": f"{HERE}/echo"})).status == 200
            assert ("X-Key", "S3CRET-OF-K") in found.sent.headers


async def test_t11_what_a_caller_sends_goes_on_as_it_is_said(ground: Field) -> None:
    """Gateways send header fields on; definitions and templates none."""
    shown = {"Authorization": "A", "Cookie": "c=1", "X_Api_Key": "K", "Proxy_Authorization": "P"}
    for path in ("/api/query1", "/httpapi/query2", "/template/query"):
        await ground.post(path, {"v": 1}, **shown)
        assert not {"A", "c=1", "K", "P"} & {text for _, text in ground.sent.headers}
    await ground.get("/echo", **shown)
    assert {"A", "c=1", "K", "P"} & {text for _, text in ground.sent.headers} == {"A", "c=1", "K"}
