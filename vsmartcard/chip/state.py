"""The persistent state of a chip, and its encoding.

A state is immutable: a command leaves it or makes a new one, and the program that runs the chip
saves it before it passes on the response.  The encoding is BER-TLV:

    EF  state        C0 version (1)  C1 life-cycle status (1)
                     E1 hardware     80 memory  81 largest command  82 largest response (octets)
                                     [83 (0): no extended length]  [84 serial number]
                     E0 chip keys, as in `emrtd.access.chip_keys`
                     E2* file        80 directory (1)  81 identifier (2)  [82 SFI (1)]  83 content
                     E3* password    80 type (1)  81 failures in a row (1)
                     [E4 security domain, as in `vsmartcard.chip.security_domain`]
                     [C4 trust points and date, once certificates have changed them: E0 of
                     `emrtd.pki.cvc.validation`]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from emrtd.access.passwords import PasswordType
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Random
from emrtd.status_words import SW
from emrtd.tlv import DataObject
from support.errors import MalformedError, MisuseError
from vsmartcard.chip.files.file_system import FileSystem, TransparentFile
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.security_domain import BlankKind, SecurityDomain, TransportKeys

_WHAT: Final = "chip state"
_STATE: Final = 0xEF
_VERSION: Final = 2
"""Version 1 had no serial number."""
_KEYS: Final = 0xE0
_DRAWN_SERIAL_NUMBER: Final = 8
_PASSWORD_TYPES: Final = {int(kind): kind for kind in PasswordType}


LONGEST_SERIAL_NUMBER: Final = 16


class OtherVersionError(MalformedError):
    """The state of a chip, written by another release."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """The limits of the hardware, in octets: `memory` for files and keys, and the two buffers.

    `max_command` and `max_response` count whole APDUs; a vpcd frame holds 65,535 octets.
    `serial_number` has at most 16 octets; if it is empty, the chip has none.
    """

    memory: int = 256 * 1024
    max_command: int = 65_535
    max_response: int = 65_535
    extended_length: bool = True
    serial_number: bytes = b""

    def __post_init__(self) -> None:
        if len(self.serial_number) > LONGEST_SERIAL_NUMBER:
            raise MisuseError(
                f"the serial number of a chip has {len(self.serial_number)} octets",
                advice=f"use at most {LONGEST_SERIAL_NUMBER} octets",
            )


@dataclass(frozen=True, slots=True)
class ChipState:
    """Everything that a chip keeps over a reset; `failures` counts wrong passwords in a row.

    `trust` is an encoded `TrustState`; it is empty until certificates have changed the trust points
    or the date of `keys`.  `security_domain` is None for a chip that anyone can personalise.
    """

    hardware: Hardware = field(default_factory=Hardware)
    life_cycle: LifeCycle = LifeCycle.BLANK
    files: FileSystem = field(default_factory=FileSystem)
    keys: ChipKeys = field(default_factory=ChipKeys)
    failures: Mapping[PasswordType, int] = field(default_factory=lambda: MappingProxyType({}))
    trust: bytes = b""
    security_domain: SecurityDomain | None = None

    @classmethod
    def blank(
        cls,
        hardware: Hardware | None = None,
        *,
        random: Random,
        transport: TransportKeys | None = None,
    ) -> "ChipState":
        """Return a new chip; hardware without a serial number gets one of 8 random octets.

        Without transport keys, anyone can personalise it.
        """
        hardware = hardware or Hardware()
        if not hardware.serial_number:
            hardware = replace(hardware, serial_number=random(_DRAWN_SERIAL_NUMBER))
        if transport is None:
            return cls(hardware)
        return cls(hardware, security_domain=transport.of_chip(hardware.serial_number))

    @property
    def requires_station(self) -> SecurityDomain | None:
        """The security domain that the station must authenticate to; None if there is none.

        A locked or terminated chip does not show its security domain, since its answers would make
        the holder traceable.  A chip of the kind `jmrtd-applet` authenticates nobody.
        """
        if self.security_domain is None or self.life_cycle >= LifeCycle.OPERATIONAL:
            return None
        return None if self.is_jmrtd_applet else self.security_domain

    @property
    def is_jmrtd_applet(self) -> bool:
        """Whether it is of the kind `jmrtd-applet`, which anyone can personalise."""
        domain = self.security_domain
        return domain is not None and domain.kind is BlankKind.JMRTD_APPLET

    def with_security_domain(self, security_domain: SecurityDomain) -> "ChipState":
        """Return the chip with other transport keys, or other counters."""
        return replace(self, security_domain=security_domain)

    def with_life_cycle(self, life_cycle: LifeCycle) -> "ChipState":
        """Return the chip in another life-cycle state."""
        return replace(self, life_cycle=life_cycle)

    def with_files(self, files: FileSystem) -> "ChipState":
        """Return the chip with other files; 6A84 if its memory is too small for them."""
        return replace(self, files=files)._fitting()

    def with_changed_file(self, file: TransparentFile) -> "ChipState":
        """Return the chip with one file changed to other content of the same size."""
        return replace(self, files=self.files.put(file))

    def with_keys(self, keys: ChipKeys) -> "ChipState":
        """Return the chip with other keys; 6A84 if its memory is too small for them."""
        return replace(self, keys=keys)._fitting()

    def with_failures(self, kind: PasswordType, count: int) -> "ChipState":
        """Return the chip with another count of failures of one type of password."""
        return replace(self, failures=MappingProxyType({**self.failures, kind: count}))

    def with_trust(self, trust: bytes) -> "ChipState":
        """Return the chip with other trust points or another date."""
        return replace(self, trust=trust)

    def _fitting(self) -> "ChipState":
        if self.files.size + len(self.keys.encode()) > self.hardware.memory:
            raise ChipRefusalError(SW.NOT_ENOUGH_MEMORY, "storing a file or a key")
        return self

    def encode(self) -> bytes:
        """Encode the state; the octets contain every secret of the chip."""
        return tlv.encode(
            _STATE,
            tlv.encode(0xC0, bytes((_VERSION,))),
            tlv.encode(0xC1, bytes((self.life_cycle,))),
            _encode_hardware(self.hardware),
            self.keys.encode(),
            *map(_encode_file, self.files),
            *(
                tlv.encode(0xE3, tlv.encode(0x80, bytes((kind,))), tlv.encode(0x81, bytes((n,))))
                for kind, n in self.failures.items()
            ),
            tlv.encode(0xC4, self.trust) if self.trust else b"",
            b"" if self.security_domain is None else self.security_domain.encode(),
        )

    @classmethod
    def decode(cls, octets: bytes) -> "ChipState":
        """Decode what `encode` returns; raises `MalformedError` for anything else."""
        fields = tlv.read_expected(octets, _STATE, _WHAT).children()
        version = _number(fields.one(0xC0))
        if version != _VERSION:
            raise OtherVersionError(
                _WHAT,
                f"is of version {version}, and this release reads version {_VERSION}",
                advice="name a new file, and write the document's image to it",
            )
        life_cycle = _number(fields.one(0xC1))
        if life_cycle not in {int(each) for each in LifeCycle}:
            raise fields.one(0xC1).malformed("is not a life-cycle state")
        return cls(
            _decode_hardware(fields.one(0xE1)),
            LifeCycle(life_cycle),
            FileSystem(tuple(map(_decode_file, fields.all(0xE2)))),
            ChipKeys.decode(tlv.encode(_KEYS, fields.one(_KEYS).value)),
            MappingProxyType(dict(map(_decode_failures, fields.all(0xE3)))),
            b"" if (trust := fields.get(0xC4)) is None else trust.value,
            None if (domain := fields.get(0xE4)) is None else SecurityDomain.decode(domain),
        )


def _encode_hardware(hardware: Hardware) -> bytes:
    sizes = (hardware.memory, hardware.max_command, hardware.max_response)
    return tlv.encode(
        0xE1,
        *(tlv.encode(0x80 + index, size.to_bytes(4, "big")) for index, size in enumerate(sizes)),
        b"" if hardware.extended_length else tlv.encode(0x83),
        tlv.encode(0x84, hardware.serial_number) if hardware.serial_number else b"",
    )


def _decode_hardware(value: DataObject) -> Hardware:
    fields = value.children()
    memory, command, response = (_number(fields.one(0x80 + index)) for index in range(3))
    serial_number = fields.get(0x84)
    if serial_number is not None and len(serial_number.value) > LONGEST_SERIAL_NUMBER:
        raise serial_number.malformed(f"is longer than {LONGEST_SERIAL_NUMBER} octets")
    return Hardware(
        memory,
        command,
        response,
        extended_length=fields.get(0x83) is None,
        serial_number=b"" if serial_number is None else serial_number.value,
    )


def _encode_file(file: TransparentFile) -> bytes:
    short = file.short_identifier
    return tlv.encode(
        0xE2,
        tlv.encode(0x80, bytes((file.directory,))),
        tlv.encode(0x81, file.identifier.to_bytes(2, "big")),
        b"" if short is None else tlv.encode(0x82, bytes((short,))),
        tlv.encode(0x83, file.content),
    )


def _decode_file(value: DataObject) -> TransparentFile:
    fields = value.children()
    directory, short = _number(fields.one(0x80)), fields.get(0x82)
    if directory not in {int(each) for each in Directory}:
        raise value.malformed("names an unknown directory")
    return TransparentFile(
        Directory(directory),
        _number(fields.one(0x81)),
        None if short is None else _number(short),
        fields.one(0x83).value,
    )


def _decode_failures(value: DataObject) -> tuple[PasswordType, int]:
    fields = value.children()
    kind = _PASSWORD_TYPES.get(_number(fields.one(0x80)))
    if kind is None:
        raise MalformedError(_WHAT, "counts failures of an unknown type of password")
    return kind, _number(fields.one(0x81))


def _number(data_object: DataObject) -> int:
    if not 1 <= len(data_object.value) <= 4:
        raise data_object.malformed("is not a number of 1 to 4 octets")
    return int.from_bytes(data_object.value, "big")
