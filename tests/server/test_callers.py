"""Who asks, over real sockets: who is let in, who is not, and what either of them is told."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiql.access import key_set
from apiql.access.minting import key_hash, password_hash
from apiql.access.principal import Principal
from apiql.access.proof import NotProved
from apiql.demo.serving import serving
from apiql.errors import RequestRefused
from apiql.events import CallerRefused, ConfRefused, KeysMoved, Notice
from apiql.server.app import create_app
from apiql.server.callers import AUTHORIZATION, Callers, Fields, Scheme, schemes_of
from apiql.server.reload import Outcome
from apiql.server.visit import Visit
from apiql.settings import Access, ApiKey, Clients
from apiql.sources.call import Call, Reply
from tests.access.signing import ISSUER, SECRET, jwks, key_of, packed, public, token
from tests.server import client
from tests.server.client import PROBLEM, Response
from tests.server.conf import Folder, Running, running
from tests.server.conftest import settings_for
from tests.server.upstream import Exchange, Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY, OTHER, OVER = ("apiql_" + letter * 43 for letter in "abc")
PASSWORD = "correct horse battery"
HASH = password_hash(PASSWORD)
QUERY = {"query": "select name from /users/1 as user"}
OK = {"data": {"user": {"name": "Ada"}}}
SETTINGS = """
forward = ["authorization", "x-api-key"]
[access]
{access}
[access.keys.shop]
hashes = ["{shop}"]
[access.keys.old]
hashes = ["{over}"]
expires = "2020-01-01"
[access.users.ada]
hash = "{ada}"
[access.tokens.main]
issuer = "{issuer}"
audience = "shop"
algorithms = ["ES256", "RS256"]
keys_url = "http://127.0.0.1:{port}/keys"
"""


@dataclass
class Keys:
    """The endpoint of an issuer's keys, which a test changes."""

    body: bytes = jwks(public("P-256", "k1"))
    status: int = 200
    fields: tuple[str, ...] = ()
    hangs: bool = False

    async def __call__(self, exchange: Exchange) -> None:
        if self.hangs:
            await exchange.gone()
            raise ConnectionResetError
        await exchange.answer(self.status, self.body, *self.fields)


@dataclass
class Site:
    """A server, what stands behind it, and everything that it said."""

    server: Running
    up: Upstream
    keys: Keys
    heard: list[bytes]

    async def ask(self, *fields: str, query: dict[str, str] = QUERY) -> Response:
        """The answer to a query with these header lines."""
        body = json.dumps(query).encode()
        head = ["POST /apiql HTTP/1.1", "Host: test", "Content-Type: application/json",
                f"Content-Length: {len(body)}", "Connection: close", *fields]  # fmt: skip
        found = await self.server.site.raw("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self.heard.append(found.body + repr(found.headers).encode())
        return found

    async def refused(self, *fields: str) -> str:
        """Why a request was not let in: told to the operator, not to the client."""
        before = self.up.hits["/users/1"]
        told = len(self.server.told)
        found = await self.ask(*fields)
        assert found.status == 401, found.body
        assert (found.media, found.json()["code"]) == (PROBLEM, "UNAUTHENTICATED")
        assert found.json()["detail"] == "who asks is not known here"
        assert found.headers["cache-control"] == "no-store"
        assert found.headers["www-authenticate"] == (
            'Bearer realm="apiql", Basic realm="apiql", charset="UTF-8", '
            'ApiKey realm="apiql", header="x-api-key"'
        )
        assert self.up.hits["/users/1"] == before, "nothing was called"
        notices = [each for each in self.server.told[told:] if isinstance(each, CallerRefused)]
        (notice,) = notices
        assert notice.client == "127.0.0.1"
        return f"{notice.scheme}: {notice.why}"


def settings(up: Upstream, access: str = "", **more: str) -> str:
    given = {"shop": key_hash(KEY), "over": key_hash(OVER), "ada": HASH, "issuer": ISSUER}
    return SETTINGS.format(access=access, port=up.port, **(given | more))


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Site]:
    """A server that takes keys, passwords and tokens. No credential is found in what it says."""
    caplog.set_level(logging.DEBUG)
    keys = Keys()
    async with upstream({"/keys": keys}) as up:
        folder = Folder(tmp_path / "conf", up.port)
        folder.settings(settings(up))
        folder.query("select name from /users/1 as user")
        async with running(folder) as server:
            found = Site(server, up, keys, [])
            yield found
            said = [caplog.text, repr(server.told), *(each.decode() for each in found.heard)]
            for secret in (KEY, OTHER, OVER, PASSWORD, basic("ada", PASSWORD), SECRET):
                assert not any(secret in each for each in said), secret


