"""The linter: no finding for a certificate that conforms, one for each deviation."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.lint.certificates import kind_of, lint_certificate
from emrtd.pki.lint.crl import lint_crl
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificate_writer import (
    Issuer,
    Period,
    Subject,
    build_certificate,
    key_identifier,
)
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extension_writer import AlternativeName, CertificateKind
from emrtd.pki.x509.issuing import CountrySigningCa
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from personalise.pki.linting import lint_file
from support.errors import MalformedError
from tests.certificates import UTOPIA, Authority
from tests.helpers import damaged, replace, replaced, shared

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
KEY = EcPrivateKey.generate(CURVES["brainpoolP256r1"])

CSCA = CountrySigningCa(UTOPIA, KEY)
OTHER = CountrySigningCa(
    replace(UTOPIA, common_name="CSCA Utopia 2"),
    EcPrivateKey.generate(CURVES["brainpoolP256r1"]),
)
STATE = AlternativeName("UTO", email="csca@ut.example")
NAME = encode_name((COUNTRY, "UT"), (COMMON_NAME, "CSCA UTO"))
ISSUER = Issuer(NAME, STATE, key_identifier(KEY.public_key), KEY, UTOPIA.scheme)
SIGNER = Subject(
    CertificateKind.DOCUMENT_SIGNER,
    encode_name((COUNTRY, "UT"), (COMMON_NAME, "DS")),
    STATE,
    KEY.public_key,
    Period(AT, AT + timedelta(days=3700)),
    private_key_usage=Period(AT, AT + timedelta(days=90)),
    crl_urls=("https://crl.example/UTO.crl",),
    document_types=frozenset({"P"}),
)


def reasons(certificate: Certificate) -> list[str]:
    return [finding.reason for finding in lint_certificate(certificate)]


def built(subject: Subject, issuer: Issuer = ISSUER) -> Certificate:
    return Certificate.parse(build_certificate(subject, issuer, 0x1234))


@pytest.mark.parametrize(
    ("certificate", "kind"),
    [
        (CSCA.issue_root(AT), CertificateKind.CSCA_ROOT),
        (CSCA.issue_link(OTHER, AT), CertificateKind.CSCA_LINK),
        (CSCA.issue_document_signer(KEY.public_key, 1, AT), CertificateKind.DOCUMENT_SIGNER),
        (CSCA.issue_encryption(KEY.public_key, "Station", AT), CertificateKind.COMMUNICATION),
        *(
            (CSCA.issue_list_signer(kind, KEY.public_key, AT), kind)
            for kind in (
                CertificateKind.MASTER_LIST_SIGNER,
                CertificateKind.DEVIATION_LIST_SIGNER,
            )
        ),
    ],
)
def test_issued_certificates_conform(certificate: Certificate, kind: CertificateKind) -> None:
    assert kind_of(certificate) is kind
    assert reasons(certificate) == []


def test_an_issued_crl_conforms() -> None:
    assert lint_crl(Crl.parse(CSCA.issue_crl(1, AT))) == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (
            replace(SIGNER, private_key_usage=Period(AT, AT + timedelta(days=400))),
            "used for 400 days",
        ),
        (
            replace(SIGNER, private_key_usage=Period(AT, AT + timedelta(days=4000))),
            "outlives its certificate",
        ),
        (
            replace(SIGNER, name=encode_name((COUNTRY, "ut"), (COMMON_NAME, "DS"))),
            "country that is not two upper-case letters",
        ),
        (
            replace(SIGNER, name=encode_name((COUNTRY, "ZZ"), (COMMON_NAME, "DS"))),
            "of different countries",
        ),
        (replace(SIGNER, name=encode_name((COUNTRY, "UT"))), "has no common name"),
    ],
)
def test_each_deviation_is_a_finding(subject: Subject, said: str) -> None:
    assert any(said in reason for reason in reasons(built(subject)))


def test_a_named_curve_and_a_small_curve_are_findings() -> None:
    named = built(SIGNER, replace(ISSUER, explicit_parameters=False))
    assert any("is named instead of explicit" in reason for reason in reasons(named))
    small = EcPrivateKey.generate(CURVES["brainpoolP192r1"])
    assert any(
        "too small" in reason
        for reason in reasons(built(replace(SIGNER, public_key=small.public_key)))
    )


def test_a_crl_with_a_long_validity_is_a_finding() -> None:
    from emrtd.pki.x509.certificate_writer import build_crl

    crl = Crl.parse(build_crl(ISSUER, Period(AT, AT + timedelta(days=120)), 1))
    assert [each.reason for each in lint_crl(crl)] == [
        "nextUpdate is more than 90 days after thisUpdate"
    ]


def test_every_block_of_a_pem_file_is_linted(tmp_path: Path) -> None:
    path = tmp_path / "both.pem"
    named = built(SIGNER, replace(ISSUER, explicit_parameters=False))
    path.write_text(CSCA.issue_root(AT).to_pem() + named.to_pem())
    assert [each.reason for _, each in lint_file(path)] == reasons(named) != []
    path.write_text(path.read_text().replace("-----END", "-----FIN"))
    with pytest.raises(MalformedError, match="has no end"):
        list(lint_file(path))


def findings_of_list(octets: bytes, folder: Path) -> list[tuple[str, str]]:
    path = folder / "list"
    path.write_bytes(octets)
    return [(each.reason, each.clause) for where, each in lint_file(path) if where == "signature"]


def test_the_signer_of_a_list_is_checked(tmp_path: Path) -> None:
    state, clause = Authority(), "Doc 9303-12, 9.1, Table 18"
    other = state.renewed("another")
    signer = state.list_signer(ext.MASTER_LIST_SIGNER)
    good = state.master_list(state.certificate(), signer=signer)
    found = findings_of_list(good, tmp_path)
    assert [reason for reason, _ in found if "named by issuer" not in reason] == []
    without_csca = findings_of_list(state.master_list(other.certificate()), tmp_path)
    assert ("the certificate of the signer's CSCA is not in the list", clause) in without_csca
    assert any(
        "does not verify" in reason for reason, _ in findings_of_list(damaged(good), tmp_path)
    )
    own = Authority(label="list signer")
    by_csca = findings_of_list(
        own.master_list(own.certificate(), signer=own.certificate()), tmp_path
    )
    assert ("the signer is a CSCA", clause) in by_csca


def test_a_quirk_of_a_list_is_reported_once(tmp_path: Path) -> None:
    signed = SignedData.parse(Authority().master_list(Authority().certificate()))
    signature = der.octet_string(signed.signers[0].signature)
    attributes = der.tagged(1, der.sequence(der.oid("1.2.3"), der.set_of(der.null())))
    changed = replaced(signed.der, signature, signature + attributes)
    found = [reason for reason, _ in findings_of_list(changed, tmp_path)]
    assert found.count("attributes that are not signed") == 1


@pytest.mark.parametrize("name", ["DE_ML_2026-05-28-08-28-45.ml", "NL_ML_2026-07-22.ml"])
def test_every_lint_finding_of_a_master_list_cites_a_clause(name: str) -> None:
    findings = [finding for _, finding in lint_file(shared(f"data/trust/{name}"))]
    assert len(findings) > 100
    assert all(each.clause.startswith("Doc 9303-12") for each in findings)


def test_the_german_root_conforms(tmp_path: Path) -> None:
    path = shared("data/trust/DE_ROOT_CA_CSCA07.cer")
    assert list(lint_file(path)) == []
    pem = tmp_path / "root.pem"
    pem.write_text(Certificate.parse(path.read_bytes()).to_pem())
    assert list(lint_file(pem)) == []
