"""README and docs: every query answers as it is told there, every example parses, every command
exists, and everything the code has (codes, settings, functions, options) is told.
"""

from __future__ import annotations

import contextlib
import functools
import re
import shlex
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest
import pytest_asyncio
import typer
from pydantic import BaseModel

from apiql.access.minting import password_hash
from apiql.cli import cli
from apiql.commands.help import EXAMPLES as EXAMPLES_OF_HELP
from apiql.demo.together import together
from apiql.engine import all_functions
from apiql.errors import Code
from apiql.query_files import read_query_files
from apiql.settings import (
    ApiKey,
    Auth,
    Breaker,
    Bulk,
    Cache,
    Certificate,
    Health,
    Hedge,
    Host,
    Issuer,
    Push,
    Retry,
    Scope,
    Settings,
    SigningApp,
    Source,
    Upstream,
    User,
    load_settings,
)
from apiql.template_files import read_template_files
from tests.doc_blocks import Block, Example, blocks_of, examples_of, rows_of
from tests.harness.exact_json import Digits, parse, same

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [page for page in (ROOT / "README.md", *sorted(DOCS.glob("*.md"))) if page.is_file()]
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
EXAMPLES = [example for page in PAGES for example in examples_of(blocks_of(page))]
CALLER = {"X-Token": "t0ken", "Cookie": "sid=abc"}
COMMANDS: Any = typer.main.get_command(cli)


def of_kind(*kinds: str) -> Any:
    """A test for each block of these kinds."""
    chosen = [block for block in BLOCKS if block.kind in kinds]
    return pytest.mark.parametrize("block", chosen, ids=str)


# -- queries ------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[httpx.AsyncClient]:
    conf = ROOT / "conf"
    queries, templates = read_query_files(conf), read_template_files(conf)
    async with together(queries=queries, templates=templates) as running:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
            yield client


async def ask(engine: httpx.AsyncClient, query: str, params: str = "{}") -> httpx.Response:
    body = {"query": query, "params": msgspec.Raw(params.encode())}
    headers = {"Content-Type": "application/json", **CALLER}
    return await engine.post("/apiql", content=msgspec.json.encode(body), headers=headers)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
async def test_a_query_answers_as_it_is_told(engine: httpx.AsyncClient, example: Example) -> None:
    params = example.params.body if example.params else "{}"
    answer = await ask(engine, example.query.body, params)
    found = answer.json() if answer.content else {}
    codes = [error["code"] for error in found.get("errors", ())]
    match example.query.words[1:]:
        case ("error", *expected):
            assert answer.status_code >= 400
            assert "data" not in found
            assert codes == expected, answer.text
        case ("fails", *expected):
            assert "data" in found
            assert codes == expected, answer.text
        case ():
            told_errors = example.answer is not None and '"errors"' in example.answer.body
            assert answer.status_code == 200, answer.text
            assert bool(codes) == told_errors, answer.text
        case words:
            raise AssertionError(f"a query is marked with error or fails, not {words}")
    if example.answer is not None:
        compare(example.answer, answer)


def compare(told: Block, answer: httpx.Response) -> None:
    """JSON digit by digit; a text is the plan, or the errors as the command line prints them."""
    if told.kind == "json":
        expected, found = parse(told.body), parse(answer.content)
        assert same(expected, found, ordered=True), answer.text
        return
    found = answer.json()
    plan = found.get("extensions", {}).get("plan")
    text = plan["text"] if plan else "\n".join(printed(error) for error in found["errors"])
    assert text.rstrip() == told.body.rstrip()


def printed(error: dict[str, Any]) -> str:
    """The member of `errors` for people."""
    at = "".join(f"{p['line']}:{p['column']}: " for p in error.get("locations", ())[:1])
    lines = [f"{at}{error['code']}: {error['message']}"]
    return "\n".join(lines + [error[part] for part in ("excerpt", "hint") if part in error])


# -- other blocks -------------------------------------------------------------------------------


@of_kind("json")
def test_json_is_json(block: Block) -> None:
    parse(block.body)


