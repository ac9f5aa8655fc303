"""Distinguished names, compared exactly, or as leniently as real issuers require.

Issuers encode the same name with its parts in different orders, cases or types of string (Doc
9303-12, 7.1.1 allows PrintableString and UTF8String).
"""

import re
import unicodedata
from collections import Counter
from functools import cached_property, lru_cache
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_oid, read_text
from support.errors import MalformedError

COUNTRY: Final = "2.5.4.6"
COMMON_NAME: Final = "2.5.4.3"
ORGANIZATION: Final = "2.5.4.10"
ORGANIZATIONAL_UNIT: Final = "2.5.4.11"
ORGANISATION: Final = "2.5.4.10"

_LABELS: Final = {
    COMMON_NAME: "CN",
    "2.5.4.5": "serialNumber",
    COUNTRY: "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    ORGANISATION: "O",
    "2.5.4.11": "OU",
    "1.2.840.113549.1.9.1": "emailAddress",
}


class Name:
    """A distinguished name; two are equal if their encodings are.

    `attributes` are pairs of dotted object identifier and text, in the encoded order; `parts` are
    the same attributes, encoded.  `country_as_written` and `country`, the same in upper case, are
    None if the name has none.
    """

    def __init__(
        self, encoded: bytes, attributes: tuple[tuple[str, str], ...], parts: tuple[bytes, ...]
    ) -> None:
        self.encoded = encoded
        self.attributes = attributes
        self.parts = parts
        self.country_as_written = written = dict(reversed(attributes)).get(COUNTRY)
        self.country = None if written is None else written.strip().upper()

    @classmethod
    def read(cls, value: ber.Value) -> "Name":
        """Read an RDNSequence; raises `MalformedError`."""
        name, is_der = _read(value.encoded, value.what)
        value.source.is_der &= is_der
        return name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Name):
            return NotImplemented
        return self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    @cached_property
    def _text(self) -> str:
        """The name as in RFC 4514, 2: the last part first."""
        parts = (
            f"{_LABELS.get(oid, oid)}={_escape(text)}" for oid, text in reversed(self.attributes)
        )
        return ",".join(parts)

    @cached_property
    def key(self) -> str:
        """A key that is equal for names that differ only in order, case, spaces or string type."""
        parts = sorted(f"{oid}={_fold(text)}" for oid, text in self.attributes)
        return "\n".join(parts)

    def matches(self, other: "Name") -> bool:
        """Whether two names are the same, apart from order, case, spaces and string types."""
        return self.encoded == other.encoded or self.key == other.key

    def is_rewritten(self, other: "Name") -> bool:
        """Whether two names have the same texts, in another order or other types of string.

        This is for a name that no signature covers: unlike `matches`, it is false after a change of
        any single octet.  Names whose string types differ must differ in at least two parts.
        """
        ours, theirs = Counter(self.parts), Counter(other.parts)
        if ours == theirs:
            return True
        changed = (ours - theirs).total(), (theirs - ours).total()
        return changed[0] == changed[1] > 1 and self._texts == other._texts is not None

    @cached_property
    def _texts(self) -> Counter[tuple[str, str]] | None:
        """The texts, or None if one is not of a type that Doc 9303-12, 7.1.1 allows."""
        if not all(_is_text(part) for part in self.parts):
            return None
        return Counter(self.attributes)


@lru_cache(maxsize=1024)
def _read(encoded: bytes, what: str) -> tuple[Name, bool]:
    """Read a name, and whether it is DER; cached, since a State uses only a few names."""
    value = ber.read(encoded, what)
    attributes: list[tuple[str, str]] = []
    parts: list[bytes] = []
    is_der = True
    for relative in value.expect(der.SEQUENCE).children:
        shared = _read_shared(relative.encoded, what)
        found = _read_relative(relative) if shared is None else shared
        attributes += found[0]
        parts += found[1]
        is_der &= found[2]
    return Name(encoded, tuple(attributes), tuple(parts)), is_der and value.source.is_der


_Relative = tuple[tuple[tuple[str, str], ...], tuple[bytes, ...], bool]
"""Attributes and encodings of a RelativeDistinguishedName, and whether it is DER."""


@lru_cache(maxsize=1024)
def _read_shared(encoded: bytes, what: str) -> _Relative | None:
    """Read a part that many names share; None if it must be read where it is, for the offset."""
    try:
        return _read_relative(ber.read(encoded, what))
    except MalformedError:
        return None


def _read_relative(relative: ber.Value) -> _Relative:
    attributes, parts = [], []
    for attribute in relative.expect(der.SET).children:
        fields = attribute.expect(der.SEQUENCE).children
        if len(fields) != 2:
            raise attribute.malformed("a part of a name must be a type and a value")
        attributes.append((read_oid(fields[0]), _text(fields[1])))
        parts.append(attribute.encoded)
        if fields[1].constructed:  # not a text
            ber.is_der(fields[1])
    return tuple(attributes), tuple(parts), relative.source.is_der


def _is_text(part: bytes) -> bool:
    value = ber.read(part, "part of a name").children[1]
    return value.tag in (der.PRINTABLE_STRING, der.UTF8_STRING)


def encode_name(*attributes: tuple[str, str]) -> bytes:
    """Encode a name from pairs of dotted object identifier and text (Doc 9303-12, 7.1.1).

    Country and serial number are PrintableString, the rest UTF8String.
    """
    printable = (COUNTRY, "2.5.4.5")
    return der.sequence(
        *(
            der.set_of(
                der.sequence(
                    der.oid(oid),
                    der.printable_string(text) if oid in printable else der.utf8_string(text),
                )
            )
            for oid, text in attributes
        )
    )


def _text(value: ber.Value) -> str:
    try:
        return read_text(value)
    except MalformedError:  # not a text: the "#" makes it different from every text
        return "#" + value.encoded.hex()


def _fold(text: str) -> str:
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


_PLAIN: Final = re.compile(r"[A-Za-z0-9 ./:@()_*'-]*").fullmatch


def _escape(text: str) -> str:
    if _PLAIN(text):
        return text
    shown = "".join(f"\\{c}" if c in ',+"\\<>;=' else c for c in text)
    return "".join(c if c.isprintable() else f"\\{ord(c):02X}" for c in shown)
