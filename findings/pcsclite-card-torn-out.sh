#!/usr/bin/env bash
# pcsc-lite and a card that is taken out in the middle of a command.
#
# Guess: SCardTransmit returns an error: SCARD_W_REMOVED_CARD, or that the card does not answer.
# Seen: it returns SCARD_S_SUCCESS, with no octets of response, not even a status word.  The next
# command on the connection is an error.
#
# Needs root, and Debian's pcscd, vsmartcard-vpcd, libpcsclite-dev, gcc and the headers of Python.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'pyscard==2.3.1'
port=44710
mkdir run conf
cp /usr/lib/pcsc/drivers/serial/libifdvpcd.so driver.so
printf 'FRIENDLYNAME "Trial"\nDEVICENAME /dev/null:%s\nLIBPATH %s/driver.so\nCHANNELID %s\n' \
    $port "$work" $port >conf/reader.conf
unshare --mount sh -c "mkdir -p /run/pcscd && mount --bind '$work/run' /run/pcscd &&
    exec pcscd --foreground --config '$work/conf'" >pcscd.log 2>&1 &
until [ -S run/pcscd.comm ]; do sleep 0.1; done
export PCSCLITE_CSOCK_NAME="$work/run/pcscd.comm"

cat > tear.py <<'PY'
import socket
import sys
import threading
import time

from smartcard import scard


class Card:
    """A card for vpcd: it answers 9000 to all, and leaves in the middle of INS FE."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while head := self.socket.recv(2, socket.MSG_WAITALL):
            frame = self.socket.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
            if frame == b"\x04":
                self.send(bytes.fromhex("3B80800101"))
            elif len(frame) > 1 and frame[1] == 0xFE:
                break
            elif len(frame) > 1:
                self.send(self.name + b"\x90\x00")
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(len(octets).to_bytes(2, "big") + octets)


def code(result):
    return f"{result & 0xFFFFFFFF:08X}"


def transmit(ins):
    result, response = scard.SCardTransmit(card, scard.SCARD_PCI_T1, [0, ins, 0, 0, 0])
    return code(result), bytes(response) if result == 0 else b""


def wait_for(present):
    while True:
        state = scard.SCardGetStatusChange(context, 0, [(reader, scard.SCARD_STATE_UNAWARE)])[1][0][1]
        if bool(state & scard.SCARD_STATE_PRESENT) == present:
            return
        time.sleep(0.05)


_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
time.sleep(0.5)
reader = scard.SCardListReaders(context, [])[1][0]
Card(b"card")
wait_for(True)
_, card, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, 3)
assert transmit(0xB0) == ("00000000", b"card\x90\x00")
torn = transmit(0xFE)
wait_for(False)
later = transmit(0xB0)
print(f"  torn out in mid-command: {torn}")
print(f"  the next command: {later}")
seen = torn == ("00000000", b"") and later[0] == "80100069"
sys.exit(0 if seen else "changed: the torn command is an error")
PY
pcscd --version | head -n 1
echo "PyPI pyscard 2.3.1"
echo "guess: an error for both"
echo "seen:"
venv/bin/python tear.py $port
