"""A new PKI: its keys, its first certificates, and the folder that holds them."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from emrtd.crypto.public_keys import encode_public_key
from emrtd.iso7816.procedure import Random
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.issuing import CountrySigningCa
from personalise.pki.cvca_operations import make_terminal
from personalise.pki.folder import (
    AUDIT_KEY_NAME,
    AUDIT_LABEL,
    CRL_NAME,
    INTAKE,
    REGISTER,
    STATION,
)
from personalise.pki.intake_keys import make_receipt_key
from personalise.pki.issuing_pki import IssuingPki, Pin, custody_of, no_pin, require_signed
from personalise.pki.keys.custody import FileCustody, KeyCustody
from personalise.pki.keys.station import install_station_key
from personalise.pki.register import KEY_NAME
from personalise.pki.settings import Settings
from support.errors import ChipsealError, MisuseError
from support.files import is_taken, write_atomically
from support.secret import Secret

_STATION_CURVE: Final = "brainpoolP256r1"
_AUDIT_CURVE: Final = "secp256r1"


def create_pki(
    folder: Path,
    settings: Settings,
    passphrase: Secret,
    at: datetime,
    pin: Pin = no_pin,
    *,
    random: Random = secrets.token_bytes,
) -> IssuingPki:
    """Create a PKI in a new folder, whole or not at all.

    Also stores the station's key in the user's folder.  `at` is the begin of every validity;
    `random` draws serial numbers.  Raises `MisuseError` if the folder exists and is not empty.
    """
    if is_taken(folder):
        raise MisuseError(f"{folder}: already exists", advice="choose another folder for the PKI")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
    work.mkdir(mode=0o700)
    try:
        local_keys = FileCustody(work / "keys", passphrase)
        custody = custody_of(settings, local_keys, pin)
        with _no_keys_left(custody):
            _make(
                IssuingPki(work, settings, custody, local_keys), at.replace(microsecond=0), random
            )
            work.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    local_keys = FileCustody(folder / "keys", passphrase)
    in_files = settings.hsm is None
    pki = IssuingPki(folder, settings, local_keys if in_files else custody, local_keys)
    station_key = (folder / "keys" / f"{STATION}.p8").read_bytes()
    install_station_key(pki.station_identifier, station_key)
    return pki


@contextmanager
def _no_keys_left(custody: KeyCustody) -> Iterator[None]:
    """Destroy the keys made in the block if it fails: an HSM would keep them."""
    before = set(custody.labels())
    try:
        yield
    except BaseException:
        with suppress(ChipsealError, OSError):  # the first error is reported
            for label in set(custody.labels()) - before:
                custody.destroy(label)
        raise


def _make(pki: IssuingPki, at: datetime, random: Random) -> None:
    settings, custody = pki.settings, pki.custody
    pki.generate(settings.csca)
    document_signer_key = pki.generate(settings.document_signer)
    station_key = pki.local_keys.generate(STATION, _STATION_CURVE)
    intake_key = pki.local_keys.generate(INTAKE, _STATION_CURVE)
    csca = CountrySigningCa(settings.profile, pki.signer(settings.csca), random)
    root = csca.issue_root(at)
    pki.publish("csca", root)
    pki.publish("ds", csca.issue_document_signer(document_signer_key, 1, at))
    pki.publish(STATION, csca.issue_encryption(station_key, "Personalisation station 1", at))
    pki.publish(INTAKE, csca.issue_encryption(intake_key, "Intake of applications", at))
    make_receipt_key(pki, csca, at)
    make_terminal(pki, at.date())
    crl = csca.issue_crl(settings.crl_number, at)
    require_signed(root, Crl.parse(crl))
    write_atomically(pki.folder / CRL_NAME, crl)
    for name, key in (
        (AUDIT_KEY_NAME, custody.generate(AUDIT_LABEL, _AUDIT_CURVE)),
        (KEY_NAME, pki.local_keys.generate(REGISTER, _STATION_CURVE)),
    ):
        write_atomically(pki.folder / name, encode_public_key(key))
    subject = {"state": settings.state, "key": settings.key}
    pki.audit_log.append("pki.init", subject, "done", at)
    pki.save(settings)
