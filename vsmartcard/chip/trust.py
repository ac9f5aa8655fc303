"""The trust points and the date of a chip, as personalised or as changed by certificates since."""

from dataclasses import replace
from typing import Final

from emrtd.iso7816.directories import Directory
from emrtd.lds.cvca import Cvca
from emrtd.lds.files import FILES, FileID
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.validation import TrustState
from vsmartcard.chip.session import Core

_CVCA: Final = (Directory.EMRTD, FILES[FileID.CVCA].identifier)


def trust_state(core: Core) -> TrustState:
    """Return the trust points, most recent first, and the chip's approximation of the date."""
    if core.state.trust:
        return TrustState.decode(core.state.trust)
    keys = core.state.keys
    return TrustState.initial(map(CvCertificate.decode, keys.trust_points), keys.current_date)


def store(core: Core, trust: TrustState) -> None:
    """Store other trust points or another date, and update EF.CVCA if the chip has it."""
    state = core.state.with_trust(trust.encode())
    file = state.files.find(_CVCA)
    if file is not None:
        content = Cvca(trust.references, len(file.content)).encode()
        if len(content) == len(file.content):
            state = state.with_changed_file(replace(file, content=content))
    core.state = state


def certification_authority_references(core: Core) -> tuple[bytes, ...]:
    """Return the references that PACE gives to a terminal that requests them, most recent first."""
    if not core.state.keys.trust_points:
        return ()
    return tuple(each.encode("latin-1") for each in trust_state(core).references)
