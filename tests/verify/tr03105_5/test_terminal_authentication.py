"""TR-03105-5.1, units ISO7816_E and LDS_G: Terminal Authentication, and EF.CVCA."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import pytest

from conformance.keys import rsa_key
from emrtd import tlv
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.biometrics.samples import Eye, IrisImage
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.security_infos import TerminalAuthenticationInfo
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.keys import SCHEMES
from emrtd.pki.findings import Outcome
from support.secret import Secret
from tests.emrtd.pki.cvc.cvc_pki import ECDSA, Holder, certify
from tests.helpers import damaged, replace
from tests.verify.documents import NOW, Document, face, issue, mrz
from tests.verify.tr03105_5.simulator import (
    BAC,
    CASES,
    PACE,
    ChipKey,
    Inspected,
    inspected,
    is_reading,
    with_keys,
)
from tests.vsmartcard.cards import done, personalised
from vsmartcard.chip.commands import INSTRUCTIONS, instead
from vsmartcard.chip.session import Core

TODAY = NOW.date()
YEAR = timedelta(days=365)
DG3 = DataGroup3.of([]).encode()


@cache
def dg4() -> bytes:
    return DataGroup4.of([IrisImage.of(face(), Eye.LEFT)]).encode()


@dataclass(frozen=True)
class Chain:
    """Keys and certificates from a CVCA to an inspection system, all of one algorithm."""

    root: Holder
    verifier: Holder
    system: Holder

    @classmethod
    def of(
        cls,
        scheme: SignatureScheme = ECDSA,
        rights: Right = ALL_RIGHTS,
        *,
        curve: str = "brainpoolP256r1",
        root: Holder | None = None,
        bits: int = 1536,
    ) -> "Chain":
        def key(number: int) -> PrivateKey:
            if scheme.family is SignatureFamily.ECDSA:
                return EcPrivateKey.generate(CURVES[curve])
            return rsa_key(number, bits)

        def made(name: str, role: Role, issuer: Holder | None, number: int) -> Holder:
            may = rights if role.is_dv else ALL_RIGHTS
            return certify(
                name, role, issuer, key=key(number), scheme=scheme, rights=may,
                effective=TODAY, expiration=TODAY + YEAR,
            )  # fmt: skip

        root = root or made("UTCVCA00001", Role.CVCA, None, 0)
        verifier = made("UTDV00001", Role.DV_DOMESTIC, root, 1)
        return cls(root, verifier, made("UTIS00001", Role.TERMINAL, verifier, 2))

    def credentials(self, *more: CvCertificate) -> TerminalCredentials:
        certificates = (self.verifier.certificate, self.system.certificate, *more)
        return TerminalCredentials(self.system.key, self.system.reference, certificates)


@cache
def usual() -> Chain:
    return Chain.of()


def protected(
    root: Holder,
    *,
    access: dict[str, object] = BAC,
    groups: dict[int, bytes] | None = None,
    cvca: bytes | None = None,
    key: ChipKey | None = None,
    today: date = TODAY,
    **changes: object,
) -> Document:
    """Return a document of the configuration EAC, whose chip trusts a CVCA from today on."""
    more = {3: DG3, 4: dg4()} if groups is None else groups
    made = with_keys(
        key or ChipKey(12, Cipher.TDES), access=access,
        **({"terminal_authentication": True, "more": more} | changes),
    )  # fmt: skip
    keys = replace(
        made.keys,
        trust_points=(root.certificate.encode(),),
        current_date=today,
        document_identifier=Secret(mrz().information[:-14].encode()),
    )
    content = Cvca((root.reference,)).encode() if cvca is None else cvca
    return replace(made.with_file(FileID.CVCA, content), keys=keys)


def granted(found: Inspected) -> Inspected:
    assert found.outcome("terminal.authentication") is Outcome.PASSED
    return found


SCHEME_CASES = {
    "ISO7816_E_01": "0.4.0.127.0.7.2.2.2.1.1",
    "ISO7816_E_02": "0.4.0.127.0.7.2.2.2.1.2",
    "ISO7816_E_03": "0.4.0.127.0.7.2.2.2.1.3",
    "ISO7816_E_04": "0.4.0.127.0.7.2.2.2.1.4",
    "ISO7816_E_05": "0.4.0.127.0.7.2.2.2.2.1",
    "ISO7816_E_06": "0.4.0.127.0.7.2.2.2.2.2",
    "ISO7816_E_07": "0.4.0.127.0.7.2.2.2.2.3",
    "ISO7816_E_35": "0.4.0.127.0.7.2.2.2.1.5",
    "ISO7816_E_36": "0.4.0.127.0.7.2.2.2.1.6",
    "ISO7816_E_37": "0.4.0.127.0.7.2.2.2.2.4",
    "ISO7816_E_38": "0.4.0.127.0.7.2.2.2.2.5",
}


@pytest.mark.parametrize("oid", CASES.cases(SCHEME_CASES))
def test_every_algorithm(oid: str) -> None:
    chain = Chain.of(SCHEMES[oid])
    made = protected(chain.root)
    granted(inspected(made, terminal=chain.credentials())).succeeded(made)


FILES_OF_TRUST_POINTS = {
    "ISO7816_E_08": (Cvca(("UTCVCA00002",)).encode(), "no certificates lead"),
    "ISO7816_E_09": (bytes(36), "no certificates lead"),
    "ISO7816_E_10": (
        b"".join(tlv.encode(0x42, f"UTCV0000{n}".encode()) for n in (1, 2, 3)).ljust(36, b"\x00"),
        "references instead of at most two",
    ),
    "LDS_G_01": (b"\x00" + Cvca(("UTCVCA00001",)).encode()[1:], ""),
    "LDS_G_02": (bytes(36), "no certificates lead"),
}


@pytest.mark.parametrize(("content", "reason"), CASES.cases(FILES_OF_TRUST_POINTS))
def test_an_ef_cvca_of_another_chip_leads_to_no_trust_point(content: bytes, reason: str) -> None:
    """No certificate chain reaches the terminal; the other files are read."""
    made = protected(usual().root, cvca=content)
    found = inspected(made, terminal=usual().credentials()).failed(reason)
    assert found.outcome("terminal.authentication") is Outcome.FAILED
    assert FileID.DG3 not in found.evidence.files
    assert {FileID.DG1, FileID.DG2, FileID.DG14} <= found.evidence.files.keys()


@CASES.case("ISO7816_E_11")
def test_terminal_authentication_fails_with_another_document_number() -> None:
    made = protected(usual().root)
    keys = replace(made.keys, document_identifier=Secret(b"M11T002JM4"))
    found = inspected(replace(made, keys=keys), terminal=usual().credentials()).failed("6300")
    assert found.outcome("terminal.authentication") is Outcome.FAILED


@pytest.mark.parametrize("size", CASES.cases({"ISO7816_E_12": 7, "ISO7816_E_13": 9}))
def test_a_challenge_of_a_wrong_length_is_refused(size: int) -> None:
    known = INSTRUCTIONS[INS.GET_CHALLENGE].carry_out

    def challenge(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = known(core, command)
        inside = core.session.secure_messaging is not None
        return ResponseAPDU((response.data * 2)[:size]) if inside else response

    changed = instead(INS.GET_CHALLENGE, lambda _: challenge)
    made = protected(usual().root)
    found = inspected(made, terminal=usual().credentials(), instructions=changed).failed(
        "not a nonce of 8 octets"
    )
    assert FileID.DG3 not in found.evidence.files


@pytest.mark.parametrize(
    "rights",
    CASES.cases(
        {
            "ISO7816_E_14": Right.READ_DG4,
            "ISO7816_E_15": Right.READ_DG3,
            "ISO7816_E_16": Right(0),
        }
    ),
)
def test_data_groups_that_the_certificates_do_not_allow_are_not_read(rights: Right) -> None:
    """The document is accepted without it, and the chip is not asked for it."""
    chain = Chain.of(rights=rights)
    asked: list[bool] = []

    def answering(command: CommandAPDU) -> None:
        closed = (FileID.DG3, Right.READ_DG3), (FileID.DG4, Right.READ_DG4)
        asked.extend(is_reading(command, file) for file, right in closed if right not in rights)

    made = protected(chain.root)
    found = granted(inspected(made, terminal=chain.credentials(), answering=answering))
    assert not any(asked)
    for file, right in ((FileID.DG3, Right.READ_DG3), (FileID.DG4, Right.READ_DG4)):
        assert (file in found.evidence.files) is (right in rights)
    assert found.successful, found.report.why


@pytest.mark.parametrize("which", CASES.cases({"ISO7816_E_17": 0, "ISO7816_E_18": 1}))
def test_a_certificate_with_a_wrong_signature_is_refused(which: int) -> None:
    chain = usual()
    certificates = [chain.verifier.certificate, chain.system.certificate]
    wrong = damaged(certificates[which].signature)
    certificates[which] = replace(certificates[which], signature=wrong)
    terminal = TerminalCredentials(chain.system.key, chain.system.reference, tuple(certificates))
    found = inspected(protected(chain.root), terminal=terminal).failed("6300")
    assert FileID.DG3 not in found.evidence.files


@CASES.case("ISO7816_E_19")
def test_an_expired_chain_is_refused() -> None:
    made = protected(usual().root, today=TODAY + 2 * YEAR)
    found = inspected(made, terminal=usual().credentials()).failed("6300")
    assert FileID.DG3 not in found.evidence.files


ELSEWHERE = {
    "ISO7816_E_22": (TerminalAuthenticationInfo(1, 0x0125), 0x011C, False),
    "ISO7816_E_23": (TerminalAuthenticationInfo(1, 0x011C, 0x15), 0x011C, False),
    "ISO7816_E_22 there": (TerminalAuthenticationInfo(1, 0x0125), 0x0125, True),
    "ISO7816_E_23 there": (TerminalAuthenticationInfo(1, 0x0125, 0x15), 0x0125, True),
}


@pytest.mark.parametrize(("info", "identifier", "there"), CASES.cases(ELSEWHERE))
def test_the_ef_cvca_that_dg14_names_is_read(
    info: TerminalAuthenticationInfo, identifier: int, there: bool
) -> None:
    """It is read by the identifier in DG14; without one, no identifier is guessed."""
    key = ChipKey(12, Cipher.TDES)
    made = protected(usual().root)
    named = issue(**(BAC | {"more_infos": (*key.infos(), info), "more": {3: DG3, 4: dg4()}}))
    made = replace(named, keys=made.keys)
    chip = personalised(made.files, made.keys, locked=False)
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    short = (info.ef_cvca_short or 0) if there else 0x1C
    control = tlv.encode(
        0x62,
        tlv.encode(0x80, b"\x24"),
        tlv.encode(0x83, identifier.to_bytes(2, "big")),
        tlv.encode(0x88, bytes((short << 3,)) if short else b""),
    )
    done(chip, CommandAPDU(0x00, INS.CREATE_FILE, data=control))
    content = Cvca((usual().root.reference,)).encode()
    done(chip, CommandAPDU(0x00, INS.UPDATE_BINARY, data=content))
    done(chip, "00440000")
    chip.reset()
    found = inspected(made, terminal=usual().credentials(), chip=chip)
    if there:
        granted(found).succeeded()
    else:
        found.failed("no certificates lead")
        assert FileID.DG3 not in found.evidence.files


@CASES.case("ISO7816_E_24")
def test_sensitive_data_groups_are_not_read_without_certificates() -> None:
    """Fingerprints stay closed, and the document is accepted."""
    made = protected(usual().root)
    found = inspected(made)
    assert not {FileID.DG3, FileID.DG4} & found.evidence.files.keys()
    assert found.outcome("terminal.authentication") is Outcome.NOT_PERFORMED
    alone = TerminalCredentials(usual().system.key, usual().system.reference, ())
    found = inspected(made, terminal=alone).failed("no certificates lead")
    assert not {FileID.DG3, FileID.DG4} & found.evidence.files.keys()


CONTENTS = {
    "ISO7816_E_26": {
        3: DG3, 4: dg4(),
        11: DataGroup11(personal_number="4711").encode(),
        12: DataGroup12(issuing_authority="UTOPIA").encode(),
    },
    "ISO7816_E_29": {3: DG3},
    "ISO7816_E_30": {4: dg4()},
}  # fmt: skip


@pytest.mark.parametrize("groups", CASES.cases(CONTENTS))
def test_data_groups_beside_it(groups: dict[int, bytes]) -> None:
    made = protected(usual().root, groups=groups)
    granted(inspected(made, terminal=usual().credentials())).succeeded(made)


@pytest.mark.parametrize(
    ("key", "chain"),
    CASES.cases(
        {
            "ISO7816_E_27": (
                ChipKey(2, Cipher.TDES),
                Chain.of(SCHEMES["0.4.0.127.0.7.2.2.2.1.2"], bits=1024),
            ),
            "ISO7816_E_28": (ChipKey(10, Cipher.TDES), usual()),
        }
    ),
)
def test_other_sizes_for_chip_and_terminal(key: ChipKey, chain: Chain) -> None:
    made = protected(chain.root, key=key)
    granted(inspected(made, terminal=chain.credentials())).succeeded(made)


@CASES.case("ISO7816_E_31")
def test_after_pace_the_chip_is_bound_by_its_key_of_pace() -> None:
    made = protected(usual().root, access=PACE)
    granted(inspected(made, terminal=usual().credentials())).succeeded(made)


@pytest.mark.parametrize("oid", ["0.4.0.127.0.7.2.2.2.1.4", "0.4.0.127.0.7.2.2.2.2.5"])
@pytest.mark.parametrize("cipher", [Cipher.TDES, Cipher.AES256])
def test_certificates_in_chains_where_there_is_no_extended_length(oid: str, cipher: Cipher) -> None:
    """EF.ATR/INFO allows command chaining: every command is short and separately protected."""
    chain = Chain.of(SCHEMES[oid], curve="brainpoolP512r1", bits=2048)
    made = protected(chain.root, key=ChipKey(12, cipher))
    info = AtrInfo.of(Capability.COMMAND_CHAINING, None, None)
    made = made.with_file(FileID.ATR_INFO, info.encode())
    chained: list[int] = []

    def answering(command: CommandAPDU) -> None:
        assert not command.is_extended
        if command.cla & 0x10:
            chained.append(command.ins)

    terminal = chain.credentials()
    found = inspected(made, terminal=terminal, answering=answering)
    granted(found).succeeded(made)
    assert INS.PERFORM_SECURITY_OPERATION in chained


def test_trust_points_from_pace_are_used() -> None:
    """A chip of Doc 9303 alone has no EF.CVCA: it is asked in PACE (4.4.4.1, K.2)."""
    made = protected(usual().root, access=PACE).with_file(FileID.CVCA, None)
    granted(inspected(made, terminal=usual().credentials())).succeeded(made)


@pytest.mark.parametrize("sw", [0x6A80, 0x6A87, 0x6700])
def test_a_chip_that_does_not_understand_the_question(sw: int) -> None:
    """It is asked for nothing, and has an EF.CVCA."""

    def answering(command: CommandAPDU) -> ResponseAPDU | None:
        asked = (command.p1, command.p2) == (0xC1, 0xA4) and b"\x7f\x4c" in command.data
        return ResponseAPDU(sw=sw) if asked else None

    made = protected(usual().root, access=PACE)
    found = inspected(made, terminal=usual().credentials(), answering=answering)
    granted(found).succeeded(made)


@pytest.mark.parametrize(
    ("links", "trusted"),
    CASES.cases({"ISO7816_E_32": (1, 0), "ISO7816_E_33": (2, 0), "ISO7816_E_34": (1, 1)}),
)
def test_link_certificates_are_sent_if_the_chip_needs_them(links: int, trusted: int) -> None:
    """From the reference in EF.CVCA up to the newest CVCA; none that leads to it already."""
    roots = [certify("UTCVCA00001", Role.CVCA, effective=TODAY, expiration=TODAY + YEAR)]
    for number in range(links):
        roots.append(
            certify(
                f"UTCVCA0000{number + 2}", Role.CVCA, roots[-1],
                effective=TODAY + timedelta(days=number + 1), expiration=TODAY + 3 * YEAR,
            )
        )  # fmt: skip
    chain = Chain.of(root=roots[-1])
    sent: list[int] = []

    def answering(command: CommandAPDU) -> None:
        if command.ins == INS.PERFORM_SECURITY_OPERATION:
            sent.append(len(command.data))

    made = protected(_self_signed(roots[trusted]))
    terminal = chain.credentials(*(each.certificate for each in roots[1:]))
    granted(inspected(made, terminal=terminal, answering=answering)).succeeded()
    assert len(sent) == 2 + links - trusted


def _self_signed(holder: Holder) -> Holder:
    """A trust point of a chip: the certificate with its own domain parameters, by its own key."""
    return certify(
        holder.reference, Role.CVCA, key=holder.key, effective=TODAY, expiration=TODAY + 3 * YEAR
    )
