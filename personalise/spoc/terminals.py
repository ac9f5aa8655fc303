"""The terminals that may ask our Document Verifier for certificates (TR-03129).

DIR/spoc/terminals/NAME.json   its references without their numbers, rights and days
DIR/spoc/terminals/NAME.cer    the certificate of its TLS client
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from emrtd.pki.cvc.authorization import Right, rights_named
from emrtd.pki.x509.certificates import Certificate
from personalise.pki.operations import PkiOperations
from personalise.spoc.certificates import FOLDER
from support.errors import MisuseError
from support.files import write_atomically
from support.records import Record, from_json, read_bounded, reject
from support.values import Value

REGISTER: Final = "spoc.terminal"
_TERMINALS: Final = "terminals"
_MAX_FILE: Final = 1 << 20
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_HOLDER: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{1,9}")


class TerminalPolicy(Record, frozen=True):
    """What a terminal may have; `holders` begin its references: country and mnemonic.

    A terminal that reads documents of several States has a holder for each.
    """

    holders: tuple[str, ...]
    rights: tuple[Literal["dg3", "dg4"], ...] = ("dg3",)
    days: Annotated[int, msgspec.Meta(ge=1, le=31)] = 30

    def __post_init__(self) -> None:
        if not self.holders or not all(map(_HOLDER.fullmatch, self.holders)):
            reject("holders", "are not two letters and a mnemonic of 1 to 9 characters each")

    @property
    def right(self) -> Right:
        """The rights as bits."""
        return rights_named(self.rights)


class Terminal(Value, frozen=True):
    """A registered terminal."""

    name: str
    policy: TerminalPolicy
    certificate: Certificate


class Terminals:
    """The registered terminals of one PKI."""

    def __init__(self, pki: Path) -> None:
        self._folder = pki / FOLDER / _TERMINALS

    def all(self) -> list[Terminal]:
        """Return the terminals, by name."""
        return [self._read(path) for path in sorted(self._folder.glob("*.json"))]

    def identify(self, certificate: bytes, at: datetime) -> Terminal | str:
        """Return the terminal with this TLS certificate (DER), or why it is none."""
        found = next((each for each in self.all() if each.certificate.der == certificate), None)
        if found is None:
            return "the client's certificate is not that of a registered terminal"
        if not found.certificate.not_before <= at <= found.certificate.not_after:
            return f"{found.name}: its certificate is not valid now"
        return found

    def add(
        self, operations: PkiOperations, name: str, policy: TerminalPolicy, own: Certificate
    ) -> None:
        """Register a terminal; raises `MisuseError`."""
        if not _NAME.fullmatch(name):
            raise MisuseError(f"{name!r} is not a name: use small letters, digits and hyphens")
        others = [each for each in self.all() if each.name != name]
        for each in others:
            if each.certificate == own or set(each.policy.holders) & set(policy.holders):
                raise MisuseError(f"{each.name} has this certificate or this holder already")
        subject = {"terminal": name, "holders": " ".join(policy.holders)}
        subject |= {"rights": " ".join(policy.rights)}
        subject |= {"days": str(policy.days), "certificate": own.fingerprint.hex()}
        with operations.operation(REGISTER, subject):
            write_atomically(self._folder / f"{name}.cer", own.der)
            record = msgspec.json.format(msgspec.json.encode(policy), indent=2)
            write_atomically(self._folder / f"{name}.json", record + b"\n")

    def remove(self, operations: PkiOperations, name: str) -> None:
        """End a terminal's registration; raises `MisuseError` if there is none."""
        path = self._folder / f"{name}.json"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise MisuseError(f"no terminal {name} is registered")
        with operations.operation(REGISTER, {"terminal": name, "removed": "yes"}):
            path.unlink()
            path.with_suffix(".cer").unlink()

    def _read(self, path: Path) -> Terminal:
        policy = from_json(read_bounded(path, _MAX_FILE), TerminalPolicy, str(path))
        own = Certificate.parse(read_bounded(path.with_suffix(".cer"), _MAX_FILE))
        return Terminal(path.stem, policy, own)
