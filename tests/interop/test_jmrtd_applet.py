"""The station writes an applet on jCardSim, and JMRTD reads it by Basic Access Control.

The applet is ours, written from the table of commands in docs/card-kinds.md; jCardSim runs it and
does its cryptography.
"""

from collections.abc import Iterator

import pytest

from emrtd.iso7816.apdu import INS
from personalise.station.outcomes import CardFault, RejectCardError, TryAgainError
from personalise.station.sealed_image import SealedImage
from tests.interop.applet import SimulatedApplet
from tests.interop.applet_documents import Document, issued
from tests.issuing import Agreement, Issuer, Kind
from tests.personalise.applications import changed
from vsmartcard.card.conditions import nth
from vsmartcard.card.layers import Torn, Watched
from vsmartcard.chip.security_domain import BlankKind

pytestmark = pytest.mark.interop

_KIND = Kind(
    pace=(),
    chip_authentication=(Agreement("3DES", 12),),
    active_authentication={"algorithm": "RSA", "bits": 1024, "hash": "SHA-1"},
    bac=True,
    can=False,
    data_groups=("DG1", "DG2", "DG13"),
    card=BlankKind.JMRTD_APPLET,
)


@pytest.fixture
def applet(class_path: str) -> Iterator[SimulatedApplet]:
    with SimulatedApplet(class_path) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Document:
    return issued(tmp_path_factory, issuer, _KIND)


def test_a_permit(
    applet: SimulatedApplet, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = issued(tmp_path_factory, issuer, "permit-jmrtd-applet")
    assert not document.write(applet).resumed
    document.check(applet)
    applet.reset()
    assert document.write(applet).already_complete


def test_active_authentication_and_another_curve(
    applet: SimulatedApplet, document: Document
) -> None:
    document.write(applet)
    document.check(applet)
    applet.reset()
    applet.process(bytes.fromhex("00A4040C07A0000002471001"))
    assert applet.process(bytes.fromhex("00DA0062")) == b"\x69\x85"


def test_a_card_torn_at_each_command_is_finished(
    applet: SimulatedApplet, document: Document
) -> None:
    watched = Watched(applet)
    document.write(watched)
    last = max(at for at, each in enumerate(watched.commands) if each.ins == INS.PUT_DATA)
    positions = [at for at in range(last + 3) if at % 3 == 0 or at > last - 8]
    for at in positions:
        applet.replace()
        with pytest.raises(TryAgainError):
            document.write(Torn(applet, nth(at), carried_out=at % 2 == 0))
        applet.reset()
        document.write(applet)
    document.check(applet)


def test_a_card_of_another_document_is_refused(
    applet: SimulatedApplet,
    document: Document,
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("other")
    issuer.issue(_KIND, folder, changed("document.number", "ZU7654321"))
    with issuer.at_work():
        other = Document(SealedImage.open(folder / "image"))
    watched = Watched(applet)
    document.write(watched)
    last = max(at for at, each in enumerate(watched.commands) if each.ins == INS.PUT_DATA)
    applet.replace()
    with pytest.raises(TryAgainError):
        document.write(Torn(applet, nth(last), carried_out=False))
    applet.reset()
    with pytest.raises(RejectCardError) as refused:
        other.write(applet)
    assert refused.value.fault is CardFault.OTHER_DOCUMENT
    applet.reset()
    document.write(applet)
    document.check(applet)
