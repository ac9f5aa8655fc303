"""Copies of documents, as an attacker makes them."""

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.passwords import Password
from emrtd.iso7816.directories import Directory
from emrtd.lds.files import FILES, FileID
from tests.verify.documents import Document
from tests.vsmartcard.cards import personalised, select_directory
from vsmartcard.card.clones import without_private_keys
from vsmartcard.chip.dispatch import Chip


def password_of(document: Document) -> Password:
    return Password.from_mrz_information(document.how.information)


def clone_of(document: Document, **files: bytes) -> Chip:
    """Return a chip with all files and passwords of a document, but none of its private keys."""
    named = {FileID(name): octets for name, octets in files.items()}
    return personalised(document.files | named, without_private_keys(document.keys))


def open_copy_of(document: Document) -> Chip:
    """Return a chip with the application's files, no private keys and no access control."""
    files = {
        file_id: octets
        for file_id, octets in document.files.items()
        if FILES[file_id].directory is Directory.EMRTD
    }
    chip = personalised(files, ChipKeys(open=True))
    select_directory(chip, Directory.EMRTD)
    return chip
