"""Unit ISO7816_H: security conditions of chips with Extended Access Control (3.3)."""

from typing import Final

from conformance.chip.situation import Script, Situation, Steps
from conformance.chip.terminal import (
    READ_DG3,
    READ_DG4,
    SELECT_APPLICATION,
    command_of,
    opened,
    refused_in_plain,
    sent_in_plain,
    without_short_identifier,
)
from conformance.running import CaseFailedError
from emrtd import tlv
from emrtd.iso7816 import odd_ins
from emrtd.iso7816.procedure import Procedure, Reset
from emrtd.lds.cvca import SIZE
from emrtd.status_words import SW

_READ_FIRST: Final = "00B0000001"
_OFFSET_0: Final = "03540100"
_HEADER: Final = 2
"""Octets of tag and length of the data object 53 that a short answer to odd INS is."""


def _select_is_refused(identifier: str) -> Steps:
    """A card may select a protected file, but not read it."""

    def steps(on: Situation) -> Procedure[None]:
        terminal = yield from opened(on, proven=False)
        doing = f"SELECT of {identifier}"
        response = yield from terminal.send(f"00A4020C02{identifier}")
        if response.sw == SW.OK:
            yield from terminal.refused(_READ_FIRST, f"READ BINARY after {doing}")
        else:
            on.refused(response.sw, doing)
        yield from terminal.remains_open()

    return steps


def _reading_is_refused(command: str) -> Steps:
    def steps(on: Situation) -> Procedure[None]:
        terminal = yield from opened(on, proven=False)
        yield from terminal.refused(command, "READ BINARY")
        yield from terminal.remains_open()

    return steps


def _application_in_plain() -> Procedure[bool]:
    """Reset the card and select the application in plain; return whether it was selected."""
    yield Reset()
    response = yield from sent_in_plain(command_of(SELECT_APPLICATION), "SELECT of the application")
    return response.sw == SW.OK


def _select_cvca_in_plain(on: Situation) -> Procedure[None]:
    if not (yield from _application_in_plain()):
        return
    select = command_of(f"00A4020C02{on.card.cvca_file:04X}")
    response = yield from sent_in_plain(select, "SELECT of EF.CVCA")
    if response.sw == SW.OK:
        doing = "READ BINARY after SELECT of EF.CVCA"
        yield from refused_in_plain(on, command_of(_READ_FIRST), doing)
    else:
        on.refused(response.sw, "SELECT of EF.CVCA")


def _reading_cvca_in_plain(form: str) -> Steps:
    def steps(on: Situation) -> Procedure[None]:
        command = _read_cvca(on, form, 1)
        if (yield from _application_in_plain()):
            yield from refused_in_plain(on, command_of(command), "READ BINARY of EF.CVCA")

    return steps


def _read_cvca(on: Situation, form: str, size: int) -> str:
    """Return the command that reads EF.CVCA: "short", "odd short" or "odd identifier"."""
    if form == "short":
        return f"00B0{0x80 | int(without_short_identifier(on), 16):02X}00{size:02X}"
    if form == "odd short":
        return f"00B100{without_short_identifier(on)}{_OFFSET_0}{size + _HEADER:02X}"
    return f"00B1{on.card.cvca_file:04X}{_OFFSET_0}{size + _HEADER:02X}"


def _cvca_is_read(on: Situation) -> Procedure[None]:
    terminal = yield from opened(on, proven=False)
    _require_references((yield from terminal.trust_points()), on)


def _cvca_is_read_by(form: str) -> Steps:
    def steps(on: Situation) -> Procedure[None]:
        command = _read_cvca(on, form, SIZE)
        terminal = yield from opened(on, proven=False)
        data = yield from terminal.require(command, "READ BINARY of EF.CVCA")
        if form != "short":
            data = odd_ins.decode_answer(data, "EF.CVCA")
        _require_references(data, on)

    return steps


def _require_references(content: bytes, on: Situation) -> None:
    """Require EF.CVCA with at least one reference; with the root first, if it is known."""
    if len(content) != SIZE:
        raise CaseFailedError(f"EF.CVCA: {len(content)} octets instead of {SIZE}")
    found = tlv.read_first(content, "EF.CVCA")[0]
    if on.pki.root is not None and found.value != on.pki.root.reference.encode("latin-1"):
        raise CaseFailedError("EF.CVCA: the first reference is not that of the trust point")


SCRIPTS: Final = {
    "ISO7816_H_1": Script(_select_is_refused("0103")),
    "ISO7816_H_2": Script(_select_is_refused("0104")),
    "ISO7816_H_3": Script(_reading_is_refused(READ_DG3)),
    "ISO7816_H_4": Script(_reading_is_refused(READ_DG4)),
    "ISO7816_H_5": Script(_reading_is_refused("00B100030354010007")),
    "ISO7816_H_6": Script(_reading_is_refused("00B100040354010007")),
    "ISO7816_H_7": Script(_select_cvca_in_plain, accesses=()),
    "ISO7816_H_8": Script(_reading_cvca_in_plain("short"), accesses=()),
    "ISO7816_H_9": Script(_reading_cvca_in_plain("odd short"), accesses=()),
    "ISO7816_H_10": Script(_reading_cvca_in_plain("odd identifier"), accesses=()),
    "ISO7816_H_11": Script(_reading_is_refused("00B101030354010007")),
    "ISO7816_H_12": Script(_reading_is_refused("00B101040354010007")),
    "ISO7816_H_13": Script(_cvca_is_read),
    "ISO7816_H_14": Script(_cvca_is_read_by("short")),
    "ISO7816_H_15": Script(_cvca_is_read_by("odd short")),
    "ISO7816_H_16": Script(_cvca_is_read_by("odd identifier")),
}
