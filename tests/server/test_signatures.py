"""Signed requests: what is signed, for how long it counts, and that it counts once."""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from apiql.access.signed import Claim, Keys, Message, canonical_text, claim_in, signature_of
from apiql.server.admin import masked
from apiql.server.signatures import SHORT, key_of
from apiql.settings import SettingsError, Signing, SigningApp, load_settings
from apiql.stores.memory import MemoryStores
from apiql.stores.once import MemoryOnce
from tests.doc_blocks import blocks_of
from tests.server.client import Response, request_bytes
from tests.server.guarded import NOW, Guarded, guarded, settings_of
from tests.stores.redis_server import RedisServer
from tests.stores.redis_stores import fresh_prefix, on, until_away

SECRET = "0123456789abcdef-shop"
SHOP = {"SIGNING__APPS__SHOP__SECRET": SECRET}
BODY = json.dumps({"query": "select * from /ok as r"}).encode()
NONCES = count()
PAGE = Path(__file__).parents[2] / "docs" / "signing.md"


@dataclass(frozen=True)
class Request:
    """A request as an app makes it."""

    method: str = "POST"
    path: str = "/apiql"
    query: str = ""
    body: bytes = BODY
    app: str = "shop"
    secret: str = SECRET
    timestamp: int = int(NOW)
    nonce: str = field(default_factory=lambda: f"nonce-{next(NONCES):012}")

    def claim(self) -> dict[str, str]:
        """The parameters of its header."""
        where = self.path.encode(), self.query.encode()
        message = Message(self.method.encode(), *where, self.body)
        claim = Claim(self.app.encode(), self.timestamp, self.nonce.encode(), b"")
        signed = signature_of(self.secret.encode(), claim, message).decode()
        return {"app": self.app, "timestamp": str(self.timestamp), "nonce": self.nonce,
                "signature": signed}  # fmt: skip

    def sent(self, *, authorization: str | None = None, **changed: Any) -> bytes:
        """Its bytes, where something may be changed on the way."""
        given = {"path": self.path, "query": self.query, "body": self.body, "method": self.method}
        found = given | changed
        target = found["path"] + (f"?{found['query']}" if found["query"] else "")
        headers = {"Content-Type": "application/json",
                   "Authorization": authorization or header(self.claim())}  # fmt: skip
        return request_bytes(found["method"], target, found["body"], headers)


def header(claim: Mapping[str, str]) -> str:
    return "APIQL-HMAC-SHA256 " + ", ".join(f"{name}={value}" for name, value in claim.items())


def refused(answer: Response, code: str = "UNAUTHENTICATED") -> bool:
    """Whether it was, as every refusal of this guard looks."""
    assert answer.media == "application/problem+json"
    assert answer.headers["www-authenticate"] == "APIQL-HMAC-SHA256"
    return (answer.status, answer.codes()) == (401, [code])


async def sent(found: Guarded, request: Request | None = None, **changed: Any) -> Response:
    return await found.site.raw((request or Request()).sent(**changed))


# -- what is signed -----------------------------------------------------------------------------


