"""`apiql demo`: what it prints, how it ends, how it stays."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from apiql.demo import show as show_module
from apiql.demo.queries import EXAMPLES, HOME, JOIN, WRONG
from apiql.demo.screen import folded
from apiql.demo.show import show
from apiql.demo.waterfall import Row, lines_of, rows_of

PARTS = ("query", "plan", "calls", "answer: 200")


@pytest.fixture(scope="module")
def printed() -> str:
    out, wrong = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(wrong):
        assert show(stay=False, port=0) == 0
    assert wrong.getvalue() == ""
    return out.getvalue()


def part(printed: str, title: str, name: str) -> str:
    """The lines of a named part below a title."""
    below = printed.partition(title)[2].partition(f"\n{name}")[2].partition("\n")[2]
    lines: list[str] = []
    for line in below.split("\n"):
        if line and not line.startswith("  "):
            break
        lines.append(line[2:])
    return "\n".join(lines).strip("\n")


# -- what is printed ----------------------------------------------------------------------------


def test_each_query_is_shown_with_plan_calls_and_answer(printed: str) -> None:
    for number, example in enumerate(EXAMPLES, 1):
        title = f"{number}. {example.title}\n{example.told}"
        assert title in printed
        assert all(part(printed, title, name) for name in PARTS)
        assert part(printed, title, "query") == example.text
    assert printed.rstrip().split("\n")[-1].startswith("3 queries answered as told in ")


def test_nothing_is_coloured_in_a_pipe(printed: str) -> None:
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert not [line for line in printed.split("\n") if line != line.rstrip()]


def test_the_plan_is_a_tree(printed: str) -> None:
    assert part(printed, JOIN.title, "plan").split("\n") == [
        "plan: 2 tasks, at most 2 upstream calls, depth 2",
        "└─ api2: POST default /soa/10225/getHealth",
        "   └─ api1: POST default /soa/10225/getHealth",
    ]


def test_the_answers_are_those_of_the_shop_digit_by_digit(printed: str) -> None:
    first = json.loads(part(printed, JOIN.title, "answer"))
    assert first == {"data": {"api1": {"name": "Ray", "age": 24}, "api2": {"id": 15}}}
    home = part(printed, HOME.title, "answer")
    assert '"price": 19.50' in home
    data = json.loads(home)["data"]
    assert list(data) == ["user", "weather", "items", "spending", "picks"]
    assert "password" not in data["user"]
    assert data["spending"] == {"orders": 3, "spent": 348.7}


def test_what_went_wrong_is_told_as_the_interfaces_told_it(printed: str) -> None:
    answer = json.loads(part(printed, WRONG.title, "answer"))
    assert {name for name, value in answer["data"].items() if value} == {"item"}
    stock, weather, picks, best = answer["errors"]
    assert stock["upstream"]["body"]["error"]["code"] == "WAREHOUSE_DOWN"
    assert (weather["status"], weather["warning"]) == (404, True)
    assert (picks["code"], best["cause"]) == ("UPSTREAM_TIMEOUT", "picks")


def test_the_waterfall_is_in_the_order_of_the_plan_and_to_scale(printed: str) -> None:
    bars = waterfall(part(printed, HOME.title, "calls"))
    assert list(bars) == ["user", "cart", "spending", "picks", "weather", "items", "visit"]
    together = [bars[name][0] for name in ("user", "cart", "spending", "picks")]
    assert max(together) <= min(bars["weather"][0], bars["items"][0])
    assert bars["weather"][0] >= bars["user"][1] - 1
    assert bars["items"][0] >= bars["cart"][1] - 1
    assert bars["visit"][0] >= max(bars["user"][1], bars["items"][1]) - 1
    assert bars["picks"][1] == 40
    first, second = waterfall(part(printed, JOIN.title, "calls")).items()
    assert (first[0], second[0]) == ("api2", "api1")
    assert second[1][0] >= first[1][1] - 1


def waterfall(text: str) -> dict[str, tuple[int, int]]:
    """The first and the last column of each bar."""
    left = text.index("0 ms")
    rows = [line for line in text.split("\n") if "█" in line]
    return {row.split()[0]: (row.index("█") - left, row.rindex("█") + 1 - left) for row in rows}


def test_a_task_that_was_not_called_stands_in_the_waterfall(printed: str) -> None:
    lines = part(printed, WRONG.title, "calls").split("\n")
    assert [line.split()[0] for line in lines[1:]] == ["item", "stock", "weather", "picks", "best"]
    assert lines[2].endswith("503 UPSTREAM_STATUS")
    assert lines[4].endswith("ms  UPSTREAM_TIMEOUT")
    assert lines[5].endswith("not called: picks failed")


# -- the parts ----------------------------------------------------------------------------------


def test_bars_have_one_scale_and_a_short_one_is_seen() -> None:
    rows = [Row("a", 0, 50, "200"), Row("bc", 50, 50, "200"), Row("d", 100, 0.01, "503 X")]
    assert lines_of(rows, 10) == [
        "    0 ms100 ms",
        "a   █████        50.0 ms  200",
        "bc       █████   50.0 ms  200",
        "d            █    0.0 ms  503 X",
    ]
    assert lines_of([], 10) == ["  0 ms  0 ms"]


def test_rows_are_the_tasks_of_the_plan_with_their_calls_and_errors() -> None:
    trace = [{"task": "b", "start": 1.5, "duration": 2, "status": 404}]
    errors: list[dict[str, Any]] = [
        {"task": "b", "code": "X", "warning": True},
        {"task": "a", "cause": "b"},
        {},
    ]
    rows = rows_of(["a", "b"], trace, errors)
    assert rows == [Row("a", 0, None, "not called: b failed"), Row("b", 1.5, 2, "404 X", True)]
    assert not any(row.well for row in rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{\n  "a": [\n    1,\n    2\n  ]\n}', '{"a": [1, 2]}'),
        ('{\n  "a": []\n}', '{"a": []}'),
        ('[\n  "]",\n  "{"\n]', '["]", "{"]'),
        (f'[\n  "{"x" * 96}"\n]', f'[\n  "{"x" * 96}"\n]'),
    ],
)
def test_json_is_folded_where_it_fits(text: str, expected: str) -> None:
    assert folded(text) == expected


# -- how it ends --------------------------------------------------------------------------------


def test_an_answer_that_is_not_as_told_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(JOIN, contains=('"id":16',), failing={"api1": WRONG.failing["best"]})
    monkeypatch.setattr(show_module, "EXAMPLES", (other,))
    assert show(stay=False, port=0) == 1
    told = capsys.readouterr().err
    assert told.startswith("not as told:\n  One call feeds another: failed: {}, expected: {'api1'")
    assert '  One call feeds another: lacks "id":16\n' in told


def test_a_port_that_is_taken_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert show(stay=False, port=port) == 2
    assert capsys.readouterr().err == (
        f"port {port}: Address already in use; --port 0 takes a free one\n"
    )
    assert show(stay=False, port=70000) == 2
    assert capsys.readouterr().err.startswith("port 70000: ports go from 0 to 65535")


def test_what_is_wrong_beside_the_port_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(show_module, "SHOP_PORT", port)
        assert show(stay=False, port=0, conf=tmp_path) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"port {port}: Address already in use; the shop that conf/ names")
    monkeypatch.setattr(show_module, "read_query_files", lambda conf: (conf / "no").stat())
    assert show(stay=False, port=0, conf=tmp_path) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'no'}: No such file or directory\n"


# -- how it stays -------------------------------------------------------------------------------


@contextmanager
def staying(encoding: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that stays, in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "NO_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-m", "apiql", "demo", "--serve"],
        env={**kept, "PYTHONIOENCODING": encoding, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding=encoding,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_it_stays_until_ctrl_c_and_escapes_the_letters_that_its_output_lacks() -> None:
    with staying("ascii") as process:
        *lines, curl = up_to_curl(process)
        assert any(r"\u4e0a\u6d77" in line for line in lines)
        answer = as_curl(curl).json()
        assert answer == {"data": {"users": {"name": "李雷", "address": {"city": "Lagos"}}}}
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
        assert (process.returncode, told) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_both_signals_tell_it_to_stop_and_are_given_back(number: signal.Signals) -> None:
    told, before = asyncio.Event(), signal.getsignal(number)
    with show_module._stopping(told, True):
        assert signal.getsignal(number) is not before
        signal.raise_signal(number)
        await asyncio.wait_for(told.wait(), 5)
    assert signal.getsignal(number) is before


def up_to_curl(process: subprocess.Popen[str]) -> list[str]:
    """What is printed, up to the line with curl."""
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("curl "):
            break
    return lines


def as_curl(line: str) -> httpx.Response:
    """The request of a curl line `curl -s URL -H 'Name: value' --data 'body'`."""
    program, quiet, url, _, header, _, body = shlex.split(line)
    assert (program, quiet) == ("curl", "-s")
    name, _, value = header.partition(": ")
    return httpx.post(url, headers={name: value}, content=body.encode(), trust_env=False)
