"""A passport applet on jCardSim, in a process that answers lines on its standard output."""

import subprocess
import tempfile
from collections.abc import Sequence
from typing import Self

from emrtd.mrz import Mrz
from tests.interop.findings import Findings

ATR = bytes.fromhex("3B80800101")


class SimulatedApplet:
    """The card in jCardSim; a `vsmartcard.card.interface.Card`."""

    atr = ATR

    def __init__(self, class_path: str, applet: Sequence[str] = ()) -> None:
        # A file, since an applet may write more than a pipe holds.
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", class_path]
        self._process = subprocess.Popen(
            [*java, "chipseal.interop.AppletBridge", *applet],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def process(self, octets: bytes) -> bytes:
        """Answer a command APDU."""
        return bytes.fromhex(self._ask(octets.hex()))

    def reset(self) -> None:
        """Reset the card."""
        assert self._ask("reset") == "ok"

    def replace(self) -> None:
        """Replace the card with a blank one."""
        assert self._ask("blank") == "ok"

    def read(self, mrz: Mrz) -> Findings:
        """Have JMRTD read the card by Basic Access Control."""
        self.reset()
        self._send("read", mrz.document_number, mrz.date_of_birth, mrz.date_of_expiry)
        lines = list(iter(self._line, "end"))
        return Findings.decode("\n".join(lines))

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=20)
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def errors(self) -> str:
        """Return the end of what the process wrote to standard error."""
        self._errors.seek(0)
        return self._errors.read()[-4000:]

    def _ask(self, line: str) -> str:
        self._send(line)
        return self._line()

    def _send(self, *lines: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines))
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(self.errors())
        return line.removesuffix("\n")