@of_kind("toml")
def test_settings_can_be_loaded(block: Block, tmp_path: Path) -> None:
    (tmp_path / "apiql.toml").write_text(block.body, encoding="utf-8")
    names = re.findall(r"private(?::| = \")([\w/]+)\.(\w+)", block.body)
    for file, name in names:
        text = {"privates": [{"name": name, "value": "a value"}]}
        (tmp_path / "privates").mkdir(exist_ok=True)
        (tmp_path / "privates" / f"{file}.json").write_bytes(msgspec.json.encode(text))
    environ = dict.fromkeys(re.findall(r"env(?::| = \")(\w+)", block.body), "a value")
    found = load_settings(tmp_path, environ)
    assert len(found.secrets.texts) == bool(names or environ)


@of_kind("sh", "bash", "console", "shell")
def test_every_command_exists(block: Block) -> None:
    for line in block.body.replace("\\\n", " ").splitlines():
        check_command(line.removeprefix("$ "))


def test_every_command_in_a_sentence_exists() -> None:
    for page in PAGES:
        for found in re.findall(r"`((?:apiql|make) [a-z][^`\n]*)`", page.read_text("utf-8")):
            check_command(found)


@pytest.mark.parametrize("line", [line for told in EXAMPLES_OF_HELP.values() for line in told])
def test_every_example_of_help_is_a_command(line: str) -> None:
    check_command(line)


