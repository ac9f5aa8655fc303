"""The victim of a forger: the files of a genuine document that the forger once held."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from emrtd.access.chip_keys import ChipKeys
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import DATA_GROUPS, FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.lds.security.sod import Sod
from emrtd.mrz import Mrz
from emrtd.pki.x509.certificates import Certificate
from support.errors import MisuseError
from vsmartcard.forging.surgery import without_tag


@dataclass(frozen=True)
class Victim:
    """The files of a genuine document.

    A forger does not have the keys of its chip, except passwords, which are printed.  `keys` are
    for whoever tests a reader with a document of its own: a forgery that leaves the genuine chip
    in place (another printed MRZ) then has them.
    """

    files: Mapping[FileID, bytes]
    keys: ChipKeys | None = None

    def file(self, file_id: FileID) -> bytes:
        """Return a file; raises `MisuseError` if the document does not have it."""
        if file_id not in self.files:
            raise MisuseError(
                f"this kind of forgery needs a document with {file_id}",
                advice="choose another kind, or an image with this file",
            )
        return self.files[file_id]

    @cached_property
    def groups(self) -> dict[int, bytes]:
        """The data groups, by number."""
        return {
            file.number: self.files[file.file_id]
            for file in DATA_GROUPS
            if file.number is not None and file.file_id in self.files
        }

    @cached_property
    def mrz(self) -> Mrz:
        """The machine readable zone in DG1."""
        return DataGroup1.decode(self.file(FileID.DG1)).mrz

    @cached_property
    def signed_data(self) -> bytes:
        """The ContentInfo of EF.SOD."""
        return without_tag(self.file(FileID.SOD))

    @cached_property
    def sod(self) -> Sod:
        """EF.SOD."""
        return Sod.parse(self.file(FileID.SOD))

    @cached_property
    def signer(self) -> Certificate:
        """The Document Signer's certificate, which EF.SOD encloses."""
        data = self.sod.signed_data
        found = data.certificate_of(data.signers[0])
        if found is None:
            raise MisuseError(
                "this kind of forgery needs an EF.SOD that encloses its signer's certificate",
                advice="choose another kind or another image",
            )
        return found

    @property
    def csca_name(self) -> bytes:
        """The encoded name of its CSCA, which the Document Signer's certificate has as issuer."""
        return self.signer.issuer.encoded

    @property
    def csca_key_identifier(self) -> bytes:
        """The key identifier of its CSCA; empty if the signer's certificate does not have it."""
        return self.signer.extensions.authority_key_identifier or b""

    @property
    def country(self) -> str:
        """The country of its CSCA, two letters."""
        return self.signer.issuer.country or ""

    @cached_property
    def security_infos(self) -> SecurityInfos:
        """The SecurityInfos of DG14."""
        return DataGroup14.decode(self.file(FileID.DG14)).security_infos

    @cached_property
    def active_authentication(self) -> DataGroup15:
        """DG15."""
        return DataGroup15.decode(self.file(FileID.DG15))
