"""The decoder of each elementary file."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Final, Protocol

from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.sod import Sod


class Content(Protocol):
    """The content of an elementary file, decoded."""

    def encode(self) -> bytes:
        """Return the whole file; if it was decoded, the octets it was decoded from."""
        ...


Decoder = Callable[[bytes], Content]
"""A function that decodes a whole file, with tag and length; it raises `MalformedError`."""

_PLACES: Final = {
    FileID.ATR_INFO: ("emrtd.lds.atr_info", "AtrInfo", "decode"),
    FileID.DIR: ("emrtd.lds.application_directory", "ApplicationDirectory", "decode"),
    FileID.CARD_ACCESS: ("emrtd.lds.security.card_access", "CardAccess", "decode"),
    FileID.CARD_SECURITY: ("emrtd.lds.security.card_security", "CardSecurity", "decode"),
    FileID.COM: ("emrtd.lds.com", "Com", "decode"),
    FileID.SOD: ("emrtd.lds.security.sod", "Sod", "parse"),
    FileID.CVCA: ("emrtd.lds.cvca", "Cvca", "decode"),
    FileID.DG1: ("emrtd.lds.data_groups.dg1", "DataGroup1", "decode"),
    FileID.DG2: ("emrtd.lds.data_groups.dg2", "DataGroup2", "decode"),
    FileID.DG3: ("emrtd.lds.data_groups.dg3", "DataGroup3", "decode"),
    FileID.DG4: ("emrtd.lds.data_groups.dg4", "DataGroup4", "decode"),
    FileID.DG5: ("emrtd.lds.data_groups.dg5", "DataGroup5", "decode"),
    FileID.DG6: ("emrtd.lds.data_groups.undefined", "DataGroup6", "decode"),
    FileID.DG7: ("emrtd.lds.data_groups.dg7", "DataGroup7", "decode"),
    FileID.DG8: ("emrtd.lds.data_groups.undefined", "DataGroup8", "decode"),
    FileID.DG9: ("emrtd.lds.data_groups.undefined", "DataGroup9", "decode"),
    FileID.DG10: ("emrtd.lds.data_groups.undefined", "DataGroup10", "decode"),
    FileID.DG11: ("emrtd.lds.data_groups.dg11", "DataGroup11", "decode"),
    FileID.DG12: ("emrtd.lds.data_groups.dg12", "DataGroup12", "decode"),
    FileID.DG13: ("emrtd.lds.data_groups.dg13", "DataGroup13", "decode"),
    FileID.DG14: ("emrtd.lds.data_groups.dg14", "DataGroup14", "decode"),
    FileID.DG15: ("emrtd.lds.data_groups.dg15", "DataGroup15", "decode"),
    FileID.DG16: ("emrtd.lds.data_groups.dg16", "DataGroup16", "decode"),
}
"""The module, the class and the class method of each decoder."""


class _Codecs(Mapping[FileID, Decoder]):
    """The decoders, whose modules are imported when they are used: most chips have few files."""

    def __getitem__(self, file_id: FileID) -> Decoder:
        return _decoder(file_id)

    def __iter__(self) -> Iterator[FileID]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


@cache
def _decoder(file_id: FileID) -> Decoder:
    module, kind, method = _PLACES[file_id]
    decoder: Decoder = getattr(getattr(import_module(module), kind), method)
    return decoder


CODECS: Final = _Codecs()


def decode(file_id: FileID, octets: bytes) -> Content:
    """Decode a file; raises `MalformedError`."""
    return CODECS[file_id](octets)


def tolerated(content: Content) -> tuple[str, ...]:
    """Return the quirks that the decoder of a file read past, a sentence each.

    The quirks of a signature are not included: `Sod.tolerated` names them.
    """
    found = () if isinstance(content, Sod) else getattr(content, "tolerated", ())
    if isinstance(content, CardAccess):
        found = content.security_infos.tolerated
    return tuple(found)
