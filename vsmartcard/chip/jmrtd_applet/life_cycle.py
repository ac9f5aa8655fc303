"""The life cycle of the applet: personalised by anyone, until it is locked."""

from emrtd.errors import ChipRefusalError
from emrtd.status_words import SW
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.session import Core


def require_unlocked(core: Core) -> None:
    """Refuse to be written (6985) once it is locked."""
    if core.state.life_cycle is LifeCycle.OPERATIONAL:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "the applet is locked")


def with_personalisation(core: Core) -> None:
    """Enter that personalisation has begun."""
    if core.state.life_cycle is LifeCycle.BLANK:
        core.state = core.state.with_life_cycle(LifeCycle.IN_PERSONALISATION)


def lock(core: Core) -> None:
    """Lock it irreversibly, whatever it holds."""
    core.state = core.state.with_life_cycle(LifeCycle.OPERATIONAL)
