"""The station writes an applet on jCardSim, and JMRTD reads it by Basic Access Control.

The applet is ours, written from the table of commands in docs/card-kinds.md; jCardSim runs it and
does its cryptography.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from emrtd.access.passwords import Password
from emrtd.iso7816.apdu import INS
from emrtd.iso7816.procedure import run
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from personalise.station.one_card import write_image
from personalise.station.outcomes import CardFault, RejectCardError, TryAgainError
from personalise.station.sealed_image import SealedImage
from personalise.station.writing import WriteReport
from tests.interop.applet import SimulatedApplet
from tests.interop.test_jmrtd import sha256
from tests.issuing import Agreement, Issuer, Kind
from tests.personalise.applications import changed
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from vsmartcard.card.conditions import nth
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.interface import Card
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


@dataclass(frozen=True)
class Document:
    """An issued document."""

    image: SealedImage

    @property
    def mrz(self) -> Mrz:
        """The MRZ of DG1."""
        return DataGroup1.decode(self.image.files[FileID.DG1]).mrz

    @property
    def files(self) -> dict[FileID, bytes]:
        """The files that the applet holds."""
        return {each: octets for each, octets in self.image.files.items() if each != FileID.DIR}

    def write(self, card: Card) -> WriteReport:
        """Write it, lock the card and inspect it."""
        with CardConnection(card) as connection:
            return write_image(self.image.files, self.image.order, connection)

    def check(self, applet: SimulatedApplet) -> None:
        """Assert that JMRTD and our verifier read what was issued."""
        found = applet.read(self.mrz)
        read = {name: digest for name, _, digest in map(str.split, found.all["file"])}
        assert read == {
            each.removeprefix("EF."): sha256(octets) for each, octets in self.files.items()
        }
        groups = [name for name in read if name.startswith("DG")]
        assert sorted(found.all["hash"]) == sorted(f"{name} true" for name in groups)
        assert found["access"] == "BAC"
        assert found["sod-signature"] == "true"
        assert found["mrz"] == self.mrz.text
        assert found["chip-authentication"] == "id-CA-ECDH-3DES-CBC-CBC"
        if FileID.DG15 in self.files:
            assert found["active-authentication"] == "true RSA"
        faces = DataGroup2.decode(self.files[FileID.DG2]).faces()
        assert [each.split()[2] for each in found.all["face"]] == [
            sha256(face.data) for face in faces
        ]
        applet.reset()
        mrz = Password.from_mrz_information(self.mrz.information)
        evidence = run(inspect(Credentials(mrz=mrz)), applet.process, applet.reset)
        assert dict(evidence.files) == self.files


@pytest.fixture
def applet(class_path: str) -> Iterator[SimulatedApplet]:
    with SimulatedApplet(class_path) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Document:
    return issued(tmp_path_factory, issuer, _KIND)


def issued(factory: pytest.TempPathFactory, issuer: Issuer, kind: Kind | str) -> Document:
    folder = factory.mktemp("document")
    issuer.issue(kind, folder)
    with issuer.at_work():
        return Document(SealedImage.open(folder / "image"))


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
