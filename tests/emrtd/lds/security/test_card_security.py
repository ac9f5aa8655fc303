import pytest

from emrtd.access.chip_authentication_keys import announced_protocols, mapping_key, variants
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.protocols import ID_SECURITY_OBJECT
from emrtd.crypto.signatures import verify
from emrtd.errors import ProtocolError
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_infos import (
    PaceInfo,
    PrivilegedTerminalInfo,
    TerminalAuthenticationInfo,
)
from support.errors import MalformedError
from tests.helpers import facts, shared


def signed(octets: bytes) -> CardSecurity:
    """Decode the file, and verify its signature with the certificate in it."""
    file = CardSecurity.decode(octets)
    assert file.encode() == octets
    (signer,) = file.signed_data.signers
    (certificate,) = file.signed_data.certificates
    assert certificate.public_key is not None
    signer.verify(ID_SECURITY_OBJECT, file.signed_data.content, certificate.public_key)
    return file


def test_a_real_file_is_decoded() -> None:
    octets = shared("data/card/efcardsecurity.dump").read_bytes()
    file = CardSecurity.decode(octets)
    assert file.encode() == octets
    assert file.security_infos.of(TerminalAuthenticationInfo) == (TerminalAuthenticationInfo(2),)
    ((info, group),) = announced_protocols(file.security_infos)
    assert (info.cipher, group) == (Cipher.AES128, STANDARDISED[13])
    (reason,) = file.tolerated  # its key lacks the SEQUENCE of a SubjectPublicKeyInfo
    assert "tag 02 is expected" in reason
    assert variants(file.security_infos, version=2) == ()


def test_a_signature_without_signed_attributes_is_refused() -> None:
    """The real file is signed, but not as the standard requires."""
    data = CardSecurity.decode(shared("data/card/efcardsecurity.dump").read_bytes()).signed_data
    (signer,), (certificate,) = data.signers, data.certificates
    assert certificate.public_key is not None
    verify(certificate.public_key, signer.scheme, signer.signature, data.content)
    with pytest.raises(ProtocolError, match="no signed attributes"):
        signer.verify(ID_SECURITY_OBJECT, data.content, certificate.public_key)


@pytest.mark.parametrize("example", ["ecdh", "dh"])
def test_the_files_of_the_eac2_worked_examples_verify(example: str) -> None:
    vector = facts(f"vectors/eac2_worked_example_{example}.json")
    if "EF_CardSecurity" not in vector:
        pytest.skip("this example prints no EF.CardSecurity")
    file = signed(bytes.fromhex(vector["EF_CardSecurity"]))
    ca = vector["CA_version_2"]
    (variant,) = variants(file.security_infos, version=2)
    assert variant.protocol == ca["oid"]
    assert variant.key.public.hex().upper() == ca["chip_static_public"]
    assert variant.key.group == STANDARDISED[vector["parameter_id"]]
    access = CardAccess.decode(bytes.fromhex(vector["EF_CardAccess"])).security_infos
    assert {(info.protocol, group) for info, group in announced_protocols(access)} == {
        (variant.protocol, variant.key.group)
    }
    assert set(access.of(PaceInfo)) == set(file.security_infos.of(PaceInfo))
    if example == "ecdh":
        assert len(access.of(PrivilegedTerminalInfo)) == 1
        with pytest.raises(ProtocolError, match="identifier 13"):
            mapping_key(file.security_infos, 13)  # this chip's key has the identifier 1
        assert mapping_key(file.security_infos, 1) == variant.key


def test_changed_content_does_not_verify() -> None:
    octets = bytes.fromhex(facts("vectors/eac2_worked_example_ecdh.json")["EF_CardSecurity"])
    content = CardSecurity.decode(octets).signed_data.content
    at = octets.index(content) + len(content) - 1
    with pytest.raises(ProtocolError, match="digest of the content is not the signed"):
        signed(octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :])


def test_another_type_of_content_is_malformed() -> None:
    octets = shared("data/card/efcardsecurity.dump").read_bytes()
    other = octets.replace(bytes.fromhex("04007F0007030201"), bytes.fromhex("04007F0007030202"))
    with pytest.raises(MalformedError, match="signs content of type"):
        CardSecurity.decode(other)
