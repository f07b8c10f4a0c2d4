"""T11: what is for one host (credentials, cookies, headers of the caller) reaches another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from apiql.settings import Auth, Host, Security, Settings, Source
from apiql.settings import Upstream as UpstreamSettings
from tests.security.ground import Ground, over
from tests.security.recorder import Recorder
from tests.security.test_t05_redirects import to
from tests.server.upstream import Exchange, Upstream, answers, upstream
from tests.sources.token_endpoint import oauth

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRETS = {
    "basic": Auth.model_validate({"kind": "basic", "user": "ada", "password": "S3CRET"}),
    "bearer": Auth.model_validate({"kind": "bearer", "token": "S3CRET"}),
    "header": Auth.model_validate({"kind": "header", "name": "X-Key", "value": "S3CRET"}),
    "query": Auth.model_validate({"kind": "query", "name": "key", "value": "S3CRET"}),
}
SHOWN = {"basic": "YWRhOlMzQ1JFVA==", "bearer": "S3CRET", "header": "S3CRET", "query": "S3CRET",
         "oauth2": "T0KEN"}  # fmt: skip
GIVEN = b'{"access_token":"T0KEN","expires_in":3600}'


async def cookie(exchange: Exchange) -> None:
    """Sets a cookie and tells of none."""
    await exchange.answer(200, b"1", "Content-Type: application/json", "Set-Cookie: sid=S3CRET")


@dataclass
class Town:
    """A server with two upstreams of two hosts each, and all of them."""

    ground: Ground
    mine: tuple[Upstream, Upstream]
    other: tuple[Upstream, Upstream]
    login: Upstream

    async def ask(self, text: str, **headers: str) -> list[str]:
        """The codes of the answer; `{M}` is a port of the one's, `{O}` one of the other's."""
        text = text.replace("{M}", str(self.mine[0].port)).replace("{O}", str(self.other[0].port))
        return (await self.ground.site.ask(text, None, None, **headers)).codes()

    def heard(self, which: tuple[Upstream, ...]) -> str:
        """All that came there."""
        seen = [exchange for each in which for exchange in each.seen]
        return "\n".join(f"{e.target} {e.headers} {e.body!r}" for e in seen)


@asynccontextmanager
async def town(kind: str, **more: object) -> AsyncIterator[Town]:
    """Both behind one server; only the first has credentials."""
    other_port = [0]

    async def away(exchange: Exchange) -> None:
        await to(f"http://127.0.0.1:{other_port[0]}/ok", 307)(exchange)

    faults = {"/away": away, "/cookie": cookie}
    token = {"/token": answers(200, GIVEN, "Content-Type: application/json")}
    async with upstream(faults) as a, upstream(faults) as b, upstream() as c, upstream() as d:
        async with upstream(token) as login:
            other_port[0] = c.port
            auth = SECRETS.get(kind) or oauth(
                token_url=f"http://127.0.0.1:{login.port}/token", client_secret="S3CRET"
            )
            mine = UpstreamSettings(
                url="http://mine.test", hosts=hosts(a, b), auth=auth, redirects=3,
                sources={"mine": Source(path="/{p}")}, **more,  # type: ignore[arg-type]
            )  # fmt: skip
            other = UpstreamSettings(
                url="http://other.test",
                hosts=hosts(c, d),
                sources={"other": Source(path="/{p}")},
                hedge=more.get("hedge"),  # type: ignore[arg-type]
            )
            free = Security(allow_hosts=("mine.test", "127.0.0.1:*"), allow_private_networks=True)
            settings = Settings(upstreams={"mine": mine, "other": other}, security=free)
            recorder = Recorder(a.port, {b.port, c.port, d.port, login.port})
            async with over(settings, a, recorder) as ground:
                yield Town(ground, (a, b), (c, d), login)


def hosts(*found: Upstream) -> tuple[Host, ...]:
    return tuple(Host(url=f"http://127.0.0.1:{each.port}") for each in found)


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("hedge", [None, {"percentile": 50, "budget": 1, "least": "1ms"}])
async def test_credentials_of_one_upstream_never_reach_another(kind: str, hedge: object) -> None:
    async with town(kind, **({"hedge": hedge} if hedge else {})) as found:
        for number in range(6):
            where = f"where p = 'ok' and n = {number}"
            text = f"select * from mine {where}; select * from other {where}"
            assert await found.ask(text) == []
        assert await found.ask("select * from mine where p = 'away'") == ["UPSTREAM_STATUS"]
        assert await found.ask("select * from http://127.0.0.1:{M}/ok as x") == []
        assert await found.ask("select * from http://127.0.0.1:{O}/ok as x") == []
        mine, other = found.heard(found.mine), found.heard(found.other)
        assert all(SHOWN[kind] in found.heard((each,)) for each in found.mine)
        assert SHOWN[kind] not in other
        assert "S3CRET" not in other
        unnamed = [e for each in found.mine for e in each.seen if "127.0.0.1" in str(e.headers)]
        assert unnamed
        assert mine.count(SHOWN[kind]) == mine.count("\n") + 1 - 1  # all but that of the URL
        assert SHOWN[kind] not in found.heard((found.login,)) or kind == "oauth2"
        assert "T0KEN" not in found.heard((found.login,))


async def test_a_url_of_a_query_has_no_credentials_though_it_names_the_upstream() -> None:
    async with town("bearer") as found:
        codes = await found.ask("select * from http://mine.test/ok as x")
        assert codes == ["UPSTREAM_CONNECT"]  # the name leads nowhere: the hosts are not its own
        assert "S3CRET" not in found.heard((*found.mine, *found.other))


@pytest.mark.parametrize("kind", SHOWN)
async def test_nothing_that_is_answered_shows_a_credential(kind: str) -> None:
    async with town(kind) as found:
        text = "select * from mine where p = 'away'; select * from mine as b where p = 'nowhere'"
        for asked in (text, f"explain {text}"):
            response = await found.ground.site.ask(asked)
            assert SHOWN[kind] not in response.body.decode() + str(response.headers)
            assert "S3CRET" not in response.body.decode()


async def test_no_cookie_is_kept_and_none_is_passed_on() -> None:
    async with town("bearer") as found:
        for _ in range(3):
            codes = await found.ask(
                "select * from mine where p = 'cookie'; select * from other where p = 'ok'",
                Cookie="sid=CALLER", Authorization="Bearer CALLER", X_Api_Key="CALLER",
                Proxy_Authorization="Basic CALLER",
            )  # fmt: skip
            assert codes == []
        heard = found.heard((*found.mine, *found.other))
        assert "CALLER" not in heard
        assert "sid" not in heard


async def test_the_environment_gives_nothing_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Neither proxies nor credentials of a .netrc are minded unasked."""
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:  # noqa: ASYNC230
        file.write("default login ada password NETRC\n")
    monkeypatch.setenv("NETRC", netrc)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://169.254.169.254:3128")
    async with town("header") as found:
        text = "select * from mine where p = 'ok'; select * from other where p = 'ok'"
        assert await found.ask(text) == []
        heard = found.heard((*found.mine, *found.other))
        assert "uthorization" not in heard
        ports = {each.port for each in (*found.mine, *found.other)}
        assert {port for _, port in found.ground.recorder.connected} <= ports
