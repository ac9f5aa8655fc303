"""Instruction tables of chips that deceive the terminal inside secure messaging."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from vsmartcard.chip.commands import CarryOut, Instructions, instead
from vsmartcard.chip.session import Core


def in_session(change: Callable[[CarryOut], CarryOut]) -> Callable[[CarryOut], CarryOut]:
    """Return a change of an instruction that has effect only inside secure messaging."""

    def changed(carry_out: CarryOut) -> CarryOut:
        inside = change(carry_out)
        return lambda core, command: (
            carry_out if core.session.secure_messaging is None else inside
        )(core, command)

    return changed


def _without_new_keys(carry_out: CarryOut) -> CarryOut:
    def keep(core: Core, command: CommandAPDU) -> ResponseAPDU:
        response = carry_out(core, command)
        if core.session.secure_messaging is not None:
            core.session = replace(core.session, next_secure_messaging=None)
        return response

    return keep


KEEPING_THE_SESSION: Final[Instructions] = instead(
    INS.GENERAL_AUTHENTICATE,
    _without_new_keys,
    instead(INS.MANAGE_SECURITY_ENVIRONMENT, _without_new_keys),
)
"""Answers Chip Authentication with success, but keeps the session keys that it had before.

A clone can do this without the private key; the terminal notices because the keys must change
(Doc 9303-11, 6.2.2, step 6).
"""
