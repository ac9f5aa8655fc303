"""A personalisation station: write an image to the card in a reader."""

from collections.abc import Mapping
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import Procedure, Reset, run
from emrtd.lds.files import DATA_GROUPS, FileID
from emrtd.lds.security.sod import Sod
from emrtd.pki.cms.signed_data import SignedData
from emrtd.transport.connection import Connection
from personalise.preparing.station_order import StationOrder
from personalise.station.cards.interface import Blank, CardIdentity
from personalise.station.cards.registry import card_kind
from personalise.station.checking import way_into
from personalise.station.inspecting import inspect_card
from personalise.station.key_sources.interface import KeySource
from personalise.station.key_sources.test_key import TestKeySource
from personalise.station.outcomes import RejectApplicationError, RejectCardError, outcome_of
from personalise.station.writing import Milestones, Progress, WriteReport, write_card
from support.errors import ChipsealError, MalformedError

_ADVICE: Final = "the image is damaged: use another copy of it, or prepare it again"
_TEST_KEY: Final = TestKeySource()
_NO_ENTRIES: Final = Milestones()


def write_image(
    files: Mapping[FileID, bytes],
    order: StationOrder,
    connection: Connection,
    progress: Progress = lambda _done, _total: None,
    key_source: KeySource | None = _TEST_KEY,
    *,
    milestones: Milestones = _NO_ENTRIES,
) -> WriteReport:
    """Write an image to a card, read it back, lock the card, and open it as an inspector would.

    See `write_card` and `inspect_card`.  The order names the kind of card; `key_source` has the
    transport keys of blank cards, the published test key if none is named.  Raises `WriteError`:
    its type says what is to be done with the card and the application.  For an image that differs
    from what was signed it is a `RejectApplicationError`, and no command is sent to the card.
    """
    try:
        require_intact(files)
        card = card_kind(order.card_profile)(Blank(connection.atr, files, key_source, order.keys))
        way = way_into(order.keys, files.get(FileID.CARD_ACCESS))
    except MalformedError as error:  # no command was sent to the card: the image is at fault
        raise RejectApplicationError(error.message, advice=_ADVICE) from error
    except ChipsealError as error:
        raise outcome_of(error) from error

    def write_and_inspect() -> Procedure[WriteReport]:
        report = yield from write_card(
            files, order.keys, card, way, progress, milestones=milestones
        )
        milestones.inspecting()
        try:
            if report.already_complete or not card.capabilities.reads_back:
                yield Reset()  # ends the session in which the files were looked for
            yield from inspect_card(files, way, card.capabilities)
        except ChipsealError as error:
            outcome = outcome_of(error, begun=True)
            if isinstance(outcome, RejectCardError):
                outcome = outcome.with_whole_document(terminated=False)
            raise outcome from error
        return report

    procedure = with_response_chaining(write_and_inspect())
    return run(procedure, connection.transmit, connection.reset)


def identify(
    card_profile: str, connection: Connection, key_source: KeySource | None = _TEST_KEY
) -> CardIdentity:
    """Read the identity of the card in a reader, as a card of this kind; raises `WriteError`."""
    try:
        card = card_kind(card_profile)(Blank(connection.atr, keys=key_source))
        return run(with_response_chaining(card.identity()), connection.transmit)
    except ChipsealError as error:
        raise outcome_of(error) from error


def require_intact(files: Mapping[FileID, bytes]) -> None:
    """Raise `RejectApplicationError` if an image differs from what was signed.

    The signatures are verified with the certificates that EF.SOD and EF.CardSecurity enclose.
    Whether the State issued these certificates is checked by inspection systems, not here.
    """
    if FileID.SOD not in files:
        raise RejectApplicationError("the image has no EF.SOD", advice=_ADVICE)
    sod = Sod.parse(files[FileID.SOD])
    _require_signature(FileID.SOD, sod.signed_data)
    if FileID.CARD_SECURITY in files:
        signed = SignedData.parse(files[FileID.CARD_SECURITY], FileID.CARD_SECURITY.value)
        _require_signature(FileID.CARD_SECURITY, signed)
    hashes, algorithm = sod.security_object.hashes, sod.security_object.hash_algorithm
    for number, file in enumerate(DATA_GROUPS, start=1):
        octets, digest = files.get(file.file_id), hashes.get(number)
        if digest != (None if octets is None else algorithm.digest(octets)):
            raise RejectApplicationError(
                f"{file.file_id}: its hash is not the one in EF.SOD", advice=_ADVICE
            )


def _require_signature(file_id: FileID, signed: SignedData) -> None:
    for signer in signed.signers:
        certificate = signed.certificate_of(signer)
        if certificate is None or certificate.public_key is None:
            raise RejectApplicationError(
                f"{file_id}: does not contain the certificate of its signer", advice=_ADVICE
            )
        try:
            signer.verify(signed.content_type, signed.content, certificate.public_key)
        except (MalformedError, ProtocolError) as error:
            problem = f"{file_id}: {error.message}"
            raise RejectApplicationError(problem, advice=_ADVICE) from None
