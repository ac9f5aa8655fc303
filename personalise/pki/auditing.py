"""Read and verify the audit log of a PKI, with nothing but the files in its folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from emrtd.crypto.public_keys import decode_public_key
from emrtd.crypto.signatures import PublicKey
from personalise.pki.audit_log import AuditEntry, Head, pki_identifier, read_log, verify_log
from personalise.pki.folder import AUDIT_KEY_NAME, AUDIT_LOG_NAME
from personalise.pki.officers import Officers, RequirementsInLog
from support.errors import MisuseError
from support.records import read_bounded

_MAX_KEY: Final = 64 * 1024


def verify_audit(
    folder: Path,
    expected_head: str | None = None,
    seen: Callable[[AuditEntry], None] = lambda _: None,
) -> Head:
    """Verify the whole audit log of a PKI with the public key in its folder; return its head.

    `seen` is called with each entry that verifies, in order.
    """
    key = _log_key(folder)
    officers = Officers.load(folder)
    requirements = RequirementsInLog(officers.ever)

    def needed(entry: AuditEntry) -> int:
        seen(entry)
        return requirements.needed(entry)

    return verify_log(folder / AUDIT_LOG_NAME, key, officers.ever, expected_head, needed)


def audit_entries(folder: Path) -> Iterator[AuditEntry]:
    """Yield the entries of the audit log, each verified with the public key in the folder.

    Raises `ProtocolError` or `MalformedError` at the first that does not verify.
    """
    yield from (entry for entry, _ in read_log(folder / AUDIT_LOG_NAME, _log_key(folder)))


def identifier_of(folder: Path) -> str:
    """Return the `pki_identifier` of the PKI in a folder."""
    return pki_identifier(_log_key(folder))


def _log_key(folder: Path) -> PublicKey:
    if not (folder / AUDIT_KEY_NAME).is_file():
        raise MisuseError(
            f"{folder}: holds no PKI", advice="create one with `personalise pki init`"
        )
    return decode_public_key(read_bounded(folder / AUDIT_KEY_NAME, _MAX_KEY))
