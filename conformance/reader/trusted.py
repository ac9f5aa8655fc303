"""What an inspection system trusts in a case: as files in a folder, and for our own verifier."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance.reader.case import Presented
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.private_keys import EcPrivateKey, RsaPrivateKey
from emrtd.pki.private_key_file import encrypt_private_key
from emrtd.pki.trust import TrustSet, TrustView
from emrtd.pki.x509.crl import Crl
from support.errors import ChipsealError
from support.secret import Secret


def write_trust(presented: Presented, folder: Path) -> None:
    """Write the CSCAs' certificates and CRLs, in DER, and signers that EF.SOD does not enclose."""
    document = presented.document
    for number, anchor in enumerate(document.anchors):
        (folder / f"csca{number}.cer").write_bytes(anchor.der)
    for number, crl in enumerate(document.crls):
        (folder / f"csca{number}.crl").write_bytes(crl)
    for number, signer in enumerate(document.signers):
        (folder / f"signer{number}.cer").write_bytes(signer.der)


@contextmanager
def trust_of(presented: Presented) -> Iterator[TrustView]:
    """Return the trust of our verifier; with a forger's files in it, a store that imports them."""
    document = presented.document
    if not presented.poison:
        crls = map(Crl.parse, document.crls)
        yield TrustSet(document.anchors, crls, document.signers, "the suite")
        return
    from verify.trust.files import read_trust_file
    from verify.trust.importing import import_files
    from verify.trust.store import TrustStore

    at = presented.at or document.how.at
    with TemporaryDirectory(prefix="chipseal-") as name:
        folder = Path(name)
        write_trust(presented, folder)
        own = [read_trust_file(each) for each in sorted(folder.iterdir())]
        with TrustStore.open(folder / "trust.sqlite", create=True) as store:
            import_files(store, own, at=at, unverified=True)
            for number, octets in enumerate(presented.poison):
                path = folder / f"forger{number}"
                path.write_bytes(octets)
                with suppress(ChipsealError):  # it refuses the file as a whole
                    import_files(store, [read_trust_file(path)], at=at)
            yield store


PASSPHRASE_FILE: Final = "passphrase"  # noqa: S105 - the name of the file


def write_terminal(terminal: TerminalCredentials, folder: Path) -> None:
    """Write a terminal's certificates (*.cvcert), its key (key.p8) and the key's pass phrase.

    The key is of nobody: its pass phrase lies beside it, as `verify card --terminal` reads both.
    """
    signer = terminal.signer
    if not isinstance(signer, EcPrivateKey | RsaPrivateKey):
        raise TypeError("the key of a terminal of the suite is in memory")
    passphrase = b"conformance"
    for number, certificate in enumerate(terminal.certificates):
        (folder / f"{number}.cvcert").write_bytes(certificate.encode())
    (folder / "key.p8").write_bytes(encrypt_private_key(signer, Secret(passphrase)))
    (folder / PASSPHRASE_FILE).write_bytes(passphrase)
