import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.errors import ProtocolError
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import OTHER_CONTENT_TYPES, Sod, build_sod
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.certificates import Certificate
from support.errors import MalformedError, MisuseError
from tests.certificates import NOW, Authority, key
from tests.helpers import shared

CSCA = Authority()
DATA_GROUPS = {1: b"\x61\x03abc", 2: b"\x75\x03def", 14: b"\x6e\x01g"}
OBJECT = SecurityObject.over(DATA_GROUPS, Hash.SHA256)


def verify(sod: Sod, ds: Certificate) -> None:
    (signer,) = sod.signed_data.signers
    assert ds.public_key is not None
    signer.verify(sod.signed_data.content_type, sod.signed_data.content, ds.public_key)


@pytest.mark.parametrize("algorithm", Hash)
@pytest.mark.parametrize(
    "kind",
    ["brainpoolP224r1", "brainpoolP256r1", "brainpoolP320r1", "secp224r1", "secp521r1", "RSA-2048"],
)
def test_a_signed_sod_reads_back_and_verifies(kind: str, algorithm: Hash) -> None:
    ds = CSCA.issue(kind=kind)
    octets = build_sod(OBJECT, key("DS 1", kind), ds, hash=algorithm, signing_time=NOW)
    sod = Sod.parse(octets)
    assert sod.encode() == octets
    assert sod.security_object == OBJECT
    assert sod.signed_data.certificates == (ds,)
    assert sod.signed_data.signers[0].signing_time == NOW
    assert not sod.inconsistencies
    assert not sod.tolerated
    verify(sod, ds)


def openssl_verifies(octets: bytes, folder: Path, *options: str) -> None:
    (folder / "sod.p7").write_bytes(tlv.read(octets, "EF.SOD").value)
    command = "openssl cms -verify -binary -inform DER -in sod.p7 -out content"
    subprocess.run([*command.split(), *options], cwd=folder, check=True, capture_output=True)
    assert (folder / "content").read_bytes() == OBJECT.encode()


@pytest.mark.parametrize("kind", ["brainpoolP256r1", "brainpoolP320r1", "secp384r1", "RSA-2048"])
def test_openssl_verifies_the_signature(kind: str, tmp_path: Path) -> None:
    """Without the chain: OpenSSL rejects the explicit parameters that Doc 9303 requires."""
    openssl_verifies(
        build_sod(OBJECT, key("DS 1", kind), CSCA.issue(kind=kind)), tmp_path, "-noverify"
    )


def test_openssl_verifies_the_chain(tmp_path: Path) -> None:
    csca = Authority(kind="RSA-3072")
    ds = csca.issue(kind="RSA-2048")
    (tmp_path / "csca.pem").write_text(csca.certificate().to_pem())
    options = f"-CAfile csca.pem -purpose any -attime {int(NOW.timestamp())}"
    openssl_verifies(build_sod(OBJECT, key("DS 1", "RSA-2048"), ds), tmp_path, *options.split())


def test_a_signature_in_rsa_with_pkcs1_padding_verifies() -> None:
    ds = CSCA.issue(kind="RSA-2048")
    scheme = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)
    sod = Sod.parse(build_sod(OBJECT, key("DS 1", "RSA-2048"), ds, scheme=scheme))
    verify(sod, ds)
    assert sod.signed_data.signers[0].scheme == scheme


@pytest.mark.parametrize(
    ("versions", "version"), [((None, None), 0), (("0107", "040000"), 1), (("0108", "040000"), 1)]
)
def test_both_versions_of_the_security_object_read_back(
    versions: tuple[str | None, str | None], version: int
) -> None:
    security_object = SecurityObject.over(DATA_GROUPS, Hash.SHA512, *versions)
    octets = security_object.encode()
    assert ber.read(octets, "object").children[0].contents == bytes((version,))
    assert SecurityObject.decode(octets) == security_object


def test_the_security_object_is_encoded_as_in_doc_9303_10() -> None:
    octets = SecurityObject(Hash.SHA256, {1: bytes(32)}).encode()
    assert octets == der.sequence(
        der.integer(1),
        der.sequence(der.oid("2.16.840.1.101.3.4.2.1")),
        der.sequence(der.sequence(der.integer(1), der.octet_string(bytes(32)))),
        der.sequence(der.printable_string("0108"), der.printable_string("040000")),
    )


