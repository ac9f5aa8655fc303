import subprocess
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, RsaPrivateKey, load_private_key
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme, verify
from emrtd.errors import ProtocolError
from emrtd.pki.cvc import certificates, requests
from emrtd.pki.cvc.authorization import ID_AUTHENTICATION_TERMINAL, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, CvExtension
from emrtd.pki.cvc.keys import SCHEMES, CvPublicKey
from emrtd.pki.cvc.requests import CvRequest
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from tests.emrtd.pki.cvc.cvc_pki import BOTH, ECDSA, Holder, certify
from tests.helpers import damaged, facts, shared
from tests.requirement import program


@cache
def rsa_key() -> RsaPrivateKey:
    return RsaPrivateKey(rsa.generate_private_key(65537, 2048))


@cache
def cvca() -> Holder:
    return certify("UTCVCA00001", Role.CVCA)


def real(name: str) -> CvCertificate:
    octets = shared(f"data/cvc/{name}").read_bytes()
    certificate = CvCertificate.decode(octets)
    assert certificate.encode() == octets
    return certificate


@pytest.mark.parametrize("chain", ["orig", "new"])
def test_the_chains_of_the_data_verify(chain: str) -> None:
    root = real(f"{chain}/certCVCA_{chain}.cvcert")
    dv = real(f"{chain}/certDVD_{chain}.cvcert")
    terminal = real(f"{chain}/certIS_{chain}.cvcert")
    root.verify(real("orig/certCVCA_orig.cvcert").public_key)  # the new one is a link certificate
    assert root.is_self_signed is (chain == "orig")
    dv.verify(root.public_key)
    key = dv.key_under(root.public_key)
    terminal.verify(key)
    assert [each.role for each in (root, dv, terminal)] == [
        Role.CVCA, Role.DV_DOMESTIC, Role.TERMINAL,
    ]  # fmt: skip
    assert terminal.chat.rights == Right.READ_DG3
    octets = shared(f"data/cvc/{chain}/keyIS_{chain}.der").read_bytes()
    private = load_private_key(Secret(octets))
    assert private.public_key == terminal.key_under(key).key
    with pytest.raises(ProtocolError):
        terminal.verify(root.public_key)


def test_dates_and_references_of_the_data() -> None:
    root = real("orig/certCVCA_orig.cvcert")
    assert (root.effective, root.expiration) == (date(2008, 5, 19), date(2011, 5, 19))
    assert root.authority_reference == root.holder_reference == "NLCVCAA00001"
    assert root.is_self_signed


@pytest.mark.parametrize("example", ["ecdh", "dh"])
def test_the_certificates_of_the_eac2_worked_examples(example: str) -> None:
    vector = facts(f"vectors/eac2_worked_example_{example}.json")["TA_version_2"]["certificates"]
    issuer: CvPublicKey | None = None
    for name in ("CVCA", "DV", "terminal"):
        expected = vector[name]
        octets = bytes.fromhex(expected["certificate"])
        certificate = CvCertificate.decode(octets)
        assert certificate.encode() == octets
        assert certificate.body.hex().upper() == expected["body_der"]
        assert certificate.signature.hex().upper() == expected["signature"]
        assert certificate.authority_reference == expected["CAR_42"]
        assert certificate.holder_reference == expected["CHR_5F20"]
        assert certificate.public_key.oid == expected["public_key"]["oid"]
        assert certificate.chat.terminal_type == expected["CHAT"]["oid"]
        assert certificate.chat.template.hex().upper() == expected["CHAT"]["53"]
        assert certificate.effective.isoformat() == expected["effective_5F25"]["date"]
        assert certificate.expiration.isoformat() == expected["expiration_5F24"]["date"]
        fields = tlv.read(certificate.body, "body").children()
        assert fields.one(0x5F29).value.hex() == expected["profile_identifier_5F29"]
        assert fields.one(0x5F25).value.hex() == expected["effective_5F25"]["raw"]
        assert fields.one(0x5F24).value.hex() == expected["expiration_5F24"]["raw"]
        inside = fields.one(0x7F49).children()
        assert {f"{one.tag:02X}": one.value.hex().upper() for one in list(inside)[1:]} == {
            tag: value for tag, value in expected["public_key"].items() if tag != "oid"
        }
        key = certificate.key_under(issuer)
        certificate.verify(issuer or key)
        body = certificate.public_key.encode()
        assert body in certificate.body
        issuer = key


