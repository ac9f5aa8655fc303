"""What `publish-master-list` takes, and what `lint` says of a list."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.pki.lists.master_list import ID_MASTER_LIST, MasterList, encode_master_list, is_csca
from emrtd.pki.lists.signing import sign_list
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extension_writer import CertificateKind
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.master_lists import publish_master_list
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.secret import Secret
from tests.certificates import Authority, key, make_certificate, name
from tests.helpers import damaged
from tests.personalise.pki.test_pki_command import Operator, operator  # noqa: F401

REASON = "checked by telephone with the embassy"


@pytest.fixture
def lister(operator: Operator) -> Operator:  # noqa: F811
    """An operator whose PKI has a Master List Signer, and another State's with conforming files."""
    operator.act("pki", "issue-list-signer", "master")
    operator.run(
        "pki",
        "init",
        str(operator.folder / "other"),
        "--issuing-state",
        "D",
        "--contact",
        "csca@bund.example",
    )
    assert operator.status == 0
    return operator


def file(operator: Operator, certificate: Certificate | bytes, name: str = "x") -> Path:  # noqa: F811
    path = operator.folder / f"{name}.cer"
    path.write_bytes(certificate if isinstance(certificate, bytes) else certificate.der)
    return path


def publish(operator: Operator, *paths: Path, more: Iterable[str] = ()) -> str:  # noqa: F811
    output = str(operator.folder / "list.ml")
    return operator.act("pki", "publish-master-list", *map(str, paths), "-o", output, *more)


def published(operator: Operator) -> set[Certificate]:  # noqa: F811
    octets = (operator.folder / "list.ml").read_bytes()
    return set(MasterList.parse(octets).certificates)


def test_what_is_no_csca_or_link_certificate_is_not_listed(lister: Operator) -> None:
    folder = lister.folder / "other"
    lister.run("pki", "issue-list-signer", "deviation", "--pki", str(folder))
    for signer, kind in (
        ("ds", "Document Signer"),
        ("intake", "communication"),
        ("station", "communication"),
        ("dls", "Deviation List Signer"),
    ):
        for pki in (lister.folder / "pki", folder):
            path = pki / f"{signer}.cer"
            if not path.exists():
                continue
            said = publish(lister, pki / "csca.cer", path, more=["--accept-findings", REASON])
            assert lister.status == 64
            assert f"{path}: is not a CSCA or link certificate but a {kind} certificate" in said
            assert "Doc 9303-12, 5.3" in said
            assert not (lister.folder / "list.ml").exists()


def test_csca_and_link_certificates_are_listed(lister: Operator) -> None:
    folder = lister.folder / "other"
    old = file(lister, (folder / "csca.cer").read_bytes(), "old")
    lister.run("pki", "renew-csca", "--pki", str(folder))
    paths = [old, folder / "csca.cer", folder / "link-csca-2.cer", lister.folder / "pki/csca.cer"]
    publish(lister, *paths)
    assert lister.status == 0
    assert published(lister) == {Certificate.parse(path.read_bytes()) for path in paths}


def test_every_certificate_of_a_pem_file_is_listed(lister: Operator) -> None:
    certificates = [
        Certificate.parse((lister.folder / name / "csca.cer").read_bytes())
        for name in ("pki", "other")
    ]
    path = file(lister, "".join(each.to_pem() for each in certificates).encode())
    publish(lister, path)
    assert published(lister) == set(certificates)


def test_a_foreign_certificate_with_findings_needs_a_reason(lister: Operator) -> None:
    path = file(lister, Authority().certificate())
    said = publish(lister, path)
    assert lister.status == 64
    assert f"{path}: a CSCA certificate must " in said
    assert "[Doc 9303-12, 7.1.1, Table 6]" in said
    assert "more, see `personalise pki lint`" in said
    assert "--accept-findings" in said
    publish(lister, path, more=["--accept-findings", "  "])
    assert lister.status == 64
    assert not (lister.folder / "list.ml").exists()
    publish(lister, path, more=["--accept-findings", REASON])
    assert lister.status == 0
    lines = (lister.folder / "pki" / "audit.jsonl").read_text().splitlines()
    subject = json.loads(lines[-1])["entry"]["subject"]
    assert subject["reason"] == REASON
    assert subject["with findings"] == "1"


