"""One upstream of faults and one `apiql serve` in front of it, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.running import Faulty, Served, faulty, serving

LIMITS = {"call_timeout": "20s", "query_timeout": "25s", "connect_timeout": "10s"}


@pytest.fixture(scope="session")
def shared_faults() -> Iterator[Faulty]:
    """The upstream of the session."""
    with faulty() as found:
        yield found


@pytest.fixture
def faults(shared_faults: Faulty) -> Faulty:
    """The upstream, counting from zero."""
    shared_faults.forget()
    return shared_faults


@pytest.fixture(scope="session")
def server(shared_faults: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that has time, where a query does not say otherwise."""
    conf = tmp_path_factory.mktemp("swept")
    with serving(shared_faults, conf, LIMITS) as found:
        yield found


@pytest.fixture(scope="session")
def patient(shared_faults: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose calls have all the time of a test, and that has a place for each caller."""
    conf = tmp_path_factory.mktemp("patient")
    limits = {"call_timeout": "30s", "query_timeout": "30s", "queries": 1200}
    with serving(shared_faults, conf, limits) as found:
        yield found


@pytest.fixture
def ending(shared_faults: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that a test may end."""
    limits = {"call_timeout": "3s", "query_timeout": "10s"}
    conf = tmp_path_factory.mktemp("ending")
    with serving(shared_faults, conf, limits, drain_delay="1s") as found:
        yield found
