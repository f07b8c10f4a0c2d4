"""What is told in the log: a line each, never a flood, nothing that could be taken for a line."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import get_args

import pytest

from apiql.events import (
    ArchiveMoved,
    AsideFailed,
    CallerRefused,
    CircuitMoved,
    ConfLoaded,
    ConfRefused,
    DefinitionsBroken,
    FolderMissing,
    HostMoved,
    KeysMoved,
    Notice,
    StoreMoved,
    UnknownQuery,
)
from apiql.server.notices import MOST_KINDS, MOST_LINES, MOST_SHOWN, LogFilter, NoticeLog, Thinning
from apiql.server.serve import log_config
from apiql.settings import Log

SAMPLES: list[Notice] = [
    UnknownQuery("sha256:1", "select a\nfrom /b"),
    AsideFailed("tell", "UPSTREAM_STATUS: answered\n500"),
    CircuitMoved("http://a", "open", "5 calls\nin a row failed"),
    CircuitMoved("http://a", "closed", "by hand", "ac\nme"),
    HostMoved("shop", "http://a:1", False, "status\n503"),
    HostMoved("shop", "http://a:1", True, "it answered again", "ac\nme"),
    StoreMoved(False, "no answer\nwithin 50 ms"),
    ConfLoaded("abc", ("server.port",)),
    ConfRefused(("apiql.toml:1:2: this is no TOML", "queries/a.apiql: is not UTF-8")),
    CallerRefused("jwt", "the time of the token\nis over", "10.0.0.7"),
    KeysMoved("main", False, "it answers\n500"),
    ArchiveMoved("https://a/conf.zip", False, "it answers\n404"),
    FolderMissing("legacy.apis", "/srv\n/apis"),
    DefinitionsBroken(("flows/a.json:1:2: $.x: found \ny", "and 3 more"), "acme"),
]


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The lines of the log so far."""
    caplog.set_level(logging.INFO, "apiql")
    return lambda: [record.getMessage() for record in caplog.records]


def test_every_kind_of_notice_has_its_sample() -> None:
    kinds = get_args(Notice) or (Notice,)
    assert {type(sample) for sample in SAMPLES} == set(kinds)


@pytest.mark.parametrize("notice", SAMPLES, ids=lambda notice: type(notice).__name__)
def test_each_is_one_line(notice: Notice, lines: Callable[[], list[str]]) -> None:
    NoticeLog()(notice)
    (line,) = lines()
    assert line.isprintable()


def test_what_they_say(lines: Callable[[], list[str]]) -> None:
    tell = NoticeLog()
    for sample in (*SAMPLES, ConfLoaded("def")):
        tell(sample)
    assert lines() == [
        r'a query that is not stored: sha256:1 "select a\nfrom /b"',
        r"tell, begun aside, failed: UPSTREAM_STATUS: answered\n500",
        r"the circuit of http://a is open: 5 calls\nin a row failed",
        r"bucket ac\nme: the circuit of http://a is closed: by hand",
        r"upstream shop: http://a:1 is passed by: status\n503",
        r"bucket ac\nme: upstream shop: http://a:1 is used again: it answered again",
        r"the store is left alone, each process keeps its own: no answer\nwithin 50 ms",
        "configuration abc is in force; a restart is needed for server.port",
        "the new configuration is refused, the last good one stays in force: "
        "apiql.toml:1:2: this is no TOML; queries/a.apiql: is not UTF-8",
        r"a request of 10.0.0.7 does not prove who asks by jwt: the time of the token\nis over",
        r"the keys of the issuer main cannot be fetched: it answers\n500",
        r"the archive of https://a/conf.zip cannot be used, what is here already goes on: "
        r"it answers\n404",
        r"legacy.apis names /srv\n/apis, which is no folder: the usual one is read",
        r"bucket acme: what is broken is not served: flows/a.json:1:2: $.x: found \ny; and 3 more",
        "configuration def is in force",
    ]


def test_control_characters_are_escaped(lines: Callable[[], list[str]]) -> None:
    evil = "a\nERROR: forged\r\x1b[31m\u2028\u202e\x00\x85 gr\u00fc\u00df"
    NoticeLog()(ConfRefused((evil,)))
    (line,) = lines()
    assert line.isprintable()
    assert line.endswith(
        r"a\nERROR: forged\r\x1b[31m\u2028\u202e\x00\x85 gr\u00fc\u00df".replace(
            r"\u00fc\u00df", "\u00fc\u00df"
        )
    )


def test_a_kind_is_thinned_out_and_counted(lines: Callable[[], list[str]]) -> None:
    clock = Clock()
    tell = NoticeLog(clock)
    for number in range(MOST_LINES + 12):
        tell(UnknownQuery(f"id{number}", "x"))
    tell(ConfLoaded("abc"))
    assert len(lines()) == MOST_LINES + 1, "another kind is not held back"
    clock.now = 60.0
    tell(UnknownQuery("later", "x"))
    tell(UnknownQuery("latest", "x"))
    assert lines()[-2:] == [
        'a query that is not stored: later "x" (and 12 more like it before)',
        'a query that is not stored: latest "x"',
    ]


def test_what_was_held_back_is_told_when_it_comes_again(lines: Callable[[], list[str]]) -> None:
    clock = Clock()
    tell = NoticeLog(clock)
    for number in range(MOST_LINES + 1):
        tell(UnknownQuery(f"id{number}", "x"))
    clock.now = 61.0
    tell(UnknownQuery("id0", "x"))
    tell(UnknownQuery(f"id{MOST_LINES}", "x"))
    assert [line for line in lines()[MOST_LINES:] if f"id{MOST_LINES} " in line]
    assert len(lines()) == MOST_LINES + 1, "id0 was told already"


def test_kinds_are_bounded() -> None:
    thinning = Thinning(lambda: 0.0)
    for number in range(MOST_KINDS + 10):
        thinning.passes(str(number))
    assert len(thinning._kinds) == MOST_KINDS


def test_lines_of_others_are_thinned_out_by_their_place() -> None:
    found = LogFilter()
    texts = itertools.count()

    def record(line: int) -> logging.LogRecord:
        text = f"socket.accept() failed: {next(texts)}"
        return logging.LogRecord("asyncio", logging.ERROR, "a.py", line, text, (), None)

    passed = [found.filter(record(1)) for _ in range(10_000)]
    assert sum(passed) == MOST_LINES
    assert found.filter(record(2))


def test_a_notice_is_not_thinned_out_twice() -> None:
    found = LogFilter()
    for _ in range(MOST_LINES * 2):
        record = logging.LogRecord("apiql", logging.INFO, "a.py", 1, "x", (), None)
        record.thinned = True
        assert found.filter(record)


def test_the_server_writes_them(capsys: pytest.CaptureFixture[str]) -> None:
    config = log_config(Log())
    assert set(config["loggers"]) >= {"apiql", "asyncio", "uvicorn", "uvicorn.error"}
    assert config["handlers"]["default"]["filters"] == ["thinned"]


def test_of_a_long_text_the_beginning_is_told(lines: Callable[[], list[str]]) -> None:
    NoticeLog()(UnknownQuery("sha256:1", "x" * MOST_SHOWN + "the end"))
    (line,) = lines()
    assert line.count("x") == MOST_SHOWN
    assert "the end" not in line
