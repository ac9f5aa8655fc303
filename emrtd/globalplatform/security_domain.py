"""An issuer security domain: its AID, the data that identify the card, and SET STATUS."""

from typing import Final

from emrtd import tlv
from emrtd.globalplatform.scp03 import CLA
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure
from emrtd.status_words import SW

SECURITY_DOMAIN: Final = bytes.fromhex("A000000151000000")
"""The AID of the issuer security domain (GPCS, appendix H.1.3)."""

CPLC: Final = 0x9F7F
"""The tag of the Card Production Life Cycle data."""

CPLC_SIZE: Final = 42

CARD_IMAGE_NUMBER: Final = 0x45
"""The tag of the number that distinguishes the card among those of its issuer (GPCS, H.4)."""

SET_STATUS: Final = 0xF0
OF_THE_CARD: Final = 0x80
"""P1 of SET STATUS: the issuer security domain, and so the card."""
TERMINATED: Final = 0x7F
"""P2 of SET STATUS: the life-cycle state TERMINATED (GPCS, table 11-6)."""


def read_cplc() -> Procedure[bytes | None]:
    """GET DATA for the CPLC data (42 octets) of the selected card; None if it returns none."""
    response = yield CommandAPDU(CLA, INS.GET_DATA, *divmod(CPLC, 256), ne=SHORT_MAX_LE)
    if response.sw != SW.OK or not response.data:
        return None
    found = tlv.read_expected(response.data, CPLC, "CPLC data").value
    return found if len(found) == CPLC_SIZE else None


def read_card_image_number() -> Procedure[bytes | None]:
    """GET DATA for the card image number of the selected security domain; None if it has none."""
    command = CommandAPDU(CLA, INS.GET_DATA, *divmod(CARD_IMAGE_NUMBER, 256), ne=SHORT_MAX_LE)
    response = yield command
    if response.sw != SW.OK or not response.data:
        return None
    found = tlv.read_expected(response.data, CARD_IMAGE_NUMBER, "card image number").value
    return found or None


def terminate_card(security_domain: bytes) -> CommandAPDU:
    """Return the command that terminates the card irreversibly (GPCS, 11.10)."""
    return CommandAPDU(CLA, SET_STATUS, OF_THE_CARD, TERMINATED, security_domain)
