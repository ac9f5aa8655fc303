"""A PKI from its backup, on a bare machine, with a new pass phrase."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from emrtd.crypto.private_keys import PrivateKey
from emrtd.pki.private_key_file import KeyFiles
from emrtd.pki.x509.crl import Crl
from personalise.pki.auditing import verify_audit
from personalise.pki.backup import PASSPHRASE_FILE, read_backup
from personalise.pki.folder import STATION
from personalise.pki.issuing_pki import IssuingPki, Pin, no_pin
from personalise.pki.keys.custody import SUFFIX, FileCustody
from personalise.pki.keys.station import install_station_key
from support.errors import MalformedError, MisuseError
from support.files import is_taken, write_atomically
from support.secret import Secret


def restore(  # noqa: PLR0917
    source: IO[bytes],
    what: str,
    folder: Path,
    keys: Mapping[str, PrivateKey],
    passphrase: Secret,
    at: datetime,
    *,
    published: Crl | None = None,
    pin: Pin = no_pin,
) -> IssuingPki:
    """Make a PKI's folder from a backup, whole or not at all; return the PKI.

    Its keys are encrypted with the new pass phrase, and the station's key is stored in the user's
    folder.  `published` is the last revocation list that was published: numbers go on behind it.
    The restoration is entered in the audit log.  Raises `MisuseError` if the folder is taken, and
    what `read_backup` raises.
    """
    if is_taken(folder):
        raise MisuseError(f"{folder}: already exists", advice="choose another folder for the PKI")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
    work.mkdir(mode=0o700)
    try:
        before, now = KeyFiles(_unpack(source, what, work, keys)), KeyFiles(passphrase)
        for each in sorted(work.rglob(f"*{SUFFIX}")):
            key = FileCustody(each.parent, before).private_key(each.stem)
            FileCustody(each.parent, now).replace(each.stem, key)
        pki = IssuingPki.open(work, passphrase, pin)
        head = verify_audit(work)
        if published is not None:
            pki = _continue_behind(pki, published)
        subject = {"by": " ".join(sorted(keys)), "entries": str(head.entries), "head": head.digest}
        pki.audit_log.append("pki.restore", subject, "done", at)
        work.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    restored = replace(pki, folder=folder, local_keys=FileCustody(folder / "keys", passphrase))
    if pki.settings.hsm is None:
        restored = replace(restored, custody=restored.local_keys)
    station = folder / "keys" / f"{STATION}{SUFFIX}"
    if station.is_file():
        install_station_key(restored.station_identifier, station.read_bytes())
    return restored


def _unpack(source: IO[bytes], what: str, work: Path, keys: Mapping[str, PrivateKey]) -> Secret:
    """Write the files, and return the pass phrase that their keys are encrypted with."""
    passphrase = None
    for name, octets in read_backup(source, what, keys):
        if name == PASSPHRASE_FILE:
            passphrase = Secret(octets)
            continue
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, octets, mode=0o600)
    if passphrase is None:
        raise MalformedError(what, "has no pass phrase")
    return passphrase


def _continue_behind(pki: IssuingPki, published: Crl) -> IssuingPki:
    """Let the numbers of revocation lists go on behind one that was published since the backup."""
    if not any(published.is_signed_by(each.public_key) for each in pki.issued() if each.is_ca):
        raise MisuseError(
            "the published revocation list is of another CSCA", advice="give the last one of this"
        )
    number = max(pki.settings.crl_number, published.number or 0)
    return pki.save(msgspec.structs.replace(pki.settings, crl_number=number))
