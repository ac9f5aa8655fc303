"""What the commands say to what cannot be done, before anything is made."""

from pathlib import Path

import pytest

from personalise.commands.main import personalise
from personalise.pki.keys.custody import FileCustody
from personalise.spoc import certificates
from support.command_line import run_command_line
from tests.personalise.spoc.states import PASSPHRASE, State

BAD = [
    (("serve",), "no State and no terminal is registered"),
    (("send", "AT"), "run `personalise eac spoc init`"),
    (("deliver",), "run `personalise eac spoc init`"),
    (("spoc", "renew"), "run `personalise eac spoc init`"),
    (("spoc", "crl"), "run `personalise eac spoc init`"),
    (("spoc", "init", "--host", "a_b", "--crl-url", "https://x/"), "is not a host name"),
    (("spoc", "init", "--host", "a", "--crl-url", "ftp://x/"), "begins with http"),
    (("partner", "add", "AT"), "give --url"),
    (("partner", "add", "AT", "--url", "http://x/"), "is not an address https://HOST/PATH"),
    (("partner", "add", "AT", "--url", "https://x/S"), "name its certificate with --ca"),
    (("partner", "add", "UT", "--url", "https://x/S"), "is not the code of another State"),
    (("partner", "remove", "AT"), "is not a registered State"),
    (("decide", "AT", "--accept"), "no request of AT waits"),
    (("decide", "AT", "--accept", "--refuse"), "one of --accept and --refuse"),
    (("decide", "AT"), "one of --accept and --refuse"),
]


@pytest.fixture
def bare(utopia: State) -> Path:
    """A PKI that has no SPOC."""
    spoc = utopia.pki.folder / "spoc"
    for path in sorted(spoc.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    spoc.rmdir()
    (utopia.pki.folder / "keys" / "spocca-1.p8").unlink()
    return utopia.pki.folder


def run(folder: Path, *arguments: str) -> int:
    secret = folder.parent / "passphrase"
    secret.write_bytes(PASSPHRASE.reveal() + b"\n")
    options = ["--pki", str(folder), "--passphrase-file", str(secret)]
    return run_command_line(personalise, ["eac", *arguments, *options])


def test_mistakes_are_named_and_leave_no_key(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = sorted((bare / "keys").iterdir())
    for arguments, said in BAD:
        assert run(bare, *arguments) == 64, arguments
        assert said in capsys.readouterr().err, arguments
    assert sorted((bare / "keys").iterdir()) == keys


def test_an_init_that_was_interrupted_is_repeated(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("spoc", "init", "--host", "spoc.uto.example", "--crl-url", "https://uto.example/")
    with monkeypatch.context() as patched:
        patched.setattr(certificates, "_issue", interrupted)
        assert run(bare, *arguments) != 0
    FileCustody(bare / "keys", PASSPHRASE).generate("spocca-7", "secp256r1")  # as a kill leaves it
    assert run(bare, *arguments) == 0
    assert run(bare, "spoc", "renew") == 0
    FileCustody(bare / "keys", PASSPHRASE).generate("spocca-9", "secp256r1")
    assert run(bare, "spoc", "renew") == 0
    names = {path.name for path in (bare / "keys").glob("spocca-*")}
    assert names == {"spocca-7.p8", "spocca-8.p8", "spocca-9.p8"}


def interrupted(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_state_that_is_not_registered_is_not_asked(
    utopia: State, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = tmp_path / "root.cvcert"
    root.write_bytes(utopia.root.encode())
    keys = sorted((utopia.pki.folder / "keys").iterdir())
    text = tmp_path / "text"
    text.write_text("text")
    for arguments in (
        ("send", "XX", str(root)),
        ("fetch", "XX"),
        ("notify", "XX"),
        ("message", "XX", str(text), "--subject", "s"),
    ):
        assert run(utopia.pki.folder, *arguments) == 64
        assert "XX is not a registered State" in capsys.readouterr().err
    assert sorted((utopia.pki.folder / "keys").iterdir()) == keys
