"""LDSSecurityObject: the hashes of the data groups, which EF.SOD signs (Doc 9303-10, 4.6.2.3)."""

from collections.abc import Mapping
from functools import lru_cache
from struct import iter_unpack
from typing import Any, Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_small_integer, read_text
from emrtd.crypto.algorithm_identifiers import encode_hash, read_hash
from emrtd.crypto.hashes import Hash
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

LDS_SECURITY_OBJECT: Final = "2.23.136.1.1.1"
"""eContentType id-icao-mrtd-security-ldsSecurityObject."""

LDS_1_8: Final = "0108"
UNICODE_4: Final = "040000"

_WHAT: Final = "LDSSecurityObject"


class SecurityObject(msgspec.Struct, frozen=True):
    """The hash of each data group (1 to 16), over the whole file with tag and length.

    A hash that was read is kept as signed, even if its size is not that of the algorithm: it then
    matches no data group.

    `declared_version` is the version number as it was read, if it contradicts the fields.
    `lds_version` ("0108") and `unicode_version` ("040000") are None in version 0 (LDS 1.7), which
    does not contain them.
    """

    hash_algorithm: Hash
    hashes: Mapping[int, bytes]
    lds_version: str | None = LDS_1_8
    unicode_version: str | None = UNICODE_4
    declared_version: int | None = None

    def __repr__(self) -> str:
        return f"SecurityObject({self.hash_algorithm}, {len(self.hashes)} data groups)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # the one of msgspec shows every field
        return []

    @classmethod
    def over(
        cls,
        data_groups: Mapping[int, bytes],
        hash_algorithm: Hash,
        lds_version: str | None = LDS_1_8,
        unicode_version: str | None = UNICODE_4,
    ) -> "SecurityObject":
        """Hash the data groups: a mapping of number to the whole file, without trailing octets."""
        hashes = {
            number: hash_algorithm.digest(data_groups[number]) for number in sorted(data_groups)
        }
        return cls(hash_algorithm, hashes, lds_version, unicode_version)

    def encode(self) -> bytes:
        """Return it in DER; raises `MisuseError` for a wrong number or size of a hash."""
        for number, digest in self.hashes.items():
            if not 1 <= number <= 16 or len(digest) != self.hash_algorithm.size:
                raise MisuseError(
                    f"a hash of {len(digest)} octets cannot be written for DG{number}"
                )
        values = (
            der.sequence(der.integer(number), der.octet_string(digest))
            for number, digest in sorted(self.hashes.items())
        )
        fields = [
            der.integer(0 if self.lds_version is None else 1),
            encode_hash(self.hash_algorithm),
            der.sequence(*values),
        ]
        if self.lds_version is not None:
            unicode_version = der.printable_string(self.unicode_version or UNICODE_4)
            fields.append(der.sequence(der.printable_string(self.lds_version), unicode_version))
        return der.sequence(*fields)

    @classmethod
    def decode(cls, octets: bytes) -> "SecurityObject":
        """Read it from DER; raises `MalformedError`."""
        whole = ber.read(octets, _WHAT)
        fields = whole.expect(der.SEQUENCE).children
        if not 3 <= len(fields) <= 4:
            raise whole.malformed("expected three or four fields")
        version = read_small_integer(fields[0])
        if version not in (0, 1):
            raise fields[0].malformed(Reason("version {version} is not known", version=version))
        algorithm = read_hash(fields[1])
        hashes = _read_hashes(fields[2].expect(der.SEQUENCE), algorithm)
        if not hashes:
            raise fields[2].malformed("no data group has a hash")
        lds_version, unicode_version = None, None
        if len(fields) == 4:
            lds_version, unicode_version = _read_versions(fields[3].encoded)
        declared = None if version == len(fields) - 3 else version
        return cls(algorithm, hashes, lds_version, unicode_version, declared)


def _read_hashes(values: ber.Value, algorithm: Hash) -> dict[int, bytes]:
    """Read SEQUENCE OF DataGroupHash; number to hash.

    Issuers encode all entries with the same lengths, so they are read as rows of a table.  Entries
    in any other form are read one by one.
    """
    size, contents = algorithm.size, values.contents
    if len(contents) % (size + 7) == 0:
        heads = bytes((der.SEQUENCE, size + 5, der.INTEGER, 1)), bytes((der.OCTET_STRING, size))
        rows = list(iter_unpack(f"4sB2s{size}s", contents))
        hashes = {
            number: digest
            for before, number, between, digest in rows
            if (before, between) == heads and 1 <= number <= 16
        }
        if len(hashes) == len(rows):
            return hashes
    hashes = {}
    for entry in values.children:
        number, digest = _read_hash(entry)
        if number in hashes:
            raise entry.malformed(Reason("DG{number} occurs twice", number=number))
        hashes[number] = digest
    return hashes


def _read_hash(entry: ber.Value) -> tuple[int, bytes]:
    fields = entry.expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise entry.malformed("expected the number and the hash of a data group")
    number = read_small_integer(fields[0])
    digest = fields[1].expect(der.OCTET_STRING).contents
    if not 1 <= number <= 16:
        raise entry.malformed(Reason("DG{number} does not exist", number=number))
    return number, digest


@lru_cache(maxsize=64)
def _read_versions(encoded: bytes) -> tuple[str, str]:
    """Read LDSVersionInfo; cached, since only two or three different ones are in use."""
    value = ber.read(encoded, _WHAT)
    fields = value.expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise value.malformed("expected two versions")
    lds_version, unicode_version = (read_text(each) for each in fields)
    if not (lds_version.isdigit() and unicode_version.isdigit()):
        raise MalformedError(_WHAT, "a version is not made of digits", value.begin)
    return lds_version, unicode_version
