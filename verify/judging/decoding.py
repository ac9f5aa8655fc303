"""Decode the files of a document once, for its checks and for its images."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from emrtd.lds.files import FileID
from emrtd.lds.registry import Content, decode
from support.errors import MalformedError

Contents = Mapping[FileID, Content | MalformedError]
"""Every file: its content, or the `MalformedError` that decoding raised."""

_SHARED: Final = frozenset(
    {FileID.ATR_INFO, FileID.DIR, FileID.CARD_ACCESS, FileID.COM, FileID.CVCA}
)
"""The files that are the same in many documents, and have no data of a holder."""

_MAX_SHARED: Final = 1024
"""Octets of a file whose content is kept for the next document."""


def decode_files(files: Mapping[FileID, bytes]) -> Contents:
    """Decode every file."""
    return {file_id: _decode(file_id, octets) for file_id, octets in files.items()}


def _decode(file_id: FileID, octets: bytes) -> Content | MalformedError:
    if file_id in _SHARED and len(octets) <= _MAX_SHARED:
        return _decode_shared(file_id, octets)
    return _decode_anew(file_id, octets)


@lru_cache(maxsize=256)
def _decode_shared(file_id: FileID, octets: bytes) -> Content | MalformedError:
    return _decode_anew(file_id, octets)


def _decode_anew(file_id: FileID, octets: bytes) -> Content | MalformedError:
    try:
        return decode(file_id, octets)
    except MalformedError as error:
        return error
