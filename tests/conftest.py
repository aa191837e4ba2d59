"""Fixtures that many tests share."""

import os
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch

# Workers side by side share the cores; threads of one convolution that wait for each other's core are slow.
_THREADS = max(1, len(os.sched_getaffinity(0)) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
os.environ["OMP_NUM_THREADS"] = str(_THREADS)
torch.set_num_threads(_THREADS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let reports of tests whose output holds names that are no text pass from a worker to the process that prints."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def _same_random_numbers() -> Iterator[None]:
    """Begin every test with the same global random state, and leave it and the number of threads as they were."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def dead_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared real videos, or skip."""
    path = Path(os.environ.get("VIDEOGAN_SHARED", Path(__file__).parents[2] / "shared"))
    if not path.is_dir():
        pytest.skip(f"needs the shared videos, which are not at {path}; VIDEOGAN_SHARED names them")
    return path