def basic(name: str, password: str) -> str:
    return b64encode(f"{name}:{password}".encode()).decode()


def bearer(text: bytes) -> str:
    return f"Authorization: Bearer {text.decode('latin-1')}"


# -- who is let in ------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [
    f"X-Api-Key: {KEY}", f"x-aPI-key:{KEY}", f"Authorization: Basic {basic('ada', PASSWORD)}",
    f"authorization: basic  {basic('ada', PASSWORD)}",
], ids=["key", "key in odd letters", "password", "password in odd letters"])  # fmt: skip
async def test_who_is_let_in(site: Site, shown: str) -> None:
    found = await site.ask(shown)
    assert (found.status, found.json()) == (200, OK)
    assert "X-Api-Key" in found.headers["vary"]
    assert not [told for told in site.server.told if isinstance(told, CallerRefused)]


async def test_a_token_is_let_in_and_its_keys_are_fetched_once(site: Site) -> None:
    for _ in range(3):
        assert (await site.ask(bearer(token()))).status == 200
    assert (await site.ask(bearer(token(sub="bob")))).status == 200
    assert site.up.hits["/keys"] == 1
    (fetch,) = (each for each in site.up.seen if each.target == "/keys")
    names = {name.lower() for name, _ in fetch.headers}
    assert "authorization" not in names


async def test_stored_queries_ask_too(site: Site) -> None:
    right = await site.server.site.send("GET", "/query/q", headers={"X-Api-Key": KEY})
    assert right.json() == OK
    wrong = await site.server.site.send("GET", "/query/q")
    unknown = await site.server.site.send("GET", "/query/nowhere")
    assert wrong.status == unknown.status == 401, "what there is, is not told"
    for path in ("/livez", "/readyz"):
        assert (await site.server.site.send("GET", path)).status == 200


# -- who is not ---------------------------------------------------------------------------------

NOW = int(time.time())
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), ": it shows nothing"),
    "a wrong key": ((f"X-Api-Key: {OTHER}",), "key: no such key"),
    "an empty key": (("X-Api-Key:",), "key: no such key"),
    "a key that is over": ((f"X-Api-Key: {OVER}",), "key: the time of the key old is over"),
    "its hash": ((f"X-Api-Key: {key_hash(KEY)}",), "key: no such key"),
    "two keys": ((f"X-Api-Key: {KEY}", f"X-Api-Key: {OTHER}"), ": one header stands"),
    "a key twice": ((f"X-Api-Key: {KEY}", f"X-Api-Key: {KEY}"), ": one header stands"),
    "a key and a token": (
        (f"X-Api-Key: {KEY}", bearer(token())), ": it shows several credentials"),
    "a key and a wrong token": (
        (f"X-Api-Key: {KEY}", "Authorization: Bearer x"), ": it shows several credentials"),
    "two authorizations": ((bearer(token()), bearer(token())), ": one header stands"),
    "a password and a token": (
        (f"Authorization: Basic {basic('ada', PASSWORD)}", bearer(token())), ": one header stands"),
    "a key as a token": ((bearer(KEY.encode()),), "jwt: this is no signed token"),
    "a bare token": ((f"Authorization: {token().decode()}",), ": it shows no known kind"),
    "another kind": (("Authorization: Digest a=b",), ": it shows no known kind"),
    "no kind": (("Authorization:",), ": it shows no known kind"),
    "a wrong password": (
        (f"Authorization: Basic {basic('ada', 'wrong')}",), "basic: no such user, or another"),
    "nobody": (
        (f"Authorization: Basic {basic('bob', PASSWORD)}",), "basic: no such user, or another"),
    "no token": (("Authorization: Bearer",), "jwt: this is no signed token"),
    "expired": ((bearer(token(exp=NOW - 900)),), "jwt: the time of the token is over"),
    "future": ((bearer(token(nbf=NOW + 7000)),), "jwt: the time of the token has not begun"),
    "made later": ((bearer(token(iat=NOW + 7000)),), "jwt: the token was made in the future"),
    "unsigned": ((bearer(token().rpartition(b".")[0] + b"."),), "jwt: the token was not signed by"),
    "alg none": (
        (bearer(packed({"alg": "none"}) + b"." + token().split(b".")[1] + b"."),),
        "jwt: tokens of main are not signed with this algorithm"),
    "HS256": ((bearer(token("HS256")),), "jwt: tokens of main are not signed with this"),
    "another audience": ((bearer(token(aud="bank")),), "jwt: the token is for somebody else"),
    "another issuer": ((bearer(token(iss="https://evil.example")),), "jwt: the token is of an"),
    "too long": ((bearer(token(pad="x" * 9000)),), "jwt: the token is too long"),
    "an unknown key": ((bearer(token(head={"kid": "k9"})),), "jwt: no key of main is known"),
    "another's key": ((bearer(token(number=1)),), "jwt: the token was not signed by main"),
    "letters that no token has": ((bearer(b"\xe9.\xe9.\xe9"),), "jwt: this is no signed token"),
}  # fmt: skip


