"""`apiql demo`: a shop and the engine over real sockets, three queries, their plans, calls and
answers. Ends with 0 if every answer is the one that is told, with 1 and the difference if not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console

from apiql.definition_files import read_definitions
from apiql.demo import screen
from apiql.demo.queries import EXAMPLES, Example
from apiql.demo.serving import port_name
from apiql.demo.together import SHOP_PORT, Running, together
from apiql.demo.waterfall import rows_of
from apiql.gateways import read_gateways
from apiql.ir.explain import as_tree
from apiql.query_files import read_query_files
from apiql.settings import Endpoints
from apiql.template_files import read_template_files

NOT_AS_TOLD, NO_PORT, INTERRUPTED = 1, 2, 130
MOST_PORT = 65535
FIRST_QUERY = "select name, address.city from users where id = 3"


class Body(msgspec.Struct):
    """An answer, its parts as they were sent."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: msgspec.Raw = msgspec.Raw(b"[]")
    extensions: dict[str, Any] = {}  # msgspec makes a new one for each


def show(stay: bool, port: int, conf: Path | None = None) -> int:
    """Runs the demo and returns its exit code; `stay` keeps it up until it is told to stop. The
    stored queries, templates, definitions and endpoints of a conf folder are served too; the shop
    is then at 9080, where they have it. Settings and rights of the folder are not minded.
    """
    if not 0 <= port <= MOST_PORT:
        return _no_port(str(port), f"ports go from 0 to {MOST_PORT}")
    try:
        return asyncio.run(_show(screen.console(), stay, port, conf))
    except OSError as error:
        return _not_begun(error, port)
    except httpx.HTTPError as error:
        print(f"the engine did not answer: {error!r}", file=sys.stderr)
        return NOT_AS_TOLD
    except KeyboardInterrupt:
        return INTERRUPTED


def _not_begun(error: OSError, port: int) -> int:
    reason = error.strerror or str(error)
    if error.filename == port_name(port):
        return _no_port(str(port), reason)
    hint = ""
    if error.filename == port_name(SHOP_PORT):
        hint = "; the shop that conf/ names has to be there: end what listens, another demo perhaps"
    print(f"{error.filename}: {reason}{hint}", file=sys.stderr)
    return NO_PORT


def _no_port(port: str, reason: str) -> int:
    print(f"port {port}: {reason}; --port 0 takes a free one", file=sys.stderr)
    return NO_PORT


def _served(port: int, conf: Path | None) -> AbstractAsyncContextManager[Running]:
    if conf is None:
        return together(port)
    queries, templates = read_query_files(conf), read_template_files(conf)
    gateways = read_gateways(conf, Endpoints(), os.environ)
    definitions = replace(read_definitions(conf), gateways=gateways)
    return together(
        port, queries=queries, templates=templates, definitions=definitions, shop_port=SHOP_PORT
    )


async def _show(out: Console, stay: bool, port: int, conf: Path | None) -> int:
    told = asyncio.Event()
    with _stopping(told, stay):
        began = time.perf_counter()
        async with _served(port, conf) as running, httpx.AsyncClient(trust_env=False) as client:
            out.print(f"shop    {running.shop}\nengine  {running.url}/apiql")
            wrong = [fault for example in EXAMPLES
                     for fault in await _example(out, client, running, example)]  # fmt: skip
            _end(out, wrong, time.perf_counter() - began)
            if stay and not wrong:
                _invite(out, running, conf)
                await told.wait()
    return NOT_AS_TOLD if wrong else 0


async def _example(
    out: Console, client: httpx.AsyncClient, running: Running, example: Example
) -> list[str]:
    """Asks and shows one example; returns what is not as told."""
    number = EXAMPLES.index(example) + 1
    screen.show_title(out, f"{number}. {example.title}", example.told)
    screen.show_part(out, "query", screen.query_text(example.text))
    plan = running.engine.plan(example.text)
    screen.show_part(out, "plan", screen.query_text(as_tree(plan).rstrip()))
    with out.status("waiting for the answer"):
        answer, took = await _ask(client, running.url, example)
    body = msgspec.json.decode(answer.content, type=Body)
    errors = msgspec.json.decode(body.errors)
    trace = body.extensions.get("trace", ())
    rows = rows_of([task.name for task in plan.tasks], trace, errors)
    screen.show_part(out, "calls", screen.waterfall_text(rows))
    name = f"answer: {answer.status_code} in {took:.0f} ms"
    screen.show_part(out, name, screen.json_text(_indented(body)))
    return _faults(example, answer, errors)


async def _ask(
    client: httpx.AsyncClient, url: str, example: Example
) -> tuple[httpx.Response, float]:
    """The engine's response, and the milliseconds until it was here."""
    asked = {"query": example.text, "params": dict(example.params), "extensions": {"trace": True}}
    began = time.perf_counter()
    answer = await client.post(f"{url}/apiql", json=asked)
    return answer, (time.perf_counter() - began) * 1000


def _indented(body: Body) -> str:
    """The answer without its trace, for people; every digit as it came."""
    pieces = [b'{"data":', bytes(body.data)]
    if bytes(body.errors) != b"[]":
        pieces += [b',"errors":', bytes(body.errors)]
    return screen.folded(msgspec.json.format(b"".join(pieces) + b"}", indent=2).decode())


def _faults(example: Example, answer: httpx.Response, errors: list[dict[str, Any]]) -> list[str]:
    """What is not as the example says."""
    failed = {error.get("task", ""): error["code"] for error in errors}
    expected = {task: code.value for task, code in example.failing.items()}
    faults = [f"answered {answer.status_code} instead of 200"] if answer.status_code != 200 else []
    faults += [f"failed: {failed}, expected: {expected}"] if failed != expected else []
    faults += [f"lacks {piece}" for piece in example.contains if piece not in answer.text]
    return [f"{example.title}: {fault}" for fault in faults]


def _end(out: Console, wrong: list[str], seconds: float) -> None:
    out.print()
    if wrong:
        print("not as told:\n" + "\n".join(f"  {fault}" for fault in wrong), file=sys.stderr)
    else:
        out.print(f"{len(EXAMPLES)} queries answered as told in {seconds:.1f} s")


def _invite(out: Console, running: Running, conf: Path | None) -> None:
    """How to ask for oneself."""
    out.print(f"\nThe engine stays at {running.url}/apiql until Ctrl-C. Ask it:\n")
    out.print(f"curl -s {running.url}/apiql -H 'Content-Type: text/plain' --data '{FIRST_QUERY}'")
    if conf is not None:
        out.print(f"\nThe shop is where {conf} has it, so this answers too:\n")
        out.print(f"apiql run --conf {conf} -e '{FIRST_QUERY}'")


@contextmanager
def _stopping(told: asyncio.Event, stay: bool) -> Iterator[None]:
    """Lets SIGINT and SIGTERM set the event, if the demo stays, instead of ending the process."""
    if not stay:
        yield
        return
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(told.set)) for number in signals
    ]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
