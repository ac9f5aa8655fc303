"""Documents of one State to measure with: the files of a specimen, numbered and signed anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

from emrtd.crypto.ecdsa import public_key
from emrtd.crypto.signatures import EcPublicKey, hash_algorithm
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FILES, FileID, data_group
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.sod import Sod
from emrtd.mrz import Mrz
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.x509.crl import Crl
from emrtd.specimens import Specimen, make_specimen
from verify.trust.files import TrustFile
from verify.trust.importing import import_files
from verify.trust.store import TrustStore

MADE = datetime(2026, 11, 22, 10, tzinfo=UTC)
AT = MADE + timedelta(hours=2)
"""The instant of judgement."""

Files = Mapping[FileID, bytes]


@dataclass(frozen=True)
class Documents:
    """A State, and its documents by number."""

    specimen: Specimen

    @classmethod
    def make(cls, profile: str = "permit") -> "Documents":
        return cls(make_specimen(profile, MADE))

    def files(self, number: int) -> Files:
        """Return the files of a document; its fingerprints are not read."""
        specimen = self.specimen
        groups = {
            each: specimen.files[data_group(each).file_id]
            for each in Sod.parse(specimen.files[FileID.SOD]).security_object.hashes
        }
        groups[1] = DataGroup1(_numbered(specimen.mrz, number)).encode()
        sod = Sod.parse(specimen.files[FileID.SOD])
        content = type(sod.security_object).over(groups, sod.security_object.hash_algorithm)
        signed = specimen.state.document_signer.sign_security_object(content, MADE)
        changed = {FileID.SOD: signed, FileID.DG1: groups[1]}
        return {
            file_id: octets
            for file_id, octets in {**specimen.files, **changed}.items()
            if file_id not in {FileID.DG3, FileID.DG4}
        }

    def save(self, folder: Path, numbers: range, without: tuple[FileID, ...] = ()) -> None:
        """Save documents, a folder each, without some files and without waiting for the disk."""
        for number in numbers:
            image = folder / f"{number // 1000:04}" / f"{number:07}"
            image.mkdir(parents=True)
            for file_id, octets in self.files(number).items():
                if file_id in without:
                    continue
                (image / FILES[file_id].file_name).write_bytes(octets)

    def make_store(self, path: Path) -> TrustStore:
        state = self.specimen.state
        store = TrustStore.open(path, create=True)
        contents = (state.csca_certificate, Crl.parse(state.crl))
        import_files(store, [TrustFile("csca", b"", contents)], at=MADE)
        return store

    def raw(self, files: Files) -> Callable[[], None]:
        """Return the cryptography of one document alone: its signatures, and its hashes."""
        sod = Sod.parse(files[FileID.SOD])
        signed = [sod.signed_data]
        if FileID.CARD_SECURITY in files:
            signed.append(CardSecurity.decode(files[FileID.CARD_SECURITY]).signed_data)
        verifications = [_raw_signature(each) for each in signed]
        digest = sod.security_object.hash_algorithm.digest
        groups = [
            files[data_group(number).file_id]
            for number in sod.security_object.hashes
            if data_group(number).file_id in files
        ]

        def work() -> None:
            for verify in verifications:
                verify()
            for each in groups:
                digest(each)

        return work


def _raw_signature(data: SignedData) -> Callable[[], None]:
    """Return a function that only verifies with OpenSSL; everything else is prepared before."""
    (signer,) = data.signers
    certificate = data.certificate_of(signer)
    assert certificate is not None
    key, message = certificate.public_key, signer.signed_attributes
    assert isinstance(key, EcPublicKey)
    assert message is not None
    octets = message
    loaded = public_key(key.curve, key.point)
    algorithm = ECDSA(hash_algorithm(signer.scheme.hash))
    return lambda: loaded.verify(signer.signature, octets, algorithm)


def _numbered(mrz: Mrz, number: int) -> Mrz:
    return Mrz.build(
        str(mrz.format),
        document_code=mrz.document_code,
        issuing_state=mrz.issuing_state,
        document_number=f"ZU{number:07}",
        nationality=mrz.nationality,
        date_of_birth=mrz.date_of_birth,
        sex=mrz.sex,
        date_of_expiry=mrz.date_of_expiry,
        surname=mrz.surname,
        given_names=mrz.given_names,
    )
