"""Clones have every file and password of a document, but not the chip's private keys."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

import msgspec
import pytest

from emrtd.access.passwords import Password
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.pki.findings import Outcome, Shows
from emrtd.pki.x509.crl import Crl
from emrtd.status_words import SW
from tests.certificates import Authority, name
from tests.helpers import replace
from tests.security.copies import clone_of, open_copy_of, password_of
from tests.verify.documents import (
    CSCA,
    PACE_CAM,
    PACE_GM,
    Document,
    Trust,
    issue,
    key,
    mrz,
    usual,
)
from tests.verify.inspection.test_inspection import access_of, inspected
from tests.verify.inspection.test_terminal import VERSION_2, chain, credentials, document
from tests.vsmartcard.cards import personalised
from verify.inspection import channel, inspect
from verify.inspection.opening import Credentials
from verify.judging.check_ids import CLONE_PROOFS
from verify.judging.evidence import Evidence, PaceTranscript
from verify.judging.faults import Refused
from verify.judging.report import Report, Verdict
from vsmartcard.card.clones import SilentClone
from vsmartcard.card.conditions import (
    Condition,
    after,
    every,
    instruction,
    plain,
    protected,
    selects_application,
)
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, ChangingResponses, Refusing, Watched
from vsmartcard.card.lies import KEEPING_THE_SESSION
from vsmartcard.card.relay import DenyingRelay, DroppingRelay, PaceRelay
from vsmartcard.chip.dispatch import Chip

NOT_FOUND = ResponseAPDU(sw=SW.FILE_NOT_FOUND)
"""The answer of a chip that does not have the file or application."""

Relay = TypeVar("Relay", bound=PaceRelay)


@cache
def thief(**changes: object) -> Document:
    """Return another genuine document of the same State, whose chip has other keys."""
    return issue(
        mrz=mrz(document_number="ZU7654321", surname="Mallory"), chip_private=0xB0B, **changes
    )


def presented(victim: Document, card: Card, terminal: TerminalCredentials | None = None) -> Report:
    """Return the report for a chip presented with the victim's printed MRZ."""
    procedure = inspect(
        Credentials(mrz=password_of(victim)), optical_mrz=victim.how.mrz.text, terminal=terminal
    )
    return victim.judged(run(procedure, card.process, card.reset))


def relayed(
    relay: Callable[[Card, Password, Password, Card], Relay],
    genuine: Document,
    victim: Document,
    clone: Card,
) -> Relay:
    """A relay to the chip of another document, later replaced by a clone of the victim's."""
    chip = personalised(genuine.files, genuine.keys)
    return relay(chip, password_of(genuine), password_of(victim), clone)


def test_a_clone_with_every_file_is_never_accepted() -> None:
    report = presented(usual(), clone_of(usual()))
    assert report.verdict is Verdict.REJECT
    assert {report.check(each).shows for each in CLONE_PROOFS} == {Shows.CLONING}


def test_a_clone_that_ends_the_session_is_not_accepted() -> None:
    report = presented(usual(), SilentClone(clone_of(usual())))
    assert report.verdict is not Verdict.ACCEPT
    assert not any(report.check(each).outcome is Outcome.PASSED for each in CLONE_PROOFS)


def test_a_mapping_proof_by_another_chip_before_the_session_ended_does_not_count() -> None:
    """PACE-CAM with the attacker's genuine chip; then a clone of the victim's takes its place."""
    victim, genuine = usual(), thief()
    clone = clone_of(victim, **{"EF.CardSecurity": genuine.files[FileID.CARD_SECURITY]})
    relay = relayed(DroppingRelay, genuine, victim, SilentClone(clone))
    report = presented(victim, relay)
    assert relay.dropped
    assert report.check("dg.hash.DG1").outcome is Outcome.PASSED  # the victim's own data
    assert report.check("cardsecurity.signature").outcome is Outcome.PASSED  # of a genuine chip
    assert report.check("pace.cam").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


