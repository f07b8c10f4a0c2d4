"""The folder of an environment -> its gateways, and all that is wrong with them.

Reads files, changes none; what it knows of the environment of the process it is given.

    conf/endpoints/<environment>/.json and .env; any other NAME.json too, with NAME.env
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from apiql.dotenv_text import DotenvRefused, read_dotenv
from apiql.frontends.endpoints.caching import CacheRules
from apiql.frontends.endpoints.checks import problems_of, without_names
from apiql.frontends.endpoints.gateway import Gateway
from apiql.frontends.endpoints.inherit import gateway_of
from apiql.frontends.endpoints.problems import EndpointProblem, are_broken, in_order
from apiql.frontends.endpoints.reading import read_written
from apiql.frontends.endpoints.settings_shown import shown

MOST_BYTES = 4 << 20
"""Of one file."""
SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Environment:
    """What a folder holds: a gateway for each file that is right, and the problems of all."""

    gateways: tuple[Gateway, ...]
    problems: tuple[EndpointProblem, ...]


def environments(folder: Path) -> tuple[str, ...]:
    """The names of the environments of a folder: the folders in it with a configuration."""
    if not folder.is_dir():
        return ()
    inner = (path for path in folder.iterdir() if path.is_dir() and any(_configurations(path)))
    return tuple(sorted(path.name for path in inner))


def read_environment(
    folder: Path,
    environ: Mapping[str, str],
    rules: CacheRules = CacheRules.DOCUMENTED,
) -> Environment:
    """The gateways of a folder; what `environ` says counts before the files of values."""
    gateways: list[Gateway] = []
    problems: list[EndpointProblem] = []
    for path in _configurations(folder):
        values, told = _values(path, environ)
        problems += told
        text = _text(path)
        if isinstance(text, EndpointProblem):
            problems.append(text)
            continue
        gateway, found = read_gateway(text, _shown(path), values, rules)
        problems += found
        gateways += () if gateway is None else (gateway,)
    problems += _twice(gateways)
    return Environment(tuple(gateways), in_order(problems))


def read_gateway(
    text: str,
    file: str,
    values: Mapping[str, str],
    rules: CacheRules = CacheRules.DOCUMENTED,
) -> tuple[Gateway | None, tuple[EndpointProblem, ...]]:
    """The gateway that a text says, None where there is an error among the problems."""
    source, written, problems = read_written(text, file, values)
    if source is None or written is None:
        return None, problems
    gateway = gateway_of(written, file, shown(source), rules)
    problems = in_order((*problems, *problems_of(source, written, gateway)))
    return (None if are_broken(problems) else gateway), problems


def _configurations(folder: Path) -> Iterator[Path]:
    """`.json` first, the others by name."""
    names = (path for path in folder.iterdir() if path.name.endswith(SUFFIX) and path.is_file())
    return iter(sorted(names, key=lambda path: path.name))


def _values(path: Path, environ: Mapping[str, str]) -> tuple[dict[str, str], list[EndpointProblem]]:
    """The environment over NAME.env over .env."""
    values: dict[str, str] = {}
    problems: list[EndpointProblem] = []
    stem = path.name.removesuffix(SUFFIX)
    for file in dict.fromkeys((path.with_name(".env"), path.with_name(f"{stem}.env"))):
        text = _text(file) if file.is_file() else ""
        if isinstance(text, EndpointProblem):
            problems.append(text)
            continue
        try:
            values |= read_dotenv(text, _shown(file))
        except DotenvRefused as refused:
            problem = EndpointProblem(
                _shown(file), refused.wrong, at=refused.at, expected=refused.expected
            )
            problems.append(problem)
    return {**values, **{name: value for name, value in environ.items() if value}}, problems


def _text(path: Path) -> str | EndpointProblem:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        return EndpointProblem(_shown(path), f"cannot be read: {error.strerror}")
    if len(data) > MOST_BYTES:
        return EndpointProblem(_shown(path), f"is larger than {MOST_BYTES} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = f"is not UTF-8: byte {error.start}"
        return EndpointProblem(_shown(path), wrong, expected="UTF-8")


def _shown(path: Path) -> str:
    """The name of the environment and that of the file."""
    return f"{path.parent.name}/{path.name}"


def _twice(gateways: list[Gateway]) -> Iterator[EndpointProblem]:
    """Endpoints of one file that another one has too."""
    seen: dict[tuple[str, str], str] = {}
    for gateway in gateways:
        for endpoint in gateway.endpoints:
            key = endpoint.method, without_names(endpoint.path)
            other = seen.setdefault(key, gateway.file)
            if other != gateway.file:
                wrong = f"{endpoint} stands in {other} too"
                yield EndpointProblem(gateway.file, wrong, expected="it in one of them")
