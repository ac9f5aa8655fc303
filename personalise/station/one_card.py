"""A personalisation station: writes an image to the card that is in a reader."""

from collections.abc import Mapping
from typing import Final

from emrtd.access.chip_keys import ChipKeys
from emrtd.errors import ProtocolError
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import run
from emrtd.lds.files import DATA_GROUPS, FileID
from emrtd.lds.security.sod import Sod
from emrtd.pki.cms.signed_data import SignedData
from emrtd.transport.connection import Connection
from personalise.station.opening import read_security_object
from personalise.station.writing import (
    CARD_PROFILES,
    Progress,
    WriteReport,
    buffers_for,
    write_card,
)
from support.errors import MalformedError, MisuseError

_ADVICE: Final = "the image is damaged: take another copy of it, or prepare it again"


def write_image(
    files: Mapping[FileID, bytes],
    keys: ChipKeys,
    connection: Connection,
    card_profile: str = "iso7816-9",
    progress: Progress = lambda _done, _total: None,
) -> WriteReport:
    """Write an image to a card, read it back and lock the card; see `write_card`.

    Raises `TransportError` when the card leaves: it is finished by doing the same again.
    `MisuseError` where the image is not as it was signed: the card is not touched.
    """
    _require_intact(files)
    make_card = CARD_PROFILES.get(card_profile)
    if make_card is None:
        known = ", ".join(CARD_PROFILES)
        raise MisuseError(f"{card_profile!r} is no kind of card; the kinds are {known}")
    card = make_card(buffers_for(connection.atr, files))
    open_locked = read_security_object(keys, files.get(FileID.CARD_ACCESS))
    procedure = write_card(files, keys, card, open_locked, progress)
    return run(with_response_chaining(procedure), connection.transmit)


def _require_intact(files: Mapping[FileID, bytes]) -> None:
    """Raise `MisuseError` where what a chip would hold for good is not what was signed.

    What the keys of the State are is for inspection systems; here an image is held against itself.
    """
    if FileID.SOD not in files:
        raise MisuseError("the image has no EF.SOD")
    sod = Sod.parse(files[FileID.SOD])
    _require_signature(FileID.SOD, sod.signed_data)
    if FileID.CARD_SECURITY in files:
        signed = SignedData.parse(files[FileID.CARD_SECURITY], FileID.CARD_SECURITY.value)
        _require_signature(FileID.CARD_SECURITY, signed)
    hashes, algorithm = sod.security_object.hashes, sod.security_object.hash_algorithm
    for number, file in enumerate(DATA_GROUPS, start=1):
        octets, digest = files.get(file.file_id), hashes.get(number)
        if digest != (None if octets is None else algorithm.digest(octets)):
            raise MisuseError(f"{file.file_id}: is not as EF.SOD signs it; {_ADVICE}")


def _require_signature(file_id: FileID, signed: SignedData) -> None:
    for signer in signed.signers:
        certificate = signed.certificate_of(signer)
        if certificate is None or certificate.public_key is None:
            raise MisuseError(f"{file_id}: encloses no certificate of its signer; {_ADVICE}")
        try:
            signer.verify(signed.content_type, signed.content, certificate.public_key)
        except (MalformedError, ProtocolError) as error:
            raise MisuseError(f"{file_id}: {error}; {_ADVICE}") from None