@pytest.mark.parametrize("oid", SCHEMES)
def test_every_scheme_signs_and_verifies(oid: str) -> None:
    scheme = SCHEMES[oid]
    is_ecdsa = scheme.family is SignatureFamily.ECDSA
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"]) if is_ecdsa else rsa_key()
    holder = certify("UTCVCA00001", Role.CVCA, key=key, scheme=scheme)
    decoded = CvCertificate.decode(holder.certificate.encode())
    assert decoded == holder.certificate
    assert decoded.public_key.oid == oid
    decoded.verify(decoded.public_key)
    dv = certify("UTDV00001", Role.DV_DOMESTIC, holder, key=key, scheme=scheme)
    dv.certificate.verify(decoded.public_key)
    assert dv.certificate.key_under(decoded.public_key).key == key.public_key
    spoilt = CvCertificate.decode(damaged(dv.certificate.value))
    with pytest.raises(ProtocolError, match="UTDV00001"):
        spoilt.verify(decoded.public_key)


@pytest.mark.parametrize("name", sorted(CURVES))
def test_every_curve_is_encoded_for_a_cvca_and_inherited(name: str) -> None:
    root = certify("UTCVCA00001", Role.CVCA, curve=name)
    assert root.certificate.public_key.curve == CURVES[name]
    dv = certify("UTDV00001", Role.DV_FOREIGN, root, curve=name)
    assert dv.certificate.public_key.key is None
    dv.certificate.verify(root.certificate.public_key)
    assert dv.certificate.key_under(root.certificate.public_key).key == dv.key.public_key
    with pytest.raises(ProtocolError, match="inherits none"):
        dv.certificate.key_under(None)
    with pytest.raises(ProtocolError):
        dv.certificate.public_key.verify(bytes(64), b"")


def test_a_point_that_is_not_on_the_inherited_curve_is_refused() -> None:
    dv = certify("UTDV00001", Role.DV_FOREIGN, cvca())
    other = certify("UTCVCA00002", Role.CVCA, curve="secp256r1")
    with pytest.raises(ProtocolError, match="not on the curve"):
        dv.certificate.key_under(other.certificate.public_key)


def test_parameters_that_are_not_a_curve_are_malformed() -> None:
    encoded = cvca().certificate.public_key.encode()
    curve = CURVES["brainpoolP256r1"]
    spoilt = encoded.replace(curve.b.to_bytes(32, "big"), (curve.b + 1).to_bytes(32, "big"))
    assert spoilt != encoded
    with pytest.raises(MalformedError):
        CvPublicKey.read(tlv.read(spoilt, "key"))


def test_dates_are_six_unpacked_digits() -> None:
    octets = certificates.encode_date(0x5F25, date(2010, 9, 30))
    assert (
        octets.hex().upper()
        == "5F2506" + facts("pki/cv_certificates.json")["dates"]["example"]["2010-09-30"]
    )
    assert certificates.read_date(tlv.read(octets, "date")) == date(2010, 9, 30)
    with pytest.raises(MisuseError):
        certificates.encode_date(0x5F25, date(2100, 1, 1))
    for digits in ("010000090a00", "0100000903", "010001030100", "010000000001"):
        with pytest.raises(MalformedError):
            certificates.read_date(tlv.DataObject(0x5F25, bytes.fromhex(digits)))


def test_references_are_country_mnemonic_and_number() -> None:
    assert certificates.holder_reference("UT", "CVCAÉ", "00001") == "UTCVCAÉ00001"
    for parts in (("U", "CVCA", "00001"), ("UT", "", "00001"), ("UT", "CVCA", "1"),
                  ("UT", "CVCACVCACV", "00001"), ("UT", "CVCA", "0000a"), ("ut", "CVCA", "00001"),
                  ("UT", "CV\x85", "00001"), ("UT", "CV€", "00001")):  # fmt: skip
        with pytest.raises(MisuseError):
            certificates.holder_reference(*parts)


