"""Each rule that a chip breaks is found by the numbers of its cases, and by no other.

The chips have another table of instructions.  They are run after BAC alone, to save time: so cases
that need PACE are not among the numbers.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
from msgspec.structs import replace as with_fields

from conformance.case import Outcome
from conformance.chip.cards import PersonalisedCards
from conformance.chip.catalogue import CASES
from conformance.chip.situation import Access
from conformance.chip.suite import Run, run_suite
from conformance.chip.terminal_pki import KeyKind
from emrtd import tlv
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Role
from emrtd.pki.cvc.certificates import CvCertificate
from tests.conformance.chip.blanks import MemoryBlanks
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.session import ChipAccess, Core
from vsmartcard.chip.trust import store, trust_state

Answer = Callable[[CarryOut, Core, CommandAPDU], ResponseAPDU]


BLANKS = MemoryBlanks()
CARDS = PersonalisedCards(BLANKS, secrets.token_bytes)
"""One card, which is written once, and lives with one table of instructions after the other."""


class OnlyBac:
    """Cards that BAC alone opens in the eyes of the suite, with an EC key."""

    changes = True

    def kinds(self, wanted: Sequence[KeyKind]) -> Sequence[KeyKind]:
        return (KeyKind.ECDSA,) if KeyKind.ECDSA in wanted or not wanted else ()

    @contextmanager
    def card(self, kind: KeyKind) -> Iterator[Run]:
        with CARDS.card(kind) as found:
            ways = {Access.BAC: found.card.ways[Access.BAC]}
            profiles = found.card.profiles - {"PACE"}
            yield found._replace(card=replace(found.card, ways=ways, profiles=profiles))


def answering(ins: int, answer: Answer) -> Instructions:
    """Return a table in which `answer` carries out an instruction, with the true function."""
    return instead(ins, lambda carry_out: lambda core, command: answer(carry_out, core, command))


def accepting(accepts: Callable[[Core, CommandAPDU], bool], data: bytes = b"") -> Answer:
    """Answer 9000 instead of an error to some commands."""

    def answer(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
        try:
            return carry_out(core, command)
        except ChipRefusalError:
            if not accepts(core, command):
                raise
            return ResponseAPDU(data)

    return answer


def in_session(core: Core) -> bool:
    return core.session.access is not ChipAccess.NONE


def is_reading(identifier: int) -> Callable[[Core, CommandAPDU], bool]:
    return lambda _core, command: command.p1 << 8 | command.p2 == identifier


def cvca_in_plain(core: Core, command: CommandAPDU) -> bool:
    return not in_session(core) and command.p1 << 8 | command.p2 in {0x001C, 0x011C}


def selected(core: Core, command: CommandAPDU) -> bool:
    """Whether this reads the beginning of the selected file."""
    return in_session(core) and command.p1 == command.p2 == 0


def is_sensitive(_core: Core, command: CommandAPDU) -> bool:
    return command.data in {b"\x01\x03", b"\x01\x04"}


def any_month(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Accept a certificate whose date has an octet that is no digit."""
    return accepting(lambda _core, each: b"\x0c" in _dates(each.data))(carry_out, core, command)


def _dates(certificate: bytes) -> bytes:
    try:
        body = tlv.read_first(certificate, "certificate")[0].children()
        return b"".join(each.value for each in body if each.tag in {0x5F24, 0x5F25})
    except Exception:  # noqa: BLE001 - whatever the certificate is
        return b""


