"""The longer run: `python -m tests.fuzz --minutes 10 [--target query] [--findings folder]`.

With atheris (`pip install 'apiql[fuzz]'`) mutations are led by what code they reach, without it
they are made blindly of the product's own cases. Inputs that fail are written to a folder; exit 1
if there are any.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from random import Random

from tests.fuzz.guided import guided
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

MOST_FINDINGS = 20
"""Of one target, one for each place in the code."""


def main(arguments: list[str] | None = None) -> int:
    """Runs each target for its part of the time."""
    told = parser().parse_args(arguments)
    chosen = [TARGETS[name] for name in told.target or TARGETS]
    led = find_spec("atheris") is not None if told.engine == "auto" else told.engine == "atheris"
    seconds = told.minutes * 60 / len(chosen)
    found = 0
    for target in chosen:
        before = len(list(told.findings.glob(f"{target.name}-*")))
        half = seconds / 2 if led else seconds
        runs = blind(target, half, Random(told.seed), told.findings)
        if led:
            runs += guided(target.name, half, told.findings)
        more = len(list(told.findings.glob(f"{target.name}-*"))) - before
        found += more
        way = ", half of the time led by coverage" if led else ""
        print(
            f"{target.name:12} {runs:9,} inputs in {seconds:.0f} s{way}: {more} findings",
            flush=True,
        )
    print(f"{found} findings" + (f" in {told.findings}" if found else ""))
    return 1 if found else 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    found.add_argument("--minutes", type=float, default=10, help="of all targets together")
    found.add_argument("--target", action="append", choices=TARGETS, help="one alone, or some")
    found.add_argument("--engine", choices=("auto", "atheris", "blind"), default="auto")
    found.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    found.add_argument("--seed", type=int, default=None, help="the same inputs again")
    return found


def blind(target: Target, seconds: float, random: Random, findings: Path) -> int:
    """Tries mutated seeds until the time is over; how many."""
    seeds = target.seeds()
    until, runs = time.monotonic() + seconds, 0
    known: set[str] = set()
    while time.monotonic() < until and len(known) < MOST_FINDINGS:
        runs += 1
        data = seeds[runs - 1] if runs <= len(seeds) else mutated(random, seeds, target.words)
        try:
            target.hold(data)
        except Exception:
            told = traceback.format_exc()
            place = told.rsplit("  File ", 1)[-1].split("\n", 1)[0]
            if place not in known:
                known.add(place)
                keep(target.name, data, told, findings)
    return runs


def keep(name: str, data: bytes, told: str, findings: Path) -> None:
    """Writes an input that fails, and how."""
    findings.mkdir(parents=True, exist_ok=True)
    file = findings / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    file.write_bytes(data)
    file.with_name("why-" + file.name).write_text(told)
    print(f"{name}: {data[:200]!r}\n{told}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
