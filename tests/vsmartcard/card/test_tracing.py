import pytest

from emrtd.access import bac
from emrtd.errors import TransportError
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.procedure import exchange, run
from emrtd.iso7816.secure_messaging import secured
from tests.vsmartcard.cards import MRZ, personalised
from vsmartcard.card.conditions import nth
from vsmartcard.card.layers import Torn, Watched
from vsmartcard.card.tracing import Trace
from vsmartcard.chip.commands import INSTRUCTIONS
from vsmartcard.chip.dispatch import Chip

SELECT = CommandAPDU(0x00, INS.SELECT, 0x04, 0x0C, bytes.fromhex("A0000002471001"))
READ = CommandAPDU(0x00, INS.READ_BINARY, 0x81, 0x00, ne=256)
SELECT_DG16 = CommandAPDU(0x00, INS.SELECT, 0x02, 0x0C, bytes.fromhex("0110"))


def test_a_trace_names_what_happens_inside_and_outside_a_session_and_shows_no_data() -> None:
    lines: list[str] = []
    ticks = iter(range(100))
    trace = Trace(lines.append, lambda: next(ticks))
    chip = Chip(personalised().state, instructions=trace.change(INSTRUCTIONS))
    card = Watched(trace.over(chip))
    card.reset()
    card.process(SELECT.encode())
    session = run(bac.authenticate(MRZ), card.process)
    run(secured(exchange(READ), session), card.process)
    assert run(secured(exchange(SELECT_DG16), session), card.process).sw == 0x6A82
    card.process(CommandAPDU(0x0C, INS.READ_BINARY, 0x81, 0x00, b"\x97\x01\x00", 256).encode())
    assert lines[0] == "reset"
    session_error = "secure messaging data object missing  [not accepted by the session]"
    assert [line.split(" ms  ")[1] for line in lines[1:]] == [
        "SELECT the eMRTD application",
        "GET CHALLENGE",
        "EXTERNAL AUTHENTICATE",
        "READ BINARY of DG1 from 0  [READ BINARY of DG1 from 0: 9000, 5 octets]",
        "SELECT: file or application not found  [SELECT DG16: 6A82, file or application not found]",
        f"READ BINARY of DG1 from 0: {session_error}",
    ]
    shown = "".join(lines).replace(" ", "").upper()
    for command, response in card.exchanges:
        for data in (CommandAPDU.decode(command).data, response[:-2]):
            assert len(data) < 6 or data.hex().upper()[:10] not in shown


def test_a_trace_says_that_a_card_did_not_answer() -> None:
    lines: list[str] = []
    card = Trace(lines.append).over(Torn(personalised(), nth(0)))
    with pytest.raises(TransportError):
        card.process(SELECT.encode())
    assert lines == ["00 A4 04 0C  SELECT the eMRTD application: the card left the reader"]