@pytest.mark.parametrize(("shown", "why"), REFUSED.values(), ids=REFUSED)
async def test_who_is_not_let_in(site: Site, shown: tuple[str, ...], why: str) -> None:
    assert (await site.refused(*shown)).startswith(why)
    assert not site.up.hits["/users/1"]


async def test_all_who_are_not_let_in_hear_the_same(site: Site) -> None:
    bodies = {(await site.ask(*shown)).body for shown, _ in REFUSED.values()}
    assert len(bodies) == 1


async def test_nothing_is_taken_from_the_url(site: Site) -> None:
    for name in ("key", "api_key", "x-api-key", "access_token", "token"):
        for value in (KEY, token().decode()):
            found = await site.server.site.send("GET", f"/query/q?{name}={value}")
            assert found.status == 401


async def test_nothing_is_read_before(site: Site) -> None:
    """Not even that the body is no query."""
    found = await site.server.site.send("POST", "/apiql", b"\xff" * 100)
    assert found.status == 401


# -- who need not say it --------------------------------------------------------------------------


async def test_who_need_not_say_it_must_not_lie(site: Site) -> None:
    site.server.folder.settings(settings(site.up, "required = false"))
    assert await site.server.reloader.reload() is Outcome.LOADED
    assert (await site.ask()).json() == OK
    assert (await site.ask(f"X-Api-Key: {KEY}")).json() == OK
    for shown, why in REFUSED.values():
        if shown:
            assert (await site.refused(*shown)).startswith(why)


async def test_with_keys_alone_authorization_is_the_querys_own(site: Site) -> None:
    more = f'[access.keys.shop]\nhashes = ["{key_hash(KEY)}"]'
    site.server.folder.settings(more)
    await site.server.reloader.reload()
    fields = (f"X-Api-Key: {KEY}", "Authorization: Bearer for-the-upstream")
    assert (await site.ask(*fields, query=ECHO)).json()["data"]["x"] == "Bearer for-the-upstream"
    twice = await site.ask(*fields, "Authorization: Bearer other", query=ECHO)
    assert twice.status == 401


# -- what queries see -----------------------------------------------------------------------------

ECHO = {"query": "select header('authorization') as x from /ok as ok; return ok"}


async def header(site: Site, name: str, *fields: str) -> Any:
    query = {"query": f"select header('{name}') as x from /ok as ok"}
    found = (await site.ask(*fields, query=query)).json()
    site.heard.pop()  # it may say what it was asked for
    return found["errors"][0]["code"] if "errors" in found else found["data"]["ok"]["x"]


async def test_what_has_proved_the_caller_is_taken_out(site: Site) -> None:
    right = f"Authorization: Basic {basic('ada', PASSWORD)}"
    assert await header(site, "authorization", right) == "MISSING_VARIABLE"
    assert await header(site, "x-api-key", f"X-Api-Key: {KEY}") == "MISSING_VARIABLE"
    assert await header(site, "x-other", right, "X-Other: stays") == "stays"
    sent = {"query": "select headers from /echo as e headers X-Token = header('x-api-key')?"}
    found = (await site.ask(f"X-Api-Key: {KEY}", "X-Other: stays", query=sent)).json()
    assert "x-token" not in found["data"]["e"]["headers"]


