"""The folder of an issuing PKI: its files, the labels of its keys, and its settings.

    DIR/pki.json       State, algorithms, labels and numbers; nothing secret
    DIR/csca.cer       the CSCA's self-signed certificate       } for
    DIR/crl.crl        its certificate revocation list          } `verify trust add STORE`
    DIR/ds.cer         the Document Signer's certificate
    DIR/station.cer    the certificate for which chip keys are encrypted
    DIR/intake.cer     the certificate for which applications are encrypted; intake-2.cer, ... more
    DIR/receipt.cer    the certificate that the intake's receipts are verified with
    DIR/issued/*.cer   every certificate ever issued, by serial number
    DIR/audit.jsonl    the log of every operation; audit.pub is the key that verifies it
    DIR/register.sqlite  which Document Signer signed which document, with encrypted numbers
    DIR/ledger.pub     the key that verifies the ledger's checkpoints, if the PKI has a ledger
    DIR/ledger-checkpoint.json  the last of them; DIR/ledger.sqlite is the ledger, by default
    DIR/retention/*.key  the keys of the ledger's retention periods, encrypted
    DIR/certified/     card-verifiable certificates issued on request, by their reference
    DIR/keys/*.p8      the private keys, encrypted
    DIR/terminal/      an inspection system that may read fingerprints: its certificates up to the
                       CVCA (*.cvcert) and its key (is.p8, encrypted); for `verify --terminal`

The station's key is also in the user's folder, where `write` finds it by the recipient's identifier
in the envelope: a personalisation station needs no other part of the PKI.
"""

from pathlib import Path
from typing import Final

import msgspec

from personalise.pki.settings import Settings
from support.errors import MisuseError
from support.files import write_atomically
from support.records import from_json, read_bounded

SETTINGS_NAME: Final = "pki.json"
AUDIT_LABEL: Final = "audit"
AUDIT_LOG_NAME: Final = "audit.jsonl"
AUDIT_KEY_NAME: Final = "audit.pub"
STATION: Final = "station"
INTAKE: Final = "intake"
RECEIPT: Final = "receipt"
STOP_LIST: Final = "sls"
CRL_NAME: Final = "crl.crl"
REGISTER: Final = "register"
MAX_FILE: Final = 64 * 1024
_MAX_SETTINGS: Final = 64 * 1024 * 1024  # the settings contain all revocations ever made

_MADE_BY: Final = {
    "ds": "pki issue-ds",
    "mls": "pki issue-list-signer master",
    "dls": "pki issue-list-signer deviation",
    STOP_LIST: "pki issue-list-signer stop",
    RECEIPT: "pki issue-receipt-signer",
    INTAKE: "pki issue-intake",
    "dv": "eac renew-dv",
    "is": "eac renew-is",
    "ca": "eac spoc init",
}
"""The commands that make a file which is missing, by its name."""


def read_settings(folder: Path) -> Settings:
    """Return the settings of a PKI; raises `MisuseError` if the folder holds none."""
    path = folder / SETTINGS_NAME
    if not path.is_file():
        raise MisuseError(
            f"{folder}: holds no PKI", advice="create one with `personalise pki init`"
        )
    return from_json(read_bounded(path, _MAX_SETTINGS), Settings, str(path))


def write_settings(folder: Path, settings: Settings) -> None:
    """Write the settings of a PKI, atomically."""
    encoded = msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"
    write_atomically(folder / SETTINGS_NAME, encoded)


def read_file(folder: Path, name: str) -> bytes:
    """Return a file of a PKI; `MisuseError` with the command that makes it if it is missing."""
    path = folder / name
    if not path.is_file():
        command = _MADE_BY.get(path.stem.partition("-")[0], "")
        advice = f"run `personalise {command}`" if command else "restore it from a backup"
        raise MisuseError(f"{path}: is missing from the PKI", advice=advice)
    return read_bounded(path, MAX_FILE)
