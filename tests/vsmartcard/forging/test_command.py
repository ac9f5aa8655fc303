"""`vsmartcard forge`, and the reader that plays what it made."""

import json
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.transport.readers import connect, require_reader
from support.command_line import run_command_line
from support.errors import ExitStatus, MisuseError
from tests.certificates import NOW
from tests.verify.documents import usual
from vsmartcard.commands.main import vsmartcard
from vsmartcard.forging.folder import RECORD, load_forged
from vsmartcard.forging.kinds import kind, kinds
from vsmartcard.forging.victim import Victim

KIND = "dg14.key"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    LdsImage(dict(usual().files)).save(tmp_path / "image")
    return tmp_path / "image"


def forge(image: Path, output: Path, name: str = KIND, *more: str) -> int:
    at = ["--at", NOW.isoformat()[:19]]
    return run_command_line(vsmartcard, ["forge", name, str(image), "-o", str(output), *at, *more])


def test_the_kinds_are_listed_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(vsmartcard, ["forge", "--list", "--json"]) == ExitStatus.OK
    listed = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in listed] == list(kinds())
    assert all(each["gain"] and each["check"] for each in listed)


def test_the_kinds_are_listed_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(vsmartcard, ["forge", "--list"]) == ExitStatus.OK
    shown = capsys.readouterr().out
    assert all(f"  {name}\n" in shown for name in kinds())


def test_a_forgery_is_an_image_and_can_be_played(image: Path, tmp_path: Path) -> None:
    assert forge(image, tmp_path / "forged", KIND, "--seed", "7") == ExitStatus.OK
    forged = kind(KIND).forge(Victim(usual().files), NOW, 7)
    assert LdsImage.load(tmp_path / "forged").files == dict(forged.files)
    played, again = load_forged(tmp_path / "forged")
    assert (played.name, again.files, again.keys) == (KIND, forged.files, forged.keys)
    require_reader(f"forgery:{tmp_path / 'forged'}")
    with connect(f"forgery:{tmp_path / 'forged'}") as connection:
        assert connection.transmit(bytes.fromhex("00A4020C02011C"))[-2:] == b"\x90\x00"


def test_other_seeds_make_other_keys(image: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        forge(image, tmp_path / seed, KIND, "--seed", seed)
    one, two = (LdsImage.load(tmp_path / seed).files for seed in ("1", "2"))
    assert one[FileID.DG14] != two[FileID.DG14]


def test_a_mistake_leaves_nothing_behind(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partial = tmp_path / "partial"
    LdsImage({FileID.SOD: usual().files[FileID.SOD]}).save(partial)
    for arguments, said in (
        (["dg1.nam", str(image), "-o", str(tmp_path / "x")], "did you mean dg1.name"),
        ([KIND, str(partial), "-o", str(tmp_path / "x")], "needs a document with DG14"),
        ([KIND, str(image), "-o", str(image)], "already exists"),
        ([KIND, str(image)], "-o FOLDER"),
        ([KIND, str(image), "--json", "-o", str(tmp_path / "x")], "--json is for --list"),
    ):
        assert run_command_line(vsmartcard, ["forge", *arguments]) == ExitStatus.MISTAKE
        assert said in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {"image", "partial"}


def test_a_folder_that_is_no_forgery_is_not_played(image: Path) -> None:
    with pytest.raises(MisuseError, match=RECORD):
        connect(f"forgery:{image}")
    with pytest.raises(MisuseError, match="names no folder"):
        require_reader("forgery:")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "not a forgery"),
        (["--fault", "mute:3"], "--fault is not for --forgery"),
        (["--trace"], "--trace is not for --forgery"),
        (["--specimen", "permit"], "more than one of"),
    ],
)
def test_insert_refuses_what_is_not_for_a_forgery(
    image: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["insert", "--forgery", str(image), *more]
    assert run_command_line(vsmartcard, arguments) == ExitStatus.MISTAKE
    assert said in capsys.readouterr().err