def test_a_sod_of_2008_reads_and_verifies() -> None:
    octets = shared("data/lds/bsi2008/EF_SOD.bin").read_bytes()
    sod = Sod.parse(octets)
    assert sod.encode() == octets
    assert sod.tolerated == {Quirk.ECDSA_NULL}
    assert not sod.inconsistencies
    (ds,) = sod.signed_data.certificates
    assert ds.key == "brainpoolP224r1"
    verify(sod, ds)
    assert sorted(sod.security_object.hashes) == [1, 2, 3, 14]
    for number, digest in sod.security_object.hashes.items():
        file = shared(f"data/lds/bsi2008/Datagroup{number}.bin").read_bytes()
        assert Hash.SHA1.digest(file) == digest


def test_changed_content_does_not_verify() -> None:
    ds = CSCA.issue()
    sod = Sod.parse(build_sod(OBJECT, key("DS 1"), ds))
    (signer,) = sod.signed_data.signers
    assert ds.public_key is not None
    with pytest.raises(ProtocolError, match="digest"):
        signer.verify(sod.signed_data.content_type, OBJECT.encode() + b"x", ds.public_key)
    with pytest.raises(ProtocolError, match="another type"):
        signer.verify("1.2.3", OBJECT.encode(), ds.public_key)


def test_a_certificate_for_another_key_is_refused() -> None:
    with pytest.raises(MisuseError):
        build_sod(OBJECT, key("DS 2"), CSCA.issue("DS 1"))


def test_a_hash_of_the_wrong_length_is_not_signed() -> None:
    with pytest.raises(MisuseError):
        SecurityObject(Hash.SHA256, {1: bytes(20)}).encode()
    with pytest.raises(MisuseError):
        SecurityObject(Hash.SHA256, {17: bytes(32)}).encode()


@given(st.dictionaries(st.integers(1, 16), st.binary(min_size=48, max_size=48), min_size=1))
def test_security_objects_read_back(hashes: dict[int, bytes]) -> None:
    security_object = SecurityObject(Hash.SHA384, hashes)
    assert SecurityObject.decode(security_object.encode()) == security_object


@given(st.binary(max_size=200))
def test_any_octets_are_a_security_object_or_malformed(octets: bytes) -> None:
    try:
        SecurityObject.decode(octets)
    except MalformedError:
        return


@pytest.fixture(scope="module")
def good() -> bytes:
    return build_sod(OBJECT, key("DS 1"), CSCA.issue())


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=400)
def test_a_damaged_sod_is_read_or_malformed(good: bytes, damage: list[tuple[int, int]]) -> None:
    octets = bytearray(good)
    for position, value in damage:
        octets[position % len(octets)] = value
    try:
        assert Sod.parse(bytes(octets)).inconsistencies is not None
    except MalformedError:
        return


@given(st.binary(max_size=300))
def test_any_octets_are_a_sod_or_malformed(octets: bytes) -> None:
    for attempt in (octets, tlv.encode(0x77, octets)):
        try:
            Sod.parse(attempt)
        except MalformedError:
            continue


@pytest.mark.parametrize("cut", [1, 2, 5, 100, 700])
def test_a_truncated_sod_and_trailing_octets_are_malformed(good: bytes, cut: int) -> None:
    for octets in (good[:-cut], good + bytes(cut), tlv.encode(0x77, good[4:] + bytes(cut))):
        with pytest.raises(MalformedError):
            Sod.parse(octets)


@pytest.mark.parametrize("signs_the_order_of_der", [True, False])
def test_signed_attributes_in_another_order_verify(signs_the_order_of_der: bool) -> None:
    """Some signers write them in another order than that of DER, and sign one or the other."""
    ds = CSCA.issue()
    sod = Sod.parse(build_sod(OBJECT, key("DS 1"), ds))
    (signer,) = sod.signed_data.signers
    assert signer.signed_attributes is not None
    first, second = ber.read(signer.signed_attributes, "attributes").children
    written = tlv.encode(der.SET, second.encoded, first.encoded)
    signed = signer.signed_attributes if signs_the_order_of_der else written
    signature = key("DS 1").sign(signer.scheme, signed)
    octets = sod.encode().replace(signer.signed_attributes[2:], written[2:])
    octets = octets.replace(signer.signature, signature)
    if len(signature) == len(signer.signature):
        again = Sod.parse(octets)
        assert again.tolerated == {Quirk.ATTRIBUTES_ORDER}
        verify(again, ds)