@pytest.mark.parametrize("by_can", [False, True])
def test_a_mapping_proof_by_another_chip_without_an_application_does_not_count(
    by_can: bool,
) -> None:
    """The victim's chip has this proof alone; the clone lets anyone read, so that no key is needed.

    The terminal itself ends the session here: nothing of it may count for what it reads after it.
    """
    infos = DataGroup14(SecurityInfos(PACE_GM, PACE_CAM)).encode()
    victim = issue(active_authentication=None, more={14: infos})
    genuine = thief.__wrapped__(active_authentication=None, more={14: infos})
    relay = relayed(DenyingRelay, genuine, victim, open_copy_of(victim))
    can = Password.can("654321") if by_can else None
    procedure = inspect(Credentials(password_of(victim), can), optical_mrz=victim.how.mrz.text)
    evidence = run(procedure, relay.process, relay.reset)
    report = victim.judged(evidence)
    assert relay.denied
    assert report.check("dg.hash.DG1").outcome is Outcome.PASSED  # the victim's own data
    assert report.check("cardsecurity.signature").outcome is Outcome.PASSED  # of a genuine chip
    assert report.check("pace.cam").outcome is Outcome.NOT_PERFORMED
    assert report.check("access.downgrade").outcome is Outcome.WARNING
    assert evidence.session is not None
    assert (evidence.session.pace, access_of(evidence)) == (None, "none")
    assert report.verdict is Verdict.REFER


def test_a_version_2_proof_by_another_chip_without_an_application_does_not_count() -> None:
    victim = document(more_infos=VERSION_2, active_authentication=None)
    announced = SecurityInfos(*victim.how.pace, *VERSION_2)
    access = {FileID.CARD_ACCESS: CardAccess(announced).encode()}
    genuine = document.__wrapped__(
        more_infos=VERSION_2, mrz=thief().how.mrz, chip_private=0xB0B, active_authentication=None
    )
    genuine = replace(genuine, files=genuine.files | access)
    relay = relayed(DenyingRelay, genuine, victim, open_copy_of(victim))
    report = presented(victim, relay, credentials(*chain()))
    assert relay.denied
    assert report.check("dg.hash.DG1").outcome is Outcome.PASSED
    assert report.check("chip.authentication").outcome is not Outcome.PASSED
    assert report.check("terminal.authentication").outcome is not Outcome.PASSED
    assert report.verdict is not Verdict.ACCEPT


def test_a_relay_to_the_genuine_chip_reads_the_genuine_document() -> None:
    victim, genuine = usual(), thief()
    chip = personalised(genuine.files, genuine.keys)
    relay = PaceRelay(chip, password_of(genuine), password_of(victim))
    report = presented(victim, relay)
    assert report.document["surname"] == "MALLORY"
    assert report.check("mrz.matches-optical").shows is Shows.FORGERY
    assert report.verdict is Verdict.REJECT


def test_a_version_2_proof_by_another_chip_before_the_session_ended_does_not_count() -> None:
    """Chip Authentication of EAC version 2 uses the key in EF.CardSecurity too."""

    def announcing(issued: Document) -> Document:
        announced = SecurityInfos(*issued.how.pace, *VERSION_2)
        return issued.with_file(FileID.CARD_ACCESS, CardAccess(announced).encode())

    victim = announcing(document(more_infos=VERSION_2))
    genuine = announcing(
        document.__wrapped__(more_infos=VERSION_2, mrz=thief().how.mrz, chip_private=0xB0B)
    )
    clone = clone_of(victim, **{"EF.CardSecurity": genuine.files[FileID.CARD_SECURITY]})
    relay = relayed(DroppingRelay, genuine, victim, SilentClone(clone))
    report = presented(victim, relay, credentials(*chain()))
    assert relay.dropped
    assert report.check("chip.authentication").outcome is not Outcome.PASSED
    assert report.verdict is Verdict.REJECT


def test_ef_card_security_of_another_chip_is_rejected() -> None:
    """The mapping data are from the clone's own key, and EF.CardSecurity is another chip's."""
    swapped = usual().with_file(FileID.CARD_SECURITY, thief().files[FileID.CARD_SECURITY])
    report = presented(usual(), personalised(swapped.files, swapped.keys))
    assert report.check("pace.cam").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