@pytest.mark.parametrize(
    ("template", "role", "rights"),
    [
        ("C3", Role.CVCA, BOTH),
        ("83", Role.DV_DOMESTIC, BOTH),
        ("43", Role.DV_FOREIGN, BOTH),
        ("03", Role.TERMINAL, BOTH),
        ("01", Role.TERMINAL, Right.READ_DG3),
        ("1D", Role.TERMINAL, Right.READ_DG3),  # RFU bits are ignored
    ],
)
def test_the_chat_of_inspection_systems(template: str, role: Role, rights: Right) -> None:
    chat = Chat("0.4.0.127.0.7.3.1.2.1", bytes.fromhex(template))
    assert (chat.role, chat.rights) == (role, rights)
    assert Chat.read(tlv.read(chat.encode(), "chat")) == chat


def test_restricted_rights_are_the_bitwise_and() -> None:
    dv = Chat.inspection_system(Role.DV_DOMESTIC, Right.READ_DG4)
    terminal = Chat.inspection_system(Role.TERMINAL, BOTH)
    assert terminal.restrict(dv) == Chat.inspection_system(Role.TERMINAL, Right.READ_DG4)
    at = Chat(ID_AUTHENTICATION_TERMINAL, bytes.fromhex("801FFFFF10"))
    assert at.rights == Right(0)
    assert (
        at.restrict(Chat(ID_AUTHENTICATION_TERMINAL, bytes.fromhex("0000000110"))).template.hex()
        == "8000000110"
    )
    with pytest.raises(ProtocolError):
        terminal.restrict(at)
    with pytest.raises(MalformedError):
        Chat.read(tlv.read(Chat(ID_AUTHENTICATION_TERMINAL, b"\x80").encode(), "chat"))


def test_extensions_are_kept() -> None:
    extension = CvExtension("0.4.0.127.0.7.3.1.3.1", tlv.encode(0x80, b"hash") + tlv.encode(0x81))
    key = EcPrivateKey.generate(CURVES["secp256r1"])
    certificate = certificates.issue(
        public_key=CvPublicKey.of(key.public_key, ECDSA), holder="UTDV00001",
        chat=Chat.inspection_system(Role.DV_FOREIGN, BOTH), effective=date(2026, 1, 1),
        expiration=date(2026, 2, 1), signer=key, scheme=ECDSA, authority="UTCVCA00001",
        extensions=(extension, CvExtension("1.2.3", b"")),
    )  # fmt: skip
    assert certificate.extensions == (extension, CvExtension("1.2.3", b""))


def test_a_certificate_that_is_never_valid_is_misuse() -> None:
    with pytest.raises(MisuseError, match="never valid"):
        certify("UTX00001", Role.CVCA, effective=date(2026, 1, 2), expiration=date(2026, 1, 1))
    with pytest.raises(MisuseError, match="cannot make"):
        CvPublicKey.of(rsa_key().public_key, ECDSA)
    with pytest.raises(MisuseError, match="have no"):
        CvPublicKey.of(rsa_key().public_key, SignatureScheme(SignatureFamily.RSA, Hash.SHA384))


