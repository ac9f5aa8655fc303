"""What two States exchange: packages, bundles, and the rehearsal of a rollover."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from emrtd.pki.lists.ldif import LdifValue, read_ldif
from emrtd.pki.pem import encode_pem
from emrtd.pki.x509.certificates import Certificate
from personalise.commands.main import personalise
from personalise.pki.certificate_file import read_certificates
from support.command_line import run_command_line


class Office:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.pki = folder / "pki"
        self._capsys = capsys
        self.status = 0

    def run(self, *arguments: str | Path) -> str:
        self.status = run_command_line(personalise, [str(each) for each in arguments])
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def package(self, name: str, *lists: Path) -> Path:
        output = self.folder / name
        said = self.run("pki", "exchange", "package", *lists, "--pki", self.pki, "-o", output)
        assert self.status == 0, said
        return output

    def check(self, package: Path, *known: Path) -> list[str]:
        more = [part for path in known for part in ("--known", path)]
        return self.run("pki", "exchange", "check", package, *more).splitlines()


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    office = Office(tmp_path, capsys)
    office.run("pki", "init", office.pki)
    assert office.status == 0
    return office


def serial(path: Path) -> str:
    return f"{Certificate.parse(path.read_bytes()).serial:X}"


def test_a_partner_checks_a_package(office: Office) -> None:
    for command in (("issue-list-signer", "master"), ("issue-ds",)):
        office.run("pki", *command, "--pki", office.pki)
    states = office.folder / "states.ml"
    csca = office.pki / "csca.cer"
    office.run("pki", "publish-master-list", csca, "--pki", office.pki, "-o", states)
    package = office.package("first", states)
    found = office.check(package)
    assert office.status == 2
    digest = hashlib.sha256(csca.read_bytes()).hexdigest()
    new = next(each for each in found if each.startswith("compare"))
    assert digest.upper() in new.replace(" ", "")
    assert digest.upper() in (package / "letter.txt").read_text().replace(" ", "")
    assert not any(each.startswith(("wrong", "deviation")) for each in found)
    assert any("Master List of 1 certificate" in each for each in found)
    assert sum("Document Signer certificate" in each for each in found) == 2
    office.check(package, csca)
    assert office.status == 0


def test_a_link_leads_to_the_next_root(office: Office) -> None:
    known = office.folder / "known.cer"
    known.write_bytes((office.pki / "csca.cer").read_bytes())
    office.run("pki", "renew-csca", "--pki", office.pki, "--name", "Another")
    package = office.package("second")
    found = office.check(package, known)
    assert office.status == 0
    assert any(serial(office.pki / "csca.cer") in each and "known" in each for each in found)
    names = {each.split()[1].rstrip(":") for each in found if "CSCA link" in each}
    link = package / names.pop()
    assert not names
    link.unlink()
    _sum_again(package)
    assert any(each.startswith("compare") for each in office.check(package, known))
    assert office.status == 2


def test_an_older_root_is_known_by_a_list_and_not_by_the_link_that_it_signed(
    office: Office,
) -> None:
    old, new = office.folder / "old.cer", office.pki / "csca.cer"
    old.write_bytes(new.read_bytes())
    office.run("pki", "renew-csca", "--pki", office.pki)
    found = office.check(office.package("without a list"), new)
    assert office.status == 2
    (compare,) = (each for each in found if each.startswith("compare"))
    assert serial(old) in compare
    assert "if you know it too, name it with --known" in compare
    office.check(office.folder / "without a list", new, old)
    assert office.status == 0

    office.run("pki", "issue-list-signer", "master", "--pki", office.pki)
    listed = office.folder / "own.ml"
    office.run("pki", "publish-master-list", old, new, "--pki", office.pki, "-o", listed)
    office.check(office.package("with a list", listed), new)
    assert office.status == 0

    office.run("pki", "revoke", "mls", "--affected", office.folder / "none", "--pki", office.pki)
    assert any("compare" in each for each in office.check(office.package("revoked", listed), new))
    assert office.status == 2
    foreign = office.folder / "foreign"
    for command in (
        ("init", foreign),
        ("issue-list-signer", "master", "--pki", foreign),
        ("publish-master-list", old, new, "--pki", foreign, "-o", office.folder / "foreign.ml"),
    ):
        assert "rror" not in office.run("pki", *command)
        assert office.status == 0
    office.check(office.package("a list of another", office.folder / "foreign.ml"), new)
    assert office.status == 2


def test_what_is_wrong_with_a_package_is_named(office: Office) -> None:
    good = office.package("good")
    (signer,) = (good / "ds").iterdir()
    foreign = office.folder / "foreign"
    office.run("pki", "init", foreign)

    def damaged(name: str) -> Path:
        copy = office.folder / name
        shutil.copytree(good, copy)
        return copy

    changed = damaged("changed")
    (changed / "letter.txt").write_text("trust everything")
    missing = damaged("missing")
    (missing / "crl.crl").unlink()
    added = damaged("added")
    (added / "more.cer").write_bytes((foreign / "csca.cer").read_bytes())
    stranger = damaged("stranger")
    (stranger / "ds" / signer.name).write_bytes((foreign / "ds.cer").read_bytes())
    _sum_again(stranger)
    list_of_another = damaged("list")
    (list_of_another / "crl.crl").write_bytes((foreign / "crl.crl").read_bytes())
    _sum_again(list_of_another)
    rubbish = damaged("rubbish")
    (rubbish / "ds" / "x.cer").write_bytes(b"no certificate")
    (rubbish / "y.crl").write_bytes(b"0\x00")
    (rubbish / "z.ml").write_bytes(b"0\x00")
    _sum_again(rubbish)
    for package, what, times in (
        (changed, "letter.txt: has another digest", 1),
        (missing, "crl.crl: is listed in SHA256SUMS and missing", 1),
        (added, "more.cer: is not listed", 1),
        (stranger, "is signed by no CSCA that is here", 1),
        (list_of_another, "the revocation list is signed by no CSCA", 1),
        (rubbish, "wrong", 3),
    ):
        found = office.check(package, office.pki / "csca.cer")
        assert office.status == 1, found
        assert sum(what in each for each in found) == times, found
    office.check(office.pki)
    assert office.status == 64


def test_the_ldif_is_that_of_the_pkd(office: Office) -> None:
    package = office.package("first")
    with (package / "UTO.ldif").open("rb") as stream:
        values = [each for each in read_ldif(stream) if isinstance(each, LdifValue)]
    assert {(each.attribute, each.binary) for each in values} == {
        ("cacertificate", True), ("usercertificate", True), ("certificaterevocationlist", True),
    }  # fmt: skip
    assert all(
        each.dn.endswith("c=UT,dc=data,dc=download,dc=pkd,dc=icao,dc=int") for each in values
    )
    digests = {hashlib.sha256(each.value).hexdigest() for each in values}
    listed = {line.split()[0] for line in (package / "SHA256SUMS").read_text().splitlines()}
    assert digests <= listed
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=package, check=True)


@pytest.mark.parametrize("form", ["DER", "PEM"])
def test_every_command_takes_bundles(office: Office, form: str) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    office.run("pki", "renew-csca", "--pki", office.pki)
    files = []
    for name in ("csca", "link-csca-2"):
        path = office.folder / f"{name}.pem"
        path.write_text(encode_pem((office.pki / f"{name}.cer").read_bytes(), "CERTIFICATE"))
        files += ["-certfile", str(path)]
    crl = office.folder / "crl.pem"
    crl.write_text(encode_pem((office.pki / "crl.crl").read_bytes(), "X509 CRL"))
    bundle = office.folder / "bundle.p7b"
    subprocess.run(
        [openssl, "crl2pkcs7", "-in", crl, *files, "-outform", form, "-out", bundle], check=True
    )
    assert len(read_certificates(bundle)) == 2
    assert office.run("pki", "lint", bundle) == ""
    said = office.run("pki", "show", bundle)
    assert said.count("CSCA") >= 2
    assert "revocation list, number 2" in said
    office.run("pki", "issue-list-signer", "master", "--pki", office.pki)
    said = office.run("pki", "publish-master-list", bundle, "--pki", office.pki,
                      "-o", office.folder / "list.ml")  # fmt: skip
    assert "2 certificates" in said, said


def test_a_rollover_is_rehearsed(office: Office) -> None:
    before = {path: path.read_bytes() for path in office.pki.rglob("*") if path.is_file()}
    answers = json.loads(office.run("pki", "rehearse", "--pki", office.pki, "--json"))
    assert office.status == 0
    verdicts = {
        (each["event"], each["document"], each["store"]): each["verdict"] for each in answers
    }
    signs, ended = "the new key signs a Document Signer", "the old CSCA's last CRL has ended"
    assert verdicts[signs, "issued after", "as before the rollover"] == "refer"
    assert verdicts[signs, "issued after", "old root and link"] == "accept"
    assert verdicts[signs, "issued before", "new root alone"] == "refer"
    assert verdicts[ended, "issued before", "as before the rollover"] == "refer"
    assert verdicts[ended, "issued before", "old root and link"] == "accept"
    assert verdicts["the old root has expired", "issued before", "both roots"] == "reject"
    for changes in (("--name", "Another"), ("--key", "brainpoolP384r1")):
        said = office.run("pki", "rehearse", "--pki", office.pki, *changes)
        assert said.count("accept") == sum(each == "accept" for each in verdicts.values())
    assert {path: path.read_bytes() for path in office.pki.rglob("*") if path.is_file()} == before
    for day, advice in (("2001-01-01", "give a later day"), ("9999-12-31", "give an earlier day")):
        assert advice in office.run("pki", "rehearse", "--on", day, "--pki", office.pki)
        assert office.status == 64


def _sum_again(package: Path) -> None:
    files = [
        path for path in sorted(package.rglob("*")) if path.is_file() and path.name != "SHA256SUMS"
    ]
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(package)}\n"
        for path in files
    )
    (package / "SHA256SUMS").write_text("".join(lines))
