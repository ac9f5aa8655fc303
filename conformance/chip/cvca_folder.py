"""The folder of `--cvca`: card-verifiable certificates (*.cvcert) and encrypted keys (*.p8)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.chip.terminal_pki import Certified, Chain, Holder
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.signatures import EcPublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.validation import find_chain
from emrtd.pki.private_key_file import WrongPassphraseError, decrypt_private_key
from support.errors import MisuseError
from support.files import decoding
from support.records import read_bounded
from support.secret import Secret

_MAX_FILE: Final = 64 * 1024


@dataclass(frozen=True)
class CvcaFolder:
    """Certificates, and the holders among them whose key is known."""

    certificates: tuple[CvCertificate, ...]
    known: tuple[Holder, ...]

    @classmethod
    def load(cls, folder: Path, passphrase: Secret) -> "CvcaFolder":
        """Read a folder; every key must be that of a certificate, and have this pass phrase.

        Raises `MisuseError` if there is no such folder or a key fits no certificate,
        `WrongPassphraseError` or `MalformedError` for a file that cannot be read.
        """
        if not folder.is_dir():
            raise MisuseError(f"{folder}: no such folder", advice="name a folder of *.cvcert files")
        certificates = tuple(map(_read_certificate, sorted(folder.glob("*.cvcert"))))
        known = []
        for path in sorted(folder.glob("*.p8")):
            key = _read_key(path, passphrase)
            found = [each for each in certificates if _is_of(each, key)]
            if not found:
                raise MisuseError(f"{path}: no certificate in {folder} is of this key")
            known += [Holder(each, key, each.public_key.scheme) for each in found]
        return cls(certificates, tuple(known))

    def holders(self, trust_points: tuple[str, ...]) -> tuple[Holder | None, Chain | None]:
        """Return the CVCA that is a trust point, and a chain to a terminal; None for either.

        A CVCA or a terminal whose key is not in the folder is of no use, and left out.
        """
        names = trust_points or tuple(
            each.holder_reference for each in self.certificates if each.role is Role.CVCA
        )
        roots = (each for each in self.known if each.certificate.role is Role.CVCA)
        by_name = {each.reference: each for each in roots}
        root = next((by_name[name] for name in names if name in by_name), None)
        for holder in self.known:
            if holder.certificate.role is Role.TERMINAL:
                try:
                    chain = find_chain(self.certificates, names, holder.reference)
                except MisuseError:
                    continue
                return root, Chain(tuple(map(Certified, chain[:-1])), holder)
        return root, None


def _read_key(path: Path, passphrase: Secret) -> PrivateKey:
    try:
        with decoding(path):
            return decrypt_private_key(read_bounded(path, _MAX_FILE), passphrase)
    except WrongPassphraseError:
        raise WrongPassphraseError(
            f"{path}: the pass phrase does not open this key",
            advice="name the file that contains the right one with --passphrase-file",
        ) from None


def _read_certificate(path: Path) -> CvCertificate:
    with decoding(path):
        return CvCertificate.decode(read_bounded(path, _MAX_FILE))


def _is_of(certificate: CvCertificate, key: PrivateKey) -> bool:
    """Whether a certificate is of this key; that of a DV or a terminal inherits the curve."""
    public = key.public_key
    try:
        curve = public.curve if isinstance(public, EcPublicKey) else None
        return certificate.public_key.inherit(curve).key == public
    except ProtocolError:
        return False
