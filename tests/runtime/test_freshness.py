"""What answers tell caches, from what their upstreams told; the peers' cases among it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.runtime.freshness import (
    UNSTORABLE,
    Freshness,
    cache_control,
    combined,
    freshness_of,
)
from apiql.sources.cache_control import LONGEST
from apiql.sources.call import Headers

CASES = Path(__file__).resolve().parent.parent / "data" / "peer_cases.jsonl"
PEERS = {
    case["id"]: case
    for case in map(json.loads, CASES.read_text().splitlines())
    if case["group"] == "cache"
}
DATE = ("date", "Sun, 06 Nov 1994 08:49:37 GMT")


def said(*values: str) -> Headers:
    return tuple([("cache-control", value) for value in values])


def part(headers: Headers, most: float | None = None, **more: Any) -> Freshness:
    known: dict[str, Any] = {"age": None, "keep": None, "off": False} | more
    return freshness_of(headers, most_age=most, **known)


def whole(*parts: Freshness, most: float | None = None) -> str | None:
    return cache_control(combined(parts, most))


# -- the peers' cases ---------------------------------------------------------------------------

CLAUSES: dict[str, tuple[list[float | None], float | None]] = {
    "cache-min": ([40, None], None),
    "cache-no-cache": ([None, None], 80),
    "cache-query-level": ([None], 60),
    "cache-one-silent": ([None, None], None),
    "cache-private-nostore": ([None], None),
    "cache-smaxage": ([None, None], None),
}
OURS = {"cache-one-silent": None, "cache-private-nostore": "private, no-store"}


def test_every_peer_case_is_here():
    assert CLAUSES.keys() == PEERS.keys()
    assert {name for name in PEERS if PEERS[name]["adopt"] != "same"} == OURS.keys()


@pytest.mark.parametrize("name", CLAUSES)
def test_the_peers_cases(name):
    case, (each, most) = PEERS[name], CLAUSES[name]
    assert case["apiql"].count("max-age") == len([m for m in [*each, most] if m is not None])
    headers = [
        tuple([(key.lower(), value) for key, value in (route.get("headers") or {}).items()])
        for route in case["upstream"]
    ]
    parts = [part(found, bound) for found, bound in zip(headers, each, strict=True)]
    wanted = OURS[name] if name in OURS else case["peer_observed"]["cache_control"]
    assert whole(*parts, most=most) == wanted


# -- one reply ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ((), None),
        ((("etag", '"x"'), ("last-modified", DATE[1])), None),
        (said("public"), None),
        (said("max-age=60"), 60),
        (said("max-age=60", "max-age=30"), 30),
        ((*said("max-age=60"), ("age", "20")), 40),
        ((*said("max-age=60"), ("age", "70")), 0),
        ((*said("max-age=60"), ("age", "20"), ("age", "50")), 40),
        ((*said("max-age=60"), ("age", "20, 50")), 40),
        ((*said("max-age=60"), ("age", "x")), 60),
        ((*said("max-age=60"), ("age", "-5")), 60),
        ((*said("max-age=60"), ("age", "9" * 30)), 0),
        ((*said("max-age=60"), ("expires", "0")), 60),
        ((DATE, ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")), 60),
        ((DATE, ("expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("age", "10")), 50),
        ((DATE, ("expires", "Sunday, 06-Nov-94 08:50:37 GMT")), 60),
        ((DATE, ("expires", "Sun Nov  6 08:50:37 1994")), 60),
        ((DATE, ("expires", "Sun, 06 Nov 1994 08:00:00 GMT")), 0),
        ((DATE, ("expires", "0")), 0),
        ((DATE, ("expires", "")), 0),
        ((DATE, ("expires", DATE[1]), ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")), 0),
        ((DATE, DATE, ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")), 0),
        ((("expires", "Sun, 06 Nov 2994 08:50:37 GMT"),), 0),
        ((DATE, ("expires", "Sun, 06 Nov 9994 08:50:37 GMT")), LONGEST),
    ],
)
def test_what_is_left_of_a_lifetime(headers, left):
    assert part(headers) == Freshness(max_age=left)


def test_a_date_without_a_zone_is_in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert part((DATE, ("expires", "Sun Nov  6 08:50:37 1994"))).max_age == 60
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_time_in_our_own_cache_counts():
    assert part(said("max-age=60, s-maxage=90"), age=10.5) == Freshness(max_age=49, s_maxage=79)
    assert part((*said("max-age=60"), ("age", "20")), age=10.0).max_age == 30


@pytest.mark.parametrize(
    ("headers", "age", "left"),
    [
        ((), None, 60),
        ((), 12.3, 47),
        ((), 80.0, 0),
        (said("public"), 0.0, 60),
        (said("max-age=10"), 5.0, 5),
        (said("max-age=100"), 5.0, 95),
        ((DATE, ("expires", "0")), 5.0, 0),
        (said("private"), None, None),
        (said("s-maxage=5"), None, None),
        ((("set-cookie", "a=1"),), None, None),
    ],
)
def test_cache_is_the_lifetime_where_the_upstream_is_silent(headers, age, left):
    assert part(headers, keep=60.0, age=age).max_age == left


@pytest.mark.parametrize(
    ("headers", "most", "found"),
    [
        ((), 40, Freshness(max_age=40)),
        ((), 0.5, Freshness(max_age=0)),
        ((), 1e15, Freshness(max_age=LONGEST)),
        (said("max-age=60"), 40, Freshness(max_age=40)),
        (said("max-age=30"), 40, Freshness(max_age=30)),
        (said("s-maxage=60"), 40, Freshness(max_age=40, s_maxage=40)),
        (said("private"), 40, Freshness(private=True, max_age=40)),
    ],
)
def test_max_age_is_the_most_and_stands_for_silence(headers, most, found):
    assert part(headers, most) == found


def test_max_age_bounds_what_cache_says():
    assert part((), 40, keep=60.0, age=30.0).max_age == 30
    assert part((), 40, keep=60.0).max_age == 40


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (part(said("max-age=60"), off=True), "no-cache"),
        (part((), off=True), "no-cache"),
        (part((*said("max-age=60"), ("vary", "accept, *"))), "no-cache"),
        (part((*said("max-age=60"), ("vary", "accept"))), "max-age=60"),
        (part(said('private="x", max-age=60, s-maxage=90')), "private, max-age=60"),
        (part(said("no-cache, no-store")), "no-store"),
        (part(said("max-age=0")), "max-age=0"),
        (part(said("s-maxage=9")), "s-maxage=9"),
        (UNSTORABLE, "no-store"),
        (Freshness(), None),
    ],
)
def test_as_a_header(found, text):
    assert cache_control(found) == text
    assert whole(found) == text


# -- the whole answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["max-age=60", "max-age=30", "max-age=90"], "max-age=30"),
        (["max-age=60", None], None),
        (["max-age=60", "no-cache", None], "no-cache"),
        (["max-age=60", "no-cache", "no-store"], "no-store"),
        (["private, max-age=60", "max-age=30"], "private, max-age=30"),
        (["private, max-age=60", None], "private"),
        (["private", "no-cache"], "private, no-cache"),
        (["max-age=100, s-maxage=600", "max-age=50"], "max-age=50, s-maxage=50"),
        (["max-age=10, s-maxage=600", "max-age=50"], "max-age=10, s-maxage=50"),
        (["s-maxage=600", "max-age=50"], "s-maxage=50"),
        (["s-maxage=600", None], None),
        (["max-age=5, s-maxage=9", "private, max-age=60"], "private, max-age=5"),
        ([], None),
    ],
)
def test_parts_together(parts, text):
    headers = [said(value) if value else () for value in parts]
    assert whole(*map(part, headers)) == text


def test_a_part_that_writes_or_failed_forbids_all():
    assert whole(part(said("max-age=60")), UNSTORABLE, most=5) == "no-store"


@pytest.mark.parametrize(
    ("parts", "most", "text"),
    [
        (["max-age=60"], 40, "max-age=40"),
        (["max-age=30", None], 40, "max-age=30"),
        ([None, None], 40, "max-age=40"),
        (["max-age=60, s-maxage=600"], 40, "max-age=40, s-maxage=40"),
        (["private"], 40, "private, max-age=40"),
        (["no-store"], 40, "no-store"),
        ([], 40, "max-age=40"),
    ],
)
def test_the_bound_of_the_whole_answer(parts, most, text):
    headers = [said(value) if value else () for value in parts]
    assert whole(*map(part, headers), most=most) == text


NAMES = st.sampled_from(["cache-control", "expires", "date", "age", "vary", "x"])
TEXTS = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.from_regex(r"(max-age|s-maxage)=[0-9]{1,12}", fullmatch=True),
    st.sampled_from(["no-store", "no-cache", "private"]),
    st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} (Nov|Feb) -?[0-9]{1,6} [0-9:]{1,9} [A-Z+0-9]{2,9}"),
)
REPLIES = st.lists(st.tuples(NAMES, TEXTS), max_size=6).map(tuple)
AGES = st.none() | st.floats(0, 1e6)


@given(st.lists(st.tuples(REPLIES, AGES, AGES, AGES), max_size=4), AGES)
def test_an_answer_never_says_more_than_one_of_its_parts(replies, most):
    parts = [freshness_of(h, age, keep, bound, False) for h, age, keep, bound in replies]
    found = combined(parts, most)
    text = cache_control(found) or ""
    for each in parts:
        assert found.no_store >= each.no_store
        assert found.private >= each.private
        assert each.max_age is None or (found.max_age or 0) <= each.max_age
        assert each.s_maxage is None or (found.s_maxage or 0) <= each.s_maxage
    assert most is None or f"max-age={int(most) + 1}" not in text
    assert ("no-store" in text) == found.no_store
