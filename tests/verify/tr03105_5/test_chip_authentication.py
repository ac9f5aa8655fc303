"""TR-03105-5.1, units ISO7816_D and F: Chip Authentication and Active Authentication."""

from collections.abc import Callable

import pytest

from emrtd.asn1 import der
from emrtd.crypto import iso9796
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey, load_private_key
from emrtd.crypto.protocols import ID_PK_DH, ID_PK_ECDH
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.security.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
)
from emrtd.pki.findings import Outcome
from tests.helpers import damaged, replace
from tests.verify.documents import Document, issue
from tests.verify.tr03105_5.simulator import (
    BAC,
    CASES,
    PACE,
    ChipKey,
    inspected,
    static_key,
    with_keys,
)
from verify.judging.evidence import ChipAuthenticationTranscript
from verify.judging.report import Verdict
from vsmartcard.card.lies import KEEPING_THE_SESSION
from vsmartcard.chip.commands import instead
from vsmartcard.chip.session import Core

TDES, AES128, AES256 = Cipher.TDES, Cipher.AES128, Cipher.AES256

# --- unit D: Chip Authentication -----------------------------------------------------------------


@pytest.mark.parametrize("access", [BAC, PACE], ids=["BAC", "PACE"])
@pytest.mark.parametrize(
    ("keys", "chosen"),
    CASES.cases(
        {
            "ISO7816_D_01": ([ChipKey(0, TDES)], "ca-dh-3des"),
            "ISO7816_D_01 of 2048 bits": ([ChipKey(2, AES128)], "ca-dh-aes-128"),
            "ISO7816_D_02": ([ChipKey(12, TDES)], "ca-ecdh-3des"),
            "ISO7816_D_02 AES": ([ChipKey(17, AES256)], "ca-ecdh-aes-256"),
            "ISO7816_D_03": ([ChipKey(13, AES128, 7)], "ca-ecdh-aes-128"),
            "ISO7816_D_04": ([ChipKey(12, TDES, 1), ChipKey(13, AES128, 2)], "ca-ecdh-aes-128"),
            "ISO7816_D_05": (
                [ChipKey(12, TDES, 1), ChipKey(16, AES256, 2), ChipKey(0, AES128, 3)],
                "ca-ecdh-aes-256",
            ),
            "ISO7816_D_14": ([ChipKey(1, AES256)], "ca-dh-aes-256"),
        }
    ),
)
def test_chip_authentication_succeeds(
    keys: list[ChipKey], chosen: str, access: dict[str, object]
) -> None:
    """The strongest key is used; a public key of 2,048 bits is sent with extended length."""
    made = with_keys(*keys, access=access)
    found = inspected(made).succeeded(made)
    assert found.outcome("chip.authentication") is Outcome.PASSED
    assert f"({chosen}/" in found.report.check("chip.authentication").reason


WRONG_REFERENCE = {
    "ISO7816_D_06": ChipKey(13, AES128, 1, said=2),
    "ISO7816_D_13": ChipKey(13, AES128, 1, info=2),
}


@pytest.mark.parametrize("key", CASES.cases(WRONG_REFERENCE))
def test_an_unknown_key_reference_is_refused_and_the_files_are_read(key: ChipKey) -> None:
    """The chip refuses; its files are still read in the previous session."""
    made = with_keys(key)
    found = inspected(made).failed()
    assert found.outcome("chip.authentication") is Outcome.FAILED
    assert dict(found.evidence.files) == made.files


@CASES.case("ISO7816_D_15")
@pytest.mark.parametrize("sw", [0x6A80, 0x6A82, 0x6A86, 0x6A88, 0x6982, 0x6985, 0x6300, 0x6F00])
def test_any_status_word_for_a_failed_key_agreement_is_a_failure(sw: int) -> None:
    def manage(core: Core, command: CommandAPDU) -> ResponseAPDU:
        raise ChipRefusalError(sw, "MSE:Set AT")

    made = with_keys(ChipKey(13, AES128, 1))
    changed = instead(INS.MANAGE_SECURITY_ENVIRONMENT, lambda _: manage)
    found = inspected(made, instructions=changed).failed(f"{sw:04X}")
    assert dict(found.evidence.files) == made.files


def with_public_key(parameters: int, change: Callable[[bytes], bytes], oid: str = "") -> Document:
    """Return a document whose signed DG14 has the chip's public key with a change."""
    key = ChipKey(parameters, AES128)
    public, info = key.infos()
    assert isinstance(public, ChipAuthenticationPublicKeyInfo)
    changed = replace(public, public_key=change(public.public_key), protocol=oid or public.protocol)
    made = issue(**(BAC | {"more_infos": (changed, info)}))
    return replace(made, keys=replace(made.keys, chip_authentication=(key.key(),)))


def of_another_chip(parameters: int) -> Callable[[bytes], bytes]:
    return lambda _: static_key(parameters, 0xC0FFEE)[0]


EC_PUBLIC_KEY, NO_KEY = der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.2.9")

