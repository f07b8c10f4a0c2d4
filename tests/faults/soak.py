"""Load for as long as you like against `apiql serve` and an upstream that misbehaves.

    python -m tests.faults.soak --scenario mixed --minutes 30 --clients 200

prints what it saw, appends it to benchmarks/soak.md, and ends with 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shlex
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.faults.redis_server import RedisServer, redis_server
from tests.faults.running import ROOT, conf_text, faulty, served, unguarded
from tests.faults.scenarios import SCENARIOS, Finding, Ground

WRITTEN = ROOT / "benchmarks" / "soak.md"
CLIENTS = {"mixed": 200, "overload": 600, "hammer": 600, "clients2000": 2000}
THINK = {"mixed": 0.5, "sigterm": 0.01, "reload": 0.01, "redis": 0.01}
LIMITS = {"mixed": {"call_timeout": "2s", "query_timeout": "5s"}}
BAD_LINES = ("Traceback", "never retrieved", "was destroyed")


def main() -> int:
    options = _options()
    _allow_files()
    with tempfile.TemporaryDirectory() as folder, redis_server() as redis:
        findings = run(options, Path(folder), redis if options.scenario == "redis" else None)
    text = report(options, findings)
    print(text)
    if options.write:
        with WRITTEN.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
    return int(any(finding.holds is False for finding in findings))


def run(options: argparse.Namespace, conf: Path, redis: RedisServer | None) -> list[Finding]:
    """The scenario, and what the server said meanwhile."""
    more = dict(setting.partition("=")[::2] for setting in options.setting)
    if redis is not None:
        more.setdefault("STORE__URL", redis.url)
    environment = {f"APIQL_{name}": value for name, value in more.items()}
    limits = LIMITS.get(options.scenario, {})
    with faulty() as faults, tempfile.TemporaryFile() as said:
        (conf / "apiql.toml").write_text(conf_text(faults, limits, *unguarded()), encoding="utf-8")
        with served(conf, environment, said.fileno()) as server:
            ground = Ground(
                faults, server, conf, redis, options.minutes * 60, options.clients,
                options.think, options.leaving,
            )  # fmt: skip
            findings = uvloop.run(carried_out(options.scenario, ground))
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").splitlines()
    bad = [line for line in lines if any(word in line for word in BAD_LINES)]
    for line in lines if bad else ():
        print(line, file=sys.stderr)
    return [*findings, Finding("tracebacks and lost tasks in its log", str(len(bad)), not bad)]


async def carried_out(scenario: str, ground: Ground) -> list[Finding]:
    """What the scenario found."""
    return await SCENARIOS[scenario](ground)


def report(options: argparse.Namespace, findings: Sequence[Finding]) -> str:
    """A dated table."""
    words = {True: "yes", False: "**NO**", None: ""}
    command = shlex.join(["python", "-m", "tests.faults.soak", *sys.argv[1:]])
    load = " / ".join(f"{value:.1f}" for value in os.getloadavg())
    return "\n".join(
        (
            f"## {datetime.now(UTC):%Y-%m-%d %H:%M} {options.scenario}",
            "",
            f"`{command}`, Python {platform.python_version()}, {os.cpu_count()} cores shared with "
            f"the load, load average at the end {load}.",
            "",
            "| what | seen | as promised |",
            "|---|---|---|",
            *(f"| {each.name} | {each.value} | {words[each.holds]} |" for each in findings),
        )
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--scenario", choices=SCENARIOS, default="mixed")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=0)
    parser.add_argument("--think", type=float, default=-1, help="seconds between two queries")
    parser.add_argument("--leaving", type=float, default=0.05, help="share of clients that leave")
    parser.add_argument("--setting", action="append", default=[], metavar="LIMITS__TASKS=5")
    parser.add_argument("--no-write", dest="write", action="store_false")
    options = parser.parse_args()
    options.clients = options.clients or CLIENTS.get(options.scenario, 100)
    if options.think < 0:
        options.think = THINK.get(options.scenario, 0.0)
    return options


def _allow_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
