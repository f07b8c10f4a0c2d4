"""Makes every Markdown file below tests/cases a test suite: `pytest --update` writes it anew. Holds
the real Redis of the tests that want one, and says so where there is none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import tests.examples  # noqa: F401 - how many examples, and no deadline, for all property tests
from tests.harness.case_file import Case, CaseFault, read_cases, rewritten
from tests.harness.run_case import actual_blocks, differences
from tests.planted import PLANTED
from tests.stores.redis_server import MISSING, NONE, RedisServer

CASES = Path(__file__).parent / "cases"
REAL_TIME = frozenset({"demo", "faults", "security", "server", "sources", "stores"})
"""Folders whose tests go over real sockets in real time."""
LONG = (
    "faults/", "server/test_drain.py", "security/test_t36_killed.py", "server/test_tls.py",
    "server/test_serve.py", "security/test_t19_slow_texts.py", "apihub/", "fuzz/",
    "security/test_t37_open_proxy.py", "server/test_shared_store.py", "stores/test_away.py",
)  # fmt: skip
"""Files that take longest for the number of their tests. One that comes last is waited for by all
other processes.
"""
MEASURED = "measured"
CHANGES = pytest.StashKey[dict[Path, list[tuple[Case, dict[str, str]]]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` rewrites the expectations of golden cases in place; the diff is the review."""
    parser.addoption("--update", action="store_true", help="rewrite golden cases in place")


def pytest_configure(config: pytest.Config) -> None:
    """A place for what `--update` finds."""
    config.stash[CHANGES] = {}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """A Markdown file below tests/cases is a suite."""
    if file_path.suffix == ".md" and CASES in file_path.parents:
        return CaseFile.from_parent(parent, path=file_path)
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A machine that stands still for a second fails a test of deadlines: such a test is run up to
    twice more, and the summary counts it. Of several processes each begins with what takes long.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.removeprefix("tests/").startswith(LONG))
    for item in items:
        if not REAL_TIME.isdisjoint(item.path.parts):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test whose log or output tells the planted secret has failed."""
    report = yield
    if any(PLANTED in text for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = "the secret that was planted in the configuration was told"
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes what `--update` has found."""
    for path, found in session.config.stash[CHANGES].items():
        changes = [(case, word, new) for case, blocks in found for word, new in blocks.items()]
        path.write_text(rewritten(path.read_text(), changes))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A count of skipped tests is easily overlooked: says that there was no Redis. Figures too."""
    skipped = terminalreporter.stats.get("skipped", ())
    if any(NONE in str(report.longrepr) for report in skipped):
        terminalreporter.section("no Redis", red=True, bold=True)
        terminalreporter.write_line(MISSING, red=True, bold=True)
    reports = (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ()))
    figures = [text for each in reports for name, text in each.user_properties if name == MEASURED]
    if figures:
        terminalreporter.section("measured")
        for text in figures:
            terminalreporter.write_line(text)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells a figure behind all tests, whichever process the test ran in."""
    return functools.partial(record_property, MEASURED)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for all tests that leave it running; each has keys of its own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    with server.running():
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may stop and kill."""
    server = RedisServer(tmp_path)
    with server.running():
        yield server


class CaseFile(pytest.File):
    """A file of golden cases."""

    def collect(self) -> Iterator[CaseItem]:
        """A test for each heading."""
        for case in read_cases(self.path.read_text()):
            yield CaseItem.from_parent(self, name=case.heading, case=case)


class CaseItem(pytest.Item):
    """A golden case."""

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case

    def runtest(self) -> None:
        """Runs the case; under `--update` it is noted how it should be."""
        actual = actual_blocks(self.case)
        wrong = differences(self.case, actual)
        if not wrong:
            return
        if not self.config.getoption("--update") or not wrong.keys() <= actual.keys():
            raise CaseFault("\n\n".join(wrong.values()))
        changes = {word: actual[word] for word in wrong}
        self.config.stash[CHANGES].setdefault(self.path, []).append((self.case, changes))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The difference alone, without the way to it."""
        if isinstance(excinfo.value, CaseFault):
            return f"{self.path.name}:{self.case.line}: {self.case.heading}\n\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands."""
        return self.path, self.case.line - 1, self.case.heading