def test_the_text_that_is_signed() -> None:
    claim = Claim(b"shop", 1763000000, b"0123456789abcdef", b"")
    message = Message(b"POST", b"/query/a%20b", b"x=%2F&y", b"{}")
    assert canonical_text(claim, message) == (
        b"APIQL-HMAC-SHA256\nshop\n1763000000\n0123456789abcdef\nPOST\n/query/a%20b\nx=%2F&y\n"
        b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


async def test_a_signed_request_is_answered() -> None:
    async with guarded(**SHOP) as found:
        answer = await sent(found)
        assert (answer.status, answer.json()) == (200, {"data": {"r": {"ok": True}}})
        get = Request("GET", query="query=select%20*%20from%20/ok%20as%20r", body=b"")
        assert (await sent(found, get)).status == 200


@pytest.mark.parametrize("place", [0, 1, len(BODY) - 1])
async def test_a_body_that_comes_later_is_signed_and_read_all_the_same(place: int) -> None:
    async with guarded(**SHOP) as found:
        reader, writer = await found.site.connect()
        request = Request().sent()
        begun = len(request) - len(BODY) + place
        writer.write(request[:begun])
        await asyncio.sleep(0.05)
        assert not found.calls
        writer.write(request[begun:])
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200")
        assert len(found.calls) == 1
        writer.close()


async def test_a_body_that_is_too_large_is_refused_before_it_is_signed() -> None:
    async with guarded(**SHOP, LIMITS__BODY_BYTES=str(len(BODY))) as found:
        large = Request(body=BODY + b" ")
        assert (await sent(found, large)).status == 413
        assert (await sent(found, Request(nonce=large.nonce))).status == 200  # not used up


async def test_the_parameters_have_no_order() -> None:
    async with guarded(**SHOP) as found:
        for names in (("signature", "nonce", "app", "timestamp"), tuple(reversed(GOOD))):
            request = Request()
            made = request.claim()
            parts = ",".join(f' {name}="{made[name]}"' for name in names)
            answer = await sent(found, request, authorization=f"apiql-hmac-sha256{parts}")
            assert answer.status == 200


CHANGES: list[dict[str, Any]] = [
    {"body": BODY.replace(b"/ok", b"/no")},
    {"body": b""},
    {"path": "/query/x"},
    {"path": "/%61piql"},
    {"query": "params=1"},
    {"method": "GET"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_what_was_changed_on_the_way_is_refused(change: dict[str, Any]) -> None:
    async with guarded(**SHOP) as found:
        assert refused(await sent(found, Request(), **change))
        assert not found.calls


@pytest.mark.parametrize("name", ["app", "timestamp", "nonce", "signature"])
async def test_each_part_of_the_claim_is_signed(name: str) -> None:
    others = {"app": "spare", "timestamp": str(int(NOW) + 1), "nonce": "f" * 20,
              "signature": "0" * 64}  # fmt: skip
    async with guarded(**SHOP, SIGNING__APPS__SPARE__SECRET="f" * 20) as found:
        request = Request()
        claim = request.claim() | {name: others[name]}
        assert refused(await sent(found, request, authorization=header(claim)))
        assert (await sent(found, request)).status == 200


GOOD = Request(nonce="0123456789abcdef").claim()
BROKEN = [
    "APIQL-HMAC-SHA256", "APIQL-HMAC-SHA256 ", "APIQL-HMAC-SHA256 app=shop",
    *(header({k: v for k, v in GOOD.items() if k != name}) for name in GOOD),
    header(GOOD) + ", app=shop", header(GOOD) + ", extra=1", header(GOOD) + ",",
    header(GOOD | {"timestamp": "now"}), header(GOOD | {"timestamp": "-1"}),
    header(GOOD | {"timestamp": "0" + GOOD["timestamp"]}), header(GOOD | {"timestamp": "9" * 13}),
    header(GOOD | {"timestamp": GOOD["timestamp"] + ".5"}),
    header(GOOD | {"nonce": "short"}), header(GOOD | {"nonce": "n" * 129}),
    header(GOOD | {"nonce": "0123456789abcde f"}), header(GOOD | {"app": ""}),
    header(GOOD | {"signature": GOOD["signature"].upper()}),
    header(GOOD | {"signature": GOOD["signature"][:-1]}),
    header(GOOD | {"signature": "é" * 64}), header(GOOD) + " " * 2000 + ",",
    header(GOOD).replace(", ", "," + " " * 400),
]  # fmt: skip


@pytest.mark.parametrize("authorization", BROKEN, ids=range(len(BROKEN)))
async def test_a_broken_claim_is_refused(authorization: str) -> None:
    assert claim_in(authorization.partition(" ")[2].encode()) is None
    async with guarded(**SHOP) as found:
        assert refused(await sent(found, authorization=authorization))


# -- for how long, and once ---------------------------------------------------------------------


@pytest.mark.parametrize(("off", "status"), [(300, 200), (-300, 200), (301, 401), (-301, 401)])
async def test_a_time_stamp_counts_within_the_window(off: int, status: int) -> None:
    async with guarded(**SHOP) as found:
        answer = await sent(found, Request(timestamp=int(NOW) + off))
        assert answer.status == status
        assert status == 200 or refused(answer)


async def test_a_request_counts_once() -> None:
    async with guarded(**SHOP) as found:
        request = Request(timestamp=int(NOW) + 300)
        assert (await sent(found, request)).status == 200
        for _ in range(2):
            assert refused(await sent(found, request), "REPLAYED")
        found.now[0] += 600  # its time stamp is still good
        assert refused(await sent(found, request), "REPLAYED")
        assert len(found.calls) == 1


async def test_what_cannot_be_remembered_is_not_let_in() -> None:
    stores = MemoryStores(lambda: 0.0)
    stores.once = MemoryOnce(lambda: 0.0, most=1)
    async with guarded(stores=stores, **SHOP) as found:
        assert (await sent(found, Request())).status == 200
        full = await sent(found, Request())
        assert (full.status, full.codes()) == (503, ["OVERLOADED"])
        assert full.headers["retry-after"] == "1"
        assert len(found.calls) == 1


async def test_the_same_nonce_of_another_app_is_another() -> None:
    async with guarded(**SHOP, SIGNING__APPS__TILL__SECRET="f" * 20) as found:
        request = Request()
        other = Request(app="till", secret="f" * 20, nonce=request.nonce)
        assert [(await sent(found, each)).status for each in (request, other)] == [200, 200]


async def test_a_request_that_is_refused_uses_no_nonce_up() -> None:
    async with guarded(**SHOP) as found:
        request = Request()
        assert refused(await sent(found, request, body=b"{}"))
        assert (await sent(found, request)).status == 200


async def test_nonces_live_on_over_a_reload() -> None:
    async with guarded(**SHOP) as found:
        request = Request()
        assert (await sent(found, request)).status == 200
        found.current.swap(found.held(settings_of(**SHOP, SIGNING__WINDOW="10m")))
        assert refused(await sent(found, request), "REPLAYED")
        assert (await sent(found, Request(timestamp=int(NOW) - 600))).status == 200
        found.current.swap(found.held(settings_of(**{**SHOP, **TURNED})))
        assert refused(await sent(found))


TURNED = {"SIGNING__APPS__SHOP__SECRET": "another secret of 16"}


async def test_a_replay_on_another_worker_is_refused(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as one, on(shared_redis, prefix) as other:
        async with guarded(stores=one, **SHOP) as here, guarded(stores=other, **SHOP) as there:
            request = Request()
            assert (await sent(here, request)).status == 200
            assert refused(await sent(there, request), "REPLAYED")
            assert refused(await sent(here, request), "REPLAYED")


async def test_without_the_shared_store_each_process_remembers(own_redis: RedisServer) -> None:
    async with on(own_redis, within=0.1) as stores, guarded(stores=stores, **SHOP) as found:
        before, behind = Request(), Request()
        assert (await sent(found, before)).status == 200
        own_redis.kill()
        await until_away(stores)
        assert refused(await sent(found, before), "REPLAYED")
        assert (await sent(found, behind)).status == 200
        assert refused(await sent(found, behind), "REPLAYED")


# -- apps and others ----------------------------------------------------------------------------


async def test_a_secret_is_turned_without_a_gap() -> None:
    old, new = "the old secret of 16", "the new secret of 16"
    both = {"SIGNING__APPS__SHOP__SECRET": new, "SIGNING__APPS__SHOP__SECRETS": old}
    async with guarded(**both) as found:
        assert [(await sent(found, Request(secret=s))).status for s in (old, new)] == [200, 200]
        assert refused(await sent(found, Request(secret="a third secret of 16")))


async def test_nobody_knows_which_apps_there_are() -> None:
    async with guarded(**SHOP) as found:
        unknown = await sent(found, Request(app="ghost", secret="x" * 16))
        wrong = await sent(found, Request(secret="x" * 16))
        assert refused(unknown)
        assert refused(wrong)
        assert unknown.body == wrong.body


async def test_where_none_is_needed_others_pass() -> None:
    async with guarded(**SHOP, ACCESS__REQUIRED="false") as found:
        assert (await found.site.ask("select * from /ok")).status == 200
        assert refused(await found.site.ask("select * from /ok", Authorization="Bearer x"))


async def test_where_signatures_are_required_nobody_else_is_answered() -> None:
    async with guarded(**SHOP) as found:
        assert refused(await found.site.ask("select * from /ok"))
        assert refused(await found.site.ask("not read at all", Authorization="Bearer x"))
        assert (await sent(found)).status == 200
        assert len(found.calls) == 1


async def test_a_body_is_read_once_and_within_its_limits() -> None:
    async with guarded(**SHOP, LIMITS__BODY_BYTES="200") as found:
        large = Request(body=b" " * 201)
        assert (await sent(found, large)).codes() == ["BODY_TOO_LARGE"]
        request = Request().sent()
        head, _, body = request.partition(b"\r\n\r\n")
        chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (5, body[:5], len(body) - 5, body[5:])
        head = head.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
        assert (await found.site.raw(head + b"\r\n\r\n" + chunks)).status == 200


async def test_no_query_sees_a_signature() -> None:
    async with guarded(**SHOP) as found:
        query = json.dumps({"query": "select * from /ok as r where a = header('Authorization')"})
        answer = await sent(found, Request(body=query.encode()))
        assert answer.codes() == ["MISSING_VARIABLE"]
        assert (await sent(found)).headers["vary"] == "Authorization"


async def test_a_request_says_once_who_asks() -> None:
    async with guarded(**SHOP) as found:
        request = Request().sent()
        twice = request.replace(b"Authorization:", b"Authorization: Bearer x\r\nAuthorization:")
        assert refused(await found.site.raw(twice))
        assert (await found.site.raw(request)).status == 200


# -- time, settings -----------------------------------------------------------------------------


def test_an_unknown_app_takes_the_same_time() -> None:
    keys = Keys({"shop": [SECRET], "till": ["a" * 20, "b" * 100]}, b"n" * 64)
    message = Message(b"POST", b"/apiql", b"", BODY)
    apps = (b"shop", b"till", b"ghost")
    took: dict[bytes, list[float]] = {app: [] for app in apps}
    for _ in range(3000):
        for app in apps:
            claim = Claim(app, 1, b"0123456789abcdef", b"0" * 64)
            start = time.perf_counter()
            assert not keys.have_signed(claim, message)
            took[app].append(time.perf_counter() - start)
    middle = [statistics.median(times) for times in took.values()]
    assert max(middle) - min(middle) < 5e-6, middle


def test_the_key_of_nobody_signs_nothing() -> None:
    keys, message = Keys({"shop": [SECRET]}, b"n" * 64), Message(b"POST", b"/apiql", b"", BODY)
    for app, key in ((b"ghost", b"n" * 64), (b"shop", b"n" * 64), (b"ghost", SECRET.encode())):
        claim = Claim(app, 1, b"0123456789abcdef", b"")
        made = Claim(app, 1, claim.nonce, signature_of(key, claim, message))
        assert not keys.have_signed(made, message)
    assert not Keys({}, b"n" * 64).have_signed(made, message)


def test_long_names_and_nonces_are_told_apart_like_short_ones() -> None:
    """What stands before them is no part of the other: `ab` and `c` are not `a` and `bc`."""
    once, seen = MemoryOnce(lambda: NOW), 0
    for app in (b"a", b"ab", b"a" * 127, b"a" * 128):
        for nonce in (b"c" * 16, b"b" + b"c" * 16, b"c" * 127, b"c" * 128, b"c" * 127 + b"d"):
            key = key_of(Claim(app, 1, nonce, b""))
            assert len(key) <= SHORT
            assert once.at_once(key, 60)
            seen += 1
    assert len(once) == seen == 20


@pytest.mark.parametrize("length", [16, 63, 64, 65, 200])
def test_secrets_of_any_length_are_hmac_keys(length: int) -> None:
    claim, message = Claim(b"a", 1, b"0123456789abcdef", b""), Message(b"GET", b"/", b"", b"")
    signed = Claim(b"a", 1, claim.nonce, signature_of(b"s" * length, claim, message))
    assert Keys({"a": ["s" * length]}, b"n" * 64).have_signed(signed, message)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "fifteen letters"}, {"secret": 1}, {"secret": "a" * 20 + "\n"}, {},
        {"secret": "a" * 16, "secrets": ["short"]}, {"secret": "a" * 16, "scopes": ["a b"]},
        {"secret": "a" * 16, "bucket": "a b"}, {"secret": "a" * 16, "other": 1},
    ],
)  # fmt: skip
def test_wrong_apps_are_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SigningApp.model_validate(wrong)


@pytest.mark.parametrize("name", ["", "a b", "a,b", "-a", "a" * 65, "é"])
def test_wrong_names_of_apps_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Signing.model_validate({"apps": {name: {"secret": "a" * 16}}})


@pytest.mark.parametrize(
    ("line", "place", "wrong"),
    [
        ('secret = "s3cret"', "4:10: signing.apps.shop.secret", "the secret is too short"),
        ("secret = 1234", "4:10: signing.apps.shop.secret", "the secret is no printable text"),
        ('secret = ["s3cret"]', "4:10: signing.apps.shop.secret", "no printable text"),
        ("scopes = []", "3:15: signing.apps.shop.secret", "the setting is missing"),
    ],
)
def test_what_is_wrong_with_an_app_is_told_without_its_secret(
    tmp_path: Path, line: str, place: str, wrong: str
) -> None:
    (tmp_path / "apiql.toml").write_text(f"[signing]\n\n[signing.apps.shop]\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {})
    assert place in str(caught.value)
    assert wrong in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "1234" not in str(caught.value)


def test_other_secrets_are_not_told_either(tmp_path: Path) -> None:
    lines = f'[signing.apps.shop]\nsecret = "{SECRET}"\nsecrets = "s3cret"\n'
    (tmp_path / "apiql.toml").write_text(lines)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {})
    assert "3:11: signing.apps.shop.secrets: found a text" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_secrets_are_never_shown() -> None:
    settings = settings_of(**SHOP, SIGNING__APPS__SHOP__SECRETS="0123456789abcdef-old")
    shown = json.dumps(masked(settings)) + repr(settings) + str(settings)
    assert "0123456789abcdef" not in shown
    assert '"shop": {"secret": "***", "secrets": ["***"]' in json.dumps(masked(settings))


# -- what is told -------------------------------------------------------------------------------

DOCS = {kind: [b for b in blocks_of(PAGE) if b.kind == kind] for kind in ("python", "sh", "text")}
TOLD = {"SIGNING__APPS__SHOP__SECRET": "0123456789abcdef0123456789abcdef"}


def test_the_text_and_the_signature_that_are_told() -> None:
    text, signature = (block.body.rstrip("\n") for block in DOCS["text"])
    body = b"select name from users where id = 7"
    claim = Claim(b"shop", 1763000000, b"5f0c1a9e7b3d4826", b"")
    message = Message(b"POST", b"/apiql", b"", body)
    assert canonical_text(claim, message).decode() == text
    assert (
        signature_of(TOLD["SIGNING__APPS__SHOP__SECRET"].encode(), claim, message).decode()
        == signature
    )


async def test_the_example_in_python_signs() -> None:
    (block,) = DOCS["python"]
    names: dict[str, Any] = {}
    exec(block.body, names)
    target = "/apiql?params=%7B%7D"
    secret = TOLD["SIGNING__APPS__SHOP__SECRET"]
    async with guarded([time.time()], **TOLD) as found:
        authorization = names["authorization"]("shop", secret, "POST", target, BODY)
        headers = {"Content-Type": "application/json", "Authorization": authorization}
        assert (await found.site.send("POST", target, BODY, headers)).status == 200


async def test_the_example_in_a_shell_signs() -> None:
    (block,) = DOCS["sh"]
    if not all(map(shutil.which, ("sh", "curl", "openssl"))):
        pytest.skip("there is no curl or no openssl")
    async with guarded([time.time()], **TOLD) as found:
        script = block.body.replace("http://127.0.0.1:8000", found.site.url).replace("users", "/ok")
        shell = await asyncio.create_subprocess_exec(
            "sh", "-c", script, stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await shell.communicate()
    assert json.loads(answer) == {"data": {"ok": {}}}
