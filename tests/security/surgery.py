"""Take signed data apart and encode it again with changes, without a private key."""

from collections.abc import Callable

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.lds.files import FileID
from tests.verify.documents import Document

EF_SOD_TAG = 0x77

Fields = list[bytes]


def parts_of(octets: bytes) -> Fields:
    """Return the parts of a constructed value."""
    return [each.encoded for each in ber.read(octets, "test").children]


def changed(octets: bytes, index: int, change: Callable[[bytes], bytes]) -> bytes:
    """Return a constructed value with one of its parts changed."""
    parts = parts_of(octets)
    parts[index] = change(parts[index])
    return tlv.encode(octets[0], *parts)


def signed_data_of(document: Document) -> bytes:
    """Return the ContentInfo of EF.SOD."""
    return tlv.read_expected(document.files[FileID.SOD], EF_SOD_TAG, "EF.SOD").value


def fields_of(signed_data: bytes) -> Fields:
    """The fields: version, digest algorithms, content, certificates, signers."""
    return parts_of(parts_of(parts_of(signed_data)[1])[0])


def signed_data(fields: Fields) -> bytes:
    return der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tagged(0, der.sequence(*fields)))


def with_signed_data(document: Document, octets: bytes) -> Document:
    return document.with_file(FileID.SOD, tlv.encode(EF_SOD_TAG, octets))


def operated(document: Document, operate: Callable[[Fields], Fields]) -> Document:
    """Return the document with the fields of its EF.SOD changed."""
    return with_signed_data(document, signed_data(operate(fields_of(signed_data_of(document)))))


def signer_of(fields: Fields) -> bytes:
    """Return the first SignerInfo."""
    return parts_of(fields[-1])[0]


def with_signers(fields: Fields, *signers: bytes) -> Fields:
    return [*fields[:-1], tlv.encode(der.SET, *signers)]


def with_certificates(fields: Fields, *certificates: bytes) -> Fields:
    return [*fields[:3], tlv.encode(0xA0, *certificates), fields[-1]]
