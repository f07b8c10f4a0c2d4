"""Settings of tries, breakers and limits, and Conductor's words for some of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from apiql.catalog import surroundings
from apiql.engine import all_functions
from apiql.ir.policy import USUAL_RETRY
from apiql.settings import (
    Retry,
    Settings,
    SettingsError,
    Upstream,
    in_our_words,
    load_settings,
)
from apiql.sources.circuit import BreakerRules
from apiql.sources.way import guards_of

URL = "http://upstream.test"


def refused(tmp_path: Path, lines: str) -> str:
    """What is said of an upstream with these lines."""
    (tmp_path / "apiql.toml").write_text(f'[upstreams.x]\nurl = "{URL}"\n{lines}\n')
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path, {})
    return str(error.value)


@pytest.mark.parametrize(
    ("lines", "place", "wrong"),
    [
        ("breaker = { rate = 1.5 }", "3:20", "1.5 is no part of the calls"),
        ("breaker = { rate = 0.0 }", "3:20", "0 is no part of the calls"),
        ("breaker = { rate = -0.5 }", "3:20", "-0.5 is no part of the calls"),
        ("breaker = { rate = nan }", "3:20", "nan is no part of the calls"),
        ("breaker = { failures = 0 }", "3:24", "found 0"),
        ("breaker = { calls = 10000000 }", "3:21", "so many calls are never looked at together"),
        ('breaker = { open = "-1s" }', "3:20", '"-1s" is negative'),
        ('breaker = { open = "400s" }', "3:11", "longest = 300s is shorter than open = 400s"),
        ('breaker = { windw = "1s" }', "3:13", "there is no such setting"),
        ('breaker = "yes"', "3:11", 'found "yes"'),
        ("retry = { times = -1 }", "3:19", "found -1"),
        ('retry = { on = ["4xx"] }', "3:17", '"4xx" is no failure'),
        ("retry = { on = [] }", "3:16", "it is for no failure"),
        ('retry = { backoff = "1s" }', "3:9", "longest = 0.25s is shorter than backoff = 1s"),
        ("in_flight = 0", "3:13", "found 0"),
        ("queue = -1", "3:9", "found -1"),
        ('deadline_header = "Host"', "3:19", "this header belongs to the connection"),
        ('on_timeout = "ignore"', "3:14", 'found "ignore"'),
        ('retryLogic = "LINEAR"', "3:14", '"LINEAR" is unknown'),
        ("retryCount = -1", "3:14", "-1 is no number of tries"),
        ("retryDelaySeconds = -1", "3:21", "-1 is no time"),
        ("responseTimeoutSeconds = 0", "3:26", "0 is no time"),
        ("responseTimeoutSeconds = nan", "3:26", "nan is no time"),
        ('timeoutPolicy = "RETRY_ALWAYS"', "3:17", '"RETRY_ALWAYS" is unknown'),
        (
            'retryLogic = "FIXED"\nretry = { times = 1 }',
            "3:14",
            "retryLogic and retry say the same",
        ),
        ('timeout = "1s"\nresponseTimeoutSeconds = 1', "4:26", "and timeout say the same"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, lines, place, wrong) -> None:
    told = refused(tmp_path, lines)
    assert f"apiql.toml:{place}: upstreams.x" in told
    assert wrong in told


def test_a_source_has_conductors_words_too(tmp_path) -> None:
    told = refused(tmp_path, '[upstreams.x.sources.s]\npath = "/s"\nretryLogic = "NEVER"')
    assert "upstreams.x.sources.s.retryLogic" in told
    assert 'expected: "FIXED", "EXPONENTIAL_BACKOFF"' in told


def test_the_words_of_the_seed() -> None:
    """As they stand in Conductor's own task definitions."""
    found = in_our_words(
        {
            "path": "/a", "timeoutPolicy": "TIME_OUT_WF", "retryLogic": "FIXED",
            "retryDelaySeconds": 600, "responseTimeoutSeconds": 3600,
        }
    )  # fmt: skip
    assert found == {
        "path": "/a",
        "on_timeout": "required",
        "timeout": 3600.0,
        "retry": {
            "times": 3, "on": ["connect", "broken", "429", "5xx"], "backoff": 600.0,
            "doubles": False, "longest": 600.0,
        },
    }  # fmt: skip


def test_pauses_that_double() -> None:
    words = {"retryLogic": "EXPONENTIAL_BACKOFF", "retryCount": 4, "retryDelaySeconds": 0.5}
    retry = Upstream.model_validate({"url": URL, **words}).retry
    assert (retry.times, retry.backoff, retry.doubles, retry.longest) == (4, 0.5, True, 8.0)


def test_a_late_try_is_made_again_in_its_own_time() -> None:
    words = {"timeoutPolicy": "RETRY", "retryCount": 2, "retryDelaySeconds": 1,
             "responseTimeoutSeconds": 3}  # fmt: skip
    found = Upstream.model_validate({"url": URL, **words})
    assert "timeout" in found.retry.on
    assert (found.retry.each, found.timeout, found.on_timeout) == (3.0, 11.0, "error")


@pytest.mark.parametrize(
    ("policy", "means"),
    [("TIME_OUT_WF", "required"), ("ALERT_ONLY", "warning"), ("RETRY", "error")],
)
def test_what_a_late_call_means(policy: str, means: str) -> None:
    assert Upstream.model_validate({"url": URL, "timeoutPolicy": policy}).on_timeout == means


def test_other_tables_are_left_as_they_are() -> None:
    table = {"path": "/a", "retry": {"times": 2}}
    assert in_our_words(table) == table


JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("FIXED")
WORDS = st.sampled_from(
    ["retryLogic", "retryCount", "retryDelaySeconds", "timeoutPolicy", "responseTimeoutSeconds"]
)


@given(st.dictionaries(WORDS, JUNK | st.sampled_from(["RETRY", "ALERT_ONLY"])))
def test_any_words_are_settings_or_refused(words: dict[str, Any]) -> None:
    try:
        ours = in_our_words(words)
    except PydanticCustomError:
        return
    Upstream.model_validate({"url": URL, **ours})


def test_the_defaults_are_the_same_everywhere() -> None:
    settings = Settings.model_validate({"upstreams": {"default": {"url": URL}}})
    around = surroundings(settings, all_functions())
    assert around.default is not None
    assert around.default.retry == USUAL_RETRY
    assert guards_of(None, settings.limits).breaker == BreakerRules()
    assert guards_of(None, settings.limits) == guards_of(
        settings.upstreams["default"], settings.limits
    )


def test_a_breaker_that_is_off() -> None:
    assert Upstream.model_validate({"url": URL, "breaker": False}).breaker is None
    assert Upstream.model_validate({"url": URL, "breaker": True}).breaker is not None


def test_variables_of_the_environment_name_them_too() -> None:
    named = {"URL": URL, "BREAKER": "false", "RETRY__TIMES": "0", "IN_FLIGHT": "8"}
    environ = {f"APIQL_UPSTREAMS__X__{key}": value for key, value in named.items()}
    found = load_settings(None, environ).upstreams["x"]
    assert (found.breaker, found.retry, found.in_flight) == (None, Retry(times=0), 8)
