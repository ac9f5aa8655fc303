"""The commands from an application to a locked card, and their errors."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.pki import private_key_file
from personalise.commands import write as write_command
from personalise.commands.main import personalise
from personalise.preparing.chip_profile import CARD_KINDS
from support.command_line import run_command_line
from support.errors import ExitStatus
from tests.helpers import REPOSITORY
from tests.personalise.applications import changed, folder
from tests.plugins import installed
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState, Hardware
from vsmartcard.reader.in_process import InProcessConnection


@pytest.fixture(scope="module", autouse=True)
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a home, a PKI, an application and its prepared image."""
    path = tmp_path_factory.mktemp("workplace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(path / "home"))
        patch.delenv("CHIPSEAL_PASSPHRASE_FILE", raising=False)
        patch.setattr(private_key_file, "_COST", 2)
        assert command("pki", "init", path / "pki") == ExitStatus.OK
        folder(path / "application")
        arguments = ("prepare", path / "application", "--pki", path / "pki")
        arguments += ("--profile", "permit-bac", "-o", path / "image")
        assert command(*arguments) == ExitStatus.OK
        yield path


def command(*arguments: str | Path) -> int:
    return run_command_line(personalise, [str(argument) for argument in arguments])


def error(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err
    assert text.count("\n") == 1, text
    return text


def write(workplace: Path, state: Path, *more: str) -> int:
    return command("write", workplace / "image", "--reader", f"virtual:{state}", *more)


def test_what_was_prepared_is_said_as_json(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "image"
    arguments = ("prepare", workplace / "application", "--pki", workplace / "pki", "--json")
    assert command(*arguments, "-o", place) == ExitStatus.OK
    captured = capsys.readouterr()
    files = LdsImage.load(place).files
    found = json.loads(captured.out)
    (ledger,) = found.pop("remarks")
    assert "no ledger counts this image" in ledger
    assert not captured.err
    assert found == {
        "image": str(place),
        "profile": "permit",
        "files": len(files),
        "octets": sum(map(len, files.values())),
        "sod": hashlib.sha256(files[FileID.SOD]).hexdigest(),
    }
    assert command(*arguments, "-o", place) == ExitStatus.MISTAKE
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "mistake"


def test_a_write_says_where_the_milliseconds_went(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = f"timed:2018:{tmp_path / 'card'}"
    arguments = ("write", workplace / "image", "--reader", reader, "--json")
    for phases in (
        ["checking", "recognising", "writing", "reading", "locking", "inspecting", "total"],
        ["checking", "recognising", "inspecting", "total"],  # it is complete already
    ):
        assert command(*arguments, "--timing") == ExitStatus.OK
        captured = capsys.readouterr()
        report = json.loads(captured.out)
        header, *lines = captured.err.splitlines()[:-1]  # the last one is about the ledger
        assert "link ms" in header
        assert [line.split()[0] for line in lines] == phases
        commands, octets = lines[-1].split()[1:3]
        assert (int(commands), int(octets)) == (report["apdus"], report["bytes"])
    assert command(*arguments) == ExitStatus.OK
    assert "share" not in capsys.readouterr().err


def test_a_card_is_written_and_the_second_write_finds_it_complete(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "card"
    assert write(workplace, state) == ExitStatus.OK
    output = capsys.readouterr().out
    assert "written, read back and locked; 14 files" in output
    assert "APDUs" in output
    assert write(workplace, state, "--json") == ExitStatus.OK
    report = json.loads(capsys.readouterr().out)
    assert report["already_complete"] is True
    assert report["files"] == 14
    image = LdsImage.load(workplace / "image")
    chip = ChipState.decode(state.read_bytes())
    assert chip.life_cycle is LifeCycle.OPERATIONAL
    assert {file.content for file in chip.files} == set(image.files.values())


@pytest.mark.parametrize("name", ["SOD", "CardSecurity", "DG1", "DG2", "DG3", "DG14"])
def test_a_damaged_image_is_refused_before_the_card_is_touched(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    damaged = tmp_path / "image"
    shutil.copytree(workplace / "image", damaged)
    path = damaged / f"EF_{name}.bin"
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    arguments = (damaged, "--reader", f"virtual:{tmp_path / 'card'}")
    assert command("write", *arguments) == ExitStatus.MISTAKE
    assert "the image is damaged" in error(capsys)
    path.unlink()
    if name != "CardSecurity":  # EF.SOD does not sign EF.CardSecurity, so it may be absent
        assert command("write", *arguments) == ExitStatus.MISTAKE
        assert name in error(capsys)
    assert not (tmp_path / "card").exists()


def test_a_station_whose_clock_is_behind_the_image_does_not_write_it(
    workplace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def set_clock(offset: timedelta) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return datetime.now(tz) + offset

        monkeypatch.setattr(write_command, "datetime", Clock)

    state = tmp_path / "card"
    set_clock(timedelta(hours=-2))
    assert write(workplace, state) == ExitStatus.MISTAKE
    said = error(capsys)
    assert "the station: this machine's clock says" in said
    assert "but the signature of the image is of" in said
    assert "set the clock of the station" in said
    assert not state.exists()
    set_clock(timedelta(minutes=-4))
    assert write(workplace, state) == ExitStatus.OK


def test_a_card_with_pace_only_is_found_complete(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, card = tmp_path / "image", f"virtual:{tmp_path / 'card'}"
    arguments = (workplace / "application", "--pki", workplace / "pki", "-o", image)
    assert command("prepare", *arguments) == ExitStatus.OK
    assert command("write", image, "--reader", card) == ExitStatus.OK
    assert command("write", image, "--reader", card) == ExitStatus.OK
    assert "already holds this document" in capsys.readouterr().out


def test_a_card_that_was_pulled_out_is_finished_by_the_next_write(
    workplace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / "card"
    transmit = InProcessConnection.transmit
    count = iter(range(1000))

    def torn(connection: InProcessConnection, octets: bytes) -> bytes:
        if next(count) == 20:
            connection.close()
        return transmit(connection, octets)

    with monkeypatch.context() as patch:
        patch.setattr(InProcessConnection, "transmit", torn)
        assert write(workplace, state) == ExitStatus.NO_CARD
    assert str(state) in error(capsys)
    assert write(workplace, state) == ExitStatus.OK
    assert "was partly written before: finished" in capsys.readouterr().out


def test_a_card_that_is_too_small_is_rejected(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "card"
    state.write_bytes(ChipState(Hardware(memory=4096)).encode())
    assert write(workplace, state, "--json") == ExitStatus.UNFIT_CARD
    captured = capsys.readouterr()
    assert "no room for" in captured.err
    reported = json.loads(captured.out)["error"]
    assert reported["kind"] == "reject-card"
    assert reported["advice"].startswith("use a card with more memory")


def test_with_two_readers_one_must_be_named(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pcsc = pytest.importorskip("emrtd.transport.pcsc.connection")
    monkeypatch.setattr(pcsc, "names", lambda: ["One 00 00", "Other 01 00"])
    assert command("write", workplace / "image", "--json") == ExitStatus.NO_CARD
    reported = json.loads(capsys.readouterr().out)["error"]
    assert reported["kind"] == "no-reader"
    assert reported["advice"] == "choose one with --reader: One 00 00; Other 01 00"


def test_a_feeder_sorts_written_and_rejected_cards(workplace: Path, tmp_path: Path) -> None:
    small = ChipState(Hardware(memory=4096)).encode()
    (tmp_path / "0001.chip").write_bytes(small)
    (tmp_path / "0002.chip").write_bytes(ChipState(Hardware()).encode())
    arguments = ("write", workplace / "image", "--reader", f"feeder:{tmp_path}")
    assert command(*arguments) == ExitStatus.UNFIT_CARD
    assert command(*arguments) == ExitStatus.OK
    assert command(*arguments) == ExitStatus.NO_CARD
    assert (tmp_path / "rejected" / "0001.chip").is_file()
    done = ChipState.decode((tmp_path / "done" / "0002.chip").read_bytes())
    assert done.life_cycle is LifeCycle.OPERATIONAL


def test_a_card_of_another_document_is_rejected(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "card"
    assert write(workplace, state) == ExitStatus.OK
    application, other = tmp_path / "application", tmp_path / "other"
    folder(application, changed("document.number", "XX0000000"))
    arguments = ("--pki", workplace / "pki", "--profile", "permit-bac", "-o", other)
    assert command("prepare", application, *arguments) == ExitStatus.OK
    capsys.readouterr()
    assert command("write", other, "--reader", f"virtual:{state}") == ExitStatus.UNFIT_CARD
    assert "locked, and holds another document" in error(capsys)


def test_the_image_names_the_kind_of_card_it_is_for(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile, image, card = tmp_path / "own.toml", tmp_path / "image", tmp_path / "card"
    shipped = REPOSITORY / "personalise/preparing/profiles/permit-bac.toml"
    text = shipped.read_text(encoding="utf-8")
    profile.write_text(text.replace('"iso7816-9"', '"theirs"'), encoding="utf-8")
    arguments = (workplace / "application", "--pki", workplace / "pki", "-o", image)
    source = "from personalise.station.cards.iso7816_9 import iso7816_card as plugin"
    with installed(tmp_path / "package", CARD_KINDS, {"theirs": source}):
        assert command("prepare", *arguments, "--profile", profile) == ExitStatus.OK
        others = [each.name for each in image.iterdir() if not each.name.startswith("EF_")]
        assert others == ["chip_keys.p7m"]
        assert b"theirs" not in (image / "chip_keys.p7m").read_bytes()
        assert command("write", image, "--reader", f"virtual:{tmp_path / 'other'}") == ExitStatus.OK
    capsys.readouterr()
    assert command("write", image, "--reader", f"virtual:{card}") == ExitStatus.MISTAKE
    assert "for cards of the kind 'theirs'" in error(capsys)
    assert not card.exists()
    assert command("prepare", *arguments, "--profile", profile) == ExitStatus.MISTAKE


def test_an_unknown_reader_ends_with_status_69(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("write", workplace / "image", "--reader", "none such") == ExitStatus.NO_CARD
    assert error(capsys)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("write", "absent", "--reader", "virtual:x"), "no such folder or file"),
        (("write", "{captured}", "--reader", "virtual:{card}"), "no chip_keys.p7m"),
        (("prepare", "absent", "--pki", "{pki}", "-o", "{new}"), "no such folder"),
        (("prepare", "{application}", "--pki", "{pki}", "-o", "{image}"), "already exists"),
        (("prepare", "{application}", "--pki", "{pki}", "-o", "{image}/0002"), "inside an image"),
        (("prepare", "{application}", "--pki", "{application}", "-o", "{new}"), "holds no PKI"),
        (
            ("prepare", "{application}", "--pki", "{pki}", "--profile", "x", "-o", "{new}"),
            "no such profile",
        ),
        (("passwords", "{captured}"), "no chip_keys.p7m"),
        (("nonsense",), "No such command"),
    ],
)
def test_a_mistake_in_a_command_is_reported_in_one_line(
    workplace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    captured = tmp_path / "captured"
    shutil.copytree(workplace / "image", captured)
    (captured / "chip_keys.p7m").unlink()
    places = {
        "image": workplace / "image",
        "pki": workplace / "pki",
        "application": workplace / "application",
        "captured": captured,
        "new": tmp_path / "new",
        "card": tmp_path / "card",
    }
    filled = [argument.format(**places) for argument in arguments]
    assert command(*filled) == ExitStatus.MISTAKE
    assert problem in error(capsys)
    assert not (tmp_path / "new").exists()


def test_a_wrong_pass_phrase_or_a_missing_station_key_is_reported(
    workplace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n", encoding="ascii")
    image = workplace / "image"
    state = f"virtual:{tmp_path / 'card'}"
    arguments = ("write", image, "--reader", state, "--passphrase-file", wrong)
    assert command(*arguments) == ExitStatus.MISTAKE
    assert "the pass phrase does not open this key" in error(capsys)
    monkeypatch.setenv("CHIPSEAL_PASSPHRASE_FILE", str(workplace / "home/chipseal/passphrase"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert command("write", image, "--reader", state) == ExitStatus.MISTAKE
    assert "--station-key" in error(capsys)
    key = workplace / "pki/keys/station.p8"
    assert command("write", image, "--reader", state, "--station-key", key) == ExitStatus.OK


def test_a_wrong_field_is_named_and_no_image_is_left_behind(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, value in {
        "document.issued": "2026-02-30",
        "document.number": ...,
        "holder.surname": "…",
        "biometrics.portrait": "notes.txt",
    }.items():
        application = folder(tmp_path / "application", changed(path, value))
        arguments = ("--pki", workplace / "pki", "-o", tmp_path / "image")
        assert command("prepare", application, *arguments) == ExitStatus.MISTAKE
        assert f"application.json: {path}: " in error(capsys)
        assert [each.name for each in tmp_path.iterdir()] == ["application"]


def test_passwords_prints_the_mrz_and_the_can(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("passwords", workplace / "image") == ExitStatus.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["MRZ", "MRZ", "MRZ", "CAN"]
    assert command("passwords", workplace / "image", "--json") == ExitStatus.OK
    found = json.loads(capsys.readouterr().out)
    assert found["can"] == lines[3].split()[1]
    assert len("".join(found["mrz"])) == 90


def test_an_encrypted_application_is_prepared(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package, pki = tmp_path / "0001.p7m", workplace / "pki"
    arguments = (workplace / "application", "--for", pki / "intake.cer", "-o", package)
    assert command("seal-application", *arguments) == ExitStatus.OK
    assert command("prepare", package, "--pki", pki, "-o", tmp_path / "image") == ExitStatus.OK
    package.write_bytes(b"not encrypted")
    capsys.readouterr()
    arguments = (package, "--pki", pki, "-o", tmp_path / "other")
    assert command("prepare", *arguments) == ExitStatus.MISTAKE
    assert "is not one whole CMS envelope" in error(capsys)


def test_an_application_is_not_sealed_for_a_key_that_cannot_open_it(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package, csca = tmp_path / "0001.p7m", workplace / "pki" / "csca.cer"
    arguments = (workplace / "application", "--for", csca, "-o", package)
    assert command("seal-application", *arguments) == ExitStatus.MISTAKE
    assert "does not include keyAgreement; use the PKI's intake.cer" in error(capsys)
    assert not package.exists()