def unknown_object(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    return accepting(lambda _core, each: b"\x77\x01\x01" in each.data)(carry_out, core, command)


def foreign_date(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Let every certificate advance the date, also that of a foreign terminal."""
    response = carry_out(core, command)
    effective = CvCertificate.decode(command.data).effective
    trust = trust_state(core)
    if effective > (trust.current_date or date.min):
        _remember(core, current_date=effective)
    return response


def no_date(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Let no certificate advance the date."""
    before = trust_state(core).current_date
    response = carry_out(core, command)
    if trust_state(core).current_date != before:
        _remember(core, current_date=before)
    return response


def _remember(core: Core, *, current_date: date | None) -> None:
    trust = with_fields(trust_state(core), current_date=current_date)
    chip = core.session.terminal_authentication
    assert chip is not None
    chip.state = trust
    store(core, trust)


def one_trust_point(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Forget the older trust point as soon as there is a newer one."""
    response = carry_out(core, command)
    trust = trust_state(core)
    if len(trust.trust_points) > 1:
        trust = with_fields(trust, trust_points=trust.trust_points[:1])
        chip = core.session.terminal_authentication
        assert chip is not None
        chip.state = trust
        store(core, trust)
    return response


def every_right(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Give an authenticated terminal both rights, whatever its chain says."""
    response = carry_out(core, command)
    chip = core.session.terminal_authentication
    if chip is not None and chip.effective is not None:
        chip._authorization = Chat.inspection_system(Role.TERMINAL, ALL_RIGHTS)
    return response


def any_signature(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Answer 9000 to a wrong signature of Terminal Authentication, without giving a right.

    The 40 octets of BAC are refused as before.
    """
    accepts = accepting(lambda core, each: in_session(core) and len(each.data) != 40)
    return accepts(carry_out, core, command)


def same_challenge(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    response = carry_out(core, command)
    chip = core.session.terminal_authentication
    if chip is None:
        return response
    chip._r_ic = b"challeng"
    return ResponseAPDU(b"challeng")


def another_tag(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Read the reference in MSE:Set AT under any tag."""
    if command.p2 == 0xA4 and command.data[:1] == b"\x84":
        command = CommandAPDU(
            command.cla, command.ins, command.p1, command.p2, b"\x83" + command.data[1:]
        )
    return carry_out(core, command)


def short_file(carry_out: CarryOut, core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Return one octet too few of EF.CVCA by its short identifier."""
    response = carry_out(core, command)
    return ResponseAPDU(response.data[:-1]) if command.p1 == 0x9C else response


BROKEN = {
    "DG4 is read with odd INS by identifier": (
        answering(INS.READ_BINARY_ODD, accepting(is_reading(0x0104), b"\x53\x01\x76")),
        "ISO7816_H_12",
    ),
    "DG3 and DG4 are read after SELECT": (
        answering(INS.READ_BINARY, accepting(selected, b"\x63"))
        | {INS.SELECT: answering(INS.SELECT, accepting(is_sensitive))[INS.SELECT]},
        "ISO7816_H_1 ISO7816_H_2",
    ),
    "EF.CVCA is read without a session": (
        answering(INS.READ_BINARY_ODD, accepting(cvca_in_plain, b"\x53\x01\x42")),
        "ISO7816_H_9 ISO7816_H_10",
    ),
    "EF.CVCA ends too early": (answering(INS.READ_BINARY, short_file), "ISO7816_H_14"),
    "a date may hold any octet": (
        answering(INS.PERFORM_SECURITY_OPERATION, any_month),
        "ISO7816_J_9 ISO7816_J_10",
    ),
    "a key may hold any data object": (
        answering(INS.PERFORM_SECURITY_OPERATION, unknown_object),
        "ISO7816_J_41",
    ),
    "a foreign terminal advances the date": (
        answering(INS.PERFORM_SECURITY_OPERATION, foreign_date),
        "ISO7816_J_11",
    ),
    "no certificate advances the date": (
        answering(INS.PERFORM_SECURITY_OPERATION, no_date),
        "ISO7816_M_1 ISO7816_M_2 ISO7816_M_3",
    ),
    "there is one trust point": (
        answering(INS.PERFORM_SECURITY_OPERATION, one_trust_point),
        "ISO7816_M_3 ISO7816_M_4 ISO7816_M_6",
    ),
    "a chain gives every right": (
        answering(INS.EXTERNAL_AUTHENTICATE, every_right),
        "ISO7816_L_2 ISO7816_L_4 ISO7816_L_6 ISO7816_L_8",
    ),
    "any signature is answered with success": (
        answering(INS.EXTERNAL_AUTHENTICATE, any_signature),
        " ".join(f"ISO7816_K_{number}" for number in (2, 5, 6, 10, 14, 15, 17))
        + " ISO7816_L_11 ISO7816_L_12",
    ),
    "every challenge is the same": (answering(INS.GET_CHALLENGE, same_challenge), "ISO7816_K_10"),
    "the tag of a reference does not matter": (
        answering(INS.MANAGE_SECURITY_ENVIRONMENT, another_tag),
        "ISO7816_K_17",
    ),
}


@pytest.mark.parametrize(("instructions", "ids"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_found_by_its_cases(instructions: Instructions, ids: str) -> None:
    cases = [each for each in CASES.values() if not each.id.startswith(("LDS_G", "LDS_H"))]
    BLANKS.instructions = instructions
    results = run_suite(OnlyBac(), cases)
    failed = [each for each in results if each.outcome is Outcome.FAILED]
    assert [each.id for each in failed] == ids.split(), failed
    for each in failed:
        needs_no_session = each.id in {"ISO7816_H_9", "ISO7816_H_10"}
        where = " (ECDSA trust point)" if needs_no_session else " (after BAC, ECDSA trust point)"
        assert each.reason.endswith(where)
