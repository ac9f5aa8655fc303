"""Time stamps (RFC 3161) over the head of the audit log, so that a cut tail is noticed.

A time-stamp authority signs the digest of the log's last line, with the time.  A later log must
still contain that line.  Anchors are kept in the folder `anchors` of the PKI, and should be kept
elsewhere too: whoever cuts the log could remove those beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_algorithm, read_integer, read_time
from emrtd.crypto.hashes import Hash
from emrtd.crypto.public_keys import decode_public_key
from emrtd.errors import ProtocolError
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extensions import EXTENDED_KEY_USAGE
from personalise.pki.audit_log import read_log, timestamp
from personalise.pki.certificate_file import read_certificates
from personalise.pki.folder import AUDIT_KEY_NAME, AUDIT_LOG_NAME
from support.errors import MalformedError, MisuseError
from support.files import write_atomically
from support.records import read_bounded
from support.values import Value

FOLDER: Final = "anchors"
SUFFIX: Final = ".tsr"
TRUSTED_NAME: Final = "tsa.cer"
MAX_ANSWER: Final = 1 << 20

_ID_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_GRANTED: Final = frozenset({0, 1})
_WHAT: Final = "time stamp"
_TOLERANCE: Final = timedelta(minutes=5)


class TimeStamp(Value, frozen=True):
    """A time stamp over a SHA-256 digest; `signer` is the authority's certificate, as enclosed."""

    digest: bytes
    at: datetime
    serial: int
    nonce: int | None
    signed: SignedData
    signer: Certificate

    @classmethod
    def parse(cls, octets: bytes) -> "TimeStamp":
        """Read the answer of an authority, a TimeStampResp (RFC 3161, 2.4.2), and verify its form.

        Raises `MalformedError`, and `ProtocolError` if the authority refused.
        """
        if len(octets) > MAX_ANSWER:
            raise MalformedError(_WHAT, f"has {len(octets):,} octets, which is too many")
        answer = ber.read(ber.definite(octets, _WHAT), _WHAT).expect(der.SEQUENCE)
        status = answer.children[0].expect(der.SEQUENCE).children if answer.children else ()
        if not status:
            raise answer.malformed("has no status")
        number = read_integer(status[0])
        if number not in _GRANTED:
            raise ProtocolError(f"the time-stamp authority refused, with status {number}")
        if len(answer.children) != 2:
            raise answer.malformed("has no token")
        signed = SignedData.parse(answer.children[1].encoded, _WHAT, MAX_ANSWER)
        return cls._of(signed)

    @classmethod
    def _of(cls, signed: SignedData) -> "TimeStamp":
        info = signed.read_content(_ID_TST_INFO, _WHAT).expect(der.SEQUENCE)
        fields = info.children
        if len(fields) < 5:
            raise info.malformed("lacks fields")
        imprint = fields[2].expect(der.SEQUENCE).children
        if len(imprint) != 2 or read_algorithm(imprint[0]).oid != Hash.SHA256.oid:
            raise fields[2].malformed("is not over a SHA-256 digest")
        nonces = [read_integer(each) for each in fields[5:] if each.tag == der.INTEGER]
        signer = signed.certificate_of(signed.signers[0])
        if signer is None:
            raise MalformedError(_WHAT, "does not enclose the certificate of its signer")
        return cls(
            digest=imprint[1].expect(der.OCTET_STRING).contents,
            at=read_time(fields[4]),
            serial=read_integer(fields[3]),
            nonce=nonces[0] if nonces else None,
            signed=signed,
            signer=signer,
        )

    def verify(self, trusted: Certificate) -> None:
        """Verify the signature, with a trusted certificate: of the authority, or of its CA.

        The authority's certificate is for time stamps alone (RFC 3161, 2.3), and was valid at the
        time of the stamp.  Raises `ProtocolError`.
        """
        signer = self.signer
        if signer != trusted and not (trusted.is_ca and signer.is_signed_by(trusted)):
            raise ProtocolError(
                "the time stamp's signer is not the trusted one, nor certified by it"
            )
        usage = signer.extensions.get(EXTENDED_KEY_USAGE)
        purposes = signer.extensions.extended_key_usage
        if usage is None or not usage.critical or purposes != frozenset({_TIME_STAMPING}):
            raise ProtocolError("the time stamp's signer may not sign time stamps")
        if not signer.not_before <= self.at <= signer.not_after:
            raise ProtocolError("the time stamp is from outside its signer's validity")
        if signer.public_key is None:
            raise ProtocolError(f"{signer.key} is not a key that verifies time stamps")
        content_type, content = self.signed.content_type, self.signed.content
        self.signed.signers[0].verify(content_type, content, signer.public_key)


