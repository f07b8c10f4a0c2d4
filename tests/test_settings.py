"""Settings: the defaults, the values that each kind takes, the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from apiql.settings import (
    Limits,
    Server,
    Settings,
    SettingsError,
    Source,
    Upstream,
    load_settings,
)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return tmp_path


def write(conf: Path, text: str) -> Path:
    (conf / "apiql.toml").write_text(text, encoding="utf-8")
    return conf


def refused(conf: Path, text: str, environ: dict[str, str] | None = None) -> str:
    """The message for this file and environment, with the folder's own name left out."""
    with pytest.raises(SettingsError) as caught:
        load_settings(write(conf, text), environ or {})
    return str(caught.value).replace(f"{conf}/", "")


# Defaults


def test_no_file_and_no_environment_are_the_defaults(conf: Path) -> None:
    assert load_settings(None, {}) == Settings() == load_settings(conf, {})


def test_defaults_are_those_of_the_design() -> None:
    limits = Limits()
    assert (limits.text_bytes, limits.params_bytes, limits.body_bytes) == (65536, 2**20, 2**20)
    assert (limits.tokens, limits.nesting, limits.tasks, limits.depth) == (5000, 64, 20, 8)
    assert (limits.calls, limits.fields) == (200, 200)
    assert (limits.answer_bytes, limits.response_bytes) == (16 * 2**20, 8 * 2**20)
    assert (limits.query_timeout, limits.call_timeout) == (10.0, 5.0)
    assert Settings().answer.details == "status"
    assert Settings().security.allow_hosts == ()


def test_settings_cannot_change() -> None:
    with pytest.raises(ValidationError):
        Settings().server.port = 1


# Values


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ('"500ms"', 0.5),
        ('"2s"', 2),
        ('"5m"', 300),
        ('"1.5h"', 5400),
        ('"1d"', 86400),
        ('"2 s"', 2),
        ("3", 3),
        ("0.25", 0.25),
    ],
)
def test_durations(conf: Path, written: str, seconds: float) -> None:
    settings = load_settings(write(conf, f"limits.query_timeout = {written}"), {})
    assert settings.limits.query_timeout == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("written", "size"),
    [('"512B"', 512), ('"64KiB"', 65536), ('"8 MiB"', 8 * 2**20), ('"1GiB"', 2**30), ("10", 10)],
)
def test_sizes(conf: Path, written: str, size: int) -> None:
    assert (
        load_settings(write(conf, f"limits.body_bytes = {written}"), {}).limits.body_bytes == size
    )


@pytest.mark.parametrize(
    "written", ['"-5s"', "-1", "0", '"0s"', "inf", "nan", '"5"', '"5 sec"', '""', "true", "[1]"]
)
def test_what_is_no_duration(conf: Path, written: str) -> None:
    message = refused(conf, f"limits.call_timeout = {written}")
    assert message.startswith("apiql.toml:1:23: limits.call_timeout: ")
    assert 'expected: a duration above 0: "500ms", "2s"' in message


@pytest.mark.parametrize("written", ['"-5B"', "-1", "0", '"64KB"', '"1.5MiB"', "1.5", "false"])
def test_what_is_no_size(conf: Path, written: str) -> None:
    assert 'expected: a size above 0: "512B"' in refused(conf, f"limits.url_bytes = {written}")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.example.com/", "https://api.example.com"),
        ("http://[::1]:9080/v1/", "http://[::1]:9080/v1"),
        ("http://shop:65535", "http://shop:65535"),
    ],
)
def test_upstream_urls(url: str, kept: str) -> None:
    assert Upstream(url=url).url == kept


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a", "//a", "a:80", "http://", "http://u@a", "http://u:s3cret@a", "http://a?b=1"),
        *("http://a#b", "http://a:0", "http://a:", "http://a:65536", "http://a:x", "http://a b"),
        *("http://a\\b", "http://a\r\nb", "http://a/../b", "http://a//b", "http://[::1", ""),
        *(
            "http://1.2.3",
            "http://0x7f.1",
            "http://01.2.3.4",
            "http://a..b",
            "http://a.",
            "http://-a",
        ),
    ],
)
def test_urls_that_no_upstream_can_have(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Upstream(url=url)
    assert "s3cret" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "rule",
    ["api.example.com", "api.example.com:8443", "h:*", "https://h", "https://h:1/v1", "[::1]:80"],
)
def test_host_rules(rule: str) -> None:
    assert load_settings(None, {"APIQL_SECURITY__ALLOW_HOSTS": rule}).security.allow_hosts == (
        rule,
    )


@pytest.mark.parametrize("rule", ["", "*", "*.example.com", "u@h", "h/?q", "ftp://h", "h:", "a b"])
def test_what_is_no_host_rule(conf: Path, rule: str) -> None:
    message = refused(conf, f'security.allow_hosts = ["fine", "{rule}"]')
    assert message.startswith("apiql.toml:1:33: security.allow_hosts[1]: ")


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "a b", "X:Y", ""])
def test_headers_that_nobody_can_set(conf: Path, name: str) -> None:
    text = f'[upstreams.a]\nurl = "http://a"\nheaders = {{ "{name}" = "s3cret" }}'
    message = refused(conf, text)
    assert message.startswith("apiql.toml:3:13: upstreams.a.headers.")
    assert "s3cret" not in message


