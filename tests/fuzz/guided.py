"""A target under atheris, in a process of its own: libFuzzer ends the one it runs in.

python -m tests.fuzz.guided query folder -max_total_time=60
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from tests.fuzz.target import MOST

SPARE_S = 300
HANGS_S = 30
"""After so many seconds an input is a finding, however slow the machine is."""
RUNS = re.compile(r"number_of_executed_units: *([0-9]+)")


def guided(name: str, seconds: float, findings: Path) -> int:
    """Runs a target for so long; how many inputs were tried. What fails is in the folder then."""
    findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        options = [f"-max_total_time={max(1, round(seconds))}", f"-max_len={MOST}", "-verbosity=0"]
        options += [f"-timeout={HANGS_S}"]
        options += [f"-artifact_prefix={findings.absolute()}/{name}-", "-print_final_stats=1"]
        command = [sys.executable, "-m", "tests.fuzz.guided", name, corpus, *options]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds + HANGS_S + SPARE_S,
            check=False,
        )
    if done.returncode:
        print(done.stdout + done.stderr[-4000:], file=sys.stderr)
    units = RUNS.search(done.stdout + done.stderr)
    return int(units[1]) if units else 0


def main(name: str, corpus: str, options: list[str]) -> None:
    """Begins with the target's own seeds."""
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["apiql"]):
        targets = import_module("tests.fuzz.targets").TARGETS
    target = targets[name]
    for number, seed in enumerate(target.seeds()):
        (Path(corpus) / str(number)).write_bytes(seed)
    atheris.Setup([sys.argv[0], corpus, *options], target.hold)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
