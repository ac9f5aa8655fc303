"""TR-03105-3.2, units K and L: Terminal Authentication, and the access that it gives."""

from collections.abc import Callable

import pytest

from emrtd.access import active_authentication, bac
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import variant_of
from emrtd.access.terminal_authentication import signed_message
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.signatures import SignatureFamily
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import secured
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Right
from emrtd.pki.cvc.keys import SCHEMES, sign
from tests.emrtd.pki.cvc.cvc_pki import ECDSA, Holder, certify
from tests.helpers import damaged
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ
from tests.vsmartcard.chip.test_extended_access import (
    GENERIC,
)
from tests.vsmartcard.tr03105_3.terminal import (
    CASES,
    CVCA,
    DG3,
    DG4,
    DOMESTIC,
    IS,
    SELECT_APPLICATION,
    Terminal,
    active_key,
    cvca,
    dv,
    new_chip,
    rsa_key,
    system,
    twice,
)


@CASES.case("ISO7816_K_1", "ISO7816_K_18", "ISO7816_L_1", "ISO7816_L_3")
@twice
def test_an_authenticated_terminal_reads_sensitive_data_until_the_chip_is_reset(
    access: str,
) -> None:
    terminal = Terminal(new_chip(), access).authenticate(dv(), system())
    assert terminal.require("00B0830000") == FILE_CONTENTS[FileID.DG3]
    assert terminal.require("00B0840000") == b"\x76\x03dg4"
    assert terminal.reopened(proven=False).send(DG3).sw == 0x6982


@pytest.mark.parametrize("oid", SCHEMES)
def test_every_signature_scheme_authenticates(oid: str) -> None:
    """K_1 for each signature scheme of a CVCA."""
    scheme = SCHEMES[oid]
    ec = scheme.family is SignatureFamily.ECDSA
    keys: list[PrivateKey] = [
        EcPrivateKey.generate(CURVES["brainpoolP256r1"]) if ec else rsa_key(number)
        for number in range(3)
    ]
    root = certify("UTCVCA00001", CVCA, key=keys[0], scheme=scheme)
    verifier = certify("UTDV00001", DOMESTIC, root, key=keys[1], scheme=scheme)
    inspector = certify("UTIS00001", IS, verifier, key=keys[2], scheme=scheme)
    terminal = Terminal(new_chip(root)).authenticate(verifier, inspector)
    assert terminal.send(DG3).sw == 0x9000


def _two_challenges(terminal: Terminal) -> int:
    assert terminal.set_at(system().reference) == 0x9000
    first = terminal.challenge()
    assert terminal.challenge() != first
    return terminal.prove(system(), first)


def _short_challenge(terminal: Terminal) -> int:
    assert terminal.set_at(system().reference) == 0x9000
    return terminal.send("0084000007").sw


def _no_challenge(terminal: Terminal) -> int:
    assert terminal.set_at(system().reference) == 0x9000
    return terminal.prove(system(), b"")


def _no_key(terminal: Terminal) -> int:
    return terminal.prove(system(), terminal.challenge())


def _wrong_tag(terminal: Terminal) -> int:
    assert terminal.set_at(system().reference, tag=0x84) == 0x6A80
    return terminal.prove(system(), terminal.challenge())


def _wrong_reference(terminal: Terminal) -> int:
    assert terminal.set_at(system().reference[:-1] + "2") == 0x6A88
    return terminal.prove(system(), terminal.challenge())


def _wrong_identifier(terminal: Terminal) -> int:
    assert terminal.set_at(system().reference) == 0x9000
    return terminal.prove(system(), terminal.challenge(), bytes(32))


def _wrong_signature(terminal: Terminal) -> int:
    assert terminal.set_at(system().reference) == 0x9000
    message = signed_message(terminal.identifier, terminal.challenge(), terminal.key, b"")
    signature = sign(system().key, ECDSA, message)
    return terminal.external_authenticate(damaged(signature))


