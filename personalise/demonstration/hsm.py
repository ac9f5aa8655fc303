"""An HSM for the demonstration: a SoftHSM token in the demonstration's folder."""

import os
import pty
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.errors import MisuseError

LABEL: Final = "chipseal-demo"
_TOOL: Final = "softhsm2-util"
_MODULES: Final = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)


@dataclass(frozen=True, slots=True)
class SoftToken:
    """A token: the options of `pki init` for it, and the environment in which it is found."""

    options: tuple[str, ...]
    environment: Mapping[str, str]


def make_token(folder: Path, environment: Mapping[str, str]) -> SoftToken:
    """Create a token with a new PIN; raises `MisuseError` if SoftHSM is not installed."""
    module = next((path for path in _MODULES if Path(path).exists()), None)
    if module is None:
        raise MisuseError(
            "SoftHSM is not installed", advice="install Debian's softhsm2, or omit --hsm"
        )
    tokens = folder / "hsm"
    tokens.mkdir(mode=0o700)
    configuration = tokens / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens.resolve()}\nlog.level = ERROR\n")
    pin = tokens / "pin"
    pin.touch(mode=0o600)
    pin.write_text(secrets.token_hex(8) + "\n")
    added = {
        "SOFTHSM2_CONF": str(configuration.resolve()),
        "CHIPSEAL_PIN_FILE": str(pin.resolve()),
    }
    _initialise(pin.read_text().strip(), {**environment, **added})
    return SoftToken(("--pkcs11", module, "--token", LABEL), added)


def _initialise(pin: str, environment: Mapping[str, str]) -> None:
    """Initialise the token; softhsm2-util prompts for each PIN twice, so no PIN is an argument."""
    officer = secrets.token_hex(8)
    child, terminal = pty.fork()
    if child == 0:
        arguments = (_TOOL, "--init-token", "--free", "--label", LABEL)
        try:
            os.execvpe(_TOOL, arguments, dict(environment))  # noqa: S606 - found on the PATH
        finally:
            os._exit(127)
    try:
        for answer in (officer, officer, pin, pin):
            _read_until(terminal, b"PIN: ")
            os.write(terminal, answer.encode() + b"\n")
        _read_until(terminal, None)
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status):
        raise MisuseError(f"{_TOOL} could not create a token", advice="reinstall Debian's softhsm2")


def _read_until(terminal: int, prompt: bytes | None) -> None:
    """Read the output of the tool up to a prompt, or to its end."""
    output = b""
    while prompt is None or not output.endswith(prompt):
        try:
            part = os.read(terminal, 1024)
        except OSError:  # Linux reports EIO when the other side of a terminal has exited
            part = b""
        if not part:
            return
        output += part