def check_command(line: str) -> None:
    """`apiql` with its options, `make` with its targets; other programs are not looked at."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    ends = [at for at, word in enumerate(words) if word in ("|", "&&", "||", ";", "&", ">", "<")]
    for start, end in zip([0, *(at + 1 for at in ends)], [*ends, len(words)], strict=True):
        check_words(words[start:end])


def check_words(words: list[str]) -> None:
    environ = {}
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        environ[name] = value
    load_settings(None, environ)
    for launcher in (["uv", "run"], ["python", "-m"], [".venv/bin/python", "-m"]):
        words = words[2:] if words[:2] == launcher else words
    if words and Path(words[0]).name == "apiql":
        check_apiql(words[1:])
    elif words[:1] == ["make"]:
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= set(targets), words


def check_apiql(words: list[str]) -> None:
    if not words or words[0] in ("--help", "--version"):
        return
    command, path = COMMANDS, ["apiql"]
    while words and hasattr(command, "commands"):
        path.append(words[0])
        assert words[0] in command.commands, " ".join(path)
        command, words = command.commands[words[0]], words[1:]
    with contextlib.suppress(typer.Exit):
        command.make_context(path[-1], words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


# -- what the code has, and what is told -------------------------------------------------------


def test_the_first_page_and_readme_lead_to_every_page() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    pages = [page.name for page in DOCS.glob("*.md") if page.name != "index.md"]
    assert [page for page in pages if f"]({page})" not in index] == []
    assert "](docs/index.md)" in (ROOT / "README.md").read_text("utf-8")


def test_every_error_code_has_its_entry() -> None:
    heads = re.findall(r"^### (.+)$", (DOCS / "errors.md").read_text("utf-8"), re.MULTILINE)
    assert heads == [code.value for code in Code]


def test_every_code_with_a_status_of_its_own_tells_it() -> None:
    text = (DOCS / "errors.md").read_text("utf-8")
    for found in re.findall(r"^### (\w+)\n\n\((\d+)\)", text, re.MULTILINE):
        assert Code(found[0]).status == int(found[1])  # type: ignore[call-arg]


def test_every_setting_has_its_entry_and_its_default() -> None:
    told = {row[0].strip("`"): row[1] for row in rows_of(DOCS / "configuration.md")}
    assert told.keys() == {name for name, _, _ in settings()}
    for name, model, key in settings():
        field, default = model.model_fields[key], told[name].strip("`")
        if default == "required":
            assert field.is_required()
        elif default == "unset":
            assert field.get_default() is None
        else:
            fits(model, key, tomllib.loads(f"value = {default}")["value"])


@functools.cache
def slow_hash() -> str:
    return password_hash("password")


def fits(model: type[BaseModel], key: str, value: Any) -> None:
    """The value as told is the default."""
    needed: dict[str, Any] = {"url": "http://a.example", "path": "/a", "param": "a", "key": "a",
                              "style": "param", "can": ["limit"], "names": ["a"],
                              "certificate": "a", "kind": "oauth2", "secret": "a" * 16,
                              "hashes": ["sha256:" + 64 * "0"], "hash": slow_hash(),
                              "issuer": "a", "audience": "a", "algorithms": ["RS256"]}  # fmt: skip
    given = {name: needed[name] for name, f in model.model_fields.items() if f.is_required()}
    given |= {"keys_file": "a"} if model is Issuer else {}
    if model is Auth:
        given |= {"token_url": "https://a.example", "client_id": "a", "client_secret": "a"}
    assert getattr(model.model_validate({**given, key: value}), key) == getattr(
        model.model_validate(given), key
    )


CALLERS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("keys.<name>", ApiKey), ("users.<name>", User), ("tokens.<issuer>", Issuer),
)  # fmt: skip
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("bulk", Bulk), ("push", Push), ("retry", Retry), ("breaker", Breaker), ("cache", Cache),
    ("hosts[]", Host), ("hedge", Hedge), ("health", Health), ("auth", Auth),
)  # fmt: skip


def settings() -> Iterator[tuple[str, type[BaseModel], str]]:
    """Each setting: its name in the docs, its section, its key there."""
    for section, field in Settings.model_fields.items():
        model: Any = field.annotation
        if section == "signing":
            yield from (
                (f"signing.apps.<id>.{key}", SigningApp, key) for key in SigningApp.model_fields
            )
        if section == "rights":
            yield from ((f"rights.scopes.<scope>.{key}", Scope, key) for key in Scope.model_fields)
        if section == "upstreams":
            model = get_args(model)[1]
            assert model is Upstream
            yield from (
                (f"upstreams.<name>.sources.<source>.{key}", Source, key)
                for key in Source.model_fields
            )
            for name, inner in TABLES:
                yield from ((f"….{name}.{key}", inner, key) for key in inner.model_fields)
            section = "upstreams.<name>"
        for name, inner in CALLERS if section == "access" else ():
            yield from ((f"access.{name}.{key}", inner, key) for key in inner.model_fields)
        if section == "server":
            keys = Certificate.model_fields
            yield from ((f"server.certificates[].{key}", Certificate, key) for key in keys)
        yield from ((f"{section}.{key}", model, key) for key in model.model_fields)


def functions_told() -> dict[str, list[str]]:
    rows = rows_of(DOCS / "functions.md")
    return {row[0].strip("`").partition("(")[0]: row for row in rows}


def test_every_function_has_its_entry_with_all_its_arguments() -> None:
    functions = all_functions()
    told = functions_told()
    assert told.keys() == set(functions.names())
    assert len(told) == len(rows_of(DOCS / "functions.md"))
    for name, row in told.items():
        inside = row[0].strip("`").partition("(")[2].removesuffix(")")
        arguments = [word for word in inside.split(", ") if word]
        most = functions.functions[name].most
        assert (most is None) == ("…" in arguments), row
        assert most in (None, len(arguments)), row


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "row"), functions_told().items(), ids=functions_told())
async def test_the_example_of_a_function_has_its_result(
    engine: httpx.AsyncClient, name: str, row: list[str]
) -> None:
    example, result = row[2].strip("`"), row[3]
    assert example.startswith(f"{name}(")
    answer = await ask(engine, f"select {example} as x from /users/1 as user")
    assert answer.status_code == 200, answer.text
    found = parse(answer.content)["data"]["user"]["x"]
    told = parse(result.removeprefix("e.g. ").strip("`"))
    if result.startswith("e.g. "):
        assert pattern(found) == pattern(told)
    else:
        assert same(found, told, ordered=True), answer.text


def pattern(value: Any) -> str:
    """A text or number with its letters and digits made equal; lengths of words do not count."""
    kind, text = ("number", value.text) if isinstance(value, Digits) else ("text", value)
    return kind + re.sub(r"[0-9a-z]+", "x", text)
