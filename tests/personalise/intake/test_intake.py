"""Applications from folders and packages into a ledger."""

import json
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emrtd.pki.cms.signed_data import SignedData
from personalise.intake import intake as module
from personalise.intake import validation
from personalise.intake.archive_rules import Limits
from personalise.intake.checking import InProcesses
from personalise.intake.intake import Intake, Terms
from personalise.intake.receipt import (
    Receipt,
    ReceivedPackage,
    reference,
    sign_receipt,
    write_receipts,
)
from personalise.intake.refusals import Refusal
from personalise.intake.senders import Senders
from personalise.intake.sources import find_sources
from personalise.intake.validation import Outcome, Validator
from personalise.ledger.opening import open_ledger
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import JobState, Worker
from personalise.pki.intake_keys import intake_keys
from personalise.pki.issuer import PkiIssuer
from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.application import Application
from personalise.preparing.chip_profile import ChipProfile
from personalise.preparing.preparer import Preparer, decided_before
from support.errors import MisuseError
from tests.personalise.applications import CONTRACT, folder, images
from tests.personalise.conftest import NOW
from tests.personalise.intake.packages import application_files, packed, record


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, pki: IssuingPki, tmp_path: Path) -> Iterator[SqlLedger]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    opened = open_ledger(url, pki, create=True)
    yield opened
    opened.close()


def terms(pki: IssuingPki, **options: Any) -> Terms:
    validator = Validator.of(pki, ChipProfile.load("permit"), NOW)
    return Terms("permit", validator, **options)


def take(pki: IssuingPki, ledger: SqlLedger, *paths: Path, **options: Any) -> list[ReceivedPackage]:
    return list(Intake(ledger, terms(pki, **options), lambda: intake_keys(pki)).run(paths))


def outcomes(package: ReceivedPackage) -> list[tuple[Outcome, str]]:
    return [(each.verdict.outcome, each.verdict.field) for each in package.applications]


TAKEN, HELD, REFUSED = Outcome.TAKEN, Outcome.HELD, Outcome.REFUSED