def test_a_certificate_of_this_pki_needs_no_reason(lister: Operator) -> None:
    """The operator has chosen named curves, and `lint` has findings."""
    path = lister.folder / "pki" / "csca.cer"
    assert "Doc 9303-12, 4.1.6.3" in lister.run_plainly("pki", "lint", str(path))
    publish(lister, path)
    assert lister.status == 0
    assert "reason" not in (lister.folder / "pki" / "audit.jsonl").read_text()


def test_a_wrong_signature_is_not_listed_whatever_the_reason(lister: Operator) -> None:
    path = file(lister, damaged((lister.folder / "other" / "csca.cer").read_bytes()))
    said = publish(lister, path, more=["--accept-findings", REASON])
    assert lister.status == 64
    assert f"{path}: the certificate's own signature is wrong" in said


def test_a_certificate_of_version_1_is_a_csca_s_if_it_is_self_issued(lister: Operator) -> None:
    """It names no key; its own must verify it."""
    signer = key("CSCA 1")
    names = name("UT", "CSCA 1"), name("UT", "DS 1")
    root, other = (
        make_certificate(names[0], each, signer.public_key, signer, []) for each in names
    )
    assert (is_csca(root), is_csca(other)) == (True, False)
    path = file(lister, damaged(root.der))
    said = publish(lister, path, more=["--accept-findings", REASON])
    assert f"{path}: the certificate's own signature is wrong" in said


def test_a_link_that_nobody_here_signed_needs_a_reason(lister: Operator) -> None:
    folder = lister.folder / "other"
    lister.run("pki", "renew-csca", "--pki", str(folder))
    link = folder / "link-csca-2.cer"
    said = publish(lister, folder / "csca.cer", link)
    assert lister.status == 64
    assert f"{link}: the CSCA that signed it is not among the certificates" in said
    publish(lister, folder / "csca.cer", link, more=["--accept-findings", REASON])
    assert lister.status == 0


def test_an_existing_file_is_not_overwritten(lister: Operator) -> None:
    (lister.folder / "list.ml").write_bytes(b"mine")
    said = publish(lister, lister.folder / "pki" / "csca.cer")
    assert lister.status == 64
    assert "list.ml: already exists; choose another file" in said
    assert (lister.folder / "list.ml").read_bytes() == b"mine"


def test_a_list_signer_past_its_period_signs_no_list(lister: Operator) -> None:
    pki = IssuingPki.open(lister.folder / "pki", Secret(b"a pass phrase for tests"))
    root = lister.folder / "pki" / "csca.cer"
    for days in (-1, 3 * 365):
        at = datetime.now(UTC) + timedelta(days=days)
        with pytest.raises(MisuseError, match="run `personalise pki issue-list-signer master`"):
            publish_master_list(
                PkiOperations(pki, [], at),
                [(root, pki.certificate("csca"))],
                lister.folder / "list.ml",
            )


def test_lint_names_what_no_list_may_contain(lister: Operator) -> None:
    pki = IssuingPki.open(lister.folder / "pki", Secret(b"a pass phrase for tests"))
    listed = [pki.certificate(name) for name in ("csca", "ds", "intake", "mls")]
    made = sign_list(
        ID_MASTER_LIST,
        encode_master_list(tuple(listed)),
        pki.signer("mls-1"),
        pki.certificate("mls"),
        csca=pki.certificate("csca"),
        scheme=pki.settings.scheme,
        at=datetime.now(UTC),
    )
    path = lister.folder / "x.ml"
    path.write_bytes(made)
    said = lister.run_plainly("pki", "lint", str(path))
    assert lister.status == 1
    for certificate, kind in zip(
        listed[1:],
        (
            CertificateKind.DOCUMENT_SIGNER,
            CertificateKind.COMMUNICATION,
            CertificateKind.MASTER_LIST_SIGNER,
        ),
        strict=True,
    ):
        finding = f"a {kind.noun}, and no CSCA or link certificate"
        assert f"certificate {certificate.serial:X} of UT: {finding} [Doc 9303-12, 5.3]" in said
    assert said.count("[Doc 9303-12, 5.3]") == 3
