"""What a debugger, a log or `rich` prints of an object shows no secret and no personal data."""

import importlib
import pkgutil

import msgspec
import pytest
from rich.pretty import pretty_repr

import emrtd
import personalise
import support
import verify
import vsmartcard
from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from emrtd.asn1 import ber
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.lds import registry
from emrtd.lds.files import FileID
from personalise.preparing.station_order import StationOrder
from tests.verify.documents import CAN, usual
from verify.judging.evidence import Exchange
from verify.judging.faults import Data

PACKAGES = (support, emrtd, verify, personalise, vsmartcard)
HOLDER = usual().how.mrz
SECRETS = (HOLDER.surname, "ERIKA", "Erika", HOLDER.document_number, CAN, "5EC2E7", "5ec2e7")


def structs() -> list[type[msgspec.Struct]]:
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, waiting = [], [msgspec.Struct]
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        waiting += subclasses
        found += [each for each in subclasses if not each.__module__.startswith("msgspec")]
    return found


def test_a_struct_that_hides_its_fields_hides_them_from_rich_too() -> None:
    """msgspec has a `__rich_repr__` of its own, which shows every field."""
    hiding = [each for each in structs() if each.__repr__ is not msgspec.Struct.__repr__]
    assert {Data, tlv.DataObject, ber.Value} <= set(hiding)
    shown = [
        f"{each.__module__}.{each.__name__}"
        for each in hiding
        if each.__rich_repr__ is msgspec.Struct.__rich_repr__
    ]
    assert not shown


THINGS: dict[str, object] = {
    "keys of a chip": usual().keys,
    "passwords of a chip": usual().keys.passwords,
    "order of a station": StationOrder("iso7816-9", usual().keys),
    "no keys": ChipKeys(),
    "evidence": usual().evidence(optical_mrz="\n".join(HOLDER.lines)),
    "MRZ": HOLDER,
    "permit": usual().how.permit,
    "report": usual().judged(),
    "data object": tlv.read_expected(usual().files[FileID.DG1], 0x61, "DG1"),
    "BER value": ber.read(usual().files[FileID.SOD], "EF.SOD"),
    "command": CommandAPDU(0, 0xB0, 0, 0, b"MUSTERMANN", 256),
    "response": ResponseAPDU(b"MUSTERMANN", 0x9000),
    "exchange": Exchange(b"MUSTERMANN", b"MUSTERMANN"),
} | {file_id: registry.decode(file_id, octets) for file_id, octets in usual().files.items()}


@pytest.mark.parametrize("what", THINGS)
def test_no_representation_shows_a_secret_or_the_holder(what: str) -> None:
    thing = THINGS[what]
    for text in (repr(thing), str(thing), pretty_repr(thing)):
        shown = [each for each in SECRETS if each.lower() in text.lower()]
        assert not shown, text[:200]
