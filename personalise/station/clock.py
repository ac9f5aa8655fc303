"""The station's clock: an image that was signed later than now is not written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from emrtd.lds.files import FileID
from emrtd.lds.security.sod import Sod
from personalise.pki.clock import Sighting, require_not_behind
from support.errors import MalformedError

_ADVICE: Final = "set the clock of the station, or of the machine that signed the image"


def require_clock(files: Mapping[FileID, bytes], now: datetime) -> None:
    """Raise `ClockBehindError` if EF.SOD was signed, or its signer made, after `now`.

    The tolerance is that of a PKI.  An EF.SOD that cannot be decoded has no time.
    """
    try:
        signed = Sod.parse(files[FileID.SOD]).signed_data
    except (KeyError, MalformedError):
        return
    times = [each.not_before for each in signed.certificates]
    times += [each.signing_time for each in signed.signers if each.signing_time is not None]
    if times:
        latest = Sighting(max(times), "the signature of the image")
        require_not_behind(now, latest, "the station", _ADVICE)
