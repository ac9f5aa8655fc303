"""Hostile text on screens, irregular files, and the permissions of files on disk."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from support.command_line import run_command_line
from support.errors import ExitStatus, MalformedError, MisuseError
from support.files import write_atomically
from tests.certificates import Authority
from tests.verify.documents import CSCA, Document, issue, permit, usual
from tests.verify.inspection.test_inspection import inserted, inspected
from verify.commands.main import verify
from verify.judging.evidence import Access, AccessControl, Evidence, Failure, Step
from verify.judging.faults import Malformed, Refused, Violated
from verify.showing.html import render_html
from verify.showing.text import print_report
from verify.trust.files import read_trust_file

ATTACK = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u200b<script>alert(1)</script>\"'&{{7*7}}"
STYLE = re.compile("\x1b\\[[0-9]{1,2}m")
ACTIVE = set("\x1b\x07\x9b\u202e\u2066\u200b\x00\r\x08")


def hostile() -> tuple[Document, Evidence]:
    """A document with a hostile string in every field that a report shows, and its evidence."""
    authority = Authority(common_name=ATTACK)
    document = issue(
        authority=authority,
        signer=authority.issue("DS 1", subject=None),
        permit=permit(category=ATTACK[:40], remarks=(ATTACK,)),
        crl=authority.crl(),
    )
    evidence = inspected(inserted(document))
    session = msgspec.structs.replace(
        evidence.session,
        access=Access(AccessControl.PACE, "mrz", ATTACK),
        failures=(Failure(Step.PACE, Refused(0x6300, ATTACK)),),
    )
    unread = {FileID.DG3: Violated(ATTACK), FileID.DG15: Malformed(ATTACK, ATTACK)}
    return document, msgspec.structs.replace(
        evidence, session=session, unread=unread, misplaced=(ATTACK,), image_quirks=(ATTACK,)
    )


def test_text_of_a_chip_cannot_control_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    document, evidence = hostile()
    for tty in (False, True):
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda tty=tty: tty)
        print_report(document.judged(evidence), stream)
        styles = STYLE.findall(stream.getvalue())
        assert bool(styles) == tty
        assert not ACTIVE & set(STYLE.sub("", stream.getvalue()))
        assert "script" in stream.getvalue()  # it is shown, and does nothing


def test_text_of_a_chip_is_escaped_in_the_page() -> None:
    document, evidence = hostile()
    page = render_html(document.judged(evidence))
    assert "<script" not in page
    assert not ACTIVE & set(page)
    assert "default-src 'none'" in page


def test_json_is_ascii_for_any_text_of_a_chip(tmp_path: Path) -> None:
    document, evidence = hostile()
    printed = json.dumps(document.judged(evidence).as_json(), ensure_ascii=True)
    assert printed.isascii()
    assert not ACTIVE & set(printed)
    assert json.loads(printed)["access"] == f"{ATTACK}/mrz"


def test_names_in_a_zip_are_printable_in_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "image.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../../\x1b]0;owned\x07.bin", "\x1b[31m\u202e.bin"):
            archive.writestr(name, usual().files[FileID.DG1])
    arguments = ["image", str(path), "--trust", str(store(tmp_path))]
    assert run_command_line(verify, arguments) == ExitStatus.MISTAKE
    assert not ACTIVE & set(capsys.readouterr().err)


def test_reading_a_zip_writes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "image.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../../../EF_DG1.bin", usual().files[FileID.DG1])
        archive.writestr("/etc/EF_COM.bin", usual().files[FileID.COM])
        link = zipfile.ZipInfo("EF_SOD.bin")
        link.external_attr = 0o120777 << 16  # a symbolic link, for those who would follow it
        archive.writestr(link, "/etc/shadow")
    image = LdsImage.load(path)
    assert set(image.files) == {FileID.DG1, FileID.COM}
    assert image.unrecognised == ("EF_SOD.bin",)
    assert list(tmp_path.iterdir()) == [path]


def test_one_file_twice_in_an_image_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "image.zip"
    other = issue(permit=permit(work="unrestricted"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.bin", usual().files[FileID.SOD])
        archive.writestr("b.bin", other.files[FileID.SOD])
    with pytest.raises(MalformedError, match="and so is"):
        LdsImage.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("EF_SOD.bin", usual().files[FileID.SOD])
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("EF_SOD.bin", other.files[FileID.SOD])
    with pytest.raises(MalformedError, match="and so is"):
        LdsImage.load(path)


# --- files that are none --------------------------------------------------------------------------


def store(folder: Path) -> Path:
    path = folder / "store"
    (folder / "csca.cer").write_bytes(CSCA.certificate().der)
    assert run_command_line(verify, ["trust", "add", str(path), str(folder / "csca.cer")]) == 0
    return path


def test_a_pipe_or_a_device_is_refused_as_a_trust_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(MisuseError, match="is not a regular file"):
            read_trust_file(path)


def test_a_pipe_or_a_device_is_refused_as_an_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(MisuseError):
            LdsImage.load(path)
    os.mkfifo(tmp_path / "EF_DG1.bin")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(MisuseError):  # a folder that contains only these
        LdsImage.load(tmp_path)


def test_a_report_does_not_replace_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.stdout.write(open({str(pipe)!r}).read())"],
        stdout=subprocess.PIPE,
    )
    write_atomically(pipe, b"the page", mode=0o600)
    assert reader.communicate(timeout=20)[0] == b"the page"
    assert pipe.is_fifo()


def test_a_report_is_not_written_through_another_users_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"precious")
    (tmp_path / "report.html").symlink_to(tmp_path / "theirs")
    write_atomically(tmp_path / "report.html", b"the page", mode=0o600)
    assert (tmp_path / "theirs").read_bytes() == b"precious"


@pytest.mark.parametrize("name", [b"\xff\xfe.cer", b"\x1b[31mred.cer", "\u202e.cer".encode()])
def test_a_file_name_that_is_not_text_is_shown_as_printable_text(
    tmp_path: Path, name: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(CSCA.certificate().der)
    trust = str(tmp_path / "store")
    assert run_command_line(verify, ["trust", "add", trust, str(path)]) == 0
    for command in (["show", trust], ["show", trust, "--json"], ["list", trust, "--json"]):
        assert run_command_line(verify, ["trust", *command]) == 0
    assert not ACTIVE & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    "octets",
    [
        b"-----BEGIN CERTIFICATE-----\nMIIB",
        b"-----BEGIN CERTIFICATE-----\n" * 100_000,
        b"-----BEGIN " + b"A" * 1_000_000,
        b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        b"-----BEGIN X-----\n" + b"MAA=\n" * 10 + b"-----END Y-----\n",
    ],
)
def test_a_truncated_pem_file_is_an_error(tmp_path: Path, octets: bytes) -> None:
    """It is an error, not an empty file, and is found quickly."""
    (tmp_path / "x.pem").write_bytes(octets)
    with pytest.raises(MalformedError):
        read_trust_file(tmp_path / "x.pem")


def test_a_certificate_followed_by_pem_is_malformed(tmp_path: Path) -> None:
    polyglot = CSCA.certificate().der + Authority(label="another").certificate().to_pem().encode()
    (tmp_path / "x.cer").write_bytes(polyglot)
    with pytest.raises(MalformedError, match="octets follow"):
        read_trust_file(tmp_path / "x.cer")


# --- who may read what is written -----------------------------------------------------------------


def test_files_with_personal_data_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        usual().evidence().to_image().save(tmp_path / "image")
        write_atomically(tmp_path / "report.html", b"", mode=0o600)
    finally:
        os.umask(umask)
    written = [tmp_path / "image", *(tmp_path / "image").iterdir(), tmp_path / "report.html"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)


@pytest.mark.parametrize("octets", [b"\xff\xfe\x00", b"\x00" * 100_000, b"A" * 5000, b""])
def test_any_standard_input_for_the_mrz_is_read_or_refused(
    tmp_path: Path, octets: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8"))
    usual().evidence().to_image().save(tmp_path / "image")
    arguments = ["image", str(tmp_path / "image"), "--trust", str(store(tmp_path)), "--mrz", "-"]
    assert run_command_line(verify, arguments) == ExitStatus.MISTAKE