def query(digest: bytes, nonce: int) -> bytes:
    """Return a TimeStampReq over a SHA-256 digest (RFC 3161, 2.4.1) that asks for certificates."""
    imprint = der.sequence(
        der.sequence(der.oid(Hash.SHA256.oid), der.null()), der.octet_string(digest)
    )
    return der.sequence(der.integer(1), imprint, der.integer(nonce), der.boolean(True))


def anchors(folder: Path) -> Iterator[tuple[Path, TimeStamp]]:
    """Yield the time stamps of a PKI with their files; raises `MalformedError`."""
    for path in sorted((folder / FOLDER).glob(f"*{SUFFIX}")):
        yield path, TimeStamp.parse(read_bounded(path, MAX_ANSWER))


def require_anchored(
    folder: Path, more: Iterable[Path], trusted: Certificate | None
) -> list[TimeStamp]:
    """Verify the anchors of a PKI, and `more` of them kept elsewhere; return them by their time.

    The log must have every line that was stamped, no later than its stamp (clocks may differ by
    minutes).  `trusted` defaults to the certificate beside the anchors.  Raises `ProtocolError`.
    """
    found = [
        *anchors(folder),
        *((path, TimeStamp.parse(read_bounded(path, MAX_ANSWER))) for path in more),
    ]
    if not found:
        return []
    if trusted is None:
        trusted = read_trusted(folder / FOLDER / TRUSTED_NAME)
    _require_in_log(folder, found, trusted)
    return sorted((stamp for _, stamp in found), key=lambda each: each.at)


def _require_in_log(
    folder: Path, stamps: Sequence[tuple[Path, TimeStamp]], trusted: Certificate
) -> None:
    """Raise `ProtocolError` unless each stamp verifies, over a line that the log has."""
    wanted = {stamp.digest.hex() for _, stamp in stamps}
    key = decode_public_key(read_bounded(folder / AUDIT_KEY_NAME, MAX_ANSWER))
    log = read_log(folder / AUDIT_LOG_NAME, key)
    lines = {digest: entry.at for entry, digest in log if digest in wanted}
    for path, stamp in stamps:
        stamp.verify(trusted)
        entered = lines.get(stamp.digest.hex())
        if entered is None:
            raise ProtocolError(
                f"{path}: the audit log has no line that was stamped at {timestamp(stamp.at)}:"
                " entries are missing or were changed"
            )
        if entered > timestamp(stamp.at + _TOLERANCE):
            raise ProtocolError(f"{path}: the line is of {entered}, later than its time stamp")


def add_anchor(folder: Path, answer: bytes, trusted: Certificate, nonce: int | None = None) -> Path:
    """Keep an authority's answer as an anchor; return its file.

    Raises `ProtocolError` if it does not verify or is not over a line of the log, or if the nonce
    is another one.
    """
    stamp = TimeStamp.parse(answer)
    if nonce is not None and stamp.nonce != nonce:
        raise ProtocolError("the time stamp answers another query")
    kept = folder / FOLDER
    path = kept / f"{stamp.at:%Y%m%dT%H%M%SZ}-{stamp.digest.hex()[:16]}{SUFFIX}"
    given = kept / TRUSTED_NAME
    if given.is_file() and read_trusted(given) != trusted:
        advice = f"to trust another one from now on, keep {given} elsewhere and remove it"
        raise MisuseError(f"{given}: is another authority's certificate", advice=advice)
    _require_in_log(folder, [(path, stamp)], trusted)
    kept.mkdir(exist_ok=True)
    write_atomically(path, answer)
    write_atomically(given, trusted.der)
    return path


def read_trusted(path: Path) -> Certificate:
    """Read the certificate of a time-stamp authority, or of its CA; DER or PEM."""
    found = read_certificates(path)
    if len(found) != 1:
        raise MisuseError(f"{path}: holds {len(found)} certificates, not one")
    return found[0]
