"""A stranger's reader: opens a chip by BAC or without access control, reads DG1, checks nothing.

naive_reader.py READER MRZ: prints DG1, and exits with 0 if it could be read.
"""

import sys

from smartcard.System import readers

from emrtd.access import bac
from emrtd.access.passwords import Password
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.mrz import Mrz

name, mrz = sys.argv[1:]
card = next(each for each in readers() if str(each) == name).createConnection()
card.connect()
session: SecureMessaging | None = None


def send(command: CommandAPDU) -> ResponseAPDU:
    wire = command if session is None else session.protect_command(command)
    data, sw1, sw2 = card.transmit(list(wire.encode()))
    response = ResponseAPDU(bytes(data), sw1 << 8 | sw2)
    return response if session is None else session.unprotect_response(response)


send(CommandAPDU(0x00, 0xA4, 0x04, 0x0C, bytes.fromhex("A0000002471001")))
if send(CommandAPDU(0x00, 0xB0, 0x81, 0x00, ne=256)).sw != 0x9000:
    procedure = bac.authenticate(Password.from_mrz_information(Mrz.parse(mrz).information))
    command = next(procedure)
    try:
        while True:
            command = procedure.send(send(command))
    except StopIteration as done:
        session = done.value
answer = send(CommandAPDU(0x00, 0xB0, 0x81, 0x00, ne=100))
sys.stdout.write(answer.data.decode("latin-1"))
sys.exit(0 if answer.data else 1)