async def test_it_is_left_where_the_operator_says_so(site: Site) -> None:
    site.server.folder.settings(settings(site.up, "pass_on = true"))
    await site.server.reloader.reload()
    assert await header(site, "x-api-key", f"X-Api-Key: {KEY}") == KEY


# -- the keys of an issuer ------------------------------------------------------------------------

BROKEN: dict[str, Keys] = {
    "500": Keys(status=500), "302": Keys(status=302, fields=("Location: /ok",)),
    "404": Keys(status=404), "garbage": Keys(b"<html>"), "no keys": Keys(b'{"keys": []}'),
    "huge": Keys(b'{"keys": [' + b" " * (1 << 20)),
    "too small": Keys(jwks(public("RSA1024", "k1"))),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_without_keys_nobody_is_let_in(site: Site, broken: Keys) -> None:
    site.keys.body, site.keys.status = broken.body, broken.status
    site.keys.fields = broken.fields
    for _ in range(3):
        assert (await site.refused(bearer(token()))).startswith("jwt: no key of main is known")
    assert site.up.hits["/keys"] == 1, "it is not asked again at once"
    assert not site.up.hits["/ok"], "a redirect is not followed"
    moved = [told for told in site.server.told if isinstance(told, KeysMoved)]
    assert [(told.issuer, told.reachable) for told in moved] == [("main", False)]
    assert (await site.ask(f"X-Api-Key: {KEY}")).status == 200


async def test_a_hanging_issuer_holds_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "PATIENCE", 0.5)
    site.keys.hangs = True
    begun = time.monotonic()
    assert await site.refused(bearer(token()))
    assert time.monotonic() - begun < 60
    assert (await site.ask(f"X-Api-Key: {KEY}")).status == 200


async def test_unknown_keys_do_not_hammer_the_issuer(site: Site) -> None:
    assert (await site.ask(bearer(token()))).status == 200
    for number in range(20):
        assert await site.refused(bearer(token(head={"kid": f"guess{number}"})))
    assert site.up.hits["/keys"] <= 2


async def test_a_reload_keeps_the_keys_of_an_issuer_that_is_away(site: Site) -> None:
    assert (await site.ask(bearer(token()))).status == 200
    site.keys.status = 500
    site.server.folder.settings(settings(site.up, "pass_on = true"))
    assert await site.server.reloader.reload() is Outcome.LOADED
    assert (await site.ask(bearer(token(sub="bob")))).status == 200


# -- reload ---------------------------------------------------------------------------------------


async def test_a_reload_changes_keys(site: Site) -> None:
    assert (await site.ask(f"X-Api-Key: {KEY}")).status == 200
    site.server.folder.settings(settings(site.up, shop=key_hash(OTHER)))
    assert await site.server.reloader.reload() is Outcome.LOADED
    assert await site.refused(f"X-Api-Key: {KEY}")
    assert (await site.ask(f"X-Api-Key: {OTHER}")).status == 200
    site.server.folder.settings("")
    assert await site.server.reloader.reload() is Outcome.LOADED
    assert (await site.ask()).status == 200, "nobody is asked any more"