@pytest.mark.parametrize("calls_itself", ["FR", "UT"])
def test_ef_card_security_of_another_state_is_rejected(calls_itself: str) -> None:
    """Its signature is good, its chip proves itself; it is no part of this document.

    Whatever the Document Signer calls itself, its State is that of its CSCA.
    """
    france = Authority("FR", "CSCA FR", common_name="CSCA France")
    signer = france.issue("DS 1", subject=name(calls_itself, "DS 1"))
    foreign = issue(authority=france, mrz=mrz(issuing_state="FRA"), signer=signer)
    trust = Trust(
        (CSCA.certificate(), france.certificate()), map(Crl.parse, (CSCA.crl(), france.crl()))
    )
    mixed = replace(usual(), trust=trust).with_file(
        FileID.CARD_SECURITY, foreign.files[FileID.CARD_SECURITY]
    )
    report = presented(mixed, personalised(mixed.files, mixed.keys))
    assert report.check("cardsecurity.signature").shows is Shows.FORGERY
    assert report.verdict is Verdict.REJECT


def test_ef_card_security_signed_by_the_attacker_is_not_accepted() -> None:
    impostor = Authority(label="another key of the same name")
    forged = issue(authority=impostor, chip_private=7)
    mixed = usual().with_file(FileID.CARD_SECURITY, forged.files[FileID.CARD_SECURITY])
    report = presented(mixed, personalised(mixed.files, forged.keys))
    assert report.check("pace.cam").outcome is not Outcome.PASSED
    assert report.verdict is not Verdict.ACCEPT


# --- Chip Authentication --------------------------------------------------------------------------


def reading_after_chip_authentication() -> Condition:
    """Return the condition for READ BINARY after Chip Authentication, on a chip opened by BAC."""
    return every(after(instruction(INS.GENERAL_AUTHENTICATE)), instruction(INS.READ_BINARY))


PLAIN = issue(pace=(), basic_access_control=True, active_authentication=None)


@pytest.mark.parametrize("answer", [b"\x90\x00", b"\x7c\x00\x90\x00", b"\x6a\x82", b"\x00\x90\x00"])
def test_bare_answers_in_the_new_session_prove_nothing(answer: bytes) -> None:
    lies = reading_after_chip_authentication()
    chip = personalised(PLAIN.files, PLAIN.keys)
    report = presented(PLAIN, Answering(chip, lambda command: answer if lies(command) else None))
    assert report.check("chip.authentication").outcome is not Outcome.PASSED
    assert report.verdict is Verdict.REJECT


def test_the_terminals_own_command_echoed_back_proves_nothing() -> None:
    lies = reading_after_chip_authentication()

    def echo(command: CommandAPDU) -> ResponseAPDU | None:
        return ResponseAPDU(command.data) if lies(command) else None

    card = Answering(personalised(PLAIN.files, PLAIN.keys), echo)
    assert presented(PLAIN, card).verdict is Verdict.REJECT


def test_a_chip_that_stays_in_the_old_session_shows_a_clone() -> None:
    clone = Chip(clone_of(PLAIN).state, instructions=KEEPING_THE_SESSION)
    report = presented(PLAIN, clone)
    assert report.check("chip.authentication").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_a_replayed_chip_authentication_proves_nothing() -> None:
    """The old transcript in a new inspection, whose session keys differ."""
    old, new = (inspected(personalised(PLAIN.files, PLAIN.keys).process) for _ in range(2))
    assert old.session is not None
    assert new.session is not None
    assert old.session.chip_authentication is not None
    assert new.session.chip_authentication is not None
    replayed = msgspec.structs.replace(
        new.session.chip_authentication, proof=old.session.chip_authentication.proof
    )
    session = msgspec.structs.replace(new.session, chip_authentication=replayed)
    report = PLAIN.judged(msgspec.structs.replace(new, session=session))
    assert report.check("chip.authentication").shows is Shows.CLONING


# --- Chip Authentication Mapping ------------------------------------------------------------------


@pytest.mark.parametrize("data", [bytes(32), b"\x00" * 31 + b"\x01", b""], ids=["0", "1", "none"])
def test_degenerate_mapping_data_prove_nothing(data: bytes) -> None:
    evidence = inspected(personalised(usual().files, usual().keys).process)
    assert evidence.session is not None
    assert evidence.session.pace is not None
    pace = msgspec.structs.replace(evidence.session.pace, chip_authentication_data=data)
    assert judged_with(evidence, pace).check("pace.cam").shows is Shows.CLONING


