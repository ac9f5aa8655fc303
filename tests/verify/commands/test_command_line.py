"""The commands verify card and verify image."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.transport import readers
from support.command_line import run_command_line
from tests.helpers import REPOSITORY
from tests.verify.documents import CAN, CSCA, Document, face, issue, mrz, permit, usual, with_face
from tests.vsmartcard.cards import personalised
from verify.commands.main import verify
from vsmartcard.card.conditions import nth
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.layers import Torn
from vsmartcard.card.state_file import StateFile
from vsmartcard.reader.blanks import make_blanks

AT = "2026-11-22T12:00:00"
MRZ = mrz().text


class CheckObject(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    outcome: str
    reason: str
    clause: str


class DataGroupObject(msgspec.Struct, forbid_unknown_fields=True):
    size: int | None
    hash: str


class TrustObject(msgspec.Struct, forbid_unknown_fields=True):
    csca: str
    ds: str
    revocation: str


class ReportObject(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON object of a report, with exactly the documented keys."""

    verdict: str
    checks: list[CheckObject]
    document: dict[str, str]
    permit: dict[str, Any] | None
    data_groups: dict[str, DataGroupObject]
    access: str
    trust: TrustObject
    tolerated: list[str]
    apdus: int
    bytes: int
    seconds: float
    tr03135: dict[str, str]


@dataclass(frozen=True)
class Ran:
    status: int
    output: str
    error: str

    @property
    def report(self) -> ReportObject:
        return msgspec.json.decode(self.output, type=ReportObject)


