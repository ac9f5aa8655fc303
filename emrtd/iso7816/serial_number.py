"""The serial number of a card, by GET DATA (ISO/IEC 7816-4, 11.4.3).

The value of DO 5A, as in EF.GDO of signature and health cards.  A locked eMRTD does not return it
outside a session, since it would make the holder traceable, as a fixed UID does (Doc 9303-10, B.8).
"""

from typing import Final

from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure
from emrtd.status_words import SW

SERIAL_NUMBER: Final = 0x5A


def read_serial_number() -> Procedure[bytes | None]:
    """Request the serial number of the card; None if the card does not return one."""
    response = yield CommandAPDU(0x00, INS.GET_DATA, *divmod(SERIAL_NUMBER, 256), ne=SHORT_MAX_LE)
    return response.data or None if response.sw == SW.OK else None
