"""What a revocation reaches: other certificates, the revocation list, and documents."""

from collections.abc import Iterator
from contextlib import closing

from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import MAX_CRL, Crl
from personalise.pki.folder import CRL_NAME
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.register import Register, RegisteredDocument
from support.records import read_bounded


def is_published(pki: IssuingPki, certificate: Certificate) -> bool:
    """Whether settings and revocation list have a certificate and all in `revoked_together`."""
    path = pki.folder / CRL_NAME
    listed = Crl.parse(read_bounded(path, MAX_CRL)).revoked if path.is_file() else ()
    together = revoked_together(pki, certificate)
    return all(pki.is_revoked(each) and each.serial in listed for each in together)


def revoked_together(pki: IssuingPki, certificate: Certificate) -> list[Certificate]:
    """Return a certificate, and those that are revoked with it (Doc 9303-12, 4.1.5.1).

    Those of a CSCA's key are its root and its link certificates: a verifier may trust the key by
    any of them.  With a key go the keys to which it signed links.
    """
    if not certificate.is_ca:
        return [certificate]
    authorities = [each for each in pki.issued() if each.is_ca]
    keys, before = {certificate.public_key}, 0
    while len(keys) > before:
        before = len(keys)
        signers = [each for each in authorities if each.public_key in keys]
        keys |= {
            each.public_key
            for each in authorities
            if any(each.is_signed_by(signer) for signer in signers)
        }
    found = (each for each in authorities if each.public_key in keys and each != certificate)
    return [certificate, *found]


def affected_documents(pki: IssuingPki, certificate: Certificate) -> Iterator[RegisteredDocument]:
    """Yield every document that a Document Signer signed, or any one that is revoked with a CSCA.

    The documents' numbers are personal data.
    """
    signers = [certificate]
    if certificate.is_ca:
        together = revoked_together(pki, certificate)
        keys = {each.extensions.subject_key_identifier for each in together}
        issued = [each for each in pki.issued() if not each.is_ca]
        signers = [each for each in issued if each.extensions.authority_key_identifier in keys]
    with closing(Register(pki.folder)) as register:
        for signer in signers:
            yield from register.signed_by(signer.fingerprint, pki.unseal)
