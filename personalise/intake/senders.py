"""The senders of packages: which signatures are accepted.

A file or a folder registers senders, by certificates in PEM or DER:

- every certificate registers its own holder as a signer, whoever issued it;
- the certificate of a CA also registers each signer to whom the CA issued a certificate, directly
  or through further CAs whose certificates are in the package.

Every certificate on the way must be valid when the package is read, and the signer's must allow
signatures.  Revocation lists in the same file or folder are heeded: a certificate on the list of
its CA is refused, and so is every certificate of a registered CA whose list is overdue.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from emrtd.crypto.hashes import Hash
from emrtd.errors import ProtocolError
from emrtd.pki.cms.signed_stream import SignedStream
from emrtd.pki.cms.signer_info import SignerInfo
from emrtd.pki.path import objection_to_issuer
from emrtd.pki.pem import PEM_BEGIN, decode_pem
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extensions import KeyUsage
from personalise.intake.refusals import Refusal, RefusedPackageError
from support.errors import MalformedError, MisuseError
from support.files import decoding
from support.records import read_bounded

_MAX_FILE: Final = 16 * 1024 * 1024
_MAX_PATH: Final = 6
"""Certificates above that of a signer, up to a registered CA."""
_NON_REPUDIATION: Final = 1  # a bit of KeyUsage that Doc 9303 does not use (RFC 5280, 4.2.1.3)

MAX_AGE: Final = timedelta(days=30)
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


class WrongSignatureError(RefusedPackageError):
    """A signature that was not verified, so that what it covers may have been altered."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(Refusal.SENDER, message, advice=advice)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who signed a package, as far as it is known.

    `certificate` is the signer's, None for a package without a signature or without that
    certificate.  `is_authenticated`: the signature was verified, and the signer is registered.
    """

    certificate: Certificate | None = None
    signed: datetime | None = None
    is_authenticated: bool = False


NOBODY: Final = Sender()
"""The sender of a package without a signature."""


@dataclass(frozen=True, slots=True)
class Senders:
    """The registered senders."""

    certificates: frozenset[Certificate]
    lists: tuple[Crl, ...] = ()

    @classmethod
    def load(cls, path: Path) -> "Senders":
        """Read the certificates and revocation lists in a file, or in all files of a folder.

        Raises `MalformedError` for a file that holds neither, `MisuseError` if there is no
        certificate at all.
        """
        files = (
            sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
        )
        certificates: list[Certificate] = []
        lists: list[Crl] = []
        for file in files:
            with decoding(file):
                for octets, is_list in _blocks(read_bounded(file, _MAX_FILE)):
                    if is_list:
                        lists.append(Crl.parse(octets))
                    else:
                        certificates.append(Certificate.parse(octets))
        if not certificates:
            raise MisuseError(f"{path}: holds no certificate of a sender")
        return cls(frozenset(certificates), tuple(lists))

    def objection_to(
        self, signer: Certificate, enclosed: Sequence[Certificate], at: datetime
    ) -> str | None:
        """Return why a certificate is not that of a registered signer, or None.

        `enclosed` are the certificates in the package; `at` is the time for which all are judged.
        """
        objection = _objection_to_signer(signer, at)
        if objection is not None:
            return objection
        if signer in self.certificates:
            return self._objection_by_list(signer, at)
        objections = []
        for found in self._paths_up(signer, enclosed, at):
            if found is None:
                return None
            objections.append(found)
        return objections[0] if objections else _UNREGISTERED

    def _paths_up(
        self, signer: Certificate, enclosed: Sequence[Certificate], at: datetime
    ) -> Iterator[str | None]:
        """Yield None for a path to a registered CA, and the objection to each other path.

        Each certificate is visited once, on its shortest path, however many certify one another.
        """
        pending = deque([(signer, 0)])
        visited = {signer}
        while pending:
            certificate, depth = pending.popleft()
            for issuer in (*self.certificates, *enclosed):
                if issuer in visited or not issuer.subject.matches(certificate.issuer):
                    continue
                if not certificate.is_signed_by(issuer):
                    continue
                visited.add(issuer)
                objection = (
                    objection_to_issuer(issuer, certificate)
                    or _objection_to_dates(issuer, at, "the certificate of its CA")
                    or _objection_to_length(issuer, depth)
                    or self._objection_by_list(certificate, at)
                )
                if objection is not None or issuer in self.certificates:
                    yield objection
                elif depth + 1 < _MAX_PATH:
                    pending.append((issuer, depth + 1))

    def _objection_by_list(self, certificate: Certificate, at: datetime) -> str | None:
        """Return what the revocation lists of its registered CA say against a certificate."""
        issuers = [each for each in self.certificates if each.subject.matches(certificate.issuer)]
        for each in self.lists:
            if not each.issuer.matches(certificate.issuer):
                continue
            if not any(_is_signed_by(each, issuer) for issuer in issuers):
                continue
            if certificate.serial in each.revoked:
                return "its certificate is revoked"
            if each.objection is not None:
                return f"the revocation list of its CA cannot be used: {each.objection}"
            if each.next_update is not None and each.next_update < at:
                return f"the revocation list of its CA is overdue since {each.next_update:%Y-%m-%d}"
        return None


def authenticate(
    signatures: Sequence[SignedStream],
    senders: Senders | None,
    at: datetime,
    max_age: timedelta = MAX_AGE,
) -> Sender:
    """Verify the signatures of a package, the innermost last; return its sender.

    Every signature must verify, and none may be older than `max_age`.  With `senders` there must be
    one, and each signer must be registered; the sender is the innermost signer.  Raises
    `RefusedPackageError`.
    """
    if senders is not None and not signatures:
        raise _refused("the package is not signed", "sign it with the key of a registered sender")
    sender = NOBODY
    for each in signatures:
        found = [_authenticate_signer(each, info, senders, at, max_age) for info in each.signers]
        sender = next((one for one in found if one.is_authenticated), found[0])
    return sender


_UNREGISTERED: Final = "it is not a registered sender, nor does its certificate lead to one"


def _authenticate_signer(
    signed: SignedStream,
    info: SignerInfo,
    senders: Senders | None,
    at: datetime,
    max_age: timedelta,
) -> Sender:
    known = () if senders is None else tuple(senders.certificates)
    signer = next((each for each in (*signed.certificates, *known) if info.names(each)), None)
    if signer is None and senders is None:
        return Sender(None, info.signing_time)
    _verify(signed, info, signer)
    _require_fresh(info.signing_time, at, max_age)
    if senders is None or signer is None:
        return Sender(signer, info.signing_time)
    objection = senders.objection_to(signer, signed.certificates, at)
    if objection is not None:
        raise _refused(
            f"the signer is not accepted: {objection}",
            "register the sender's certificate, or that of its CA, with --senders",
        )
    return Sender(signer, info.signing_time, is_authenticated=True)


def _verify(signed: SignedStream, info: SignerInfo, signer: Certificate | None) -> None:
    """Verify a signature; raises `WrongSignatureError`."""
    if signer is None or signer.public_key is None:
        problem = (
            "is not enclosed" if signer is None else f"has a key that is not used: {signer.key}"
        )
        raise WrongSignatureError(
            f"the signer's certificate {problem}", advice="enclose it, with an RSA or EC key"
        )
    if info.digest is Hash.SHA1:
        raise WrongSignatureError(
            "the signature is made with SHA-1", advice="sign with `-md sha256`"
        )
    if info.signed_attributes is None:
        raise WrongSignatureError(
            "the signature has no signed attributes", advice="sign without `-noattr`"
        )
    try:
        signed.verify(info, signer.public_key)
    except ProtocolError as error:
        raise WrongSignatureError(f"the signature is wrong: {error.message}") from None


def _require_fresh(signed: datetime | None, at: datetime, max_age: timedelta) -> None:
    if signed is None:
        raise RefusedPackageError(Refusal.STALE, "the signature does not say when it was made")
    if signed > at + _CLOCKS_DIFFER:
        raise RefusedPackageError(
            Refusal.STALE,
            f"the package was signed at {signed:%Y-%m-%d %H:%M} UTC, which is in the future",
            advice="one of the two clocks is wrong",
        )
    if signed < at - max_age:
        raise RefusedPackageError(
            Refusal.STALE,
            f"the package was signed at {signed:%Y-%m-%d %H:%M} UTC, more than"
            f" {max_age / timedelta(days=1):g} days ago",
            advice="sign it anew, or accept older ones with --max-age",
        )


def _objection_to_signer(signer: Certificate, at: datetime) -> str | None:
    extensions = signer.extensions
    usage = extensions.key_usage
    if usage is not None and not usage & {KeyUsage.DIGITAL_SIGNATURE, _NON_REPUDIATION}:
        return "its key is not for signatures"
    if extensions.unknown_critical or extensions.malformed:
        return "its certificate has an extension that is not understood"
    return _objection_to_dates(signer, at, "its certificate")


def _objection_to_dates(certificate: Certificate, at: datetime, whose: str) -> str | None:
    if not certificate.not_before <= at <= certificate.not_after:
        begin, end = certificate.not_before, certificate.not_after
        return f"{whose} is valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d}"
    return None


def _objection_to_length(issuer: Certificate, below: int) -> str | None:
    constraints = issuer.extensions.basic_constraints
    length = None if constraints is None else constraints.path_length
    if length is not None and below > length:
        return "its CA may not have so many CAs below it"
    return None


def _is_signed_by(crl: Crl, issuer: Certificate) -> bool:
    if issuer.public_key is None:
        return False
    try:
        crl.verify_signed_by(issuer.public_key)
    except ProtocolError:
        return False
    return True


def _refused(message: str, advice: str) -> RefusedPackageError:
    return RefusedPackageError(Refusal.SENDER, message, advice=advice)


def _blocks(octets: bytes) -> Iterable[tuple[bytes, bool]]:
    """Yield each certificate, and each revocation list with True."""
    if PEM_BEGIN not in octets:
        try:
            Crl.parse(octets)
        except MalformedError:
            yield octets, False
        else:
            yield octets, True
        return
    for label, block in decode_pem(octets, "file"):
        if label == b"CERTIFICATE":
            yield block, False
        elif label == b"X509 CRL":
            yield block, True
