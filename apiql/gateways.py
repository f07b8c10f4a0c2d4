"""Configurations of gateways --lower--> plans --compile--> endpoints that answer requests.

A file that is broken is not served, and keeps the others away unless that is asked for.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from apiql.errors import Code, Problem, QueryRefused, nearest
from apiql.frontends.endpoints.caching import CacheRules
from apiql.frontends.endpoints.folder import environments, read_environment
from apiql.frontends.endpoints.gateway import Gateway
from apiql.frontends.endpoints.lower import lower_gateway, names_of
from apiql.frontends.endpoints.lowered import EndpointGround, LoweredEndpoint
from apiql.frontends.endpoints.problems import EndpointProblem, Severity
from apiql.frontends.endpoints.routes import Routes
from apiql.frontends.text.surroundings import Surroundings
from apiql.ir.plan import Plan
from apiql.ir.reach import Kind, Reach
from apiql.ir.works import Send
from apiql.query_files import FileProblem, of_document
from apiql.runtime.step import Executable
from apiql.settings import Endpoints

FOLDER = "endpoints"
OWN = ("/apiql", "/livez", "/openapi.json", "/readyz")
OWN_FOLDERS = ("/b/", "/query/", "/template/")
"""Paths that are never looked up among endpoints."""

Make = Callable[[Plan, Reach], Executable]
Lower = Callable[[Gateway, EndpointGround], tuple[LoweredEndpoint, ...]]


@dataclass(frozen=True, slots=True)
class GatewayFiles:
    """The gateways of an environment and all that is wrong with its files, whose names are below
    `root`; `cold` are files that are not put in force as soon as they change.
    """

    root: str = ""
    gateways: tuple[Gateway, ...] = ()
    problems: tuple[EndpointProblem, ...] = ()
    cold: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str] | None:
        """What the endpoints are called by; None where some cannot be read."""
        if any(problem.severity is Severity.ERROR for problem in self.problems):
            return None
        return frozenset(name for gateway in self.gateways for name in names_of(gateway))

    def secrets(self) -> Iterator[str]:
        """What is never shown."""
        redis = (gateway.redis for gateway in self.gateways)
        yield from (each.password for each in redis if each is not None and each.password)


NO_GATEWAYS = GatewayFiles()


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint that answers requests: `name` is that of its rights and of a source, `pattern`
    what figures and logs call it, `mark` changes with anything in its file.
    """

    name: str
    pattern: str
    mark: bytes
    gateway: Gateway
    lowered: LoweredEndpoint
    executable: Executable


