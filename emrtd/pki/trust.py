"""What a validation asks of a trust store, and a store in memory that answers it.

The standard knows no database: a validation is given a `TrustView`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.names import Name


@dataclass(frozen=True, slots=True)
class Anchor:
    """A CSCA's public key that is trusted, in the form of its root or a link certificate.

    `source` says where it came from.  Doc 9303-12, 6.1.1: one anchor for each key of a CSCA; a
    link certificate is never an intermediate certificate of a path.
    """

    certificate: Certificate
    source: str = ""


class TrustView(Protocol):
    """What a validation asks.  Whatever is returned as an anchor is trusted."""

    def anchors_by_key_identifier(self, identifier: bytes) -> Sequence[Anchor]:
        """The anchors whose subject key identifier this is."""
        ...

    def anchors_by_name(self, name: Name) -> Sequence[Anchor]:
        """The anchors whose subject `matches` this name."""
        ...

    def anchors_of_country(self, country: str) -> Sequence[Anchor]:
        """The anchors of a country, two letters in upper case."""
        ...

    def document_signers(
        self, serial: int | None, key_identifier: bytes | None
    ) -> Sequence[Certificate]:
        """Known end-entity certificates with that serial number or subject key identifier."""
        ...

    def crls_of_country(self, country: str) -> Sequence[Crl]:
        """The revocation lists of a country, not verified; two letters in upper case."""
        ...

    def deviation_lists(self, country: str) -> Sequence[DeviationList]:
        """The Deviation Lists that a country signed, verified; two letters in upper case."""
        ...

    def defect_lists(self) -> Sequence[DefectList]:
        """Every Defect List, verified: they speak of the documents of any State."""
        ...


class TrustSet:
    """A `TrustView` of certificates and lists in memory, all of which the caller trusts."""

    def __init__(
        self,
        anchors: Iterable[Certificate] = (),
        crls: Iterable[Crl] = (),
        signers: Iterable[Certificate] = (),
        source: str = "",
        *,
        deviation_lists: Iterable[DeviationList] = (),
        defect_lists: Iterable[DefectList] = (),
    ) -> None:
        self._deviation_lists = tuple(deviation_lists)
        self._defect_lists = tuple(defect_lists)
        self._anchors = [Anchor(each, source) for each in anchors]
        self._crls = tuple(crls)
        self._signers = tuple(signers)
        self._by_key: defaultdict[bytes | None, list[Anchor]] = defaultdict(list)
        self._by_name: defaultdict[str, list[Anchor]] = defaultdict(list)
        self._by_country: defaultdict[str | None, list[Anchor]] = defaultdict(list)
        for anchor in self._anchors:
            certificate = anchor.certificate
            self._by_key[certificate.extensions.subject_key_identifier].append(anchor)
            self._by_name[certificate.subject.key].append(anchor)
            self._by_country[certificate.country].append(anchor)

    def anchors_by_key_identifier(self, identifier: bytes) -> Sequence[Anchor]:
        """See `TrustView`."""
        return self._by_key.get(identifier, ())

    def anchors_by_name(self, name: Name) -> Sequence[Anchor]:
        """See `TrustView`."""
        return self._by_name.get(name.key, ())

    def anchors_of_country(self, country: str) -> Sequence[Anchor]:
        """See `TrustView`."""
        return self._by_country.get(country, ())

    def document_signers(
        self, serial: int | None, key_identifier: bytes | None
    ) -> Sequence[Certificate]:
        """See `TrustView`."""
        return [
            each
            for each in self._signers
            if (serial is not None and each.serial == serial)
            or (
                key_identifier is not None
                and each.extensions.subject_key_identifier == key_identifier
            )
        ]

    def crls_of_country(self, country: str) -> Sequence[Crl]:
        """See `TrustView`."""
        return [each for each in self._crls if each.country == country]

    def deviation_lists(self, country: str) -> Sequence[DeviationList]:
        """See `TrustView`."""
        return [each for each in self._deviation_lists if each.country == country]

    def defect_lists(self) -> Sequence[DefectList]:
        """See `TrustView`."""
        return self._defect_lists
