"""The decoder of each elementary file."""

from collections.abc import Callable
from typing import Final, Protocol

from emrtd.lds.application_directory import ApplicationDirectory
from emrtd.lds.atr_info import AtrInfo
from emrtd.lds.com import Com
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.data_groups.dg5 import DataGroup5
from emrtd.lds.data_groups.dg7 import DataGroup7
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.data_groups.dg16 import DataGroup16
from emrtd.lds.data_groups.undefined import DataGroup6, DataGroup8, DataGroup9, DataGroup10
from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.sod import Sod


class Content(Protocol):
    """The content of an elementary file, decoded."""

    def encode(self) -> bytes:
        """Return the whole file; if it was decoded, the octets it was decoded from."""
        ...


CODECS: Final[dict[FileID, Callable[[bytes], Content]]] = {
    FileID.ATR_INFO: AtrInfo.decode,
    FileID.DIR: ApplicationDirectory.decode,
    FileID.CARD_ACCESS: CardAccess.decode,
    FileID.CARD_SECURITY: CardSecurity.decode,
    FileID.COM: Com.decode,
    FileID.SOD: Sod.parse,
    FileID.CVCA: Cvca.decode,
    FileID.DG1: DataGroup1.decode,
    FileID.DG2: DataGroup2.decode,
    FileID.DG3: DataGroup3.decode,
    FileID.DG4: DataGroup4.decode,
    FileID.DG5: DataGroup5.decode,
    FileID.DG6: DataGroup6.decode,
    FileID.DG7: DataGroup7.decode,
    FileID.DG8: DataGroup8.decode,
    FileID.DG9: DataGroup9.decode,
    FileID.DG10: DataGroup10.decode,
    FileID.DG11: DataGroup11.decode,
    FileID.DG12: DataGroup12.decode,
    FileID.DG13: DataGroup13.decode,
    FileID.DG14: DataGroup14.decode,
    FileID.DG15: DataGroup15.decode,
    FileID.DG16: DataGroup16.decode,
}
"""The functions that decode a whole file, with tag and length; they raise `MalformedError`."""


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
