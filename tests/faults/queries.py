"""What the clients of a soak ask; every query says what must be in its answer."""

from __future__ import annotations

import itertools
import json
from random import Random

from tests.faults.load import Ask
from tests.faults.upstream import FAULTS

HEALTHY = [fault.example for fault in FAULTS if fault.expected == "data"]
FAULTY = [fault.example for fault in FAULTS if fault.expected != "data"]
WELL = {"a": {"id": "1"}, "b": {"id": "2"}}
AROUND = "select id from /obj/1 as a; select id from /obj/2 as b"


def mixed(seed: int, share: float = 0.35) -> Ask:
    """Two healthy tasks beside a healthy or a faulty one."""
    random = Random(seed)

    def ask() -> tuple[str, dict[str, object]]:
        source = random.choice(FAULTY if random.random() < share else HEALTHY)
        return f"{AROUND}; select * from {source} as f", dict(WELL)

    return ask


def distinct(path: str) -> Ask:
    """One query with another parameter each time: no two are the same call."""
    numbers, text = itertools.count(), f"select ok from {path} as a where n = $n"

    def ask() -> tuple[str, dict[str, object]]:
        return json.dumps({"query": text, "params": {"n": next(numbers)}}), {}

    return ask


def objects(clause: str = "") -> Ask:
    """One of a thousand objects, which says by itself which it is."""
    numbers = itertools.count()

    def ask() -> tuple[str, dict[str, object]]:
        number = str(next(numbers) % 1000)
        return f"select id from /obj/{number} as a {clause}", {"a": {"id": number}}

    return ask
