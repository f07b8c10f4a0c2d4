"""Secrets are found in texts however they are written; all else stays as it is."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apiql.ir.redaction import LEAST, Redaction

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=LEAST, max_size=24).filter(
    lambda text: "\ue000" not in text
)
WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json in utf-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json of php": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "all escaped": lambda text: "".join(f"\\u{unit:04X}" for unit in units(text)),
    "path": lambda text: quote(text, safe=""),
    "path with /": quote,
    "query": quote_plus,
    "lower case": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "html": html.escape,
    "html numbers": lambda text: "".join(f"&#x{ord(c):X};" for c in text),
    "url in json": lambda text: json.dumps(quote_plus(text))[1:-1],
}


def units(text: str) -> Iterator[int]:
    """UTF-16, as JSON escapes it."""
    raw = text.encode("utf-16-be")
    return (int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@given(secret=SECRETS)
@example(secret='S3 "Kr\u00e9t/\\+=&<x>\n-abc\U0001f600')
@example(secret="\\\\u0041%41")
def test_a_secret_is_hidden_however_it_is_written(way: Callable[[str], str], secret: str) -> None:
    hide = Redaction([secret])
    assert hide(f"\ue000{way(secret)}\ue000") == "\ue000***\ue000"


@given(SECRETS, TEXTS, TEXTS, st.booleans())
def test_base64_is_hidden_at_any_offset(secret: str, before: str, after: str, url: bool) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    sent = encode(f"{before}{secret}{after}".encode()).decode()
    hidden = Redaction([secret])(f"\ue000 {sent} \ue000")
    if len(secret.encode()) >= 8:  # shorter ones may leave too few letters of their own
        assert hidden == "\ue000 *** \ue000"
    assert sent not in hidden or len(secret.encode()) < 8


@given(st.lists(SECRETS, max_size=5), st.text())
def test_what_holds_none_stays_as_it_is(secrets: list[str], text: str) -> None:
    hide = Redaction([f"\ue000{secret}\ue000" for secret in secrets])
    assert hide(text) == text
    assert bool(hide) == bool(secrets)


def test_short_ones_are_not_looked_for_and_longer_ones_first() -> None:
    hide = Redaction(["abc", "secret", "secret-and-more"])
    assert hide("abc secret-and-more secrets") == "abc *** ***s"
    assert not Redaction(["abc", ""])
    assert "secret" not in repr(hide)


def test_a_text_that_was_cut_within_one_ends_before_it() -> None:
    hide = Redaction(["S3CRET-0f9d"])
    assert hide("x" * 4090 + "S3CRET-0f") == "x" * 4090 + "***"
    assert hide("x" * 4090 + "S3CRE") == "x" * 4090 + "S3CRE"


def test_data_is_gone_through() -> None:
    hide = Redaction(["S3CRET-0f9d"])
    data = {"a": ["S3CRET-0f9d", 1, None, {"S3CRET-0f9d": ("x",)}]}
    assert hide.data(data) == {"a": ["***", 1, None, {"***": ["x"]}]}
    assert Redaction(())("S3CRET-0f9d") == "S3CRET-0f9d"
