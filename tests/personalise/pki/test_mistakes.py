"""What an officer types wrong: one line that says what, where and what to do; nothing is done."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from personalise.commands.main import personalise
from support.command_line import run_command_line

OFFICERS = (
    "--officer", "alice=alice.p8", "--officer-passphrase-file", "alice=alice.pass",
    "--officer", "bob=bob.p8", "--officer-passphrase-file", "bob=bob.pass",
)  # fmt: skip


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[Path]:
    """A PKI for which two officers must approve, and another State's."""
    folder = tmp_path_factory.mktemp("office")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_DATA_HOME", str(folder / "user"))
        for state, *more in (("uto",), ("atl", "--issuing-state", "D", "--contact", "a@b.example")):
            assert run_command_line(personalise, ["pki", "init", state, *more]) == 0
        Path("other.pass").write_text("another pass phrase\n")
        Path("empty.pass").write_text("\n")
        for name in ("alice", "bob"):
            Path(f"{name}.pass").write_text(f"the pass phrase of {name}\n")
            line = ["officer", "enrol", name, "--pki", "uto", "-o", f"{name}.p8"]
            line += ["--new-passphrase-file", f"{name}.pass"]
            assert run_command_line(personalise, line) == 0
        rule = ["officer", "require", "2", "--pki", "uto", *OFFICERS]
        assert run_command_line(personalise, rule) == 0
        yield folder


_AS_ALICE = "--officer-passphrase-file alice=alice.pass"
MISTAKES = [
    ("pki issue-ds --pki nowhere", "Directory 'nowhere' does not exist"),
    ("pki issue-ds --pki user", "user: holds no PKI; create one with `personalise pki init`"),
    ("pki issue-ds", "Missing option '--pki'"),
    (
        "pki issue-ds --pki uto --passphrase-file other.pass OFFICERS",
        "keys/audit.p8: the pass phrase does not open this key; name the file",
    ),
    (
        "pki issue-ds --pki uto --passphrase-file empty.pass OFFICERS",
        "empty.pass: the first line is empty",
    ),
    (
        "pki issue-ds --pki uto --officer alice=none.p8 --officer-passphrase-file alice=alice.pass",
        "none.p8: there is no such file, for the key of alice; name the file with --officer alice",
    ),
    (
        "pki issue-ds --pki uto --officer alice=alice.p8 --officer-passphrase-file alice=none",
        "none: there is no such file, for the pass phrase of alice; name it with --officer-pass",
    ),
    (
        f"pki issue-ds --pki uto --officer alice=uto/csca.cer {_AS_ALICE}",
        "uto/csca.cer: is not the key of an officer; name the file that `personalise officer en",
    ),
    (
        "pki issue-ds --pki uto --officer alice=bob.p8 --officer-passphrase-file alice=alice.pass",
        "bob.p8: the pass phrase does not open alice's key",
    ),
    (
        "eac renew-is --pki uto --officer carol=bob.p8 --officer-passphrase-file carol=bob.pass",
        "carol is not an officer of this PKI, or has another key",
    ),
    ("pki issue-ds --pki uto", "ds.issue requires 2 officers, and 0 approved it; name each"),
    ("pki backup --pki uto -o nowhere/b OFFICERS", "nowhere: there is no such folder; make it"),
    ("pki init uto", "uto: already exists; choose another folder"),
    ("pki init new --key brainpool256", "or a curve of brainpoolP"),
    (
        "pki revoke zz --affected - --pki uto OFFICERS",
        "uto: has issued no certificate 'zz'; name it",
    ),
    (
        "pki destroy-key ds-9 --pki uto OFFICERS",
        "uto: has no key 'ds-9'; `personalise pki status` lists the keys",
    ),
    (
        "pki exchange package uto/csca.cer --pki uto -o package",
        "uto/csca.cer: Master List: is not a SignedData",
    ),
    ("pki exchange check atl", "atl: has no SHA256SUMS; ask the partner for the whole folder"),
    ("pki restore alice.p8 -o restored", "alice.p8: is not a backup of a PKI"),
    ("pki backup --pki atl -o x.backup", "enrol officers with `personalise officer enrol`"),
    ("pki status user", "user: holds no PKI"),
    ("audit verify --pki user", "user: holds no PKI; create one with `personalise pki init`"),
    ("audit verify --pki uto --head 00", "the expected head is not in the log"),
    (
        "officer remove mallory --pki uto OFFICERS",
        "mallory is not an officer of this PKI; they are",
    ),
    (
        "eac request uto/terminal/cvca.cvcert -o x.cvreq --pki uto OFFICERS",
        "UT is our own State; run `personalise eac renew-dv` for it",
    ),
    (
        "eac request atl/terminal/is.cvcert -o x.cvreq --pki uto OFFICERS",
        "give the certificates of one CVCA, and no others",
    ),
    (
        "eac import atl/terminal/dv.cvcert --pki uto OFFICERS",
        "nothing was asked of DE; run `personalise eac request` first",
    ),
    (
        "officer key a;b -o key.p8 --new-passphrase-file alice.pass",
        "'a;b' is not a name for an officer; use letters",
    ),
    ("incident close INC-2026-0009 done --pki uto", "there is no incident 'INC-2026-0009'; see"),
]


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line_with_advice_and_changes_nothing(
    office: Path, line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def files() -> dict[str, bytes]:
        found = (each for each in office.rglob("*") if each.is_file())
        return {str(each): each.read_bytes() for each in found if each.name != "audit.jsonl"}

    before = files()
    capsys.readouterr()
    words = [part for word in line.split() for part in (OFFICERS if word == "OFFICERS" else [word])]
    assert run_command_line(personalise, words) == 64
    found = capsys.readouterr()
    assert found.out == ""
    assert said in found.err
    assert found.err.count("\n") == 1
    assert files() == before