def dark() -> bytes:
    """A portrait that is an image, and below every limit of quality."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (240, 320), (9, 9, 9)).save(stream, "JPEG")
    return stream.getvalue()


MIXED = {
    **application_files("0001/", record("ZU0000001")),
    **application_files("0002/", record("ZU0000002", holder__born="1990-02-31")),
    **application_files("0003/", record("ZU0000003")),
    "0003/portrait.jpg": dark(),
    **application_files("0004/", record("ZU0000001")),
    "0005/application.json": b"{",
    **application_files("0006/", record("ZU0000006", biometrics__portrait="smith.jpg")),
    **application_files("0007/", record("ZU0000007")),
    "0007/portrait.jpg": b"no image",
    **application_files("0008/", record("ZU0000008", document__expires="2099-01-01")),
    **application_files("0009/", record("ZU0000009")),
}


def test_one_wrong_application_does_not_stop_its_package(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    (package,) = take(pki, ledger, packed(tmp_path / "batch-1.p7m", MIXED, pki))
    assert package.refusal is None
    assert outcomes(package) == [
        (TAKEN, ""),
        (REFUSED, "holder.born"),
        (HELD, "biometrics.portrait"),
        (REFUSED, "document.number"),
        (REFUSED, ""),
        (REFUSED, "biometrics.portrait"),
        (REFUSED, "biometrics.portrait"),
        (REFUSED, "document.expires"),
        (TAKEN, ""),
    ]
    states = {job.job.id: job.job.state for job in ledger.jobs()}
    for each in package.applications:
        expected = {TAKEN: JobState.RECEIVED, HELD: JobState.HELD}.get(each.verdict.outcome)
        assert (None if each.job is None else states.pop(each.job)) == expected
    assert not states


def test_a_held_application_is_made_when_a_supervisor_releases_it(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    files = application_files("", record("ZU0000003")) | {"portrait.jpg": dark()}
    (package,) = take(pki, ledger, packed(tmp_path / "1.p7m", files, pki))
    (held,) = package.applications
    assert held.verdict.outcome is HELD
    assert held.job is not None
    assert ledger.job(held.job).job.reason.startswith("biometrics.portrait: the quality is below")
    worker = Worker("station", "reader")
    assert not ledger.take_for_preparation(worker, 1)
    ledger.release(held.job, by="supervisor", reason="the holder cannot come again")
    (preparation,) = ledger.take_for_preparation(worker, 1)
    ledger.prepared(
        held.job,
        Preparer(PkiIssuer(pki)).prepare(
            preparation.application, preparation.profile, NOW, accept_quality=decided_before
        ),
    )
    assert ledger.job(held.job).job.state is JobState.PREPARED


def test_what_the_ledger_holds_is_what_was_delivered(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    files = application_files("top/0001/", record("ZU0000001"))
    source = folder(tmp_path / "folder", record("ZU0000002"))
    take(pki, ledger, packed(tmp_path / "1.p7m", files, pki), source, priority=7)
    prepared = ledger.take_for_preparation(Worker("station", "reader"), 10)
    numbers = {each.application.particulars.document.number for each in prepared}
    assert numbers == {"ZU0000001", "ZU0000002"}
    for each in prepared:
        assert each.profile == "permit"
        for field, name in each.application.image_names().items():
            assert each.application.image(field, name) == images()[name]
    assert {job.priority for job in ledger.jobs()} == {7}


def test_a_package_is_received_once_in_whatever_encoding(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    path = packed(tmp_path / "1.p7m", application_files("", record("ZU0000001")), pki)
    (first,) = take(pki, ledger, path)
    assert outcomes(first) == [(TAKEN, "")]
    again = tmp_path / "2.pem"
    convert = ("openssl", "cms", "-cmsout", "-inform", "DER", "-in", path, "-outform", "PEM")
    subprocess.run([*convert, "-out", again], check=True)
    for repeated in (path, again):
        (second,) = take(pki, ledger, repeated)
        assert second.refusal is not None
        assert second.refusal.refusal is Refusal.REPLAYED
        assert not second.applications


def test_a_package_of_which_nothing_was_taken_may_come_again(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    files = application_files("", record("ZU0000001", holder__born="1990-02-31"))
    path = packed(tmp_path / "1.p7m", files, pki)
    for _ in range(2):
        (package,) = take(pki, ledger, path)
        assert outcomes(package) == [(REFUSED, "holder.born")]


def test_a_document_has_one_job(pki: IssuingPki, ledger: SqlLedger, tmp_path: Path) -> None:
    many = tmp_path / "many"
    for name in ("0001", "0002"):
        folder(many / name, record("ZU0000001"))
    packages = take(pki, ledger, many, folder(tmp_path / "again", record("ZU0000001")))
    assert [outcomes(each) for each in packages] == [
        [(TAKEN, ""), (REFUSED, "document.number")],
        [(REFUSED, "document.number")],
    ]
    reasons = [each.applications[-1].verdict.reason for each in packages]
    assert reasons[0] == "is also that of application 1"
    assert "live card" in reasons[1]
    assert len(list(ledger.jobs())) == 1


def test_a_bad_package_does_not_stop_the_others(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    good = packed(inbox / "0003.p7m", application_files("", record("ZU0000003")), pki)
    (inbox / "0001.p7m").write_bytes(good.read_bytes()[:-1])
    (inbox / "0002.p7m").mkdir()
    folder(inbox / "0002.p7m" / "deep" / "0001", record("ZU0000002"))
    (inbox / "0004.p7m").symlink_to("nowhere")
    packed(inbox / "0005.p7m", {"../application.json": b"{}"}, pki)
    many = {f"{number}/application.json": b"{}" for number in range(1001)}
    packed(inbox / "0006.p7m", many, pki)
    (inbox / ".hidden").write_bytes(b"")
    os.mkfifo(inbox / "0007.p7m")  # nobody writes to it
    (inbox / "0008").symlink_to(inbox)
    folder(inbox.joinpath("0009", *"12345678", "deepest"), record("ZU0000009"))
    found = {each.name: each for each in take(pki, ledger, inbox)}
    refusals = {name: each.refusal.refusal for name, each in found.items() if each.refusal}
    assert refusals == {
        "0001.p7m": Refusal.NOT_A_PACKAGE,
        "0004.p7m": Refusal.NOT_A_PACKAGE,
        "0005.p7m": Refusal.UNSAFE_CONTENT,
        "0006.p7m": Refusal.TOO_LARGE,
        "0007.p7m": Refusal.NOT_A_PACKAGE,
        "0008": Refusal.NOT_A_PACKAGE,
        "8": Refusal.NOT_A_PACKAGE,
    }
    assert "a link to a folder around it" in str(found["0008"].refusal)
    assert "deeper than 8 folders" in str(found["8"].refusal)
    assert "1,001 applications" in str(found["0006.p7m"].refusal)
    assert outcomes(found["0003.p7m"]) == outcomes(found["inbox"]) == [(TAKEN, "")]


def test_folders_are_entered_in_batches(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    for number in range(5):
        folder(tmp_path / "many" / f"{number:04}", record(f"ZU000000{number}"))
    found = take(pki, ledger, tmp_path / "many")
    assert [len(each.applications) for each in found] == [2, 2, 1]
    positions = [each.position for package in found for each in package.applications]
    assert positions == [1, 2, 3, 4, 5]
    assert len(list(ledger.jobs())) == 5


def test_a_path_with_nothing_stops_before_anything_is_taken(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    good = folder(tmp_path / "good")
    (tmp_path / "empty").mkdir()
    for wrong in ("missing", "empty"):
        with pytest.raises(MisuseError, match=wrong):
            take(pki, ledger, good, tmp_path / wrong)
    assert not list(ledger.jobs())


def test_a_folder_has_no_registered_sender(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    source = folder(tmp_path / "application")
    senders = Senders(frozenset({pki.certificate("ds")}))
    (package,) = take(pki, ledger, source, senders=senders)
    assert package.refusal is not None
    assert package.refusal.refusal is Refusal.SENDER
    assert not list(ledger.jobs())


def test_files_outside_of_a_folder_are_not_read(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    source = folder(tmp_path / "application")
    (tmp_path / "secret.jpg").write_bytes(images()["portrait.jpg"])
    (source / "portrait.jpg").unlink()
    (source / "portrait.jpg").symlink_to(tmp_path / "secret.jpg")
    (package,) = take(pki, ledger, source)
    assert outcomes(package) == [(REFUSED, "biometrics.portrait")]


def test_nothing_of_a_person_is_in_a_receipt(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path
) -> None:
    files = {
        name.replace("0001/", "Ødegård ZU0000001/").replace("0002/", "19900131-17/"): octets
        for name, octets in MIXED.items()
    }
    package = packed(tmp_path / "ZU0000001.p7m", files, pki)
    source = folder(tmp_path / "Smith", record("ZU0000010", biometrics__portrait="smith.jpg"))
    received = take(pki, ledger, package, source)
    text = Receipt("UTO", NOW, received).encode().decode()
    for datum in (
        "ZU00000", "degård", "Ana", "Anytown", "1990", "smith", "Smith", ".jpg", "ZU1234567",
        str(tmp_path),
    ):  # fmt: skip
        assert datum not in text
    found = json.loads(text)
    references = [each["reference"] for each in found["packages"][0]["applications"]]
    assert references[:3] == [None, None, "0003"]
    assert found["packages"][0]["sender"]["status"] == "sender not authenticated"


@pytest.mark.parametrize("name", ["0001", "0001.p7m", "batch-12.zip.p7m", "Application 7", "1"])
def test_a_running_number_is_a_reference(name: str) -> None:
    assert reference(name) == name


@pytest.mark.parametrize(
    "name", ["", "ZU1234567", "123456", "0001.smith", "smith-1", "smith", "0001 smith", "19900131"]
)
def test_any_other_name_is_not(name: str) -> None:
    assert reference(name) is None


def test_openssl_verifies_a_receipt(pki: IssuingPki, tmp_path: Path) -> None:
    """With the commands of the guide."""
    receipt = Receipt("UTO", NOW, [])
    path = tmp_path / "receipt"
    path.write_bytes(sign_receipt(receipt, pki))
    pem = tmp_path / "receipt.pem"
    pem.write_text(pki.certificate("receipt").to_pem())
    command: list[str | Path] = [
        "openssl",
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-in",
        path,
        "-CAfile",
        pem,
    ]
    run = subprocess.run([*command, "-partial_chain", "-binary"], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == receipt.record()
    other = tmp_path / "other.pem"
    other.write_text(pki.certificate("intake").to_pem())
    command[-1] = other
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_in_a_folder_each_package_has_a_receipt_of_its_own(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 1)
    inbox, receipts = tmp_path / "inbox", tmp_path / "receipts"
    receipts.mkdir()
    packages = [tmp_path / "a" / "1.p7m", tmp_path / "b" / "1.p7m", tmp_path / "2.p7m"]
    for number, path in enumerate(packages):
        path.parent.mkdir(exist_ok=True)
        packed(path, application_files("", record(f"ZU000000{number}")), pki)
        folder(inbox / f"{number}", record(f"ZU000010{number}"))
    packages[2].write_bytes(b"not a package")
    received = take(pki, ledger, *packages, inbox)
    assert len(received) == 6
    write_receipts(receipts, Receipt("UTO", NOW, received), pki)
    found = {
        path.name: json.loads(SignedData.parse(path.read_bytes()).content)
        for path in receipts.iterdir()
    }
    assert {name: (each["taken"], len(each["packages"])) for name, each in found.items()} == {
        "1.p7m.receipt": (1, 1),
        "1.p7m.2.receipt": (1, 1),
        "2.p7m.receipt": (0, 1),
        "inbox.receipt": (3, 3),
    }


def test_a_package_is_entered_whole_or_not_at_all(
    pki: IssuingPki, ledger: SqlLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = application_files("1/", record("ZU0000001"))
    files |= application_files("2/", record("ZU0000002"))
    path = packed(tmp_path / "1.p7m", files, pki)
    arrival, calls = module._arrival, []

    def fails_at_the_second(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", "/tmp")
        return arrival(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_arrival", fails_at_the_second)
        with pytest.raises(OSError, match="No space left"):
            take(pki, ledger, path)
    assert not list(ledger.jobs())
    (package,) = take(pki, ledger, path)
    assert outcomes(package) == [(TAKEN, ""), (TAKEN, "")]


def test_the_limits_can_be_set(pki: IssuingPki, ledger: SqlLedger, tmp_path: Path) -> None:
    files = application_files("1/", record("ZU0000001"))
    path = packed(tmp_path / "1.p7m", files | application_files("2/", record("ZU0000002")), pki)
    for limits in (Limits(applications=1), Limits(octets=1000)):
        (package,) = take(pki, ledger, path, limits=limits)
        assert package.refusal is not None
        assert package.refusal.refusal is Refusal.TOO_LARGE


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_nothing_is_on_disk_in_clear(pki: IssuingPki, ledger: SqlLedger, tmp_path: Path) -> None:
    path = packed(tmp_path / "1.p7m", application_files("", CONTRACT), pki)
    take(pki, ledger, path)
    ledger.close()
    clear = (b"ZU1234567", "Ødegård".encode(), images()["portrait.jpg"][:200])
    for each in (*tmp_path.glob("ledger.sqlite*"), path):
        assert not any(datum in each.read_bytes() for datum in clear)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        assert not any("ZU1234567" in line for line in connection.iterdump())
    connection.close()


def test_the_sources_are_in_order(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a"):
        folder(tmp_path / name)
    (tmp_path / "c.p7m").write_bytes(b"")
    found = [str(each.path.relative_to(tmp_path)) for each in find_sources(tmp_path)]
    assert found == ["a", "b/1", "b/2", "c.p7m"]


def test_checking_in_processes_gives_the_same_receipts_in_the_same_order(
    pki: IssuingPki, tmp_path: Path
) -> None:
    files: dict[str, bytes] = {}
    for number in range(6):
        files |= application_files(f"{number:04}/", record(f"ZU00000{number % 5:02}"))
    files["0001/portrait.jpg"] = b"no image"
    del files["0004/ri.wsq"]
    (tmp_path / "inbox").mkdir()
    packed(tmp_path / "inbox" / "0001.p7m", files, pki)
    for number in range(6, 12):
        folder(tmp_path / "inbox" / f"{number:04}", record(f"ZU00000{number:02}"))
    (tmp_path / "inbox" / "0009" / "portrait.jpg").write_bytes(dark())
    receipts = []
    for jobs in (1, 2):
        settled = terms(pki)
        checker = InProcesses(settled.validator, jobs)
        ledger = open_ledger(f"sqlite:///{tmp_path / str(jobs)}", pki, create=True)
        try:
            intake = Intake(ledger, settled, lambda: intake_keys(pki), checker=checker)
            found = list(intake.run([tmp_path / "inbox"]))
        finally:
            checker.close()
            ledger.close()
        receipts.append(
            [(each.name, [(a.position, a.name, a.verdict) for a in each.applications])
             for each in found]
        )  # fmt: skip
    assert receipts[0] == receipts[1]
    verdicts = [verdict for _, each in receipts[0] for _, _, verdict in each]
    assert Counter(each.outcome for each in verdicts) == {
        Outcome.TAKEN: 8, Outcome.REFUSED: 3, Outcome.HELD: 1
    }  # fmt: skip


def test_an_application_that_fails_internally_is_refused_and_the_others_are_taken(
    pki: IssuingPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", pki, create=True)
    for number in range(2):
        folder(tmp_path / "in" / f"{number}", record(f"ZU000000{number}"))
    make = validation.make_contents

    def fail_for_one(application: Application, *rest: Any, **more: Any) -> Any:
        if application.particulars.document.number == "ZU0000000":
            raise KeyError("Ana, the holder")
        return make(application, *rest, **more)

    monkeypatch.setattr(validation, "make_contents", fail_for_one)
    (received,) = take(pki, ledger, tmp_path / "in")
    ledger.close()
    refused, taken = [each.verdict for each in received.applications]
    assert (refused.outcome, taken.outcome) == (Outcome.REFUSED, Outcome.TAKEN)
    assert "internal error (KeyError in tests." in refused.reason
    assert "Ana" not in refused.reason