@twice
@pytest.mark.parametrize(
    ("wrong", "sw"),
    CASES.cases(
        {
            "ISO7816_K_2": (_wrong_reference, 0x6985),
            "ISO7816_K_10": (_two_challenges, 0x6300),
            "ISO7816_K_12": (_short_challenge, 0x6C08),
            "ISO7816_K_14": (_no_challenge, 0x6985),
            "ISO7816_K_15": (_no_key, 0x6985),
            "ISO7816_K_17": (_wrong_tag, 0x6985),
            "ISO7816_K_20": (_wrong_identifier, 0x6300),
            "ISO7816_K_20 signature": (_wrong_signature, 0x6300),
            "ISO7816_L_9": (lambda terminal: terminal.send(DG3).sw, 0x6982),
            "ISO7816_L_10": (lambda terminal: terminal.send(DG4).sw, 0x6982),
            "ISO7816_L_11": (_wrong_signature, 0x6300),
            "ISO7816_L_12": (_wrong_signature, 0x6300),
        }
    ),
)
def test_a_failed_authentication_gives_no_right(
    wrong: Callable[[Terminal], int], sw: int, access: str
) -> None:
    """After a valid chain, the session continues, and DG3 and DG4 cannot be read."""
    terminal = Terminal(new_chip(), access)
    assert terminal.present(dv(), system()) == 0x9000
    assert f"{wrong(terminal):04X}" == f"{sw:04X}"
    assert terminal.send(DG3).sw == terminal.send(DG4).sw == 0x6982
    assert terminal.is_open


@CASES.case("ISO7816_K_5", "ISO7816_K_6")
@twice
@pytest.mark.parametrize(("holder", "sw"), [(dv, 0x6985), (cvca, 0x6A88)], ids=["DV", "CVCA"])
def test_only_the_key_of_a_terminal_authenticates(
    holder: Callable[[], Holder], sw: int, access: str
) -> None:
    """A CVCA or a Document Verifier cannot authenticate itself as a terminal."""
    terminal = Terminal(new_chip(), access)
    assert terminal.present(dv()) == 0x9000
    assert terminal.set_at(holder().reference) == sw
    assert terminal.prove(holder(), terminal.challenge()) == 0x6985
    assert terminal.send(DG3).sw == 0x6982


@CASES.case("ISO7816_K_19")
@twice
def test_active_authentication_is_possible_before_terminal_authentication(access: str) -> None:
    """EF.SOD is read and Active Authentication is done before Terminal Authentication."""
    terminal = Terminal(new_chip(), access)
    terminal.require("00B09D0000")
    key = active_key().public_key
    found = run(
        secured(active_authentication.challenge(key), terminal.session), terminal.chip.process
    )
    assert active_authentication.verify(key, None, found).hash is Hash.SHA256
    assert terminal.authenticate(dv(), system()).send(DG3).sw == 0x9000


BOTH, ONLY_3, ONLY_4 = ALL_RIGHTS, Right.READ_DG3, Right.READ_DG4


@twice
@pytest.mark.parametrize(
    ("of_dv", "of_is", "command", "sw"),
    CASES.cases(
        {
            "ISO7816_L_1": (BOTH, ONLY_3, DG3, 0x9000),
            "ISO7816_L_2": (BOTH, ONLY_3, DG4, 0x6982),
            "ISO7816_L_3": (BOTH, ONLY_4, DG4, 0x9000),
            "ISO7816_L_4": (BOTH, ONLY_4, DG3, 0x6982),
            "ISO7816_L_5": (ONLY_3, BOTH, DG3, 0x9000),
            "ISO7816_L_6": (ONLY_3, BOTH, DG4, 0x6982),
            "ISO7816_L_7": (ONLY_4, BOTH, DG4, 0x9000),
            "ISO7816_L_8": (ONLY_4, BOTH, DG3, 0x6982),
        }
    ),
)
def test_a_right_is_effective_only_if_the_whole_chain_has_it(
    of_dv: Right, of_is: Right, command: str, sw: int, access: str
) -> None:
    verifier = dv(rights=of_dv)
    terminal = Terminal(new_chip(), access).authenticate(verifier, system(verifier, of_is))
    assert terminal.send(command).sw == sw
    assert terminal.is_open


@pytest.mark.parametrize(
    ("access", "again"),
    CASES.cases(
        {
            "ISO7816_L_13": ("BAC", "BAC"),
            "ISO7816_L_14": ("PACE", "PACE"),
            "ISO7816_L_15": ("PACE", "BAC"),
            "ISO7816_L_16": ("BAC", "PACE"),
        }
    ),
)
def test_a_second_chip_access_in_a_session_is_refused(access: str, again: str) -> None:
    """A second BAC or PACE in the session of an authenticated terminal is refused."""
    terminal = Terminal(new_chip(), access).authenticate(dv(), system())
    terminal.require("00A4000C")
    if again == "BAC":
        terminal.require(SELECT_APPLICATION)
        procedure, sw = bac.authenticate(MRZ), 0x6982
    else:
        procedure, sw = establish(variant_of(GENERIC, SecurityInfos(GENERIC)), MRZ), 0x6985
    with pytest.raises(ChipRefusalError) as refusal:
        run(secured(procedure, terminal.session), terminal.chip.process)
    assert refusal.value.sw == sw
    terminal.require(SELECT_APPLICATION)
    assert terminal.is_open
