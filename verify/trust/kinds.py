"""The kinds of the entries of a trust store."""

from enum import StrEnum, unique
from typing import Final


@unique
class TrustEntryKind(StrEnum):
    """What an entry is; the values are stable words for scripts."""

    CSCA = "csca"
    LINK = "link"
    DOCUMENT_SIGNER = "ds"
    MASTER_LIST_SIGNER = "master-list-signer"
    DEVIATION_LIST_SIGNER = "deviation-list-signer"
    CRL = "crl"
    DEVIATION_LIST = "deviation-list"
    DEFECT_LIST = "defect-list"


ANCHOR_KINDS: Final = (TrustEntryKind.CSCA, TrustEntryKind.LINK)