def test_a_mapping_key_at_infinity_or_off_the_curve_is_refused() -> None:
    evidence = inspected(personalised(usual().files, usual().keys).process)
    assert evidence.session is not None
    assert evidence.session.pace is not None
    for public in (b"\x00", b"\x04" + bytes(64), b"", None):
        pace = msgspec.structs.replace(evidence.session.pace, mapping_key=public)
        assert judged_with(evidence, pace).check("pace.cam").shows is Shows.CLONING


def judged_with(evidence: Evidence, pace: PaceTranscript) -> Report:
    session = msgspec.structs.replace(evidence.session, pace=pace)
    return usual().judged(msgspec.structs.replace(evidence, session=session))


# --- Active Authentication ------------------------------------------------------------------------

ACTIVE = {
    kind: issue(
        pace=(), basic_access_control=True, chip_authentication=False, active_authentication=kind
    )
    for kind in ("brainpoolP256r1", "RSA-2048")
}


@pytest.mark.parametrize("kind", ACTIVE)
def test_a_replayed_signature_proves_nothing(kind: str) -> None:
    chip = ACTIVE[kind]
    evidence = inspected(personalised(chip.files, chip.keys).process)
    assert evidence.session is not None
    transcript = evidence.session.active_authentication
    assert transcript is not None
    replayed = msgspec.structs.replace(transcript, challenge=bytes(8))
    session = msgspec.structs.replace(evidence.session, active_authentication=replayed)
    report = chip.judged(msgspec.structs.replace(evidence, session=session))
    assert report.check("active.authentication").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


@pytest.mark.parametrize("kind", ACTIVE)
@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\x00" * 256, b"\xff" * 256, b"\x01"])
def test_degenerate_signatures_prove_nothing(kind: str, signature: bytes) -> None:
    chip = ACTIVE[kind]
    evidence = inspected(personalised(chip.files, chip.keys).process)
    assert evidence.session is not None
    transcript = evidence.session.active_authentication
    assert transcript is not None
    forged = msgspec.structs.replace(transcript, signature=signature)
    session = msgspec.structs.replace(evidence.session, active_authentication=forged)
    report = chip.judged(msgspec.structs.replace(evidence, session=session))
    assert report.check("active.authentication").shows is Shows.CLONING


def test_the_other_root_of_an_rsa_signature_needs_the_right_trailer() -> None:
    """n - s opens to n - F; what opens to no trailer, or to F of another message, is no proof."""
    chip = ACTIVE["RSA-2048"]
    private = key("AA", "RSA-2048")
    assert isinstance(private, RsaPrivateKey)
    size = private.public_key.size
    evidence = inspected(personalised(chip.files, chip.keys).process)
    assert evidence.session is not None
    transcript = evidence.session.active_authentication
    assert transcript is not None
    for trailer in (b"\xbb\xbb", b"\x31\xcc", b"\x00\x00", b"\xcc\xbc"):
        message = b"\x6a" + bytes(size - 3) + trailer
        signature = private.apply(int.from_bytes(message, "big")).to_bytes(size, "big")
        forged = msgspec.structs.replace(transcript, signature=signature)
        session = msgspec.structs.replace(evidence.session, active_authentication=forged)
        report = chip.judged(msgspec.structs.replace(evidence, session=session))
        assert report.check("active.authentication").shows is Shows.CLONING


def test_a_data_group_15_of_the_attacker_is_rejected() -> None:
    """The attacker's key makes correct signatures, but no State has signed the key."""
    chip = ACTIVE["brainpoolP256r1"]
    other = issue(
        pace=(), basic_access_control=True, chip_authentication=False,
        active_authentication="secp256r1",
    )  # fmt: skip
    mixed = chip.with_file(FileID.DG15, other.files[FileID.DG15])
    report = presented(chip, personalised(mixed.files, other.keys))
    assert report.check("active.authentication").outcome is Outcome.UNDETERMINED
    assert report.check("dg.hash.DG15").shows is Shows.FORGERY
    assert report.verdict is Verdict.REJECT


