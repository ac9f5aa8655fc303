"""Anyone can write the files of an image: its notes about a chip do not count without a seal."""

import json
from pathlib import Path

import msgspec
import pytest

from emrtd.access.chip_authentication_keys import mapping_key
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.lds.security.card_security import CardSecurity
from emrtd.pki.findings import Outcome, Shows
from support.command_line import run_command_line
from support.errors import ExitStatus
from support.secret import Secret
from tests.security.copies import clone_of
from tests.verify.documents import Document, issue, mrz, usual
from tests.verify.inspection.test_inspection import inserted, inspected
from verify.commands.main import verify
from verify.judging.check_ids import CLONE_PROOFS
from verify.judging.evidence import (
    Access,
    AccessControl,
    ChipAuthenticationTranscript,
    Evidence,
    Exchange,
    InspectionSession,
    PaceTranscript,
    TerminalAuthenticationTranscript,
)
from verify.judging.policy import ChipAuthenticity, Policy, load_policy
from verify.judging.report import Verdict
from verify.showing.wording import meaning
from verify.trust.store import TrustStore
from vsmartcard.forging.kinds.notes import invented_exchange

KEY = Secret(b"the key of this station")
DEMANDING = msgspec.structs.replace(
    load_policy("default"), chip_authenticity=ChipAuthenticity.REQUIRED
)


def invented(document: Document) -> InspectionSession:
    """Return a session with proofs of Chip Authentication and Mapping, made of public keys."""
    card_security = CardSecurity.decode(document.files[FileID.CARD_SECURITY]).security_infos
    static = mapping_key(card_security, 13)
    pace = PaceTranscript(
        document.how.pace[1].protocol,
        13,
        mapping_key=static.group.shared_element(2, static.public),
        chip_authentication_data=(2).to_bytes(32, "big"),
    )
    infos = DataGroup14.decode(document.files[FileID.DG14]).security_infos
    variant, command, response = invented_exchange(infos)
    return InspectionSession(
        atr=b"",
        access=Access(AccessControl.PACE, "mrz", "pace-ecdh-cam-aes-cbc-cmac-128/brainpoolP256r1"),
        apdus=21,
        pace=pace,
        chip_authentication=ChipAuthenticationTranscript(
            variant.protocol,
            variant.key.key_id,
            terminal_private_key=b"\x01",
            proof=Exchange(command, response),
        ),
    )


def forged_image(document: Document) -> LdsImage:
    return Evidence(document.files, session=invented(document)).to_image(Secret(b"the forger's"))


@pytest.mark.parametrize("key", [None, KEY], ids=["a station without a key", "with a key"])
def test_proofs_invented_from_public_keys_are_not_performed(key: Secret | None) -> None:
    evidence = Evidence.from_image(forged_image(usual()), key=key)
    report = usual().judged(evidence, policy=DEMANDING)
    for check_id in ("chip.authentication", "pace.cam"):
        assert report.check(check_id).outcome is Outcome.NOT_PERFORMED
        assert "can have invented them" in report.check(check_id).reason
    assert report.verdict is Verdict.REFER
    assert not any(report.check(each).outcome is Outcome.PASSED for each in CLONE_PROOFS)


@pytest.mark.parametrize("sealed", [False, True])
def test_terminal_authentication_counts_only_in_sealed_notes(sealed: bool) -> None:
    document = issue(terminal_authentication=True)
    claimed = TerminalAuthenticationTranscript("UTIS00001", ("DG3",))
    session = msgspec.structs.replace(invented(document), terminal_authentication=claimed)
    image = Evidence(document.files, session=session).to_image(KEY if sealed else None)
    check = document.judged(Evidence.from_image(image, key=KEY)).check("terminal.authentication")
    assert check.outcome is (Outcome.PASSED if sealed else Outcome.NOT_PERFORMED)
    assert ("can have invented them" in check.reason) is not sealed


def test_an_unsealed_session_is_reported_as_an_image_of_files() -> None:
    report = usual().judged(Evidence.from_image(forged_image(usual())))
    assert (report.access, report.apdus) == ("not-performed", 0)
    assert "they come from files" in meaning(report)


def test_invented_proofs_verify_if_they_are_trusted() -> None:
    report = usual().judged(Evidence(usual().files, session=invented(usual())), policy=DEMANDING)
    assert report.check("chip.authentication").outcome is Outcome.PASSED
    assert report.check("pace.cam").outcome is Outcome.PASSED


def test_a_sealed_capture_is_judged_as_it_was_at_the_reader() -> None:
    live = inspected(inserted(usual()))
    saved = Evidence.from_image(live.to_image(KEY), key=KEY)
    for policy in ("default", DEMANDING):
        assert usual().judged(saved, policy=policy) == usual().judged(live, policy=policy)
        assert usual().judged(saved, policy=policy).verdict is Verdict.ACCEPT