def test_the_text_of_a_header_is_never_shown(conf: Path) -> None:
    text = '[upstreams.a]\nurl = "http://a"\nheaders.X-Key = "s3cret\\r\\nHost: b"'
    assert refused(conf, text) == (
        "apiql.toml:3:17: upstreams.a.headers.X-Key: the value has a character that no header"
        " takes\n    expected: printable ASCII"
    )
    environ = {"APIQL_UPSTREAMS__A__HEADERS": "s3cret"}
    assert "s3cret" not in refused(conf, '[upstreams.a]\nurl = "http://a"', environ)
    upstream = Upstream(url="http://a", headers={"X-Key": "s3cret"}, proxy="http://u:s3cret@p")
    assert "s3cret" not in repr(upstream)


def test_sources(conf: Path) -> None:
    text = """
        [upstreams.shop]
        url = "https://shop.example/v1"
        list_style = "csv"
        verify = "/etc/ca.pem"
        [upstreams.shop.sources."café"]
        method = "POST"
        path = "/c/{id}?{page}"
        query = { sort = "name", open = true, ids = [1, 2] }
    """
    shop = load_settings(write(conf, text), {}).upstreams["shop"]
    assert (shop.list_style, shop.verify, shop.timeout) == ("csv", "/etc/ca.pem", None)
    assert shop.sources["café"] == Source(
        method="post",
        path="/c/{id}?{page}",
        query={"sort": "name", "open": True, "ids": (1, 2)},
    )


def test_two_sources_of_one_name_are_refused_in_code_too() -> None:
    sources = {"users": Source(path="/users")}
    with pytest.raises(ValidationError, match="source users is in upstreams a and b"):
        Settings(
            upstreams={
                "a": Upstream(url="http://a", sources=sources),
                "b": Upstream(url="http://b", sources=sources),
            }
        )


# The environment


def test_the_environment_wins_over_the_file(conf: Path) -> None:
    write(conf, 'server.port = 1\nserver.host = "a"')
    settings = load_settings(conf, {"APIQL_SERVER__PORT": "2"})
    assert settings.server == Server(host="a", port=2)


@pytest.mark.parametrize("name", ["APIQL_ANSWER__PLAN", "apiql_answer__plan", "Apiql_Answer__Plan"])
def test_names_of_variables_have_no_case(name: str) -> None:
    assert load_settings(None, {name: "true"}).answer.plan is True


@pytest.mark.parametrize(
    ("text", "methods"),
    [
        ("get", ("get",)),
        ("GET, head", ("get", "head")),
        ('["put"]', ("put",)),
        ("[]", ()),
        ("", ()),
    ],
)
def test_lists_in_the_environment(text: str, methods: tuple[str, ...]) -> None:
    settings = load_settings(None, {"APIQL_SECURITY__ALLOW_METHODS": text})
    assert settings.security.allow_methods == methods


def test_text_that_means_something_else_in_toml_stays_text() -> None:
    environ = {
        "APIQL_UPSTREAMS__A__URL": "http://a",
        "APIQL_UPSTREAMS__A__TIMEOUT": "750ms",
        "APIQL_UPSTREAMS__A__HEADERS__X-VERSION": "2024-01-01",
        "APIQL_UPSTREAMS__A__VERIFY": "false",
        "APIQL_UPSTREAMS__A__SOURCES__U__PATH": '"/u"',
        "APIQL_UPSTREAMS__A__SOURCES__U__QUERY": "{ page = 2 }",
        "APIQL_SERVER__HOST": "true",
    }
    settings = load_settings(None, environ)
    upstream = settings.upstreams["a"]
    assert upstream.headers == {"x-version": "2024-01-01"}
    assert (upstream.timeout, upstream.verify) == (0.75, False)
    assert upstream.sources["u"] == Source(path="/u", query={"page": 2})
    assert settings.server.host == "true"


def test_variables_meet_the_names_of_the_file_in_its_own_case(conf: Path) -> None:
    write(conf, '[upstreams.Shop]\nurl = "http://a"\nheaders = { X-Key = "1" }')
    environ = {"APIQL_UPSTREAMS__SHOP__HEADERS__X-KEY": "2"}
    assert load_settings(conf, environ).upstreams["Shop"].headers == {"X-Key": "2"}


def test_variables_of_others_are_left_alone() -> None:
    environ = {"APIQL_PORT": "tcp://10.0.0.1:80", "APIQL_SERVICE_HOST": "10.0.0.1", "HOME": "/"}
    assert load_settings(None, environ) == Settings()


def test_a_value_cannot_bring_other_keys_along() -> None:
    settings = load_settings(None, {"APIQL_SERVER__HOST": '"a"\nport = 1'})
    assert settings.server.port == 8000
