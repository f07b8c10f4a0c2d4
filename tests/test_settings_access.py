"""Settings of credentials and certificates: what is refused, and where; no secret is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apiql.certificates import CertificateRefused
from apiql.server.admin import masked
from apiql.server.configuration import Place, named_files, read_configuration, restart_needed
from apiql.settings import (
    Auth,
    Certificate,
    Server,
    Settings,
    SettingsError,
    Upstream,
    load_settings,
)
from apiql.sources.stack import build_stack
from apiql.stores.memory import MemoryStores

CERTS = Path(__file__).parent / "sources" / "certs"
TLS = '[server]\ncertificate = "a"\n'
OAUTH = 'kind = "oauth2", client_id = "a", client_secret = "S3CRET"'


def refused(tmp_path: Path, text: str) -> str:
    """The message for a file, without its folder."""
    (tmp_path / "apiql.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {})
    return str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ("kind = 'digest'", 'auth.kind: found a text\n    expected: one of "basic", "bearer"'),
        ("user = 'a'", "auth.kind: the setting is missing"),
        ("kind = 'basic', user = 'a'", "auth.password: password is missing"),
        (
            "kind = 'basic', user = 'a:b', password = 'S3CRET'",
            "auth.user: a user's name holds no colon",
        ),
        ("kind = 'bearer', token = ''", "auth.token: the value is no token"),
        ("kind = 'bearer', token = 'S3CRET a'", "auth.token: the value is no token"),
        ("kind = 'bearer', token = 'a', user = 'S3CRET'", 'auth.user: kind = "bearer" has no user'),
        (
            "kind = 'header', name = 'Host', value = 'S3CRET'",
            "this header belongs to the connection",
        ),
        ("kind = 'header', name = 'X Y', value = 'S3CRET'", "auth.name: "),
        ("kind = 'header', name = 'X', value = 'S3CRETä'", "a character that no header takes"),
        ("kind = 'query', name = 'k', value = ''", "auth.value: the value is empty"),
        (
            f"{OAUTH}, token_url = 'http://login.test/t'",
            "auth.token_url: the client's secret would",
        ),
        (f"{OAUTH}, token_url = 'https://u:S3CRET@login.test'", "the URL names a user or password"),
        (f"{OAUTH}", "auth.token_url: token_url is missing"),
        (
            f"{OAUTH}, token_url = 'https://a.test', extra = {{ scope = 'S3CRET' }}",
            "auth.extra: scope is",
        ),
        (f"{OAUTH}, token_url = 'https://a.test', early = 'soon'", "auth.early: "),
        (f"{OAUTH}, token_url = 'https://a.test', tokn = 'S3CRET'", "auth.tokn: there is no such"),
        ("kind = 'bearer', token = 7", "auth.token: "),
    ],
)
def test_credentials_that_cannot_be_used(tmp_path: Path, auth: str, told: str) -> None:
    text = f'[upstreams.shop]\nurl = "https://shop.test"\nauth = {{ {auth} }}\n'
    found = refused(tmp_path, text)
    assert told in found
    assert "S3CRET" not in found
    assert found.startswith("apiql.toml:3:")


def test_a_token_endpoint_on_this_machine_needs_no_tls(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:1/t", "http://[::1]/t", "http://localhost/t", "https://a.test/t"):
        text = f'[upstreams.a]\nurl = "https://a"\nauth = {{ {OAUTH}, token_url = "{url}" }}\n'
        (tmp_path / "apiql.toml").write_text(text)
        assert load_settings(tmp_path, {}).upstreams["a"].auth is not None


HASH = f"sha256:{'0' * 64}"
CALLERS = [
    f'[access.keys.shop]\nhashes = ["{HASH}"]\n',
    "[signing.apps.shop]\nsecret = 'a secret of 16 b'\n",
]


@pytest.mark.parametrize("caller", CALLERS)
def test_a_caller_may_be_of_any_bucket_and_have_any_scope_that_there_can_be(
    tmp_path: Path, caller: str
) -> None:
    for name in ("", "e.3", "9", "a_-." + "b" * 60):
        (tmp_path / "apiql.toml").write_text(f'{caller}bucket = "{name}"\nscopes = ["a!~(b)"]\n')
        settings = load_settings(tmp_path, {})
        given = [(key.bucket, key.scopes) for key in settings.access.keys.values()]
        given += [(app.bucket, app.scopes) for app in settings.signing.apps.values()]
        assert given == [(name, ("a!~(b)",))]
    for name in (".a", "-a", "_a", "a b", "a/b", "\u00e9", "a" * 65):
        assert "is no bucket's name" in refused(tmp_path, f'{caller}bucket = "{name}"\n')
    for scope in ("", "a b", "\u00e9", "a" * 129):
        assert "no scope's" in refused(tmp_path, f'{caller}scopes = ["{scope}"]\n')


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        *((name, "this header is about the call that we make") for name in (
            "Content-Type", "accept-encoding", "Content-Encoding", "Expect", "HTTP2-Settings")),
        ("a b", "forward[0]: "), ("Host", "forward[0]: "), ("Connection", "forward[0]: "),
    ],
)  # fmt: skip
def test_headers_of_the_caller_that_are_never_passed_on(
    tmp_path: Path, listed: str, told: str
) -> None:
    text = f'[upstreams.a]\nurl = "https://s.test"\nforward = ["{listed}"]\n'
    assert told in refused(tmp_path, text)


def test_upstreams_at_one_host_have_the_same_credentials(tmp_path: Path) -> None:
    both = '[upstreams.a]\nurl = "https://s.test/a"\n[upstreams.b]\nurl = "https://s.test/b"\n'
    found = refused(tmp_path, f'{both}auth = {{ kind = "bearer", token = "S3CRET" }}\n')
    assert "upstreams a and b have urls of one host, and differ in auth" in found
    assert "S3CRET" not in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[server]\nprivate_key = "a"\n', "server.private_key: there is no certificate for all"),
        (
            '[[server.certificates]]\nnames = ["a"]\ncertificate = "b"\n',
            "there is no certificate for",
        ),
        (
            f'{TLS}[[server.certificates]]\nnames = ["a b"]\ncertificate = "b"\n',
            'server.certificates[0].names[0]: "a b" is no host name',
        ),
        (
            f'{TLS}[[server.certificates]]\nnames = []\ncertificate = "b"\n',
            "server.certificates[0].names: ",
        ),
        ('[server]\ncertificate = ""\n', 'server.certificate: "" is no path'),
        ('[upstreams.a]\nurl = "https://a"\nclient_key = "b"\n', "client_key: a key without its"),
        (
            '[upstreams.a]\nurl = "https://a"\nredirects = 6\n',
            "redirects: found 6\n    expected: 5 or",
        ),
    ],
)
def test_what_else_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text)


def test_files_are_watched_and_looked_at_before_anything_begins(tmp_path: Path) -> None:
    own, client = str(CERTS / "server.pem"), str(CERTS / "client.pem")
    more = (Certificate(names=("a",), certificate=own, private_key=client),)
    settings = Settings(
        server=Server(certificate=own, certificates=more),
        upstreams={"a": Upstream(url="https://a", client_cert=client, client_key=own)},
    )
    assert named_files(settings) == (client, own)
    missing = tmp_path / "gone.pem"
    (tmp_path / "apiql.toml").write_text(f'[server]\ncertificate = "{missing}"\n')
    with pytest.raises(CertificateRefused, match=r"gone\.pem: there is no such file"):
        read_configuration(Place(tmp_path, {}))
    with pytest.raises(CertificateRefused, match="the key is not that of the certificate"):
        build_stack(settings, MemoryStores())


def test_tls_is_turned_on_and_off_by_a_new_process_only() -> None:
    plain, one = Settings(), Settings(server=Server(certificate="a"))
    assert restart_needed(plain, one) == restart_needed(one, plain) == ("server.certificate",)
    assert restart_needed(one, Settings(server=Server(certificate="b", private_key="c"))) == ()


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "basic", "user": "me", "password": "S3CRET"},
        {"kind": "bearer", "token": "S3CRET"},
        {"kind": "header", "name": "X-Key", "value": "S3CRET"},
        {"kind": "query", "name": "key", "value": "S3CRET"},
        {
            "kind": "oauth2", "token_url": "https://a.test/token", "client_id": "me",
            "client_secret": "S3CRET", "extra": {"assertion": "S3CRET"},
        },
    ],
    ids=lambda auth: auth["kind"],
)  # fmt: skip
def test_no_credential_is_shown(auth: dict[str, Any]) -> None:
    upstream = Upstream(url="http://a.example", auth=Auth.model_validate(auth))
    settings = Settings(upstreams={"default": upstream})
    found = masked(settings)["upstreams"]["default"]["auth"]
    assert found["kind"] == auth["kind"]
    shown = f"{found} {settings!r} {settings} {upstream.auth!r} {settings.model_dump_json()}"
    assert "S3CRET" not in shown
