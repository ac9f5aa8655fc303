"""Written certificates and CRLs, read by OpenSSL and compared with Doc 9303-12's tables."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.pki.cms.enveloped import open_envelope, recipients_of, seal
from emrtd.pki.cms.recipients import Recipient
from emrtd.pki.x509.certificate_writer import (
    Issuer,
    Period,
    RevokedCertificate,
    Subject,
    build_certificate,
    build_crl,
    key_identifier,
    new_serial_number,
)
from emrtd.pki.x509.extension_writer import AlternativeName, CertificateKind
from emrtd.pki.x509.extensions import KeyUsage
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from support.errors import MisuseError
from tests.helpers import facts, replace

NOW = datetime.now(UTC).replace(microsecond=0)
YEARS = Period(NOW, NOW + timedelta(days=4000))
MONTHS = Period(NOW, NOW + timedelta(days=90))
CSCA_NAME = encode_name((COUNTRY, "UT"), (COMMON_NAME, "CSCA Utopia"))
DS_NAME = encode_name((COUNTRY, "UT"), (COMMON_NAME, "Document Signer 1"))
STATE = AlternativeName("UTO", email="csca@example.org")
URLS = ("https://pkddownload1.icao.int/CRLs/UTO.crl",)

ECDSA = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
SCHEMES: dict[str, tuple[PrivateKey, SignatureScheme]] = {
    "brainpoolP256r1": (EcPrivateKey.generate(CURVES["brainpoolP256r1"]), ECDSA),
    "secp521r1": (
        EcPrivateKey.generate(CURVES["secp521r1"]),
        SignatureScheme(SignatureFamily.ECDSA, Hash.SHA512),
    ),
    "RSA": (RsaPrivateKey.generate(2048), SignatureScheme(SignatureFamily.RSA, Hash.SHA256)),
    "RSA-PSS": (
        RsaPrivateKey.generate(2048),
        SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA384),
    ),
}


def issuer(kind: str = "brainpoolP256r1", *, explicit: bool = True) -> Issuer:
    key, scheme = SCHEMES[kind]
    identifier = key_identifier(key.public_key)
    return Issuer(CSCA_NAME, STATE, identifier, key, scheme, explicit_parameters=explicit)


def csca(by: Issuer) -> Subject:
    kind = CertificateKind.CSCA_ROOT
    return Subject(kind, CSCA_NAME, STATE, by.signer.public_key, YEARS, MONTHS, URLS)


def document_signer(by: Issuer) -> Subject:
    return Subject(
        CertificateKind.DOCUMENT_SIGNER,
        DS_NAME,
        STATE,
        by.signer.public_key,
        YEARS,
        MONTHS,
        URLS,
        document_types=frozenset({"IR", "P"}),
    )


def of_kind(kind: CertificateKind, by: Issuer) -> Subject:
    if kind is CertificateKind.DOCUMENT_SIGNER:
        return document_signer(by)
    subject = replace(csca(by), kind=kind)
    if kind is CertificateKind.COMMUNICATION:
        usage = frozenset({KeyUsage.KEY_AGREEMENT})
        return replace(subject, key_usage=usage, extended_key_usage=("1.3.6.1.5.5.7.3.4",))
    return subject


def openssl(*arguments: str | Path, succeed: bool = True) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)
    output = (done.stdout + done.stderr).decode()
    assert (done.returncode == 0) is succeed, output
    return output


def pem(folder: Path, name: str, der: bytes, kind: str = "x509") -> Path:
    path = folder / f"{name}.pem"
    (folder / f"{name}.der").write_bytes(der)
    openssl(kind, "-inform", "DER", "-in", folder / f"{name}.der", "-out", path)
    return path


@pytest.mark.parametrize("kind", ["RSA", "RSA-PSS", "brainpoolP256r1"])
def test_openssl_accepts_the_chain_and_the_crl(kind: str, tmp_path: Path) -> None:
    # OpenSSL 3 refuses every chain with explicit curve parameters, which Doc 9303-12 prescribes:
    # so curves are named here, and the next test shows the explicit ones by another way.
    by = issuer(kind, explicit=False)
    root = pem(tmp_path, "csca", build_certificate(csca(by), by, 1))
    signer = pem(tmp_path, "ds", build_certificate(document_signer(by), by, 2))
    crl = pem(tmp_path, "crl", build_crl(by, MONTHS, 1), "crl")
    check = ("verify", "-x509_strict", "-crl_check", "-CRLfile", crl, "-CAfile", root, signer)
    assert openssl(*check).endswith("ds.pem: OK\n")
    revoked = build_crl(by, MONTHS, 2, [RevokedCertificate(2, NOW)])
    pem(tmp_path, "crl", revoked, "crl")
    assert "certificate revoked" in openssl(*check, succeed=False)


def test_openssl_accepts_a_root_with_explicit_parameters(tmp_path: Path) -> None:
    by = issuer()
    root = pem(tmp_path, "csca", build_certificate(csca(by), by, 1))
    assert openssl("verify", "-check_ss_sig", "-CAfile", root, root).endswith("OK\n")
    pem(tmp_path, "crl", build_crl(by, MONTHS, 1), "crl")
    verified = openssl("crl", "-in", tmp_path / "crl.pem", "-CAfile", root, "-noout")
    assert "verify OK" in verified
    signer = build_certificate(document_signer(by), by, 2)
    refusal = openssl("verify", "-CAfile", root, pem(tmp_path, "ds", signer), succeed=False)
    assert "explicit ECC parameters" in refusal
    # What OpenSSL will not do in a chain it does piece by piece: the signature over the DS.
    der = tmp_path / "ds.der"
    body, signature = tmp_path / "body", tmp_path / "signature"
    openssl("asn1parse", "-inform", "DER", "-in", der, "-strparse", "4", "-noout", "-out", body)
    last = openssl("asn1parse", "-inform", "DER", "-in", der).splitlines()[-1]
    at = last.strip().split(":")[0]
    openssl("asn1parse", "-inform", "DER", "-in", der, "-strparse", at, "-noout", "-out", signature)
    public = tmp_path / "public.pem"
    public.write_text(openssl("x509", "-in", root, "-noout", "-pubkey"), encoding="ascii")
    assert "Verified OK" in openssl(
        "dgst", "-sha256", "-verify", public, "-signature", signature, body
    )


@pytest.mark.parametrize("kind", list(CertificateKind), ids=lambda kind: kind.name)
def test_extensions_are_those_of_table_6(kind: CertificateKind) -> None:
    from asn1crypto import x509  # another reader than ours

    column = {
        CertificateKind.CSCA_ROOT: "csca_root",
        CertificateKind.CSCA_LINK: "csca_link",
        CertificateKind.DOCUMENT_SIGNER: "document_signer",
        CertificateKind.COMMUNICATION: "communication",
    }.get(kind, "master_list_or_deviation_list_signer")
    table: dict[str, dict[str, Any]] = facts("pki/certificate_profiles_9303-12.json")["extensions"]
    by = issuer()
    read = x509.Certificate.load(build_certificate(of_kind(kind, by), by, 7), strict=True)
    body = read["tbs_certificate"]
    assert body["version"].native == "v3"
    assert body["signature"].dump() == read["signature_algorithm"].dump()
    parameters = body["subject_public_key_info"]["algorithm"]["parameters"]
    assert parameters.chosen.native["cofactor"] == 1
    found = {each["extn_id"].dotted: each["critical"].native for each in body["extensions"]}
    assert len(found) == len(body["extensions"])
    for name, row in table.items():
        if "oid" not in row or "/" in row["oid"]:
            continue
        presence = row[column]
        assert presence != "m" or row["oid"] in found, f"{name} is missing"
        assert presence != "x" or row["oid"] not in found, f"{name} must not be there"
        assert found.get(row["oid"], row["critical"]) == row["critical"], f"{name}, critical"
    usage = table["KeyUsage"]["bits"][column]
    wanted = usage if isinstance(usage, list) else ["keyAgreement"]
    names = {"crl_sign": "cRLSign", "key_cert_sign": "keyCertSign"}
    names |= {"digital_signature": "digitalSignature", "key_agreement": "keyAgreement"}
    assert {names[bit] for bit in read.key_usage_value.native} == set(wanted)


def test_a_subject_without_a_required_field_is_refused() -> None:
    by = issuer()
    for subject, problem in {
        replace(csca(by), private_key_usage=None): "private-key usage period",
        replace(csca(by), crl_urls=()): "CRL's URL",
        replace(csca(by), crl_urls=("ftp://x",)): "CRL's URL",
        replace(csca(by), alternative_name=AlternativeName("XXX")): "same alternative name",
        replace(document_signer(by), document_types=frozenset()): "document codes",
        replace(csca(by), kind=CertificateKind.COMMUNICATION): "extended key usage",
    }.items():
        with pytest.raises(MisuseError, match=problem):
            build_certificate(subject, by, 1)
    for number in (0, 1 << 159):
        with pytest.raises(MisuseError, match="serial number"):
            build_certificate(csca(by), by, number)
    with pytest.raises(MisuseError, match="CRL number"):
        build_crl(by, MONTHS, -1)
    with pytest.raises(MisuseError, match="SHA-1"):
        build_crl(replace(by, scheme=replace(ECDSA, hash=Hash.SHA1)), MONTHS, 1)
    with pytest.raises(MisuseError, match="must end after it begins"):
        Period(NOW, NOW)


def test_times_from_2050_are_generalized_time() -> None:
    by = issuer()
    late = Period(NOW, datetime(2050, 1, 1, tzinfo=UTC))
    certificate = build_certificate(replace(csca(by), validity=late), by, 1)
    assert b"\x18\x0f20500101000000Z" in certificate
    assert b"\x17\x0d" + NOW.strftime("%y%m%d%H%M%SZ").encode() in certificate


def test_serial_numbers_are_positive_and_short() -> None:
    for octets in (b"\x00" * 16, b"\xff" * 16):
        number = new_serial_number(lambda _, octets=octets: octets)
        assert 0 < number < 1 << 127
        assert number.bit_length() == 127


def test_a_key_identifier_is_as_openssl_computes_it(tmp_path: Path) -> None:
    for kind in ("brainpoolP256r1", "RSA"):
        by = issuer(kind)
        root = pem(tmp_path, "csca", build_certificate(csca(by), by, 1))
        point = tmp_path / "spki"
        point.write_text(openssl("x509", "-in", root, "-noout", "-pubkey"), encoding="ascii")
        shown = openssl("x509", "-in", root, "-noout", "-ext", "subjectKeyIdentifier")
        assert by.key_identifier.hex(":").upper() in shown


@pytest.mark.parametrize("by_certificate", [True, False])
def test_openssl_opens_sealed_envelopes(by_certificate: bool, tmp_path: Path) -> None:
    by = issuer()
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    subject = replace(of_kind(CertificateKind.COMMUNICATION, by), public_key=key.public_key)
    certificate = pem(tmp_path, "station", build_certificate(subject, by, 3))
    private = tmp_path / "station.key"
    private.write_bytes(key.to_pkcs8().reveal())
    envelope = tmp_path / "keys.p7m"
    envelope.write_bytes(seal(b"what is sealed", key.public_key, key_identifier(key.public_key)))
    opened = openssl(
        "cms", "-decrypt", "-inform", "DER", "-in", envelope, "-inkey", private, "-keyform", "DER",
        *(("-recip", certificate) if by_certificate else ()),
    )  # fmt: skip
    assert opened == "what is sealed"


@pytest.mark.parametrize("options", [(), ("-keyid", "-keyopt", "ecdh_kdf_md:sha512")], ids=len)
def test_envelopes_of_openssl_are_opened(options: tuple[str, ...], tmp_path: Path) -> None:
    by = issuer()
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    subject = replace(of_kind(CertificateKind.COMMUNICATION, by), public_key=key.public_key)
    certificate = pem(tmp_path, "station", build_certificate(subject, by, 3))
    content, envelope = tmp_path / "content", tmp_path / "envelope"
    content.write_bytes(b"\0application\n" * 5000)
    openssl(
        "cms", "-encrypt", "-binary", "-aes-256-gcm", "-in", content, "-outform", "DER",
        "-out", envelope, "-recip", certificate, *options,
    )  # fmt: skip
    octets = envelope.read_bytes()
    assert open_envelope(octets, key).reveal() == content.read_bytes()
    recipient = recipients_of(octets)[0]
    if options:
        assert recipient == Recipient(key_identifier(key.public_key))
    else:
        assert recipient == Recipient(None, CSCA_NAME, 3)
