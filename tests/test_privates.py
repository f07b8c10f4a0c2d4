"""Private values: where they are read from, where they are filled in, and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.catalog import surroundings
from apiql.engine import all_functions
from apiql.ir.secret import Secret
from apiql.settings import (
    PrivateText,
    SealBroken,
    Settings,
    SettingsError,
    load_settings,
    private_entries,
    read_privates,
    sealed,
    secret_texts,
    unsealed,
)
from apiql.settings.private_file import read_private_file

KEY = bytes(range(32))
KEY_TEXT = base64.b64encode(KEY).decode()
NONCE = b"\1" * 12
VALUE = "S3CRET-0f9d"
UPSTREAM = '[upstreams.map]\nurl = "http://map.test"\n'


def conf(
    folder: Path, toml: str = "", privates: Mapping[str, str | Mapping[str, str]] | None = None
) -> Path:
    """A conf folder; a file of privates is its text, or names with their values."""
    (folder / "apiql.toml").write_text(toml, encoding="utf-8")
    for name, given_as in (privates or {}).items():
        file = folder / "privates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(given_as, str):
            pairs = [{"name": key, "value": value} for key, value in given_as.items()]
            given_as = json.dumps({"privates": pairs})
        file.write_text(given_as, encoding="utf-8")
    return folder


def refused(folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """What is told of a folder that cannot be used."""
    with pytest.raises(SettingsError) as error:
        load_settings(folder, environ or {})
    return str(error.value).replace(f"{folder}/", "")


# -- reading --------------------------------------------------------------------------------------


def test_a_value_is_known_by_its_file_and_name(tmp_path: Path) -> None:
    legacy = '{"Privates": [{"Name": "key1", "VALUE": "AMAP"}, {"name": "none"}], "more": 1}'
    folder = conf(tmp_path, "", {"amap_keys.json": legacy, "shop/x.y.json": {"a.b": "1"}})
    (folder / "privates" / "notes.txt").write_text("{")
    (folder / "privates" / ".old.json").write_text("{")
    found = read_privates(folder, {})
    assert dict(found.values) == {
        "amap_keys.key1": "AMAP",
        "amap_keys.none": "",
        "shop/x.y.a.b": "1",
    }
    assert "AMAP" not in repr(found)


def test_nothing_that_holds_them_shows_them(tmp_path: Path) -> None:
    folder = conf(tmp_path, privates={"map.json": {"key": VALUE}})
    found = read_privates(folder, {"APIQL_PRIVATES_KEY": KEY_TEXT})
    assert (found.values, found.key) == ({"map.key": VALUE}, KEY)
    (entries,) = private_entries(folder)
    assert VALUE in entries.text
    shown = f"{found!r} {entries!r} {found} {entries}"
    assert VALUE not in shown
    assert repr(KEY) not in shown
    assert KEY_TEXT not in shown


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert not read_privates(None, {}).values
    assert not read_privates(tmp_path, {}).values
    assert load_settings(conf(tmp_path), {}).secrets.texts == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"privates": [\n {"name": }]}', "privates/a.json:2:11: this is no JSON"),
        ("[]", "privates/a.json: there is no list `privates`"),
        ('{"privates": {}}', "privates/a.json: there is no list `privates`"),
        ('{"privates": [{"name": "a"},\n  "x"]}', "privates/a.json:1:1: privates[1]: the private"),
        (
            '{"privates": [\n  {"name": "a", "value": 5}]}',
            "privates/a.json:2:3: privates[0]: the v",
        ),
        ('{"privates": [{"name": "a b"}]}', "privates/a.json:1:15: privates[0]: the private has"),
        (
            '{"privates": [{"name": "a"}, {"name": "a"}]}',
            "privates/a.json:1:30: privates[1]: the n",
        ),
        ('{"privates": [{"name": "a", "value": "\\ud800"}]}', "half of a surrogate pair"),
        ("[" * 100_000, "privates/a.json: this is no JSON"),
        ("\udcff", "privates/a.json: the file is not UTF-8"),
        (" " * 1_048_577, "privates/a.json: the file is larger"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, told: str) -> None:
    folder = conf(tmp_path, "", {"a.json": {}})
    (folder / "privates" / "a.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert told in refused(folder)


def test_every_problem_of_the_files_is_told(tmp_path: Path) -> None:
    told = refused(conf(tmp_path, "", {"a.json": "{", "b.json": "[]", "c.json": {"x": "y"}}))
    assert "a.json" in told
    assert "b.json" in told
    assert "c.json" not in told


def test_a_name_stands_once_whatever_the_file(tmp_path: Path) -> None:
    told = refused(conf(tmp_path, "", {"a.json": {"b.c": "1"}, "a.b.json": {"c": VALUE}}))
    assert "a.b.c" in told
    assert "of this full name too" in told
    assert VALUE not in told


@given(st.text())
def test_any_text_as_a_file_is_read_or_refused(text: str) -> None:
    found = read_private_file(text, "a.json")
    assert bool(found.entries) + bool(found.problems) <= 2


# -- filling in -----------------------------------------------------------------------------------


def test_values_stand_in_any_text_of_the_settings(tmp_path: Path) -> None:
    toml = (
        UPSTREAM
        + """
    proxy = "http://u:${private:a.key}@proxy.test:1"
    headers = { private = "plain", X-Key = { private = "a.key" }, A = "Bearer ${ private:a.key}" }
    [upstreams.map.sources.weather]
    path = "/weather"
    query = { env = "dev", key = { env = "MAP_KEY" }, n = 1, s = ["${private:a.key}", "x"] }
    [store]
    prefix = "${env:PREFIX}"
    """.replace("${ private", "${private")
    )
    found = load_settings(
        conf(tmp_path, toml, {"a.json": {"key": VALUE}}), {"MAP_KEY": "m4p", "PREFIX": "shop"}
    )
    upstream = found.upstreams["map"]
    assert upstream.headers == {"private": "plain", "X-Key": VALUE, "A": f"Bearer {VALUE}"}
    assert upstream.proxy == f"http://u:{VALUE}@proxy.test:1"
    source = upstream.sources["weather"]
    assert source.query == {"env": "dev", "key": "m4p", "n": 1, "s": (VALUE, "x")}
    assert found.store.prefix == "shop"
    assert isinstance(source.query["key"], PrivateText)
    assert set(found.secrets.texts) == {VALUE, "m4p", "shop"}
    assert VALUE not in repr(found)
    assert VALUE not in repr(source.query)


def test_a_variable_may_name_a_private(tmp_path: Path) -> None:
    folder = conf(tmp_path, UPSTREAM, {"a.json": {"key": VALUE}})
    for text in ("${private:a.key}", "{ private = 'a.key' }"):
        found = load_settings(folder, {"APIQL_UPSTREAMS__MAP__HEADERS__X_KEY": text})
        assert found.upstreams["map"].headers == {"x_key": VALUE}


def test_a_dollar_before_it_makes_it_a_plain_text(tmp_path: Path) -> None:
    toml = UPSTREAM + 'headers = { A = "$${private:a}", B = "${other:x} $x {y}" }'
    found = load_settings(conf(tmp_path, toml), {})
    assert found.upstreams["map"].headers == {"A": "${private:a}", "B": "${other:x} $x {y}"}
    assert found.secrets.texts == ()


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (
            'headers = { A = "${private:a.kex}" }',
            "apiql.toml:3:17: upstreams.map.headers.A: there is",
        ),
        ('headers = { A = "${private:a.kex}" }', "did you mean a.key?"),
        (
            'headers = { A = "x ${env:NO_SUCH}" }',
            "apiql.toml:3:17: upstreams.map.headers.A: the env",
        ),
        ('headers.A = { env = "NO_SUCH" }', "apiql.toml:3:13: upstreams.map.headers.A: the env"),
        (
            'headers.A = { env = "X", private = "a.key" }',
            "upstreams.map.headers.A: the value is no",
        ),
        ("headers.A = { private = 5 }", "upstreams.map.headers.A: the value is no text"),
        ('timeout = { private = "a.key" }', "apiql.toml:3:11: upstreams.map.timeout: the private"),
        ('timeout = "${private:a.key}"', "expected: a duration above 0"),
        ('list_style = "${private:a.key}"', "the private value that stands here cannot be used"),
        ('list_style = "${private:a.near}"', "the private value that stands here cannot be used"),
        ('headers.A = "${private:a.line}"', "upstreams.map.headers.A: the private value that st"),
        ('retry = { times = 1, on = ["${private:a.key}"] }', "upstreams.map.retry.on[0]: the priv"),
        ('"${private:a.key}" = 1', "there is no such setting"),
        ('urll = "${private:a.key}"', "upstreams.map.urll: there is no such setting"),
        ('urll = "${private:a.key}"', "did you mean upstreams.map.url?"),
    ],
)
def test_what_cannot_be_filled_in_is_told_without_the_value(
    tmp_path: Path, toml: str, told: str
) -> None:
    privates = {"a.json": {"key": VALUE, "near": "repea", "line": "a\nb"}}
    found = refused(conf(tmp_path, UPSTREAM + toml, privates))
    assert told in found
    assert VALUE not in found
    assert 'repea"' not in found
    assert 'mean "repeat"' not in found


@given(st.text(min_size=1), st.sampled_from(["timeout", "list_style", "url", "retry", "verify"]))
def test_no_value_is_told_wherever_it_stands(value: str, setting: str) -> None:
    environ = {
        "APIQL_UPSTREAMS__A__URL": "http://a.test",
        f"APIQL_UPSTREAMS__A__{setting.upper()}": "${env:V}",
        "V": f"S3CRET{value}",
    }
    told = ""
    try:
        load_settings(None, environ)
    except SettingsError as error:
        told = str(error)
    assert "S3CRET" not in told


# -- encrypted ------------------------------------------------------------------------------------


def test_an_encrypted_value_is_read_with_the_key(tmp_path: Path) -> None:
    kept = sealed(VALUE, "a.key", KEY, NONCE)
    assert kept.startswith("enc:v1:")
    assert VALUE not in kept
    folder = conf(tmp_path, "", {"a.json": {"key": kept, "plain": "x"}})
    assert read_privates(folder, {"APIQL_PRIVATES_KEY": KEY_TEXT}).values["a.key"] == VALUE
    file = tmp_path / "key"
    file.write_text(KEY_TEXT + "\n")
    file.chmod(0o600)
    found = load_settings(folder, {"APIQL_PRIVATES_KEY_FILE": str(file)})
    assert set(found.secrets.texts) == {VALUE, "x"}
    file.chmod(0o640)
    assert "may be read by others" in refused(folder, {"APIQL_PRIVATES_KEY_FILE": str(file)})
    told = refused(folder, {"APIQL_PRIVATES_KEY_FILE": str(file / "x")})
    assert "APIQL_PRIVATES_KEY_FILE: the file of the key cannot be read" in told


@pytest.mark.parametrize(
    ("kept", "environ", "told"),
    [
        (sealed(VALUE, "a.key", KEY, NONCE), {}, "a.json:1:15: a.key: the value is encrypted"),
        (
            sealed(VALUE, "a.key", b"x" * 32, NONCE),
            None,
            "sealed with another key or under another",
        ),
        (sealed(VALUE, "a.other", KEY, NONCE), None, "with another key or under another name"),
        (
            sealed(VALUE, "a.key", KEY, NONCE)[:-8] + "AAAAAAA=",
            None,
            "another key or under another",
        ),
        ("enc:v1:", None, "it is cut short"),
        ("enc:v1:AAAA", None, "it is cut short"),
        ("enc:v1:%%", None, "it is no sealed value"),
        ("enc:v1:\xe9", None, "it is no sealed value"),
        ("plain", {"APIQL_PRIVATES_KEY": "short"}, "APIQL_PRIVATES_KEY: this is no key"),
        ("plain", {"APIQL_PRIVATES_KEY": "\xe9" * 44}, "APIQL_PRIVATES_KEY: this is no key"),
        ("plain", {"APIQL_PRIVATES_KEY": KEY_TEXT, "APIQL_PRIVATES_KEY_FILE": "/x"}, "is set too"),
    ],
)
def test_an_encrypted_value_that_cannot_be_read(
    tmp_path: Path, kept: str, environ: dict[str, str] | None, told: str
) -> None:
    folder = conf(tmp_path, "", {"a.json": {"key": kept}})
    found = refused(folder, {"APIQL_PRIVATES_KEY": KEY_TEXT} if environ is None else environ)
    assert told in found
    assert VALUE not in found
    assert kept[7:] not in found or len(kept) < 20
    assert KEY_TEXT not in found


@given(st.text(), st.text(min_size=1), st.binary(min_size=32, max_size=32), st.integers(0, 10_000))
def test_what_is_sealed_comes_back_and_nothing_else_does(
    text: str, name: str, key: bytes, at: int
) -> None:
    kept = sealed(text, name, key, NONCE)
    assert unsealed(kept, name, key) == text
    raw = bytearray(base64.b64decode(kept.removeprefix("enc:v1:")))
    raw[at % len(raw)] ^= 1
    with pytest.raises(SealBroken):
        unsealed("enc:v1:" + base64.b64encode(raw).decode(), name, key)
    with pytest.raises(SealBroken):
        unsealed(kept, name + "x", key)


def test_without_the_package_it_is_said_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = conf(tmp_path, "", {"a.json": {"key": sealed(VALUE, "a.key", KEY, NONCE)}})
    monkeypatch.setattr("apiql.settings.privates.find_spec", lambda name: None)
    assert "pip install 'apiql[auth]'" in refused(folder, {"APIQL_PRIVATES_KEY": KEY_TEXT})


# -- what is secret -------------------------------------------------------------------------------


def test_a_configured_private_is_a_secret_of_its_host(tmp_path: Path) -> None:
    toml = (
        UPSTREAM
        + """
    headers = { X-Key = "Key ${private:a.key}", Plain = "p" }
    [upstreams.map.sources.weather]
    path = "/weather"
    query = { key = { private = "a.key" }, s = ["${private:a.key}", "x"] }
    """
    )
    settings = load_settings(conf(tmp_path, toml, {"a.json": {"key": VALUE}}), {})
    source = surroundings(settings, all_functions()).sources["weather"]
    (name, header), plain = source.endpoint.headers
    assert name == "X-Key"
    assert isinstance(header, Secret)
    assert plain == ("Plain", "p")
    assert header.for_host("http://map.test") == f"Key {VALUE}"
    assert str(header) == "***"
    assert VALUE not in repr(source)
    assert VALUE not in " ".join(str(binding.value) for binding in source.defaults)


def test_what_the_usual_headers_of_credentials_say_is_secret_too() -> None:
    url = {
        "APIQL_UPSTREAMS__A__URL": "http://a",
        "APIQL_UPSTREAMS__A__HEADERS__AUTHORIZATION": "B t0k",
    }
    found = secret_texts(load_settings(None, url))
    assert found == {"B t0k", "t0k"}
    assert secret_texts(Settings()) == frozenset()
