"""A PKI of one's own: from options, and from a plan."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.crypto.hashes import Hash
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.x509 import extensions as oids
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from personalise.commands.main import personalise
from personalise.pki.plan import Plan
from support.command_line import run_command_line
from support.errors import MisuseError
from support.records import FieldError

NOW = datetime(2026, 11, 30, tzinfo=UTC)

PLAN = """
issuing_state = "D"
organisation = "Bund"
contact = "csca@bund.example"
contact_url = "https://bund.example/csca"
crl_urls = ["https://bund.example/D.crl", "https://pkd.example/D.crl"]
key = "brainpoolP512r1"
csca_name = "csca-germany"
document_signer_name = "Signer of permits"
document_types = ["IR"]
documents_per_signer = 1000

[keys]
document_signer = "brainpoolP384r1"
list_signer = "RSA-2048"
cvca = "brainpoolP320r1"

[cv_validity]
cvca = 730
document_verifier = 14
inspection_system = 1

[validity]
csca_key = 1095
document_signer_key = 30
documents = 1827
services = 400
revocation_list = 30
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "pki.toml"
    path.write_text(PLAN)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    status = run_command_line(personalise, [str(each) for each in arguments])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def test_a_pki_is_made_as_planned(
    tmp_path: Path,
    plan: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    folder = tmp_path / "pki"
    status, said = run(capsys, "pki", "init", folder, "--plan", plan)
    assert status == 0, said
    root, signer, intake = (
        Certificate.parse((folder / f"{name}.cer").read_bytes())
        for name in ("csca", "ds", "intake")
    )
    assert str(root.subject) == "CN=csca-germany,O=Bund,C=DE"
    assert str(signer.subject) == "CN=Signer of permits 1,O=Bund,C=DE"
    assert (root.key, signer.key) == ("brainpoolP512r1", "brainpoolP384r1")
    assert root.signing_period[1] - root.not_before == timedelta(days=1095)
    assert root.not_after - root.not_before == timedelta(days=1095 + 30 + 1827)
    assert signer.signing_period[1] - signer.not_before == timedelta(days=30)
    assert signer.not_after - signer.not_before == timedelta(days=30 + 1827)
    assert intake.not_after - intake.not_before == timedelta(days=400)
    assert signer.extensions.document_types == {"IR"}
    for name, days in (("cvca", 730), ("dv", 14), ("is", 1)):
        holder = CvCertificate.decode((folder / "terminal" / f"{name}.cvcert").read_bytes())
        assert holder.public_key.scheme.hash is Hash.SHA256
        assert holder.expiration - holder.effective == timedelta(days=days)
    urls = ("https://bund.example/D.crl", "https://pkd.example/D.crl")
    assert signer.extensions.crl_distribution_points == urls
    names = root.extensions.get(oids.SUBJECT_ALT_NAME)
    assert names is not None
    assert b"csca@bund.example" in names.value
    assert b"https://bund.example/csca" in names.value
    crl = Crl.parse((folder / "crl.crl").read_bytes())
    assert crl.next_update == crl.this_update + timedelta(days=30)
    status, said = run(
        capsys, "pki", "lint", folder / "csca.cer", folder / "ds.cer", folder / "crl.crl"
    )
    assert (status, said) == (0, "")
    assert run(capsys, "pki", "issue-list-signer", "master", "--pki", folder)[0] == 0
    list_signer = Certificate.parse((folder / "mls.cer").read_bytes())
    assert list_signer.key == "RSA-2048"
    status, said = run(
        capsys, "pki", "publish-master-list", folder / "csca.cer", "--pki", folder,
        "-o", tmp_path / "list.ml",
    )  # fmt: skip
    assert status == 0, said
    assert run(capsys, "pki", "lint", tmp_path / "list.ml") == (0, "")


def test_documents_are_signed_with_the_signers_own_scheme(plan: Path) -> None:
    settings = Plan.load(plan).settings()
    assert settings.scheme_for(settings.key).hash is Hash.SHA512
    assert settings.scheme_for(settings.kind_of_key("ds-7")).hash is Hash.SHA384
    list_signer = settings.scheme_for(settings.kind_of_key("mls-1"))
    assert list_signer.description.startswith("RSA-PSS with SHA-256")


def test_the_plan_is_shown_before_it_is_carried_out(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(capsys, "pki", "plan", "--plan", plan)
    assert status == 0
    assert "Document Signer certificate: CN=Signer of permits 1,O=Bund,C=DE" in said
    assert "key signs" in said
    assert "Document Verifier: DEDV00001\n  key            brainpoolP320r1" in said
    assert ", 14 days\n" in said
    assert "lint" not in said
    plan.write_text(PLAN.replace("brainpoolP384r1", "brainpoolP256r1"))
    status, said = run(capsys, "pki", "plan", "--plan", plan)
    assert status == 1
    assert "brainpoolP256r1 has less than 384 bits" in said


def test_a_real_state_gives_its_contact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(capsys, "pki", "init", tmp_path / "pki", "--issuing-state", "GBR")
    assert status == 64
    assert "give --contact MAIL or --contact-url URL" in said
    assert not (tmp_path / "pki").exists()
    status, said = run(
        capsys, "pki", "plan", "--issuing-state", "GBR", "--contact", "a@gov.example"
    )
    assert status == 0
    assert ".example/" not in said


def test_a_plan_and_options_exclude_each_other(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(capsys, "pki", "plan", "--plan", plan, "--crl-url", "https://x.example/a")
    assert status == 64
    assert "--crl-url and --plan exclude each other" in said


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("organisation =", "organization =", "organization"),
        ("csca_key = 1095", "csca_key = 9999", "validity.csca_key"),
        ("document_signer_key = 30", "document_signer_key = 93", "validity.document_signer_key"),
        ("document_verifier = 14", "document_verifier = 13", "cv_validity.document_verifier"),
        ('cvca = "brainpoolP320r1"', 'cvca = "brainpoolP160r1"', "keys.cvca"),
        ("revocation_list = 30", "revocation_list = 91", "validity.revocation_list"),
        ("brainpoolP384r1", "brainpoolP192r1", "keys.document_signer"),
        ("brainpoolP384r1", "secp999", "keys.document_signer"),
        ("csca@bund.example", "bund", "email"),
        ("https://bund.example/csca", "bund.example", "url"),
        ("https://pkd.example/D.crl", "file:///etc/passwd", "crl_urls[1]"),
        ('"Signer of permits"', f'"{"x" * 65}"', "document_signer_name"),
    ],
)
def test_a_wrong_plan_names_the_field(plan: Path, before: str, after: str, field: str) -> None:
    assert before in PLAN
    plan.write_text(PLAN.replace(before, after))
    with pytest.raises((FieldError, MisuseError), match=field.replace("[", r"\[")):
        Plan.load(plan).settings()
