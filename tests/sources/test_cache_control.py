"""Cache-Control as upstreams write it, well and badly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.sources.cache_control import LONGEST, Directives, directives_of, seconds_of


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        ("", Directives()),
        ("public, x=1", Directives(public=True)),
        ("Must-Revalidate", Directives(strict=True)),
        ("proxy-revalidate=1", Directives(strict=True)),
        ("must-understand, no-store", Directives(no_store=True)),
        ("stale-while-revalidate=30", Directives(while_revalidate=30)),
        ("stale-if-error=600, stale-if-error=60", Directives(if_error=60)),
        ("stale-if-error", Directives()),
        ("min-fresh=5, only-if-cached", Directives(min_fresh=5, only_if_cached=True)),
        ("max-stale", Directives(max_stale=LONGEST)),
        ("max-stale=9", Directives(max_stale=9)),
        ("max-stale=x", Directives()),
        ("max-age=60", Directives(max_age=60)),
        ("MAX-AGE=60, No-Cache", Directives(max_age=60, no_cache=True)),
        ("  max-age=60 ,,\tno-store ,", Directives(max_age=60, no_store=True)),
        ("max-age=60,s-maxage=5", Directives(max_age=60, s_maxage=5)),
        ('max-age="60"', Directives(max_age=60)),
        ("max-age=0", Directives(max_age=0)),
        ("max-age=007", Directives(max_age=7)),
        ("max-age=60, max-age=30", Directives(max_age=30)),
        ("max-age=30, max-age=60", Directives(max_age=30)),
        ("max-age=99999999999999999999", Directives(max_age=LONGEST)),
        ("max-age=" + "9" * 5000, Directives(max_age=LONGEST)),
        ("max-age=" + "0" * 5000 + "9", Directives(max_age=9)),
        ("max-age", Directives(max_age=0)),
        ("max-age=", Directives(max_age=0)),
        ('max-age="', Directives(no_store=True)),
        ("max-age=-1", Directives(max_age=0)),
        ("max-age=1.5", Directives(max_age=0)),
        ("max-age = 60", Directives()),
        ("max-age=\u0661\u0662", Directives(max_age=0)),
        ("max-age=60, max-age=x", Directives(max_age=0)),
        ("x-max-age=60", Directives()),
        ("no-storey", Directives()),
        ("no-store=1", Directives(no_store=True)),
        ('private="set-cookie"', Directives(private=True)),
        ('no-cache="a, max-age=9", max-age=5', Directives(no_cache=True, max_age=5)),
        ('x="no-store, private"', Directives()),
        (r'x="a\", no-store, b"', Directives()),
        (r'x="a\\", no-store', Directives(no_store=True)),
        ('x="a, max-age=60', Directives(no_store=True)),
        ('"', Directives(no_store=True)),
        (r'x="a\"', Directives(no_store=True)),
        ("max-age=60" + ", x=y" * 1000 + ", private", Directives(max_age=60, private=True)),
    ],
)
def test_directives(text, directives):
    assert directives_of(text) == directives


@pytest.mark.parametrize("text", ["", " 1", "1 ", "+1", "1s", "\u00b2"])
def test_what_is_no_number_of_seconds(text):
    assert seconds_of(text) is None


@given(st.text('",=\\ \tmaxge-not1', max_size=300))
def test_any_text_is_read(text):
    found = directives_of(text)
    assert found.max_age is None or 0 <= found.max_age <= LONGEST


@pytest.mark.parametrize("text", ['"\\' * 30_000, '"' * 60_001, "\\" * 60_000, ",x=" * 20_000])
def test_long_texts_take_no_time(text):
    began = time.perf_counter()
    directives_of(text)
    assert time.perf_counter() - began < 0.5
