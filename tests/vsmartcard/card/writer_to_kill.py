"""Write to the chip of a state file until killed, and print each answer."""

import sys
from pathlib import Path

from vsmartcard.card.stored_chip import StoredChip

chip = StoredChip(Path(sys.argv[1]))
chip.process(bytes.fromhex("00E000000962078001FF83020101"))
chip.process(bytes.fromhex("00A40000020101"))
sys.stdout.write("ready\n")
sys.stdout.flush()
count = 0
while True:
    count = (count + 1) % 256
    answer = chip.process(bytes.fromhex("00D6000080") + bytes((count,)) * 128)
    sys.stdout.write(f"{count} {answer.hex()}\n")
    sys.stdout.flush()
