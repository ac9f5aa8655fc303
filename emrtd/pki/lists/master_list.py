"""CSCA Master Lists (Doc 9303-12, 9): a State's signed list of the CSCA certificates it trusts.

`MasterList.parse` only reads a list; `emrtd.pki.passive.examine` verifies its signature, with
`Purpose.MASTER_LIST_SIGNER`.
"""

from typing import Final

from emrtd.asn1 import der
from emrtd.asn1.structures import read_small_integer
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extensions import KeyUsage
from support.errors import MalformedError
from support.values import Hidden, Value

ID_MASTER_LIST: Final = "2.23.136.1.1.2"
"""eContentType id-icao-cscaMasterList."""

MAX_CERTIFICATES: Final = 50_000
"""The most certificates that a list may hold; the largest known list has under 650."""

_WHAT: Final = "Master List"


class MasterList(Value, frozen=True):
    """A Master List: its SignedData, and its certificates in order.

    `unreadable` holds the reason for each entry that is not a certificate.
    """

    signed_data: SignedData
    certificates: Hidden[tuple[Certificate, ...]]
    unreadable: tuple[str, ...] = ()

    @property
    def strangers(self) -> tuple[Certificate, ...]:
        """The certificates that are not of a CSCA, which no list may contain (Doc 9303-12, 5.3)."""
        return tuple(each for each in self.certificates if not is_csca(each))

    @classmethod
    def parse(cls, octets: bytes) -> "MasterList":
        """Read a whole list with nothing behind it; raises `MalformedError`."""
        return cls.read(SignedData.parse(octets, _WHAT))

    @classmethod
    def read(cls, signed_data: SignedData) -> "MasterList":
        """Read the list that a SignedData signs; raises `MalformedError`."""
        whole = signed_data.read_content(ID_MASTER_LIST, _WHAT)
        fields = whole.expect(der.SEQUENCE).children
        if len(fields) != 2 or read_small_integer(fields[0]) != 0:
            raise whole.malformed("is not a version 0 list of certificates")
        certificates, unreadable = [], []
        for entry in fields[1].expect(der.SET).each(MAX_CERTIFICATES):
            try:
                certificates.append(Certificate.parse(entry.encoded))
            except MalformedError as error:
                unreadable.append(f"entry at offset {entry.begin}: {error}")
        return cls(signed_data, tuple(certificates), tuple(unreadable))


def is_csca(certificate: Certificate) -> bool:
    """Whether a certificate is a CSCA's or a link, by its CA flag or keyCertSign.

    Link certificates of CM, LU, PT and TR have keyCertSign without the CA flag, BE's old one has no
    basicConstraints.  A certificate of version 1 has neither, and is a CSCA's if it is self-issued.
    """
    extensions = certificate.extensions
    if certificate.is_ca:
        return True
    if extensions.key_usage is not None:
        return KeyUsage.KEY_CERT_SIGN in extensions.key_usage
    return certificate.is_self_issued and not extensions.all


def encode_master_list(certificates: tuple[Certificate, ...]) -> bytes:
    """Encode the content of a Master List, CscaMasterList in DER (Doc 9303-12, 9.2)."""
    return der.sequence(der.integer(0), der.set_of(*(each.der for each in certificates)))