async def test_a_file_of_keys_is_watched(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    table = (
        f'[access.tokens.main]\nissuer = "{ISSUER}"\naudience = "shop"\nalgorithms = ["ES256"]\n'
    )
    table += f'keys_file = "{file}"'
    site.server.folder.settings(table)
    assert await site.server.reloader.reload() is Outcome.REFUSED
    (refused,) = (told for told in site.server.told if isinstance(told, ConfRefused))
    assert "access.tokens.main.keys_file" in refused.lines[0]
    assert "cannot be read: No such file" in refused.lines[0]
    assert (await site.ask(f"X-Api-Key: {KEY}")).status == 200, "the last good one stays"
    file.write_bytes(key_of("P-256").as_pem(private=False))
    await site.server.looked()
    assert (await site.ask(bearer(token()))).status == 200
    file.write_bytes(key_of("P-256", 1).as_pem(private=False))
    await site.server.looked()
    assert (await site.ask(bearer(token()))).status == 401
    assert (await site.ask(bearer(token(number=1)))).status == 200


# -- what it costs --------------------------------------------------------------------------------


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nothing is logged while it is measured."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("quiet")
async def test_the_guard_is_quick(site: Site) -> None:
    """Best of many; the bound is ten times what it takes."""
    *_, guard = site.server.current.held.guards
    text = token()
    for name, value in ((b"x-api-key", KEY.encode()), (b"authorization", b"Bearer " + text)):
        headers = [(b"host", b"a"), (b"accept", b"*/*"), (b"content-type", b"a/b"), (name, value)]
        best = 1.0
        for _ in range(2000):
            visit = Visit({"headers": headers}, None, dict(headers))  # type: ignore[arg-type]
            begun = time.perf_counter()
            waits = guard(visit)
            if waits is not None:
                await waits
            best = min(best, time.perf_counter() - begun)
            assert visit.principal.is_known
        assert waits is None  # what needs nobody's answer waits for nothing
        assert best < 100e-6


async def test_who_takes_no_tokens_needs_nothing_for_them() -> None:
    code = (
        "import sys; sys.modules |= {'joserfc': None, 'cryptography': None}\n"
        "from apiql.server.app import create_app; from apiql.settings import load_settings\n"
        f"keys = '{{shop = {{hashes = [\"{key_hash(KEY)}\"]}}}}'\n"
        "create_app(load_settings(None, {'APIQL_ACCESS__KEYS': keys}))\n"
    )
    root = Path(__file__).parents[2]
    ended = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=root, stderr=asyncio.subprocess.PIPE
    )
    _, err = await ended.communicate()
    assert ended.returncode == 0, err.decode()


async def test_another_scheme_stands_beside_the_others() -> None:
    async def prove(claim: bytes, visit: Visit) -> Principal:
        if claim != b"right":
            raise NotProved("it is wrong")
        return Principal(visit.scope["method"], "own")

    def claims(found: Fields) -> bytes | None:
        word, _, rest = found.get(AUTHORIZATION, b"").partition(b" ")
        return rest if word == b"Own" else None

    own = Scheme("own", frozenset({AUTHORIZATION}), "Own", claims, prove)
    access = Access(keys={"shop": ApiKey(hashes=(key_hash(KEY),))})
    told: list[Notice] = []
    schemes = (own, *schemes_of(access, none, time.time, {}, told.append))
    guard = Callers(schemes, True, False, Clients(), told.append).guard()

    async def asked(*headers: tuple[bytes, bytes]) -> Visit:
        visit = Visit({"method": "POST", "headers": [*headers]}, None, dict(headers))  # type: ignore[arg-type]
        waits = guard(visit)
        if waits is not None:
            await waits
        return visit

    right, key = (AUTHORIZATION, b"Own right"), (b"x-api-key", KEY.encode())
    assert (await asked(right)).principal == Principal("POST", "own")
    visit = await asked(key, (b"accept", b"*/*"))
    assert visit.scope["headers"] == [(b"accept", b"*/*")]
    assert visit.fields == {b"accept": b"*/*"}
    for wrong in ((right, key), ((AUTHORIZATION, b"Own x"),), ((AUTHORIZATION, b"Other right"),)):
        with pytest.raises(RequestRefused) as refused:
            await asked(*wrong)
        assert refused.value.headers["WWW-Authenticate"].startswith("Own, ApiKey ")
    assert len(told) == 3


async def none(call: Call) -> Reply:
    raise AssertionError("nothing is to be called")


async def test_who_may_prove_it_is_told_so_where_a_right_is_missing(up: Upstream) -> None:
    keys = {"ACCESS__KEYS": f'{{shop = {{hashes = ["{key_hash(KEY)}"]}}}}'}
    more = {**keys, "ACCESS__REQUIRED": "false", "RIGHTS__DEFAULT": "known"}
    async with serving(create_app(settings_for(up, **more))) as url:
        answering = client.Site(url)
        nobody = await answering.ask("select * from /ok as a")
        somebody = await answering.ask("select * from /ok as a", X_Api_Key=KEY)
    assert (nobody.status, nobody.codes()) == (401, ["UNAUTHENTICATED"])
    assert nobody.headers["www-authenticate"].startswith("ApiKey")
    assert somebody.status == 200