@dataclass(frozen=True)
class Post:
    """A border post: a folder with a trust store and other files."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def store(self) -> Path:
        return self.folder / "trust.db"

    def run(self, *arguments: object) -> Ran:
        self.capsys.readouterr()
        status = run_command_line(verify, [str(each) for each in arguments])
        captured = self.capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    def card(self, document: Document, *arguments: object) -> Ran:
        """Run `verify card` on a virtual chip that holds the document."""
        path = self.folder / "card.chip"
        path.unlink(missing_ok=True)
        chip = personalised(document.files, document.keys)
        file = StateFile(path)
        file.save(chip.state)
        file.close()
        reader = ("--reader", f"virtual:{path}")
        return self.run("card", *reader, "--trust", self.store, "--at", AT, *arguments)

    def image(self, document: Document | Path, *arguments: object) -> Ran:
        """Run `verify image` on an image of the document."""
        folder = document if isinstance(document, Path) else self.folder / "image"
        if isinstance(document, Document):
            shutil.rmtree(folder, ignore_errors=True)
            LdsImage(document.files).save(folder)
        return self.run("image", folder, "--trust", self.store, "--at", AT, *arguments)


@pytest.fixture
def post(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Post:
    made = Post(tmp_path, capsys)
    (tmp_path / "csca.cer").write_bytes(CSCA.certificate().der)
    (tmp_path / "crl.crl").write_bytes(CSCA.crl())
    added = made.run("trust", "add", made.store, tmp_path / "csca.cer", tmp_path / "crl.crl")
    assert added.status == 0, added.error
    return made


def typed(monkeypatch: pytest.MonkeyPatch, text: str, *, terminal: bool) -> None:
    """Let standard input be this text, from a person at a terminal or from a pipe."""
    stream = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdin", stream)


# --- verdicts and their statuses -----------------------------------------------------------------


def test_a_genuine_card_is_accepted_with_status_0(post: Post) -> None:
    ran = post.card(usual(), "--mrz", MRZ, "--json")
    assert (ran.status, ran.report.verdict, ran.error) == (0, "accept", "")
    assert ran.report.access == "pace-ecdh-cam-aes-cbc-cmac-128/brainpoolP256r1/mrz"
    assert ran.report.apdus > 10
    assert ran.report.bytes > 1000
    assert ran.report.seconds > 0
    assert {check.id for check in ran.report.checks} >= {"sod.signature", "dg.hash.DG1"}
    assert ran.report.permit is not None
    assert ran.report.permit["work"] == "restricted"
    assert ran.report.data_groups["DG1"] == DataGroupObject(95, "passed")


def test_a_changed_card_is_rejected_with_status_1(post: Post) -> None:
    ran = post.card(usual().flipped(FileID.DG2, 200), "--mrz", MRZ, "--json")
    assert (ran.status, ran.report.verdict) == (1, "reject")
    failed = {check.id for check in ran.report.checks if check.outcome == "failed"}
    assert "dg.hash.DG2" in failed


def test_a_card_that_does_not_open_is_referred_with_status_2(post: Post) -> None:
    other = mrz(document_number="ZU7654321").text
    ran = post.card(usual(), "--mrz", other, "--json")
    assert (ran.status, ran.report.verdict) == (2, "refer")
    assert ran.report.document == {}
    plain = post.card(usual(), "--mrz", other)
    assert plain.status == 2
    assert "REFER TO SECOND LINE" in plain.output
    assert "the chip did not open" in plain.output


UNUSED = {
    "cryptography.hazmat.backends.openssl.backend", "emrtd.iso7816.reading",
    "emrtd.iso7816.secure_messaging", "emrtd.pki.cms.signed_data_writer",
    "emrtd.pki.lists.defect_list", "emrtd.pki.lists.deviation_list", "emrtd.pki.lists.stop_list",
    "PIL.Image", "numpy", "rich", "smartcard",
}  # fmt: skip
"""What the judgement of an image without lists does not need, and would take time to import."""


def test_an_image_is_judged_without_what_only_other_documents_need(post: Post) -> None:
    post.image(usual())
    code = (
        "import sys; from verify.commands.main import main; status = main();"
        "print(*sys.modules, file=sys.stderr); sys.exit(status)"
    )
    line = (sys.executable, "-c", code, "image", post.folder / "image", "--trust", post.store)
    ran = subprocess.run((*line, "--at", AT), capture_output=True, text=True, check=True)
    assert set(ran.stderr.split()) & UNUSED == set()


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (usual, 0),
        (lambda: usual().flipped(FileID.SOD, 900), 1),
        (lambda: usual().with_file(FileID.DG1, None), 2),
    ],
)
def test_an_image_is_judged_with_the_same_exit_statuses(
    post: Post, document: Callable[[], Document], status: int
) -> None:
    ran = post.image(document(), "--json")
    assert ran.status == status, ran.report.checks
    assert ran.report.access == "not-performed"


def test_saved_evidence_is_judged_as_it_was_live(post: Post) -> None:
    live = post.card(usual(), "--mrz", MRZ, "--json", "--save", post.folder / "captured")
    assert live.status == 0
    again = post.image(post.folder / "captured", "--json")
    assert again.output == live.output


def test_a_printed_mrz_is_compared_with_an_image(post: Post) -> None:
    assert post.image(usual(), "--mrz", MRZ).status == 0
    assert post.image(usual(), "--mrz", mrz(surname="Musterfrau").text).status == 1


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2026-11-22", 0),
        ("2026-11-22T12:00:00+0100", 0),
        ("2026-11-22 23:59:59", 0),
        ("2036-11-22", 2),
        ("2020-01-01", 2),
    ],
)
def test_an_image_is_judged_for_an_instant(post: Post, at: str, status: int) -> None:
    assert post.image(usual(), "--at", at).status == status  # the last --at counts


def test_a_lone_security_object_is_judged(post: Post) -> None:
    path = post.folder / "sod.bin"
    path.write_bytes(usual().files[FileID.SOD])
    ran = post.image(path, "--json")
    assert ran.status == 2
    outcomes = {check.id: check.outcome for check in ran.report.checks}
    assert outcomes["sod.signature"] == outcomes["ds.chain"] == "passed"


# --- what opens the chip -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["\n".join(mrz().lines), MRZ, "ZU1234567,900131,311121"])
def test_the_mrz_is_read_from_standard_input(
    post: Post, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    typed(monkeypatch, text + "\n", terminal=False)
    assert post.card(usual(), "--mrz", "-").status == 0


def test_the_can_is_read_from_standard_input(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, f"{CAN}\n", terminal=False)
    assert post.card(usual(), "--can", "-").status == 0


@pytest.mark.parametrize(
    "text", ["\n".join(mrz().lines), "ZU1234567,900131,311121", CAN], ids=["lines", "three", "can"]
)
def test_the_mrz_or_the_can_is_asked_for_on_a_terminal(
    post: Post, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    typed(monkeypatch, text + "\n", terminal=True)
    ran = post.card(usual(), "--json")
    assert ran.status == 0, ran.error
    assert ran.report.verdict == "accept"  # questions are not among the output
    assert "MRZ or CAN" in ran.error


def test_a_missing_password_is_an_error_without_a_terminal(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "", terminal=False)
    ran = post.card(usual())
    assert ran.status == 64
    assert "--mrz" in ran.error


# --- output --------------------------------------------------------------------------------------


def test_output_that_is_not_a_terminal_is_plain_text(post: Post) -> None:
    ran = post.card(usual(), "--mrz", MRZ)
    assert "\x1b" not in ran.output
    for words in ("ACCEPT", "MUSTERMANN", "SKILLED WORKER", "NOT allowed", "sod.signature",
                  "Doc 9303-11", "profile.no-usage-period", "commands", "CSCA Utopia"):  # fmt: skip
        assert words in ran.output


def test_a_report_contains_no_control_sequence_of_a_chip(post: Post) -> None:
    hostile = issue(permit=permit(work="\x1b]0;\x07\u202enone\x9b31m", category="<b>X</b>"))
    for arguments in ((), ("--json",)):
        ran = post.image(hostile, *arguments)
        assert ran.output.isascii() or all(
            character.isprintable() or character == "\n" for character in ran.output
        )
        assert "\x1b" not in ran.output


def test_the_page_is_readable_by_its_owner_only(post: Post) -> None:
    page = post.folder / "report.html"
    assert post.card(usual(), "--mrz", MRZ, "--report", page).status == 0
    assert page.stat().st_mode & 0o077 == 0
    assert "MUSTERMANN" in page.read_text()


def test_a_report_named_pdf_is_a_pdf(post: Post) -> None:
    pytest.importorskip("typst", reason="needs chipseal[pdf]")
    page = post.folder / "report.PDF"
    assert post.image(usual(), "--report", page).status == 0
    assert page.read_bytes().startswith(b"%PDF-")
    assert page.stat().st_mode & 0o077 == 0


def test_a_pdf_without_its_package_is_refused_before_the_document_is_read(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    ran = post.image(usual(), "--report", post.folder / "report.pdf")
    one_line(ran, 64, "chipseal[pdf]")
    assert not ran.output


def test_the_portrait_is_written_as_stored_or_as_png(post: Post) -> None:
    document = with_face(face())
    stored, shown = post.folder / "face.jpg", post.folder / "face.png"
    assert post.image(document, "--portrait", stored).status == 0
    assert stored.read_bytes() == face()
    assert stored.stat().st_mode & 0o077 == 0
    assert post.image(document, "--portrait", shown).status == 0
    assert shown.read_bytes().startswith(b"\x89PNG")


def test_a_portrait_that_cannot_be_written_is_a_remark(post: Post) -> None:
    path = post.folder / "face.png"
    folder = post.folder / "partial"
    LdsImage(usual().files).save(folder)
    (folder / "EF_DG2.bin").unlink()
    ran = post.image(folder, "--portrait", path)
    assert ran.status == 2
    assert "not written" in ran.error
    assert not path.exists()


def test_the_log_of_an_inspection_holds_no_personal_data_unless_asked_for(post: Post) -> None:
    log = post.folder / "log.json"
    assert post.card(usual(), "--mrz", MRZ, "--transaction", log).status == 0
    text = log.read_text()
    for private in ("MUSTERMANN", "ZU1234567", "SKILLED WORKER", "1990", "900131"):
        assert private not in text
    told = json.loads(text)
    assert told["document"] == {"document_code": "IR", "issuing_state": "UTO"}
    assert {"table": "5.2", "check": "overall document check", "result": "successful"} in (
        told["results"]
    )
    assert log.stat().st_mode & 0o077 == 0
    assert post.card(usual(), "--mrz", MRZ, "--transaction", log, "--with-holder").status == 0
    assert "MUSTERMANN" in log.read_text()
    one_line(post.image(usual(), "--with-holder"), 64, "--transaction")


# --- mistakes ------------------------------------------------------------------------------------


def one_line(ran: Ran, status: int, *words: str) -> None:
    assert ran.status == status, ran.error
    assert ran.error.count("\n") == 1, ran.error
    assert ran.error.startswith("verify: ")
    for word in words:
        assert word in ran.error
    for secret in ("MUSTERMANN", "ZU1234567", CAN):
        assert secret not in ran.error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--mrz", "ZU1234567 whatever"), ("NUMBER,YYMMDD,YYMMDD",)),
        (("--can", "12345a"), ("Card Access Number",)),
        (("--mrz", "-", "--can", "-"), ("standard input",)),
        (("--can", CAN, "--policy", "lenient"), ("'lenient' is not a policy",)),
        (("--can", CAN, "--at", "yesterday"), ("yesterday",)),
        (("--can", CAN, "--terminal", "nowhere"), ("nowhere", "no such folder")),
        (("--can", CAN, "--save", REPOSITORY / "verify"), ("already exists",)),
        (("--can", CAN, "--frobnicate"), ("--frobnicate",)),
    ],
)
def test_a_mistake_on_the_command_line_is_reported_in_one_line(
    post: Post, arguments: tuple[object, ...], words: tuple[str, ...]
) -> None:
    one_line(post.card(usual(), *arguments), 64, *words)


def test_an_unquoted_mrz_is_not_repeated_in_the_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = mrz().lines
    arguments = ["card", "--reader", "x", "--trust", "x", "--mrz", *lines, "--debug"]
    assert run_command_line(verify, arguments) == 64
    said = capsys.readouterr().err
    assert "in quotes" in said
    assert not any(line in said for line in lines)


def test_a_file_that_is_not_a_trust_store_is_refused(post: Post) -> None:
    post.store.unlink()
    one_line(post.image(usual()), 64, "there is no trust store", "verify trust add")
    post.store.write_bytes(b"not a database at all, whatever it is called")
    one_line(post.image(usual()), 64, "trust.db")


def test_a_file_that_is_not_an_image_is_refused(post: Post) -> None:
    one_line(post.image(post.folder / "nowhere"), 64, "no such folder or file")
    (post.folder / "empty").mkdir()
    one_line(post.image(post.folder / "empty"), 64, "holds no elementary file")


def test_no_card_is_exit_status_69(post: Post) -> None:
    ran = post.run("card", "--reader", "virtual:", "--can", CAN, "--trust", post.store)
    one_line(ran, 64, "virtual:FILE")


def test_a_blank_card_is_referred(post: Post) -> None:
    ((blank, _serial_number),) = make_blanks(post.folder, 1)
    reader = f"virtual:{blank}"
    ran = post.run("card", "--reader", reader, "--can", CAN, "--trust", post.store, "--json")
    assert (ran.status, ran.report.verdict) == (2, "refer")


def test_a_virtual_card_that_does_not_exist_is_an_error(post: Post) -> None:
    reader = f"virtual:{post.folder / 'mistyped.chip'}"
    ran = post.run("card", "--reader", reader, "--can", CAN, "--trust", post.store, "--json")
    one_line(ran, 69, "no such card")
    assert json.loads(ran.output)["error"]["kind"] == "no-card"


def test_a_policy_with_an_unknown_key_is_named(post: Post) -> None:
    path = post.folder / "policy.toml"
    path.write_text('name = "x"\nverdict = "accept"\n')
    one_line(post.image(usual(), "--policy", path), 64, "verdict")


def test_a_full_disk_is_reported_in_one_line(post: Post) -> None:
    one_line(post.image(usual(), "--report", post.folder / "image" / "EF_DG1.bin" / "x"), 64)


def test_the_help_describes_the_forms_of_the_mrz(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(verify, ["card", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "NUMBER,YYMMDD,YYMMDD" in said
    assert "line breaks and spaces ignored" in said


@pytest.mark.parametrize("at", [0, 3, 12, 18])
def test_a_card_removed_while_reading_is_exit_status_69_without_a_verdict(
    post: Post, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    chip = personalised(usual().files, usual().keys)
    torn = CardConnection(Torn(chip, nth(at)))
    monkeypatch.setattr(readers, "connect", lambda _reader, **_options: torn)
    page, captured = post.folder / "report.html", post.folder / "captured"
    ran = post.run(
        "card", "--reader", "any", "--can", CAN, "--trust", post.store, "--json",
        "--report", page, "--save", captured,
    )  # fmt: skip
    one_line(ran, 69, "the card left")
    told = json.loads(ran.output)
    assert told.keys() == {"error"}
    assert told["error"]["kind"] == "transport"
    assert not page.exists()
    assert not captured.exists()


@pytest.mark.parametrize("source", ["card", "image"])
def test_a_face_that_cannot_be_shown_is_referred_without_report_option(
    post: Post, source: str
) -> None:
    run = post.card if source == "card" else post.image
    options = ("--json", "--can", CAN) if source == "card" else ("--json",)
    ran = run(with_face(face()[: face().index(b"\xff\xda")]), *options)
    check = next(each for each in ran.report.checks if each.id == "lds.images")
    assert (check.outcome, ran.report.verdict, ran.status) == ("warning", "refer", 2)
    ran = run(with_face(face()[:-2]), *options)
    check = next(each for each in ran.report.checks if each.id == "lds.images")
    assert (check.outcome, ran.report.verdict, ran.status) == ("passed", "accept", 0)
    assert any(
        each.startswith("lds.dg2: the face image ends early") for each in ran.report.tolerated
    )
