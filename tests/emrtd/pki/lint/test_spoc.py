"""The certificates of a SPOC: they conform, OpenSSL verifies them, and deviations are found."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.pki.lint.certificates import lint_certificate
from emrtd.pki.lint.spoc import dns_names
from emrtd.pki.x509 import extensions as oids
from emrtd.pki.x509.certificate_writer import RevokedCertificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.spoc import CURVE, SpocCa, SpocRole
from tests.helpers import replace

AT = datetime.now(UTC).replace(microsecond=0)
KEY = EcPrivateKey.generate(CURVES[CURVE])
OWN = EcPrivateKey.generate(CURVES[CURVE])
CA = SpocCa("UTO", "UT", "Utopia", ("https://spoc.ut.example/crl",), KEY, email="s@ut.example")


@pytest.mark.parametrize("role", SpocRole)
def test_issued_certificates_conform(role: SpocRole) -> None:
    made = CA.issue(role, OWN.public_key, "spoc.ut.example", AT)
    assert lint_certificate(made) == []
    assert dns_names(made) == (("spoc.ut.example",) if role is SpocRole.SERVER else ())
    assert made.extensions.extended_key_usage == frozenset(role.purposes)
    assert made.subject.country == "UT"


def test_deviations_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    without = replace(CA, crl_urls=())
    monkeypatch.setattr(SpocRole.SERVER, "_value_", ("another", SpocRole.SERVER.purposes))
    made = without.issue(SpocRole.SERVER, OWN.public_key, "", AT)
    assert [each.reason for each in lint_certificate(made)] == [
        "a SPOC certificate must have cRLDistributionPoints",
        "a SPOC server certificate must have a dNSName",
        "the common name should be SPOC TLS server",
    ]
    assert {each.clause for each in lint_certificate(made)} == {"Doc 9303-12, 7.2.1"}


def test_openssl_verifies_them_for_tls(tmp_path: Path) -> None:
    root = CA.issue_root(AT)
    made = {role: CA.issue(role, OWN.public_key, "spoc.ut.example", AT) for role in SpocRole}
    serial = made[SpocRole.CLIENT].serial
    crl = Crl.parse(CA.issue_crl(2, AT, [RevokedCertificate(serial, AT)]))
    (tmp_path / "ca.pem").write_text(root.to_pem())
    (tmp_path / "crl.der").write_bytes(crl.der)

    def verify(role: SpocRole, *more: str) -> str:
        (tmp_path / "leaf.pem").write_text(made[role].to_pem())
        purpose = "sslclient" if role is SpocRole.CLIENT else "sslserver"
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-purpose", purpose, *more,
             "-CAfile", "ca.pem", "leaf.pem"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    assert "leaf.pem: OK" in verify(SpocRole.CLIENT)
    assert "leaf.pem: OK" in verify(
        SpocRole.SERVER, "-verify_hostname", "spoc.ut.example", "-crl_check", "-CRLfile", "crl.der"
    )
    revoked = verify(SpocRole.CLIENT, "-crl_check", "-CRLfile", "crl.der")
    assert "certificate revoked" in revoked
    assert oids.SPOC_CLIENT in SpocRole.CLIENT.purposes
