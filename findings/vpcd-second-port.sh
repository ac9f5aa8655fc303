#!/usr/bin/env bash
# pcscd and a driver with two slots, of which the second cannot be opened.
#
# Guess: pcscd keeps the slot that works, so one taken port leaves vpcd with one reader.
# Seen: it removes both: there is no reader at all, so vpcd cannot make a single one.
#
# Needs root, and Debian's pcscd, vsmartcard-vpcd, libpcsclite-dev, gcc and the headers of Python.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'pyscard==2.3.1'
port=44730
mkdir run conf
cp /usr/lib/pcsc/drivers/serial/libifdvpcd.so driver.so
printf 'FRIENDLYNAME "Trial"\nDEVICENAME /dev/null:%s\nLIBPATH %s/driver.so\nCHANNELID %s\n' \
    $port "$work" $port >conf/reader.conf

cat > taken.py <<'PY'
import socket
import sys
import time

taken = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("taken", flush=True)
time.sleep(600)
PY
cat > listed.py <<'PY'
from smartcard import scard

_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
print(len(scard.SCardListReaders(context, [])[1]))
PY

readers() { # prints the number of readers of a new pcscd
    rm -f run/*
    unshare --mount sh -c "mkdir -p /run/pcscd && mount --bind '$work/run' /run/pcscd &&
        exec pcscd --foreground --debug --config '$work/conf'" >pcscd.log 2>&1 &
    daemon=$!
    until grep -q 'daemon ready' pcscd.log; do sleep 0.1; done
    PCSCLITE_CSOCK_NAME="$work/run/pcscd.comm" venv/bin/python listed.py
    kill "$daemon"
    wait "$daemon" 2>/dev/null || true
}

free=$(readers)
mkfifo said
venv/bin/python taken.py $((port + 1)) >said &
read -r _ <said
one=$(readers)
pcscd --version | head -n 1
echo "guess: 2 readers, and 1 if the port of the second is taken"
echo "seen: $free readers, and $one"
[ "$free $one" = "2 0" ] || { echo "changed"; exit 1; }
