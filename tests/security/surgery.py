"""Documents whose EF.SOD was taken apart and encoded again, without a private key."""

from collections.abc import Callable

from emrtd.lds.files import FileID
from tests.verify.documents import Document
from vsmartcard.forging import surgery
from vsmartcard.forging.surgery import Fields


def signed_data_of(document: Document) -> bytes:
    """Return the ContentInfo of EF.SOD."""
    return surgery.without_tag(document.files[FileID.SOD])


def with_signed_data(document: Document, octets: bytes) -> Document:
    return document.with_file(FileID.SOD, surgery.with_tag(octets))


def operated(document: Document, operate: Callable[[Fields], Fields]) -> Document:
    """Return the document with the fields of its EF.SOD changed."""
    return with_signed_data(document, surgery.operated(signed_data_of(document), operate))
