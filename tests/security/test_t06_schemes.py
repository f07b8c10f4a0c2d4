"""T6: a URL has a scheme that opens files, sockets or other protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.settings import SettingsError, load_settings
from tests.security.ground import Ground, ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

URLS = [
    "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1/",
    "ws://127.0.0.1:{P}/ok", "wss://127.0.0.1/", "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info", "ldap://127.0.0.1/", "jar:http://127.0.0.1!/",
    "data:text/plain,x", "javascript:alert(1)", "h2c://127.0.0.1:{P}/ok", "httpx://127.0.0.1:{P}/ok",
    "view-source:http://127.0.0.1/", "blob:http://127.0.0.1/", "redis://127.0.0.1:6379/",
]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def own() -> AsyncIterator[Ground]:
    """A server whose queries may call the upstream by URL."""
    async with ground(allow="127.0.0.1:*", SECURITY__ALLOW_PRIVATE_NETWORKS="true") as found:
        yield found


@pytest.mark.parametrize("url", URLS)
async def test_only_http_and_https_are_called(own: Ground, url: str) -> None:
    response = await own.ask(f"select * from {url} as x")
    assert response.status in (400, 403), response.body
    assert set(response.codes()) <= {"FORBIDDEN_UPSTREAM", "SYNTAX"}
    own.untouched()


async def test_case_does_not_matter(own: Ground) -> None:
    response = await own.ask("select * from HTTP://127.0.0.1:{P}/ok as x")
    assert response.json()["data"] == {"x": {"ok": True}}


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.test", "unix:///run/x.sock", "a.test"]
)
@pytest.mark.parametrize("key", ["URL", "HOSTS", "PROXY", "AUTH__TOKEN_URL"])
async def test_neither_are_others_in_the_settings(url: str, key: str) -> None:
    environ = {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1"}
    environ |= {f"APIQL_UPSTREAMS__DEFAULT__{key}": url}
    if key.startswith("AUTH"):
        environ |= {
            "APIQL_UPSTREAMS__DEFAULT__AUTH__KIND": "oauth2",
            "APIQL_UPSTREAMS__DEFAULT__AUTH__CLIENT_ID": "a",
            "APIQL_UPSTREAMS__DEFAULT__AUTH__CLIENT_SECRET": "b",
        }
    with pytest.raises(SettingsError):
        load_settings(None, environ)
