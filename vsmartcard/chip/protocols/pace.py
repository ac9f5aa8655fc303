"""PACE on the chip (Doc 9303-11, 4.4), and the management of its PIN (TR-03110-2, 2.4.1).

The variants are those of EF.CardAccess; the CAM mapping uses the static key whose identifier is
the PACEInfo's parameterId.  Retry counters are part of the chip's state.
"""

from functools import lru_cache
from typing import Final

from emrtd.access.chip_keys import ChipPassword
from emrtd.access.pace.messages import AuthenticationTemplate
from emrtd.access.pace.protocol import PaceChip
from emrtd.access.pace.variants import PaceVariant, variant_of
from emrtd.access.password_state import PasswordState
from emrtd.access.passwords import Password, PasswordType
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from emrtd.status_words import SW
from support.errors import ChipsealError
from support.secret import Secret
from vsmartcard.chip.session import ChipAccess, Core, PaceSession, Protocol
from vsmartcard.chip.trust import certification_authority_references

_CARD_ACCESS: Final = (Directory.MASTER_FILE, FILES[FileID.CARD_ACCESS].identifier)
_HOLDERS: Final = frozenset({PasswordType.PIN, PasswordType.PUK})
_CHANGE, _UNBLOCK = 0x02, 0x03
_SHORTEST_PIN, _LONGEST_PIN = 5, 16


def select(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """MSE:Set AT: select variant and password; a warning 63CX states how many tries are left."""
    pace = core.session.pace
    if pace is None:
        pace = _begin(core)
        core.session = core.session.with_pace(pace)
    _require_first(core, command.data)
    status = pace.chip.select(command.data)
    core.session = core.session.with_selected(Protocol.PACE)
    return ResponseAPDU(sw=status)


def general_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Carry out one step; keep the retry counters, even if the step fails."""
    pace = core.session.pace
    if pace is None:
        raise AssertionError("PACE is selected before its steps")
    try:
        answer = pace.chip.general_authenticate(command.data)
    finally:
        for kind, password in pace.passwords.items():
            if password.failures != core.state.failures.get(kind, 0):
                core.state = core.state.with_failures(kind, password.failures)
    if pace.chip.result is not None:
        core.session = core.session.opened_by_pace(pace, pace.chip.result)
    return ResponseAPDU(answer)


def reset_retry_counter(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Unblock the PIN after PACE with the PUK, or change it after PACE with either."""
    doing = "RESET RETRY COUNTER"
    if command.p1 not in {_CHANGE, _UNBLOCK} or command.p2 != PasswordType.PIN:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
    pace = core.session.pace
    used = None if pace is None or pace.result is None else pace.result.password
    allowed = {PasswordType.PUK} if command.p1 == _UNBLOCK else _HOLDERS
    if pace is None or used not in allowed:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
    current = core.state.keys.password(PasswordType.PIN)
    if current is None:
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
    changing = command.p1 == _CHANGE
    digits = command.data.isdigit() and _SHORTEST_PIN <= len(command.data) <= _LONGEST_PIN
    if not (digits if changing else not command.data):
        raise ChipRefusalError(SW.WRONG_LENGTH, doing)
    if changing:
        new = Password(PasswordType.PIN, Secret(command.data))
        value = ChipPassword(new, current.retry_limit)
        core.state = core.state.with_keys(core.state.keys.with_password(value))
    core.state = core.state.with_failures(PasswordType.PIN, 0)
    pace.passwords.update(_passwords(core))
    return ResponseAPDU()


def _begin(core: Core) -> PaceSession:
    passwords = _passwords(core)
    file = core.state.files.find(_CARD_ACCESS)
    keys = core.state.keys.chip_authentication
    chip = PaceChip(
        () if file is None else _variants(file.content),
        passwords,
        mapping_keys={key.key_id: key.private for key in keys if key.key_id is not None},
        cars=certification_authority_references(core),
        random=core.random,
    )
    return PaceSession(chip, passwords)


def _passwords(core: Core) -> dict[PasswordType, PasswordState]:
    keys, failures = core.state.keys, core.state.failures
    has_can = keys.password(PasswordType.CAN) is not None
    return {
        each.password.type: PasswordState(
            each.password,
            each.retry_limit,
            failures.get(each.password.type, 0),
            suspends=has_can,
        )
        for each in keys.passwords
    }


@lru_cache(maxsize=16)
def _variants(card_access: bytes) -> tuple[PaceVariant, ...]:
    """Return the variants of EF.CardAccess that this chip supports."""
    found = []
    try:
        infos = SecurityInfos.decode(card_access)
    except ChipsealError:
        return ()
    for info in infos.of(PaceInfo):
        try:
            found.append(variant_of(info, infos))
        except ChipsealError:
            continue
    return tuple(found)


def _require_first(core: Core, data: bytes) -> None:
    """Allow PACE once in a session, and again only for a PIN or PUK after the CAN."""
    session = core.session
    if session.access is ChipAccess.NONE:
        return
    kind = AuthenticationTemplate.decode(data).password_type
    before = session.pace_result
    resumed = before is not None and before.password is PasswordType.CAN and kind in _HOLDERS
    if not resumed:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, "MSE:Set AT for PACE")