@dataclass(frozen=True, slots=True)
class GatewayCatalog:
    """Endpoints by method and path, and what texts select from by full name; `problems` are those
    of endpoints that are left out.
    """

    served: tuple[Served, ...] = ()
    routes: Routes[Served] = field(default_factory=Routes)
    gateways: tuple[Gateway, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    compiled: Mapping[int, Executable] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()

    @property
    def version(self) -> str:
        """What `/version` says: the first that a file has."""
        return next((each.version for each in self.gateways if each.version), "")

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that calls go to, as they are told of."""
        works = (task.work for served in self.served for task in served.lowered.plan.tasks)
        return frozenset(work.service for work in works if isinstance(work, Send))


NO_ENDPOINTS = GatewayCatalog()


def read_gateways(
    conf: Path | None, settings: Endpoints, environ: Mapping[str, str]
) -> GatewayFiles:
    """The gateways of a conf folder, if it has any."""
    folder = (conf or Path()) / FOLDER
    names = environments(folder) if conf is not None else ()
    if not names and settings.environment is None:
        return NO_GATEWAYS
    name = settings.environment or names[0]
    if name not in names or (settings.environment is None and len(names) > 1):
        return GatewayFiles(str(folder), problems=(_unclear(settings.environment, names),))
    rules = {"documented": CacheRules.DOCUMENTED, "as-it-does": CacheRules.AS_IT_DOES}
    found = read_environment(folder / name, environ, rules[settings.cache_rules])
    return GatewayFiles(str(folder), found.gateways, found.problems, _cold(folder, found.gateways))


def _cold(folder: Path, gateways: Iterable[Gateway]) -> tuple[str, ...]:
    """The files that only those read which are not to be put in force as soon as they change."""
    files: dict[bool, set[str]] = {True: set(), False: set()}
    for gateway in gateways:
        path = folder / gateway.file
        own = path.with_name(path.name.removesuffix(".json") + ".env")
        files[gateway.hot_reload] |= {str(path), str(own), str(path.with_name(".env"))}
    return tuple(sorted(files[False] - files[True]))


def _unclear(env: str | None, names: tuple[str, ...]) -> EndpointProblem:
    """Which folder is meant cannot be said."""
    listed = ", ".join(names)
    if env is None:
        wrong = f"there are several environments ({listed}), and nothing says which is served"
        return EndpointProblem("", wrong, expected=f'environment = "{names[0]}" in [endpoints]')
    wrong = f"there is no environment {env} with a configuration"
    expected = f"one of {listed}" if names else f"{env}/.json in this folder"
    return EndpointProblem("", wrong, expected=expected, nearest=nearest(env, names))


def errors_of(files: GatewayFiles) -> Iterator[FileProblem]:
    """What keeps them from being served."""
    for found in files.problems:
        if found.severity is Severity.ERROR:
            yield of_document(found, files.root)


def is_of_the_server(path: str) -> bool:
    """Whether others answer at a path, whatever configurations say."""
    return path in OWN or path.startswith(OWN_FOLDERS)


def never_asked(files: GatewayFiles) -> Iterator[EndpointProblem]:
    """Endpoints at paths that are answered by others."""
    for gateway in files.gateways:
        for endpoint in gateway.endpoints:
            if is_of_the_server(endpoint.path):
                wrong = f"{endpoint} is never asked: the path is one of the server's own"
                yield EndpointProblem(gateway.file, wrong, Severity.WARNING, expected="another")


def load_gateways(
    files: GatewayFiles, around: Surroundings, make: Make, lower: Lower = lower_gateway
) -> GatewayCatalog:
    """What the files define, as far as plans can be made of it; the problems tell of the rest."""
    if not files.gateways:
        return NO_ENDPOINTS
    loading = _Loading(files.root, make)
    ground = EndpointGround(time.time, permits=around.permits_url)
    for gateway in files.gateways:
        loading.load(gateway, lower, ground)
    return loading.catalog(files.gateways)


class _Loading:
    """One load: endpoints become plans, plans are compiled."""

    def __init__(self, root: str, make: Make) -> None:
        self._root, self._make = root, make
        self._served: dict[str, Served] = {}
        self._plans: dict[str, Plan] = {}
        self._compiled: dict[int, Executable] = {}
        self._problems: list[FileProblem] = []

    def load(self, gateway: Gateway, lower: Lower, ground: EndpointGround) -> None:
        """All endpoints of a file."""
        mark = _mark(gateway)
        try:
            all_lowered = lower(gateway, ground)
        except QueryRefused as refused:
            return self._note(gateway, refused.problems)
        for lowered in all_lowered:
            name = lowered.name.removeprefix(f"{Kind.ENDPOINT}.")
            if name in self._served:
                other = self._served[name]
                wrong = (
                    f"{lowered.endpoint} and {other.pattern} ({other.gateway.file}) are both "
                    f"called {name}"
                )
                self._note(gateway, (Problem(Code.DUPLICATE_NAME, wrong, hint="another path"),))
                continue
            try:
                self._serve(name, mark, gateway, lowered)
            except QueryRefused as refused:
                self._note(gateway, refused.problems)
        return None

    def _serve(self, name: str, mark: bytes, gateway: Gateway, lowered: LoweredEndpoint) -> None:
        reach = Reach(frozenset({(Kind.ENDPOINT, name)}))
        executable, data = self._make(lowered.plan, reach), self._make(lowered.data, reach)
        self._served[name] = Served(name, str(lowered.endpoint), mark, gateway, lowered, executable)
        self._plans[f"{Kind.ENDPOINT}.{name}"] = lowered.data
        self._compiled[id(lowered.data)] = data

    def _note(self, gateway: Gateway, problems: Iterable[Problem]) -> None:
        file = f"{self._root}/{gateway.file}"
        self._problems += (FileProblem(file, problem) for problem in problems)

    def catalog(self, gateways: tuple[Gateway, ...]) -> GatewayCatalog:
        """What was loaded."""
        served = tuple(self._served.values())
        ways = ((s.lowered.endpoint.method, s.lowered.endpoint.path, s) for s in served)
        return GatewayCatalog(
            served, Routes(ways), gateways, self._plans, self._compiled, tuple(self._problems)
        )


def _mark(gateway: Gateway) -> bytes:
    """What changes with anything that the file says."""
    text = json.dumps(gateway.settings, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