OTHER_KIND = "has domain parameters of the other kind"
UNUSABLE = {
    "ISO7816_D_07": (0, damaged, "", "not in the subgroup"),
    "ISO7816_D_08": (12, damaged, "", "not on the curve"),
    "ISO7816_D_11": (0, lambda key: key, ID_PK_ECDH, OTHER_KIND),
    "ISO7816_D_12": (12, lambda key: key, ID_PK_DH, OTHER_KIND),
    "ISO7816_D_12 algorithm": (
        12, lambda key: key.replace(EC_PUBLIC_KEY, NO_KEY), "", "not an algorithm for key agreement"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("parameters", "change", "oid", "says"), CASES.cases(UNUSABLE))
def test_a_signed_key_that_cannot_be_used_proves_nothing(
    parameters: int, change: Callable[[bytes], bytes], oid: str, says: str
) -> None:
    """A State has signed it: that is no evidence against the chip."""
    found = inspected(with_public_key(parameters, change, oid))
    found.failed(says)
    assert found.outcome("chip.authentication") is Outcome.UNDETERMINED
    assert found.report.verdict is Verdict.REFER


@pytest.mark.parametrize(
    "parameters",
    CASES.cases({"ISO7816_D_07 of another chip": (0,), "ISO7816_D_08 of another chip": (12,)}),
)
def test_the_signed_key_of_another_chip_is_rejected(parameters: int) -> None:
    found = inspected(with_public_key(parameters, of_another_chip(parameters)))
    found.failed("6988")
    assert found.outcome("chip.authentication") is Outcome.FAILED
    assert found.report.verdict is Verdict.REJECT


@CASES.case("ISO7816_D_09")
def test_a_chip_that_stays_in_the_old_session_is_rejected() -> None:
    """It answers 9000 but does not change the keys, so it has not proven its private key."""
    made = with_keys(ChipKey(13, AES128))
    found = inspected(made, instructions=KEEPING_THE_SESSION).failed("in plain inside a session")
    assert found.outcome("chip.authentication") is Outcome.FAILED


@CASES.case("ISO7816_D_10")
def test_an_ephemeral_key_is_used_once() -> None:
    made = with_keys(ChipKey(13, AES128))
    keys = set()
    for _ in range(3):
        session = inspected(made).succeeded().evidence.session
        assert session is not None
        assert isinstance(session.chip_authentication, ChipAuthenticationTranscript)
        keys.add(session.chip_authentication.terminal_private_key)
    assert len(keys) == 3


# --- unit F: Active Authentication ---------------------------------------------------------------


def with_active(kind: str, algorithm: Hash = Hash.SHA256, **changes: object) -> Document:
    made = issue(**(BAC | {"active_authentication": kind} | changes))
    key = made.keys.active_authentication
    assert key is not None
    return replace(
        made, keys=replace(made.keys, active_authentication=replace(key, hash=algorithm))
    )


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    CASES.cases(
        {
            "ISO7816_F_01": ("RSA-2048", Hash.SHA1),
            "ISO7816_F_02": ("brainpoolP256r1", Hash.SHA256),
            "ISO7816_F_04": ("RSA-2048", Hash.SHA224),
            "ISO7816_F_05": ("RSA-2048", Hash.SHA256),
            "ISO7816_F_06": ("RSA-2048", Hash.SHA384),
            "ISO7816_F_07": ("RSA-2048", Hash.SHA512),
        }
    ),
)
def test_active_authentication_succeeds(kind: str, algorithm: Hash) -> None:
    made = with_active(kind, algorithm)
    found = inspected(made).succeeded(made)
    assert found.outcome("active.authentication") is Outcome.PASSED
    assert str(algorithm) in found.report.check("active.authentication").reason


@CASES.case("ISO7816_F_08")
def test_a_signature_with_a_wrong_trailer_is_rejected() -> None:
    made = with_active("RSA-2048")
    assert made.keys.active_authentication is not None
    key = load_private_key(made.keys.active_authentication.private)
    assert isinstance(key, RsaPrivateKey)

    def sign(core: Core, command: CommandAPDU) -> ResponseAPDU:
        bits = key.public_key.n.bit_length()
        m1 = bytes(iso9796.m1_size(bits, Hash.SHA256))
        f = iso9796.message_representative(bits, Hash.SHA256, m1, command.data)
        number = int.from_bytes(f[:-2] + b"\x3f\xcc", "big")
        return ResponseAPDU(key.apply(number).to_bytes(key.public_key.size, "big"))

    changed = instead(INS.INTERNAL_AUTHENTICATE, lambda _: sign)
    found = inspected(made, instructions=changed).failed("3FCC")
    assert found.report.verdict is Verdict.REJECT


@CASES.case("ISO7816_F_09")
def test_an_unknown_signature_algorithm_is_a_quirk() -> None:
    """DG14 names no algorithm of TR-03111: the proof is accepted, but not by a strict policy."""
    unknown = ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.0")
    made = issue(**(BAC | {"active_authentication": "brainpoolP256r1", "more_infos": (unknown,)}))
    found = inspected(made)
    assert "DG14 does not name the hash function" in str(found.report)
    strict = made.judged(found.evidence, policy="strict")
    assert strict.check("active.authentication").outcome is not Outcome.PASSED
    assert strict.verdict is not Verdict.ACCEPT
