"""ETag, Vary and Cache-Status as bytes."""

from __future__ import annotations

import time

import pytest

from apiql.server.validators import CacheUse, cache_status, etag_of, not_modified, vary_of

JSON = b"application/json"
TAG = b'"abc"'


def test_an_etag_is_strong_and_one_for_each_body_and_type():
    tag = etag_of(b'{"data":{}}', JSON)
    assert tag.startswith(b'"')
    assert tag.endswith(b'"')
    assert len(tag) == 34
    assert tag == etag_of(b'{"data":{}}', JSON)
    others = [etag_of(b'{"data":{} }', JSON), etag_of(b'{"data":{}}', b"text/plain"),
              etag_of(b"", JSON)]  # fmt: skip
    assert len({tag, *others}) == 4
    assert not_modified(tag, tag)


@pytest.mark.parametrize(
    "given",
    [
        b'"abc"', b'W/"abc"', b' "abc" ', b'"x", "abc"', b'"x","abc"', b'W/"x" ,\tW/"abc"',
        b'"a,b", "abc"', b',, "abc"', b'"\xe4", "abc"', b'"", "abc"', b"*", b" * ",
    ],
)  # fmt: skip
def test_a_known_tag_is_found(given):
    assert not_modified(given, TAG)


@pytest.mark.parametrize(
    "given",
    [
        b"", b"abc", b'"ABC"', b'"abcd"', b'"x"', b'w/"abc"', b'"abc', b'abc"', b"'abc'",
        b'"x "abc"', b'"x" "abc"', b'"x", *', b'x, "abc"', b'"a b", "abc"', b'\\"abc"', b"**",
    ],
)  # fmt: skip
def test_another_tag_is_not(given):
    assert not not_modified(given, TAG)


def test_our_own_tag_may_be_weak():
    assert not_modified(b'"abc"', b'W/"abc"')


@pytest.mark.parametrize("given", [b'"x",' * 20_000, b" " * 60_000, b'W/"' * 20_000, b"," * 60_000])
def test_long_lists_take_no_time(given):
    began = time.perf_counter()
    assert not not_modified(given, TAG)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("names", "value"),
    [
        ([], b"Accept"),
        (["accept", "ACCEPT"], b"Accept"),
        (["x-tenant", "authorization"], b"Accept, Authorization, X-Tenant"),
        (["X-Tenant", "x-tenant", "cookie"], b"Accept, Cookie, X-Tenant"),
        (["bad name", "x\r\nSet-Cookie: a=b", "", "größe", "x,y"], b"Accept"),
        (["x", "*"], b"*"),
    ],
)
def test_vary_names_what_was_read(names, value):
    assert vary_of(names) == value


@pytest.mark.parametrize(
    ("use", "value"),
    [
        (CacheUse("users", "hit", 200, ttl=29.8), b"apiql; hit; ttl=29"),
        (CacheUse("users", "hit", 200, ttl=60.0), b"apiql; hit; ttl=60"),
        (CacheUse("users", "hit", 200, ttl=-0.5), b"apiql; hit; ttl=-1"),
        (CacheUse("users", "fwd=uri-miss", 200), b"apiql; fwd=uri-miss; fwd-status=200"),
        (CacheUse("users", "fwd=uri-miss", None), b"apiql; fwd=uri-miss"),
        (CacheUse("users", "fwd=bypass", 404), b"apiql; fwd=bypass; fwd-status=404"),
        (CacheUse("users", "fwd=stale", 200, ttl=-12.5), b"apiql; fwd=stale; ttl=-13"),
        (CacheUse("users", "fwd=stale; fwd-status=304; stored", 200),
         b"apiql; fwd=stale; fwd-status=304; stored"),
    ],
)  # fmt: skip
def test_cache_status_of_one_call(use, value):
    assert cache_status([use]) == value + b'; detail="users"'


def test_cache_status_of_several_calls():
    uses = [CacheUse("a", "fwd=bypass", 200), CacheUse("b", "hit", 200, ttl=1.0)]
    first, second = (
        b'apiql; fwd=bypass; fwd-status=200; detail="a"',
        b'apiql; hit; ttl=1; detail="b"',
    )
    assert cache_status(uses) == first + b", " + second
    assert cache_status([]) == b""


@pytest.mark.parametrize(
    ("task", "detail"),
    [('a"b', r"a\"b"), ("a\\", r"a\\"), ("größe", "gr??e"), ("a\r\nb", "a??b"), ("a[0]", "a[0]")],
)
def test_a_task_of_any_name_stays_in_its_quotes(task, detail):
    assert (
        cache_status([CacheUse(task, "fwd=method", None)]).decode()
        == f'apiql; fwd=method; detail="{detail}"'
    )