def test_sealed_notes_beside_the_files_of_another_document_do_not_count() -> None:
    """The notes of one capture beside the files of another."""
    live = inspected(inserted(usual()))
    other = issue(active_authentication=None)
    image = live.to_image(KEY)
    mixed = LdsImage(dict(other.files), evidence=image.evidence)
    report = other.judged(Evidence.from_image(mixed, key=KEY), policy=DEMANDING)
    assert report.verdict is not Verdict.ACCEPT
    assert not any(report.check(each).outcome is Outcome.PASSED for each in CLONE_PROOFS)


def test_notes_edited_after_sealing_do_not_count() -> None:
    """The evidence of a clone is removed from the notes of a capture."""
    live = inspected(inserted(usual()))
    session = msgspec.structs.replace(live.session, active_authentication=None)
    sealed = live.to_image(KEY)
    edited = msgspec.structs.replace(live, session=session).to_image()
    notes = msgspec.json.decode(edited.evidence or b"")
    notes["seal"] = msgspec.json.decode(sealed.evidence or b"")["seal"]
    image = LdsImage(dict(live.files), evidence=msgspec.json.encode(notes))
    evidence = Evidence.from_image(image, key=KEY)
    assert not evidence.session_trusted
    report = usual().judged(evidence)
    assert not any(report.check(each).outcome is Outcome.PASSED for each in CLONE_PROOFS)


def test_evidence_against_a_chip_counts_without_a_seal() -> None:
    genuine = usual()
    evidence = inspected(inserted(genuine))
    assert evidence.session is not None
    transcript = evidence.session.active_authentication
    assert transcript is not None
    failed = msgspec.structs.replace(transcript, challenge=bytes(8))
    session = msgspec.structs.replace(evidence.session, active_authentication=failed)
    image = msgspec.structs.replace(evidence, session=session).to_image()
    report = genuine.judged(Evidence.from_image(image))
    assert report.check("active.authentication").shows is Shows.CLONING
    assert report.verdict is Verdict.REJECT


def test_a_printed_mrz_in_unsealed_notes_does_not_count() -> None:
    """The check does not pass, and a policy that makes it mandatory does not accept."""
    default = load_policy("default")
    demanding = msgspec.structs.replace(
        default, mandatory=(*default.mandatory, "mrz.matches-optical")
    )
    image = usual().evidence(optical_mrz=mrz().text).to_image(Secret(b"the forger's"))
    for key in (None, KEY):
        evidence = Evidence.from_image(image, key=key)
        report = usual().judged(evidence, policy=demanding)
        assert report.check("mrz.matches-optical").outcome is Outcome.NOT_PERFORMED
        assert report.verdict is Verdict.REFER
    own = Evidence.from_image(usual().evidence(optical_mrz=mrz().text).to_image(KEY), key=KEY)
    assert usual().judged(own, policy=demanding).verdict is Verdict.ACCEPT
    other = usual().evidence(optical_mrz=mrz(document_number="ZU7654321").text).to_image()
    report = usual().judged(Evidence.from_image(other))
    assert report.check("mrz.matches-optical").shows is Shows.FORGERY


def test_the_printed_mrz_of_the_command_line_replaces_that_of_the_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual().evidence(optical_mrz=mrz().text).to_image().save(tmp_path / "image")
    TrustStore.open(tmp_path / "store", create=True).close()
    arguments = ["image", str(tmp_path / "image"), "--trust", str(tmp_path / "store"), "--json"]
    for more, outcome in (((), "not-performed"), (("--mrz", mrz().text), "passed")):
        run_command_line(verify, [*arguments, *more])
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert {each["id"]: each["outcome"] for each in checks}["mrz.matches-optical"] == outcome


@pytest.mark.parametrize("policy", [load_policy("default"), DEMANDING])
def test_an_image_without_a_chip_is_never_called_a_genuine_chip(policy: Policy) -> None:
    report = usual().judged(policy=policy)
    assert not any(report.check(each).outcome is Outcome.PASSED for each in CLONE_PROOFS)
    assert "chip is genuine" not in meaning(report)
    assert "chip is genuine" in meaning(usual().judged(inspected(inserted(usual()))))


def test_a_user_without_a_seal_key_can_judge_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    Evidence(usual().files).to_image().save(tmp_path / "image")
    TrustStore.open(tmp_path / "store", create=True).close()
    arguments = ["image", str(tmp_path / "image"), "--trust", str(tmp_path / "store")]
    assert run_command_line(verify, arguments) == ExitStatus.REFERRED


def test_a_captured_clone_is_rejected_on_another_machine() -> None:
    copy = inspected(clone_of(usual()).process)
    assert usual().judged(copy).verdict is Verdict.REJECT
    elsewhere = Evidence.from_image(copy.to_image(KEY), key=Secret(b"another station's"))
    assert usual().judged(elsewhere).verdict is Verdict.REJECT
