"""TR-03105-3.2, unit J: verification of certificates, without permanent changes."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Final

import pytest

from emrtd import tlv
from emrtd.access.terminal_authentication import SET_DST, signed_message
from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.pki.cvc.authorization import CHAT, Role
from emrtd.pki.cvc.certificates import EFFECTIVE_DATE, EXPIRATION_DATE, SIGNATURE
from emrtd.pki.cvc.keys import sign
from tests.emrtd.pki.cvc.cvc_pki import ECDSA, Holder, certify
from tests.helpers import damaged
from tests.vsmartcard.cards import transmit
from tests.vsmartcard.tr03105_3.terminal import (
    CASES,
    CVCA,
    DG1,
    DOMESTIC,
    FOREIGN,
    IS,
    LATER,
    RSA,
    TODAY,
    Terminal,
    altered,
    cvca,
    dv,
    in_key,
    new_chip,
    octets_of,
    oid_of,
    replaced,
    rsa_cvca,
    rsa_key,
    signature_of,
    system,
    twice,
    without,
)


@CASES.case("ISO7816_J_1")
@twice
def test_a_valid_chain_is_verified(access: str) -> None:
    assert Terminal(new_chip(), access).present(dv(), system()) == 0x9000


REFUSED_CERTIFICATES: Final = {
    "ISO7816_J_3": (
        lambda holder, _: altered(holder, certify("UTCVCA00001", CVCA), lambda objects: objects),
        0x6300,
    ),
    "ISO7816_J_30": (signature_of(damaged), 0x6300),
    "ISO7816_J_4": (lambda holder, _: holder.certificate.body, 0x6A80),
    "ISO7816_J_5": (
        lambda holder, _: tlv.encode(SIGNATURE, holder.certificate.signature),
        0x6A80,
    ),
    "ISO7816_J_6": (partial(altered, change=without(CHAT)), 0x6A80),
    "ISO7816_J_7": (partial(altered, change=without(EFFECTIVE_DATE)), 0x6A80),
    "ISO7816_J_8": (partial(altered, change=without(EXPIRATION_DATE)), 0x6A80),
    "ISO7816_J_9": (
        partial(altered, change=replaced(EFFECTIVE_DATE, bytes.fromhex("02070006000A"))),
        0x6A80,
    ),
    "ISO7816_J_10": (
        partial(altered, change=replaced(EXPIRATION_DATE, bytes.fromhex("0208000C0001"))),
        0x6A80,
    ),
    "ISO7816_J_17": (octets_of(lambda octets: b"\x7f\x4f" + octets[2:]), 0x6A80),
    "ISO7816_J_18": (
        lambda holder, _: (
            holder.certificate.body + tlv.encode(0x5F38, holder.certificate.signature)
        ),
        0x6A80,
    ),
    "ISO7816_J_19": (
        partial(altered, change=replaced(EFFECTIVE_DATE, bytes.fromhex("020700020300"))),
        0x6A80,
    ),
    "ISO7816_J_20": (
        partial(altered, change=replaced(EXPIRATION_DATE, bytes.fromhex("020801030000"))),
        0x6A80,
    ),
    "ISO7816_J_21": (
        partial(altered, change=replaced(EXPIRATION_DATE, bytes.fromhex("020700050301"))),
        0x6300,
    ),
    "ISO7816_J_23": (
        partial(
            altered,
            change=replaced(CHAT, bytes.fromhex("060904007F0007030102095301C3")),
        ),
        0x6300,
    ),
    "ISO7816_J_24": (
        partial(altered, change=in_key(oid_of("0.4.0.127.0.7.2.2.3.2.9"))),
        0x6300,
    ),
    "ISO7816_J_26": (octets_of(lambda octets: b"\x7f\x4c" + octets[2:]), 0x6A80),
    "ISO7816_J_27": (
        lambda holder, _: (
            holder.certificate.body + tlv.encode(0x5F36, holder.certificate.signature)
        ),
        0x6A80,
    ),
    "ISO7816_J_28": (
        octets_of(lambda octets: octets[:3] + bytes((octets[3] + 1,)) + octets[4:]),
        0x6A80,
    ),
    "ISO7816_J_29": (
        lambda holder, _: holder.certificate.body + b"\x5f\x37\x41" + holder.certificate.signature,
        0x6A80,
    ),
    "ISO7816_J_31": (signature_of(lambda signature: signature[:-1]), 0x6300),
    "ISO7816_J_33": (signature_of(lambda signature: bytes(32) + signature[32:]), 0x6300),
    "ISO7816_J_34": (signature_of(lambda signature: signature[:32] + bytes(32)), 0x6300),
    "ISO7816_J_36": (partial(altered, change=in_key(oid_of("0.4.0.127.0.7.2.2.4.2.3"))), 0x6300),
    "ISO7816_J_37": (partial(altered, change=in_key(without(der.OID))), 0x6A80),
    "ISO7816_J_38": (partial(altered, change=in_key(without(0x86))), 0x6A80),
    "ISO7816_J_41": (
        partial(altered, change=in_key(lambda objects: [*objects, (0x77, b"\x01")])),
        0x6A80,
    ),
}
"""Invalid Document Verifier certificates, and the status word of the chip."""


def refused(terminal: Terminal, root: Holder, certificate: bytes, sw: int, good: Holder) -> None:
    """Assert that the certificate is refused, and that session and date of the chip do not change.

    `good` has expired by the date at which `certificate` becomes effective.
    """
    before = terminal.chip.state
    assert terminal.set_dst(root.reference) == 0x9000
    assert f"{terminal.verify(certificate):04X}" == f"{sw:04X}"
    assert terminal.is_open
    assert terminal.chip.state == before
    assert terminal.reopened().present(good) == 0x9000


@twice
@pytest.mark.parametrize(("make", "sw"), CASES.cases(REFUSED_CERTIFICATES))
def test_an_invalid_certificate_is_refused(
    make: Callable[[Holder, Holder], bytes], sw: int, access: str
) -> None:
    later = certify("UTDV00002", Role.DV_DOMESTIC, cvca(), effective=LATER)
    refused(Terminal(new_chip(), access), cvca(), make(later, cvca()), sw, dv())


@pytest.mark.parametrize(
    ("make", "sw"),
    CASES.cases(
        {
            "ISO7816_J_32": (signature_of(lambda _: b"\xff" * 192), 0x6300),
            "ISO7816_J_39": (partial(altered, change=in_key(without(0x81))), 0x6A80),
            "ISO7816_J_40": (partial(altered, change=in_key(without(0x82))), 0x6A80),
        }
    ),
)
def test_an_invalid_certificate_with_an_rsa_key_is_refused(
    make: Callable[[Holder, Holder], bytes], sw: int
) -> None:
    root = rsa_cvca()
    later, good = (
        certify(
            reference, Role.DV_DOMESTIC, root, key=rsa_key(1), scheme=RSA, effective=effective,
            expiration=date(2027, 1, 1) if effective == TODAY else date(2028, 1, 1),
        )
        for reference, effective in (("UTDV00002", LATER), ("UTDV00001", TODAY))
    )  # fmt: skip
    refused(Terminal(new_chip(root)), root, make(later, root), sw, good)


@CASES.case("ISO7816_J_2", "ISO7816_J_25", "ISO7816_J_35")
@twice
def test_a_certificate_is_refused_if_no_key_is_selected(access: str) -> None:
    """No key is selected at the start, nor by a reference that the chip does not know."""
    later = certify("UTDV00002", Role.DV_DOMESTIC, cvca(), effective=LATER)
    terminal = Terminal(new_chip(), access)
    assert terminal.verify(later) == 0x6985
    assert terminal.set_dst("UTCVCA00002") == 0x6A88
    assert terminal.verify(later) == 0x6985
    assert terminal.is_open
    assert terminal.reopened().present(dv()) == 0x9000


@CASES.case("ISO7816_J_11")
@twice
def test_the_certificate_of_a_foreign_terminal_does_not_advance_the_date(access: str) -> None:
    foreign = dv(Role.DV_FOREIGN)
    later = certify("UTIS00002", Role.TERMINAL, foreign, effective=date(2026, 12, 1))
    earlier = certify("UTIS00003", Role.TERMINAL, foreign, expiration=date(2026, 11, 1))
    terminal = Terminal(new_chip(), access)
    assert terminal.present(foreign, later) == 0x9000
    assert terminal.reopened().present(foreign, earlier) == 0x9000


@CASES.case("ISO7816_J_12", "ISO7816_K_4")
@twice
@pytest.mark.parametrize(
    "plain", ["MSE:Set DST", "PSO:Verify Certificate", "EXTERNAL AUTHENTICATE"]
)
def test_a_plain_command_ends_the_session(plain: str, access: str) -> None:
    """The command, and any later command of the old session, is answered in plain."""
    terminal = Terminal(new_chip(), access)
    if plain == "MSE:Set DST":
        data = tlv.encode(0x83, cvca().reference.encode())
        command = CommandAPDU(0x00, 0x22, *SET_DST, data)
    elif plain == "PSO:Verify Certificate":
        assert terminal.set_dst(cvca().reference) == 0x9000
        command = CommandAPDU(0x00, 0x2A, 0x00, 0xBE, dv().certificate.value)
    else:
        assert terminal.present(dv(), system()) == 0x9000
        assert terminal.set_at(system().reference) == 0x9000
        message = signed_message(terminal.identifier, terminal.challenge(), terminal.key, b"")
        signature = sign(system().key, ECDSA, message)
        command = CommandAPDU(0x00, INS.EXTERNAL_AUTHENTICATE, data=signature)
    assert transmit(terminal.chip, command) == ResponseAPDU(sw=0x6987)
    in_old_session = terminal.session.protect_command(CommandAPDU.decode(bytes.fromhex(DG1)))
    assert transmit(terminal.chip, in_old_session) == ResponseAPDU(sw=0x6988)


@CASES.case("ISO7816_J_13", "ISO7816_J_15", "ISO7816_K_7")
@twice
@pytest.mark.parametrize("ins", [0x22, 0x2A, 0x82])
def test_an_unknown_class_is_refused_with_6e00(ins: int, access: str) -> None:
    """CLA 8C is refused in plain, before secure messaging."""
    terminal = Terminal(new_chip(), access)
    command = terminal.session.protect_command(CommandAPDU(0x80, ins, data=bytes(20)))
    assert command.cla == 0x8C
    assert transmit(terminal.chip, command) == ResponseAPDU(sw=0x6E00)


@CASES.case("ISO7816_J_22")
@twice
def test_imported_keys_end_with_the_session(access: str) -> None:
    terminal = Terminal(new_chip(), access)
    assert terminal.present(dv()) == 0x9000
    terminal = terminal.reopened()
    assert terminal.set_dst(dv().reference) == 0x6A88
    assert terminal.verify(system()) == 0x6985


@twice
@pytest.mark.parametrize(
    "roles",
    CASES.cases(
        {
            "ISO7816_J_43": ((IS,),),
            "ISO7816_J_44": ((DOMESTIC, CVCA),),
            "ISO7816_J_45": ((FOREIGN, CVCA),),
            "ISO7816_J_46": ((DOMESTIC, DOMESTIC),),
            "ISO7816_J_47": ((DOMESTIC, FOREIGN),),
            "ISO7816_J_48": ((FOREIGN, DOMESTIC),),
            "ISO7816_J_49": ((FOREIGN, FOREIGN),),
            "ISO7816_J_50": ((DOMESTIC, IS, FOREIGN),),
            "ISO7816_J_51": ((DOMESTIC, IS, DOMESTIC),),
            "ISO7816_J_52": ((DOMESTIC, IS, IS),),
            "ISO7816_J_53": ((DOMESTIC, IS, CVCA),),
            "ISO7816_M_5": ((CVCA, IS),),
        }
    ),
)
def test_a_certificate_of_a_role_that_its_issuer_may_not_issue_is_refused(
    roles: tuple[Role, ...], access: str
) -> None:
    """In each chain only the last certificate is refused: its issuer may not issue that role."""
    terminal, issuer = Terminal(new_chip(), access), cvca()
    for number, role in enumerate(roles):
        holder = certify(f"UTHOLDER0000{number}", role, issuer)
        last = number == len(roles) - 1
        assert terminal.present(holder) == (0x6300 if last else 0x9000)
        issuer = holder
    assert terminal.is_open


@CASES.case("ISO7816_J_55", "ISO7816_J_56")
@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
@pytest.mark.parametrize("role", [DOMESTIC, IS])
def test_a_key_shorter_than_that_of_the_issuer_is_refused(role: Role, kind: str) -> None:
    """Another curve, or a shorter modulus, further down the chain."""
    short: PrivateKey
    if kind == "RSA":
        root, key, short, scheme = rsa_cvca(), rsa_key(1), rsa_key(2, 1280), RSA
    else:
        root, scheme, short = cvca(), ECDSA, EcPrivateKey.generate(CURVES["brainpoolP224r1"])
        key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    is_dv = role is DOMESTIC
    verifier = certify("UTDV00001", DOMESTIC, root, key=short if is_dv else key, scheme=scheme)
    terminal = Terminal(new_chip(root))
    if is_dv:
        assert terminal.present(verifier) == 0x6300
    else:
        assert terminal.present(verifier) == 0x9000
        assert terminal.present(certify("UTIS00001", IS, verifier, key=short, scheme=scheme)) == (
            0x6300
        )
    assert terminal.is_open
