"""The conformity tests of chips against another implementation: an applet in Java, on jCardSim."""

import secrets
from collections.abc import Iterator

import pytest

from conformance.case import Outcome
from conformance.chip.cards import DescribedCard
from conformance.chip.catalogue import CASES
from conformance.chip.cvca_folder import CvcaFolder
from conformance.chip.own_state import EVERY_MECHANISM, MRZ, Document, document
from conformance.chip.suite import run_suite
from conformance.chip.terminal_pki import KeyKind
from emrtd.access.passwords import Password
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.chaining import with_command_chaining
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, exchange, run
from emrtd.lds.files import FILES
from personalise.preparing.chip_profile import ChipAuthentication
from personalise.station.cards.interface import Blank
from personalise.station.cards.jmrtd_applet import JmrtdAppletCard
from personalise.station.cards.jmrtd_applet_keys import TRUST_POINT
from tests.helpers import replace
from tests.interop.applet import SimulatedApplet
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.layers import Watched

pytestmark = pytest.mark.interop

PROFILE = replace(
    EVERY_MECHANISM,
    pace=(),
    chip_authentication=(
        ChipAuthentication(key_agreement="ECDH", cipher="3DES", domain_parameters=13),
    ),
    active_authentication=None,
)
LACKING = {"PACE", "OddIns", "RSA", "MIG", "MF", "EFATR"}
"""The profiles of the catalogue that the applet does not have."""


@pytest.fixture
def applet(class_path: str) -> Iterator[SimulatedApplet]:
    name = "chipseal.interop.applet.ExtendedAccessApplet"
    with SimulatedApplet(class_path, [name]) as simulated:
        yield simulated


def written(made: Document, atr: bytes) -> Procedure[None]:
    """Write the document, with DG3 and DG4 and a trust point, which the station does not write."""
    card = JmrtdAppletCard(Blank(atr), MRZ)
    yield from card.begin()
    for file_id, content in made.files.items():
        file = FILES[file_id]
        if file.directory is Directory.EMRTD:
            yield from card.create(file, len(content))
            yield from card.write(file, 0, content)
    body = made.cvca.certificate.body
    put = CommandAPDU(0x00, INS.PUT_DATA, TRUST_POINT >> 8, TRUST_POINT & 0xFF, body)
    (yield from with_command_chaining(exchange(put))).require("storing the trust point")
    yield from card.put_keys(replace(made.keys, trust_points=()))
    yield from card.lock()


def test_the_applet_passes_every_case_that_applies(applet: SimulatedApplet) -> None:
    """With changes, so that the trust points and the date of the applet are tried too.

    The applet has no extended length, so certificates are sent in chains.
    """
    made = document(KeyKind.ECDSA, secrets.token_bytes, PROFILE)
    run(written(made, applet.atr), applet.process, applet.reset)
    watched, mrz = Watched(applet), Password.from_mrz_information(MRZ.information)
    with CardConnection(watched) as connection:
        folder = CvcaFolder((made.cvca.certificate,), (made.cvca,))
        card = DescribedCard(connection, mrz, None, folder, changes=True)
        results = run_suite(card, CASES.values(), without=frozenset({"MIG", "MF"}))
    assert [each for each in results if each.outcome is Outcome.FAILED] == []
    not_run = {each.id for each in results if each.outcome is Outcome.NOT_APPLICABLE}
    assert not_run == {
        each.id
        for each in CASES.values()
        if each.withdrawn or LACKING & set(each.profile.split(", "))
    }
    assert len(results) - len(not_run) == 113
