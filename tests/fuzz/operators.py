"""Targets: what stands in the configuration and in locations. Files are in a folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

from apiql.errors import QueryRefused
from apiql.ir.template import TemplateRefused, parse_template
from apiql.query_files import StoredRefused, read_query_files
from apiql.settings import SettingsError, load_settings
from apiql.sources.addresses import BadUrl, forbidden, parse_url
from tests.fuzz import corpus
from tests.fuzz.target import Target
from tests.properties.engines import ENGINE

FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def folder() -> Path:
    """A folder that goes with the process."""
    if not FOLDERS:
        FOLDERS.append(tempfile.TemporaryDirectory())
    return Path(FOLDERS[0].name)


def settings(data: bytes) -> None:
    """A settings document is taken, or refused with a text that can be shown."""
    conf = folder()
    (conf / "apiql.toml").write_bytes(data)
    try:
        load_settings(conf, {})
    except SettingsError as refused:
        str(refused).encode()
        raise


def stored(data: bytes) -> None:
    """A stored query's file."""
    queries = folder() / "queries"
    queries.mkdir(exist_ok=True)
    (queries / "q.apiql").write_bytes(data)
    for file in read_query_files(folder()).files:
        ENGINE.local(file.text)


def path(data: bytes) -> None:
    """A path with its slots."""
    text = "/" + data.decode("utf-8", "replace")
    found = parse_template(text)
    whole = found.prefix[: found.prefix.rfind("/") + 1]
    assert ".." not in whole.split("/")


def location(data: bytes) -> None:
    """An absolute URL: what is taken has a canonical host and a port that there is."""
    origin, target = parse_url(data.decode("utf-8", "replace"))
    assert origin.host.isascii()
    assert 1 <= origin.port <= 65535
    assert target.isascii()
    try:
        forbidden(origin.host)
    except ValueError:
        return  # a name, no address


PATHS = [
    b"users/{id}",
    b"a/{b?}?{c}&d={e}",
    b"a%20b/\xc3\xa4",
    b"..",
    b"%2e%2e/x",
    b"a//b",
    b"a?x=1&y",
]
PLACES = [b"http://a.test/x", b"https://[::1]:8443/", b"http://2130706433/", b"http://0x7f.1/",
          b"http://xn--a/", b"http://user@host/", b"http://a\xe3\x80\x82b/", b"http://127.0.0.1:80/?a#b",
          "http://ⓛⓞⓒⓐⓛ/".encode()]  # fmt: skip
TOML = (b"[upstreams.a]\n", b'= "1s"', b"[limits]\n", b"= true", b"{}", b"[[", b'"""')
BRACES = (b"{", b"}", b"{a}", b"{a?}", b"%2e", b"%25", b"..", b"//", b"@", b":", b"[::", b"xn--")

TARGETS = (
    Target(
        "settings", settings, (SettingsError,), corpus.settings, (b"[upstreams.a]\n", b'= "1s"')
    ),
    Target("stored", stored, (QueryRefused, StoredRefused), corpus.queries),
    Target("path", path, (TemplateRefused,), lambda: PATHS, BRACES),
    Target("location", location, (BadUrl,), lambda: PLACES, BRACES),
)
