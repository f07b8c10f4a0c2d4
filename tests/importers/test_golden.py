"""What is written of each description, and what is left out: `--update` writes it anew."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from apiql.engine import Engine
from apiql.errors import CallFailed, Code
from apiql.importers import bring
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from tests.doc_blocks import blocks_of
from tests.importers.describing import INPUTS, SECRET, plan_of, samples_of

ROOT = Path(__file__).resolve().parents[2]

each_input = pytest.mark.parametrize("file", INPUTS, ids=lambda file: file.name)


def text_of(file: Path, to: Path) -> str:
    sources, definitions = plan_of(file, to), plan_of(file, to, "httpapi")
    parts = [sources.shown, bring.told(sources), definitions.shown, bring.told(definitions)]
    return "\n".join(parts).replace(f"{to}/", "")


@each_input
def test_what_is_written(file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    expected = file.with_name(f"{file.name}.expected")
    found = text_of(file, tmp_path / "conf")
    if request.config.getoption("--update"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text("utf-8")


def test_the_page_shows_what_is_written(tmp_path: Path) -> None:
    blocks = blocks_of(ROOT / "docs" / "importing.md")
    given = next(block.body for block in blocks if block.kind == "json")
    written = next(block.body for block in blocks if block.kind == "toml")
    choice = bring.Choice("shop.json")
    plan = bring.plan(given.encode(), "openapi", choice, tmp_path, "sources", None, False, {})
    assert plan.shown.strip() == written.strip()
    assert not plan.left_out


async def nowhere(call: Call) -> Reply:
    raise CallFailed(Code.UPSTREAM_CONNECT, "nothing is called here")


@each_input
def test_the_settings_load_and_every_sample_can_be_run(file: Path, tmp_path: Path) -> None:
    bring.done(plan_of(file, tmp_path), dry_run=False)
    settings = load_settings(tmp_path, {})
    sources = [name for each in settings.upstreams.values() for name in each.sources]
    samples = samples_of((tmp_path / "apiql.toml").read_text("utf-8"))
    engine = Engine(settings, nowhere)
    assert len(samples) == len(sources)
    for sample, source in zip(samples, sources, strict=True):
        plan = engine.local(sample).plan
        assert f"from {source}" in sample
        assert len(plan.tasks) == 1


@each_input
def test_credentials_that_are_filled_in_are_toml(file: Path, tmp_path: Path) -> None:
    text = plan_of(file, tmp_path).shown
    uncommented = "\n".join(
        line[1:] if line.startswith("#") and line[1:2] not in (" ", "") else line
        for line in text.splitlines()
    )
    once = uncommented.split("# Or, for the calls")[0]
    for upstream in tomllib.loads(once)["upstreams"].values():
        assert upstream.get("auth", {"kind": None}).keys() >= {"kind"}


@each_input
@pytest.mark.parametrize("as_", ["sources", "httpapi"])
def test_no_secret_is_written_or_told(file: Path, as_: bring.As, tmp_path: Path) -> None:
    assert SECRET in file.read_text("utf-8") or "PLANTED" not in file.read_text("utf-8")
    plan = plan_of(file, tmp_path, as_)
    assert SECRET not in plan.shown + bring.told(plan) + repr(plan)
