"""A real dask scheduler with two worker processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(REPOSITORY),
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "1.0",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
}


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module until the end of the block."""
    command = [sys.executable, "-m", *map(str, arguments)]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.02)


def address_in(file: Path) -> str | None:
    """Return the scheduler's address; None until its file is there and written to the end."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (FileNotFoundError, ValueError):
        return None


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Yield the URL of a scheduler with two workers, and these."""
    pytest.importorskip("distributed")
    address = folder / "scheduler.json"
    with running(
        "dask", "scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard",
        "--scheduler-file", address,
    ):  # fmt: skip
        wait_for(lambda: address_in(address))
        worker = (
            "dask", "worker", "--scheduler-file", address, "--nthreads", 1, "--no-nanny",
            "--no-dashboard", "--local-directory", folder,
        )  # fmt: skip
        with running(*worker) as one, running(*worker) as other:
            yield str(address_in(address)).replace("tcp://", "dask://"), [one, other]
