"""Take signed data apart and encode it again with changes, without a private key."""

from collections.abc import Callable
from typing import Final

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.pki.cms.signed_data import ID_SIGNED_DATA

EF_SOD_TAG: Final = 0x77

Fields = list[bytes]
"""The encoded fields of SignedData: version, digest algorithms, content, certificates, signers."""

VERSION, DIGESTS, CONTENT, CERTIFICATES = range(4)


def parts_of(octets: bytes) -> Fields:
    """Return the parts of a constructed value."""
    return [each.encoded for each in ber.read(octets, "value").children]


def changed(octets: bytes, index: int, change: Callable[[bytes], bytes]) -> bytes:
    """Return a constructed value with one of its parts changed."""
    parts = parts_of(octets)
    parts[index] = change(parts[index])
    return tlv.encode(octets[0], *parts)


def fields_of(signed: bytes) -> Fields:
    """Return the fields of a ContentInfo of type id-signedData."""
    return parts_of(parts_of(parts_of(signed)[1])[0])


def signed_data(fields: Fields) -> bytes:
    """Return the ContentInfo with these fields."""
    return der.sequence(der.oid(ID_SIGNED_DATA), der.tagged(0, der.sequence(*fields)))


def without_tag(sod: bytes) -> bytes:
    """Return the ContentInfo in an EF.SOD."""
    return tlv.read_expected(sod, EF_SOD_TAG, "EF.SOD").value


def with_tag(signed: bytes) -> bytes:
    """Return the EF.SOD of a ContentInfo."""
    return tlv.encode(EF_SOD_TAG, signed)


def operated(signed: bytes, operate: Callable[[Fields], Fields]) -> bytes:
    """Return a ContentInfo with the fields of its SignedData changed."""
    return signed_data(operate(fields_of(signed)))


def content_of(fields: Fields) -> bytes:
    """Return the content that is signed: the octets of eContent."""
    wrapped = ber.read(fields[CONTENT], "content").children[1].children[0]
    return wrapped.contents


def with_content(fields: Fields, content: bytes) -> Fields:
    """Return the fields with other content of the same type."""
    wrapped = der.tagged(0, der.octet_string(content))
    return [*fields[:CONTENT], changed(fields[CONTENT], 1, lambda _: wrapped), *fields[3:]]


def signer_of(fields: Fields) -> bytes:
    """Return the first SignerInfo."""
    return parts_of(fields[-1])[0]


def with_signers(fields: Fields, *signers: bytes) -> Fields:
    """Return the fields with other signers."""
    return [*fields[:-1], tlv.encode(der.SET, *signers)]


def with_certificates(fields: Fields, *certificates: bytes) -> Fields:
    """Return the fields with other enclosed certificates; with none, without that field."""
    enclosed = [tlv.encode(0xA0, *certificates)] if certificates else []
    return [*fields[:CERTIFICATES], *enclosed, fields[-1]]


def flipped(octets: bytes, position: int, mask: int = 0x01) -> bytes:
    """Return the octets with one of them changed."""
    changed_octets = bytearray(octets)
    changed_octets[position] ^= mask
    return bytes(changed_octets)
