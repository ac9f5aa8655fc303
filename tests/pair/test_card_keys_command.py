"""`card-keys`, and `write --card-keys` with production cards of both kinds."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from emrtd.globalplatform.keys import MasterKeys, check_value
from emrtd.pki import private_key_file
from personalise.commands.main import personalise
from support.command_line import run_command_line
from support.errors import ExitStatus
from support.secret import Secret
from tests.helpers import REPOSITORY
from tests.personalise.applications import folder
from tests.personalise.station.key_sources.test_key_block import BLOCKS, KEY
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState
from vsmartcard.commands.main import vsmartcard

MASTER = bytes(range(0xC0, 0xE0))
NEW = bytes(range(0x90, 0xB0))
KINDS = ("iso7816-9", "globalplatform")


def command(*arguments: str | Path) -> int:
    return run_command_line(personalise, [str(argument) for argument in arguments])


@pytest.fixture(scope="module", autouse=True)
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a home, a PKI, an image for each kind, and key files."""
    path = tmp_path_factory.mktemp("workplace")
    shipped = REPOSITORY / "personalise/preparing/profiles/permit-bac.toml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(path / "home"))
        patch.delenv("CHIPSEAL_PASSPHRASE_FILE", raising=False)
        patch.setattr(private_key_file, "_COST", 2)
        assert command("pki", "init", path / "pki") == ExitStatus.OK
        folder(path / "application")
        for kind in KINDS:
            profile = path / f"{kind}.toml"
            text = shipped.read_text(encoding="utf-8").replace('"iso7816-9"', f'"{kind}"')
            profile.write_text(text, encoding="utf-8")
            arguments = ("prepare", path / "application", "--pki", path / "pki")
            arguments += ("--profile", profile, "-o", path / kind)
            assert command(*arguments) == ExitStatus.OK
        for name, key, version in (("batch-17", MASTER, 17), ("issuer", NEW, 18)):
            seal(path, name, key.hex().encode(), version)
        yield path


@pytest.fixture(autouse=True)
def no_failed_cards(workplace: Path) -> None:
    for each in (workplace / "home").rglob("failed-cards/*"):
        each.unlink()


def seal(path: Path, name: str, keys: bytes, version: int, *more: str) -> None:
    source = path / f"{name}.txt"
    source.write_bytes(keys)
    arguments = ("card-keys", "seal", "--station", path / "pki/station.cer", "--batch", name)
    arguments += ("--key-version", str(version), "-o", path / f"{name}.p7m", *more, source)
    assert command(*arguments) == ExitStatus.OK


def blanks(path: Path, kind: str, *more: str) -> Path:
    """Make a blank card of the kind; return its file."""
    arguments = ["blank", str(path / "cards"), "-n", "1", "--kind", kind, *more]
    assert run_command_line(vsmartcard, arguments) == ExitStatus.OK
    return max((path / "cards").glob("*.chip"))


def of_batch(workplace: Path) -> tuple[str, ...]:
    return ("--master-key", str(workplace / "batch-17.txt"), "--key-version", "17")


def write(workplace: Path, kind: str, card: Path, *more: str | Path) -> int:
    return command("write", workplace / kind, "--reader", f"virtual:{card}", *more)