@given(st.data())
def test_octets_changed_anywhere_decode_or_are_malformed(data: st.DataObject) -> None:
    octets = bytearray(cvca().certificate.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        certificate = CvCertificate.decode(bytes(octets))
    except MalformedError:
        return
    assert certificate.encode() == bytes(octets)
    if certificate != cvca().certificate:
        with pytest.raises(ProtocolError):
            certificate.verify(cvca().certificate.public_key)


@given(st.binary(max_size=300))
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    for decode in (CvCertificate.decode, CvRequest.decode):
        with pytest.raises(MalformedError):
            decode(octets)


def test_a_request_and_its_proof_of_possession() -> None:
    key = EcPrivateKey.generate(CURVES["brainpoolP384r1"])
    request = requests.request(
        key, ECDSA, "UTIS00001", authority="UTDV00001", extensions=(CvExtension("1.2.3", b""),)
    )
    decoded = CvRequest.decode(request.encode())
    assert decoded == request
    assert (decoded.holder_reference, decoded.authority_reference) == ("UTIS00001", "UTDV00001")
    assert decoded.public_key.key == key.public_key
    assert decoded.extensions == (CvExtension("1.2.3", b""),)
    decoded.verify()
    with pytest.raises(ProtocolError, match="not authenticated"):
        decoded.verify_outer(decoded.public_key)
    spoilt = bytearray(request.encode())
    spoilt[-1] ^= 1
    with pytest.raises(ProtocolError):
        CvRequest.decode(bytes(spoilt)).verify()


def test_a_request_is_authenticated_with_the_previous_key() -> None:
    before, after = (EcPrivateKey.generate(CURVES["secp256r1"]) for _ in range(2))
    inner = requests.request(after, ECDSA, "UTIS00002")
    request = CvRequest.decode(requests.authenticate(inner, before, ECDSA, "UTIS00001").encode())
    assert request.authority_reference is None
    assert (request.outer_reference, request.holder_reference) == ("UTIS00001", "UTIS00002")
    request.verify()
    request.verify_outer(CvPublicKey.of(before.public_key, ECDSA))
    with pytest.raises(ProtocolError):
        request.verify_outer(CvPublicKey.of(after.public_key, ECDSA))
    with pytest.raises(MalformedError, match="already"):
        requests.authenticate(request, before, ECDSA, "UTIS00001")


def test_a_request_without_domain_parameters_is_malformed() -> None:
    key = certify("UTDV00001", Role.DV_DOMESTIC, cvca()).certificate.public_key
    body = tlv.encode(
        0x7F4E, tlv.encode(0x5F29, b"\x00"), key.encode(), tlv.encode(0x5F20, b"UTDV00001")
    )
    with pytest.raises(MalformedError, match="must contain domain parameters"):
        CvRequest.decode(tlv.encode(0x7F21, body, tlv.encode(0x5F37, bytes(64))))


# --- the tools of OpenPACE -------------------------------------------------------------------


def tool(name: str, *arguments: str, cwd: Path) -> str:
    command = [program(name, "openpace"), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.interop
@pytest.mark.parametrize("family", [each for each in SignatureFamily if each.value != "DSA"])
def test_openpace_reads_and_verifies_issued_certificates(
    family: SignatureFamily, tmp_path: Path
) -> None:
    scheme = SignatureScheme(family, Hash.SHA256)
    key = None if family is SignatureFamily.ECDSA else rsa_key()
    before = certify("UTCVCA00001", Role.CVCA, key=key, scheme=scheme)
    root = certify("UTCVCA00002", Role.CVCA, before, key=key, scheme=scheme)
    dv = certify("UTDV00001", Role.DV_DOMESTIC, root, key=key, scheme=scheme)
    terminal = certify(
        "UTIS00001", Role.TERMINAL, dv, rights=Right.READ_DG3, key=key, scheme=scheme
    )
    for holder in (before, root, dv, terminal):
        (tmp_path / holder.reference).write_bytes(holder.certificate.encode())
    said = {
        holder.reference: tool(
            "cvc-print", f"--cvc={holder.reference}", f"--cvc-dir={tmp_path}", cwd=tmp_path
        )
        for holder in (before, root, dv, terminal)
    }
    assert "CHR: UTIS00001" in said["UTIS00001"]
    assert "CAR: UTDV00001" in said["UTIS00001"]
    assert "Read fingerprint" in said["UTIS00001"]
    assert "Read iris" not in said["UTIS00001"]
    assert "Effective Date: 2026-01-01" in said["UTIS00001"]
    assert "Expiration Date: 2028-01-01" in said["UTIS00001"]
    for text in said.values():
        assert "certificate verified" in text
    (tmp_path / "bad").write_bytes(damaged(terminal.certificate.encode()))
    assert "certificate not verified" in tool(
        "cvc-print", "--cvc=bad", f"--cvc-dir={tmp_path}", cwd=tmp_path
    )


@pytest.mark.interop
def test_openpace_reads_requests(tmp_path: Path) -> None:
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    request = requests.request(key, ECDSA, "UTIS00001").encode()
    (tmp_path / "request").write_bytes(request)
    said = tool("cvc-print", "--csr=request", cwd=tmp_path)
    assert "CHR: UTIS00001" in said
    assert "certificate request verified" in said
    (tmp_path / "bad").write_bytes(damaged(request))
    assert "certificate request not verified" in tool("cvc-print", "--csr=bad", cwd=tmp_path)


@pytest.mark.interop
@pytest.mark.parametrize("scheme", ["ECDSA_SHA_256", "RSA_PSS_SHA_256", "RSA_v1_5_SHA_256"])
def test_certificates_of_openpace_are_read_and_verified(scheme: str, tmp_path: Path) -> None:
    if "ECDSA" in scheme:
        key = EcPrivateKey.generate(CURVES["brainpoolP256r1"]).to_pkcs8()
    else:
        key = rsa_key().to_pkcs8()
    (tmp_path / "key").write_bytes(key.reveal())
    common = [f"--scheme={scheme}", "--key=key", "--sign-with=key", "--issued=260101"]
    made = tool(
        "cvc-create", "--chr=UTCVCA00001", "--role=cvca", "--type=is", "--expires=280101",
        "--read-finger", "--out-cert=cvca", *common, cwd=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "cvca").exists(), made
    tool(
        "cvc-create", "--chr=UTDV00001", "--role=dv_domestic", "--expires=270101",
        "--sign-as=cvca", "--out-cert=dv", *common, cwd=tmp_path,
    )  # fmt: skip
    root = CvCertificate.decode((tmp_path / "cvca").read_bytes())
    dv = CvCertificate.decode((tmp_path / "dv").read_bytes())
    public_key = root.public_key
    if scheme == "RSA_PSS_SHA_256":
        with pytest.raises(ProtocolError):
            root.verify(public_key)  # its salt is as long as fits, not as long as the hash
        salt = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256, 256 - 32 - 2)
        for certificate in (root, dv):
            verify(rsa_key().public_key, salt, certificate.signature, certificate.body)
    else:
        root.verify(public_key)
        dv.verify(public_key)
    assert (root.role, dv.role) == (Role.CVCA, Role.DV_DOMESTIC)
    assert root.chat.rights == Right.READ_DG3
    assert dv.authority_reference == "UTCVCA00001"
    assert (dv.effective, dv.expiration) == (date(2026, 1, 1), date(2027, 1, 1))


@pytest.mark.interop
def test_openpace_certifies_our_request(tmp_path: Path) -> None:
    """As the CVCA of another State does."""
    cvca = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    ours = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    (tmp_path / "key").write_bytes(cvca.to_pkcs8().reveal())
    request = requests.request(ours, ECDSA, "UTDVXY001", authority="XYCVCA00001")
    (tmp_path / "request").write_bytes(request.encode())
    common = ["--type=is", "--sign-with=key", "--scheme=ECDSA_SHA_256", "--issued=260101"]
    tool(
        "cvc-create", "--chr=XYCVCA00001", "--role=cvca", "--key=key", "--expires=280101",
        "--read-finger", "--out-cert=cvca", *common, cwd=tmp_path,
    )  # fmt: skip
    made = tool(
        "cvc-create", "--csr=request", "--role=dv_foreign", "--expires=270101", "--read-finger",
        "--out-cert=dv", *common, cwd=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "dv").exists(), made
    root = CvCertificate.decode((tmp_path / "cvca").read_bytes())
    dv = CvCertificate.decode((tmp_path / "dv").read_bytes())
    dv.verify(root.public_key)
    assert (dv.authority_reference, dv.holder_reference) == ("XYCVCA00001", "UTDVXY001")
    assert dv.role is Role.DV_FOREIGN
    assert dv.public_key.point == ours.public_key.curve.encode_point(ours.public_key.point)
