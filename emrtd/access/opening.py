"""Opening a chip by PACE or by Basic Access Control, from SELECT to the session.

PACE runs in the master file, and the application is then selected inside its session.  Basic Access
Control runs in the application (Doc 9303-11, 4.2).
"""

import secrets
from typing import Final

import msgspec
from msgspec.structs import replace

from emrtd.access import bac
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import PaceVariant
from emrtd.access.passwords import Password
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.iso7816.selecting import select_application, select_master_file
from emrtd.lds.files import EMRTD_APPLICATION
from emrtd.status_words import SW

_CHAT_NOT_UNDERSTOOD: Final = frozenset({SW.INCORRECT_DATA, SW.LC_INCONSISTENT, SW.WRONG_LENGTH})


class OpenedSession(msgspec.Struct, frozen=True):
    """The session that opened a chip, and the result of PACE if PACE established it."""

    messaging: SecureMessaging
    pace: PaceResult | None = None


class ByPace(msgspec.Struct, frozen=True):
    """PACE with one of the variants that EF.CardAccess offers.

    `chat` (data object 7F4C) requests the chip's trust points.
    """

    variant: PaceVariant
    password: Password
    chat: bytes | None = None

    @property
    def directory(self) -> Directory:
        """Where it runs."""
        return Directory.MASTER_FILE

    @property
    def without_chat(self) -> "ByPace":
        """The same PACE, which requests no trust points."""
        return replace(self, chat=None)

    def authenticate(self, random: Random = secrets.token_bytes) -> Procedure[OpenedSession]:
        """Run PACE; the master file is selected.  Raises what `establish` raises.

        Some chips refuse a CHAT in MSE:Set AT.  PACE is then run again without one.
        """
        try:
            return (yield from self._establish(self.chat, random))
        except ChipRefusalError as error:
            if self.chat is None or error.sw not in _CHAT_NOT_UNDERSTOOD:
                raise
        return (yield from self._establish(None, random))

    def _establish(self, chat: bytes | None, random: Random) -> Procedure[OpenedSession]:
        result = yield from establish(self.variant, self.password, random=random, chat=chat)
        return OpenedSession(result.secure_messaging, result)


class ByBac(msgspec.Struct, frozen=True):
    """Basic Access Control with the MRZ."""

    password: Password

    @property
    def directory(self) -> Directory:
        """Where it runs."""
        return Directory.EMRTD

    def authenticate(self, random: Random = secrets.token_bytes) -> Procedure[OpenedSession]:
        """Run BAC; the application is selected.  Raises what `bac.authenticate` raises."""
        return OpenedSession((yield from bac.authenticate(self.password, random=random)))


Way = ByPace | ByBac
"""A way to open a chip: the protocol, with everything that the terminal needs for it."""


def open_application(
    way: Way, *, random: Random = secrets.token_bytes
) -> Procedure[SecureMessaging]:
    """Open a chip and select the eMRTD application, from any state without a session.

    Raises `ChipRefusalError` if the chip refuses the password or has no eMRTD application,
    `ProtocolError` if the chip does not prove that it knows the password.
    """
    if way.directory is Directory.EMRTD:
        yield from select_application(EMRTD_APPLICATION)
    else:
        yield from select_master_file()
    session = (yield from way.authenticate(random)).messaging
    if way.directory is not Directory.EMRTD:
        yield from secured(select_application(EMRTD_APPLICATION), session)
    return session