def error(capsys: pytest.CaptureFixture[str]) -> str:
    lines = [each for each in capsys.readouterr().err.splitlines() if "no ledger" not in each]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_production_card_is_written_with_the_keys_of_its_batch(
    workplace: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = blanks(tmp_path, kind, *of_batch(workplace))
    assert write(workplace, kind, card) == ExitStatus.UNFIT_CARD
    message = error(capsys)
    assert "not the published test key: it is not a sample" in message
    assert write(workplace, kind, card, "--card-keys", workplace / "batch-17.p7m") != ExitStatus.OK
    assert "failed before" in error(capsys)
    no_failed = (workplace / "home").rglob("failed-cards/*")
    for note in no_failed:
        assert str(note)
        note.unlink()
    assert write(workplace, kind, card, "--card-keys", workplace / "batch-17.p7m") == ExitStatus.OK
    state = ChipState.decode(card.read_bytes())
    assert state.life_cycle is LifeCycle.OPERATIONAL


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_card_is_not_written_with_production_keys(
    workplace: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = blanks(tmp_path, kind)
    keys = workplace / "batch-17.p7m"
    assert write(workplace, kind, card, "--card-keys", keys) == ExitStatus.UNFIT_CARD
    assert "no keys of version 17 (hexadecimal 11), only of version 48 (hexadecimal 30)" in error(
        capsys
    )
    assert write(workplace, kind, card) == ExitStatus.OK


@pytest.mark.parametrize("kind", KINDS)
def test_a_toml_file_says_more(
    workplace: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = blanks(tmp_path, kind, *of_batch(workplace))
    source = workplace / f"{kind}-keys.toml"
    source.write_text(
        'keys = "batch-17.p7m"\nlevel = "03"\n[replacement]\nkeys = "issuer.p7m"\n',
        encoding="utf-8",
    )
    assert write(workplace, kind, card, "--card-keys", source, "--json") == ExitStatus.OK
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["files"] == 14
    domain = ChipState.decode(card.read_bytes()).security_domain
    assert domain is not None
    assert domain.key_version == 18
    expected = MasterKeys.single(Secret(NEW)).for_card(domain.diversification_data, 18)
    assert domain.keys == expected


def test_a_key_block_is_a_source(workplace: Path, tmp_path: Path) -> None:
    protection = tmp_path / "kbpk.txt"
    protection.write_text(bytes(range(32)).hex())
    sealed = tmp_path / "kbpk.p7m"
    arguments = ("card-keys", "seal", "--station", workplace / "pki/station.cer")
    arguments += ("--batch", "kbpk", "--protection-key", "-o", sealed, protection)
    assert command(*arguments) == ExitStatus.OK
    (tmp_path / "block.txt").write_text(BLOCKS[32] + "\n", encoding="ascii")
    source = tmp_path / "keys.toml"
    source.write_text(
        '[key_block]\nbatch = "batch 19"\nkey_version = 19\nblock = "block.txt"\n'
        'protection_key = "kbpk.p7m"\n',
        encoding="utf-8",
    )
    (tmp_path / "master.txt").write_text(KEY.hex())
    more = ("--master-key", str(tmp_path / "master.txt"), "--key-version", "19")
    card = blanks(tmp_path, "globalplatform", *more)
    assert write(workplace, "globalplatform", card, "--card-keys", source) == ExitStatus.OK


def test_a_card_without_transport_keys_is_written_if_that_is_allowed(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = blanks(tmp_path, "iso7816-9", "--open")
    keys = ("--card-keys", workplace / "batch-17.p7m")
    assert write(workplace, "iso7816-9", card, *keys) == ExitStatus.UNFIT_CARD
    assert "does not authenticate itself" in error(capsys)
    assert write(workplace, "iso7816-9", card, "--card-keys", "none") == ExitStatus.OK
    card = blanks(tmp_path, "iso7816-9")
    assert write(workplace, "iso7816-9", card, "--card-keys", "none") == ExitStatus.NO_CARD
    assert "--card-keys" in error(capsys)


def test_show_prints_check_values_and_no_key(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("card-keys", "show", workplace / "batch-17.p7m") == ExitStatus.OK
    shown = capsys.readouterr().out
    value = check_value(Secret(MASTER)).hex().upper()
    assert shown.splitlines() == [
        "batch batch-17, key version 17 (hexadecimal 11)",
        "master keys (KDF3)",
        *(f"{name} {value}" for name in ("ENC", "MAC", "DEK")),
    ]
    assert MASTER not in (workplace / "batch-17.p7m").read_bytes()


def test_a_key_file_is_sealed_only_for_a_key_that_can_open_it(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("card-keys", "seal", "--station", workplace / "pki/ds.cer", "--batch", "b")
    arguments += ("--key-version", "1", "-o", tmp_path / "b.p7m", workplace / "batch-17.txt")
    assert command(*arguments) == ExitStatus.MISTAKE
    assert "does not include keyAgreement; name the station's certificate" in error(capsys)
    assert not (tmp_path / "b.p7m").exists()


def test_an_altered_key_file_is_named_once(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = tmp_path / "altered.p7m"
    octets = (workplace / "batch-17.p7m").read_bytes()
    altered.write_bytes(octets[:-1] + bytes((octets[-1] ^ 1,)))
    assert command("card-keys", "show", altered) == ExitStatus.MISTAKE
    shown = error(capsys)
    assert f"{altered}: the envelope is for another key, or was altered" in shown


def test_components_are_combined(
    workplace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = bytes(range(16)), bytes(range(0x80, 0x90))
    combined = bytes(a ^ b for a, b in zip(first, second, strict=True))
    stdin = io.TextIOWrapper(io.BytesIO(f"{first.hex()} {second.hex()}\n".encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    arguments = ("card-keys", "seal", "--station", workplace / "pki/station.cer", "--batch", "b")
    arguments += ("--key-version", "1", "-o", tmp_path / "b.p7m", "-")
    assert command(*arguments) == ExitStatus.OK
    value = check_value(Secret(combined)).hex().upper()
    assert capsys.readouterr().out == f"check value {value}\n"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (b"00" * 15, "line 1 is not a key"),
        (b"zz", "line 1 is not a key"),
        (b"\n" + b"00" * 16 + b" " + b"00" * 24, "line 2 is not a key"),
        (b"11" * 16 + b"\n" + b"11" * 16, "holds 2 keys"),
        (b"11" * 16 + b" " + b"11" * 16, "line 1 is all zeros"),
        (b"404142434445464748494A4B4C4D4E4F", "holds the published test key"),
        (b"", "holds 0 keys"),
        (b"11" * 16 + b"\n" + b"11" * 16 + b"\n" + b"11" * 32, "must have the same size"),
    ],
)
def test_keys_that_cannot_be_sealed(
    workplace: Path,
    tmp_path: Path,
    keys: bytes,
    problem: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "keys").write_bytes(keys)
    arguments = ("card-keys", "seal", "--station", workplace / "pki/station.cer", "--batch", "b")
    arguments += ("--key-version", "1", "-o", tmp_path / "b.p7m", tmp_path / "keys")
    assert command(*arguments) == ExitStatus.MISTAKE
    assert problem in error(capsys)
    assert not (tmp_path / "b.p7m").exists()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("absent", "no such file"),
        ("{other}", "encrypted for a station whose key is not in this user's folder"),
        ("{image}", "is not a key file"),
        ("{toml}", "exactly one of keys, hsm and key_block"),
        ("{aid}", "security_domain: is not an AID"),
        ("{same}", "has the key version 17 (hexadecimal 11) too"),
        ("{unknown}", "colour"),
    ],
)
def test_a_source_that_cannot_be_used(
    workplace: Path,
    tmp_path: Path,
    source: str,
    problem: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
        assert command("pki", "init", other / "pki") == ExitStatus.OK
        seal(other, "theirs", MASTER.hex().encode(), 17)
    for name, text in (
        ("toml", 'level = "33"\n'),
        ("aid", 'keys = "batch-17.p7m"\nsecurity_domain = "A0"\n'),
        ("same", 'keys = "batch-17.p7m"\n[replacement]\nkeys = "batch-17.p7m"\n'),
        ("unknown", 'keys = "batch-17.p7m"\ncolour = "red"\n'),
    ):
        (workplace / f"wrong-{name}.toml").write_text(text, encoding="utf-8")
    files = {name: workplace / f"wrong-{name}.toml" for name in ("toml", "aid", "same", "unknown")}
    files |= {"other": other / "theirs.p7m", "image": workplace / "iso7816-9/chip_keys.p7m"}
    card = blanks(tmp_path, "iso7816-9")
    before = card.read_bytes()
    capsys.readouterr()
    named = source.format(**files)
    assert write(workplace, "iso7816-9", card, "--card-keys", named) == ExitStatus.MISTAKE
    assert problem in error(capsys)
    assert card.read_bytes() == before
