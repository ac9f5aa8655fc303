"""The keys that a station needs to personalise a chip, and the state of SCP03 with them.

The encoding is BER-TLV:

    E4  security domain   80 kind of blank (1)  81 key version (1)  82 parameter i (1)
                          83 Key-ENC  84 Key-MAC  85 Key-DEK  86 key diversification data (10)
                          87 sequence counter (3)  88 failures in a row (1)  [89 retry limit (1)]
                          [8A CPLC data (42)]  [8B (0): does not count commands without data]
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum, unique
from typing import Final

from emrtd import tlv
from emrtd.globalplatform.keys import (
    DIVERSIFICATION_DATA_SIZE,
    TEST_KEY_VERSION,
    TEST_KEYS,
    KeySource,
    StaticKeys,
)
from emrtd.globalplatform.parameters import Variant
from emrtd.globalplatform.scp03 import KeySet
from emrtd.globalplatform.security_domain import CPLC_SIZE
from emrtd.tlv import DataObject
from support.errors import MalformedError, MisuseError
from support.secret import Secret

_TAG: Final = 0xE4
RETRY_LIMIT: Final = 10
"""How many failures in a row lock the keys of a chip, unless it is told otherwise."""


@unique
class BlankKind(IntEnum):
    """The set of commands that personalises a chip; the names are those of `chipseal.cards`."""

    ISO7816_9 = 1
    GLOBALPLATFORM = 2
    JMRTD_APPLET = 3

    @property
    def label(self) -> str:
        """The name of the kind of card."""
        return _LABELS[self]

    @classmethod
    def of(cls, label: str) -> "BlankKind":
        """Return the kind with this name; raises `MisuseError`."""
        for each in cls:
            if each.label == label:
                return each
        known = ", ".join(each.label for each in cls)
        raise MisuseError(f"{label!r} is not a kind of blank card", advice=f"use one of {known}")


_LABELS: Final = {
    BlankKind.ISO7816_9: "iso7816-9",
    BlankKind.GLOBALPLATFORM: "globalplatform",
    BlankKind.JMRTD_APPLET: "jmrtd-applet",
}


@dataclass(frozen=True, slots=True)
class SecurityDomain:
    """The transport keys of a chip that is not locked yet, and its counters.

    `sequence_counter` and `failures` are those of `KeySet`.  `counts_empty_commands` is that of
    `SecureChannel`.  A chip of the kind `jmrtd-applet` does not use its transport keys.
    """

    kind: BlankKind
    keys: StaticKeys = TEST_KEYS
    key_version: int = TEST_KEY_VERSION
    variant: Variant = field(default_factory=Variant)
    diversification_data: bytes = bytes(DIVERSIFICATION_DATA_SIZE)
    sequence_counter: int = 0
    failures: int = 0
    retry_limit: int | None = RETRY_LIMIT
    cplc: bytes = b""
    counts_empty_commands: bool = True

    @property
    def key_set(self) -> KeySet:
        """The keys and counters, for one run of the protocol."""
        return KeySet(
            self.key_version, self.keys, self.sequence_counter, self.failures, self.retry_limit
        )

    def after(self, key_set: KeySet) -> "SecurityDomain":
        """Return it with the counters of a key set."""
        return replace(self, sequence_counter=key_set.sequence_counter, failures=key_set.failures)

    def with_keys(self, keys: StaticKeys, key_version: int) -> "SecurityDomain":
        """Return it with other keys and counters at their beginning."""
        return replace(self, keys=keys, key_version=key_version, sequence_counter=0, failures=0)

    def encode(self) -> bytes:
        """Encode it; the octets contain the keys."""
        octets = (
            (0x80, bytes((self.kind,))),
            (0x81, bytes((self.key_version,))),
            (0x82, bytes((self.variant.i,))),
            *((0x83 + at, key.reveal()) for at, key in enumerate(self.keys.in_order)),
            (0x86, self.diversification_data),
            (0x87, self.sequence_counter.to_bytes(3, "big")),
            (0x88, bytes((self.failures,))),
        )
        limit = b"" if self.retry_limit is None else tlv.encode(0x89, bytes((self.retry_limit,)))
        cplc = tlv.encode(0x8A, self.cplc) if self.cplc else b""
        forgets = b"" if self.counts_empty_commands else tlv.encode(0x8B)
        return tlv.encode(
            _TAG, *(tlv.encode(tag, value) for tag, value in octets), limit, cplc, forgets
        )

    @classmethod
    def decode(cls, value: DataObject) -> "SecurityDomain":
        """Decode the data object E4; raises `MalformedError`."""
        fields = value.children()
        kind, version, i = (_octet(fields.one(tag)) for tag in (0x80, 0x81, 0x82))
        limit, cplc = fields.get(0x89), fields.get(0x8A)
        diversification = fields.one(0x86).value
        if kind not in {int(each) for each in BlankKind}:
            raise value.malformed("is not that of a known kind of blank")
        if len(diversification) != DIVERSIFICATION_DATA_SIZE:
            raise value.malformed("its diversification data do not have 10 octets")
        try:
            keys = StaticKeys(*(Secret(fields.one(0x83 + at).value) for at in range(3)))
        except MisuseError as error:
            raise MalformedError("chip state", error.message) from None
        return cls(
            BlankKind(kind),
            keys,
            version,
            Variant.of(i),
            diversification,
            int.from_bytes(fields.one(0x87).value, "big"),
            _octet(fields.one(0x88)),
            None if limit is None else _octet(limit),
            b"" if cplc is None else cplc.value,
            counts_empty_commands=fields.get(0x8B) is None,
        )


@dataclass(frozen=True, slots=True)
class TransportKeys:
    """The kind of a batch of blank chips, and their transport keys: by default the test key.

    `variant`, `retry_limit` and `counts_empty_commands` are those of the security domain.
    """

    kind: BlankKind = BlankKind.ISO7816_9
    keys: KeySource = TEST_KEYS
    key_version: int = TEST_KEY_VERSION
    variant: Variant = field(default_factory=Variant)
    retry_limit: int = RETRY_LIMIT
    counts_empty_commands: bool = True

    def of_chip(self, serial_number: bytes) -> SecurityDomain:
        """Return the security domain of a blank chip with this serial number.

        The diversification data are the serial number, right-aligned in 10 octets.  A chip with a
        security domain has CPLC data with the serial number in it.
        """
        diversification = serial_number[-DIVERSIFICATION_DATA_SIZE:].rjust(
            DIVERSIFICATION_DATA_SIZE, b"\0"
        )
        return SecurityDomain(
            self.kind,
            self.keys.for_card(diversification, self.key_version),
            self.key_version,
            self.variant,
            diversification,
            retry_limit=self.retry_limit,
            counts_empty_commands=self.counts_empty_commands,
            cplc=b"" if self.kind is BlankKind.ISO7816_9 else _cplc(serial_number),
        )


def _cplc(serial_number: bytes) -> bytes:
    """Return CPLC data: the IC serial number (4) and batch (2) are the serial number's end."""
    tail = serial_number[-6:].rjust(6, b"\0")
    fabrication = b"\xff\xff\x00\x01\xff\xff\x00\x00\x00\x00\x00\x00"  # fabricator to date
    return (fabrication + tail[2:] + tail[:2]).ljust(CPLC_SIZE, b"\0")


def _octet(data_object: DataObject) -> int:
    if len(data_object.value) != 1:
        raise data_object.malformed("must be one octet")
    return data_object.value[0]
