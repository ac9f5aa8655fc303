"""The trust points and the date of a chip: as personalised, or as certificates have moved them."""

from emrtd.pki.cvc import CvCertificate
from emrtd.pki.cvc_validation import TrustState
from vsmartcard.chip.session import Core


def trust_state(core: Core) -> TrustState:
    """The trust points, most recent first, and the chip's idea of the date."""
    if core.state.trust:
        return TrustState.decode(core.state.trust)
    keys = core.state.keys
    return TrustState.initial(map(CvCertificate.decode, keys.trust_points), keys.current_date)


def certification_authority_references(core: Core) -> tuple[bytes, ...]:
    """What PACE tells terminals that ask; the most recent first."""
    if not core.state.keys.trust_points:
        return ()
    return tuple(each.encode("latin-1") for each in trust_state(core).references)
