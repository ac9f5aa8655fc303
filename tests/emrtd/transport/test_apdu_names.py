import pytest

from emrtd.iso7816.apdu import CommandAPDU
from emrtd.transport.apdu_names import Namer
from emrtd.transport.trace import name_of

APPLICATION = "00A4040C07A0000002471001"


@pytest.mark.parametrize(
    ("commands", "name"),
    [
        (["00A4000C"], "SELECT the MF"),
        (["00A4000C023F00"], "SELECT the MF"),
        ([APPLICATION], "SELECT the eMRTD application"),
        (["00A4040C07A0000001515350"], "SELECT an application"),
        (["00A4020C02011C"], "SELECT EF.CardAccess"),
        (["00A4020C02011E"], "SELECT EF 011E"),
        ([APPLICATION, "00A4020C02011E"], "SELECT EF.COM"),
        (["00B09C0000"], "READ BINARY of EF.CardAccess from 0"),
        ([APPLICATION, "00B0810800"], "READ BINARY of DG1 from 8"),
        ([APPLICATION, "00A4000C", "00B0810000"], "READ BINARY of EF.ATR/INFO from 0"),
        (["00B0123400"], "READ BINARY from 4660"),
        (["0CA4020C02011E00"], "SELECT"),
        (["0CA4040C01AA", "00B0820000"], "READ BINARY of DG2 from 0"),
        (["0022C1A4028000"], "MSE:Set AT for PACE"),
        (["002241A4028000"], "MSE:Set AT for Chip Authentication"),
        (["0022F3"], "malformed command"),
        (["0022F30100"], "MSE"),
        (["0084000008"], "GET CHALLENGE"),
        (["8050000008" + "00" * 8], "INITIALIZE UPDATE"),
        (["00DB3FFF0100"], "PUT DATA"),
        (["00770000"], "unknown command"),
    ],
)
def test_a_command_has_a_name(commands: list[str], name: str) -> None:
    namer = Namer()
    assert [name_of(bytes.fromhex(each), namer) for each in commands][-1] == name


def test_a_reset_selects_the_master_file() -> None:
    namer = Namer()
    namer.name(CommandAPDU.decode(bytes.fromhex(APPLICATION)))
    namer.reset()
    assert name_of(bytes.fromhex("00B0810000"), namer) == "READ BINARY of EF.ATR/INFO from 0"
