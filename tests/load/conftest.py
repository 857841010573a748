"""What measures runs alone: after all other tests of its run, and never beside another checkout's."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called with the tests of all folders."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.alone)


@pytest.fixture(scope="session", autouse=True)
def alone_with_the_ports_of_the_benches() -> Iterator[None]:
    """Waits for another checkout's tests of this kind: the benches' ports are fixed."""
    with (Path(tempfile.gettempdir()) / "hotline-benches.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
