"""T32: whatever comes from outside, a line of the log is one line, bounded, nobody's forgery."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from apiql.access.principal import Principal
from apiql.server.access_lines import line_as
from apiql.server.access_log import AccessLog
from apiql.server.line_writer import LineWriter, Out, Write
from apiql.server.log_lines import FIELDS, MOST, MOST_TRACE, LogLines
from apiql.server.notices import MOST_LINES, LogFilter
from apiql.server.visit import Visit
from apiql.settings import Log, Settings
from tests.server.conf import USER, Folder, running
from tests.server.upstream import Upstream as Up
from tests.server.upstream import upstream

loop = pytest.mark.asyncio(loop_scope="session")
FORGED = '{"time":"2026-01-01T00:00:00.000Z","level":"error","message":"FORGED"}'
EVILS = [
    f"a\n{FORGED}\n", f"a\r\n{FORGED}", f"a\r{FORGED}", f"a\x0b{FORGED}", f"a\x0c{FORGED}",
    f"a\x1c{FORGED}", f"a\x85{FORGED}", f"a\u2028{FORGED}", f"a\u2029{FORGED}",
    "\x1b[2J\x1b[31mred\x1b[0m", "\x9b31mred", "\u202e\u2066gnp.exe", "\x00\x07\x08\x7f",
    '"}\n' + FORGED, '","level":"error","message":"FORGED', "\ud800 lone", "\U000e0041tags",
    "x" * 2**20, ("\n" + FORGED) * 5000, "%s %d %(x)s {0}", "\\n\\u000a",
]  # fmt: skip
names = [f"{number}" for number in range(len(EVILS))]
every_evil = pytest.mark.parametrize("evil", EVILS, ids=names)
every_form = pytest.mark.parametrize("form", ["json", "text"])


@pytest_asyncio.fixture(loop_scope="session")
async def up() -> AsyncIterator[Up]:
    """The upstream."""
    async with upstream() as found:
        yield found


def is_one_line(written: bytes, most: int) -> str:
    """The line, where it is one for everybody who splits lines, printable and bounded."""
    text = written.decode()
    assert text.endswith("\n")
    line = text[:-1]
    assert line.splitlines() == [line]
    assert line.isprintable()
    assert len(line) < most
    return line


def told(form: str, message: str, **fields: object) -> bytes:
    """What a handler writes of a record."""
    stream = io.BytesIO()
    handler = logging.StreamHandler(io.TextIOWrapper(stream, "utf-8", write_through=True))
    handler.setFormatter(LogLines(form))
    record = logging.LogRecord("apiql", logging.ERROR, "f", 1, message, (), None)
    setattr(record, FIELDS, fields)
    handler.handle(record)
    return stream.getvalue()


@every_form
@every_evil
def test_messages_names_and_values(form: str, evil: str) -> None:
    most = 14 * 3 * MOST + 500  # an escape takes up to twelve letters
    line = is_one_line(told(form, evil, x=evil, **{"inner": {"list": [evil]}}), most)
    if form == "json":
        found = json.loads(line)
        assert (found["level"], found["logger"]) == ("error", "apiql")
        assert found.keys() == {"time", "level", "logger", "message", "x", "inner"}
        assert line.isascii()
    is_one_line(told(form, "m", **{evil[:3000]: "v"}), most)


@every_form
@every_evil
def test_exceptions(form: str, evil: str) -> None:
    try:
        raise RuntimeError(evil)
    except RuntimeError as error:
        record = logging.LogRecord(
            "apiql", logging.ERROR, "f", 1, "failed", (), (RuntimeError, error, error.__traceback__)
        )
    line = LogLines(form).format(record) + "\n"
    is_one_line(line.encode(), 14 * MOST_TRACE)


def into(written: bytearray) -> Write:
    """Writes to memory."""

    def write(data: bytes) -> int:
        written.extend(data)
        return len(data)

    return write


@every_form
@every_evil
async def test_lines_of_requests(form: str, evil: str) -> None:
    written = bytearray()
    writer = LineWriter(Out(into(written)), line_as(form))
    access = AccessLog(Settings(log=Log(access=True)), writer, lambda visit: "")
    scope = {"method": evil, "path": evil, "headers": [], "client": (evil, 1)}
    visit = Visit(scope, None, {}, b"id", "/apiql", "text")  # type: ignore[arg-type]
    visit.status, visit.principal = 200, Principal(evil, "jwt")
    access.ended(visit)
    writer.close()
    line = is_one_line(bytes(written), 2 * 14 * MOST + 500)
    if form == "json":
        found = json.loads(line)
        assert found["method"] == "other"
        assert (found["level"], found["message"]) == ("info", "request")


@loop
async def test_over_the_wire(up: Up, tmp_path: Path) -> None:
    folder, written = Folder(tmp_path / "conf", up.port), bytearray()
    folder.settings("[log]\naccess = true\nformat = 'json'")
    folder.query(USER.format(1), "one")
    async with running(folder, written=written) as server:
        for evil in EVILS[:-1]:
            text = evil.encode("utf-8", "replace").decode()[:10_000]
            await server.site.ask(text)
            await server.site.ask(f"select * from /users/1 as a where x = {json.dumps(text)}")
            header = evil.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"")[:999]
            await server.site.raw(
                b"GET /query/one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                b"X-Forwarded-For: 1\r\nX-Request-Id: " + header.replace(b"\x00", b"") + b"\r\n\r\n"
            )
    lines = written.decode().splitlines()
    assert len(lines) > 2 * len(EVILS[:-1])
    assert {json.loads(line)["message"] for line in lines} == {"request"}
    assert "FORGED" not in written.decode()


def test_what_others_log_is_thinned_out_by_its_place() -> None:
    filtering, passed = LogFilter(), 0
    for number in range(MOST_LINES * 4):
        record = logging.LogRecord("asyncio", logging.ERROR, "p", 7, f"evil {number}", (), None)
        passed += filtering.filter(record)
    assert passed == MOST_LINES
