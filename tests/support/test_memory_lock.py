"""Keys of cards stay out of swap where the system allows it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mlockall is asked of Linux alone")

PROGRAM = """
import resource
from pathlib import Path
from support.memory_lock import keep_out_of_swap
{before}
locked = keep_out_of_swap()
secret = bytes(1 << 22)
status = Path("/proc/self/status").read_text()
print(locked, next(int(line.split()[1]) for line in status.splitlines() if line[:6] == "VmLck:"))
"""


def run(before: str) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    locked, kilobytes = done.stdout.split()
    return locked, int(kilobytes)


def test_all_memory_is_locked_if_the_process_may() -> None:
    locked, kilobytes = run("")
    if locked == "False":
        pytest.skip("this process may not lock its memory")
    assert kilobytes > 4096


def test_nothing_is_locked_under_a_limit() -> None:
    """Else a later allocation would fail."""
    before = (
        "from unittest import mock\n"
        "import support.memory_lock as lock\n"
        "mock.patch.object(Path, 'read_text', lambda *_, **__: 'CapEff:\\t0').start()\n"
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))\n"
        "locked = lock.keep_out_of_swap()\n"
        "mock.patch.stopall()\n"
        "assert not locked\n"
        "lock._may_lock_all = lambda: False"
    )
    assert run(before) == ("False", 0)


def test_a_source_with_production_keys_locks_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from personalise.pki.keys.station import StationKeys
    from personalise.station.key_sources import configuration
    from support.errors import MisuseError
    from support.secret import Secret

    calls: list[bool] = []
    monkeypatch.setattr(configuration, "keep_out_of_swap", lambda: calls.append(True))
    keys = StationKeys(Secret(b"phrase"))

    def pin() -> Secret:
        raise AssertionError("no HSM was named")

    assert configuration.key_source("none", keys, pin) is None
    configuration.key_source("test", keys, pin)
    assert not calls
    (tmp_path / "keys.toml").write_text("level = '33'")
    with pytest.raises(MisuseError):
        configuration.key_source(str(tmp_path / "keys.toml"), keys, pin)
    assert calls == [True]
