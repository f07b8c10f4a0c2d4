"""Lines of requests and of everything else: what is in them, and that nothing waits for them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from apiql.server.access_lines import Clock, line_as
from apiql.server.access_log import AccessLog
from apiql.server.line_writer import AT_ONCE, LineWriter, Out, chunks, to_file
from apiql.server.log_level import LogLevel
from apiql.server.log_lines import FIELDS, MOST, MOST_TRACE, LogLines, bounded, json_line, text_line
from apiql.server.visit import REQUEST, Mark, Visit
from apiql.settings import Clients, Log, Settings
from tests.server.conf import USER, Folder, Running, running
from tests.server.upstream import Upstream as Up

loop = pytest.mark.asyncio(loop_scope="session")
SECRET = "S3CRET-4711"


async def lines_of(up: Up, tmp_path: Path, log: str, *asked: Any) -> list[Any]:
    """What is written of some requests, by a server with these settings of the log."""
    folder, written = Folder(tmp_path / "conf", up.port), bytearray()
    folder.settings(f"[log]\n{log}")
    folder.query(USER.format(1), "one")
    async with running(folder, written=written) as server:
        for each in asked:
            await each(server)
    return [json.loads(line) for line in written.decode().splitlines()]


async def stored(server: Running) -> None:
    await server.asked("one")


async def text(server: Running) -> None:
    await server.site.ask(f"select name from /users/1 as a where token = '{SECRET}'")


async def nonsense(server: Running) -> None:
    await server.site.ask("select frm")


async def unknown(server: Running) -> None:
    headers = {"X-Request-Id": "mine-1", "Authorization": SECRET, "Cookie": f"a={SECRET}"}
    await server.site.send("GET", f"/query/{SECRET}?token={SECRET}", headers=headers)


async def failing(server: Running) -> None:
    await server.site.ask("select * from /status/500 as a retry 0")


@loop
async def test_a_line_tells_of_a_request(up: Up, tmp_path: Path) -> None:
    one, two, wrong, lost, failed = await lines_of(
        up, tmp_path, "access = true", stored, text, nonsense, unknown, failing
    )
    assert (one["method"], one["route"], one["status"]) == ("GET", "/query/", 200)
    assert (one["query"], one["calls"], one["client"]) == ("one", 1, "127.0.0.1")
    assert one["ms"] > 0
    assert one["bytes"] > 10
    assert (one["message"], one["level"]) == ("request", "info")
    assert (two["route"], two["fingerprint"][:7]) == ("/apiql", "sha256:")
    assert "query" not in two
    assert (wrong["status"], wrong["codes"]) == (400, ["SYNTAX"])
    assert (lost["status"], lost["codes"]) == (404, ["QUERY_NOT_FOUND"])
    assert lost["request_id"] == "mine-1"
    assert failed["codes"] == ["UPSTREAM_STATUS"]


@loop
async def test_nothing_secret_is_in_a_line(up: Up, tmp_path: Path) -> None:
    found = await lines_of(up, tmp_path, "access = true\nslow = 0.000001", text, unknown, nonsense)
    assert len(found) == 3
    assert SECRET not in json.dumps(found)


@loop
async def test_a_fingerprint_is_the_same_for_other_constants(up: Up, tmp_path: Path) -> None:
    async def other(server: Running) -> None:
        await server.site.ask("select  name from /users/1 as a where token = 'other' -- words")

    one, two = await lines_of(up, tmp_path, "access = true", text, other)
    assert one["fingerprint"] == two["fingerprint"]
    assert len(one["fingerprint"]) == 23


@loop
async def test_a_line_names_the_trace(up: Up, tmp_path: Path) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    async def traced(server: Running) -> None:
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        await server.site.send("GET", "/query/one", headers=headers)

    async def in_no_trace(server: Running) -> None:
        headers = {"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}
        await server.site.send("GET", "/query/one", headers=headers)

    found = await lines_of(up, tmp_path, "access = true", traced, in_no_trace, stored)
    assert [line.get("trace_id") for line in found] == [trace, None, None]


@pytest.mark.parametrize("form", ["json", "text"])
def test_each_form_of_a_line_tells_the_same(form: str) -> None:
    record = (
        1_763_000_000.25, b"id-1", "POST", "/apiql", 200, 0.0123456, 7, 2, "10.0.0.1",
        'ann "x"', "jwt", "", "sha256:0123", ("SYNTAX", "INTERNAL"), "4bf9",
    )  # fmt: skip
    line = line_as(form)(record).decode()
    if form == "json":
        assert json.loads(line) == {
            "time": "2025-11-13T02:13:20.250Z", "level": "info", "message": "request",
            "request_id": "id-1", "method": "POST", "route": "/apiql", "status": 200,
            "ms": 12.345, "bytes": 7, "calls": 2, "client": "10.0.0.1",
            "principal": 'ann "x"', "scheme": "jwt", "fingerprint": "sha256:0123",
            "codes": ["SYNTAX", "INTERNAL"], "trace_id": "4bf9",
        }  # fmt: skip
        return
    assert line == (
        "2025-11-13T02:13:20.250Z INFO request request_id=id-1 method=POST route=/apiql"
        ' status=200 ms=12.345 bytes=7 calls=2 principal="ann \\"x\\"" scheme=jwt'
        " client=10.0.0.1 fingerprint=sha256:0123 codes=SYNTAX,INTERNAL trace_id=4bf9\n"
    )


def test_times_of_lines_go_on_and_back() -> None:
    told = Clock().moment
    moments = [0.0, 0.9996, 1.0, 59.9999, 60.001, 59.0]
    assert [told(moment)[14:] for moment in moments] == [
        "00:00.000Z", "00:00.999Z", "00:01.000Z", "00:59.999Z", "01:00.001Z", "00:59.000Z"
    ]  # fmt: skip


@loop
async def test_only_errors_or_nothing(up: Up, tmp_path: Path) -> None:
    (only,) = await lines_of(up, tmp_path, "access = 'errors'", stored, nonsense)
    assert only["status"] == 400
    assert await lines_of(up, tmp_path, "level = 'info'", stored, nonsense) == []


@pytest.mark.parametrize(("shown", "client"), [("network", "127.0.0.0/24"), ("none", None)])
@loop
async def test_less_of_the_address(up: Up, tmp_path: Path, shown: str, client: str | None) -> None:
    (line,) = await lines_of(up, tmp_path, f"access = true\nclient = '{shown}'", stored)
    assert line.get("client") == client


async def noted(log: Log, clients: Clients, *visits: Visit) -> list[Any]:
    """The lines of requests that are over."""
    written: list[bytes] = []

    def write(data: bytes) -> int:
        written.append(data)
        return len(data)

    writer = LineWriter(Out(write), line_as("json"))
    access = AccessLog(Settings(log=log, clients=clients), writer, lambda visit: "")
    for visit in visits:
        access.ended(visit)
    writer.close()
    return [json.loads(line) for line in b"".join(written).splitlines()]


def over(status: int, peer: str | None, *forwarded: str) -> Visit:
    headers = [(b"x-forwarded-for", text.encode()) for text in forwarded]
    scope = {"method": "POST", "headers": headers, "client": (peer, 1) if peer else None}
    visit = Visit(scope, None, dict(headers), b"id", "/apiql", "text")  # type: ignore[arg-type]
    visit.status = status
    return visit


@loop
async def test_who_did_not_wait_is_an_error() -> None:
    visits = [over(status, "10.0.0.1") for status in (200, 399, 0, 400, 503)]
    lines = await noted(Log(access="errors"), Clients(), *visits)
    assert [line["status"] for line in lines] == [0, 400, 503]


@loop
async def test_a_client_behind_a_proxy_and_one_without_an_address() -> None:
    trusted = Clients.model_validate({"trusted_proxies": ["10.0.0.0/8"]})
    visits = [over(200, "10.0.0.1", "1.2.3.4"), over(200, "9.9.9.9", "1.2.3.4"), over(200, None)]
    lines = await noted(Log(access=True), trusted, *visits)
    assert [line.get("client") for line in lines] == ["1.2.3.4", "9.9.9.9", None]
    lines = await noted(Log(access=True, client="network"), Clients(), *visits)
    assert [line.get("client") for line in lines] == ["10.0.0.0/24", "9.9.9.0/24", None]


@loop
async def test_streams_have_lines_too(up: Up, tmp_path: Path) -> None:
    async def stream(server: Running) -> None:
        headers = {"Accept": "application/x-ndjson", "Content-Type": "text/plain"}
        query = b"select * from /users/1 as a; select * from /status/500 as b retry 0"
        await server.site.send("POST", "/apiql", query, headers)

    (line,) = await lines_of(up, tmp_path, "access = true", stream)
    assert (line["calls"], line["codes"]) == (2, ["UPSTREAM_STATUS"])
    assert line["bytes"] > 20


@loop
async def test_what_is_told_follows_a_reload(up: Up, tmp_path: Path) -> None:
    folder, written = Folder(tmp_path / "conf", up.port), bytearray()
    folder.settings()
    folder.query(USER.format(1), "one")
    async with running(folder, written=written) as server:
        await stored(server)
        folder.settings("[log]\naccess = true")
        await server.reloader.reload()
        await stored(server)
    assert len(written.splitlines()) == 1


# -- the writer -----------------------------------------------------------------------------------


async def test_who_does_not_read_holds_nobody_up() -> None:
    let_go, taken = threading.Event(), bytearray()

    def write(data: bytes) -> int:
        assert let_go.wait(30)
        taken.extend(data)
        return len(data)

    writer = LineWriter(Out(write), bytes, most=100)
    for number in range(1000):
        writer.add(b"%d\n" % number)
        if number == 50:
            writer.flush()
    assert writer.dropped == 900
    let_go.set()
    writer.close()
    assert taken == b"".join(b"%d\n" % number for number in range(100))


async def test_a_pipe_whose_reader_is_gone_drops_and_counts() -> None:
    reader, number = os.pipe()
    os.close(reader)
    writer = LineWriter(to_file(number), bytes)
    for _ in range(10):
        writer.add(b"line\n")
    writer.close()
    os.close(number)
    assert writer.dropped == 10


async def test_a_pipe_that_does_not_block_takes_all() -> None:
    reader, number = os.pipe()
    os.set_blocking(number, False)
    writer, line = LineWriter(to_file(number), bytes), b"x" * 99 + b"\n"
    for _ in range(2000):
        writer.add(line)
    writer.flush()
    read = await asyncio.to_thread(_read, reader, 200_000)
    writer.close()
    assert read == line * 2000
    assert writer.dropped == 0
    os.close(number)
    os.close(reader)


async def test_a_pipe_that_is_read_needs_no_thread() -> None:
    reader, number = os.pipe()
    writer, line = LineWriter(to_file(number), bytes), b"x" * 99 + b"\n"
    before = {*threading.enumerate()}
    for _ in range(50):
        for _ in range(100):
            writer.add(line)
        writer.flush()
        assert await asyncio.to_thread(_read, reader, 10_000) == line * 100
    assert not [each for each in {*threading.enumerate()} - before if each.name == "lines"]
    writer.close()
    os.close(number)
    os.close(reader)


async def test_what_is_not_taken_at_once_stays_in_order() -> None:
    taken, room, let_go = bytearray(), [250], threading.Event()

    def at_once(data: bytes) -> int:
        size = room.pop() if room else len(data)
        taken.extend(data[:size])
        return size

    def write(data: bytes) -> int:
        assert let_go.wait(30)
        taken.extend(data)
        return len(data)

    writer = LineWriter(Out(write, at_once), b"%09d\n".__mod__)
    for number in range(3000):
        writer.add(number)
        if number % 1000 == 999:
            writer.flush()
    let_go.set()
    writer.close()
    assert taken == b"".join(b"%09d\n" % number for number in range(3000))
    assert writer.dropped == 0


@pytest.mark.parametrize("error", [OSError(95, "not supported"), BrokenPipeError()])
async def test_who_cannot_write_at_once_is_not_asked_again(error: OSError) -> None:
    taken, asked = bytearray(), [0]

    def at_once(data: bytes) -> int:
        asked[0] += 1
        raise error

    def write(data: bytes) -> int:
        taken.extend(data)
        return len(data)

    writer = LineWriter(Out(write, at_once), bytes)
    for _ in range(3):
        writer.add(b"line\n")
        writer.close()
    assert taken == b"line\n" * 3
    assert asked == [1]


async def test_lines_on_disk_are_written_together(tmp_path: Path) -> None:
    number = os.open(tmp_path / "lines", os.O_WRONLY | os.O_CREAT)
    writer, line = LineWriter(to_file(number), bytes), b"x" * 99 + b"\n"
    for _ in range(2000):
        writer.add(line)
    writer.close()
    os.close(number)
    assert (tmp_path / "lines").read_bytes() == line * 2000


def _read(number: int, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += os.read(number, 65536)
    return found


def test_lines_are_never_torn() -> None:
    lines = [b"x" * size + b"\n" for size in (10, 4000, 200, 9000, 1, 1)]
    found = [*chunks(lines)]
    assert b"".join(chunk for chunk, _ in found) == b"".join(lines)
    assert [count for _, count in found] == [2, 1, 1, 2]
    assert all(len(chunk) <= AT_ONCE or count == 1 for chunk, count in found)
    assert all(chunk.endswith(b"\n") for chunk, _ in found)


# -- how records are written ----------------------------------------------------------------------


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    found = logging.LogRecord("apiql", logging.WARNING, "f", 1, message, args, None)
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_a_record_as_json_and_as_text() -> None:
    found = json.loads(LogLines("json").format(record("hello %s", "you", **{FIELDS: {"n": 1}})))
    assert found["time"].endswith("Z")
    del found["time"]
    assert found == {"level": "warning", "logger": "apiql", "message": "hello you", "n": 1}
    line = LogLines("text").format(record("hello %s", "you", **{FIELDS: {"n": 1, "t": "a b"}}))
    assert line.endswith(' WARNING hello you logger=apiql n=1 t="a b"')


def test_arguments_that_do_not_fit_do_not_lose_the_line() -> None:
    assert "of %d things" in LogLines("json").format(record("of %d things", "many"))


def test_a_traceback_is_a_field() -> None:
    try:
        raise ValueError("in the\nmiddle")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    for form in ("json", "text"):
        line = LogLines(form).format(record("failed", exc_info=info))
        assert line.isprintable()
        assert "Traceback (most recent call last):\\n" in line


def test_of_a_long_traceback_the_end_is_told() -> None:
    try:
        raise ValueError("x" * 10_000 + "the reason")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    line = LogLines("json").format(record("failed", exc_info=info))
    told = json.loads(line)["exception"]
    assert len(told) == MOST_TRACE
    assert told.endswith("the reason")


@pytest.mark.parametrize("value", ["a=b", 'a"b', "a\\b", "a b", "a\nb"])
def test_a_value_that_could_be_read_otherwise_stands_in_quotes(value: str) -> None:
    line = LogLines("text").format(record("hello", **{FIELDS: {"t": value, "u": "plain"}}))
    assert f" t={json.dumps(value)} u=plain" in line


async def test_the_request_id_is_in_what_is_told_within_it() -> None:
    REQUEST.set(Mark(b"abc-1", "text"))
    assert json.loads(LogLines("json").format(record("x")))["request_id"] == "abc-1"
    other = await asyncio.create_task(asyncio.to_thread(LogLines("json").format, record("x")))
    assert json.loads(other)["request_id"] == "abc-1"


@loop
async def test_a_bug_is_told_with_the_request_id(
    up: Up, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(visit: Visit) -> None:
        raise RuntimeError("a bug")

    async def ask(server: Running) -> None:
        server.current.held.guards = (broken,)
        await server.site.send("GET", "/apiql", headers={"X-Request-Id": "mine-2"})

    caplog.handler.setFormatter(LogLines("json"))
    (line,) = await lines_of(up, tmp_path, "access = true", ask)
    assert (line["status"], line["codes"], line["request_id"]) == (500, ["INTERNAL"], "mine-2")
    told = [json.loads(each) for each in caplog.text.splitlines() if "a bug" in each]
    assert [each["request_id"] for each in told] == ["mine-2"]
    assert "RuntimeError: a bug" in told[0]["exception"]


def test_fields_are_cut() -> None:
    assert len(bounded("x" * 10_000)) == MOST
    found = bounded({"a": {"b": ["x" * 10_000]}})
    assert len(found["a"]["b"][0]) == MOST
    for write in (json_line, text_line):
        fields = {"time": "t", "level": "info", "message": "m", "x": "y" * 10_000}
        assert len(write(bounded(fields))) < MOST + 100


# -- the level ------------------------------------------------------------------------------------


async def test_a_level_falls_back_by_itself() -> None:
    applied: list[str] = []
    level = LogLevel(Settings(), applied.append)
    level.turn("debug", 0.01)
    assert level.now == "debug"
    async with asyncio.timeout(20):
        while level.now != "info":  # noqa: ASYNC110  # a timer ends it
            await asyncio.sleep(0.005)
    assert applied == ["debug", "info"]


async def test_a_reload_does_not_end_another_level_early() -> None:
    applied: list[str] = []
    level = LogLevel(Settings(), applied.append)
    level.turn("debug", 60)
    level.settle(Settings(log=Log(level="error")))
    assert applied == ["debug"]
    level.end()
    assert applied == ["debug", "error"]
