"""Terminal Authentication in an inspection: fingerprints are read only with the right."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest

from emrtd.access.passwords import Password
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.domain_parameters import STANDARDISED, encode_domain_parameters
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import PrivateKey, RsaPrivateKey
from emrtd.crypto.protocols import ID_CA_ECDH
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import (
    ChipAuthenticationDomainParameterInfo,
    ChipAuthenticationInfo,
    SecurityInfos,
)
from emrtd.pki import private_key_file
from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.issuing import CvChain, issue_chain
from emrtd.pki.findings import Outcome, Shows
from emrtd.pki.private_key_file import WrongPassphraseError, encrypt_private_key
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from tests.emrtd.pki.cvc.cvc_pki import certify
from tests.helpers import replace
from tests.verify.documents import CAN, NOW, PARAMETERS, Document, ec_key, issue, mrz
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.inspection.terminal_folder import load_terminal
from verify.judging.evidence import Evidence
from verify.judging.faults import NotTried, Why
from verify.judging.report import Verdict
from vsmartcard.card.conditions import every, extended, instruction
from vsmartcard.card.layers import Refusing, Watched
from vsmartcard.chip.commands import INSTRUCTIONS, instead
from vsmartcard.chip.session import Core

KEY = Secret(b"a key that seals evidence in tests")

CURVE = "brainpoolP256r1"
TODAY = NOW.date()
PASSPHRASE = Secret(b"a pass phrase for tests")
DG3 = DataGroup3.of([]).encode()
MRZ = Credentials(mrz=Password.from_mrz_information(mrz().information))


def chain(day: date = TODAY, *, prefix: str = "") -> tuple[CvChain, PrivateKey]:
    cvca, verifier, terminal = (ec_key(prefix + label, CURVE) for label in ("CVCA", "DV", "IS"))
    return issue_chain("UT", cvca, verifier, terminal.public_key, day), terminal


def credentials(made: CvChain, key: PrivateKey) -> TerminalCredentials:
    certificates = (made.cvca, made.document_verifier, made.inspection_system)
    return TerminalCredentials(key, made.inspection_system.holder_reference, certificates)


@cache
def document(**changes: object) -> Document:
    """Return a document with a DG3, whose chip trusts the CVCA from the day of NOW on."""
    made, _ = chain()
    issued = issue(terminal_authentication=True, more={3: DG3}, **changes)
    keys = replace(
        issued.keys,
        trust_points=(made.cvca.encode(),),
        current_date=TODAY,
        document_identifier=Secret(mrz().information[:-14].encode()),
    )
    issued = issued.with_file(FileID.CVCA, Cvca((made.cvca.holder_reference,)).encode())
    return replace(issued, keys=keys)


def inspected(
    chip: Document, terminal: TerminalCredentials | None, how: Credentials = MRZ
) -> Evidence:
    procedure = inspect(how, terminal=terminal)
    inserted = personalised(chip.files, chip.keys)
    return run(procedure, inserted.process, inserted.reset)


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({}, MRZ),
        ({}, Credentials(can=Password.can(CAN))),
        ({"pace": (), "basic_access_control": True}, MRZ),
    ],
    ids=["pace-mrz", "pace-can", "bac"],
)
def test_fingerprints_are_read_with_the_right(changes: dict[str, object], how: Credentials) -> None:
    chip = document(**changes)
    evidence = inspected(chip, credentials(*chain()), how)
    assert evidence.session is not None
    transcript = evidence.session.terminal_authentication
    assert transcript is not None
    assert transcript.refusal is None
    assert transcript.rights == ("DG3", "DG4")
    assert evidence.files[FileID.DG3] == DG3
    report = chip.judged(evidence)
    assert report.check("terminal.authentication").outcome is Outcome.PASSED
    assert report.check("dg.hash.DG3").outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT, report.why


def test_fingerprints_are_not_read_without_the_right() -> None:
    evidence = inspected(document(), None)
    assert FileID.DG3 not in evidence.files
    report = document().judged(evidence)
    assert report.check("dg.hash.DG3").outcome is Outcome.NOT_PERFORMED
    assert report.verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    "made",
    [
        chain(TODAY - timedelta(days=200)),
        chain(prefix="of another State: "),
        (chain()[0], ec_key("another key", CURVE)),
    ],
    ids=["expired", "another CVCA", "another key"],
)
def test_a_refused_terminal_reads_no_fingerprints(
    made: tuple[CvChain, PrivateKey],
) -> None:
    evidence = inspected(document(), credentials(*made))
    assert FileID.DG3 not in evidence.files
    assert set(evidence.files) >= {FileID.DG1, FileID.DG2, FileID.DG13, FileID.SOD}
    report = document().judged(evidence)
    check = report.check("terminal.authentication")
    assert check.outcome is Outcome.FAILED
    assert check.shows is None
    assert evidence.unread[FileID.DG3] == NotTried(Why.TERMINAL_NOT_AUTHENTICATED)
    why = f"DG3 was not read: Terminal Authentication did not succeed ({check.reason})"
    assert report.check("dg.hash.DG3").reason == why
    assert report.verdict is Verdict.REFER


def test_certificates_of_another_trust_point_are_not_accepted() -> None:
    made, key = chain()
    alone = TerminalCredentials(key, made.inspection_system.holder_reference, (made.cvca,))
    report = document().judged(inspected(document(), alone))
    assert report.check("terminal.authentication").outcome is Outcome.FAILED
    assert "no certificates lead" in report.check("terminal.authentication").reason


@cache
def rsa_chain() -> tuple[Document, TerminalCredentials]:
    """A chip that trusts an RSA key of 2,048 bits, and a terminal with such certificates."""
    key = RsaPrivateKey.generate(2048)
    scheme = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)
    root = certify("UTCVCA00001", Role.CVCA, key=key, scheme=scheme)
    verifier = certify("UTDV00001", Role.DV_DOMESTIC, root, key=key, scheme=scheme)
    system = certify("UTIS00001", Role.TERMINAL, verifier, key=key, scheme=scheme)
    certificates = (root.certificate, verifier.certificate, system.certificate)
    chip = document()
    keys = replace(chip.keys, trust_points=(root.certificate.encode(),))
    return replace(chip, keys=keys), TerminalCredentials(key, system.reference, certificates)


@pytest.mark.parametrize("bare", [True, False])
def test_long_certificates_are_chained_if_extended_length_is_refused(bare: bool) -> None:
    """The chip answers 6700, plain or protected; the JMRTD applet supports only chaining."""
    chip, terminal = rsa_chain()
    long = every(instruction(INS.PERFORM_SECURITY_OPERATION), extended)
    known = INSTRUCTIONS[INS.PERFORM_SECURITY_OPERATION].carry_out

    def refuse(core: Core, command: CommandAPDU) -> ResponseAPDU:
        if command.extended:
            raise ChipRefusalError(SW.WRONG_LENGTH, "PSO")
        return known(core, command)

    if bare:
        card = Watched(Refusing(personalised(chip.files, chip.keys), long, SW.WRONG_LENGTH))
    else:
        changed = instead(INS.PERFORM_SECURITY_OPERATION, lambda _: refuse)
        card = Watched(personalised(chip.files, chip.keys, instructions=changed))
    evidence = run(inspect(MRZ, terminal=terminal), card.process)
    assert sum(map(long, card.commands)) == 2
    assert evidence.files[FileID.DG3] == DG3


# --- the folder of an inspection system ----------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(private_key_file, "_COST", 2)
    made, key = chain()
    for name, certificate in (
        ("cvca", made.cvca),
        ("dv", made.document_verifier),
        ("is", made.inspection_system),
    ):
        (tmp_path / f"{name}.cvcert").write_bytes(certificate.encode())
    (tmp_path / "is.p8").write_bytes(encrypt_private_key(key, PASSPHRASE))
    return tmp_path


def test_the_folder_of_an_inspection_system_is_read(folder: Path) -> None:
    loaded = load_terminal(folder, PASSPHRASE)
    assert loaded.reference == chain()[0].inspection_system.holder_reference
    assert len(loaded.certificates) == 3
    evidence = inspected(document(), loaded)
    assert evidence.files[FileID.DG3] == DG3


def test_a_folder_without_a_key_is_refused_with_its_name(folder: Path) -> None:
    with pytest.raises(WrongPassphraseError, match="--passphrase-file"):
        load_terminal(folder, Secret(b"another"))
    (folder / "is.cvcert").unlink()
    with pytest.raises(MisuseError, match=r"no certificate \(\*\.cvcert\) is of the key"):
        load_terminal(folder, PASSPHRASE)
    (folder / "dv.cvcert").write_bytes(b"\x7f\x21\x00")
    with pytest.raises(MalformedError, match=r"dv\.cvcert"):
        load_terminal(folder, PASSPHRASE)
    (folder / "is.p8").unlink()
    (folder / "dv.cvcert").unlink()
    with pytest.raises(MisuseError, match="contains 0 keys"):
        load_terminal(folder, PASSPHRASE)
    with pytest.raises(MisuseError, match="no such folder"):
        load_terminal(folder / "nowhere", PASSPHRASE)


# --- version 2: the General Authentication Procedure ---------------------------------------------

CA_VERSION_2 = ChipAuthenticationInfo("0.4.0.127.0.7.2.2.3.2.2", PARAMETERS, version=2)
VERSION_2 = (
    CA_VERSION_2,
    ChipAuthenticationDomainParameterInfo(
        ID_CA_ECDH, encode_domain_parameters(STANDARDISED[PARAMETERS]), PARAMETERS
    ),
)


@cache
def permit_of_version_2() -> Document:
    """A chip that announces version 2 in EF.CardAccess, as German residence permits do."""
    base = document(more_infos=VERSION_2)
    announced = SecurityInfos(*base.how.pace, *VERSION_2)
    return base.with_file(FileID.CARD_ACCESS, CardAccess(announced).encode())


def test_the_general_authentication_procedure_succeeds() -> None:
    chip = permit_of_version_2()
    evidence = inspected(chip, credentials(*chain()))
    assert evidence.session is not None
    transcript = evidence.session.chip_authentication
    assert transcript is not None
    assert (transcript.version, transcript.refusal, len(transcript.nonce)) == (2, None, 8)
    assert evidence.files[FileID.DG3] == DG3
    report = chip.judged(evidence)
    check = report.check("chip.authentication")
    assert check.outcome is Outcome.PASSED
    assert "signed EF.CardSecurity" in check.reason
    assert report.check("terminal.authentication").outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT, report.why
    assert chip.judged(Evidence.from_image(evidence.to_image(KEY), key=KEY)) == report


def test_version_1_is_used_if_the_terminal_is_refused_in_version_2() -> None:
    chip = permit_of_version_2()
    evidence = inspected(chip, credentials(*chain(prefix="of another State: ")))
    assert evidence.session is not None
    assert evidence.session.chip_authentication is not None
    assert evidence.session.chip_authentication.version == 1
    report = chip.judged(evidence)
    assert report.check("chip.authentication").outcome is Outcome.PASSED
    assert report.check("terminal.authentication").outcome is Outcome.FAILED
    assert FileID.DG3 not in evidence.files


def test_a_proof_of_version_2_with_another_nonce_is_rejected() -> None:
    chip = permit_of_version_2()
    evidence = inspected(chip, credentials(*chain()))
    assert evidence.session is not None
    transcript = evidence.session.chip_authentication
    assert transcript is not None
    changed = msgspec.structs.replace(transcript, nonce=bytes(8))
    session = msgspec.structs.replace(evidence.session, chip_authentication=changed)
    report = chip.judged(msgspec.structs.replace(evidence, session=session))
    assert report.check("chip.authentication").shows is Shows.CLONING


def test_without_a_terminal_version_1_is_used() -> None:
    evidence = inspected(permit_of_version_2(), None)
    assert evidence.session is not None
    assert evidence.session.chip_authentication is not None
    assert evidence.session.chip_authentication.version == 1