def test_indefinite_lengths_are_read_and_the_file_is_kept(good: bytes) -> None:
    """As NZ writes it: every constructed value outside the certificate, and segmented content."""
    (ds,) = Sod.parse(good).signed_data.certificates
    octets = tlv.encode(0x77, _indefinite(ber.read(tlv.read(good, "sod").value, "sod"), ds))
    sod = Sod.parse(octets)
    assert sod.encode() == octets
    assert sod.tolerated == {Quirk.INDEFINITE_LENGTH}
    assert sod.signed_data.certificates == (ds,)
    verify(sod, ds)


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside as well"])
def test_an_outer_indefinite_length_is_a_quirk(good: bytes, inside: bool) -> None:
    sod = Sod.parse(good)
    (ds,) = sod.signed_data.certificates
    inner = tlv.read(good, "EF.SOD").value
    if inside:
        inner = _indefinite(ber.read(inner, "EF.SOD"), ds)
    octets = b"\x77\x80" + inner + b"\0\0"
    found = Sod.parse(octets)
    assert found.encode() == octets
    assert found.tolerated == {Quirk.INDEFINITE_LENGTH}
    assert found.security_object == sod.security_object
    verify(found, ds)
    for wrong in (octets[:-1], octets[:-2], octets + b"\0", octets + b"\0\0"):
        with pytest.raises(MalformedError):
            Sod.parse(wrong)


def test_a_sod_of_indefinite_length_is_bounded() -> None:
    with pytest.raises(MalformedError, match="more than 65,536"):
        Sod.parse(b"\x77\x80" + b"\5\0" * 40_000 + b"\0\0")


def _indefinite(value: ber.Value, but: Certificate) -> bytes:
    if value.encoded == but.der or not value.constructed:
        if value.contents == OBJECT.encode():
            return b"\x24\x80" + der.octet_string(value.contents) + b"\0\0"
        return value.encoded
    inside = b"".join(_indefinite(child, but) for child in value.children)
    return bytes((value.tag, 0x80)) + inside + b"\0\0"


def test_a_sod_without_its_tag_is_a_quirk(good: bytes) -> None:
    bare = tlv.read(good, "EF.SOD").value
    sod = Sod.parse(bare)
    assert sod.encode() == bare
    assert sod.tolerated == {Quirk.SOD_NO_TAG}
    assert sod.signed_data == Sod.parse(good).signed_data


@pytest.mark.parametrize(
    ("version", "quirks"), [("0108", {Quirk.SOD_NO_CERTIFICATE}), (None, set())]
)
def test_a_sod_without_a_certificate_is_a_quirk_in_version_1(
    version: str | None, quirks: set[Quirk]
) -> None:
    """Version 1 must include it, version 0 may (Doc 9303-10, 4.6.2.2 and D.1)."""
    security_object = SecurityObject.over(DATA_GROUPS, Hash.SHA256, lds_version=version)
    octets = tlv.read(build_sod(security_object, key("DS 1"), CSCA.issue()), "EF.SOD").value
    oid, wrapped = (each.encoded for each in ber.read(octets, "test").children)
    (inner,) = ber.read(wrapped, "test").children
    fields = [each.encoded for each in inner.children if each.tag != 0xA0]
    bare = der.sequence(oid, der.tagged(0, der.sequence(*fields)))
    assert Sod.parse(tlv.encode(0x77, bare)).tolerated == quirks


@pytest.mark.parametrize("content_type", sorted(OTHER_CONTENT_TYPES))
@pytest.mark.peculiarity("CN, BE, FR, NL", "EF.SOD with another content type")
def test_another_content_type_is_a_quirk(content_type: str) -> None:
    """As in CN, BE and FR, and from a supplier of NL."""
    octets = build_signed_data(
        content_type, OBJECT.encode(), key("DS 1"), CSCA.issue(), Hash.SHA256
    )
    sod = Sod.parse(tlv.encode(0x77, octets))
    assert sod.tolerated == {Quirk.SOD_CONTENT_TYPE}
    assert sod.security_object == OBJECT
    verify(sod, CSCA.issue())
    unknown = build_signed_data("1.2.3", OBJECT.encode(), key("DS 1"), CSCA.issue(), Hash.SHA256)
    with pytest.raises(MalformedError, match=r"signs content of type 1\.2\.3"):
        Sod.parse(tlv.encode(0x77, unknown))