def test_a_chip_that_breaks_off_active_authentication_is_not_accepted() -> None:
    chip = ACTIVE["brainpoolP256r1"]
    card = personalised(chip.files, chip.keys)
    breaking = Refusing(card, instruction(INS.INTERNAL_AUTHENTICATE), SW.SM_DATA_OBJECT_INCORRECT)
    report = presented(chip, breaking)
    assert report.check("active.authentication").outcome is not Outcome.PASSED
    assert report.verdict is not Verdict.ACCEPT


def test_a_clone_behind_a_chip_that_refuses_everything_but_reading() -> None:
    report = presented(usual(), SilentClone(clone_of(usual()), tuple(INS)))
    assert report.verdict is not Verdict.ACCEPT


# --- on the air -----------------------------------------------------------------------------------


def test_an_unprotected_answer_does_not_make_a_genuine_document_forged() -> None:
    """An attacker relays the commands, and answers in plain that there is no DG2."""
    in_application = after(selects_application)
    selected = 0

    def deny(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        nonlocal selected
        if not in_application(command):
            return response
        by_identifier = command.ins == INS.SELECT and command.p1 == 0x02
        by_short_identifier = command.ins == INS.READ_BINARY and bool(command.p1 & 0x80)
        selected += by_identifier
        if by_short_identifier or (by_identifier and selected == 4):
            return NOT_FOUND  # the fourth file is DG2: EF.COM, EF.SOD and DG1 come before it
        return response

    evidence = inspected(ChangingResponses(personalised(usual().files, usual().keys), deny).process)
    assert FileID.DG13 in evidence.files  # the session goes on
    assert not isinstance(evidence.unread[FileID.DG2], Refused)
    report = usual().judged(evidence)
    assert report.check("dg.hash.DG2").outcome is Outcome.NOT_PERFORMED
    assert report.verdict is Verdict.REFER


def test_an_endless_answer_in_the_new_session_is_ended_by_the_command_limit() -> None:
    """The chip announces one more octet with 61XX for ever."""
    agreed = after(every(protected, instruction(INS.GENERAL_AUTHENTICATE)))
    chip = personalised(usual().files, usual().keys)
    card = Watched(Answering(chip, lambda command: b"\x99\x61\x01" if agreed(command) else None))
    report = usual().judged(inspected(card.process))
    endless = sum(response == b"\x99\x61\x01" for _, response in card.exchanges)
    assert 0 < endless < channel.MOST_COMMANDS
    assert report.check("chip.authentication").shows is Shows.CLONING


def test_a_clone_with_an_endless_answer_is_rejected() -> None:
    victim = issue(pace=(PACE_GM,), active_authentication=None)
    agreed = after(every(protected, instruction(INS.GENERAL_AUTHENTICATE)))
    card = Answering(clone_of(victim), lambda command: b"\x99\x61\x01" if agreed(command) else None)
    assert presented(victim, card).verdict is Verdict.REJECT


def test_a_chip_whose_pace_breaks_off_is_read_by_basic_access_control() -> None:
    """The failed PACE session does not prevent a new session by BAC."""
    document = issue(pace=(PACE_GM,), chip_authentication=False, basic_access_control=True)
    chip = personalised(document.files, document.keys)
    dropped = by_bac = False

    def answer(command: CommandAPDU) -> ResponseAPDU | None:
        nonlocal dropped, by_bac
        by_bac = by_bac or command.ins == INS.EXTERNAL_AUTHENTICATE
        if dropped and command.ins == INS.MANAGE_SECURITY_ENVIRONMENT and plain(command):
            return ResponseAPDU(sw=SW.CONDITIONS_NOT_SATISFIED)  # PACE once, and not again
        if protected(command) and not by_bac:
            if selects_application(command):
                return NOT_FOUND  # there is no application, and then there is no session
            dropped = True
            return ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT)
        return None

    evidence = inspected(Answering(chip, answer).process, reset=chip.reset)
    assert evidence.session is not None
    assert access_of(evidence) == "bac"
    assert FileID.DG1 in evidence.files
    assert document.judged(evidence).verdict is Verdict.REFER  # it is a downgrade all the same
