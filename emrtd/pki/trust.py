"""The interface of a trust store for path validation, and a store in memory.

This package has no database: a caller passes a `TrustView` to a validation.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.names import Name

if TYPE_CHECKING:
    from emrtd.pki.lists.defect_list import DefectList
    from emrtd.pki.lists.deviation_list import DeviationList


class Anchor(msgspec.Struct, frozen=True):
    """A trusted public key of a CSCA, as its root or link certificate.

    `source` is the origin of the certificate.  `unproven`: it is trusted on the operator's word
    alone.  Doc 9303-12, 6.1.1: there is one anchor for each key of a CSCA; a link certificate is
    never an intermediate certificate of a path.
    """

    certificate: Certificate
    source: str = ""
    unproven: bool = False


class TrustView(Protocol):
    """The queries of a validation; every anchor that is returned is trusted."""

    def anchors_by_key_identifier(self, identifier: bytes) -> Sequence[Anchor]:
        """Return the anchors with this subject key identifier."""
        ...

    def anchors_by_name(self, name: Name) -> Sequence[Anchor]:
        """Return the anchors whose subject `matches` this name."""
        ...

    def anchors_of_country(self, country: str) -> Sequence[Anchor]:
        """Return the anchors of a country, two letters in upper case."""
        ...

    def document_signers(
        self, serial: int | None, key_identifier: bytes | None
    ) -> Sequence[Certificate]:
        """Return known end-entity certificates with this serial number or key identifier."""
        ...

    def crls_of_country(self, country: str) -> Sequence[Crl]:
        """Return the CRLs of a country (two letters in upper case), not verified."""
        ...

    def deviation_lists(self, country: str) -> "Sequence[DeviationList]":
        """Return the verified Deviation Lists of a country (two letters in upper case)."""
        ...

    def defect_lists(self) -> "Sequence[DefectList]":
        """Return every verified Defect List; a list may concern the documents of any State."""
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
        deviation_lists: "Iterable[DeviationList]" = (),
        defect_lists: "Iterable[DefectList]" = (),
        unproven: frozenset[Certificate] = frozenset(),
    ) -> None:
        self._deviation_lists = tuple(deviation_lists)
        self._defect_lists = tuple(defect_lists)
        self._anchors = [Anchor(each, source, unproven=each in unproven) for each in anchors]
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

    def deviation_lists(self, country: str) -> "Sequence[DeviationList]":
        """See `TrustView`."""
        return [each for each in self._deviation_lists if each.country == country]

    def defect_lists(self) -> "Sequence[DefectList]":
        """See `TrustView`."""
        return self._defect_lists
