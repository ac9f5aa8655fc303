"""Documents for the applets on jCardSim: written by the station, read by JMRTD and by us."""

from dataclasses import dataclass
from hashlib import sha256

import pytest

from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import run
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from personalise.station.one_card import write_image
from personalise.station.sealed_image import SealedImage
from personalise.station.writing import WriteReport
from tests.interop.applet import SimulatedApplet
from tests.issuing import Issuer, Kind
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.interface import Card


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
            each.removeprefix("EF."): sha256(octets).hexdigest()
            for each, octets in self.files.items()
        }
        groups = [name for name in read if name.startswith("DG")]
        assert sorted(found.all["hash"]) == sorted(f"{name} true" for name in groups)
        assert found["access"] == "BAC"
        assert found["sod-signature"] == "true"
        assert found["mrz"] == self.mrz.text
        if FileID.DG14 in self.files:
            assert found["chip-authentication"] == "id-CA-ECDH-3DES-CBC-CBC"
        if FileID.DG15 in self.files:
            assert found["active-authentication"] == "true RSA"
        faces = DataGroup2.decode(self.files[FileID.DG2]).faces()
        assert [each.split()[2] for each in found.all["face"]] == [
            sha256(face.data).hexdigest() for face in faces
        ]
        applet.reset()
        mrz = Password.from_mrz_information(self.mrz.information)
        evidence = run(inspect(Credentials(mrz=mrz)), applet.process, applet.reset)
        assert dict(evidence.files) == self.files


def issued(factory: pytest.TempPathFactory, issuer: Issuer, kind: Kind | str) -> Document:
    folder = factory.mktemp("document")
    issuer.issue(kind, folder)
    with issuer.at_work():
        return Document(SealedImage.open(folder / "image"))
