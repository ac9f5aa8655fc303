"""OpenSC lists our card in a real PC/SC reader, and sends commands to it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from tests.issuing import Issuer
from tests.readers import Insert
from tests.requirement import program

pytestmark = [pytest.mark.device, pytest.mark.interop]

SELECT = "00A4040C07A0000002471001"
SELECT_WITH_CONTROL_INFORMATION = "00A4040007A000000247100100"


@dataclass(frozen=True)
class OpenSc:
    """opensc-tool at one reader."""

    reader: str

    def __call__(self, *arguments: str) -> str:
        """Run opensc-tool, and return its output."""
        command = [program("opensc-tool", "opensc"), "--reader", self.reader, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def send(self, *commands: str) -> list[str]:
        """Send commands in one session; return data and status word of each, in hexadecimal."""
        options = [option for each in commands for option in ("--send-apdu", each)]
        return [_answer(each) for each in self(*options).split("Received ")[1:]]


def _answer(output: str) -> str:
    """Decode `(SW1=0x90, SW2=0x00):` and the lines of a dump, 16 octets each."""
    status, *dump = output.split("Sending:", maxsplit=1)[0].splitlines()
    words = status.replace("(", " ").replace(")", " ").replace(",", " ").replace(":", " ").split()
    octets = "".join(line[:48].replace(" ", "") for line in dump)
    return (octets + "".join(word.partition("0x")[2] for word in words)).upper()


def test_a_blank_card_is_listed_and_selected(insert: Insert) -> None:
    card = insert()
    opensc = OpenSc(card.reader)
    assert card.reader in opensc("--list-readers")
    assert opensc("--atr").strip() == "3b:85:80:01:80:73:84:01:c0:b2"
    (answer,) = opensc.send(SELECT_WITH_CONTROL_INFORMATION)
    assert answer == "6F0F82013884 07A0000002471001 8A01019000".replace(" ", "")


def test_an_issued_permit_reveals_only_ef_card_access(
    insert: Insert, issuer: Issuer, tmp_path: Path
) -> None:
    card = issuer.issue("permit", tmp_path)
    card_access = card.image.files[FileID.CARD_ACCESS].hex().upper()
    opensc = OpenSc(insert(card.state).reader)
    read_card_access, read_com = f"00B09C00{len(card_access) // 2:02X}", "00B09E0008"
    answers = opensc.send(read_card_access, SELECT, read_com, "00D6000001FF", read_card_access)
    assert answers == [card_access + "9000", "9000", "6982", "6982", "6982"]
