"""Any bytes and any document are taken or refused; what is taken can be loaded and run."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apiql.engine import Engine
from apiql.errors import CallFailed, Code, QueryRefused
from apiql.importers import bring
from apiql.importers.formats import Format
from apiql.importers.imported import ImportRefused
from apiql.importers.yaml_documents import yaml_document
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from tests.importers.describing import DATA, HOSTS, samples_of

FORMATS: list[Format] = ["auto", "openapi", "swagger", "postman", "curl", "har"]
SEEDS: list[Any] = [
    yaml_document((DATA / "shop_31.yaml").read_text("utf-8"), "seed"),
    *(json.loads((DATA / name).read_text("utf-8"))
      for name in ("pets_2.json", "team.postman.json", "page.har")),
]  # fmt: skip
PIECES = [
    "curl ", "https://x.example/a", " -d ", "'", '"', "$'", "\\", "\n", "$(", "`", "{{x}}", "@f",
    " -H ", "a: b", " -X ", " --json ", '{"a": 1}', "|", "&", "#", " -u a:b ", "%", "é", "\x00",
    "openapi: 3.0.0\n", "paths:\n", " /a: ", "{get: ", "}", "[", "&a ", "*a", "<<: ", "- ",
]  # fmt: skip
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["http://[::1", "://", "../x", "{", "{{a}}", "#/paths", "select", "$ref",
                     "https://a.example/{x}/{x}", "a" * 400, "\r\n[x]\n", "null", "limit"]),
    st.just([]), st.just({}), st.just({"$ref": "#"}), st.just(["object", {}]),
)  # fmt: skip


async def nowhere(call: Call) -> Reply:
    raise CallFailed(Code.UPSTREAM_CONNECT, "nothing is called here")


def taken(content: bytes, told: Format) -> None:
    """Reads it both ways; whatever comes of it can be loaded, and every sample can be run."""
    unforeseen: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder)
        choice = bring.Choice("f", hosts=HOSTS["page.har"] if b"app.example" in content else ())
        for as_ in ("httpapi", "sources"):
            try:
                plan = bring.plan(content, told, choice, to, as_, None, False, {})
            except ImportRefused as refused:
                unforeseen += [str(refused)] if "would be refused" in str(refused) else []
                continue
            bring.done(plan, dry_run=False)
        if (to / "apiql.toml").exists():
            engine = Engine(load_settings(to, {}), nowhere)
            for sample in samples_of((to / "apiql.toml").read_text("utf-8")):
                try:
                    engine.local(sample)
                except QueryRefused as refused:
                    unforeseen += [str(each) for each in refused.problems
                                   if each.code is not Code.LIMIT_EXCEEDED]  # fmt: skip
    assert not unforeseen


@given(st.binary(max_size=200), st.sampled_from(FORMATS))
def test_any_bytes(content: bytes, told: Format) -> None:
    taken(content, told)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from(FORMATS))
def test_any_text_of_their_words(text: str, told: Format) -> None:
    taken(text.encode(), told)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_a_document_with_anything_in_it(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        places = list(_places(document, ()))
        if places:
            *way, last = data.draw(st.sampled_from(places))
            owner = document
            for key in way:
                owner = owner[key]
            if isinstance(owner, dict) and data.draw(st.booleans()):
                owner[data.draw(st.text(max_size=8))] = owner.pop(last)
            else:
                owner[last] = copy.deepcopy(data.draw(JUNK))
    taken(json.dumps(document).encode(), "auto")


def _places(value: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield (*way, key)
        if isinstance(inner, dict | list):
            yield from _places(inner, (*way, key))
