"""A specimen as a finished card, and the trust anchors of its State as files."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from emrtd.iso7816.procedure import Random
from emrtd.specimens import Specimen
from support.files import write_atomically
from vsmartcard.chip.security_domain import BlankKind, TransportKeys
from vsmartcard.chip.state import ChipState, Hardware
from vsmartcard.forging.chips import locked_state

_SERIAL_NUMBER_SIZE: Final = 8


def state_of(specimen: Specimen, random: Random = secrets.token_bytes) -> ChipState:
    """Return the state of a card with a specimen, locked; only its serial number is random."""
    serial_number = random(_SERIAL_NUMBER_SIZE)
    hardware = Hardware(serial_number=serial_number)
    domain = TransportKeys(BlankKind.of(specimen.card_kind)).of_chip(serial_number)
    locked = locked_state(specimen.files, specimen.keys, hardware)
    return replace(locked, security_domain=domain)


def today(now: datetime | None = None) -> datetime:
    """Return the beginning of the day (UTC): a specimen has the same trust anchors all day."""
    now = now or datetime.now(UTC)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def save_trust(
    specimen: Specimen, folder: Path, others: tuple[bytes, ...] = ()
) -> tuple[Path, ...]:
    """Write the CSCA certificate and the CRL of a specimen's State into a folder (DER).

    Returns their paths: `csca.cer`, `crl.crl`, and `trusted-1` and so on for `others`.
    """
    contents = {
        "csca.cer": specimen.state.csca_certificate.der,
        "crl.crl": specimen.state.crl,
        **{f"trusted-{number}": each for number, each in enumerate(others, start=1)},
    }
    for name, octets in contents.items():
        write_atomically(folder / name, octets)
    return tuple(folder / name for name in contents)
