import zipfile
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from verify.judging.evidence import (
    Access,
    AccessControl,
    ActiveAuthenticationTranscript,
    ChipAuthenticationTranscript,
    Evidence,
    Exchange,
    Failure,
    InspectionSession,
    PaceTranscript,
    Step,
    TerminalAuthenticationTranscript,
)
from verify.judging.faults import Refused

KEY = Secret(b"a key that seals evidence in tests")

MRZ = "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<"
SESSION = InspectionSession(
    atr=bytes.fromhex("3B80800101"),
    access=Access(AccessControl.BAC, "mrz"),
    failures=(Failure(Step.PACE, Refused(0x6300, "PACE with the MRZ"), "mrz"),),
    pace=PaceTranscript("0.4.0.127.0.7.2.2.4.2.2", 13, b"\x04map", b"ca"),
    chip_authentication=ChipAuthenticationTranscript(
        "0.4.0.127.0.7.2.2.3.2.2", 13, b"\x01" * 32, Exchange(b"\x0c\xb0", b"\x90\x00")
    ),
    active_authentication=ActiveAuthenticationTranscript(b"12345678", b"signature"),
    terminal_authentication=TerminalAuthenticationTranscript("UTIS00001", ("DG3",)),
    apdus=74,
    octets=16254,
    seconds=1.25,
)
EVIDENCE = Evidence(
    files={FileID.DG1: bytes.fromhex("615D5F1F5A") + MRZ.encode()},
    unread={FileID.DG3: Refused(0x6982, "reading DG3")},
    session=SESSION,
    optical_mrz=MRZ,
)


def test_saved_evidence_loads_back(tmp_path: Path) -> None:
    EVIDENCE.to_image(KEY).save(tmp_path / "image")
    assert Evidence.from_image(LdsImage.load(tmp_path / "image"), key=KEY) == EVIDENCE
    with zipfile.ZipFile(tmp_path / "image.zip", "w") as archive:
        for path in (tmp_path / "image").iterdir():
            archive.write(path, path.name)
    assert Evidence.from_image(LdsImage.load(tmp_path / "image.zip"), key=KEY) == EVIDENCE


def test_files_alone_are_evidence_without_a_session() -> None:
    evidence = Evidence.from_image(LdsImage(dict(EVIDENCE.files)))
    assert evidence.session is None
    assert not evidence.unread


def test_the_repr_of_evidence_has_no_personal_data() -> None:
    for each in (EVIDENCE, SESSION, SESSION.active_authentication):
        assert "ERIKSSON" not in repr(each)
        assert "signature" not in repr(each)
        assert repr(each).endswith("(...)")


def test_evidence_without_files_is_not_saved() -> None:
    with pytest.raises(MisuseError, match="no file was read"):
        Evidence(files={}, session=SESSION).to_image()


def test_a_file_with_the_name_of_an_elementary_file_is_recorded_as_misplaced() -> None:
    image = LdsImage(dict(EVIDENCE.files), unrecognised=("EF_DG2.bin", "README"))
    assert Evidence.from_image(image).misplaced == ("EF_DG2.bin",)


@pytest.mark.parametrize(
    "notes",
    [
        b'{"chipseal":"evidence","version":1}',
        b'{"chipseal":"evidence","version":2,"verdict":"accept"}',
        b'{"chipseal":"evidence","unread":{"DG17":{"type":"refused","sw":0,"doing":""}}}',
        b'{"chipseal":"evidence","unread":{"DG3":{"type":"refused","sw":65536,"doing":""}}}',
        b'{"chipseal":"evidence","unread":{"DG3":{"type":"refused","sw":0}}}',
        b'{"chipseal":"evidence","unread":{"DG3":{"type":"not-tried","why":"just so"}}}',
        b'{"chipseal":"evidence","unread":{"DG3":{"type":"excused"}}}',
        b'{"chipseal":"evidence","unread":{"DG3":{"reason":"a sentence"}}}',
        b'{"chipseal":"evidence","session":{"atr":"!!"}}',
        b'{"chipseal":"evidence"',
        b'{"chipseal":"evidence","optical_mrz":"\xff"}',
        b'{"chipseal":"evidence"}' + b" " * (1 << 20),
    ],
)
def test_notes_that_cannot_be_read_are_malformed(notes: bytes) -> None:
    image = LdsImage(dict(EVIDENCE.files), evidence=notes)
    with pytest.raises(MalformedError, match=r"evidence\.json"):
        Evidence.from_image(image)


def test_notes_of_the_first_release_are_refused_by_their_version() -> None:
    image = LdsImage(dict(EVIDENCE.files), evidence=b'{"chipseal":"evidence","version":1}')
    with pytest.raises(MalformedError, match="is of another version than 2") as old:
        Evidence.from_image(image)
    assert old.value.advice.startswith("inspect the document again")


@pytest.mark.parametrize("key", [None, Secret(b"another user's key")])
def test_evidence_without_the_right_seal_is_not_trusted(key: Secret | None) -> None:
    for image in (EVIDENCE.to_image(KEY), EVIDENCE.to_image()):
        assert not Evidence.from_image(image, key=key).session_trusted
    assert not Evidence.from_image(EVIDENCE.to_image(), key=KEY).session_trusted


def test_the_seal_covers_the_files() -> None:
    image = EVIDENCE.to_image(KEY)
    image.files[FileID.DG1] = b"\x61\x00"
    assert not Evidence.from_image(image, key=KEY).session_trusted


@pytest.mark.parametrize(
    "notes",
    [
        b'{"MUSTERMANN": 1}',
        b'{"unread": {"MUSTERMANN": null}}',
        b'{"unread": {"DG1": {"type": "MUSTERMANN"}}}',
        b'{"unread": {"DG1": {"type": "refused", "MUSTERMANN": 1}}}',
        b'{"optical_mrz": {"MUSTERMANN": 1}}',
        b'{"session": {"MUSTERMANN": 1}}',
        b'{"session": {"access": {"control": "MUSTERMANN"}}}',
        b'{"session": ' + b"[" * 100_000,
    ],
)
def test_an_error_in_the_notes_shows_neither_a_key_nor_a_value(notes: bytes) -> None:
    image = LdsImage(dict(EVIDENCE.files), evidence=notes)
    with pytest.raises(MalformedError, match=r"evidence\.json: ") as caught:
        Evidence.from_image(image)
    error = caught.value
    assert "MUSTERMANN" not in f"{error} {error!r} {error.advice} {error.__cause__}"
